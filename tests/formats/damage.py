"""What every reader must bear: files cut off anywhere, values of other types, and what it may yield then."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from hypothesis import strategies as st

from chatlog.formats.source import Source
from chatlog.models import ROLES, ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .making import source_of

Read = Callable[[Source], Iterable[Record]]
_VALUES: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.sampled_from([[], {}, [{}]]).map(copy.deepcopy)
)
_TWISTS: tuple[Any, ...] = (None, 7, True, "x", "", [None], {"a": [1]})


def checked(records: Iterable[Record]) -> list[Record]:
    """Return the records of one source after checking that a store can take them."""
    found = list(records)
    talks: dict[str | None, set[str | None]] = {}
    current: str | None = None
    for record in found:
        assert isinstance(record, (ConversationDraft, MessageDraft, Problem, LeftOut)), record
        if isinstance(record, ConversationDraft):
            _check_conversation(record)
            current = record.source_id
            talks.setdefault(current, set())
        elif isinstance(record, MessageDraft):
            known = talks[record.conversation or current]
            _check_message(record)
            assert record.parent is None or record.parent in known, "a parent comes before its children"
            assert record.source_id not in known, "an id is given once"
            known.add(record.source_id)
    for draft in (record for record in found if isinstance(record, ConversationDraft)):
        assert draft.head is None or draft.head in talks[draft.source_id], "the head is a message"
    return found


def _check_conversation(draft: ConversationDraft) -> None:
    assert isinstance(draft.source_id, str), draft
    assert draft.source_id, draft
    texts = (draft.title, draft.created_at, draft.updated_at, draft.model, draft.project, draft.parent)
    assert all(text is None or (isinstance(text, str) and text) for text in texts), draft
    json.dumps(draft.metadata)


def _check_message(draft: MessageDraft) -> None:
    assert draft.role in ROLES, draft
    assert isinstance(draft.text, str), draft
    assert isinstance(draft.source_id, str), draft
    assert draft.source_id, draft
    texts = (draft.author, draft.model, draft.created_at)
    assert all(text is None or (isinstance(text, str) and text) for text in texts), draft
    assert draft.hidden == bool(draft.metadata.get("hidden_reason")), draft
    for part in draft.parts or ():
        assert isinstance(part["type"], str), part
        if part["type"] in ("text", "reasoning"):
            assert isinstance(part["content"], str), part
    json.dumps([draft.parts, draft.metadata])


def _twists(value: Any) -> Iterator[Any]:
    """Yield the value again and again, each time with another thing in the place of one of its parts."""
    stack: list[Any] = [value]
    while stack:
        held = stack.pop()
        for key in list(held) if isinstance(held, dict) else range(len(held)):
            whole = held[key]
            for twist in _TWISTS:
                held[key] = twist
                yield value
            held[key] = whole
            if isinstance(whole, (dict, list)):
                stack.append(whole)


def twisted(data: st.DataObject, value: Any) -> Any:
    """Return a copy of a value with some of those within it replaced by others."""
    whole = copy.deepcopy(value)
    for _ in range(data.draw(st.integers(1, 4))):
        holder: Any = whole
        while keys := list(holder) if isinstance(holder, dict) else list(range(len(holder))):
            key = data.draw(st.sampled_from(keys))
            if not isinstance(holder[key], (dict, list)) or data.draw(st.integers(0, 5)) == 0:
                holder[key] = data.draw(_VALUES)
                break
            holder = holder[key]
    return whole


def read_twisted(read: Read, value: Any, name: str = "chat.json") -> int:
    """Read a document with every value in it twisted in turn; return how often that was."""
    count = 0
    for twisted in _twists([value]):
        checked(read(source_of(json.dumps(twisted[0]), name)))
        count += 1
    return count


def read_twisted_lines(read: Read, rows: list[Any], name: str = "chat.jsonl") -> int:
    """Read lines with every value in them twisted in turn; return how often that was."""
    count = 0
    for twisted in _twists(rows):
        checked(read(source_of("".join(json.dumps(row) + "\n" for row in twisted), name)))
        count += 1
    return count


def read_cut_off(read: Read, data: bytes, step: int = 41, name: str = "chat.json") -> Iterator[list[Record]]:
    """Yield what is read of a file that ends too early, at many places."""
    for end in range(0, len(data), step):
        yield checked(read(source_of(data[:end], name)))
