"""`chatlog add`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from chatlog.cli.options import Revision, complete_conversation, one_of, verb
from chatlog.cli.session import Session
from chatlog.errors import UsageError
from chatlog.models import ROLES, ConversationDraft, Message, MessageDraft, checked_message
from chatlog.output import IDENTIFIED, Listing
from chatlog.records import message_record


@verb(
    'chatlog add @last --role user "What did we decide?"',
    "llm 'explain WAL' | chatlog add @last - --role assistant --model gpt-5",
    'chatlog add --new --role user "Plan a trip to Lisbon"',
    "curl … | chatlog add @last --json -",
    'chatlog add 7pvd3bgm --role user "hello" --key job-42 --if-revision 3',
    forms=IDENTIFIED,
)
def command(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CONV [TEXT|-]", help="The conversation, and what is said.", autocompletion=complete_conversation
        ),
    ] = None,
    role: Annotated[
        str | None, typer.Option(help=f"Who speaks: {', '.join(ROLES)}.", autocompletion=one_of(*ROLES))
    ] = None,
    author: Annotated[str | None, typer.Option(help="The speaker's name, in a shared conversation.")] = None,
    model: Annotated[str | None, typer.Option(help="The model that wrote it.")] = None,
    parent: Annotated[int | None, typer.Option(metavar="SEQ", help="The message it answers: a new branch.")] = None,
    key: Annotated[str | None, typer.Option(help="An idempotency key: the same call again adds nothing.")] = None,
    if_revision: Revision = None,
    new: Annotated[bool, typer.Option("--new", help="Start a conversation with it.")] = False,
) -> None:
    """Add messages and print their references, CONV:SEQ.

    With --json and no --role, the input is one message or an array of them in chatlog, OpenAI or
    Anthropic form, tool calls and results included; all of it is one transaction.
    """
    session = Session.of(ctx)
    target, text = _arguments(list(words or ()), new=new)
    takes_json = role is None and (bool(session.flags.get("json")) or session.output.format in ("json", "jsonl"))
    content = session.text(text, "the messages" if takes_json else "the text")
    drafts = _from_json(content) if takes_json else [_from_text(content, role)]
    # a parent in the input is one where it comes from
    drafts = [one._replace(author=author or one.author, model=model or one.model, parent=None) for one in drafts]
    drafts[0] = drafts[0]._replace(key=key or drafts[0].key, parent=parent)
    stored = _store(session, target, [checked_message(draft) for draft in drafts], if_revision)
    _print(session, stored, many=takes_json and content.lstrip().startswith("["))


def _arguments(words: list[str], *, new: bool) -> tuple[str | None, str | None]:
    """Return the conversation (None for a new one) and the text of the positional arguments."""
    if not new and not words:
        raise UsageError("say which conversation to add to", "an id, @last, or --new for a new one")
    target = None if new else words.pop(0)
    if len(words) > 1:
        raise UsageError("the text is more than one argument", "put it in quotes")
    return target, words[0] if words else None


def _from_text(content: str, role: str | None) -> MessageDraft:
    if role is None:
        raise UsageError("say who speaks", "--role user, or --json for messages in JSON")
    return MessageDraft(role=role, text=content)


def _from_json(content: str) -> list[MessageDraft]:
    from chatlog.formats import wire
    from chatlog.formats.jsonstream import decoded

    try:
        value = decoded(content)
    except (ValueError, RecursionError) as error:
        place = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise UsageError(f"the input is not valid JSON{place}", "for plain text say --role") from None
    drafts = wire.drafts(value)
    if not drafts:
        raise UsageError("there is no message in the input")
    return drafts


def _store(
    session: Session, target: str | None, drafts: Sequence[MessageDraft], if_revision: int | None
) -> list[Message]:
    if target is None:
        store = session.store(create=True)
        model = next((draft.model for draft in drafts if draft.model), None)
        created = store.new(ConversationDraft(model=model, expires_at=session.lifetime(None)), drafts)
        if drafts[0].key is not None:  # perhaps a retry: what was stored the first time comes back
            return store.add(created.id, drafts)
        return list(store.messages(created.id))
    store = session.store()
    first = drafts[0]  # with a key perhaps a retry: then the message it went behind is the last no more
    find = session.ending if first.parent is None and first.key is None else session.conversation
    return store.add(find(store, target).id, drafts, if_revision=if_revision)


def _print(session: Session, stored: Sequence[Message], *, many: bool) -> None:
    output, refs = session.output, [message.ref for message in stored]
    if not many:
        output.thing("message", message_record(stored[-1]), refs, refs[-1])
    elif output.format in ("table", "text"):
        output.lines(refs)
    else:
        records = [message_record(message) for message in stored]
        output.listing(Listing(records, (), "ref", total=len(records)))
