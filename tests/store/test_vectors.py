"""The index of meanings in SQLite: whichever way the nearest are found, they are the same."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

import chatlog
from chatlog.store import Store
from chatlog.store.sqlite import chunks, meanings, vectors
from chatlog.store.vectors import EMBEDDED_CHARS, Meanings, Vector

from .making import say


def bits(chance: random.Random) -> bytes:
    return chance.randbytes(8)


def fill(store: Store, count: int, chance: random.Random) -> None:
    """Give a user so many messages, and each a vector of 64 dimensions."""
    store.new(messages=[say(f"message {number}") for number in range(count)])
    store.vectors.start(Meanings("test", 64, None, 0, 0, 0), store.vectors.state())
    put(store, chance)


def forget(store: Store, bodies: Iterable[int]) -> None:
    with store._pool.write() as connection:  # type: ignore[attr-defined]
        vectors.forget(connection, [*bodies])


def put(store: Store, chance: random.Random) -> None:
    """Give each message that has none a vector."""
    state = store.vectors.state()
    assert state is not None
    pending = store.vectors.pending(1_000, state.done)
    assert store.vectors.put(
        state, pending[-1].body, [Vector(each.body, 0, bits(chance), bytes(64)) for each in pending]
    )


def distances(store: Store, asked: bytes, within: list[int] | None) -> list[int]:
    """Return how far the nearest are, by the bits that vec0 keeps."""
    number = int.from_bytes(asked)
    pool = store._pool  # type: ignore[attr-defined]
    with pool.read() as connection:
        vectors.load_extension(connection)
        rows = dict(connection.execute("SELECT rowid, embedding FROM nearest_64").fetchall())
    found = store.vectors.nearest(asked, 20, within)
    return [(int.from_bytes(rows[vectors.piece_id(body)]) ^ number).bit_count() for body in found]


def test_the_nearest_of_many_are_those_of_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading vec0's chunks finds what asking it finds: of one user, of what filters let through, after deletions."""
    chance = random.Random(7)
    with chatlog.open(tmp_path / "all.db", "ana") as ana, chatlog.open(tmp_path / "all.db", "ben") as ben:
        fill(ana, 400, chance)
        fill(ben, 300, chance)
        forget(ben, range(450, 500))
        for within in (None, [*range(401, 520)], [401, 402], [1, 2, 3]):
            asked = bits(chance)
            monkeypatch.setattr(meanings, "SCANNED", 10_000)
            expected = distances(ben, asked, within)
            monkeypatch.setattr(meanings, "SCANNED", 0)
            monkeypatch.setattr(meanings, "SCANNED_FIRST", 0)
            for few in (0, 10_000):  # out of what is in memory, or read for it
                monkeypatch.setattr(chunks, "FEW", few)
                assert expected == distances(ben, asked, within)
                assert not set(ben.vectors.nearest(asked, 1_000, within)) - set(within or range(401, 701))


@pytest.mark.parametrize("scanned", [0, 10_000])
def test_the_nearest_are_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scanned: int) -> None:
    """RELIABILITY 43: where all that is nearest is another's, a user gets the true nearest of their own."""
    for name in ("SCANNED", "SCANNED_FIRST"):
        monkeypatch.setattr(meanings, name, scanned)
    chance = random.Random(43)
    asked = bits(chance)
    with chatlog.open(tmp_path / "all.db", "ana") as ana, chatlog.open(tmp_path / "all.db", "ben") as ben:
        monkeypatch.setattr(chance, "randbytes", lambda _: asked)
        fill(ana, 400, chance)
        monkeypatch.undo()
        fill(ben, 300, chance)
        with ben._pool.read() as connection:  # type: ignore[attr-defined]
            vectors.load_extension(connection)
            rows = connection.execute("SELECT rowid, embedding FROM nearest_64 WHERE user = 'ben'").fetchall()
        number = int.from_bytes(asked)
        true = sorted((int.from_bytes(row[1]) ^ number).bit_count() for row in rows)[:20]
        assert true == distances(ben, asked, None)
        assert [0] * 20 == distances(ana, asked, None)


