"""redact, import --redact and export --redact: what was said goes from the store, or stays and is not handed out."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import chatlog
from tests.conftest import Run

from .helpers import everything, process, refused

MAIL = "jane.doe@example.com"
SCAN = "import sys; data = open(sys.argv[1], 'rb').read(); print(data.count(sys.argv[2].encode()))"


def say(run: Run, *lines: dict[str, object], name: str = "talk.jsonl") -> str:
    """Import messages of a conversation `notes`, and return its id."""
    records = [{"type": "message", "conversation": "notes", "role": "user", **line} for line in lines]
    Path(name).write_text("".join(json.dumps(record) + "\n" for record in records))
    run("import", name)
    return str(run("list", "--json").json["items"][0]["id"])


def occurrences(folder: Path, phrase: str) -> int:
    """Count a phrase in the files of the database, from another process."""
    files = [path for path in folder.iterdir() if path.name.startswith("chatlog.db")]
    command = [sys.executable, "-c", SCAN]
    return sum(int(subprocess.run([*command, str(f), phrase], capture_output=True, check=True).stdout) for f in files)


def test_a_secret_is_replaced_where_it_stands(run: Run, tmp_path: Path) -> None:
    """Text, title, parts and search: the words are gone from the file, and the kind stands there."""
    part = {"type": "tool_call", "id": "1", "name": "mail", "arguments": {"id": MAIL, "n": 1}}
    say(run, {"text": f"Write to {MAIL}", "source_id": "m1"}, {"role": "assistant", "parts": [part], "source_id": "m2"})
    ran = run("redact", "@last", "--yes", "--json")
    assert (0, False, True, {"email": 3}) == (ran.code, *(ran.json[key] for key in ("dry_run", "complete", "kinds")))
    assert "Write to [REDACTED:email]" == ran.json["items"][0]["title"]
    shown = run("show", "@last", "--json").json["messages"]
    assert ["Write to [REDACTED:email]", ""] == [message["text"] for message in shown]
    assert {"id": "[REDACTED:email]", "n": 1} == shown[1]["parts"][0]["arguments"]
    assert 0 == occurrences(tmp_path, "jane.doe")
    assert 1 == run("search", "jane.doe").code
    assert 0 == run("search", "redacted").code
    assert 0 == run("doctor", "--deep").code


def test_a_dry_run_tells_what_would_happen_and_does_nothing(run: Run) -> None:
    """The same report, but for the word; the store is as before, and nobody is asked."""
    say(run, {"text": f"Write to {MAIL}"})
    before = everything(run)
    dry = run("redact", "@last", "--dry-run", "--json").json
    assert before == everything(run)
    done = run("redact", "@last", "--yes", "--json").json
    assert {**dry, "dry_run": False, "complete": True} == done
    assert MAIL not in json.dumps(dry)


def test_it_asks_before_and_needs_to_know_which(run: Run) -> None:
    """Without a person or --yes it is refused; without ids and filters too."""
    say(run, {"text": f"Write to {MAIL}"})
    refused(run("redact", "@last", "--json"), 2, "refused")
    refused(run("redact", "--yes", "--json"), 2, "usage")
    refused(run("redact", "@last", "--everything", "--json"), 2, "usage")
    refused(run("redact", "@last", "--detector", "mail", "--json"), 2, "usage")
    refused(run("redact", "@last", "--pattern", "(", "--json"), 2, "usage")


def test_a_second_run_finds_nothing(run: Run) -> None:
    """Nothing is written, and no proof is claimed."""
    say(run, {"text": f"Write to {MAIL}"})
    run("redact", "--everything", "--yes")
    ran = run("redact", "--everything", "--yes")
    assert (0, "") == (ran.code, ran.out)
    assert "no proof" in ran.err


def test_an_import_does_not_bring_it_back(run: Run) -> None:
    """Neither the same file, nor a longer one, nor a newer version of the message, nor the store's own export."""
    first = {"text": f"Write to {MAIL}", "source_id": "m1"}
    say(run, first)
    Path("own.jsonl").write_text(everything(run))
    run("redact", "--everything", "--yes")
    before = everything(run)
    for lines in ([first], [{**first, "text": f"Please write to {MAIL}"}]):
        say(run, *lines)
        assert before == everything(run)
    run("import", "own.jsonl")
    assert before == everything(run)
    say(run, first, {"role": "assistant", "text": "Done.", "source_id": "m2"})
    assert MAIL not in everything(run)
    assert "Done." in everything(run)


