"""`chatlog memory`."""

from __future__ import annotations

import pytest

from tests.conftest import Run


def test_a_memory_is_kept_and_read(run: Run) -> None:
    """A value that is JSON comes back as JSON, text as it is; the first one makes the database."""
    assert "helix\n" == run("memory", "set", "editor", "helix").out
    assert "helix\n" == run("memory", "get", "editor").out
    run("memory", "set", "diet", '{"vegetarian": true}', "--tag", "health")
    assert '{"vegetarian":true}\n' == run("memory", "get", "diet").out
    memory = run("memory", "get", "diet", "--json").json["memory"]
    assert ({"vegetarian": True}, ["health"], "", "local") == tuple(
        memory[key] for key in ("value", "tags", "namespace", "user")
    )


@pytest.mark.parametrize(("value", "kept"), [("42", 42), ("042", "042"), ("true", True), ("NaN", "NaN"), ("[1", "[1")])
def test_json_or_text(run: Run, value: str, kept: object) -> None:
    """What reads as JSON is JSON unless --text says otherwise."""
    assert kept == run("memory", "set", "k", value, "--json").json["memory"]["value"]
    assert value == run("memory", "set", "k", value, "--text", "--json").json["memory"]["value"]


def test_a_value_comes_from_stdin(run: Run) -> None:
    """``-``, or no value in a pipe, reads the value without its last line end."""
    run("memory", "set", "note", "-", stdin="two\nlines\n")
    assert "two\nlines\n" == run("memory", "get", "note").out
    run("memory", "set", "note", stdin="3")
    assert 3 == run("memory", "get", "note", "--json").json["memory"]["value"]


def test_a_list_has_the_envelope_and_the_keys(run: Run) -> None:
    """JSON, ids and text of a list; namespaces and tags choose."""
    run("memory", "set", "b", "1", "--tag", "t")
    run("memory", "set", "a", "x\ty", "--namespace", "ops", "--ttl", "7d")
    listed = run("memory", "list", "--json").json
    assert (["b", "a"], 2, None, []) == (
        [item["key"] for item in listed["items"]], listed["total"], listed["next_cursor"], listed["warnings"],
    )  # fmt: skip
    assert "2026-11-27T21:44" == listed["items"][1]["expires_at"][:16]
    assert "a\n" == run("memory", "list", "--namespace", "ops", "--format", "ids").out
    assert "b\t\t1\tt\t\n" == run("memory", "list", "--tag", "t").out


def test_forgetting(run: Run) -> None:
    """A key is forgotten as it is named; many at once are asked for, and a dry run writes nothing."""
    for key in ("a", "b", "c"):
        run("memory", "set", key, "1", "--tag", "t")
    assert 3 == run("memory", "delete", "--tag", "t", "--dry-run", "--json").json["deleted"]["memories"]
    assert "error: this would delete 3 memories for good\n" in run("memory", "delete", "--tag", "t").err
    assert "would delete 1 memory\n" == run("memory", "delete", "a", "a", "--dry-run").out
    assert "deleted 1 memory\n" == run("memory", "delete", "a").out
    assert "deleted 2 memories\n" == run("memory", "delete", "--tag", "t", "--yes").out
    run("memory", "set", "a", "1", "--tag", "t")
    ran = run("memory", "delete", "--tag", "t")
    assert (2, True) == (ran.code, "error: this would delete 1 memory for good\n" in ran.err)
    run("memory", "delete", "a")
    assert 0 == run("memory", "list", "--json").json["total"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("get", "nope"), 3, "there is no memory 'nope'"),
        (("delete", "nope"), 3, "there is no memory 'nope'"),
        (("delete",), 2, "say which memories to delete"),
        (("delete", "a", "--tag", "t"), 2, "not both"),
        (("set", " ", "1"), 2, "is not a key"),
        (("set", "k", "1", "--tag", "a b"), 2, "'a b' is not a tag"),
        (("set", "k", "1", "--ttl", "soon"), 2, "soon"),
    ],
)
def test_wrong_input(run: Run, arguments: tuple[str, ...], code: int, says: str) -> None:
    """One sentence and the right exit code."""
    run("memory", "set", "here", "1")
    ran = run("memory", *arguments)
    assert (code, "") == (ran.code, ran.out)
    assert says in ran.err