def test_every_question_to_vec0_names_its_user() -> None:
    """RELIABILITY 43: only this form searches within a user's vectors; any other looks at everybody's first."""
    source = Path(vectors.__file__).parent
    found = [
        line for path in source.glob("*.py") for line in path.read_text("utf-8").splitlines() if " MATCH vec" in line
    ]
    assert found
    assert [] == [line for line in found if "user = ? AND embedding MATCH" not in line]


def test_bits_are_read_once_until_there_are_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second search reads no vectors again; what came or went meanwhile, by whomever, is seen by the next one."""
    monkeypatch.setattr(meanings, "SCANNED", 0)
    monkeypatch.setattr(meanings, "SCANNED_FIRST", 0)
    read: list[str] = []
    blocks = chunks.blocks
    monkeypatch.setattr(chunks, "blocks", lambda *asked: (read.append(asked[2]) or block for block in blocks(*asked)))
    chance = random.Random(3)
    with chatlog.open(tmp_path / "all.db") as store, chatlog.open(tmp_path / "all.db") as other:
        fill(store, 30, chance)
        asked = bits(chance)
        first = store.vectors.nearest(asked, 100)
        assert (first, 1) == (store.vectors.nearest(asked, 100), len(read))
        forget(other, first[:10])
        assert (first[10:], 2) == (store.vectors.nearest(asked, 100), len(read))
        other.new(messages=[say(f"one more {number}") for number in range(5)])
        put(other, chance)
        assert ({*first[10:], *range(31, 36)}, 3) == ({*store.vectors.nearest(asked, 100)}, len(read))
        monkeypatch.setattr(meanings, "KEPT", 3)
        assert (25, 4) == (len(store.vectors.nearest(asked, 100)), len(read))


def test_bits_that_were_made_anew_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that another process has rebuilt with other weights is as large and as far, but not the same."""
    monkeypatch.setattr(meanings, "SCANNED", 0)
    monkeypatch.setattr(meanings, "SCANNED_FIRST", 0)
    chance = random.Random(9)
    with chatlog.open(tmp_path / "all.db") as store, chatlog.open(tmp_path / "all.db") as other:
        fill(store, 30, chance)
        asked = bits(chance)
        store.vectors.nearest(asked, 30)
        other.vectors.start(Meanings("test", 64, b"other", 30, 0, 0), other.vectors.state())
        put(other, chance)
        assert other.vectors.nearest(asked, 30) == store.vectors.nearest(asked, 30)


def test_what_others_add_is_looked_through_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user whose messages are all in the index moves past what others have added since, and misses nothing later."""
    monkeypatch.setattr(meanings, "BEHIND", 5)
    with chatlog.open(tmp_path / "all.db", "ana") as ana, chatlog.open(tmp_path / "all.db", "ben") as ben:
        fill(ana, 3, random.Random(1))
        ben.new(messages=[say(f"message {number}") for number in range(9)])
        ana.vectors.catch_up()
        state = ana.vectors.state()
        assert state is not None
        assert 12 == state.done
        ana.new(messages=[say("one more")])
        ben.new(messages=[say(f"message {number}") for number in range(9)])
        ana.vectors.catch_up()
        assert 1 == ana.vectors.waiting(10)


def test_long_texts_are_embedded_by_their_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a text is, no more of it is read than is embedded, and of many long ones some at a time."""
    monkeypatch.setattr(meanings, "PENDING_CHARS", EMBEDDED_CHARS)
    with chatlog.open(tmp_path / "long.db") as store:
        store.new(messages=[say("short"), say("long " * EMBEDDED_CHARS), say("later")])
        assert [5, EMBEDDED_CHARS + 1] == [len(each.text) for each in store.vectors.pending(10, 0)]
        assert [5, meanings.SAMPLED_CHARS, 5] == [len(text) for text in store.vectors.sample(10)]
