"""Tests of the index of meanings as verbs fill it."""

from __future__ import annotations

from typing import Any

import pytest

from chatlog import meaning
from tests.conftest import Run

HISTORY = "".join(
    f'{{"type": "message", "conversation": "a", "role": "user", "text": "we ate sardines {number} times"}}\n'
    for number in range(20)
)


def status(run: Run) -> Any:
    return run("embed", "--status", "--json").json


def test_an_import_embeds_what_it_brings(run: Run) -> None:
    """After an import nothing waits; after an add the new message does."""
    run("import", "-", stdin=HISTORY)
    assert 0 == status(run)["waiting"]
    run("add", "@last", "--role", "user", "one more")
    assert 1 == status(run)["waiting"]
    assert {"embedded": 1, "waiting": 0}.items() <= run("embed", "--json").json.items()


def test_an_import_that_brings_nothing_embeds_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same history again, or a dry run, does not wake the embedder."""
    run("import", "-", "--dry-run", stdin=HISTORY)
    run("import", "-", stdin=HISTORY)
    monkeypatch.setattr(meaning, "bring_up_to_date", None)
    assert 0 == run("import", "-", stdin=HISTORY).code


@pytest.mark.parametrize("name", ["none", "telepathy", "command:/nowhere/embed"])
def test_an_import_without_an_embedder_is_an_import(name: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says nothing of it: the search will."""
    monkeypatch.setenv("CHATLOG_EMBEDDER", name)
    ran = run("import", "-", stdin=HISTORY)
    assert (0, "") == (ran.code, ran.err)
    monkeypatch.setenv("CHATLOG_EMBEDDER", "wordllama")
    assert 20 == status(run)["waiting"]


def test_an_import_without_sqlite_vec_is_an_import(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the platform has no vectors, nothing is embedded and nothing fails."""
    monkeypatch.setattr("chatlog.store.sqlite.vectors.find_spec", lambda name: None)
    ran = run("import", "-", stdin=HISTORY)
    assert (0, "", 20) == (ran.code, ran.err, status(run)["waiting"])


def test_an_interrupted_import_is_in(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while meanings are indexed takes nothing of the history away, and the report is out."""

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(meaning, "bring_up_to_date", interrupt)
        ran = run("import", "-", stdin=HISTORY)
    assert (130, True) == (ran.code, "20 new" in ran.out)
    assert "all of the history is in; chatlog embed goes on with its meaning\n" == ran.err
    assert (20, 0) == (status(run)["waiting"], run("search", "sardines").code)
    assert 0 == status(run)["waiting"]


def test_an_import_leaves_another_embedders_index_alone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that was changed begins no index anew behind one's back."""
    run("import", "-", stdin=HISTORY)
    monkeypatch.setenv("CHATLOG_EMBEDDER", "command:/nowhere/embed")
    run("import", "-", stdin=HISTORY.replace("sardines", "octopus").replace('"a"', '"b"'))
    assert ("wordllama", 20) == (status(run)["embedder"][:9], status(run)["waiting"])
    assert {"warnings"} <= set(run("search", "octopus", "--json").json)


def test_a_half_built_index_is_searched_with_one_warning(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no vector yet is found by its words, and the answer says how many those are."""
    monkeypatch.setenv("CHATLOG_EMBEDDER", "none")
    run("import", "-", stdin=HISTORY)
    monkeypatch.setenv("CHATLOG_EMBEDDER", "wordllama")
    monkeypatch.setattr("chatlog.meaning.EMBEDDED_IN_SEARCH", 5)
    ran = run("search", "sardines", "-n", "30", "--json")
    assert ("hybrid", 20) == (ran.json["mode"], len(ran.json["items"]))
    assert ["15 messages are searched by words only: chatlog embed indexes their meaning"] == ran.json["warnings"]
    assert 1 == ran.err.count("warning: ")


def test_the_status_says_how_far_the_index_is(run: Run) -> None:
    """What is in it and what waits; with --rebuild, which would change it, it is refused."""
    run("import", "-", stdin=HISTORY)
    run("add", "@last", "--role", "user", "one more")
    assert {"embedded": 20, "waiting": 1}.items() <= status(run).items()
    assert ": 20 messages embedded, 1 waiting" in run("embed", "--status").out
    assert 2 == run("embed", "--status", "--rebuild").code
    assert 1 == status(run)["waiting"]
