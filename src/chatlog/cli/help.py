"""`chatlog help`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from chatlog.cli.options import meant, verb
from chatlog.cli.session import Session
from chatlog.config import SETTINGS
from chatlog.errors import UsageError

TOPICS = {
    "exit-codes": """Exit codes

  0    ok, also when there was nothing new
  1    no match, or a check failed (a stale --if-revision, doctor)
  2    usage, or refused without --yes or --force
  3    not found, no database
  4    partly done: some inputs failed, the rest is done
  5    the database file is damaged
  6    the file is of a newer chatlog or another application, or the key is wrong
  7    locked or busy, disk full, read-only: try again
  8    the budget cannot be met
  130  interrupted
  141  whoever read the output went away, as head does

With --json an error is {"error": {"kind", "message", "hint", "retryable"}} on stderr, and stdout is empty.
""",
    "dates": """Dates

  7d 2w 3mo 1y 12h 30m     that long ago, as are "3 weeks ago" and "10 days" (a month is 30 days, a year 365)
  today yesterday monday   the whole local day; "last friday" and "Nov 3" are the latest there was
  2026-01-31 2026-W46      the whole day, week, month (2026-01) or year (2026): --since its start, --until its end
  "last week" "Jan 2026"   the same: this or the last week (from Monday), month, year; January: the latest there was
  2026-01-31T10:00+01:00   an instant; without a zone, local time
  14:00 5pm noon now       an instant of today, or of a day beside it: "yesterday 5pm"

Dots may stand for blanks: 3.weeks.ago, last.friday.  Spans, as --ttl and --older-than take them, are 90d or 2w.

JSON and files hold ISO-8601 UTC: 2026-11-20T21:44:00.123Z
""",
    "filters": """Filters, the same on list, search, similar, export, tag, delete, prune, redact, stats and others

  --tag T (repeated: all of them)  --no-tag T  --source NAME  --model NAME  --role ROLE  --author NAME
  --title TEXT  --project PATH  --since WHEN  --until WHEN  --pinned/--no-pinned  --archived  --deleted
  --min-messages N  --max-messages N

On search, dates, role, author and model are those of the message; on the others, of the conversation.
Archived conversations are left out by list alone: the others take them too, unless --archived chooses only them.
An empty filter ("") is refused, and so are ids and filters together where something is changed.
""",
    "query": """The search language

  retry backoff            both words; where no message has both, words are left out one by one, and named
  "retry with backoff"     these words in a row
  -draft                   not this word; --no-verify and -f are words, as commands have them, and -rf where a message
                           has the command like that
  retr*                    words that begin like this
  role:user tag:work model:gpt-5 title:lisbon source:chatgpt project:shop author:ana
  since:2w until:2026-01-31  in:tool in:title  is:pinned  -tag:old -role:tool

Type a question as it comes to mind: its small words are left out.  Words match their other forms (retry, retries);
identifiers match by their parts (getUserName by user); Chinese, Japanese, Korean and Thai by any characters.
""",
    "encryption": """Encryption

  chatlog db encrypt --key-file ~/.config/chatlog/key     makes the key (0600) and encrypts the database with it
  chatlog config set key_file ~/.config/chatlog/key       every verb finds it from then on
  chatlog db rekey --new-key-file FILE    chatlog db decrypt

