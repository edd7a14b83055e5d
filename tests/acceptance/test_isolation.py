"""Isolation, RELIABILITY.md 41: beside others with the same words, ids and keys a user sees what they would see alone.

The proof is a comparison: whatever one user does in a file that others use too gives the same answers, errors
included, as in a file of their own.
"""

from __future__ import annotations

import io
import itertools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

import chatlog
from chatlog.cli.options import complete_conversation, complete_tag
from chatlog.cli.session import Session
from chatlog.errors import ChatlogError, ClosedError, NotFoundError, UsageError
from chatlog.export import Exporter, select
from chatlog.models import ConversationDraft, Extra, Filters, MessageDraft
from chatlog.records import conversation_record, message_record
from chatlog.search import SearchOptions, search_messages
from chatlog.store import Store
from chatlog.store.forgetting import Cause
from chatlog.store.memories import MemoryDraft
from chatlog.store.sources import FileState, SeenFile
from chatlog.store.sqlite import database_file
from tests.conftest import Clock, Run

from ..store.making import matching
from .helpers import faults

USERS = ("ana", "Ana", "ben", "be", "ana'; --", "東", "u616e61", "a*b%c_d")
WORDS = ("weather", "Lisbon", "budget", "sailing", "camelCase", "東京", "retry", "the", "c++", "ana")
TAGS = ("work", "travel", "old")


