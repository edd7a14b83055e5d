"""What the destructive verbs share: their options, the question before, the report after.

The report of a dry run and that of the deed are the same value.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

import typer

from chatlog.cli.options import complete_tag, one_of
from chatlog.cli.session import Session
from chatlog.errors import PartlyDoneError, RefusedError, UsageError
from chatlog.models import Conversation, parse_ref, short_ref
from chatlog.narrowing import contradiction, possible
from chatlog.output import ID, Column, Listing, Output, counted, size_text, text_of
from chatlog.retention import Plan
from chatlog.rules import ACTIONS, AGES, FILTERS, Rule, checked, rule_from
from chatlog.store import Store
from chatlog.store.forgetting import Stop

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would happen, and do nothing.")]
OlderThan = Annotated[str | None, typer.Option(metavar="90d", help="Not active for so long (see --by).")]
By = Annotated[str, typer.Option(metavar="activity|created", help="Whose age counts.", autocompletion=one_of(*AGES))]
KeepLast = Annotated[int | None, typer.Option(metavar="N", min=0, help="All but the latest N.")]
MaxSize = Annotated[str | None, typer.Option(metavar="2GB", help="The oldest, until the rest fits.")]
Action = Annotated[
    str, typer.Option(metavar="|".join(ACTIONS), help="What happens to them.", autocompletion=one_of(*ACTIONS))
]
ExceptTag = Annotated[
    list[str] | None,
    typer.Option(metavar="T", help="Never those with this tag; repeatable.", autocompletion=complete_tag),
]
UnlessActive = Annotated[str | None, typer.Option(metavar="7d", help="Never those active in this time.")]
UnlessDue = Annotated[bool, typer.Option("--unless-due", help="Never those whose compaction is due.")]
Detector = Annotated[
    list[str] | None, typer.Option(metavar="D", help="For the action redact: only this kind or group; repeatable.")
]
Everything = Annotated[bool, typer.Option("--everything", help="Even if nothing remains.")]

#: What nothing passes today, as --since 2026-11-01 --until 30d, may pass one day.
LATER = timedelta(days=365_000)
#: So many of what would go are named before the question.
NAMED = 5
UPDATED = Column("updated", lambda item: text_of(item["updated_at"]), lambda item: str(item["updated_at"])[:10])
MESSAGES = Column("msgs", lambda item: text_of(item["messages"]), right=True)
TITLE = Column("title", lambda item: text_of(item["title"]) or "untitled", wide=True)
COLUMNS = (
    ID,
    Column("action", style="red"),
    UPDATED,
    MESSAGES,
    Column("bytes", short=lambda item: size_text(item["bytes"]), right=True),
    Column("reason"),
    TITLE,
)


def rule_of(session: Session, name: str, conditions: Mapping[str, Any]) -> Rule:
    """Return the rule that options and filter options make."""
    flags = session.filter_flags
    if "deleted" in flags:
        raise UsageError("what is in the trash goes by itself", "chatlog erase --deleted removes it now")
    where = _settled({key: value for key, value in flags.items() if key in FILTERS})
    rule = checked(Rule(name=name, where=where, **_settled(conditions)))
    now = session.now()
    if contradiction(rule.filters(now + LATER)):
        possible(rule.filters(now))
    return rule


def _settled(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given, lists as tuples."""
    return {
        key: tuple(value) if isinstance(value, list) else value for key, value in given.items() if value is not None
    }


def policies(session: Session, store: Store) -> list[Rule]:
    """Return the user's rules, those of the config file first.  Raises UsageError for one that makes no sense."""
    return [rule_from(name, rule) for name, rule, _ in stored(session, store)]


def stored(session: Session, store: Store) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Yield (name, rule, where it is from)."""
    written = session.settings.file.get("policies", {})
    if not isinstance(written, Mapping) or not all(isinstance(rule, Mapping) for rule in written.values()):
        raise UsageError("the policies of the config file are not tables", "write [policies.NAME] above each")
    for name, rule in written.items():
        yield name, rule, "file"
    for policy in store.forgetting.policies():
        yield policy.name, policy.rule, "command"


def whole(
    session: Session, store: Store, refs: Sequence[str], hint: str = "chatlog erase {ref} removes it for good"
) -> list[Conversation]:
    """Return the conversations of some refs.  Raises UsageError for the ref of a message, and like `Session.names`."""
    names = session.names(refs)
    for ref in names:
        conversation, seq = parse_ref(ref)
        if seq is not None:
            raise UsageError(
                f"'{ref}' is a message, not a conversation", hint.format(ref=ref, conversation=conversation)
            )
    return session.conversations(store, names)


def check_everything(session: Session, refs: Sequence[str]) -> None:
    """Raise UsageError where everything is meant and something is chosen."""
    if refs or session.filter_flags:
        raise UsageError("--everything leaves nothing to choose", "leave out the ids and filters")


def deadline(seconds: float | None) -> Stop:
    """Return what says whether a time is over."""
    end = None if seconds is None else time.monotonic() + seconds
    return lambda: end is not None and time.monotonic() >= end


def confirm(session: Session, action: str, record: Mapping[str, Any], *, yes: bool) -> None:
    """Make sure that what a plan takes is meant: a person sees what that is, of much the first of it."""
    if session.may_ask and not yes:
        items = record["items"]
        lines = [f"{short_ref(item['id'])}  {item['updated_at'][:10]}  {TITLE.text(item)}" for item in items[:NAMED]]
        session.output.remarks(lines + [f"and {len(items) - NAMED:,} more"] * (len(items) > NAMED))
    session.confirm(action, yes=yes)


def described(record: Mapping[str, Any]) -> str:
    """Return how much a plan takes: conversations, messages, bytes."""
    messages = counted(record["messages"], "message")
    if record["messages"] and not record["conversations"]:
        return f"{messages} ({size_text(record['bytes'])})"
    return f"{counted(record['conversations'], 'conversation')} ({messages}, {size_text(record['bytes'])})"


def restoring(plan: Plan) -> str:
    """Return how to undo it."""
    names = [item.conversation.id[:8] for item in plan.items]
    named = f"chatlog restore {' '.join(names)}" if 0 < len(names) <= 3 else "chatlog restore, see chatlog trash"
    return f"undo: {named}"


def show_items(output: Output, record: Mapping[str, Any], columns: Sequence[Column]) -> None:
    """Print what a plan takes: in JSON all that is to be said of it."""
    if output.format == "json":
        output.json(record)
    else:
        output.listing(Listing(items=record["items"], columns=columns, identify="id"))


def report(session: Session, record: Mapping[str, Any], line: str, *, names_left: bool = True) -> None:
    """Print what would happen, or in a line what did; JSON holds the same keys for both."""
    output = session.output
    if record["dry_run"] or output.format not in ("table", "text"):
        show_items(output, record, COLUMNS)
        if output.format not in ("json", "jsonl"):
            output.hint(line)
    elif record["items"] or output.is_terminal:
        output.lines([line])
    for left in record["skipped"] if names_left else ():
        output.hint(f"left alone: {left['id']} ({left['reason']})")
    for warning in record.get("warnings", ()):
        output.warning(warning)


def partly(session: Session, record: Mapping[str, Any]) -> None:
    """Let the exit code say that something that was named was left alone."""
    if record["skipped"]:
        session.exit_code = PartlyDoneError.exit_code if record["items"] else RefusedError.exit_code
