"""`chatlog completion`."""

from __future__ import annotations

from typing import Annotated

import typer

from chatlog.cli.options import verb
from chatlog.cli.session import Session
from chatlog.errors import UsageError

SHELLS = ("bash", "zsh", "fish")


@verb(
    "chatlog completion bash > ~/.local/share/bash-completion/completions/chatlog",
    'chatlog completion zsh > "${fpath[1]}/_chatlog"',
    "chatlog completion fish > ~/.config/fish/completions/chatlog.fish",
)
def command(
    ctx: typer.Context,
    shell: Annotated[
        str, typer.Argument(metavar="bash|zsh|fish", help="The shell.", autocompletion=lambda: list(SHELLS))
    ],
) -> None:
    """Print a shell's completion script: verbs, options, formats, tags, ids with their titles."""
    Session.of(ctx).output.lines([script(shell)])


def script(shell: str) -> str:
    """Return a shell's completion script.  Raises UsageError for a shell there is none for."""
    if shell not in SHELLS:
        raise UsageError(f"there is no completion for '{shell}'", f"one of: {', '.join(SHELLS)}")
    from typer._completion_shared import get_completion_script

    return get_completion_script(prog_name="chatlog", complete_var="_CHATLOG_COMPLETE", shell=shell)
