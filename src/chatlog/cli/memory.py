"""`chatlog memory`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from chatlog.canonical import parsed
from chatlog.cli.found import facts
from chatlog.cli.options import Yes, complete_tag, verb
from chatlog.cli.session import STDIN, Session
from chatlog.errors import UsageError
from chatlog.models import checked_tag
from chatlog.output import FORMATS, THING, Column, Listing, counted, text_of, to_json
from chatlog.recall import Recall, recall
from chatlog.store.memories import NEVER, Memory, MemoryDraft

Namespace = Annotated[str, typer.Option("--namespace", metavar="N", help="In this namespace.")]
AnyNamespace = Annotated[str | None, typer.Option("--namespace", metavar="N", help="In this namespace only.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Carrying this tag; repeatable.")]


def _complete_key(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return keys that begin like this."""
    return [found.key for found in Session.of(ctx).store().memories.all() if found.key.startswith(incomplete)]


Key = Annotated[str, typer.Argument(metavar="KEY", help="What it is called.", autocompletion=_complete_key)]


@verb(
    "chatlog memory set editor helix",
    """chatlog memory set diet '{"vegetarian": true}' --tag health""",
    "date | chatlog memory set last-deploy - --ttl 7d --namespace ops",
    forms=(*THING, "ids"),
)
def set_(
    ctx: typer.Context,
    key: Key,
    value: Annotated[str | None, typer.Argument(metavar="VALUE|-", help="JSON, or text as it is.")] = None,
    namespace: Namespace = "",
    tag: Annotated[
        list[str] | None, typer.Option(help="Tags, in place of those it has.", autocompletion=complete_tag)
    ] = None,
    ttl: Annotated[str | None, typer.Option(metavar="30d|never", help="Gone after this long.")] = None,
    text: Annotated[bool, typer.Option("--text", help="Take the value as text, whatever it looks like.")] = False,
) -> None:
    """Remember a value under a key; the same key again updates it.

    A value that is JSON is kept as JSON, anything else as text.
    """
    session = Session.of(ctx)
    given = session.text(value, "the value")
    if not given and value in (None, STDIN):
        raise UsageError("there is no value", "chatlog memory set KEY VALUE; '' is an empty one")
    draft = MemoryDraft(
        key=key,
        value=given if text else _value(given),
        namespace=namespace,
        tags=None if tag is None else tuple(map(checked_tag, tag)),
        expires_at=None if ttl is None else session.lifetime(ttl) or NEVER,
    )
    _print(session, session.store(create=True).memories.set(draft))


def _value(text: str) -> Any:
    """Return the value of JSON, or the text."""
    try:
        return parsed(text)
    except (ValueError, RecursionError):
        return text


@verb("chatlog memory get editor", "chatlog memory get diet --json", forms=(*THING, "ids"))
def get(ctx: typer.Context, key: Key, namespace: Namespace = "") -> None:
    """Print a memory's value: text as it is, anything else as JSON."""
    session = Session.of(ctx)
    _print(session, session.store().memories.get(key, namespace))


def _print(session: Session, memory: Memory) -> None:
    shown = memory.value if isinstance(memory.value, str) else to_json(memory.value)
    session.output.thing("memory", memory.record(), shown.split("\n"), memory.key)


@verb("chatlog memory list", "chatlog memory list --namespace ops --tag work --json", forms=FORMATS)
def list_(ctx: typer.Context, namespace: AnyNamespace = None, tag: Tags = None) -> None:
    """List memories: key, namespace, value, tags and when they end."""
    session = Session.of(ctx)
    items = [memory.record() for memory in session.store().memories.all(namespace, tag or ())]
    session.output.listing(_listing(items)._replace(none="no memories"))


def _listing(items: list[dict[str, Any]]) -> Listing:
    def value(record: Mapping[str, Any]) -> str:
        return record["value"] if isinstance(record["value"], str) else to_json(record["value"])

    columns = (
        Column("key", style="yellow"),
        Column("namespace"),
        Column("value", value, wide=True),
        Column("tags", style="cyan"),
        Column("expires", lambda record: text_of(record["expires_at"]), style="dim"),
    )
    return Listing(items=items, columns=columns, identify="key", total=len(items))


@verb(
    "chatlog memory search which editor",
    "chatlog memory search deploys --namespace ops --json",
    forms=FORMATS,
)
def search(
    ctx: typer.Context,
    query: Annotated[list[str] | None, typer.Argument(metavar="QUERY...", help="What to find; - reads it.")] = None,
    namespace: AnyNamespace = None,
    tag: Tags = None,
    number: Annotated[int, typer.Option("-n", metavar="N", min=1, help="How many.")] = 10,
) -> None:
    """Find memories by their key, their words and their meaning (exit code 1 where none is found)."""
    session = Session.of(ctx)
    text = session.text(" ".join(query) if query else None, "the question")
    show_found(
        session,
        recall(session.store(), text, namespace=namespace, tags=tag or (), limit=number, provider=session.embedder()),
    )


def show_found(session: Session, found: Recall) -> None:
    """Print memories that were found; exit code 1 where there are none."""
    for warning in found.warnings:
        session.output.warning(warning)
    listing = _listing([item.record() for item in found.items])
    session.output.listing(listing._replace(warnings=found.warnings, extra=facts(found)))
    if not found.items:
        session.output.hint("nothing found")
        session.exit_code = 1


@verb("chatlog memory delete editor", "chatlog memory delete --namespace ops --yes", forms=THING)
def delete(
    ctx: typer.Context,
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY]...", help="Which.", autocompletion=_complete_key)
    ] = None,
    namespace: AnyNamespace = None,
    tag: Tags = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    yes: Yes = False,
) -> None:
    """Forget memories for good: those of some keys, or all of a namespace or tag (asks first)."""
    session = Session.of(ctx)
    store = session.store()
    if keys and tag:
        raise UsageError("name memories, or choose them by tags, not both", "leave out one or the other")
    if keys:
        found = [store.memories.get(key, namespace or "") for key in dict.fromkeys(keys)]
    elif namespace is not None or tag:
        found = list(store.memories.all(namespace, tag or ()))
    else:
        raise UsageError("say which memories to delete", "keys, --namespace or --tag")
    if not dry_run and not keys and found:
        session.confirm(f"delete {counted(len(found), 'memory', 'memories')} for good", yes=yes)
    count = len(found) if dry_run else store.memories.delete([(memory.namespace, memory.key) for memory in found])
    items = [{"namespace": memory.namespace, "key": memory.key} for memory in found]
    line = f"{'would delete' if dry_run else 'deleted'} {counted(count, 'memory', 'memories')}"
    session.output.thing("deleted", {"dry_run": dry_run, "memories": count, "items": items}, [line])


COMMANDS = {"set": set_, "get": get, "list": list_, "search": search, "delete": delete}