def test_memories_are_found(run: Run) -> None:
    """By key, by words in other forms, by parts of names, and in Chinese; the best first, with why."""
    run("memory", "set", "preferred_editor", "helix")
    run("memory", "set", "deploys", '{"when": "every Friday", "who": ["Ana"]}', "--tag", "ops", "--namespace", "work")
    run("memory", "set", "饮食", "我不吃肉", "--namespace", "home")

    def found(*words: str) -> list[str]:
        return [item["key"] for item in run("memory", "search", *words, "--json").json["items"]]

    assert "preferred_editor" == found("which editor do I prefer")[0]
    assert "deploys" == found("deploying on fridays")[0]
    assert "饮食" == found("吃肉")[0]
    assert "deploys\n" == run("search", "friday", "--in", "memory", "--format", "ids").out
    item = run("memory", "search", "friday", "--json").json["items"][0]
    assert {"key", "namespace", "value", "tags", "expires_at", "score", "matched"} <= set(item)
    assert item["matched"] in ("words", "both")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((), {"ours", "theirs", "mine"}),
        (("--namespace", "work"), {"ours", "theirs"}),
        (("--tag", "ops"), {"ours"}),
        (("--namespace", ""), {"mine"}),
    ],
)
def test_namespaces_and_tags_choose(run: Run, asked: tuple[str, ...], expected: set[str]) -> None:
    """What is listed, found and forgotten; a key is that of its namespace alone, and -n says how many are found."""
    run("memory", "set", "ours", "pizza on fridays", "--namespace", "work", "--tag", "ops")
    run("memory", "set", "theirs", "fish on fridays", "--namespace", "work")
    run("memory", "set", "mine", "soup on fridays")
    for verb in (("list",), ("search", "friday")):
        assert expected == {item["key"] for item in run("memory", *verb, *asked, "--json").json["items"]}
    assert 1 == len(run("memory", "search", "friday", *asked, "-n", "1", "--json").json["items"])
    if asked:
        assert expected == {
            item["key"] for item in run("memory", "delete", *asked, "--yes", "--json").json["deleted"]["items"]
        }
        assert expected.isdisjoint(run("memory", "list", "--format", "ids").lines)
    else:
        assert 3 == run("memory", "delete", "ours").code
        assert 0 == run("memory", "delete", "ours", "--namespace", "work").code
        assert ["mine", "theirs"] == sorted(run("memory", "list", "--format", "ids").lines)


def test_where_there_are_none_nobody_is_asked(run: Run) -> None:
    """Nothing to forget is no question."""
    run("memory", "set", "editor", "helix")
    assert "deleted 0 memories\n" == run("memory", "delete", "--tag", "none").out


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("what about the diet?", ["diet"]),
        ("(diet), please!", ["diet"]),
        ("food -peanuts", ["drink"]),
        ("food", ["diet", "drink"]),
        ('"green tea"', ["drink"]),
        ("food tag:tea", ["drink"]),
        ("food -tag:tea", ["diet"]),
    ],
)
def test_a_memory_is_asked_for_as_a_message_is(run: Run, question: str, expected: list[str]) -> None:
    """The marks around a word are none of it, what has an unwanted word is left out, and tags choose."""
    run("memory", "set", "diet", "food without peanuts")
    run("memory", "set", "drink", "green tea with the food", "--tag", "tea")
    run("config", "set", "embedder", "none")
    found = run("memory", "search", "--json", question).json
    assert expected == sorted(item["key"] for item in found["items"])


def test_a_search_that_finds_nothing(run: Run) -> None:
    """Exit code 1 and no words."""
    run("memory", "set", "editor", "helix")
    ran = run("memory", "search", "qqqq zzzz")
    assert (1, "") == (ran.code, ran.out)
