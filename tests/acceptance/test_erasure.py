"""Erasure, RELIABILITY.md 14 to 17: what was erased is in no byte of the file, and erase says so only then."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import chatlog
from chatlog import ConversationDraft, Exporter, Filters, MessageDraft, bytescan, erasure, import_history, redacting
from chatlog.errors import BusyError, CheckFailedError, NotFoundError, RefusedError
from chatlog.models import Extra
from chatlog.redaction import Redactor
from chatlog.store import Store
from chatlog.store.forgetting import Cause
from chatlog.store.memories import MemoryDraft
from chatlog.store.sources import FileState, SeenFile
from chatlog.store.sqlite import removal
from chatlog.store.sqlite.forgetting import SqliteForgetting

from ..store.making import matching
from .helpers import chatlog_process, execute, faults, plain_connection, rounds

PATH = "chats.db"


def secret(kind: str, number: int) -> str:
    """Return a phrase whose last word is a token of its own in the index."""
    return f"{kind} of the plan number {number} is called {token(kind, number)}"


def token(kind: str, number: int) -> str:
    return f"zq{kind}{number:05d}xk"


KINDS = ("text", "tool", "file", "title", "tag", "state", "metadata", "summary", "memory")


def plant(store: Store, number: int) -> str:
    """Store a conversation with a secret of each kind, among others that stay."""
    call = {"type": "tool_call", "id": "1", "name": "look", "arguments": {"q": secret("tool", number)}}
    file = {"type": "file", "name": f"{secret('file', number)}.pdf", "mime_type": "application/pdf"}
    draft = ConversationDraft(
        source_id=f"s{number}", title=secret("title", number), tags=(token("tag", number),), state={"a": "b"}
    )
    messages = [
        MessageDraft(role="user", text=f"Hello {number}", source_id=f"u{number}"),
        MessageDraft(role="assistant", text=secret("text", number), source_id=f"a{number}", parts=None),
        MessageDraft(
            role="assistant", parts=(call, file), source_id=f"t{number}", metadata={"m": secret("metadata", number)}
        ),
        MessageDraft(role="user", text="filler " * (40 * (number % 30)), source_id=f"f{number}"),
    ]
    (name,) = store.ingest("chatgpt", [draft, *messages]).ids
    store.change(name, {"state": {"s": secret("state", number)}})
    values = {"conversation": name, "kind": "rolling", "from_seq": 1, "to_seq": 3, "text": secret("summary", number)}
    store.ingest_extra(Extra(kind="summary", values={**values, "method": "m"}))
    memory = {"key": f"k{number}", "value": f"{secret('text', number)}; {token('memory', number)}"}
    store.ingest_extra(Extra(kind="memory", values=memory))
    return name


def edit(store: Store, number: int, name: str) -> None:
    """Let a conversation and its message grow, as a later import and its owner do."""
    grown = MessageDraft(role="assistant", text=secret("text", number) + " and more" * 30, source_id=f"a{number}")
    store.ingest("chatgpt", [ConversationDraft(source_id=f"s{number}"), grown])
    store.change(name, {"title": secret("title", number) + " again" * 10, "state": {"s": secret("state", number) * 3}})


def left(folder: Path, numbers: Iterator[int] | range) -> list[str]:
    """Return the secrets that another process finds in the bytes of the file and of what is beside it."""
    program = (
        "import re, sys, pathlib; data = b''.join(p.read_bytes() for p in pathlib.Path(sys.argv[1]).iterdir());"
        "print(*{w.decode() for w in re.findall(rb'zq[a-z]+[0-9]{5}', data.lower())})"
    )
    said = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    found = {*said.stdout.split()}
    return [token(kind, n) for n in numbers for kind in KINDS if token(kind, n)[:-2] in found]


def test_a_plan_looks_at_each_conversation_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many of its messages are to go, or are shared with what goes."""
    looked: list[str] = []
    find = SqliteForgetting.find
    monkeypatch.setattr(SqliteForgetting, "find", lambda self, name: looked.append(name) or find(self, name))
    with chatlog.open(tmp_path / PATH) as store:
        talk = store.new(messages=[MessageDraft("user", f"message {number}") for number in range(9)])
        fork = store.fork(talk.id)
        assert 9 == len(erasure.plan(store, [talk], []).sharing)
        assert 9 == len(erasure.plan(store, [], [(talk.id, seq) for seq in range(1, 10)]).sharing)
    assert [fork.id, talk.id, fork.id] == looked