class Names:
    """Gives new conversations ids that all begin alike, whosever they are."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.next = 0
        monkeypatch.setattr("chatlog.store.sqlite.conversations.new_id", lambda: self.name(self.next))

    @staticmethod
    def name(number: int) -> str:
        """Return the id of that number: all begin with the same characters, many with more of them."""
        return f"same{number % 7}{'abcdefghij'[number % 10]}{number:04d}".ljust(26, "x")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


def words(chance: Random) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randrange(1, 6)))


# what a user may do, each as a function of a store that answers with plain values


def op_new(store: Store, chance: Random) -> Any:
    draft = ConversationDraft(title=words(chance), tags=(chance.choice(TAGS),), project="/home/shared")
    key = chance.choice((None, "key-1", "key-2"))
    return conversation_record(store.new(draft, [MessageDraft(role="user", text=words(chance), key=key)]))


def op_add(store: Store, chance: Random) -> Any:
    key, parent = chance.choice((None, "key-1", "key-3")), chance.choice((None, None, 1, 2))
    drafts = [MessageDraft(role=role, text=words(chance), author="sam") for role in ("user", "assistant")]
    drafts[0] = MessageDraft(role="user", text=words(chance), key=key, parent=parent)
    return [message_record(message) for message in store.add(some(store, chance), drafts)]


def op_ingest(store: Store, chance: Random) -> Any:
    source = f"s{chance.randrange(3)}"
    records: list[Any] = [ConversationDraft(source_id=source, title=words(chance))]
    names = [f"{source}-m{number}" for number in range(chance.randrange(1, 4))]
    records += [MessageDraft(role="user", text=words(chance), source_id=name) for name in names]
    done = store.ingest("chatgpt", records, undelete=chance.random() < 0.2)
    return [done.new, done.updated, done.unchanged, done.skipped, done.orphans, done.ids]


def op_own_export(store: Store, chance: Random) -> Any:
    made = ConversationDraft(id=Names.name(9000 + chance.randrange(2)), source=None, title=words(chance))
    done = store.ingest("chatlog", [made, MessageDraft(role="user", text="shared words", seq=1, conversation=made.id)])
    return [done.new, done.updated, done.unchanged, done.ids]


def op_get(store: Store, chance: Random) -> Any:
    return conversation_record(store.get(some(store, chance)))


def op_prefix(store: Store, chance: Random) -> Any:
    return store.get(Names.name(chance.randrange(60))[: chance.randrange(3, 9)]).id


def op_recent(store: Store, chance: Random) -> Any:
    return store.get(chance.choice(("@last", "@2", "@5", "@99"))).id


LISTS = (
    Filters(),
    Filters(tags=("work",)),
    Filters(no_tags=("old",)),
    Filters(title=("weather",)),
    Filters(deleted=True),
    Filters(role="assistant"),
    Filters(author="sam"),
    Filters(source="chatgpt"),
    Filters(project="shared"),
    Filters(min_messages=3),
)


def op_list(store: Store, chance: Random) -> Any:
    filters = chance.choice(LISTS)
    page = store.conversations(filters, sort=chance.choice(("updated", "created:asc", "messages", "title")), limit=5)
    more = store.conversations(filters, limit=5, cursor=page.next_cursor).items if page.next_cursor else ()
    return [page.total, *(conversation_record(found) for found in (*page.items, *more))]


def op_show(store: Store, chance: Random) -> Any:
    found = some(store, chance)
    everything = [message_record(message) for message in store.messages(found, all_branches=True)]
    return [everything, [message.seq for message in store.messages(found, last=3)]]


def op_around(store: Store, chance: Random) -> Any:
    found = store.around(some(store, chance), chance.randrange(1, 4), before=2, after=2)
    return [message_record(message) for message in found]


def op_search(store: Store, chance: Random) -> Any:
    place = chance.choice(((), ("title",), ("text",)))
    mode = chance.choice(("lexical", "lexical", "regex"))
    options = SearchOptions(mode=mode, within=place, limit=10_000, context=1)
    filters = chance.choice((Filters(), Filters(tags=("old",)), Filters(role="user")))
    found = search_messages(store, words(chance).replace("+", "."), filters, options)
    items = [{**item.record(), "score": None} for item in found.items]
    return [found.tier, found.dropped, found.total, sorted(items, key=lambda item: str(item["ref"]))]


def op_tag(store: Store, chance: Random) -> Any:
    return store.tag([some(store, chance)], add=[chance.choice(TAGS)], remove=[chance.choice(TAGS)])


def op_tags(store: Store, chance: Random) -> Any:
    return store.tags()


def op_change(store: Store, chance: Random) -> Any:
    changes: dict[str, Any] = {"title": words(chance), "state": {"step": chance.randrange(3)}}
    return conversation_record(store.change(some(store, chance), changes, if_revision=chance.choice((None, None, 2))))


def op_fork(store: Store, chance: Random) -> Any:
    return conversation_record(store.fork(some(store, chance), chance.choice((None, 1, 3))))


def op_delete(store: Store, chance: Random) -> Any:
    return store.delete([some(store, chance)])


def op_restore(store: Store, chance: Random) -> Any:
    return store.restore([Names.name(chance.randrange(60))])


def op_hint(store: Store, chance: Random) -> Any:
    return store.title_by_message("chatgpt", f"s{chance.randrange(3)}-m0", words(chance))


def op_extras(store: Store, chance: Random) -> Any:
    values = {"namespace": "", "key": f"k{chance.randrange(3)}", "value": words(chance)}
    new = store.ingest_extra(Extra(kind="memory", values=values))
    tombstone = {"source": "chatgpt", "source_id": f"s{chance.randrange(9)}"}
    buried = store.ingest_extra(Extra(kind="tombstone", values=tombstone)) if chance.random() < 0.2 else None
    summary = {
        "conversation": some(store, chance),
        "kind": "rolling",
        "from_seq": 1,
        "to_seq": 1,
        "text": words(chance),
    }
    return [new, buried, store.ingest_extra(Extra(kind="summary", values=summary)), exported_extras(store)]


def exported_extras(store: Store) -> list[Any]:
    names = [found.id for found in store.conversations().items]
    return [dict(extra.values) for name in (None, *names) for extra in store.extras(name)]


def op_export(store: Store, chance: Random) -> Any:
    return exported(store)


def exported(store: Store) -> str:
    """Return all that an export of a user holds."""
    out = io.StringIO()
    Exporter(store, "jsonl").write(select(store, Filters()), out, everything=True)
    return out.getvalue()


OPERATIONS: list[Callable[[Store, Random], Any]] = [
    operation for name, operation in sorted(globals().items()) if name.startswith("op_")
]


def some(store: Store, chance: Random) -> str:
    """Return the id of a conversation that one of the users has, mostly of this one's."""
    own = [found.id for found in store.conversations(sort="created:asc").items]
    return chance.choice(own) if own and chance.random() < 0.8 else Names.name(chance.randrange(60))


