"""`chatlog search`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from shutil import get_terminal_size
from typing import Annotated, Any

import typer

from chatlog import query, timespec
from chatlog.cli.options import complete_conversation, dashes, one_of, verb
from chatlog.cli.session import STDIN, Session
from chatlog.embedders import Embedder
from chatlog.embedders import embedder as named
from chatlog.errors import ChatlogError, UsageError
from chatlog.models import ROLES, Filters
from chatlog.output import FORMATS, SCHEMA_VERSION, Column, Listing, to_json
from chatlog.render import Look
from chatlog.render import result as result_lines
from chatlog.results import Result, Results, SearchOptions
from chatlog.search import MODES, search_messages
from chatlog.store import Store

NO_MATCH = 1


@verb(
    "chatlog search retry backoff",
    "chatlog search 'what did we decide about the database?'",
    "chatlog search '\"exact phrase\" -draft role:user since:2w'",
    r"chatlog search --mode regex 'ERR-\d{4}' -C 1",
    "chatlog search lisbon --format ids | chatlog show -",
    filters=True,
    forms=FORMATS,
)
def command(
    ctx: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="QUERY…", help="Words; chatlog help query.")] = None,
    mode: Annotated[str, typer.Option(help=f"How: {', '.join(MODES)}.", autocompletion=one_of(*MODES))] = "hybrid",
    within: Annotated[
        list[str] | None,
        typer.Option("--in", help=f"Only in: {', '.join(query.PLACES)}.", autocompletion=one_of(*query.PLACES)),
    ] = None,
    conv: Annotated[
        list[str] | None,
        typer.Option(metavar="CONV|-", help="Only in these conversations.", autocompletion=complete_conversation),
    ] = None,
    number: Annotated[int, typer.Option("-n", metavar="N", min=1, help="How many results.")] = 10,
    context: Annotated[int, typer.Option("-C", metavar="N", min=0, help="Neighbours of each result.")] = 0,
    hidden: Annotated[bool, typer.Option("--hidden", help="Hidden messages too.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say how each result was found.")] = False,
    batch: Annotated[str | None, typer.Option(metavar="-", help="Answer JSON requests on stdin, one a line.")] = None,
) -> None:
    """Find messages by their words; a question works as it comes.

    Where not all words are found together, some are left out, and named.  Exit code 1: nothing found.
    """
    session = Session.of(ctx)
    store = session.store()
    options = SearchOptions(
        mode=mode,
        within=_places(dashes(within)),
        limit=number,
        context=context,
        hidden=hidden,
        embedder=_embedder(session),
    )
    if batch is not None:
        if batch != STDIN:
            raise UsageError("a batch comes on stdin", "chatlog search --batch -")
        _serve(session, store, options)
        return
    filters = session.filters()
    if conv:
        filters = replace(filters, ids=tuple(found.id for found in session.conversations(store, conv)))
    asks_nothing = not words and filters == Filters()
    text = session.text(None, "the query") if words == [STDIN] or asks_nothing else " ".join(words or ())
    found = search_messages(store, text, filters, options, session.now())
    _print(session, found, explain=explain)
    if found.tier == "none":
        session.output.hint("nothing found" + (f"; no message has: {' '.join(found.dropped)}" if found.dropped else ""))
        session.exit_code = NO_MATCH


def _embedder(session: Session) -> str | Embedder:
    """Return the embedder that is set: made here only where it needs a key from the environment."""
    name = session.settings.get("embedder")
    return named(name, os.environ) if name.startswith("http") else name


def _places(places: list[str]) -> tuple[str, ...]:
    for place in places:
        if place not in query.PLACES:
            raise UsageError(f"'{place}' is not a place to search in", f"one of: {', '.join(query.PLACES)}")
    return tuple(places)


def _print(session: Session, found: Results, *, explain: bool) -> None:
    output = session.output
    for warning in found.warnings:
        output.warning(warning)
    if found.tier == "relaxed":
        output.hint(f"not all words together; without: {' '.join(found.dropped)}")
    if output.format == "table":
        look = Look(output.paint, color=output.color, zone=session.now().tzinfo, width=get_terminal_size().columns)
        with output.paged():
            for item in found.items:
                output.lines(result_lines(item, look))
                if explain:
                    output.lines([output.paint(f"  score {item.score:.3f} ({item.matched}, {found.mode})", "dim"), ""])
        return
    output.listing(
        Listing(
            items=[_record(item, found, explain=explain) for item in found.items],
            columns=_COLUMNS,
            identify=lambda record: str(record["ref"]),
            total=found.total,
            warnings=found.warnings,
            extra={"mode": found.mode, "tier": found.tier, "dropped_terms": list(found.dropped)},
        )
    )


def _record(item: Result, found: Results, *, explain: bool) -> dict[str, Any]:
    record = item.record()
    if not explain:
        return record
    apart = {"words": item.by_words, "meaning": item.by_meaning}
    rounded = {name: None if value is None else round(value, 6) for name, value in apart.items()}
    return {**record, "explain": {"mode": found.mode, **rounded, "query": found.asked}}


_COLUMNS = (
    Column("ref", lambda record: str(record["ref"])),
    Column("created", lambda record: str(record["created_at"])),
    Column("role", lambda record: str(record["role"])),
    Column("title", lambda record: str(record["title"] or "untitled")),
    Column("snippet", lambda record: str(record["snippet"])),
)


# --batch: one JSON request a line, one JSON answer a line


def _serve(session: Session, store: Store, options: SearchOptions) -> None:
    for line in session.read_bytes("requests"):
        identity: Any = None
        try:
            request = _request(line)
            identity = request.get("id")
            answer = _answer(session, store, request, options)
        except ChatlogError as error:
            answer = {"error": error.record()}
        session.output.lines([to_json({"id": identity, **answer})])
        session.output.out.flush()


def _request(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise UsageError("the request is not JSON", "one JSON object a line") from None
    if not isinstance(value, dict):
        raise UsageError("the request is not a JSON object", "one JSON object a line")
    return value


def _answer(session: Session, store: Store, request: Mapping[str, Any], options: SearchOptions) -> dict[str, Any]:
    request = {name.replace("-", "_"): value for name, value in request.items()}
    unknown = [f"'{name}' is not a key of a request" for name in sorted(set(request) - _KEYS)]
    text = _typed(request, "query", str, "")
    options = replace(
        options,
        mode=_typed(request, "mode", str, options.mode),
        within=_places(_strings(request.get("in"))) or options.within,
        limit=max(_typed(request, "limit", int, options.limit), 1),
        context=_typed(request, "context", int, options.context),
        hidden=_typed(request, "hidden", bool, options.hidden),
    )
    found = search_messages(store, text, _filters(session, store, request), options, session.now())
    return {
        "schema_version": SCHEMA_VERSION,
        "items": [item.record() for item in found.items],
        "total": found.total,
        "next_cursor": None,
        "warnings": [*found.warnings, *unknown],
        "mode": found.mode,
        "tier": found.tier,
        "dropped_terms": list(found.dropped),
    }


_KINDS = {str: "a string", int: "a number", bool: "true or false"}
#: The filters of a request that have one value, and the kind of it.
_FILTERS: dict[str, type] = {
    **dict.fromkeys(("source", "model", "role", "author", "project"), str),
    **dict.fromkeys(("pinned", "archived", "deleted"), bool),
    **dict.fromkeys(("min_messages", "max_messages"), int),
}
_KEYS = {"id", "query", "conv", "limit", "mode", "in", "context", "hidden", "tag", "no_tag", "title", "since", "until"}
_KEYS |= set(_FILTERS)


def _typed(request: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    value = request.get(name, default)
    if type(value) is not kind or (isinstance(value, int) and value < 0):
        raise UsageError(f"{name} must be {_KINDS[kind]}")
    return value


def _strings(value: Any) -> list[str]:
    values = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
        raise UsageError("a filter of the request must be a string or a list of strings")
    return values


def _filters(session: Session, store: Store, request: Mapping[str, Any]) -> Filters:
    now = session.now()
    conversations = _strings(request.get("conv"))
    single = {
        name: _typed(request, name, kind, None) for name, kind in _FILTERS.items() if request.get(name) is not None
    }
    if single.get("role") not in (None, *ROLES):
        raise UsageError("role is not one that chatlog knows", f"one of: {', '.join(ROLES)}")
    since, until = (_typed(request, name, str, "") for name in ("since", "until"))
    return Filters(
        tags=tuple(_strings(request.get("tag"))),
        no_tags=tuple(_strings(request.get("no_tag"))),
        title=tuple(_strings(request.get("title"))),
        since=timespec.since(since, now) if since else None,
        until=timespec.until(until, now) if until else None,
        ids=tuple(session.conversation(store, ref).id for ref in conversations) if conversations else None,
        **single,
    )
