"""The segments that FTS5 keeps the word index in: when they are merged, and by whom.

Each commit that changes the index adds a segment; merging them is what takes deleted words out of the file.  What is
in the index is `fulltext`'s.
"""

from __future__ import annotations

from collections.abc import Iterator

from chatlog.store.sqlite.connection import Connection

#: While a long job defers merges: with so many segments in a level it merges some itself, and with so many FTS5 would
#: merge all of them in one commit.
MANY, MOST = 24, 300
#: FTS5's own thresholds (automerge and crisismerge in its documentation).
AUTOMERGE, CRISISMERGE = 4, 16


def overwrite_deleted(connection: Connection, *, on: bool) -> None:
    """Say whether words taken out of the index are overwritten in place, or left for the next merge."""
    connection.execute("INSERT INTO words (words, rank) VALUES ('secure-delete', ?)", (int(on),))


def defer_merges(connection: Connection, *, on: bool) -> None:
    """Say whether merging is left to a long job, which does it in small steps, or to the commits, as usual.

    Of its own accord FTS5 merges some hundred pages every now and then, all of 16 segments at once, and those of 16
    such merges: that may take longer than anybody should wait for a commit.
    """
    for name, usual, deferred in (("automerge", AUTOMERGE, 0), ("crisismerge", CRISISMERGE, MOST)):
        connection.execute("INSERT INTO words (words, rank) VALUES (?, ?)", (name, deferred if on else usual))


def are_many(connection: Connection) -> bool:
    """Whether a level of the index has so many segments that some should be merged."""
    return any(count >= MANY for _, count in _levels(connection))


def merge_some(connection: Connection, pages: int) -> bool:
    """Merge some segments, writing about so many pages; whether there may be more to do."""
    connection.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (pages,))
    return are_many(connection)


def merge_step(connection: Connection, pages: int, level: int | None) -> int | None:
    """Write about so many pages of a merge of the whole index; return the level it is merging, None where it is done.

    Without a level a merge is begun.  What others add meanwhile is not waited for.  FTS5 stops between two terms
    only: where a word is in a million messages, one step takes as long as that word does, some tenth of a second.
    """
    pages = -pages if level is None else pages  # a number below zero begins a merge of everything
    connection.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (pages,))
    merging = {number for number, (being_merged, _) in enumerate(_levels(connection)) if being_merged}
    if level is None:
        return max(merging, default=None)
    return level if level in merging else None


def stale_names(connection: Connection) -> list[tuple[int, bytes]]:
    """Return the names of pages (words_idx) that are no beginnings of words in the index.

    A page is named after the word it once began with; FTS5 leaves the name where the word is deleted.
    """
    _open_vocabulary(connection)
    named = connection.execute("SELECT segid, term FROM words_idx WHERE length(term) > 1")
    return [(segment, name) for segment, name in named if not (_next_name(connection, name) or b"").startswith(name)]


def rename_page(connection: Connection, segment: int, name: bytes) -> None:
    """Name a page after the next word in the index: it is found as before, for no word is between the two.

    A page without a word behind its name is empty, and loses the name, as FTS5 has it too.
    """
    _open_vocabulary(connection)
    there, following = (segment, name), _next_name(connection, name)
    if following is not None:
        connection.execute("UPDATE OR IGNORE words_idx SET term = ? WHERE (segid, term) = (?, ?)", (following, *there))
    if following != name:
        connection.execute("DELETE FROM words_idx WHERE (segid, term) = (?, ?)", there)


def _open_vocabulary(connection: Connection) -> None:
    connection.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.vocabulary USING fts5vocab(main, words, instance)")


def _next_name(connection: Connection, name: bytes) -> bytes | None:
    """Return the first word in the index from a page's name on, as a name: all begin with a zero."""
    following = "SELECT CAST('0' || term AS BLOB) FROM temp.vocabulary WHERE term >= CAST(substr(?, 2) AS TEXT) LIMIT 1"
    row = connection.execute(following, (name,)).fetchone()
    return row and bytes(row[0])


def size(connection: Connection) -> int:
    """Return how many bodies are in the index, of all users: FTS5's record of averages begins with it."""
    block = connection.execute("SELECT block FROM words_data WHERE id = 1").fetchone()[0]
    return next(_varints(block), 0)


def _levels(connection: Connection) -> list[tuple[int, int]]:
    """Return of each level of the index how many segments are being merged, and how many there are.

    FTS5's structure record (fts5_index.c): a cookie of four bytes, in a later form four more, then varints: levels,
    segments, writes; for each level those two counts, and for each segment its id, first and last page.
    """
    block = connection.execute("SELECT block FROM words_data WHERE id = 10").fetchone()[0]
    is_late = block[4:8] == b"\xff\x00\x00\x01"
    numbers = _varints(block[8:] if is_late else block[4:])
    count, _, _ = next(numbers), next(numbers), next(numbers)
    found = []
    for _ in range(count):
        being_merged, segments = next(numbers), next(numbers)
        found.append((being_merged, segments))
        for _ in range(3 * segments):
            next(numbers)
    return found


def _varints(block: bytes) -> Iterator[int]:
    """Yield the numbers of a record: seven bits a byte, the highest bit says that there are more."""
    number = 0
    for byte in block:
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            yield number
            number = 0