def answer(operation: Callable[[Store, Random], Any], store: Store, seed: int) -> Any:
    """Return what an operation gives, or the error that it ends with, down to its words."""
    try:
        return operation(store, Random(seed))
    except ChatlogError as error:
        return type(error).__name__, error.message, error.hint


# the comparison


@pytest.mark.parametrize("operations", [400, pytest.param(5_000, marks=pytest.mark.slow)])
def test_a_user_among_others_and_alone(tmp_path: Path, names: Names, operations: int) -> None:
    """Random operations of eight users in one file give each of them what they would get in a file of their own."""
    chance, clock = Random(41), Clock()
    with ExitStack() as stack:
        shared = {user: stack.enter_context(chatlog.open(tmp_path / "all.db", user, clock=clock)) for user in USERS}
        alone = {
            user: stack.enter_context(chatlog.open(tmp_path / f"{number}.db", user, clock=clock))
            for number, user in enumerate(USERS)
        }
        for number in range(operations):
            user, operation = chance.choice(USERS), chance.choice(OPERATIONS)
            clock.tick()
            names.next, seed = chance.randrange(60), chance.randrange(10**9)
            among = answer_twice_named(operation, shared[user], seed)
            assert answer_twice_named(operation, alone[user], seed) == among, (number, user, operation.__name__)
        for user in USERS:
            assert exported(alone[user]) == exported(shared[user])
    assert [] == faults(tmp_path / "all.db")


def answer_twice_named(operation: Callable[[Store, Random], Any], store: Store, seed: int) -> Any:
    """Return an operation's answer; an id that the user has already is an error of the test's own making."""
    try:
        return answer(operation, store, seed)
    except Exception as error:  # noqa: BLE001  compared, not hidden
        return type(error).__name__


def test_the_operations_do_something(tmp_path: Path, names: Names) -> None:
    """Most random operations succeed, and each kind does so sometimes."""
    chance, clock = Random(42), Clock()
    succeeded: dict[str, int] = {operation.__name__: 0 for operation in OPERATIONS}
    with chatlog.open(tmp_path / "one.db", "ana", clock=clock) as store:
        for number in range(400):
            clock.tick()
            names.next = number
            operation = OPERATIONS[number % len(OPERATIONS)]
            result = answer(operation, store, chance.randrange(10**9))
            succeeded[operation.__name__] += not (isinstance(result, tuple) and str(result[0]).endswith("Error"))
    assert 300 < sum(succeeded.values())
    assert [] == [name for name, count in succeeded.items() if count == 0]


# what the comparison cannot show


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """Return the stores of two users of one file; the second one's holds a conversation, the first one's nothing."""
    with chatlog.open(tmp_path / "all.db", "ana") as ana, chatlog.open(tmp_path / "all.db", "ben") as ben:
        draft = ConversationDraft(title="Ben's diary", tags=("private",), source="chatgpt", source_id="s1")
        ben.new(draft, [MessageDraft(role="user", text="a word nobody else uses: xylophone", key="k1")])
        ben.ingest("chatgpt", [ConversationDraft(source_id="s2"), MessageDraft(role="user", text="x", source_id="m1")])
        yield ana, ben


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(NotFoundError) as caught:
        call()
    return caught.value.message, caught.value.hint


BY_ID: dict[str, Callable[[Store, str], Any]] = {
    "get": lambda store, name: store.get(name),
    "get by a prefix": lambda store, name: store.get(name[:8]),
    "message": lambda store, name: store.message(name, 1),
    "messages": lambda store, name: list(store.messages(name)),
    "last messages": lambda store, name: list(store.messages(name, last=1)),
    "branch": lambda store, name: list(store.messages(name, branch=1)),
    "around": lambda store, name: store.around(name, 1, before=1, after=1),
    "add": lambda store, name: store.add(name, [MessageDraft(role="user", text="x")]),
    "add again": lambda store, name: store.add(name, [MessageDraft(role="user", text="x", key="k1")]),
    "change": lambda store, name: store.change(name, {"title": "mine"}),
    "change at a revision": lambda store, name: store.change(name, {"title": "mine"}, if_revision=99),
    "fork": lambda store, name: store.fork(name),
    "tag": lambda store, name: store.tag([name], add=["x"]),
}