def test_the_last_messages_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each looks for what follows it among what comes after it, which is little where that is gone."""
    gone: list[int] = []
    take_out = removal.take_out
    monkeypatch.setattr(removal, "take_out", lambda *given: gone.append(given[3]) or take_out(*given))
    with chatlog.open(tmp_path / PATH) as store:
        talk = store.new(messages=[MessageDraft("user", f"message {number}") for number in range(5)])
        store.forgetting.take_out([(talk.id, seq) for seq in (1, 2, 4)], Cause("erase"))
        assert [(3, None), (5, 3)] == [(message.seq, message.parent) for message in store.messages(talk.id)]
    assert [4, 2, 1] == gone


@rounds(60, 1_000)
def test_nothing_is_left(tmp_path: Path, rounds: int) -> None:
    """Of secrets in every place, half of them edited since, none is in the file, its log or its index."""
    every = range(rounds)
    with chatlog.open(tmp_path / PATH) as store:
        names = [plant(store, number) for number in every]
        for number in every[::2]:
            edit(store, number, names[number])
        chosen = [store.get(name) for number, name in enumerate(names) if number % 3]
        done = erasure.run(store, erasure.plan(store, chosen, []))
        assert (True, "") == (done.complete, done.why)
        assert [] == store.forgetting.chores()
    assert [] == left(tmp_path, [number for number in every if number % 3])
    assert len(KINDS) * len(every[::3]) == len(left(tmp_path, every))
    assert [] == faults(tmp_path / PATH)


def test_the_scan_sees_what_is_left(tmp_path: Path) -> None:
    """Were something left, the proof of above would find it: before the erasure all of it is there."""
    with chatlog.open(tmp_path / PATH) as store:
        plant(store, 1)
    assert len(KINDS) == len(left(tmp_path, range(1, 2)))


def test_a_message(tmp_path: Path) -> None:
    """One message goes with its index entry, the title made of it and the summaries it went into; the rest stays."""
    with chatlog.open(tmp_path / PATH) as store:
        texts = ["zqfirst00001 is what I said", "an answer", "zqthird00003 is said, too", "the end"]
        name = store.new(messages=[MessageDraft(role="user", text=text) for text in texts]).id
        for last, text in ((1, "zqsummary00001 of one"), (4, "zqsummary00004 of all")):
            values = {
                "conversation": name,
                "kind": "rolling",
                "from_seq": 1,
                "to_seq": last,
                "text": text,
                "method": "m",
            }
            store.ingest_extra(Extra(kind="summary", values=values))
        assert erasure.run(store, erasure.plan(store, [], [(name, 3)])).complete
        assert ["zqsummary00001 of one"] == [extra.values["text"] for extra in store.extras(name)]
        assert erasure.run(store, erasure.plan(store, [], [(name, 1)])).complete
        kept = list(store.messages(name))
        assert [(2, None, "an answer"), (4, 2, "the end")] == [(one.seq, one.parent, one.text) for one in kept]
        assert ("an answer", 2, 4) == (store.get(name).title, store.get(name).messages, store.get(name).head)
        assert [] == list(store.extras(name))
        with pytest.raises(NotFoundError):
            erasure.plan(store, [], [(name, 3)])
    data = (tmp_path / PATH).read_bytes().lower()
    assert [] == [word for word in (b"zqfirst", b"zqthird", b"zqsummary") if word in data]
    assert [] == faults(tmp_path / PATH)


def test_the_head_and_a_branch(tmp_path: Path) -> None:
    """Without its last message a conversation ends before it; without its root, the branches are roots."""
    with chatlog.open(tmp_path / PATH) as store:
        name = store.new(messages=[MessageDraft(role="user", text="root of it all")]).id
        store.add(name, [MessageDraft(role="assistant", text="one answer")])
        store.add(name, [MessageDraft(role="assistant", text="another answer", parent=1)])
        for seq, head in ((3, 1), (1, 2), (2, None)):
            assert erasure.run(store, erasure.plan(store, [], [(name, seq)])).complete
            assert head == store.get(name).head
    assert [] == faults(tmp_path / PATH)


def test_it_does_not_come_back(tmp_path: Path) -> None:
    """Neither an import of the source nor one of an older export brings back what was erased."""
    with chatlog.open(tmp_path / PATH) as store:
        draft, message = ConversationDraft(source_id="s"), MessageDraft(role="user", text="said", source_id="m")
        other = MessageDraft(role="user", text="erased alone", source_id="n")
        (name,) = store.ingest("chatgpt", [draft, message, other]).ids
        own = store.new(ConversationDraft(title="own"), [MessageDraft(role="user", text=text) for text in "ab"])
        records = [
            ConversationDraft(id=own.id),
            *(MessageDraft(role="user", text=t, seq=n) for n, t in ((1, "a"), (2, "b"))),
        ]
        erasure.run(store, erasure.plan(store, [], [(name, 2), (own.id, 1)]))
        assert (0, 1) == store.ingest("chatgpt", [draft, message, other])[0:4:3]
        assert (0, 1) == store.ingest("chatlog", records)[0:4:3]
        erasure.run(store, erasure.plan(store, [store.get(name), store.get(own.id)], []))
        assert (0, 2) == store.ingest("chatgpt", [draft, message, other])[0:4:3]
        assert (0, 2) == store.ingest("chatlog", records)[0:4:3]
        assert 2 == store.ingest("chatgpt", [draft, message, other], undelete=True).new


def test_forks_are_named_and_asked_for(tmp_path: Path) -> None:
    """Where others share the words, nothing happens until somebody says whether they lose them too."""
    with chatlog.open(tmp_path / PATH) as store:
        one = store.new(messages=[MessageDraft(role="user", text="zqshared00001 by both of them")])
        fork = store.fork(one.id)
        store.add(fork.id, [MessageDraft(role="user", text="on my own")])
        plan = erasure.plan(store, [one], [])
        assert {fork.id: 1} == plan.sharers
        with pytest.raises(RefusedError, match=fork.id):
            erasure.run(store, plan)
        third = store.fork(fork.id, 1)
        assert erasure.run(store, erasure.plan(store, [third], []), forks=False).complete
        assert 2 == len(list(store.messages(fork.id)))
        assert erasure.run(store, plan, forks=True).complete
        assert ["on my own"] == [message.text for message in store.messages(fork.id)]
    assert b"zqshared" not in (tmp_path / PATH).read_bytes().lower()
    assert [] == faults(tmp_path / PATH)


def test_a_fork_that_is_being_removed(tmp_path: Path) -> None:
    """What a removal that was interrupted left of a fork hinders no erasure, and goes with it."""
    with chatlog.open(tmp_path / PATH) as store:
        said = [MessageDraft(role="user", text=f"{secret('text', 1)} {number}") for number in range(100)]
        name = store.new(messages=said).id
        chances = iter([False, True])
        fork = store.fork(name).id
        assert not store.forgetting.remove([fork], Cause("prune"), stop=lambda: next(chances)).finished
        assert () == erasure.plan(store, [], [(name, 1)]).sharing
        assert erasure.run(store, erasure.plan(store, [store.get(name)], [])).complete
    assert [] == left(tmp_path, range(1, 2))


def test_what_others_say_is_not_told(tmp_path: Path) -> None:
    """The proof allows for the same words in another user's history; the count of what is elsewhere leaves them out."""
    said = [MessageDraft(role="user", text=secret("text", 1))]
    with chatlog.open(tmp_path / PATH, user="ana") as ana, chatlog.open(tmp_path / PATH, user="bob") as bob:
        ana.new(messages=said)
        twice = [bob.new(messages=said).id for _ in range(2)]
        done = [erasure.run(bob, erasure.plan(bob, [bob.get(name)], [])) for name in twice]
    assert [(True, True), (True, False)] == [(one.complete, one.elsewhere > 0) for one in done]


