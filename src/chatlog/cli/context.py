"""`chatlog context`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import typer

from chatlog.chosen import WHY, Left
from chatlog.cli.batch import check_keys, serve
from chatlog.cli.options import budget_of, complete_conversation, one_of, verb
from chatlog.cli.session import Session
from chatlog.context import Context, Request, assemble
from chatlog.errors import UsageError, choices_hint
from chatlog.output import SCHEMA_VERSION, to_json

#: So many of what was left out for one reason are named.
_MOST_PLACES = 12
_FORMS = ("openai", "anthropic", "gemini", "responses", "markdown", "text", "json")


@verb(
    'chatlog context @last --query "What did we decide?" --budget 4000',
    "chatlog context 7pvd3bgm --model gpt-5 --format responses",
    "chatlog context @last --format json --explain",
    forms=_FORMS,
)
def command(
    ctx: typer.Context,
    conversation: Annotated[
        str | None,
        typer.Argument(
            metavar="CONV", help="An id or its first characters, @last, @2 …", autocompletion=complete_conversation
        ),
    ] = None,
    query: Annotated[str | None, typer.Option(metavar="TEXT|-", help="The new message.")] = None,
    budget: Annotated[int | None, typer.Option(metavar="N", min=1, help="The most tokens (setting: budget).")] = None,
    model: Annotated[str | None, typer.Option(help="Count for this model (the conversation's).")] = None,
    reserve: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Tokens of the budget left for the answer.")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="FORM", help=f"{', '.join(_FORMS)}.", autocompletion=one_of(*_FORMS)),
    ] = None,
    redact: Annotated[bool, typer.Option("--redact", help="Without secrets and personal data.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Say what was taken, what was left out, and why.")] = False,
    batch: Annotated[str | None, typer.Option(metavar="-", help="Answer JSON requests on stdin, one a line.")] = None,
) -> None:
    """Assemble the messages for the next request: within the budget, well-formed, with what matters.

    Prints an array for openai and responses, an object for anthropic and gemini.  Exit code 8: it cannot fit.
    """
    session = Session.of(ctx)
    form, envelope = _form(session, form)
    request = Request(
        model=model,
        budget=budget_of(session, budget),
        reserve=reserve,
        form=form,
        embedder=session.embedder(),
    )
    request = replace(request, query=None if query is None else session.text(query, "the query"))
    if batch is not None:
        _serve(session, batch, request, conversation, redact=redact)
        return
    if conversation is None:
        raise UsageError("say which conversation", "chatlog context @last")
    store, request = session.outward(redact=redact), _asked(session, request, redact=redact)
    found = assemble(store, session.ending(store, conversation), request)
    _print(session, found, envelope=envelope, explain=explain)


def _asked(session: Session, request: Request, *, redact: bool) -> Request:
    return replace(request, query=session.redactor().text(request.query)) if redact and request.query else request


def _form(session: Session, typed: str | None) -> tuple[str, bool]:
    """Return the wire form, and whether the JSON object about it is wanted rather than itself."""
    asked = typed or session.flags.get("format")
    if asked is None:
        asked = session.settings.get("format")
        asked = asked if asked in _FORMS else None
    if asked is not None and asked not in _FORMS:
        raise UsageError(f"a context cannot be printed as {asked}", choices_hint(asked, _FORMS))
    as_json = asked == "json" or bool(session.flags.get("json"))
    return ("openai" if asked in (None, "json") else asked), as_json


def _print(session: Session, found: Context, *, envelope: bool, explain: bool) -> None:
    output = session.output
    output.advice(found.warnings)
    if found.tokenizer.factor != 1.0:
        output.hint(found.tokenizer.note)
    if envelope:
        record = found.record()
        output.json({**record, "explain": [*_rows(found)]} if explain else record)
        return
    if explain:
        output.remarks(_table(found))
    output.stream().write((found.wire if isinstance(found.wire, str) else to_json(found.wire)) + "\n")


def _rows(found: Context) -> Iterator[dict[str, Any]]:
    for name, section in found.sections.items():
        if section.tokens or section.refs:
            tokens = found.tokenizer.billed(section.tokens)
            yield {"section": name, "tokens": tokens, "messages": len(section.refs), "why": WHY[name]}


def _table(found: Context) -> Iterator[str]:
    """Yield what was taken, what it costs and why, then what was left out, the same reasons together."""
    yield f"{'section':<10} {'tokens':>8} {'share':>6} {'items':>6}  why"
    for row in _rows(found):
        share = row["tokens"] / max(found.budget, 1)
        yield f"{row['section']:<10} {row['tokens']:>8,} {share:>6.1%} {row['messages'] or '':>6}  {row['why']}"
    share = found.tokens / max(found.budget, 1)
    kept = f", {found.reserve:,} of it for the answer" if found.reserve else ""
    yield f"{'total':<10} {found.tokens:>8,} {share:>6.1%} {'':>6}  of {found.budget:,}{kept}"
    yield f"{'all of it':<10} {found.total:>8,} {'':>13}  the whole conversation, {found.conversation[:8]}"
    reasons: dict[str, list[Left]] = {}
    for left in found.omitted:
        reasons.setdefault(left.reason, []).append(left)
    for reason, left_out in reasons.items():
        tokens = found.tokenizer.billed(sum(left.tokens for left in left_out))
        yield f"{'left out':<10} {tokens:>8,} {'':>6} {len(left_out):>6}  {reason}: {_places(left_out)}"


def _places(left_out: Sequence[Left]) -> str:
    """Return where in the conversation things are that were left out, the first of them."""
    told = [
        left.ref.rpartition(":")[2] + (f"–{left.last.rpartition(':')[2]}" if left.last else "") for left in left_out
    ]
    return " ".join(told[:_MOST_PLACES]) + (" …" if len(told) > _MOST_PLACES else "")


# --batch: one JSON request a line, one JSON answer a line


_KEYS: dict[str, tuple[type, str]] = {
    "conversation": (str, "a string"),
    "query": (str, "a string"),
    "budget": (int, "a whole number from 1 on"),
    "reserve": (int, "a whole number from 0 on"),
    "model": (str, "a string"),
    "format": (str, "a string"),
    "redact": (bool, "true or false"),
}


def _serve(session: Session, batch: str, defaults: Request, beside: str | None, *, redact: bool) -> None:
    stores = {redact: session.outward(redact=redact)}

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        check_keys(asked, {*_KEYS, "id"})
        values = {name: _typed(asked, name) for name in _KEYS if name in asked}
        safe = values.pop("redact", False) or redact
        if safe not in stores:
            stores[safe] = session.outward(redact=safe)
        conversation, request = _requested(values, defaults)
        found = assemble(
            stores[safe], session.ending(stores[safe], conversation), _asked(session, request, redact=safe)
        )
        return {"schema_version": SCHEMA_VERSION, **found.record()}

    serve(session, batch, answer, beside=beside)


def _requested(values: dict[str, Any], defaults: Request) -> tuple[str, Request]:
    """Return the conversation that a request names, and what it asks for."""
    conversation = values.pop("conversation", None)
    if conversation is None:
        raise UsageError("the request names no conversation", 'write {"conversation": "@last", "budget": 4000}')
    form = values.pop("format", defaults.form)
    return conversation, replace(defaults, **values, form="openai" if form == "json" else form)


def _typed(asked: Mapping[str, Any], name: str) -> Any:
    value = asked[name]
    kind, said = _KEYS[name]
    if type(value) is not kind or (isinstance(value, int) and value < (name == "budget")):
        raise UsageError(f"{name} must be {said}")
    return value
