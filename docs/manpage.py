"""The manual page, docs/man/chatlog.1: what the help says, as roff.  generate.py writes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from chatlog.cli import COMMANDS
from chatlog.cli.help import TOPICS, page_of
from chatlog.config import SETTINGS

HEAD = r""".\" Written by docs/generate.py; change the code it comes from, then run: python docs/generate.py
.TH CHATLOG 1 "" "chatlog" "User Commands"
.ad l
.nh
.SH NAME
chatlog \- AI conversations in one SQLite file: import them, add to them, find them again
.SH SYNOPSIS
.B chatlog
[\fIOPTIONS\fR] \fIVERB\fR [\fIARGS\fR]...
.br
.B chatlog help
[\fIVERB\fR|\fITOPIC\fR]
.SH DESCRIPTION
chatlog keeps a person's or an application's AI conversations in one SQLite file that they own. It imports the history
they have, takes new messages from any script, finds things again by words and by meaning, assembles the messages for
the next request within a token budget, and forgets on schedule, provably. Standard output is data, standard error
is everything else."""
TAIL = r""".SH FILES
.TP
.I ~/.local/share/chatlog/chatlog.db
The database, unless \fB\-\-db\fR or \fBCHATLOG_DB\fR says otherwise; \fBchatlog db path\fR prints where it is.
.TP
.I ~/.config/chatlog/config.toml
The settings; \fBchatlog config path\fR prints where they are.
.SH SEE ALSO
.BR sqlite3 (1),
.BR less (1)"""


def page(root: Any) -> str:
    """Return the manual page of the whole command line."""
    lines = [HEAD, ".SH EXAMPLES", *verbatim("\n".join(examples(root.command)))]
    lines += [".SH GLOBAL OPTIONS", "They may stand before or after the verb.", *options(root)]
    lines += [".SH VERBS"]
    for name in COMMANDS:
        lines += verb(root, root.command.get_command(root, name), f"chatlog {name}")
    for topic in TOPICS:
        if topic != "settings":
            title, _, text = page_of(topic).partition("\n")
            lines += [f".SH {roff(title).upper()}", *verbatim(text.strip("\n"))]
    lines += [".SH ENVIRONMENT"]
    for setting in SETTINGS:
        lines += [".TP", rf"\fB{setting.variables[0]}\fR", roff(setting.sentence)]
    return "\n".join([*lines, TAIL, ""])


def examples(command: Any) -> list[str]:
    """Return the lines of the top level's examples."""
    return [line.strip() for line in command.help.splitlines() if line.startswith("  chatlog")]


def verb(parent: Any, command: Any, title: str) -> Iterator[str]:
    """Yield the section of a verb, and those of the verbs below it."""
    context = typer.Context(command, info_name=title.rpartition(" ")[2], parent=parent)
    usage = " ".join(command.collect_usage_pieces(context))
    yield f'.SS "{roff(title)} {roff(usage)}"'
    yield roff(" ".join(command.help.split("\n\n")[0].split()))
    for paragraph in command.help.split("\n\n")[1:]:
        yield from (".PP", roff(" ".join(paragraph.split())))
    if hasattr(command, "list_commands"):
        for name in command.list_commands(context):
            yield from verb(context, command.get_command(context, name), f"{title} {name}")
        return
    yield from (".PP", *verbatim("\n".join(command.spec.examples)))
    yield from options(context)


def options(context: Any) -> Iterator[str]:
    """Yield the options of a command that its help shows."""
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context)
        if record and "--help" not in record[0]:
            yield from (".TP", rf"\fB{roff(record[0])}\fR", roff(record[1]))


def verbatim(text: str) -> list[str]:
    """Return lines that keep their layout."""
    return [".EX", *(roff(line) for line in text.splitlines()), ".EE"]


def roff(text: str) -> str:
    """Return text that roff takes as it is."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace('"', r"\(dq")
    text = "".join(char if char.isascii() else rf"\[u{ord(char):04X}]" for char in text)
    return rf"\&{text}" if text.startswith((".", "'")) else text