def test_a_hold_beats_it(tmp_path: Path) -> None:
    """What is on legal hold stays, also what a fork on hold shares."""
    with chatlog.open(tmp_path / PATH) as store:
        one = store.new(messages=[MessageDraft(role="user", text="kept by a judge")])
        fork = store.fork(one.id)
        store.forgetting.hold(fork.id, "case 1")
        plan = erasure.plan(store, list(store.forgetting.every(Filters(any_state=True))), [], everything=True)
        assert ([one.id], {fork.id}) == (plan.ids, {each.id for each in plan.skipped})
        done = erasure.run(store, plan)
        assert (True, 1) == (done.complete, done.elsewhere)
        assert ["kept by a judge"] == [message.text for message in store.messages(fork.id)]


def test_a_reader_of_an_old_state(tmp_path: Path) -> None:
    """While somebody holds an old state open erase says that it is not complete; run again afterwards, it is."""
    path = tmp_path / PATH
    with chatlog.open(path) as store:
        name = store.new(messages=[MessageDraft(role="user", text=secret("text", 1))]).id
    reader = plain_connection(path)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM bodies").fetchone()
    home = ["--db", str(path), "--json"]
    ran = chatlog_process(tmp_path, "erase", name, "--yes", *home)
    answer = json.loads(ran.stdout)
    assert (7, False, True) == (ran.returncode, answer["complete"], answer["retryable"])
    assert "reader" in answer["why"]
    reader.execute("ROLLBACK")
    reader.close()
    ran = chatlog_process(tmp_path, "erase", name, "--yes", *home)
    assert (0, True) == (ran.returncode, json.loads(ran.stdout)["complete"])
    assert [] == left(tmp_path, range(1, 2))
    assert 3 == chatlog_process(tmp_path, "erase", name, "--yes", *home).returncode