@pytest.mark.parametrize("call", BY_ID)
def test_another_users_id_is_no_id(two: tuple[Store, Store], call: str) -> None:
    """By its full id another user's conversation is as little there as one that never was, in the same words."""
    ana, ben = two
    theirs, nobodys = ben.get("@last").id, "z" * 26
    before = exported(ben)
    about_theirs = refused(lambda: BY_ID[call](ana, theirs))
    about_nobodys = refused(lambda: BY_ID[call](ana, nobodys))
    spelt = tuple(said.replace(theirs, nobodys).replace(theirs[:8], nobodys[:8]) for said in about_theirs)
    assert about_nobodys == spelt
    assert before == exported(ben)


def test_another_users_trash_and_words(two: tuple[Store, Store]) -> None:
    """Nothing of another user's can be deleted, restored, found, counted or titled."""
    ana, ben = two
    theirs = ben.get("@last").id
    assert (0, 0) == (ana.delete([theirs]), ana.restore([theirs]))
    ben.delete([theirs])
    assert 0 == ana.restore([theirs])
    assert not ana.title_by_message("chatgpt", "m1", "mine")
    assert [] == matching(ana, "xylophone")
    for mode in ("lexical", "regex"):
        assert () == search_messages(ana, "xylophone", options=SearchOptions(mode=mode)).items
    assert (0, []) == (ana.conversations().total, ana.tags())
    assert [] == [*ana.scan()]
    assert [] == [*ana.extras()]


def test_another_users_memories_files_rules_and_chores(two: tuple[Store, Store]) -> None:
    """What is kept beside conversations is one user's too: none of it is told, changed or removed."""
    ana, ben = two
    ben.memories.set(MemoryDraft("colour", "blue"))
    ben.sources.remember([SeenFile(path="/a.json", state=FileState(1, 2), read_ns=3, reader="0", report="{}")])
    ben.forgetting.add_policy("old", {"older_than": "90d"})
    ben.forgetting.begin_chore(["erase it"])
    kept = kept_beside(ben)
    assert ([], {}, None, 0, [], [], []) == kept_beside(ana)
    with pytest.raises(NotFoundError):
        ana.memories.get("colour")
    assert (0, 0) == (ana.memories.delete([("", "colour")]), ana.sources.forget(lambda _: True))
    with pytest.raises(NotFoundError):
        ana.forgetting.remove_policy("old")
    ana.forgetting.end_chores(["erase it"])
    ana.sources.remember([SeenFile(path="/a.json", state=FileState(4, 5), read_ns=6, reader="0")])
    assert 1 == ana.sources.forget(lambda _: True)
    assert kept == kept_beside(ben)


def kept_beside(store: Store) -> tuple[Any, ...]:
    """Return what a store keeps for its user beside conversations."""
    files, rules = store.sources, store.forgetting
    kept = ([*store.memories.all()], files.all(), files.report("/a.json"), files.stamp())
    return (*kept, rules.policies(), rules.chores(), rules.audit(10))


@pytest.mark.parametrize("mark", ["trash", "archive"])
def test_another_users_conversations_are_not_forgotten(two: tuple[Store, Store], mark: str) -> None:
    """They are neither found to be forgotten, nor marked, held, taken out or removed by who knows their ids."""
    ana, ben = two
    theirs, before = ben.get("@last"), exported(ben)
    asked = ana.forgetting
    assert ([], [], {}) == ([*asked.every(Filters(any_state=True))], asked.due("9"), asked.sizes([theirs.id]))
    assert [] == getattr(asked, mark)([(theirs.id, theirs.revision)], Cause("prune"))
    by_id = (asked.find, lambda name: asked.hold(name, "mine"), lambda name: [*asked.words([name], [])])
    for call in by_id:
        with pytest.raises(NotFoundError):
            call(theirs.id)
    assert 0 == asked.take_out([(theirs.id, 1)], Cause("erase")).messages
    assert 0 == asked.remove([theirs.id], Cause("erase"), stop=bool).messages
    assert [] == [*ana.redactions.said([theirs.id])]
    assert before == exported(ben)


