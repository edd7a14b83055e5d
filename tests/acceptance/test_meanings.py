"""No word leaves its meaning behind, no query raises, and neither filters nor users take results away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chatlog
from chatlog.embedders import embedder
from chatlog.errors import UsageError
from chatlog.models import ConversationDraft, Filters
from chatlog.results import SearchOptions
from chatlog.search import MODES, search_conversations, search_messages
from chatlog.store import Store
from chatlog.store.sqlite.vectors import load_extension, piece_id
from tests.conftest import Run
from tests.store.making import fresh, raw, say

SECRET = "the zephyrquartz key is AKIAIOSFODNN7EXAMPLE"  # the example of AWS's own documentation


@contextmanager
def opened(run: Run) -> Iterator[Store]:
    with chatlog.open("chatlog.db") as store:
        yield store


def pieces(store: Store) -> tuple[list[int], list[int], int]:
    """Return the ids in both tables of vectors, and how many bits are set in the one that finds candidates."""
    with raw(store) as connection:
        load_extension(connection)
        codes = [row[0] for row in connection.execute("SELECT id FROM vectors ORDER BY id")]
        bits = [row[0] for row in connection.execute("SELECT rowid FROM nearest_256 ORDER BY rowid")]
        chunks = connection.execute("SELECT vectors FROM nearest_256_vector_chunks00").fetchall()
    return codes, bits, sum(int.from_bytes(chunk[0]).bit_count() for chunk in chunks)


FORGET: dict[str, Callable[[Run, str], object]] = {
    "erase a message": lambda run, name: run("erase", f"{name}:2", "--yes"),
    "erase a conversation": lambda run, name: run("erase", name, "--yes"),
    "delete and prune": lambda run, name: (run("delete", name, "--yes"), run("prune", "--yes", "--older-than", "9y")),
    "redact": lambda run, name: run("redact", name, "--pattern", "zephyrquartz.*", "--yes"),
}


def codes(store: Store, bodies: set[int]) -> list[bytes]:
    """Return a piece of the bytes of each vector of some bodies."""
    with raw(store) as connection:
        rows = connection.execute("SELECT id, code FROM vectors").fetchall()
    return [code[:32] for number, code in rows if number in {piece_id(body) for body in bodies}]


@pytest.mark.parametrize("way", FORGET)
def test_what_is_removed_leaves_no_vector_and_no_token(way: str, run: Run) -> None:
    """Of a body that is gone there is no vector, no bit in a chunk, and no count of its tokens."""
    run("config", "set", "trash", "0d")
    run("add", "--new", "--role", "user", "we ate sardines by the harbour")
    name = run("add", "--new", "--role", "user", "the ferry was late", "--format", "ids").out.split(":")[0]
    run("add", name, "--role", "user", SECRET)
    run("search", "sardines")
    with opened(run) as store:
        before, _, bits = pieces(store)
        assert [piece_id(body) for body in (1, 2, 3)] == before
        secret = store.words.allowed(Filters(ids=(name,))) - {2}
        said = codes(store, secret)
    assert [True] == [code in Path("chatlog.db").read_bytes() for code in said]
    FORGET[way](run, name)
    assert [False] == [code in Path("chatlog.db").read_bytes() for code in said]
    with opened(run) as store:
        kept, found, left = pieces(store)
        assert set() == {piece_id(body) for body in secret} & {*kept, *found}
        assert (kept, True) == (found, left < bits)
        state = store.vectors.state()
        assert state is not None
        assert (None, 0) == (state.weights, state.fitted)
    run("search", "sardines")
    with opened(run) as store:
        state = store.vectors.state()
        assert state is not None
        assert embedder("wordllama").fit(store.vectors.sample(100)) == state.weights


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with chatlog.open(tmp_path_factory.mktemp("history") / "chatlog.db") as store:
        store.new(ConversationDraft(title="Trip"), [say("we ate sardines by the harbour"), say("see src/app.py")])
        store.new(messages=[say("データベースがロックされた"), say('a "quoted" AND (odd) NEAR text*')])
        yield store


PIECES = [
    "sardines", '"', "AND", "OR", "NOT", "NEAR(", ")", "*", "-", "role:", "tag:x", "-tag:", "in:tool", "since:9x",
    "since:1y", "is:pinned", "is:", "^", ":", "データ", "ベ", "'", "%", "?", "the", "C++", "{}", "\x00",
    "\ud800", "\u2028",
]  # fmt: skip
QUERIES = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(PIECES),
        max_size=9,
    ).map(" ".join),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=QUERIES, mode=st.sampled_from([mode for mode in MODES if mode != "regex"]), context=st.integers(0, 2))
def test_no_query_raises(text: str, mode: str, context: int, history: Store) -> None:
    """Whatever is typed is answered, and the answer agrees with itself."""
    for ask in (search_messages, search_conversations):
        found = ask(history, text, options=SearchOptions(mode=mode, context=context, limit=3))
        assert (found.tier == "none") == (not found.items)
        assert len(found.items) <= 3


@settings(max_examples=60)
@given(text=QUERIES)
def test_a_pattern_is_one_or_is_named(text: str, history: Store) -> None:
    """A regular expression that is none is a UsageError and nothing else."""
    with suppress(UsageError):
        search_messages(history, text, options=SearchOptions(mode="regex"))


def fill(store: Store, conversations: int, each: int, tag: str) -> None:
    for number in range(conversations):
        texts = [say(f"sardines {tag} {number} {index}") for index in range(each)]
        store.new(ConversationDraft(tags=(tag,)), texts)


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "regex"])
def test_a_filter_takes_no_valid_result_away(mode: str, store: Store) -> None:
    """However few of all that matches a filter lets through, as many are found as there are or were asked for."""
    fill(store, 40, 5, "common")
    fill(store, 3, 4, "rare")
    for limit in (1, 5, 12, 30):
        options = SearchOptions(mode=mode, limit=limit)
        found = search_messages(store, "sardines", Filters(tags=("rare",)), options)
        assert min(limit, 12) == len(found.items)
        assert all(" rare " in item.message.text for item in found.items)
        assert limit == len(search_messages(store, "sardines", options=options).items)
        grouped = search_conversations(store, "sardines", Filters(tags=("rare",)), options)
        assert min(limit, 3) == len(grouped.items)


@pytest.mark.parametrize("mode", ["hybrid", "lexical"])
def test_other_users_change_nothing(mode: str, tmp_path: Path) -> None:
    """The answer is the same, to the score, whether a user is alone in the file or one among others."""
    options = SearchOptions(mode=mode, limit=8)

    def asked(store: Store) -> list[tuple[str, float]]:
        found = search_messages(store, "which sardines rare 1?", options=options)
        return [(item.message.text, round(item.score, 5)) for item in found.items]

    with fresh() as alone:
        fill(alone, 3, 4, "rare")
        expected = asked(alone)
    path = tmp_path / "all.db"
    with chatlog.open(path, "ana") as ana, chatlog.open(path, "ben") as ben:
        fill(ben, 20, 5, "common")
        fill(ana, 3, 4, "rare")
        search_messages(ben, "sardines", options=options)
        assert (True, expected) == (len(expected) > 4, asked(ana))


def test_bits_that_cannot_be_deleted_are_deleted_later(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extension an erasure is not complete, and doctor names what is left; with it again, it is."""
    run("add", "--new", "--role", "user", "we ate sardines by the harbour")
    name = run("add", "--new", "--role", "user", SECRET).out.partition(":")[0]
    run("search", "sardines")
    with monkeypatch.context() as patch:
        patch.setattr("chatlog.store.sqlite.vectors.find_spec", lambda _: None)
        erased = run("erase", name, "--yes", "--json")
        assert (1, False, True) == (erased.code, erased.json["complete"], "sqlite-vec" in erased.json["why"])
    checks = {check["name"]: check for check in run("doctor", "--json").json["checks"]}
    assert (False, True) == (checks["vectors"]["ok"], "candidates without a vector" in checks["vectors"]["detail"])
    done = run("erase", "--verify", "--json")
    assert (0, True) == (done.code, done.json["complete"])
    with opened(run) as store:
        codes, bits, _ = pieces(store)
        assert (codes, []) == (bits, store.forgetting.chores())
    assert all(check["ok"] for check in run("doctor", "--json").json["checks"] if check["name"] == "vectors")