def test_the_proof_of_one_is_not_that_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An erasure that is not proven stays so while another is, until the file is written anew."""
    with chatlog.open(tmp_path / PATH) as store:
        messages = ([MessageDraft(role="user", text=secret("text", number))] for number in (1, 2, 3))
        first, second, third = (store.new(messages=said).id for said in messages)
        with monkeypatch.context() as patch:
            patch.setattr("chatlog.store.sqlite.space.fold", lambda *_: False)
            assert not erasure.run(store, erasure.plan(store, [store.get(first)], [])).complete
        assert erasure.run(store, erasure.plan(store, [store.get(second)], [])).complete
        assert [first] == erasure.unfinished(store)
        store.forgetting.begin_chore([erasure.CHORE + third])
        assert erasure.finish(store, None).complete
        assert [third] == erasure.unfinished(store)


def test_a_hold_that_came_meanwhile(tmp_path: Path) -> None:
    """What was put on hold after the plan was made stays, and is not said to be erased."""
    with chatlog.open(tmp_path / PATH) as store:
        name = store.new(messages=[MessageDraft(role="user", text="kept by a judge at last")]).id
        plan = erasure.plan(store, [store.get(name)], [])
        store.forgetting.hold(name, "case 1")
        done = erasure.run(store, plan)
        assert (False, True) == (done.complete, "legal hold" in done.why)
        assert ([], 1) == (erasure.unfinished(store), store.get(name).messages)


@pytest.mark.parametrize("python", ["/nonexistent", "/bin/false", "/bin/true"])
def test_a_scan_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str) -> None:
    """Where no other process can look, as in a program that holds Python, nothing is proven; run again, it is."""
    with chatlog.open(tmp_path / PATH) as store:
        name = store.new(messages=[MessageDraft(role="user", text=secret("text", 1))]).id
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", python)
            with pytest.raises(CheckFailedError, match="nothing is proven"):
                erasure.run(store, erasure.plan(store, [store.get(name)], []))
        assert [name] == erasure.unfinished(store)
        assert (True, []) == (erasure.resume(store).complete, erasure.unfinished(store))


def test_only_one_at_a_time(tmp_path: Path) -> None:
    """A second erasure is told to try again."""
    with chatlog.open(tmp_path / PATH) as store, chatlog.open(tmp_path / PATH) as other:
        name = store.new().id
        plan = erasure.plan(store, [store.get(name)], [])
        with other.forgetting.alone() as alone:
            assert alone
            with pytest.raises(BusyError):
                erasure.run(store, plan)
        assert erasure.run(store, erasure.plan(store, [store.get(name)], [])).complete


def test_one_that_was_killed_in_the_middle(tmp_path: Path) -> None:
    """The next erasure, or prune, ends what was begun; of what had not been removed at all it does not say complete."""
    with chatlog.open(tmp_path / PATH) as store:
        begun, waiting = (plant(store, number) for number in (1, 2))
        store.forgetting.begin_chore([erasure.CHORE + begun, erasure.CHORE + waiting])
        store.forgetting.remove([begun], Cause("erase"), stop=lambda: True)
        done = erasure.resume(store)
        assert (False, True) == (done.complete, waiting in done.why)
        store.forgetting.remove([waiting], Cause("erase"), stop=lambda: True)
        store.memories.delete([("", "k1"), ("", "k2")])
    ran = chatlog_process(tmp_path, "prune", "--expired", "--yes", "--json", "--db", str(tmp_path / PATH))
    assert (0, []) == (ran.returncode, json.loads(ran.stdout)["warnings"])
    assert [] == left(tmp_path, range(3))
    with chatlog.open(tmp_path / PATH) as store:
        assert ([], 0) == (erasure.unfinished(store), store.info()["messages"])


@pytest.mark.parametrize("beside", [False, True])
def test_a_message_whose_erasure_was_killed_before_it_was_gone(tmp_path: Path, beside: bool) -> None:
    """The same call again erases it, alone or beside a conversation, and only then says that it is complete."""
    with chatlog.open(tmp_path / PATH) as store:
        said = (MessageDraft(role="user", text=secret("text", number)) for number in (1, 2))
        one, other = (store.new(messages=[message]).id for message in said)
        names = [f"{one}:1", *([other] if beside else [])]
        store.forgetting.begin_chore([erasure.CHORE + name for name in names])
    ran = chatlog_process(tmp_path, "erase", *names, "--yes", "--json", "--db", PATH)
    assert (0, True) == (ran.returncode, json.loads(ran.stdout)["complete"])
    assert [] == left(tmp_path, range(1, 2 + beside))


def test_what_an_earlier_call_removed_is_proven_with_the_rest(tmp_path: Path) -> None:
    """The same call again proves also what is gone already, and leaves nothing unproven."""
    with chatlog.open(tmp_path / PATH) as store:
        said = (MessageDraft(role="user", text=secret("text", number)) for number in (1, 2))
        gone, other = (store.new(messages=[message]).id for message in said)
        store.forgetting.begin_chore([erasure.CHORE + name for name in (f"{gone}:1", other)])
        store.forgetting.take_out([(gone, 1)], Cause("erase"))
    ran = chatlog_process(tmp_path, "erase", f"{gone}:1", other, "--yes", "--json", "--db", PATH)
    assert (0, True) == (ran.returncode, json.loads(ran.stdout)["complete"])
    with chatlog.open(tmp_path / PATH) as store:
        assert [] == erasure.unfinished(store)


def test_what_is_left_is_no_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces that stay in the file, in whatever place, are counted; a file that has no room is not written anew."""
    with chatlog.open(tmp_path / PATH) as store:
        first, second = (store.new(messages=[MessageDraft(role="user", text=secret("text", n))]).id for n in (1, 2))
        execute(tmp_path / PATH, "CREATE TABLE lost AS SELECT text FROM bodies")
        done = erasure.run(store, erasure.plan(store, [store.get(first)], []))
        assert (False, True, False) == (done.complete, done.vacuumed, done.retryable)
        assert re.fullmatch(r"\d pieces of it are still in the file", done.why)
        monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=5))
        done = erasure.run(store, erasure.plan(store, [store.get(second)], []))
        resumed = erasure.resume(store)
        assert [(False, False)] * 2 == [(one.complete, one.vacuumed) for one in (done, resumed)]
        assert "free" in done.why
        assert (resumed.why, 2) == (done.why, len(erasure.unfinished(store)))


