"""`chatlog search`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from chatlog import query
from chatlog.cli import found
from chatlog.cli.batch import check_keys, serve
from chatlog.cli.options import complete_conversation, one_of, verb
from chatlog.cli.session import STDIN, Session
from chatlog.embedders import NONE
from chatlog.errors import UsageError, choices_hint
from chatlog.models import ROLES, Filters
from chatlog.narrowing import dated, possible
from chatlog.output import FORMATS, counted
from chatlog.results import Results, SearchOptions
from chatlog.search import MODES, search_conversations, search_messages
from chatlog.store import Store

if TYPE_CHECKING:
    from chatlog.recall import Recall

#: What is not among messages.
MEMORY = "memory"
PLACES = (*query.PLACES, MEMORY)

#: What a result is: a message, or a conversation by its best message.
OUTPUTS = {"messages": search_messages, "conversations": search_conversations}
Output = Annotated[
    str,
    typer.Option(
        metavar="WHAT", help=f"{' or '.join(OUTPUTS)}: each by its best message.", autocompletion=one_of(*OUTPUTS)
    ),
]


@verb(
    "chatlog search retry backoff",
    "chatlog search 'what did we decide about the database?'",
    "chatlog search '\"exact phrase\" -draft role:user since:2w'",
    r"chatlog search --mode regex 'ERR-\d{4}' -C 1",
    "chatlog search lisbon --format ids | chatlog show -",
    "chatlog search lisbon --format ids | chatlog search sardines --conv -",
    "chatlog search lisbon --output conversations",
    filters=True,
    forms=FORMATS,
)
def command(
    ctx: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="QUERY…", help="Words; chatlog help query.")] = None,
    mode: Annotated[str, typer.Option(help=f"How: {', '.join(MODES)}.", autocompletion=one_of(*MODES))] = "hybrid",
    within: Annotated[
        list[str] | None,
        typer.Option("--in", help=f"Only in: {', '.join(PLACES)}.", autocompletion=one_of(*PLACES)),
    ] = None,
    conv: Annotated[
        list[str] | None,
        typer.Option(metavar="CONV|-", help="Only in these conversations.", autocompletion=complete_conversation),
    ] = None,
    number: Annotated[int, typer.Option("-n", metavar="N", min=1, help="How many results.")] = 10,
    context: Annotated[int, typer.Option("-C", metavar="N", min=0, help="Neighbours of each result.")] = 0,
    hidden: Annotated[bool, typer.Option("--hidden", help="Hidden messages too.")] = False,
    output: Output = "messages",
    explain: Annotated[bool, typer.Option("--explain", help="Say how each result was found.")] = False,
    batch: Annotated[str | None, typer.Option(metavar="-", help="Answer JSON requests on stdin, one a line.")] = None,
) -> None:
    """Find messages by their words and by meaning; type a question as it comes to mind.

    Where no message has all the words, some are left out, and named.  Exit code 1: nothing found.
    """
    session = Session.of(ctx)
    store = session.store()
    _check_output(output)
    in_memory = _is_memory(within or [])
    options = SearchOptions(
        mode=mode,
        within=() if in_memory else _places(within or []),
        limit=number,
        context=context,
        hidden=hidden,
        embedder=session.embedder(),
    )
    filters = _asked_filters(session, store, conv, [STDIN] if batch else words)
    if batch is not None:
        defaults = {"output": output, "explain": explain, **({"in": MEMORY} if in_memory else {})}
        serve(session, batch, _Batch(session, store, options, filters, defaults).answer, beside=words)
        return
    text = _asked_text(session, words, filters)
    if in_memory:
        _show_memories(session, _recall(store, text, filters, options))
        return
    answer = OUTPUTS[output](store, text, filters, options, session.now())
    found.show(session, answer, explain=explain)
    if answer.tier == "none" and not options.within and query.parse(text, session.now()).terms:
        _point_to_titles(session, store, text, filters)


def _point_to_titles(session: Session, store: Store, text: str, filters: Filters) -> None:
    """Say where titles have what no message says."""
    options = SearchOptions(mode="lexical", within=("title",), limit=1, embedder=NONE)
    if titles := search_messages(store, text, filters, options, session.now()).total:
        session.output.hint(f"in the title of {counted(titles, 'conversation')}: add --in title")


def _asked_text(session: Session, words: list[str] | None, filters: Filters) -> str:
    """Return the query, from stdin where it is not in the arguments.  Raises UsageError where nothing is asked."""
    asks_nothing = not words and filters == Filters()
    text = session.text(None, "the query") if words == [STDIN] or asks_nothing else " ".join(words or ())
    if asks_nothing and not text.strip():
        raise UsageError("say what to search for", "chatlog search lisbon")
    return text


def _asked_filters(session: Session, store: Store, conv: list[str] | None, words: list[str] | None) -> Filters:
    """Return the filters, in some conversations only where they are given."""
    if conv is None:
        return session.filters()
    if STDIN in conv and words == [STDIN]:
        raise UsageError("the query and the conversations cannot both come on stdin", "write the query out")
    return session.filters()._replace(ids=tuple(one.id for one in session.conversations(store, conv)))


def _is_memory(places: list[str]) -> bool:
    """Whether memories are searched.  Raises UsageError where messages are to be, as well: they are found otherwise."""
    if MEMORY in places and set(places) != {MEMORY}:
        raise UsageError("memories are searched apart from messages", f"--in {MEMORY} alone")
    return MEMORY in places


def _show_memories(session: Session, memories: Recall) -> None:
    from chatlog.cli.memory import show_found

    show_found(session, memories)


def _recall(store: Store, text: str, filters: Filters, options: SearchOptions) -> Recall:
    """Search among memories.  Raises UsageError for what can only be asked of messages."""
    from chatlog.recall import recall

    if filters != Filters(tags=filters.tags):
        raise UsageError("memories have tags, and nothing else to filter by", "--tag T")
    if options.mode not in MODES or options.mode == "regex":
        raise UsageError(f"memories cannot be searched by '{options.mode}'", "leave --mode out, or say lexical")
    provider = NONE if options.mode == "lexical" else options.embedder
    return recall(store, text, tags=filters.tags, limit=options.limit, provider=provider)


def _check_output(output: str) -> None:
    if output not in OUTPUTS:
        raise UsageError(f"'{output}' is not what a search gives", choices_hint(output, OUTPUTS))


def _places(places: list[str]) -> tuple[str, ...]:
    for place in places:
        if place not in query.PLACES:
            raise UsageError(f"'{place}' is not a place to search in", choices_hint(place, PLACES))
    return tuple(places)


# --batch: one JSON request a line, one JSON answer a line


class _Batch(NamedTuple):
    """What the command line says beside a batch: it holds for every request that says nothing else."""

    session: Session
    store: Store
    options: SearchOptions
    filters: Filters
    defaults: Mapping[str, Any]

    def answer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        request = {**self.defaults, **{name.replace("-", "_"): value for name, value in asked.items()}}
        check_keys(request, _KEYS)
        text = _typed(request, "query", str, "")
        places = _strings(request.get("in"))
        in_memory, usual = _is_memory(places), self.options
        options = usual._replace(
            mode=_typed(request, "mode", str, usual.mode),
            within=() if in_memory else _places(places) or usual.within,
            limit=_typed(request, "limit", int, usual.limit, least=1),
            context=_typed(request, "context", int, usual.context),
            hidden=_typed(request, "hidden", bool, usual.hidden),
        )
        output = _typed(request, "output", str, "")
        _check_output(output)
        filters = possible(self.filters._replace(**_filters(self.session, self.store, request)))
        if in_memory:
            return found.envelope(_recall(self.store, text, filters, options))
        results: Results = OUTPUTS[output](self.store, text, filters, options, self.session.now())
        return found.envelope(results, explain=_typed(request, "explain", bool, False))


_KINDS = {str: "a string", int: "a number, {least} or more", bool: "true or false"}
#: The filters of a request that have one value, and the kind of it.
_FILTERS: dict[str, type] = {
    **dict.fromkeys(("source", "model", "role", "author", "project"), str),
    **dict.fromkeys(("pinned", "archived", "deleted"), bool),
    **dict.fromkeys(("min_messages", "max_messages"), int),
}
_KEYS = {"id", "query", "conv", "limit", "mode", "in", "context", "hidden", "tag", "no_tag", "title", "since", "until"}
_KEYS |= {"output", "explain", *_FILTERS}


def _typed(request: Mapping[str, Any], name: str, kind: type, default: Any, least: int = 0) -> Any:
    value = request.get(name, default)
    if type(value) is not kind or (isinstance(value, int) and value < least):
        raise UsageError(f"{name} must be {_KINDS[kind].format(least=least)}")
    return value


def _strings(value: Any) -> list[str]:
    values = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
        raise UsageError("a filter of the request must be a string or a list of strings")
    return values


def _filters(session: Session, store: Store, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filters that a request names, which go before those of the command line."""
    filters = {name: _typed(request, name, kind, None) for name, kind in _FILTERS.items() if name in request}
    if filters.get("role") not in (None, *ROLES):
        raise UsageError("role is not one that chatlog knows", choices_hint(filters["role"], ROLES))
    for field, name in (("tags", "tag"), ("no_tags", "no_tag"), ("title", "title")):
        if name in request:
            filters[field] = tuple(_strings(request[name]))
    dates = {name: asked for name in ("since", "until") if (asked := _typed(request, name, str, ""))}
    filters |= dated(dates, session.now())
    if "conv" in request:
        filters["ids"] = tuple(session.conversation(store, ref).id for ref in _strings(request["conv"]))
    return filters
