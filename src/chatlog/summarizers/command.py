"""A command as summariser: the transcript on its stdin, the summary on its stdout.

What is wanted of it is in its environment, ``CHATLOG_PROMPT``; the command is the user's own and runs in a shell.
"""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass

from chatlog.errors import CommandError
from chatlog.summarizers import Task

_SECONDS = 600.0


@dataclass(frozen=True)
class Command:
    """Runs a command for each task."""

    line: str
    seconds: float = _SECONDS

    def __call__(self, task: Task) -> str:
        """Return what the command says.  Raises CommandError where it fails or says nothing."""
        script = f"export CHATLOG_PROMPT={shlex.quote(task.instruction)}\n{self.line}"
        said = task.transcript().encode("utf-8", "replace")
        try:
            # the command is what the user typed, pipes and all
            done = subprocess.run(  # noqa: S602
                script, shell=True, check=False, capture_output=True, input=said, timeout=self.seconds
            )
        except subprocess.TimeoutExpired:
            raise CommandError(f"the summariser said nothing for {self.seconds:.0f} seconds", self.line) from None
        except OSError as error:
            raise CommandError(f"the summariser cannot be run: {error.strerror}", self.line) from None
        if done.returncode:
            reason = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
            raise CommandError(f"the summariser failed with code {done.returncode}", reason or self.line)
        answer = done.stdout.decode("utf-8", "replace").strip()
        if not answer:
            raise CommandError("the summariser said nothing", self.line)
        return answer