def test_a_person(tmp_path: Path) -> None:
    """All that a user has goes, whatever its state, and nothing of another's."""
    with chatlog.open(tmp_path / PATH, user="ana") as store, chatlog.open(tmp_path / PATH, user="bob") as bob:
        for number in range(4):
            plant(store, number)
        bob.new(messages=[MessageDraft(role="user", text="zqbobs00001 remains")])
        store.ingest_extra(Extra(kind="memory", values={"key": "k", "value": "zqmemory00001 of hers"}))
        store.delete([store.get("@last").id])
        store.change(store.get("@last").id, {"expires_at": "2020-01-01T00:00:00Z"})
        store.forgetting.add_policy("old", {"older_than": "1d"})
        found = list(store.forgetting.every(Filters(any_state=True)))
        assert 4 == len(found)
        assert erasure.run(store, erasure.plan(store, found, [], everything=True)).complete
        assert 1 == len(matching(bob, "zqbobs00001"))
        assert ([], []) == ([*store.memories.all()], store.forgetting.policies())
    data = (tmp_path / PATH).read_bytes().lower()
    assert [] == left(tmp_path, range(4))
    assert [b"zqbobs"] == [word for word in (b"zqbobs", b"zqmemory") if word in data]


def test_a_memory_made_of_it(tmp_path: Path) -> None:
    """A memory that quotes what is erased goes with it, and is named; others stay."""
    with chatlog.open(tmp_path / PATH) as store:
        name = store.new(messages=[MessageDraft(role="user", text=secret("text", 1))]).id
        for key, value in (("quoted", {"fact": f"they said: {secret('text', 1)}"}), ("other", "the plan has a number")):
            store.ingest_extra(Extra(kind="memory", values={"key": key, "value": value}))
        plan = erasure.plan(store, [], [(name, 1)])
        assert (("", "quoted"),) == plan.memories
        assert erasure.run(store, plan).complete
        assert ["other"] == [memory.key for memory in store.memories.all()]
    assert [] == left(tmp_path, range(1, 2))