@pytest.mark.parametrize(
    "query",
    [
        "owner : u62656e0", '"u62656e0"', "u62656e0", "u62656e0*", "xylophone OR owner", 'x" OR owner : "u62656e0',
        "-nothing xylophone", "NOT nothing", "xylo*", "x NEAR xylophone", "{owner} : u62656e0", "^xylophone",
    ],
)  # fmt: skip
def test_no_query_reaches_another_user(two: tuple[Store, Store], query: str) -> None:
    """No way to write a query gets out of the user's own messages, not even the index's own language."""
    ana = two[0]
    ana.new(ConversationDraft(title="Ana's"), [MessageDraft(role="user", text="nothing of note, only x")])
    found = search_messages(ana, query, options=SearchOptions(hidden=True))
    assert [] == [item.message.ref for item in found.items if "xylophone" in item.message.text]
    assert "xylophone" not in json.dumps([item.record() for item in found.items])


def test_a_name_like_anothers_owner_token(tmp_path: Path) -> None:
    """Users whose names differ in case, or are one another's beginning or token, do not share an index."""
    path = tmp_path / "all.db"
    for user in USERS:
        with chatlog.open(path, user) as store:
            store.new(ConversationDraft(), [MessageDraft(role="user", text=f"weather of {user}", author=user)])
    for user in USERS:
        with chatlog.open(path, user) as store:
            found = search_messages(store, "weather").items
            assert [user] == [item.message.author for item in found]


def test_the_same_ids_and_keys_for_two(tmp_path: Path) -> None:
    """Two users may have the same conversation ids, source ids and idempotency keys, each with their own words."""
    texts = {"ana": "red", "ben": "blue"}
    for user, text in texts.items():
        with chatlog.open(tmp_path / "all.db", user) as store:
            records = [ConversationDraft(id="c" * 26), MessageDraft(role="user", text=text, key="k1", source_id="m1")]
            assert (1, 0) == (store.ingest("chatlog", records).new, store.ingest("chatlog", records).new)
            again = store.add("c" * 26, [MessageDraft(role="user", text=text, key="k1")])
            assert [text] == [message.text for message in again]
    for user, text in texts.items():
        with chatlog.open(tmp_path / "all.db", user) as store:
            assert [text] == [message.text for message in store.messages("c" * 26)]
            assert 1 == store.conversations().total


def test_an_ambiguous_prefix_names_only_ones_own(tmp_path: Path) -> None:
    """A prefix is unique, or lists candidates, among the user's own conversations alone."""
    for user, ids in (("ana", ["aaaab", "aaaac"]), ("ben", ["aaaad", "aaaae", "aaaaf"]), ("cy", ["aaaag"])):
        with chatlog.open(tmp_path / "all.db", user) as store:
            records = [ConversationDraft(id=name.ljust(26, "x")) for name in ids]
            store.ingest("chatlog", records)
    with chatlog.open(tmp_path / "all.db", "cy") as store:
        assert "aaaag".ljust(26, "x") == store.get("aaaa").id
    with chatlog.open(tmp_path / "all.db", "ana") as store, pytest.raises(UsageError) as caught:
        store.get("aaaa")
    assert re.findall(r"aaaa\w{22}", caught.value.message) == [name.ljust(26, "x") for name in ("aaaab", "aaaac")]


def test_facts_about_the_file_count_ones_own(two: tuple[Store, Store]) -> None:
    """The counts that `db info` and `doctor` show are of the user's own conversations and messages."""
    ana, ben = two
    assert (0, 0) == (ana.info()["conversations"], ana.info()["messages"])
    assert (2, 2) == (ben.info()["conversations"], ben.info()["messages"])


