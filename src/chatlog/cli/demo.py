"""`chatlog demo`: the real verbs on a small history of our own, in a database of its own."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from chatlog.cli.options import verb
from chatlog.cli.session import Session
from chatlog.errors import RefusedError
from chatlog.paths import expanded

#: What is shown, in this order.
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Bring in three histories: ChatGPT, Claude and Claude Code.", ("import", "{history}")),
    ("What is there now, the latest first.", ("list", "-n", "8")),
    ("Ask in your own words; the matches come from different tools.", ("search", "retry backoff", "-n", "3")),
    ("Read around a hit.", ("search", "sourdough", "-n", "1", "-C", "1")),
    ("The end of a conversation.", ("show", "@last", "-n", "3")),
    ("Add to it from any script.", ("add", "@last", "--role", "user", "Thanks! What should we do next?")),
    (
        "The messages for the next request, in 300 tokens: what matters of all of it, and what was said last.",
        ("context", "@last", "--query", "Why did the retries fail at first?", "--budget", "300", "--format", "text"),
    ),
    (
        "What would go if only the last five were kept? A dry run shows it; nothing is lost.",
        ("prune", "--keep-last", "5", "--dry-run"),
    ),
    ("Take it with you.", ("export", "@last", "--to", "markdown", "-o", "{folder}/last.md")),
)
NEXT = (
    "chatlog import ~/Downloads/your-export.zip",
    'chatlog search "what did we decide about …"',
    "chatlog list --since 2w",
)


@verb("chatlog demo", "chatlog demo --keep demo.db")
def command(
    ctx: typer.Context,
    keep: Annotated[str | None, typer.Option(metavar="FILE", help="Keep the demo's database here.")] = None,
) -> None:
    """Show what chatlog does, on a small built-in history; nothing is left behind unless --keep says where."""
    session = Session.of(ctx)
    if keep and expanded(keep).exists():
        raise RefusedError(f"{keep} exists already", "choose another name")
    with _folder() as folder, _history() as history:
        database = expanded(keep) if keep else folder / "demo.db"
        places = {"history": str(history), "folder": str(folder)}
        for sentence, arguments in STEPS:
            _show(session, sentence, [argument.format(**places) for argument in arguments], database)
    session.output.lines(["", session.output.paint("Now with your own:", "bold"), *(f"  {line}" for line in NEXT)])
    if keep:
        session.output.hint(f"the demo's database is {database}: chatlog --db {keep} list")


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="chatlog-demo-") as name:
        yield Path(name)


@contextmanager
def _history() -> Iterator[Path]:
    """Return a folder with the built-in exports."""
    with as_file(files("chatlog.demo")) as folder:
        yield folder


def _show(session: Session, sentence: str, arguments: Sequence[str], database: Path) -> None:
    """Run one command as a user would, in this process, below its own command line."""
    from chatlog.cli import app

    output = session.output
    typed = shlex.join(["chatlog", *(os.path.basename(part) if part.startswith("/") else part for part in arguments)])  # noqa: PTH119
    output.prose(["", output.paint(sentence, "dim")])
    output.lines([output.paint(f"$ {typed}", "bold")])  # one line, to be copied
    output.out.flush()
    run = Session()
    flags = ["--db", str(database), "--no-pager", "--quiet"]
    with run.resources:
        app().main([*flags, *arguments], prog_name="chatlog", standalone_mode=False, obj=run)