def test_what_the_proof_looks_for_of_a_memory_is_there_before(tmp_path: Path) -> None:
    """A memory is looked for as the file holds it, whoever wrote it, not as a program would write it."""
    with chatlog.open(tmp_path / PATH) as store:
        value = {"who": "Ana", "where": ["the old harbour", 1]}
        store.memories.set(MemoryDraft("set", value))
        store.ingest_extra(Extra(kind="memory", values={"key": "brought in", "value": {**value, "when": "7 May"}}))
        plan = erasure.plan(store, [], [], everything=True)
        phrases = bytescan.phrases(erasure._words(store, plan, []))
        assert 2 <= len(phrases)
        assert store.forgetting.fold()
        assert {*phrases} == {*bytescan.left_in(store.forgetting.files(), phrases)}


def test_names_of_files_that_were_imported(tmp_path: Path) -> None:
    """A file that is called as its conversation is forgotten with it; the import that reads it again is told so."""
    title = "My trip to Japan in spring"
    source = tmp_path / f"{title}.jsonl"
    with chatlog.open(tmp_path / "export.db") as store:
        store.new(ConversationDraft(title=title), [MessageDraft(role="user", text="Where shall we go first?")])
        Exporter(store, "jsonl").write_file(store.conversations().items, source, force=False, everything=False)
    with chatlog.open(tmp_path / PATH) as store:
        import_history(store, [source])
        done = erasure.run(store, erasure.plan(store, store.conversations().items, []))
        assert (True, "", {}) == (done.complete, done.why, store.sources.all())
        assert title.encode() not in (tmp_path / PATH).read_bytes()
        assert {"skipped": 1, "new": 0}.items() <= import_history(store, [source]).total.items()


