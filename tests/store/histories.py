"""Histories for properties: random steps that a store can be taken through, imports and own writes mixed."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from chatlog.models import ROLES, ConversationDraft, Extra, MessageDraft, Part
from chatlog.store import Store

#: A step: what is done, which of the conversations there are (any number, taken modulo), and with what.
Step = tuple[str, int, Any]

#: Few words, so that equal ones meet; and any text.
WORDS = st.sampled_from(["ok", "retry backoff", "foo.bar", "getUserName", "入門", "Python入門", "ภาษา", " ", "x" * 40])
TEXT = WORDS | st.text(max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda values: st.lists(values, max_size=2) | st.dictionaries(st.sampled_from("abc"), values, max_size=2),
    max_leaves=4,
)
FACTS = st.dictionaries(st.text(max_size=3), JSON, max_size=2)


def parts() -> st.SearchStrategy[tuple[Part, ...] | None]:
    """Parts of every kind, or none."""
    kinds = st.one_of(
        TEXT.map(lambda text: {"type": "text", "content": text}),
        TEXT.map(lambda text: {"type": "reasoning", "content": text}),
        JSON.map(lambda value: {"type": "tool_call", "id": "1", "name": "read", "arguments": value}),
        JSON.map(lambda value: {"type": "tool_call_response", "id": "1", "response": value}),
        st.just({"type": "blob", "mime_type": "image/png", "content": "aWNvbg=="}),
        st.just({"type": "x_unknown", "anything": {"deep": [1, "two"]}}),
    )
    return st.none() | st.lists(kinds, min_size=1, max_size=3).map(tuple)


@st.composite
def messages(draw: st.DrawFn) -> MessageDraft:
    """A message as a caller adds it; `parent` is any number, taken modulo when it is played."""
    return MessageDraft(
        role=draw(st.sampled_from(ROLES)),
        text=draw(TEXT.filter(bool)),
        parts=draw(parts()),
        author=draw(st.sampled_from([None, "Ana", "Bob"])),
        model=draw(st.sampled_from([None, "gpt-5"])),
        created_at=draw(st.sampled_from([None, "2026-01-31T10:00:00.000Z", "2027-01-31T10:00:00.000Z"])),
        parent=draw(st.none() | st.integers(0, 9)),
        hidden=draw(st.booleans()),
        importance=draw(st.sampled_from([None, "keep"])),
        metadata=draw(FACTS),
    )


def drafts() -> st.SearchStrategy[ConversationDraft]:
    """What a caller says of a new conversation."""
    facts = {
        "title": st.none() | TEXT,
        "model": st.sampled_from([None, "gpt-5"]),
        "project": st.sampled_from([None, "/work"]),
        "pinned": st.booleans(),
        "tags": st.lists(st.sampled_from(["work", "ไทย", "a/b"]), unique=True).map(tuple),
        "state": FACTS,
        "metadata": FACTS,
    }
    return st.fixed_dictionaries(facts).map(lambda chosen: ConversationDraft(**chosen))


def changes() -> st.SearchStrategy[dict[str, Any]]:
    """What `set` and `state` change."""
    return st.fixed_dictionaries(
        {},
        optional={
            "title": TEXT,
            "pinned": st.booleans(),
            "archived": st.booleans(),
            "hold": st.sampled_from([None, "a trial"]),
            "expires_at": st.sampled_from([None, "2999-01-01T00:00:00.000Z"]),
            "state": FACTS,
        },
    )


def extras() -> st.SearchStrategy[Extra]:
    """Memories and tombstones."""
    memory = st.tuples(WORDS, JSON).map(lambda pair: {"namespace": "", "key": pair[0], "value": pair[1], "tags": ["t"]})
    tombstone = st.just({"source": "chatgpt", "source_id": "gone", "message_id": ""})
    return st.builds(Extra, kind=st.just("memory"), values=memory) | st.builds(
        Extra, kind=st.just("tombstone"), values=tombstone
    )


def sources() -> st.SearchStrategy[list[MessageDraft]]:
    """Messages of a source: their ids are 0 … 5, each follows one before it."""
    return st.lists(messages(), min_size=1, max_size=5)


def steps(most: int = 8) -> st.SearchStrategy[list[Step]]:
    """What happens to a store."""
    number = st.integers(0, 9)
    return st.lists(
        st.one_of(
            st.tuples(st.just("new"), number, st.tuples(drafts(), st.lists(messages(), max_size=3))),
            st.tuples(st.just("add"), number, messages()),
            st.tuples(st.just("add"), number, messages()),
            st.tuples(st.just("fork"), number, number),
            st.tuples(st.just("change"), number, changes()),
            st.tuples(st.just("tag"), number, st.sampled_from(["work", "later"])),
            st.tuples(st.just("ingest"), number, sources()),
            st.tuples(st.just("trash"), number, st.none()),
            st.tuples(st.just("extra"), number, extras()),
        ),
        max_size=most,
    )


def play(store: Store, history: list[Step]) -> None:
    """Do the steps, each on one of the conversations there are."""
    for step, which, value in history:
        ids = [conversation.id for conversation in store.conversations(sort="created:asc").items]
        if step in _FREE:
            _FREE[step](store, which, value)
        elif ids:
            _ON_ONE[step](store, ids[which % len(ids)], value)


def _new(store: Store, _: int, value: tuple[ConversationDraft, list[MessageDraft]]) -> None:
    draft, said = value
    store.new(draft, [_placed(message, None) for message in said])


def _ingest(store: Store, which: int, value: list[MessageDraft]) -> None:
    """Import a source's conversation, or another version of one that is here."""
    name = f"c{which % 3}"
    records: list[ConversationDraft | MessageDraft] = [ConversationDraft(source_id=name, title=f"Source {which % 2}")]
    for number, message in enumerate(value):
        parent = None if not number or message.parent is None else f"m{int(message.parent) % number}"
        records.append(_placed(message, parent, source_id=f"m{number}", conversation=name))
    store.ingest("chatgpt", records)


def _add(store: Store, conversation: str, message: MessageDraft) -> None:
    parent = None if message.parent is None else _one_of(store, conversation, int(message.parent))
    store.add(conversation, [_placed(message, parent)])


def _fork(store: Store, conversation: str, at: int) -> None:
    store.fork(conversation, _one_of(store, conversation, at))


def _one_of(store: Store, conversation: str, number: int) -> int | None:
    """Return the seq of one of the messages: there are gaps where the end of a session came before its beginning."""
    seqs = [message.seq for message in store.messages(conversation, all_branches=True)]
    return seqs[number % len(seqs)] if seqs else None


def _placed(message: MessageDraft, parent: str | int | None, **facts: Any) -> MessageDraft:
    return message._replace(parent=parent, **facts)


_FREE = {
    "new": _new,
    "ingest": _ingest,
    "extra": lambda store, _, value: store.ingest_extra(value),
}
_ON_ONE = {
    "add": _add,
    "fork": _fork,
    "change": lambda store, conversation, value: store.change(conversation, value),
    "tag": lambda store, conversation, value: store.tag([conversation], add=[value], remove=["ไทย"]),
    "trash": lambda store, conversation, _: store.delete([conversation]),
}
