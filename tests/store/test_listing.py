"""Tests of the list of a damaged file: what can be read of it is listed, and the rest named."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatlog.errors import DamagedFileError
from chatlog.models import ConversationDraft
from chatlog.store import Store
from tests.acceptance.helpers import execute


@pytest.fixture
def names(store: Store) -> list[str]:
    """Return the ids of five conversations: of one the title is no text, of one the state no JSON, one has no id."""
    made = [store.new(ConversationDraft(title=title)).id for title in "abcde"]
    execute(
        Path(store.info()["path"]),
        "UPDATE conversations SET title = CAST(x'ff' AS TEXT) WHERE title = 'a'",
        "UPDATE conversations SET state = '{' WHERE title = 'b'",
        "UPDATE conversations SET id = CAST(x'ff' AS TEXT) WHERE title = 'c'",
    )
    return made


def test_what_can_be_read_is_listed(store: Store, names: list[str]) -> None:
    """A conversation without the value that cannot be; one that has no name any more is called by its number."""
    page = store.conversations(sort="created:asc", readable=True)
    listed = [(one.id, one.title, one.state) for one in page.items]
    assert [(names[0], None, {}), (names[1], "b", {}), (names[3], "d", {}), (names[4], "e", {})] == listed
    assert (5, (names[0], names[1], "conversation 3")) == (page.total, page.lost)


def test_the_pages_of_what_can_be_read(store: Store, names: list[str]) -> None:
    """Each has as many as were asked for, and names what is not whole of those and of the next one alone."""
    found, cursor = list[tuple[list[str], tuple[str, ...]]](), None
    while cursor is not None or not found:
        page = store.conversations(sort="created:asc", limit=1, cursor=cursor, readable=True)
        found.append(([one.id for one in page.items], page.lost))
        cursor = page.next_cursor
    one, other, _, *whole = names
    lost = [(one, other), (other, "conversation 3"), ("conversation 3",), ()]
    assert [([name], each) for name, each in zip([one, other, *whole], lost, strict=True)] == found


def test_a_damaged_list_is_refused(store: Store, names: list[str]) -> None:
    """Unless what can be read is asked for."""
    with pytest.raises(DamagedFileError):
        store.conversations()
    assert names[4] == store.get(names[4]).id