def test_the_same_words_elsewhere_come_in_redacted(run: Run) -> None:
    """A resumed session holds a copy of the message under a conversation of its own, also when that is all there is."""
    first = say(run, {"text": f"Write to {MAIL}", "source_id": "m1"})
    run("redact", "--everything", "--yes")
    say(run, {"conversation": "resumed", "text": f"Write to {MAIL}", "source_id": "m1"})
    assert (2, False) == (run("list", "--json").json["total"], MAIL in everything(run))
    assert 0 == run("erase", first, "--no-forks", "--yes").code
    say(run, {"conversation": "resumed", "text": f"Write to {MAIL}", "source_id": "m1"})
    assert (1, False) == (run("list", "--json").json["total"], MAIL in everything(run))


def test_a_fork_shares_the_redaction_and_a_hold_prevents_it(run: Run) -> None:
    """Forks are named; where any of them is on hold, nothing is changed and the hold is named."""
    talk = say(run, {"text": f"Write to {MAIL}"})
    run("fork", talk)
    found = run("redact", talk, "--dry-run", "--json").json
    assert (2, 2, {"email": 1}) == (found["conversations"], found["messages"], {"email": 1})
    with chatlog.open("chatlog.db") as store:
        store.change(found["items"][1]["id"], {"hold": "case 7"})
    before = everything(run)
    held = run("redact", talk, "--yes", "--json").json
    assert [{"id": found["items"][1]["id"], "reason": "on legal hold"}] == held["skipped"]
    assert (0, before.count(MAIL) - 1) == (held["messages"], everything(run).count(MAIL))
    with chatlog.open("chatlog.db") as store:
        store.change(found["items"][1]["id"], {"hold": None})
    run("redact", talk, "--yes")
    assert MAIL not in everything(run)


def test_detectors_and_patterns_choose(run: Run) -> None:
    """A kind or a group alone, a pattern alone, and patterns of the config file beside the table."""
    say(run, {"text": f"{MAIL} from 203.0.113.7, badge EMP-123456"})
    network = run("redact", "@last", "--detector", "network", "--dry-run", "--json").json
    assert {"ip_address"} == {*network["kinds"]}
    only = run("redact", "@last", "--pattern", "EMP-[0-9]{6}", "--dry-run", "--json").json
    assert {"pattern"} == {*only["kinds"]}
    Path("config.toml").write_text("[redact.patterns]\nbadge = 'EMP-[0-9]{6}'\n")
    every = run("redact", "@last", "--dry-run", "--json", "--config", "config.toml").json
    assert {"badge", "email", "ip_address"} == {*every["kinds"]}


def test_export_redact_hands_out_none_of_it(run: Run) -> None:
    """The file is without it, its hashes are those of what it says, and the store keeps it."""
    say(run, {"text": f"Write to {MAIL}"})
    out = run("export", "--redact").out
    assert (False, True) == (MAIL in out, MAIL in everything(run))
    assert "[REDACTED:email]" in out
    Path("shared.jsonl").write_text(out)
    run("import", "shared.jsonl", "--db", "other.db")
    assert 0 == run("doctor", "--deep", "--db", "other.db").code
    assert out == run("export", "--db", "other.db").out
    assert MAIL not in run("export", "--redact", "--to", "markdown").out


def test_context_redact_sends_none_of_it(run: Run) -> None:
    """Neither of the conversation nor of the question, alone and in a batch; the store keeps it."""
    talk = say(run, {"text": f"Write to {MAIL}"}, {"role": "assistant", "text": "Done."})
    arguments = ("context", talk, "--redact", "--budget", "500")
    out = run(*arguments, "--query", f"Is {MAIL} right?").out
    assert (False, 2) == (MAIL in out, out.count("[REDACTED:email]"))
    request = json.dumps({"id": 1, "conversation": talk, "query": f"Is {MAIL} right?"})
    batch = run("context", "--batch", "-", "--redact", stdin=request).out
    assert (False, True) == (MAIL in batch, "[REDACTED:email]" in batch)
    assert MAIL in everything(run)


