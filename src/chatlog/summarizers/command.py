"""A command as summariser: the transcript on its stdin, the summary on its stdout.

What is wanted of it is in its environment, ``CHATLOG_PROMPT``; the command is the user's own and runs in a shell.
"""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass

from chatlog.asking import end
from chatlog.errors import CommandError
from chatlog.summarizers import Task

_SECONDS = 600.0


@dataclass(frozen=True)
class Command:
    """Runs a command for each task; with `apart` all of its processes end together (see `asking.answers`)."""

    line: str
    apart: bool = False
    seconds: float = _SECONDS

    def __call__(self, task: Task) -> str:
        """Return what the command says.  Raises CommandError where it fails or says nothing."""
        script = f"export CHATLOG_PROMPT={shlex.quote(task.instruction)}\n{self.line}"
        said = task.transcript().encode("utf-8", "replace")
        try:
            code, answer, complaint = self._run(script, said)
        except subprocess.TimeoutExpired:
            raise CommandError(f"the summariser said nothing for {self.seconds:.0f} seconds", self.line) from None
        except OSError as error:
            raise CommandError(f"the summariser cannot be run: {error.strerror}", self.line) from None
        if code:
            reason = complaint.rpartition("\n")[2][:200]
            raise CommandError(f"the summariser failed with code {code}", reason or self.line)
        if not answer:
            raise CommandError("the summariser said nothing", self.line)
        return answer

    def _run(self, script: str, said: bytes) -> tuple[int, str, str]:
        """Return the code a script ends with, and what it prints on stdout and stderr."""
        pipe = subprocess.PIPE
        group = 0 if self.apart else None
        # the command is what the user typed, pipes and all
        with subprocess.Popen(  # noqa: S602
            script, shell=True, stdin=pipe, stdout=pipe, stderr=pipe, process_group=group
        ) as process:
            try:
                printed = process.communicate(said, self.seconds)
            finally:
                end(process, apart=self.apart)
        answer, complaint = (text.decode("utf-8", "replace").strip() for text in printed)
        return process.returncode, answer, complaint
