"""`chatlog search`: what is found, what is said of it, and the co-process of --batch."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

from chatlog.output import Output
from tests.conftest import Run

from .helpers import DATABASE, ENVELOPE, ERROR, LISBON, RESULT, refused


def found(run: Run, *arguments: str) -> Any:
    return run("search", *arguments, "--json").json


def refs(answer: Any) -> list[str]:
    return [item["ref"] for item in answer["items"]]


def test_words_find_a_message(trip: Run) -> None:
    """The result is the message's reference, time, role, title and the place that matched, on one line."""
    ran = trip("search", "sardines")
    columns = ran.out.rstrip("\n").split("\t")
    assert (0, "") == (ran.code, ran.err)
    assert [f"{LISBON}:2", "2026-11-20T14:44:00.000Z", "assistant", "Trip to Lisbon"] == columns[:4]
    assert "Try the sardines at the market." == columns[4]


def test_words_that_do_not_all_occur_are_left_out_and_named(trip: Run) -> None:
    """The answer says that it is relaxed and without which word, on stderr and in JSON."""
    answer = found(trip, "sardines", "frobnicate")
    assert ("relaxed", ["frobnicate"], [f"{LISBON}:2"]) == (answer["tier"], answer["dropped_terms"], refs(answer))
    assert "without: frobnicate" in trip("search", "sardines", "frobnicate").err
    assert "without: frobnicate, grault\n" in trip("search", "sardines", "frobnicate,", "grault?").err


def test_a_misspelt_word_is_told_once(trip: Run) -> None:
    """Beside what was looked for in its place; JSON names it among the words that no message has, all the same."""
    ran = trip("search", "sardnies", "frob")
    told = "warning: no message has sardnies: looked for sardines\n"
    assert (0, f"{told}not all words together; without: frob\n") == (ran.code, ran.err)
    assert told == trip("search", "sardnies").err
    nothing = trip("search", "sardnies", "--tag", "none")
    assert (1, f"{told}warning: no message passes the filters\nnothing found\n") == (nothing.code, nothing.err)
    assert ["sardnies", "frob"] == found(trip, "sardnies", "frob")["dropped_terms"]


def test_nothing_found_is_exit_code_1(trip: Run) -> None:
    """An answer with no items, tier none and a total of nothing; the words are named."""
    ran = trip("search", "frobnicate", "--json")
    assert (1, [], "none", ["frobnicate"], 0) == (
        ran.code,
        *(ran.json[key] for key in ("items", "tier", "dropped_terms", "total")),
    )
    plain = trip("search", "frobnicate")
    assert (1, "") == (plain.code, plain.out)


@pytest.mark.parametrize(
    "query", ["", '"', "-", "c++", "a:b", "(", "NEAR(", "*", "it's", "\x00", "SELECT 1; --", "\u202e"]
)
def test_no_query_fails(query: str, trip: Run) -> None:
    """Whatever is typed, the answer is a result or none."""
    assert trip("search", "--", query).code in (0, 1)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("role:assistant", "market"), [f"{LISBON}:2"]),
        (("role:user", "market"), []),
        (("--role", "user", "lisbon"), [f"{LISBON}:1"]),
        (("--tag", "work", "sqlite"), [f"{DATABASE}:1"]),
        (("tag:travel", "sqlite"), []),
        (("--conv", "lisb", "backlog"), []),
        (("--conv", "data", "backlog"), [f"{DATABASE}:1"]),
        (('"at the market"',), [f"{LISBON}:2"]),
        (("--in", "title", "database"), [f"{DATABASE}:1"]),
        (("--mode", "regex", r"sard\w+s"), [f"{LISBON}:2"]),
        (("--model", "gpt-5", "--role", "assistant"), [f"{LISBON}:2"]),
    ],
)
def test_fields_and_options_narrow_a_search(arguments: tuple[str, ...], expected: list[str], trip: Run) -> None:
    """A field in the query and the option of the same name let the same messages through."""
    assert expected == refs(found(trip, *arguments))


def test_neighbours_come_with_a_result(trip: Run) -> None:
    """-C puts the messages around a result beside it."""
    item = found(trip, "sardines", "-C", "1")["items"][0]
    assert (["Where shall we eat in Lisbon?"], []) == ([m["text"] for m in item["before"]], item["after"])