def test_import_redact_lets_none_of_it_in(run: Run, tmp_path: Path) -> None:
    """Text, title and metadata; the same import again changes nothing."""
    lines = [
        {"type": "chatlog", "version": 1},
        {"type": "conversation", "id": "a" * 26, "title": f"About {MAIL}"},
        {"type": "message", "conversation": "a" * 26, "role": "user", "text": MAIL, "metadata": {"from": MAIL}},
    ]
    Path("in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ran = run("import", "in.jsonl", "--redact")
    assert "redacted: 3 email" in ran.err
    before = everything(run)
    assert MAIL not in before
    assert "1 unchanged" in run("import", "in.jsonl", "--redact").out
    assert (before, 0) == (everything(run), occurrences(tmp_path, MAIL))


def test_import_redact_takes_it_out_of_what_is_no_message(run: Run, tmp_path: Path) -> None:
    """Memories and summaries with the command that wrote them, and a title that is a line of its own."""
    name = run("add", "--new", "--role", "user", "Hello").out.partition(":")[0]
    run("add", name, "--role", "assistant", "Good day")
    run("memory", "set", "contact", f"write to {MAIL}")
    assert 0 == run("compact", name, "--keep", "0", "--summarizer", f"cat > /dev/null; echo They gave {MAIL}").code
    Path("in.jsonl").write_text(everything(run))
    leaf = {"type": "summary", "summary": f"A letter from {MAIL}", "leafUuid": "u1"}
    said = {
        "type": "user", "uuid": "u1", "parentUuid": None, "sessionId": "s1", "timestamp": "2026-01-01T00:00:00Z",
        "message": {"role": "user", "content": "Hello there"},
    }  # fmt: skip
    Path("session.jsonl").write_text("".join(json.dumps(line) + "\n" for line in (leaf, said)))
    (tmp_path / "clean").mkdir()
    ran = run("import", "in.jsonl", "session.jsonl", "--redact", "--db", "clean/chatlog.db")
    assert (0, True) == (ran.code, "redacted: 4 email" in ran.err)
    kept = run("export", "--db", "clean/chatlog.db").out
    assert (0, 4) == (kept.count(MAIL), kept.count("[REDACTED:email]"))
    assert 0 == occurrences(tmp_path / "clean", MAIL)


def test_names_come_in_redacted(run: Run) -> None:
    """Tags and the keys of memories, which keep apart; the same import again changes nothing."""
    lines: list[dict[str, object]] = [
        {"type": "chatlog", "version": 1},
        {"type": "conversation", "id": "a" * 26, "title": "About", "tags": [MAIL, "work"]},
        {"type": "message", "conversation": "a" * 26, "role": "user", "text": "hello"},
        *({"type": "memory", "namespace": "", "key": key, "value": key, "tags": [key]} for key in (MAIL, "b@x.com")),
    ]
    Path("in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert 0 == run("import", "in.jsonl", "--redact").code
    before = everything(run)
    assert (False, False) == (MAIL in before, "b@x.com" in before)
    keys = [item["key"] for item in run("memory", "list", "--json").json["items"]]
    assert ["[REDACTED:email]", "[REDACTED:email] 2"] == keys
    run("import", "in.jsonl", "--redact")
    assert before == everything(run)


def test_what_came_in_redacted_stays_so(run: Run) -> None:
    """Without --redact the same conversation, grown and changed, comes in redacted again, and that is said."""
    lines = [
        {"type": "conversation", "id": "a" * 26, "title": f"About {MAIL}", "metadata": {"from": MAIL}},
        {"type": "message", "conversation": "a" * 26, "role": "user", "text": MAIL, "source_id": "m1"},
    ]
    later = [
        {**lines[0], "metadata": {"from": MAIL, "cc": MAIL}},
        {**lines[1], "text": f"Please: {MAIL}"},
        {**lines[1], "text": f"And {MAIL}", "source_id": "m2"},
        {"type": "conversation", "id": "b" * 26},
        {"type": "message", "conversation": "b" * 26, "role": "user", "text": f"Of another: {MAIL}", "source_id": "m9"},
        {"type": "memory", "key": "made of either", "value": MAIL},
    ]
    for name, found in (("in.jsonl", lines), ("later.jsonl", later)):
        head = {"type": "chatlog", "version": 1}
        Path(name).write_text("".join(json.dumps(line) + "\n" for line in (head, *found)))
    assert 0 == run("import", "in.jsonl", "--redact").code
    before = everything(run)
    again = run("import", "in.jsonl")
    assert (before, True) == (everything(run), "redacted as when it first came in: 3 email" in again.err)
    run("import", "later.jsonl")
    texts = [json.loads(line).get("text") for line in everything(run).splitlines()]
    mark = "[REDACTED:email]"
    assert [f"Please: {mark}", f"And {mark}", f"Of another: {MAIL}"] == [text for text in texts if text]
    assert 2 == everything(run).count(MAIL)  # in the other's text, and in the title made of it


def test_what_came_in_redacted_of_another_program_stays_so(run: Run) -> None:
    """A session that it goes on with, known by its own id, and the title that the program gave it meanwhile."""
    first, second = (
        {
            "type": "user",
            "uuid": f"u-{n}",
            "parentUuid": parent,
            "sessionId": "s",
            "message": {"content": f"{n} {MAIL}"},
        }
        for n, parent in ((1, None), (2, "u-1"))
    )
    title = {"type": "summary", "summary": f"About {MAIL}", "leafUuid": "u-0"}
    for lines, options in (([first], ["--redact"]), ([first, second, title], [])):
        Path("s.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        assert 0 == run("import", "s.jsonl", *options).code
    assert (2, False) == (run("list", "--json").json["items"][0]["messages"], MAIL in everything(run))
    other = {**first, "uuid": "u-0", "parentUuid": None, "sessionId": "t", "message": {"content": "hello"}}
    Path("t.jsonl").write_text(json.dumps(other) + "\n")
    run("import", "t.jsonl", "s.jsonl")
    found = run("list", "--json").json["items"]
    assert {"About [REDACTED:email]", "1 [REDACTED:email]"} == {item["title"] for item in found}


def test_what_came_in_redacted_stays_so_without_a_header(run: Run) -> None:
    """A conversation that its messages alone name, or name before its header comes."""
    said = {"type": "message", "conversation": "talk", "role": "user", "text": MAIL, "source_id": "m1"}
    for lines, options in (([said], ["--redact"]), ([said], []), ([said, {"type": "conversation", "id": "talk"}], [])):
        head = {"type": "chatlog", "version": 1}
        Path("in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in (head, *lines)))
        assert 0 == run("import", "in.jsonl", *options).code
        assert MAIL not in everything(run)


@pytest.mark.parametrize("order", [("in", "place"), ("place", "in")])
def test_what_came_in_redacted_stays_so_beside_a_redaction_in_place(run: Run, order: tuple[str, str]) -> None:
    """Whichever of the two was first, neither takes the other back."""
    header = {"type": "conversation", "id": "talk", "title": "About X-1", "metadata": {"staff": "X-1"}}
    first, second = (
        {"type": "message", "conversation": "talk", "role": "user", "text": f"{n} {text}", "source_id": f"m{n}"}
        for n, text in ((1, "hello"), (2, MAIL))
    )
    for name, lines in (("a.jsonl", (header, first)), ("b.jsonl", (header, first, second))):
        head = {"type": "chatlog", "version": 1}
        Path(name).write_text("".join(json.dumps(line) + "\n" for line in (head, *lines)))
    run("import", "a.jsonl")
    for step in order:
        again = ["import", "b.jsonl", "--redact"] if step == "in" else ["redact", "@last", "--pattern", "X-1", "--yes"]
        assert 0 == run(*again).code
    before = everything(run)
    assert (False, False) == (MAIL in before, "X-1" in before)
    run("import", "a.jsonl", "b.jsonl")
    assert before == everything(run)


def test_a_title_in_another_file_comes_in_redacted_as_its_session_did(run: Run) -> None:
    """Claude Code writes the title of a session into the next one's file; another session's is left as it is."""
    for name in ("s", "t"):
        said = {"type": "user", "uuid": f"u-{name}", "sessionId": name, "message": {"content": f"hello {name}"}}
        Path(f"{name}.jsonl").write_text(json.dumps(said) + "\n")
    titles = [{"type": "summary", "summary": f"{name} and {MAIL}", "leafUuid": f"u-{name}"} for name in ("s", "t")]
    last = {"type": "user", "uuid": "u-v", "sessionId": "v", "message": {"content": "hello v"}}
    Path("v.jsonl").write_text("".join(json.dumps(line) + "\n" for line in (*titles, last)))
    run("import", "s.jsonl", "--redact")
    run("import", "t.jsonl", "v.jsonl")
    found = run("list", "--json").json["items"]
    assert {"s and [REDACTED:email]", f"t and {MAIL}", "hello v"} == {item["title"] for item in found}


def test_a_summary_comes_in_redacted_as_its_conversation_did(run: Run) -> None:
    """That of another conversation in the same export is left as it is."""
    for number in (1, 2):
        run("add", "--new", "--role", "user", f"talk {number}")
        run("add", "@last", "--role", "assistant", "hello")
        run("compact", "@last", "--keep", "0", "--summarizer", f"cat > /dev/null; echo {number} {MAIL}")
    Path("all.jsonl").write_text(everything(run))
    Path("first.jsonl").write_text(run("export", "@2").out)
    run("import", "first.jsonl", "--redact", "--db", "other.db")
    run("import", "all.jsonl", "--db", "other.db")
    kept = [json.loads(line) for line in run("export", "--db", "other.db").out.splitlines()]
    assert {"1 [REDACTED:email]", f"2 {MAIL}"} == {line["text"] for line in kept if line["type"] == "summary"}


def test_memories_state_and_summaries_are_redacted(run: Run, tmp_path: Path) -> None:
    """What is kept beside the messages, with --everything."""
    talk = say(run, {"text": "hello"})
    extras = [
        {"type": "memory", "namespace": "", "key": "contact", "value": {"mail": MAIL}},
        {"type": "summary", "conversation": talk, "kind": "rolling", "from_seq": 1, "to_seq": 1, "text": f"Of {MAIL}"},
    ]
    lines = everything(run) + "".join(json.dumps(extra) + "\n" for extra in extras)
    Path("more.jsonl").write_text(lines)
    run("import", "more.jsonl")
    run("state", talk, "set", json.dumps({"id": MAIL}))
    assert 3 == everything(run).count(MAIL)
    assert {"email": 3} == run("redact", "--everything", "--yes", "--json").json["kinds"]
    assert (0, 0) == (everything(run).count(MAIL), occurrences(tmp_path, MAIL))


def test_a_hold_is_said_by_the_exit_code(run: Run) -> None:
    """2 where all that was named is on hold, 4 where a part of it is."""
    for name in ("a", "b"):
        say(run, {"conversation": name, "text": f"Write to {MAIL}"})
    ids = run("list", "--format", "ids").lines
    run("hold", ids[0], "--reason", "case")
    held = run("redact", ids[0], "--yes")
    assert (2, True, False) == (held.code, "on legal hold" in held.err, "nothing was found" in held.err)
    assert 4 == run("redact", *ids, "--yes").code


@pytest.mark.parametrize("form", ["table", "text", "json", "jsonl", "ids", "csv"])
def test_no_report_shows_what_was_found(run: Run, form: str) -> None:
    """In any form, on stdout and stderr."""
    say(run, {"text": f"Write to {MAIL}"})
    ran = run("redact", "@last", "--dry-run", "--format", form)
    assert (0, True, False) == (ran.code, bool(ran.out), MAIL in ran.out + ran.err)


def test_a_reader_keeps_it_from_being_complete(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so and fails; after the reader has gone, running it again finishes."""
    from tests.acceptance.helpers import plain_connection

    monkeypatch.setattr("chatlog.store.sqlite.redactions.FINISH_SECONDS", 0.05)
    say(run, {"text": f"Write to {MAIL}"})
    reader = plain_connection(tmp_path / "chatlog.db")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM bodies").fetchall()
    ran = run("redact", "@last", "--yes", "--json")
    assert (1, False) == (ran.code, ran.json["complete"])
    again = run("redact", "@last", "--yes", "--json")
    assert (1, False, []) == (again.code, again.json["complete"], again.json["items"])
    reader.close()
    assert (0, True) == ((ran := run("redact", "@last", "--json")).code, ran.json["complete"])
    assert (0, None) == ((ran := run("redact", "@last", "--json")).code, ran.json["complete"])


@pytest.mark.parametrize("verb", [["redact", "@last"], ["prune", "--expired"], ["db", "vacuum"]])
def test_one_that_was_killed_is_finished(run: Run, monkeypatch: pytest.MonkeyPatch, verb: list[str]) -> None:
    """Where it ended before the file was written anew doctor says so; the next one, a prune and a vacuum do it.

    Not even a page of the index is called after what it once began with.
    """

    def killed(store: Any) -> bool:
        raise KeyboardInterrupt

    even, odd = range(1000, 3000, 2), range(1001, 3000, 2)
    secret = " ".join(f"qq{number}@example.com" for number in even)
    say(run, {"text": secret}, {"text": " ".join(f"qq{number}" for number in odd)})
    run("redact", "@last", "--dry-run")  # the verb is imported as it is
    with monkeypatch.context() as patch:
        patch.setattr("chatlog.redacting.finish", killed)
        assert 130 == run("redact", "@last", "--yes").code
    checks = {check["name"]: check for check in run("doctor", "--json").json["checks"]}
    assert (False, "chatlog db vacuum") == (checks["erasures"]["ok"], checks["erasures"]["mend"])
    assert 0 == run(*verb).code
    assert 0 == run("doctor").code
    assert None is re.search(rb"qq\d{3}[02468]", Path("chatlog.db").read_bytes())


def test_another_process_finds_the_verb(run: Run) -> None:
    """The command works from a shell."""
    say(run, {"text": f"Write to {MAIL}"})
    done = process("redact", "@last", "--yes", "--json", env={"CHATLOG_DB": "chatlog.db"})
    assert (0, True) == (done.returncode, json.loads(done.stdout)["complete"])