def test_scores_do_not_tell_of_others(tmp_path: Path) -> None:
    """What another user writes does not move the scores of one's own results."""
    path = tmp_path / "all.db"
    with chatlog.open(path, "ana") as ana, chatlog.open(path, "ben") as ben:
        ana.new(ConversationDraft(), [MessageDraft(role="user", text=text) for text in ("xylophone", "rain", "wind")])
        before = [item.score for item in search_messages(ana, "xylophone").items]
        for _ in range(20):
            ben.new(ConversationDraft(), [MessageDraft(role="user", text="xylophone")])
        assert before == [item.score for item in search_messages(ana, "xylophone").items]


@pytest.mark.parametrize("user", ["", " ", "a\nb", "x" * 201, "\x1b[31m", "\udcff"], ids=repr)
def test_a_missing_user_fails_closed(run: Run, tmp_path: Path, user: str) -> None:
    """A user's name that is empty, too long or unprintable opens nothing."""
    with pytest.raises(UsageError):
        chatlog.open(tmp_path / "all.db", user)
    assert 2 == run("--user", user, "list").code
    assert [] == list(tmp_path.iterdir())


def test_an_empty_variable_fails_closed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that names nobody is refused instead of falling back to somebody."""
    run("add", "--new", "--role", "user", "mine")
    monkeypatch.setenv("CHATLOG_USER", "")
    ran = run("list")
    assert (2, "") == (ran.code, ran.out)


def test_the_command_line_is_one_users(run: Run) -> None:
    """Every reading verb of one user's command line is silent about another's conversations."""
    run("add", "--new", "--role", "user", "a xylophone", "--user", "ben")
    theirs = run("list", "--format", "ids", "--user", "ben").out.strip()
    run("set", theirs, "--title", "Xylophone", "--user", "ben")
    run("tag", theirs, "+xylophone", "--user", "ben")
    run("add", "--new", "--role", "user", "my own")
    lines = [
        ["list"], ["list", "--json"], ["tags"], ["search", "xylophone"], ["search", "--mode", "regex", "xylo"],
        ["search", "xylophone", "--in", "title"], ["export"], ["show", theirs], ["show", theirs[:6]], ["show", "@2"],
        ["state", theirs, "get"], ["fork", theirs], ["set", theirs, "--pin"], ["tag", theirs, "+x"],
        ["export", theirs], ["search", "own", "--conv", theirs], ["list", "--tag", "xylophone"],
    ]  # fmt: skip
    for line in lines:
        ran = run(*line)
        said = (ran.out + ran.err).replace(f"'{theirs}'", "").replace(f"'{theirs[:6]}'", "").lower()
        assert "xylophone" not in said.replace("no message has: xylophone", ""), line
        assert theirs not in said, line


def test_completion_is_one_users(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell is offered the ids and tags of the user alone."""
    names = itertools.cycle("ab")
    for user in ("ana", "ben"):
        run("new", "--title", user, "--tag", next(names), "--user", user)
    monkeypatch.setenv("CHATLOG_USER", "ana")
    context: Any = SimpleNamespace(find_root=lambda: SimpleNamespace(obj=Session()))
    assert ["ana"] == [title for _, title in complete_conversation(context, "")]
    assert ["a"] == complete_tag(context, "")


def test_the_stores_of_many_users_share_their_connections(tmp_path: Path) -> None:
    """Each sees what is theirs; many need no more connections than one, and none closes them for the others."""
    path = tmp_path / "chats.db"
    with chatlog.open(path, "ana") as ana:
        users = [ana.for_user(f"user {number}") for number in range(300)]
        for number, store in enumerate(users):
            store.new(ConversationDraft(title=f"of {number}"))
        assert [[f"of {number}"] for number in range(300)] == [
            [one.title for one in store.conversations().items] for store in users
        ]
        assert (0, users[0].vectors is users[1].vectors) == (ana.conversations().total, False)
        assert 1 == database_file.Registry.count(path)
        with pytest.raises(UsageError):
            ana.for_user(" ")
        with users[0]:
            assert 1 == users[0].conversations().total
        assert ["of 1"] == [one.title for one in users[1].conversations().items]
    with pytest.raises(ClosedError):
        users[0].conversations()