def test_an_explanation_is_added_on_request(trip: Run) -> None:
    """--explain says how a result was found, beside what is always there."""
    item = found(trip, "sardines", "--explain")["items"][0]
    assert ("hybrid", "sardines") == (item["explain"]["mode"], item["explain"]["query"])
    assert all(item["explain"][name] > 0 for name in ("words", "meaning"))
    assert "explain" not in found(trip, "sardines")["items"][0]


@pytest.mark.parametrize("form", ["table", "text"])
def test_explain_tells_people_too(trip: Run, form: str) -> None:
    """In a table and in a pipe each result has its scores; what was searched for is said on stderr."""
    ran = trip("search", "the sardines", "--explain", "--format", form)
    assert re.search(r"score \d\.\d+ by \w+: words \d\.\d+, meaning -?\d\.\d+", ran.out)
    assert "searched by hybrid for: sardines (exact)" in ran.err


def test_n_is_the_most_that_is_shown(trip: Run) -> None:
    """`-n 1` is the best result alone; how many more there are is then not known."""
    answer = found(trip, "lisbon", "-n", "1")
    assert (1, None) == (len(answer["items"]), answer["total"])


@pytest.mark.parametrize("mode", ["hybrid", "lexical"])
def test_an_emoji_is_found(trip: Run, mode: str) -> None:
    """By itself it is a query like any word; one that is nowhere is named."""
    trip("add", LISBON, "booked 🎉", "--role", "user")
    assert "booked 🎉" in trip("search", "🎉", "--mode", mode).out
    assert (1, ["🎊"]) == ((ran := trip("search", "🎊", "--mode", mode, "--json")).code, ran.json["dropped_terms"])


def test_a_search_for_nothing_is_refused(trip: Run) -> None:
    """Without words and filters there is nothing to answer; filters alone are a query."""
    refused(trip("search", "--json"), 2, "usage")
    assert 0 == trip("search", "--role", "user").code


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "semantic"])
def test_a_filter_that_nothing_passes_is_what_is_said(trip: Run, mode: str) -> None:
    """A word that is there is not said to be nowhere."""
    ran = trip("search", "sardines", "--source", "nope", "--mode", mode, "--json")
    assert (1, "none", []) == (ran.code, ran.json["tier"], ran.json["dropped_terms"])
    assert ["no message passes the filters"] == ran.json["warnings"]


# --batch


def batch(run: Run, *requests: object, options: Sequence[str] = ()) -> list[Any]:
    lines = [request if isinstance(request, str) else json.dumps(request) for request in requests]
    ran = run("search", "--batch", "-", *options, stdin="".join(f"{line}\n" for line in lines))
    assert (0, "") == (ran.code, ran.err)
    return [json.loads(line) for line in ran.lines]


def test_a_batch_answers_in_order_errors_included(trip: Run) -> None:
    """One line for each request, with its id; what is wrong with one does not touch the others."""
    answers = batch(
        trip,
        {"id": 1, "query": "sardines"},
        "SECRETWORD {",
        {"id": "two", "query": "sardines", "mode": "telepathy"},
        [],
        {"id": None, "query": 5},
        {"id": {"any": "thing"}, "query": "backlog", "conv": "nope"},
        {"id": 7, "query": "frobnicate"},
    )
    assert [1, None, "two", None, None, {"any": "thing"}, 7] == [answer["id"] for answer in answers]
    kinds = [answer["error"]["kind"] if "error" in answer else answer["tier"] for answer in answers]
    assert ["exact", "usage", "usage", "usage", "usage", "not_found", "none"] == kinds
    assert all(ERROR == set(answer["error"]) for answer in answers if "error" in answer)
    assert "SECRETWORD" not in json.dumps(answers)