def test_what_others_imported_is_theirs(tmp_path: Path) -> None:
    """What is erased may be what another user's file is called: that is no piece of it that is left."""
    with chatlog.open(tmp_path / PATH, user="bob") as bob:
        bob.sources.remember([SeenFile(path="/home/bob/lisbon plans", state=FileState(1, 1), read_ns=1, reader="")])
        with chatlog.open(tmp_path / PATH, user="ana") as ana:
            name = ana.new(messages=[MessageDraft(role="user", text="lisbon plans")]).id
            done = erasure.run(ana, erasure.plan(ana, [ana.get(name)], []))
            assert (True, 0) == (done.complete, done.elsewhere)
        assert ["/home/bob/lisbon plans"] == [*bob.sources.all()]


def test_an_encrypted_file(tmp_path: Path) -> None:
    """Of an encrypted file the bytes prove nothing, so it is written anew; nothing is left in its tables."""
    with chatlog.open(tmp_path / PATH, key="00" * 32) as store:
        name, other = (store.new(messages=[MessageDraft(role="user", text=secret("text", n))]).id for n in (1, 2))
        done = erasure.run(store, erasure.plan(store, [store.get(name)], []))
        assert (True, True) == (done.complete, done.vacuumed)
        phrases = [secret("text", n).encode() for n in (1, 2)]
        assert {phrases[1]} == store.forgetting.still_said(phrases, by_anyone=True)
        assert other == store.get("@last").id


def test_the_settings_that_overwrite(tmp_path: Path) -> None:
    """Deleted bytes are overwritten on each connection and in the index, before and after a large erasure."""
    with chatlog.open(tmp_path / PATH) as store:
        texts = [MessageDraft(role="user", text=f"line {number}") for number in range(200)]
        name = store.new(messages=texts).id
        before = overwriting(store)
        assert erasure.run(store, erasure.plan(store, [store.get(name)], [])).complete
        assert [(1, 1)] * 2 == [before, overwriting(store)]


def overwriting(store: Store) -> tuple[int, int]:
    """Return whether deleted bytes are overwritten: those of the file, and those of the index."""
    with store._pool.read() as connection:  # type: ignore[attr-defined]
        (file,) = connection.execute("PRAGMA secure_delete").fetchone()
        (index,) = connection.execute("SELECT v FROM words_config WHERE k = 'secure-delete'").fetchone()
    return file, index


def test_samples_of_the_analyser(tmp_path: Path) -> None:
    """Text that ANALYZE keeps samples of is gone, too."""
    path = tmp_path / PATH
    with chatlog.open(path) as store:
        names = [plant(store, number) for number in range(30)]
    other = plain_connection(path)
    other.execute("ANALYZE")
    samples = "SELECT count(*) FROM sqlite_stat1"
    assert other.execute(samples).fetchone()[0] > 5
    with chatlog.open(path) as store:
        assert erasure.run(store, erasure.plan(store, [store.get(name) for name in names], [])).complete
    assert 0 == other.execute(samples).fetchone()[0]
    other.close()
    assert [] == left(tmp_path, range(30))


@pytest.mark.parametrize("way", ["redact", "erase"])
def test_words_that_name_pages_of_the_index(tmp_path: Path, way: str) -> None:
    """The index finds a page by the word that it once began with, which FTS5 would leave there."""
    path = tmp_path / PATH
    with chatlog.open(path) as store:
        said = [" ".join(f"zq{number:02}a{word:02}" for word in range(30)) for number in range(60)]
        name = store.new(messages=[MessageDraft(role="user", text=text) for text in said]).id
        with store._pool.read() as connection:  # type: ignore[attr-defined]
            named = {term[1:].decode() for (term,) in connection.execute("SELECT term FROM words_idx")}
        refs = [(name, number) for number, text in enumerate(said, 1) if named & set(text.split())]
        words = sorted(named & set(" ".join(said).split()))
        assert words
        if way == "redact":
            assert redacting.apply(store, redacting.plan(store, [store.get(name)], Redactor(patterns=words)))
        else:
            assert erasure.run(store, erasure.plan(store, [], refs)).complete
        sought = {word for message in store.messages(name) for word in message.text.split() if word in " ".join(said)}
        assert all(matching(store, word) for word in sought)
        assert all(check.ok for check in store.checks(deep=True))
    assert [] == [word for word in words if word.encode() in path.read_bytes()]
