"""An embedder that is a program: texts on its stdin as JSONL, vectors on its stdout as JSONL."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chatlog.embedders import Embedder, checked, unit
from chatlog.errors import NoVectorsError, UsageError

if TYPE_CHECKING:
    from chatlog.embedders import Matrix

TIMEOUT_SECONDS = 600


class Command(Embedder):
    """A program, run once for each batch without a shell."""

    batch = 256

    def __init__(self, line: str) -> None:
        try:
            self.words = shlex.split(line)
        except ValueError as error:
            raise UsageError(f"the embedder's command cannot be read: {error}") from None
        if not self.words:
            raise UsageError("the embedder's command is empty", "command:PROGRAM ARGUMENTS")
        self.fingerprint = f"command:{line}"

    def embed(self, texts: Sequence[str], weights: bytes | None) -> Matrix:  # noqa: ARG002
        """Return the program's vectors, of length 1.  Raises NoVectorsError where it fails."""
        lines = "".join(f"{json.dumps(text)}\n" for text in texts)
        try:
            done = subprocess.run(  # noqa: S603  the user's own program
                self.words, input=lines.encode(), capture_output=True, timeout=TIMEOUT_SECONDS, check=True
            )
            answers = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
            return unit(checked([_vector(line) for line in answers], len(texts)))
        except (OSError, subprocess.SubprocessError, ValueError, RecursionError) as error:
            raise NoVectorsError(f"the embedder {self.words[0]} failed: {_why(error)}", "run it by hand") from None


def _vector(value: Any) -> Any:
    """Return the vector of a line: an array, or an object that holds one as `embedding` or `vector`."""
    return value.get("embedding", value.get("vector")) if isinstance(value, dict) else value


def _why(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"exit code {error.returncode}"
    return type(error).__name__ if isinstance(error, subprocess.SubprocessError) else str(error)[:200]