def test_an_answer_of_a_batch_is_the_verb_s_own(trip: Run) -> None:
    """It is what `search --json` prints for the same words, and the id."""
    (answer,) = batch(trip, {"id": 1, "query": "sardines", "context": 1})
    assert {"id": 1, **found(trip, "sardines", "-C", "1")} == answer
    assert set() == ENVELOPE - set(answer)
    assert set() == RESULT - set(answer["items"][0])


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"role": "assistant"}, [f"{LISBON}:2"]),
        ({"tag": ["travel"], "role": "user"}, [f"{LISBON}:1"]),
        ({"no_tag": "work", "role": "user"}, [f"{LISBON}:1"]),
        ({"no-tag": "work", "role": "user"}, [f"{LISBON}:1"]),
        ({"title": "database"}, [f"{DATABASE}:1"]),
        ({"conv": [DATABASE]}, [f"{DATABASE}:1"]),
        ({"since": "2026-11-20", "until": "2026-11-20", "model": "gpt-5", "role": "assistant"}, [f"{LISBON}:2"]),
        ({"min_messages": 2, "role": "user"}, [f"{LISBON}:1"]),
        ({"pinned": True}, []),
        ({"archived": True}, []),
        ({"limit": 1, "role": "user", "max_messages": 1}, [f"{DATABASE}:1"]),
        ({"source": "chatgpt"}, []),
    ],
)
def test_the_keys_of_a_request_are_the_verb_s_options(keys: dict[str, object], expected: list[str], trip: Run) -> None:
    """Every filter of the command line is one of a request, too."""
    (answer,) = batch(trip, {"id": 1, "query": "", **keys})
    assert expected == refs(answer)


def test_the_options_beside_a_batch_hold_for_every_request_that_says_nothing_else(trip: Run) -> None:
    """Filters too: an editor that asks for one project's history gets nothing of another."""
    asked = [{"query": ""}, {"query": "", "tag": [], "limit": None}, {"query": "", "conv": [DATABASE]}]
    answers = batch(trip, *asked, options=["--tag", "travel", "--role", "user", "--explain"])
    assert [{f"{LISBON}:1"}, {f"{LISBON}:1", f"{DATABASE}:1"}, set()] == [{*refs(one)} for one in answers]
    assert all("explain" in item for one in answers for item in one["items"])
    assert not any("explain" in item for item in batch(trip, {"query": ""})[0]["items"])
    titles = batch(trip, {"query": "trip"}, {"query": "sardines", "in": "text"}, options=["--in", "title"])
    assert [[f"{LISBON}:1"], [f"{LISBON}:2"]] == [refs(answer) for answer in titles]
    assert [f"{DATABASE}:1"] == refs(batch(trip, {"query": "", "role": "user"}, options=["--conv", DATABASE])[0])
    assert 2 == trip("search", "--batch", "-", "--conv", "-", stdin=DATABASE).code


def test_filters_of_a_request_that_contradict_those_beside_it(trip: Run) -> None:
    """Nothing is more than five messages long and at most two: the request is wrong, and the next one is answered."""
    asked: list[object] = [{"query": "lisbon", "max_messages": 2}, {"query": "lisbon"}]
    wrong, right = batch(trip, *asked, options=["--min-messages", "3"])
    assert "--min-messages is more than --max-messages, and nothing has both" == wrong["error"]["message"]
    assert [] == right["items"]


def test_dates_in_a_query_that_contradict_each_other(trip: Run) -> None:
    """A query never fails: nothing is found, and that is why."""
    ran = trip("search", "lisbon since:2026-02 until:2026-01")
    told = "warning: --since is later than --until, and nothing is both\nnothing found\n"
    assert (1, told) == (ran.code, ran.err)


