"""The verbs that forget: what they print, ask and refuse, and what exit codes say."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import chatlog
from chatlog import erasure
from chatlog.cli import actions
from chatlog.cli.session import Session
from chatlog.models import Conversation
from tests.conftest import Clock, Run

from .helpers import CONVERSATION, DATABASE, ENVELOPE, LISBON, everything, on_terminal, refused

REPORT = {"schema_version", "dry_run", "conversations", "messages", "bytes", "items", "skipped"}
ITEM = {"id", "title", "updated_at", "reason"}


def listed(run: Run, *arguments: str) -> set[str]:
    return {*run("list", "--format", "ids", *arguments).lines}


@pytest.mark.parametrize(
    "verb", [("delete",), ("prune",), ("erase",), ("restore",), ("delete", "--yes"), ("prune", "--yes")]
)
def test_something_must_be_named(verb: tuple[str, ...], trip: Run) -> None:
    """Without ids and filters nothing happens, whatever else is said."""
    refused(trip(*verb, "--json"), 2, "usage")
    assert {DATABASE, LISBON} == listed(trip)


@pytest.mark.parametrize("verb", [("delete", LISBON), ("prune", "--tag", "travel"), ("erase", LISBON)])
def test_a_script_must_say_yes(verb: tuple[str, ...], trip: Run) -> None:
    """Where nobody can be asked, nothing happens without --yes; a dry run needs none, and does nothing."""
    before = everything(trip)
    refused(trip(*verb, "--json"), 2, "refused")
    plan = trip(*verb, "--dry-run", "--json")
    assert (0, True, [LISBON]) == (plan.code, plan.json["dry_run"], [item["id"] for item in plan.json["items"]])
    assert before == everything(trip)
    done = trip(*verb, "--yes", "--json")
    assert REPORT <= set(done.json)
    assert all(ITEM <= set(item) for item in done.json["items"])
    assert plan.json["items"] == done.json["items"]
    assert (1, 2, False) == (done.json["conversations"], done.json["messages"], done.json["dry_run"])
    assert {DATABASE} == listed(trip)


def test_a_prune_says_how_to_undo_it(trip: Run) -> None:
    """What went to the trash can be brought back by what it prints; a dry run has nothing to undo."""
    assert "undo" not in (dry := trip("prune", "--tag", "travel", "--dry-run")).err + dry.out
    said = trip("prune", "--tag", "travel", "--yes").out.strip()
    assert said.endswith(f"to the trash; undo: chatlog restore {LISBON[:8]}")
    trip(*said.rpartition("chatlog ")[2].split())
    assert {DATABASE, LISBON} == listed(trip)


@pytest.mark.parametrize(
    ("answer", "left"), [("y\n", {DATABASE}), ("n\n", {DATABASE, LISBON}), ("", {DATABASE, LISBON})]
)
def test_a_person_is_asked(answer: str, left: set[str], trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the question says how much goes where; anything but yes is no."""
    with monkeypatch.context() as patch:
        patch.setattr("chatlog.cli.session.Session.may_ask", True)
        ran = trip("delete", LISBON, stdin=answer)
    asked = f"{LISBON[:8]}  2026-11-20  Trip to Lisbon\nMove 1 conversation (2 messages, 60 B) to the trash? [y/N] "
    assert ran.err.startswith(asked)
    assert left == listed(trip)
    assert (0 if answer == "y\n" else 2) == ran.code