Where the key is, the first that is set: key_file, key_command (its first line), keyring (yes: the system's);
without any a person is asked for a passphrase.  Never on the command line or in the environment.
A key is 64 or 96 hexadecimal digits; anything else is a passphrase.  A lost key cannot be recovered.
""",
    "ids": """Ids

  7pvd3bgm          a conversation, by its first characters: four or more that no other one begins with
  @last  @2  @3     the one that changed last, the one before it, and so on
  7pvd3bgm:12       a message: its conversation and its number in it
  -                 ids on stdin, one a line, as --format ids prints them

  chatlog list --tag work --format ids | chatlog export - --to markdown -o work/
""",
    "json": """JSON

A list is {"schema_version": 1, "items": [...], "total": N|null, "next_cursor": S|null, "warnings": [...]};
one thing stands under its own noun; --format jsonl is one item a line.  Within schema_version 1 keys are
only ever added.  chatlog export --to jsonl writes chatlog's own lossless form:

  {"type": "chatlog", "version": 1}
  {"type": "conversation", "id": ..., "title": ..., ...}
  {"type": "message", "conversation": ID, "role": "user", "text": "...", ...}

chatlog import takes the same from anyone: a message line needs conversation, role and text or parts.
""",
    "terminal": """Terminal

On a terminal: tables, colours, a pager for what is taller than the screen.
In a pipe: one record a line, nothing cut, no colour.

  --no-color  NO_COLOR=1  FORCE_COLOR=1   no colours; colours in a pipe too
  --no-pager  CHATLOG_PAGER=  PAGER=...   no pager; another one (less -FRX)
  -q, --quiet                             no hints, no progress, no warnings that a context fills up
  CHATLOG_PLAIN=1                         for screen readers: no tables, colours,
                                          bars or pager (config set plain yes)
  TERM=dumb                               no colours and no progress
  --no-input                              never a question: refuse instead

What was stored cannot drive the terminal: control characters are spelt out.
Ctrl-C ends any verb cleanly (130).
""",
    "settings": """Settings

A flag beats the environment, which beats the config file (chatlog config path), which beats the default.

{settings}

  chatlog config list    what each is now, and where that comes from
  chatlog config set pager 'less -R'
""",
}


def page_of(topic: str) -> str:
    """Return the text of a topic."""
    lines = (f"  {one.name:13} {one.variables[0]:22} {one.sentence}" for one in SETTINGS)
    return TOPICS[topic].replace("{settings}", "\n".join(lines)).rstrip()


def _pages(ctx: typer.Context) -> list[str]:
    """Return what there is help on."""
    return [*ctx.find_root().command.list_commands(ctx), *TOPICS]  # type: ignore[attr-defined]


def _verbs_below(ctx: typer.Context) -> list[str]:
    """Return the verbs of the group that was named."""
    root = ctx.find_root()
    return [*getattr(root.command.get_command(root, ctx.params.get("topic") or ""), "commands", ())]  # type: ignore[attr-defined]


@verb("chatlog help search", "chatlog help db backup", "chatlog help exit-codes", "chatlog help query")
def command(
    ctx: typer.Context,
    topic: Annotated[
        str | None,
        typer.Argument(metavar="[VERB|TOPIC]", help=f"Topics: {', '.join(TOPICS)}.", autocompletion=_pages),
    ] = None,
    verb_of: Annotated[
        str | None, typer.Argument(metavar="[VERB]", help="Of db, memory …: which.", autocompletion=_verbs_below)
    ] = None,
) -> None:
    """Explain a verb, or a topic: exit-codes, dates, filters, query, ids, json, terminal, settings, encryption."""
    session = Session.of(ctx)
    if topic in TOPICS and verb_of is None:
        with session.output.paged():
            session.output.prose(page_of(topic).split("\n"))
        return
    root = ctx.find_root()
    if topic is None:
        with session.output.paged():
            session.output.lines([root.get_help(), "", f"Topics: chatlog help {' | '.join(TOPICS)}"])
        return
    found = root.command.get_command(root, topic)  # type: ignore[attr-defined]
    if found is None:
        close = meant(topic, _pages(ctx))
        raise UsageError(f"there is no verb or topic '{topic}'", close or f"topics: {', '.join(TOPICS)}")
    with typer.Context(found, info_name=topic, parent=root) as child, session.output.paged():
        session.output.lines([found.get_help(child) if verb_of is None else _help_below(child, verb_of)])


def _help_below(ctx: Any, name: str) -> str:
    """Return the help of a verb of a group.  Raises UsageError where it is none."""
    verbs = getattr(ctx.command, "commands", {})
    if name not in verbs:
        close = meant(name, verbs) or (f"one of: {', '.join(verbs)}" if verbs else f"chatlog help {ctx.info_name}")
        raise UsageError(f"{ctx.info_name} has no verb '{name}'", close)
    with typer.Context(verbs[name], info_name=name, parent=ctx) as below:
        return str(verbs[name].get_help(below))