def test_an_answer_of_a_batch_is_sent_at_once(trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks waits for it before the next request; a blank line asks nothing."""
    sent = []
    monkeypatch.setattr(Output, "flush", lambda output: sent.append(1))
    ran = trip("search", "--batch", "-", stdin='\n{"query": "lisbon"}\n \n{"query": "market"}\n')
    assert (2, 2) == (len(ran.lines), len(sent))


def test_hidden_messages_are_found_where_they_are_asked_for(trip: Run) -> None:
    """By an option, and by a key of a request, which goes before the option."""
    trip("add", LISBON, "--json", "-", stdin=json.dumps({"role": "user", "text": "preamble", "hidden": True}))
    assert [1, 0] == [trip("search", "preamble", "--mode", "lexical", *option).code for option in ([], ["--hidden"])]
    asked = [{"query": "preamble", "mode": "lexical", **key} for key in ({}, {"hidden": True}, {"hidden": False})]
    assert [[], [f"{LISBON}:3"], []] == [refs(answer) for answer in batch(trip, *asked)]
    assert [[f"{LISBON}:3"]] * 2 == [refs(answer) for answer in batch(trip, *asked, options=["--hidden"])[:2]]


def test_no_conversations_are_none(trip: Run) -> None:
    """A list of conversations that is empty, as an earlier request's hits may be, lets nothing through."""
    assert [] == refs(batch(trip, {"query": "lisbon", "conv": []})[0])
    assert 1 == trip("search", "lisbon", "--conv", "-", stdin="").code


def test_a_key_that_is_none_is_an_error(trip: Run) -> None:
    """A filter that was misspelt would let everything through: the line is refused, and what was meant is named."""
    (answer,) = batch(trip, {"id": 1, "query": "lisbon", "rolle": "user"})
    assert ("usage", "'rolle' is not a key of a request") == (answer["error"]["kind"], answer["error"]["message"])
    assert "did you mean role?" in answer["error"]["hint"]


@pytest.mark.parametrize("mode", ["hybrid", "semantic"])
def test_a_search_by_meaning_says_that_it_was_by_words(mode: str, trip: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without sqlite-vec the words are searched, one warning says so, and the answer names the mode really used."""
    monkeypatch.setattr("chatlog.store.sqlite.vectors.find_spec", lambda name: None)
    found = trip("search", "lisbon", "--mode", mode, "--json")
    assert ("lexical", True) == (found.json["mode"], bool(found.json["items"]))
    (warning,) = found.json["warnings"]
    assert "searched by words only: sqlite-vec" in warning


@pytest.mark.parametrize(
    "keys",
    [
        {"role": "nobody"},
        {"limit": -1},
        {"limit": 0},
        {"pinned": "yes"},
        {"tag": 3},
        {"tag": ["x", 3]},
        {"in": "body"},
        {"output": "threads"},
    ],
)
def test_a_key_that_means_nothing_is_an_error(keys: dict[str, object], trip: Run) -> None:
    """A value that a filter cannot have is not left out in silence: the answer would look right and be wrong."""
    (answer,) = batch(trip, {"id": 1, "query": "lisbon", **keys})
    assert "usage" == answer["error"]["kind"]


def test_a_batch_comes_from_stdin(trip: Run) -> None:
    """Anything but `-` is refused."""
    refused(trip("search", "--batch", "requests.jsonl", "--json"), 2, "usage")


# by meaning alone, and among memories


@pytest.mark.parametrize("query", ["sardines", "fish market", "where to eat in Lisbon", "trip to Portugal"])
def test_a_short_query_is_answered_by_meaning_alone(query: str, trip: Run) -> None:
    """Words count for nothing there, so that no answer may be asked to hold them."""
    answer = found(trip, query, "--mode", "semantic")
    assert ("semantic", "meaning") == (answer["mode"], answer["items"][0]["matched"])
    assert answer["items"][0]["conversation"] == LISBON


def test_what_nothing_here_means_is_not_answered_by_meaning_alone(trip: Run) -> None:
    """A question on something else gets no results rather than the least unlike."""
    ran = trip("search", "How does the compiler allocate registers for loops?", "--mode", "semantic", "--json")
    assert (1, [], "none") == (ran.code, ran.json["items"], ran.json["tier"])


def test_a_search_among_memories_says_what_one_among_messages_says(trip: Run) -> None:
    """The same facts are beside the items, of the verb and of a batch."""
    trip("memory", "set", "editor", "helix")
    answer = found(trip, "helix", "frobnicate", "--in", "memory")
    facts = ("hybrid", "relaxed", ["frobnicate"], 1)
    assert facts == tuple(answer[name] for name in ("mode", "tier", "dropped_terms", "total"))
    assert [{"id": 14, **answer}] == batch(trip, {"id": 14, "query": "helix frobnicate", "in": "memory"})
    assert ["editor"] == [item["key"] for item in batch(trip, '{"query": "\\ud800 helix", "in": "memory"}')[0]["items"]]
    assert ("exact", []) == ((exact := found(trip, "helix", "--in", "memory"))["tier"], exact["dropped_terms"])
    assert "lexical" == found(trip, "helix", "--in", "memory", "--mode", "lexical")["mode"]


def test_a_memory_is_found_as_a_message_is(trip: Run) -> None:
    """It has the keys of every result, and the filters hold that it can be asked for: its tags."""
    for key, tag in (("editor", "tools"), ("diet", "health")):
        trip("memory", "set", key, f"helix {key}", "--tag", tag)
    (memory,) = found(trip, "helix", "--in", "memory", "--tag", "tools")["items"]
    message = found(trip, "lisbon")["items"][0]
    assert set() == message.keys() - memory.keys()
    assert (None, "editor", "helix editor", []) == tuple(memory[key] for key in ("ref", "title", "snippet", "before"))
    (answer,) = batch(trip, {"query": "helix", "in": "memory", "tag": "tools"})
    assert [memory] == answer["items"]


@pytest.mark.parametrize("option", [("--since", "7d"), ("--conv", LISBON), ("--mode", "regex"), ("--mode", "nonsense")])
def test_what_a_memory_does_not_have_cannot_be_asked_of_it(trip: Run, option: tuple[str, str]) -> None:
    """A filter that would be passed over is refused, on the command line and in a batch."""
    trip("memory", "set", "editor", "helix")
    (answer,) = batch(trip, {"query": "helix", "in": "memory", option[0].strip("-"): option[1]})
    assert "usage" == answer["error"]["kind"]
    assert 2 == trip("search", "helix", "--in", "memory", *option).code


def test_memories_are_searched_by_themselves(trip: Run) -> None:
    """Together with a place in messages the request is refused, and no place is said to be none that is."""
    assert "one of: text, tool, title, memory\n" in trip("search", "x", "--in", "body").err
    (answer,) = batch(trip, {"query": "lisbon", "in": ["memory", "text"]})
    for error in (trip("search", "x", "--in", "memory", "--in", "text", "--json").error, answer["error"]):
        assert ("usage", "memories are searched apart from messages") == (error["kind"], error["message"])


def test_what_only_a_title_says_is_pointed_to(run: Run) -> None:
    """A search by words looks at messages; where they say nothing of it a title that does is not kept quiet."""
    name = run("new", "--title", "Quokkas at home", "--id-only").out.strip()
    run("add", name, "what do they eat?", "--role", "user")
    assert name in run("search", "quokkas").out
    ran = run("search", "quokkas", "--mode", "lexical")
    assert (1, "") == (ran.code, ran.out)
    assert "in the title of 1 conversation: add --in title" in ran.err
    assert "title" not in run("search", "quokkas", "--mode", "lexical", "--in", "text").err
    assert name in run("search", "quokkas", "--in", "title", "--format", "ids").out
    assert "title" not in run("search", "wombats", "--mode", "lexical").err


@pytest.mark.parametrize("query", ["", "  ", "*", '""', "-lisbon"])
def test_a_query_without_words_is_in_no_title(query: str, trip: Run) -> None:
    """Nothing is asked: every title has it, and none is worth naming."""
    assert "title" not in trip("search", "--", query).err


def test_the_flag_of_another_command_can_be_searched_for(trip: Run) -> None:
    """Typed bare it is no option of ours, and the error says how it becomes a word."""
    refused = trip("search", "--no-verify")
    assert 2 == refused.code
    assert "chatlog search -- --no-verify" in refused.err
    trip("add", LISBON, "git commit --no-verify", "--role", "user")
    assert "git commit --no-verify" == trip("search", "--json", "--", "--no-verify").json["items"][0]["snippet"]


def test_words_that_are_left_out_are_named(trip: Run) -> None:
    """A dash before a word may have been meant as a part of it; in a phrase it is one."""
    assert "without messages that have: rf" in trip("search", "rm -rf").err
    assert "" == trip("search", "-q", "rm -rf").err
    assert "without" not in trip("search", '"rm -rf"').err