def test_of_many_the_first_are_named_before_the_question(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is asked sees what would go, without scrolling back to the question."""
    for number in range(7):
        run("new", "--title", f"Talk {number}")
    monkeypatch.setattr("chatlog.cli.session.Session.may_ask", True)
    for verb in (("delete", "--title", "talk"), ("prune", "--keep-last", "1"), ("erase", "--title", "talk")):
        *named, more, asked = run(*verb, stdin="n\n").err.splitlines()[:7]
        assert (5, True, True) == (len(named), more in ("and 1 more", "and 2 more"), "[y/N]" in asked)


def test_a_message_to_be_erased_is_named(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its number, on a terminal too: its conversation stays."""
    monkeypatch.setattr("chatlog.cli.session.Session.may_ask", True)
    asked = trip("erase", f"{LISBON}:2", stdin="n\n").err
    assert f"{LISBON[:8]}:2  2026-11-20  Trip to Lisbon\nErase 1 message (31 B) for good? [y/N] " in asked
    on_terminal(monkeypatch)
    assert f"{LISBON[:8]}:2" in trip("erase", f"{LISBON}:2", "--dry-run").out


def test_the_trash(trip: Run) -> None:
    """What is deleted is in the trash and nowhere else, and comes back whole, found again."""
    before = everything(trip)
    assert f"undo: chatlog restore {LISBON[:8]}" in trip("delete", LISBON, "--yes").out
    assert 1 == trip("search", "sardines").code
    assert 3 == trip("show", "lisbon").code
    found = trip("trash", "--json").json
    assert set(found) >= ENVELOPE
    assert set(found["items"][0]) >= CONVERSATION
    assert [LISBON] == trip("trash", "--format", "ids").lines
    assert 3 == trip("restore", DATABASE).code
    assert [LISBON] == trip("restore", "-", "--format", "ids", stdin=LISBON).lines
    assert 0 == trip("search", "sardines").code
    assert [line for line in before.splitlines() if '"message"' in line] == [
        line for line in everything(trip).splitlines() if '"message"' in line
    ]
    assert [] == trip("trash", "--format", "ids").lines


def test_the_trash_page_by_page(trip: Run) -> None:
    """As many as are asked for, and the next where they end."""
    trip("delete", LISBON, DATABASE, "--yes")
    first = trip("trash", "-n", "1", "--json").json
    second = trip("trash", "-n", "1", "--cursor", first["next_cursor"], "--json").json
    assert ([1, 1], None) == ([len(page["items"]) for page in (first, second)], second["next_cursor"])
    assert {LISBON, DATABASE} == {page["items"][0]["id"] for page in (first, second)}


def test_deleted_stays_deleted(trip: Run, tmp_path: Path) -> None:
    """An import does not bring back what is in the trash, nor what was removed from it; --undelete does."""
    (tmp_path / "old.jsonl").write_text(everything(trip), "utf-8")
    trip("delete", LISBON, "--yes")
    assert 0 == trip("import", "old.jsonl", "--json").json["total"]["new"]
    assert 0 == trip("config", "set", "trash", "0d").code
    assert "removed for good" in trip("prune", "--expired", "--yes").out
    assert 0 == trip("import", "old.jsonl", "--json").json["total"]["new"]
    assert {DATABASE} == listed(trip)
    assert 2 == trip("import", "old.jsonl", "--undelete", "--json").json["total"]["new"]
    assert {DATABASE, LISBON} == listed(trip)


def test_a_message_is_no_conversation(trip: Run) -> None:
    """`delete CONV:SEQ` would take all of it: it is refused, and says which verb takes one message."""
    assert f"chatlog erase {LISBON}:1" in trip("delete", f"{LISBON}:1", "--yes").err
    assert {DATABASE, LISBON} == listed(trip)


def test_what_is_in_the_trash_cannot_go_there(trip: Run) -> None:
    """`delete --deleted` says which verb takes it from there."""
    trip("delete", LISBON, "--yes")
    ran = trip("delete", "--deleted", "--yes", "--json")
    refused(ran, 2, "usage")
    assert "chatlog erase --deleted" in ran.error["hint"]


@pytest.mark.parametrize("verb", ["delete", "erase"])
def test_a_hold(verb: str, trip: Run) -> None:
    """What is on hold stays, and the exit code says so: 2 where it was all, 4 where it was a part."""
    assert 2 == trip("hold", LISBON).code
    assert 2 == trip("hold", LISBON, "--reason", " ").code
    assert "case 1" == trip("hold", LISBON, "--reason", "case 1", "--json").json["conversation"]["hold"]
    ran = trip(verb, LISBON, "--yes", "--json")
    assert (2, [], [{"id": LISBON, "reason": "on legal hold"}]) == (ran.code, ran.json["items"], ran.json["skipped"])
    ran = trip(verb, LISBON, DATABASE, "--yes", "--json")
    assert (4, 1) == (ran.code, ran.json["conversations"])
    assert {LISBON} == listed(trip)
    assert trip("hold", LISBON, "--release", "--json").json["conversation"]["hold"] is None
    assert 0 == trip(verb, LISBON, "--yes").code


def test_a_lifetime(run: Run, clock: Clock) -> None:
    """After its TTL a conversation is invisible at once, and the next prune removes it; `never` beats the default."""
    run("config", "set", "ttl", "1h")
    short, long = (run("new", "--format", "ids", *more).lines[0] for more in ((), ("--ttl", "never")))
    added = run("add", "--new", "--role", "user", "hello").out.partition(":")[0]
    assert {short, long, added} == listed(run)
    clock.now += timedelta(hours=2)
    assert {long} == listed(run)
    assert 2 == run("prune", "--expired", "--yes", "--json").json["conversations"]
    assert 1 == run("db", "info", "--json").json["db"]["conversations"]


# rules


def test_policies_in_text(trip: Run) -> None:
    """A line for each: its name and what it does; one that is not there, or has no name, is said so."""
    line = "old: trash: tags travel, older than 30d"
    assert f"{line}\n" == trip("policy", "add", "old", "--older-than", "30d", "--tag", "travel").out
    trip("policy", "add", "brief", "--keep-last", "5", "--action", "archive")
    assert ["brief", "old"] == [row.split("\t")[0] for row in trip("policy", "list").lines]
    assert line.partition(": ")[2] in trip("policy", "list").lines[1].split("\t")
    refused(trip("policy", "show", "none", "--json"), 3, "not_found")
    for name in (" ", "x" * 101, "two\nlines"):
        refused(trip("policy", "add", name, "--older-than", "1d", "--json"), 2, "usage")
    assert "old removed\n" == trip("policy", "remove", "old").out
    assert ["brief"] == trip("policy", "list", "--format", "ids").lines


def test_policies(trip: Run, clock: Clock) -> None:
    """A policy is added, explained, applied, and removed; a second run of it finds nothing."""
    added = trip("policy", "add", "old", "--older-than", "30d", "--tag", "travel", "--json").json["policy"]
    assert {"name": "old", "action": "trash", "tags": ["travel"], "older_than": "30d"} == added
    refused(trip("policy", "add", "old", "--older-than", "1d", "--json"), 1, "conflict")
    assert [] == trip("policy", "show", "--json").json["items"]
    clock.now += timedelta(days=31)
    (item,) = trip("policy", "show", "old", "--json").json["items"]
    assert (LISBON, "old", "trash") == (item["id"], item["rule"], item["action"])
    trip("hold", LISBON, "--reason", "case 1")
    (item,) = trip("policy", "show", "old", "--json").json["items"]
    assert (LISBON, "keep", "on legal hold") == (item["id"], item["action"], item["reason"])
    trip("hold", LISBON, "--release")
    planned = trip("prune", "--policies", "--dry-run", "--json").json
    assert planned["items"] == trip("prune", "--policies", "--yes", "--json").json["items"]
    again = trip("prune", "--policies", "--yes")
    assert (0, "", "") == (again.code, again.out, again.err)
    every = trip("audit", "--json", "-n", "0").json
    latest = trip("audit", "--json", "-n", "1").json
    assert (every["items"][:1], len(every["items"])) == (latest["items"], latest["total"])
    assert 1 < latest["total"]
    line = latest["items"][0]
    assert ("prune", 1, 2, {"rule": "old", "action": "trash"}) == (
        line["action"], line["conversations"], line["messages"], line["detail"],
    )  # fmt: skip
    assert 0 == trip("policy", "remove", "old").code
    assert 3 == trip("policy", "remove", "old").code
    assert [] == trip("policy", "list", "--format", "ids").lines


def long(run: Run, secret: str = "") -> str:
    """Store a conversation that fills its window, some of its turns summarised by nobody."""
    turns = [
        {"role": role, "content": f"{role} {n} {secret} " * 40} for n in range(30) for role in ("user", "assistant")
    ]
    return run("add", "--new", "--json", "-", stdin=json.dumps(turns)).json["items"][0]["conversation"]


def test_a_policy_that_redacts(trip: Run, tmp_path: Path, clock: Clock) -> None:
    """Of old conversations those are taken that hold a secret; afterwards there is nothing more to take."""
    name = long(trip, "AKIA" + "Q3EGVZ5XJ7MLW2TR")
    rule = ("policy", "add", "keys", "--older-than", "7d", "--action", "redact", "--detector", "aws_key")
    assert ["aws_key"] == trip(*rule, "--json").json["policy"]["detectors"]
    clock.now += timedelta(days=8)
    planned = trip("prune", "--policies", "--dry-run", "--json").json["items"]
    assert [(name, "redact", True)] == [(one["id"], one["action"], "aws_key" in one["reason"]) for one in planned]
    ran = trip("prune", "--policies", "--yes", "--json").json
    assert (planned, []) == (ran["items"], ran["warnings"])
    assert "[REDACTED:aws_key]" in trip("show", name).out
    again = trip("prune", "--policies", "--yes")
    assert (0, "", "") == (again.code, again.out, again.err)
    assert b"Q3EGVZ5XJ7MLW2TR" not in b"".join(path.read_bytes() for path in tmp_path.glob("*.db*"))


def test_a_policy_that_compacts(trip: Run) -> None:
    """What is due is summarised, once; --unless-due keeps a rule from what nobody has summarised yet."""
    name = long(trip)
    trip("config", "set", "budget", "2000")
    assert "compact" == trip("policy", "add", "long", "--action", "compact", "--json").json["policy"]["action"]
    both = ("prune", "--keep-last", "0", "--everything", "--unless-due", "--dry-run", "--json")
    assert {"id": name, "reason": "its compaction is due"} in trip(*both).json["skipped"]
    planned = trip("prune", "--policies", "--dry-run", "--json").json["items"]
    assert [(name, "compact")] == [(one["id"], one["action"]) for one in planned]
    assert planned == trip("prune", "--policies", "--yes", "--json").json["items"]
    assert 1 == trip("audit", "--json").json["items"][0]["conversations"]
    assert [] == trip("compact", "--due", "--dry-run", "--json").json["items"]
    assert [] == trip("prune", "--policies", "--yes", "--json").json["items"]
    assert name in {one["id"] for one in trip(*both).json["items"]}


def test_what_was_summarised_meanwhile_is_not_in_the_audit_trail(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts what a policy has done, not what it had planned."""
    long(trip)
    trip("config", "set", "budget", "2000")
    trip("policy", "add", "long", "--action", "compact")
    there = actions._there

    def summarised(*given: Any) -> list[Conversation]:
        trip("compact", "--due")
        return there(*given)

    monkeypatch.setattr(actions, "_there", summarised)
    trip("prune", "--policies", "--yes")
    assert "compact" not in {one["action"] for one in trip("audit", "--json").json["items"]}


def test_what_stays_has_everything_done_to_it(trip: Run, clock: Clock) -> None:
    """One conversation is redacted and archived by two policies in one run, and counted once."""
    name = long(trip, "AKIA" + "Q3EGVZ5XJ7MLW2TR")
    for action in ("archive", "redact"):
        trip("policy", "add", action, "--older-than", "7d", "--min-messages", "60", "--action", action)
    clock.now += timedelta(days=8)
    ran = trip("prune", "--policies", "--yes", "--json").json
    assert (1, 60, {(name, "archive"), (name, "redact")}) == (
        ran["conversations"], ran["messages"], {(one["id"], one["action"]) for one in ran["items"]},
    )  # fmt: skip
    shown = trip("show", name, "--json").json
    assert (True, True) == (shown["conversation"]["archived"], "[REDACTED" in shown["messages"][0]["text"])
    assert [] == trip("prune", "--policies", "--yes", "--json").json["items"]


@pytest.mark.parametrize("words", [("--detector", "secrets"), ("--action", "redact", "--detector", "nonsense")])
def test_detectors_of_a_policy(words: tuple[str, ...], trip: Run) -> None:
    """They belong to the action redact, and have to be known."""
    refused(trip("policy", "add", "x", "--tag", "t", *words, "--json"), 2, "usage")


def test_a_policy_of_the_config_file(trip: Run, tmp_path: Path, clock: Clock) -> None:
    """Rules may stand in the config file; one that makes no sense is refused by name."""
    config = tmp_path / "own.toml"
    config.write_text('[policies.trips]\ntags = ["travel"]\nolder-than = "1d"\naction = "erase"\n')
    clock.now += timedelta(days=2)
    assert [("trips", "file")] == [
        (item["name"], item["origin"])
        for item in trip("policy", "list", "--config", str(config), "--json").json["items"]
    ]
    ran = trip("prune", "--policies", "--yes", "--config", str(config))
    assert (0, "pruned: 1 conversation (2 messages, 60 B) erased\n") == (ran.code, ran.out)
    config.write_text('[policies.trips]\ncolour = "red"\n')
    assert "policy 'trips' has no 'colour'" in trip("prune", "--policies", "--yes", "--config", str(config)).err


@pytest.mark.parametrize("rule", [("--older-than", "0d"), ("--keep-last", "0"), ("--max-size", "0")])
def test_everything_needs_its_own_word(rule: tuple[str, ...], trip: Run) -> None:
    """A prune that would leave nothing is refused; so is a policy without any condition."""
    assert "everything" in trip("prune", *rule, "--dry-run").err
    refused(trip("prune", *rule, "--yes", "--json"), 2, "refused")
    refused(trip("policy", "add", "all", "--json"), 2, "refused")
    assert 2 == trip("prune", *rule, "--everything", "--yes", "--json").json["conversations"]


@pytest.mark.parametrize(
    "words",
    [("--older-than", "soon"), ("--max-size", "much"), ("--since", "never"), ("--keep-last", "2", "--by", "luck")],
)
def test_rules_that_make_no_sense(words: tuple[str, ...], trip: Run) -> None:
    """A wrong value is one sentence and a hint."""
    refused(trip("prune", *words, "--yes", "--json"), 2, "usage")
    refused(trip("policy", "add", "x", "--tag", "t", *words, "--json"), 2, "usage")


def test_a_prune_of_everything_may_leave_what_has_a_tag(trip: Run) -> None:
    """--everything is enough to ask for it, and --except-tag spares what carries that tag."""
    assert [DATABASE] == [
        item["id"] for item in trip("prune", "--everything", "--except-tag", "travel", "--yes", "--json").json["items"]
    ]
    assert {LISBON} == listed(trip)


def test_cron_hears_nothing_of_what_stays(trip: Run) -> None:
    """What is held or pinned is in the JSON and in a dry run; every night's mail does not name it again."""
    trip("hold", LISBON, "--reason", "case")
    prune = ("prune", "--older-than", "0d", "--tag", "travel")
    ran = trip(*prune, "--yes")
    assert (0, "", "") == (ran.code, ran.out, ran.err)
    assert [{"id": LISBON, "reason": "on legal hold"}] == trip(*prune, "--yes", "--json").json["skipped"]
    assert "on legal hold" in trip(*prune, "--dry-run").err


def test_what_was_continued_is_not_erased(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that erases spares a conversation that somebody goes on with while the prune is at work."""
    trip("policy", "add", "travel", "--tag", "travel", "--action", "erase")
    from chatlog import retention

    apply = retention.apply

    def late(*arguments: Any) -> Any:
        trip("add", LISBON, "--role", "user", "and Porto?")
        return apply(*arguments)

    monkeypatch.setattr(retention, "apply", late)
    ran = trip("prune", "--policies", "--yes", "--json")
    assert (0, 0, [{"id": LISBON, "reason": "changed meanwhile"}]) == (
        ran.code, ran.json["conversations"], ran.json["skipped"],
    )  # fmt: skip
    assert LISBON in listed(trip)


def test_what_was_continued_is_not_deleted(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report says what went, and names what somebody went on with before it did."""
    confirm = Session.confirm

    def late(*arguments: Any, **named: Any) -> None:
        trip("add", LISBON, "--role", "user", "and Porto?")
        confirm(*arguments, **named)

    monkeypatch.setattr(Session, "confirm", late)
    ran = trip("delete", LISBON, "--yes", "--json")
    assert (2, 0, [], [{"id": LISBON, "reason": "changed meanwhile"}]) == (
        ran.code, ran.json["conversations"], ran.json["items"], ran.json["skipped"],
    )  # fmt: skip
    assert LISBON in listed(trip)


def test_a_prune_that_has_no_time_goes_on_later(run: Run, clock: Clock) -> None:
    """What it did not come to is not seen any more, and the next one removes it and gives its room back."""
    run("new", "--ttl", "1h")
    run("add", "@last", "-", "--role", "user", stdin="word " * 50_000)
    clock.now += timedelta(days=1)
    ran = run("prune", "--expired", "--yes", "--max-seconds", "0", "--json")
    assert ["not all of it is done: the next prune goes on"] == ran.json["warnings"]
    assert 0 == run("list", "--json").json["total"]
    ran = run("prune", "--expired", "--yes")
    assert (0, "", True) == (ran.code, ran.err, " given back" in ran.out)


def test_a_prune_goes_on_with_an_erasure(trip: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that could not be proven, for somebody read an old state meanwhile, is proven by the next prune that can."""
    with monkeypatch.context() as patch:
        patch.setattr("chatlog.store.sqlite.space.fold", lambda *_: False)
        assert 7 == trip("erase", LISBON, "--yes").code
        (warning,) = trip("prune", "--expired", "--yes", "--json").json["warnings"]
        assert warning.startswith("an erasure is not complete: ")
    assert [] == trip("prune", "--expired", "--yes", "--json").json["warnings"]
    with chatlog.open(tmp_path / "chatlog.db") as store:
        assert [] == erasure.unfinished(store)


def test_everybody(trip: Run, clock: Clock) -> None:
    """--all-users prunes each user's conversations by themselves; without it only one's own."""
    trip("--user", "ana", "new", "--title", "hers", "--ttl", "1h")
    trip("new", "--title", "mine", "--ttl", "1h")
    clock.now += timedelta(days=1)
    assert 1 == trip("prune", "--expired", "--yes", "--json").json["conversations"]
    ran = trip("prune", "--expired", "--all-users", "--yes", "--json")
    assert ["ana"] == [item["user"] for item in ran.json["items"]]


@pytest.mark.parametrize("verb", [["prune", "--expired", "--all-users", "--yes"], ["stats", "--all-users"]])
def test_more_users_than_files_may_be_open(trip: Run, tmp_path: Path, verb: list[str]) -> None:
    """What is done for everybody needs no more open files than what is done for one."""
    resource = pytest.importorskip("resource")
    with chatlog.open(tmp_path / "chatlog.db") as store:
        for number in range(100):
            store.for_user(f"user {number}").new()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/dev/fd"))) + 40, before[1]))
    try:
        assert 0 == trip(*verb).code
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


# erasing


def test_an_erasure_names_what_a_killed_conversion_left(trip: Run, tmp_path: Path) -> None:
    """A decryption that was killed leaves all words beside the file, under a name that nobody looks for."""
    left = tmp_path / ".chatlog-abcdefgh.part"
    left.write_bytes((tmp_path / "chatlog.db").read_bytes())
    ran = trip("erase", LISBON, "--yes", "--json")
    assert [str(left.resolve())] == ran.json["copies"]
    assert left.name in ran.err


def test_an_erasure_names_what_a_killed_backup_left(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup that was killed before it had its name left all words where it was to be: beside others, or the file."""
    kept = trip("db", "backup", "backups/", "--json").json["backup"]["path"]
    for place in ("backups/", "."):
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            patch.setattr(Path, "unlink", lambda *_, **__: None)
            assert 130 == trip("db", "backup", place).code
    named = [Path(copy) for copy in trip("erase", LISBON, "--yes", "--json").json["copies"]]
    assert 3 == len(named)
    assert {Path(), Path("backups")} == {path.parent.relative_to(Path.cwd()) for path in named}
    assert Path(kept).resolve() in named
    assert all(path.read_bytes().startswith(b"SQLite format 3") for path in named)


def test_nothing_to_erase(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who erases again reads that all is done, not that nothing was."""
    on_terminal(monkeypatch)
    for more in ((), ("--verify",)):
        ran = trip("erase", "--deleted", "--yes", *more)
        said = "there is nothing to erase, and nothing of what was erased before is in the file\n"
        assert (0, said) == (ran.code, ran.out)


def test_an_erasure_proves_itself(trip: Run, tmp_path: Path) -> None:
    """The answer says complete, how much was looked for, and which copies of the file still hold it."""
    copy = trip("db", "backup", "--json").json["backup"]["path"]
    ran = trip("erase", LISBON, "--yes", "--json")
    assert (0, True, "") == (ran.code, ran.json["complete"], ran.json["why"])
    assert ran.json["phrases"] >= 2
    assert [str(Path(copy).resolve())] == ran.json["copies"]
    assert Path(copy).name in ran.err
    assert b"sardines" not in (tmp_path / "chatlog.db").read_bytes()
    assert "sardines" not in json.dumps(trip("audit", "--json").json)
    assert 0 == trip("doctor").code
    assert "complete" in trip("erase", "--verify", "--json").out


def test_a_fork_that_shares(trip: Run) -> None:
    """In a script the call says what happens to others that share the words; a person is asked."""
    fork = trip("fork", LISBON, "--format", "ids").lines[0]
    refused(trip("erase", LISBON, "--yes", "--json"), 2, "refused")
    ran = trip("erase", f"{LISBON}:2", "--yes", "--forks", "--json")
    assert (0, [{"id": fork, "messages": 1}]) == (ran.code, ran.json["sharing"])
    assert 1 == trip("show", fork, "--json").json["conversation"]["messages"]


@pytest.mark.parametrize(("answer", "left"), [("y\n", 1), ("n\n", 2)])
def test_a_person_is_asked_about_a_fork(answer: str, left: int, trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which conversations share the messages, and how many; the erasure itself is asked for, too."""
    fork = trip("fork", LISBON, "--format", "ids").lines[0]
    monkeypatch.setattr(Session, "may_ask", True)
    ran = trip("erase", f"{LISBON}:2", stdin=f"{answer}y\n")
    assert (0, True) == (ran.code, f"Other conversations share these messages: {fork[:8]} (1). " in ran.err)
    assert left == trip("show", fork, "--json").json["conversation"]["messages"]


@pytest.mark.parametrize("name", [LISBON, f"{LISBON}:2"])
def test_what_was_erased_but_not_proven_is_named_again(name: str, trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not there any more, and by its name its erasure is brought to the end; one that never was is not found."""
    with monkeypatch.context() as patch:
        patch.setattr("chatlog.store.sqlite.space.fold", lambda *_: False)
        assert 7 == trip("erase", name, "--yes").code
    ran = trip("erase", name, "--yes", "--json")
    assert (0, True, 0) == (ran.code, ran.json["complete"], ran.json["messages"])
    assert 3 == trip("erase", name, "--yes").code


@pytest.mark.parametrize("what", [f"{LISBON}:2", "--everything"])
def test_no_erasure_goes_without_a_word(what: str, trip: Run) -> None:
    """Neither one message nor all there is goes where nobody can be asked, but by --yes."""
    before = everything(trip)
    refused(trip("erase", what, "--json"), 2, "refused")
    assert before == everything(trip)


def test_everything_is_erased_whatever_its_state(trip: Run, clock: Clock) -> None:
    """Also what is in the trash, archived, or past its time."""
    trip("delete", LISBON, "--yes")
    trip("set", DATABASE, "--archive")
    trip("new", "--ttl", "1h")
    clock.now += timedelta(days=1)
    assert 3 == trip("erase", "--everything", "--yes", "--json").json["conversations"]
    assert 0 == trip("db", "info", "--json").json["db"]["conversations"]


def test_the_trash_is_erased(trip: Run) -> None:
    """`erase --deleted` takes what is in the trash, and nothing else."""
    trip("delete", LISBON, "--yes")
    assert 1 == trip("erase", "--deleted", "--yes", "--json").json["conversations"]
    assert {DATABASE} == listed(trip)


def test_a_vacuum(trip: Run) -> None:
    """`db vacuum` says how large the file was and is."""
    facts = trip("db", "vacuum", "--json").json["vacuum"]
    assert facts["before"] - facts["after"] == facts["freed"]
    assert 0 == trip("doctor").code


def test_no_room_for_a_vacuum(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk has no room for a second copy nothing is begun."""
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 5})())
    refused(trip("db", "vacuum", "--json"), 7, "storage_full")


def test_forms_of_a_plan(trip: Run) -> None:
    """A dry run is a list like any other: a row a conversation."""
    assert [LISBON] == trip("delete", "--tag", "travel", "--dry-run", "--format", "ids").lines
    assert 2 == len(trip("delete", "--tag", "travel", "--dry-run", "--format", "csv").lines)
    assert LISBON == json.loads(trip("delete", "--tag", "travel", "--dry-run", "--format", "jsonl").out)["id"]
    assert "asked for" in trip("delete", "--tag", "travel", "--dry-run").out


def test_everything_names_the_memories_that_go(trip: Run) -> None:
    """The plan and the run report those that are forgotten, and in words how many."""
    trip("memory", "set", "colour", "green")
    named = [{"namespace": "", "key": "colour"}]
    assert named == trip("erase", "--everything", "--dry-run", "--json").json["memories"]
    assert " and 1 memory" in trip("erase", "--everything", "--dry-run").err
    assert named == trip("erase", "--everything", "--yes", "--json").json["memories"]
    assert [] == trip("memory", "list", "--json").json["items"]
