"""How results are printed, by the verbs that find: `search` and `similar`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from chatlog.cli.session import Session
from chatlog.output import SCHEMA_VERSION, Column, Listing
from chatlog.query import MARKS
from chatlog.render import Look
from chatlog.render import result as result_lines
from chatlog.results import Result, Results

if TYPE_CHECKING:
    from chatlog.recall import Recall

NO_MATCH = 1
#: What ends a sentence or a part of one, in scripts without blanks too.
_ENDS = MARKS + "？！。，；：、"


def show(session: Session, found: Results, *, explain: bool = False) -> None:
    """Print what was found, and on stderr what should be known of how; nothing found is exit code 1."""
    output = session.output
    for warning in found.warnings:
        output.warning(warning)
    lacking = _told(word for word in found.dropped if word not in found.misspelt)  # of those the warnings tell
    if found.tier == "relaxed" and lacking:
        output.hint(f"not all words together; without: {lacking}")
    if found.unwanted:
        output.hint(f"without messages that have: {' '.join(found.unwanted)}")  # which may not be what -rf was to say
    if explain:
        output.hint(f"searched by {found.mode} for: {found.asked} ({found.tier})")
    if output.format == "table":
        with output.paged():
            output.lines(_lines(session, found, explain=explain))
    else:
        items = [record_of(item, found, explain=explain) for item in found.items]
        output.listing(
            Listing(
                items=items,
                columns=(*_COLUMNS, _WHY) if explain else _COLUMNS,
                identify="conversation" if items and "matches" in items[0] else "ref",
                total=found.total,
                warnings=found.warnings,
                extra=facts(found),
            )
        )
    if found.tier == "none":
        output.hint("nothing found" + (f"; no message has: {lacking}" if lacking else ""))
        session.exit_code = NO_MATCH


def _lines(session: Session, found: Results, *, explain: bool) -> Iterator[str]:
    """Yield the lines of results for a person."""
    paint, color = session.output.paint, session.output.color
    look = Look(paint, color=color, zone=session.now().tzinfo, width=get_terminal_size().columns)
    for item in found.items:
        yield from result_lines(item, look)
        if explain:
            yield paint(f"  {_why(record_of(item, found, explain=True))}", "dim")
        yield ""


def _told(words: Iterable[str]) -> str:
    """Return words of a query as they are told: that one of them ended the question is no part of it."""
    return ", ".join(word.rstrip(_ENDS) or word for word in words)


def _why(record: Mapping[str, Any]) -> str:
    """Return how a result was found: its score, and what words and meaning make of it apart."""
    apart = ((name, record["explain"][name]) for name in ("words", "meaning"))
    told = ", ".join(f"{name} {value:.3f}" for name, value in apart if value is not None)
    return f"score {record['score']:.3f} by {record['matched']}" + (f": {told}" if told else "")


def facts(found: Results | Recall) -> dict[str, Any]:
    """Return what the JSON form says of a search beside its items."""
    return {"mode": found.mode, "tier": found.tier, "dropped_terms": list(found.dropped)}


def envelope(found: Results | Recall, *, explain: bool = False) -> dict[str, Any]:
    """Return the JSON form of results, or of memories."""
    if isinstance(found, Results):
        items, total = [record_of(item, found, explain=explain) for item in found.items], found.total
    else:
        items, total = [item.record() for item in found.items], len(found.items)
    return {
        "schema_version": SCHEMA_VERSION,
        "items": items,
        "total": total,
        "next_cursor": None,
        "warnings": list(found.warnings),
        **facts(found),
    }


def record_of(item: Result, found: Results, *, explain: bool) -> dict[str, Any]:
    """Return the machine form of a result; with `explain`, how it was found."""
    record = item.record()
    if not explain:
        return record
    apart = {"words": item.by_words, "meaning": item.by_meaning}
    rounded = {name: None if value is None else round(value, 6) for name, value in apart.items()}
    return {**record, "explain": {"mode": found.mode, **rounded, "query": found.asked}}


_COLUMNS = (
    Column("ref"),
    Column("created", lambda record: str(record["created_at"])),
    Column("role"),
    Column("title", lambda record: str(record["title"] or "untitled")),
    Column("snippet"),
)
_WHY = Column("why", _why)
