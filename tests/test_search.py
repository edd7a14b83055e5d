"""Tests of search: exact, then fewer words and named, never an error; patterns, titles, neighbours, snippets."""

from __future__ import annotations

import re
import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatlog import results as search
from chatlog.errors import UsageError
from chatlog.models import ConversationDraft, Filters, Message, Term
from chatlog.results import SNIPPET_CHARS, Results, SearchOptions, Snippet, snippet_of
from chatlog.search import MOST_MESSAGES, search_messages
from chatlog.store import Store
from chatlog.store.sqlite.words import SqliteWords

from .conftest import Clock, Watch
from .formats.making import stored
from .store.making import fresh, of, say, talk

SCALE = SNIPPET_CHARS + 2  # an ellipsis on each side


def found(store: Store, text: str, filters: Filters = Filters(), **options: Any) -> Results:  # noqa: B008  frozen
    return search_messages(store, text, filters, SearchOptions(**{"mode": "lexical", **options}))


def texts(results: Results) -> list[str]:
    return sorted(item.message.text for item in results.items)


def outcome(results: Results) -> tuple[str, list[str], tuple[str, ...]]:
    return results.tier, texts(results), results.dropped


def message(text: str, *others: str) -> Message:
    parts = tuple({"type": "tool_call", "arguments": other} for other in others)
    return next(stored(say(text, parts=parts or None)))


def snippet(text: str, *words: str, phrase: bool = False) -> Snippet:
    return snippet_of(message(text), [Term(word, phrase=phrase) for word in words])


def marked(piece: Snippet) -> list[str]:
    return [piece.text[start:end] for start, end in piece.marks]


# the ladder


def test_all_words_are_found_exactly(store: Store) -> None:
    """Where a message holds every word the answer is exact, and nothing was dropped."""
    store.new(messages=[say("the retry policy with backoff"), say("retry only"), say("backoff only")])
    assert ("exact", ["the retry policy with backoff"], ()) == outcome(found(store, "backoff retry"))


def test_a_word_that_is_nowhere_is_dropped_and_named(store: Store) -> None:
    """Words found in no message go first, and the rest must still be there."""
    store.new(messages=[say("retry with backoff"), say("retry only")])
    assert ("relaxed", ["retry with backoff"], ("zzyzx",)) == outcome(found(store, "retry zzyzx backoff"))


def test_the_commonest_word_is_dropped_next(store: Store) -> None:
    """Where the words are found, but never together, the rarest decides."""
    store.new(messages=[*(say(f"common {number}") for number in range(3)), say("rare one")])
    assert ("relaxed", ["rare one"], ("common",)) == outcome(found(store, "common rare"))


@pytest.mark.parametrize("hidden", [True, False])
def test_a_word_that_is_elsewhere_is_dropped_first(store: Store, *, hidden: bool) -> None:
    """A rare word of hidden messages, or of other conversations than those that were chosen, decides nothing."""
    store.new(messages=[say("zebra", hidden=hidden)])
    here = store.new(messages=[*(say(f"common {number}") for number in range(3)), say("common thing")]).id
    filters = Filters() if hidden else Filters(ids=(here,))
    assert ("relaxed", ["common thing"], ("zebra",)) == outcome(found(store, "zebra common thing", filters))


def test_nothing_is_found_of_words_that_are_nowhere(store: Store) -> None:
    """Then every word is named, and the tier is none."""
    store.new(messages=[say("retry")])
    results = found(store, "zzyzx qwxyz")
    assert ("none", [], ("zzyzx", "qwxyz")) == outcome(results)
    assert 0 == results.total


def test_a_question_works_as_it_comes(store: Store) -> None:
    """Stop words and marks are no words to look for, and are not named as dropped."""
    store.new(messages=[say("We decided on SQLite for the database"), say("nothing of the kind")])
    results = found(store, "What did we decide about the database?")
    assert ("exact", ["We decided on SQLite for the database"], ()) == outcome(results)


def test_stop_words_alone_are_looked_for(store: Store) -> None:
    """A query of nothing else is taken as it is."""
    store.new(messages=[say("to be or not to be"), say("something else")])
    assert ["to be or not to be"] == texts(found(store, "to be or not"))


def test_a_phrase_is_found_as_it_stands(store: Store) -> None:
    """The words in quotes stand together, stop words too."""
    store.new(messages=[say("it ran out of memory"), say("memory of what ran out")])
    assert ("exact", ["it ran out of memory"], ()) == outcome(found(store, '"out of memory"'))


def test_minus_words_stay_out_at_every_step(store: Store) -> None:
    """What is not wanted is not found, exactly or relaxed."""
    store.new(messages=[say("plan draft"), say("plan final"), say("old plan version")])
    assert ["old plan version", "plan final"] == texts(found(store, "plan -draft"))
    assert ["plan final"] == texts(found(store, 'plan zzyzx -draft -"old plan"'))


def test_minus_words_hold_without_other_words(store: Store) -> None:
    """A query of fields and unwanted words leaves these out too."""
    store.new(messages=[say("plan draft"), say("plan final")])
    assert ["plan final"] == texts(found(store, "role:user -draft"))


def test_a_prefix_is_found(store: Store) -> None:
    """A star stands for any ending."""
    store.new(messages=[say("xylophone"), say("piano")])
    assert ["xylophone"] == texts(found(store, "xylo*"))


# fields and filters


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("zebra role:assistant", ["zebra b"]),
        ("zebra tag:work", ["zebra a", "zebra b"]),
        ("zebra -tag:work", ["zebra c"]),
        ("zebra model:sonnet", ["zebra c"]),
        ("zebra source:chatgpt", ["zebra c"]),
        ("zebra author:ana", ["zebra a"]),
        ("zebra from:ana", ["zebra a"]),
        ("zebra title:trip", ["zebra a", "zebra b"]),
        ("zebra project:work", ["zebra a", "zebra b"]),
        ("zebra is:pinned", ["zebra a", "zebra b"]),
        ("zebra since:2026-06", ["zebra a", "zebra b"]),
        ("zebra until:2026-06", ["zebra c"]),
        ("zebra role:nobody", []),
        ("zebra tag:none", []),
        ("role:assistant", ["zebra b"]),
    ],
)
def test_fields_narrow(store: Store, query: str, expected: list[str]) -> None:
    """Every field of the language holds for what is found; one that is none is a word."""
    store.new(
        ConversationDraft(title="A trip", project="/work", pinned=True, tags=("work",)),
        [say("zebra a", author="Ana"), say("zebra b", "assistant")],
    )
    imported = [say("zebra c", source_id="1", created_at="2026-01-31T10:00:00.000Z")]
    store.ingest("chatgpt", of("c", imported, model="claude-sonnet", title="Other"))
    results = found(store, query)
    if "nobody" in query:
        assert ("relaxed", ("role:nobody",)) == (results.tier, results.dropped)
    else:
        assert expected == texts(results)


def test_filters_are_given_beside_the_query(store: Store) -> None:
    """What the options say holds together with what the query says."""
    one = store.new(ConversationDraft(tags=("work",)), [say("zebra a"), say("zebra b", "assistant")]).id
    store.new(messages=[say("zebra c")])
    assert ["zebra a"] == texts(found(store, "zebra role:user", Filters(tags=("work",))))
    assert ["zebra b"] == texts(found(store, "zebra", Filters(ids=(one,), role="assistant")))
    assert ["zebra a"] == texts(found(store, "zebra", Filters(ids=(one,), before=2)))


def test_filters_alone_give_the_latest_messages(store: Store, clock: Clock) -> None:
    """A query of fields only is answered with the newest messages they let through, up to the limit."""
    store.new(messages=[say("old")])
    clock.tick()
    store.new(messages=[say(str(number)) for number in range(1, 9)])
    assert ["7", "8"] == texts(found(store, "role:user", limit=2))


def test_nothing_asked_is_nothing_found(store: Store) -> None:
    """An empty query, or one of marks, finds nothing and is no error."""
    store.new(messages=[say("zebra")])
    assert [("none", [], ())] * 3 == [outcome(found(store, text)) for text in ("", "?!", '""')]


def test_dates_count_from_the_stores_clock(store: Store, clock: Clock) -> None:
    """`since:1d` is a day before what the clock of the store says."""
    store.new(messages=[say("zebra new"), say("zebra old", created_at="2026-11-18T00:00:00.000Z")])
    assert ["zebra new"] == texts(found(store, "zebra since:1d"))
    clock.now = clock.now.replace(year=2027)
    assert [] == texts(found(store, "zebra since:1d"))


def test_hidden_messages_are_found_only_when_asked(store: Store) -> None:
    """Words, patterns and filters alike pass over what a client does not show."""
    store.new(messages=[say("zebra", hidden=True)])
    for text, mode in (("zebra", "lexical"), ("zeb.a", "regex"), ("role:user", "lexical")):
        assert ([], ["zebra"]) == (
            texts(found(store, text, mode=mode)),
            texts(found(store, text, mode=mode, hidden=True)),
        )


@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
@pytest.mark.parametrize("text", ["zebraError", "the zebraError", '"zebraError crossing"', "zebraError lion"])
def test_it_is_said_that_only_hidden_messages_have_a_word(store: Store, mode: str, text: str) -> None:
    """A word that is there and is not shown is not said to be nowhere; shown, there is nothing to say."""
    store.new(messages=[say("a zebraError crossing", hidden=True), say("a lion")])
    hidden = found(store, text, mode=mode)
    term = "zebraError crossing" if '"' in text else "zebraError"
    assert (f"only hidden messages have: {term}; --hidden shows them",) == hidden.warnings
    assert () == found(store, text, mode=mode, hidden=True).warnings == found(store, "lion", mode=mode).warnings


@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
@pytest.mark.parametrize(("text", "filters"), [("zebra -lion", Filters()), ("zebraError -lion", Filters(role="user"))])
def test_a_word_of_unwanted_messages_is_not_said_to_be_hidden(
    store: Store, mode: str, text: str, filters: Filters
) -> None:
    """Everybody sees it, and who asks does not want it."""
    store.new(messages=[say("a zebra and a lion"), say("a zebraError and a lion"), say("a bear")])
    assert () == search_messages(store, text, filters, SearchOptions(mode=mode)).warnings


@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("/home/me/repo/src/login.ts", "edited src/login.ts today"),
        ("getUserNa", "called getUserName today"),
        ("fetchUserName", "it should fetch the name of the user"),
        ("lib.helpers.getUserName", "called getUserName today"),
        ("6d61daaa7eb206cec27768c6bbd250c25c5b36e1", "committed as 6d61daa"),
        ("src/login.ts:40:7", "edited src/login.ts:12 today"),
        ("src/login.ts(40,7):", "edited src/login.ts today"),
        ("get_user_name", "called getUserName today"),
        ("getUserName", "called get_user_name today"),
        ("UserNameSelector", "edited user-name-selector.ts today"),
        ("user-name-selector", "edited UserNameSelector.tsx, or userNameSelector"),
    ],
)
def test_a_name_that_is_nowhere_is_looked_for_by_what_it_is_made_of(
    store: Store, mode: str, name: str, said: str
) -> None:
    """Half remembered, or from another folder, it leads to what was meant, and is named as missing."""
    store.new(messages=[say(said), say("something else")])
    results = found(store, name, mode=mode)
    assert ("relaxed", said, (name,)) == (results.tier, results.items[0].message.text, results.dropped)


def test_a_name_is_looked_for_in_what_the_filters_let_through(store: Store) -> None:
    """That another conversation has it as it was typed is no reason to find nothing in this one."""
    store.new(messages=[say("called getUserName today")])
    here = store.new(messages=[say("called get_user_name today"), say("wrote zebraName", hidden=True)]).id
    for mode in ("lexical", "hybrid"):
        results = found(store, "getUserName", Filters(ids=(here,)), mode=mode)
        assert ("relaxed", ["called get_user_name today"], ("getUserName",)) == outcome(results)
        warned = found(store, "zebraName", Filters(ids=(here,)), mode=mode).warnings
        assert ("only hidden messages have: zebraName; --hidden shows them",) == warned


@pytest.mark.parametrize("text", ["rm -rf build", "go test -run TestFish", "find docs -name zebra"])
def test_what_was_typed_to_a_command_is_found(store: Store, text: str) -> None:
    """A flag of several letters excludes nothing where messages have the command just so, other names aside."""
    call = {"type": "tool_call", "id": "1", "name": "Bash"}
    said = ["rm -rf build && make", "go test -v -run TestFish ./...", "find docs -name zebra | head -20"]
    others = ["the build of rm", "we test fish on the go", "docs where you find a zebra"]
    store.new(messages=[say("", role="assistant", parts=({**call, "arguments": {"command": one}},)) for one in said])
    store.new(messages=[say(other) for other in others])
    results = found(store, f"{text} zzyzx", mode="hybrid")
    assert any(text.split(maxsplit=1)[0] in str(item.message.parts) for item in results.items)
    assert () == results.unwanted


def test_several_lines_exclude_nothing(store: Store) -> None:
    """What was pasted, a diff or a listing, is no query that somebody wrote; a phrase after a minus is one still."""
    store.new(messages=[say("-old = zebra\n+new = lion"), say("lion")])
    assert ["-old = zebra\n+new = lion"] == texts(found(store, "-old = zebra\n+newer = lion"))
    assert ["lion"] == texts(found(store, '-"zebra"\nlion'))
    assert ["lion"] == texts(found(store, "lion -zebra\n"))


def test_a_minus_excludes_where_no_message_has_it(store: Store) -> None:
    """Neither a list nor a hyphen makes a flag of a word; a phrase is never one."""
    store.new(messages=[say("plan draft"), say("plan final"), say("the plan:\n -draft\n--draft a plan-draft")])
    assert ["plan final"] == texts(found(store, "plan -draft"))
    store.new(messages=[say("plan -draft")])
    assert 3 == len(texts(found(store, "plan -draft")))
    assert ["plan final"] == texts(found(store, 'plan -"draft"'))


@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
@pytest.mark.parametrize("words", ["zebra ", ""])
@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("-role:user", ["zebra two", "zebra three"]),
        ("-role:user -role:tool", ["zebra three"]),
        ("-model:gpt", ["zebra one", "zebra two"]),
        ("-title:CROSSING", ["zebra two", "zebra three"]),
        ("-source:chatlog", []),
        ("role:user -from:ana", []),
    ],
)
def test_fields_exclude(store: Store, mode: str, words: str, field: str, expected: list[str]) -> None:
    """With words and without, in each mode; what stands beside an answer is excluded too."""
    store.new(ConversationDraft(title="a crossing"), messages=[say("zebra one", author="Ana")])
    store.new(messages=[say("zebra two", role="tool"), say("zebra three", role="assistant", model="gpt-5")])
    assert sorted(expected) == texts(found(store, words + field, mode=mode))


def test_fields_exclude_titles(store: Store) -> None:
    """A conversation that is excluded is not found by its title."""
    store.new(ConversationDraft(title="zebra"), messages=[say("two")])
    store.new(ConversationDraft(title="zebra crossing", model="gpt-5"), messages=[say("one")])
    for limit in (1, 10):
        assert ["two"] == texts(found(store, "in:title zebra -model:gpt", limit=limit))


@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
def test_a_version_is_found_with_its_v_or_without(store: Store, mode: str) -> None:
    """v1.2.3 and 1.2.3 are the same."""
    store.new(messages=[say("released v1.2.3"), say("upgrade to 1.2.3"), say("not 1.2.4")])
    for version in ("1.2.3", "v1.2.3"):
        assert ["released v1.2.3", "upgrade to 1.2.3"] == texts(found(store, version, mode=mode))


@pytest.mark.parametrize("text", ['"we ate fish by the harbour"', "getSardines", "sardines.py"])
def test_nothing_stands_for_a_phrase_or_a_name_that_is_nowhere(store: Store, text: str) -> None:
    """Who asks for something as it stands is not told what means about the same."""
    store.new(messages=[say("we ate sardines by the harbour")])
    assert "none" == found(store, text, mode="hybrid").tier


def test_what_was_said_comes_before_what_a_tool_put_out(store: Store) -> None:
    """A tool's output that has all the words does not push away the message that is about them."""
    output = ({"type": "tool_call_response", "id": "1", "response": "wal-autocheckpoint sqlite locked " * 20},)
    store.new(messages=[say("", role="tool", parts=output)])
    store.new(messages=[say("how did sqlite get locked by wal-autocheckpoint?"), say("", role="tool", parts=output)])
    first = found(store, "sqlite locked wal-autocheckpoint", mode="hybrid").items[0]
    assert "user" == first.message.role


def test_a_line_of_a_log_comes_first_where_it_was_put_out(store: Store) -> None:
    """Four words in a row are copied from there; what has them somewhere is not meant."""
    line = "CONFLICT in state: merge failed"
    output = ({"type": "tool_call_response", "id": "1", "response": f"merging\n{line}\n" + "more " * 200},)
    store.new(messages=[say("in the state it is in the merge failed for a conflict of conflicts")])
    store.new(messages=[say("", role="tool", parts=output)])
    assert "tool" == found(store, line, mode="hybrid").items[0].message.role


def test_the_limit_holds_and_the_total_is_known_below_it(store: Store) -> None:
    """Where fewer are found than asked for that is all of them; else nobody knows."""
    store.new(messages=[say(f"zebra {number}") for number in range(5)])
    for mode in ("lexical", "regex"):
        assert [(2, None), (5, 5)] == [
            (len(results.items), results.total)
            for results in (found(store, "zebra", mode=mode, limit=2), found(store, "zebra", mode=mode, limit=9))
        ]


# where to look


def test_tool_text_and_shown_text_can_be_asked_for_apart(store: Store) -> None:
    """By option or by `in:`, for words and patterns."""
    call = {"type": "tool_call", "name": "read", "arguments": {"path": "zebra.txt"}}
    store.new(messages=[say("shown", parts=(call,)), say("a zebra")])
    for mode in ("lexical", "regex"):
        both, tool, text = (found(store, "zebra", mode=mode, within=within) for within in ((), ("tool",), ("text",)))
        assert (["a zebra", "shown"], ["shown"], ["a zebra"]) == (texts(both), texts(tool), texts(text))
    assert ["shown"] == texts(found(store, "in:tool zebra"))


def test_titles_are_searched(store: Store) -> None:
    """`in:title` finds conversations by all words of their title, and shows their first message."""
    store.new(ConversationDraft(title="A trip to Lisbon"), [say("first"), say("second")])
    store.new(ConversationDraft(title="A trip to Rome"), [say("other")])
    results = found(store, "in:title lisbon TRIP")
    assert [("A trip to Lisbon", "first")] == [(item.title, item.message.text) for item in results.items]
    assert ("exact", 1) == (results.tier, results.total)
    assert ("none", []) == outcome(found(store, "paris", within=("title",)))[:2]


def test_unwanted_words_hold_for_titles(store: Store) -> None:
    """A title with an unwanted word is left out."""
    store.new(ConversationDraft(title="Trip draft"), [say("a")])
    store.new(ConversationDraft(title="Trip final"), [say("b")])
    store.new(ConversationDraft(title="Trip draft, empty"))
    for limit in (1, 9):
        results = found(store, "in:title trip -draft", limit=limit)
        assert (["b"], 1) == (texts(results), results.total)
    results = found(store, "in:title draft", limit=1)
    assert (["a"], 1) == (texts(results), results.total)


def test_filters_alone_give_as_many_as_are_asked_for(store: Store) -> None:
    """The bound on the messages looked at to find conversations is none on the results of a search."""
    store.new(messages=[say(f"line {number}") for number in range(MOST_MESSAGES + 1)])
    results = found(store, "", Filters(role="user"), limit=2 * MOST_MESSAGES)
    assert [MOST_MESSAGES + 1] * 2 == [len(results.items), results.total]


@pytest.mark.parametrize("unwanted", ["東京", "fooba*", "c++", '"not this"'])
def test_unwanted_words_hold_for_filters_alone(store: Store, unwanted: str) -> None:
    """In scripts without blanks, of words that begin like it, and of what is no word."""
    store.new(messages=[say("私は東京に住む; foobar in c++ is not this"), say("food: 京都, is not at all this, c")])
    assert ["food: 京都, is not at all this, c"] == texts(found(store, f"role:user -{unwanted}"))


def test_the_trash_can_be_searched(store: Store) -> None:
    """Words, titles and patterns are found in the trash, with neighbours, when the filter asks for it."""
    name = store.new(ConversationDraft(title="Gone"), [say("before"), say("zebra"), say("after")]).id
    store.delete([name])
    trash = Filters(deleted=True)
    assert [] == texts(found(store, "zebra"))
    for text, options in (("zebra", {}), ("zeb.a", {"mode": "regex"}), ("zebra", {"context": 1})):
        assert ["zebra"] == texts(found(store, text, trash, **options))
    assert ["before"] == texts(found(store, "in:title gone", trash))


@pytest.mark.parametrize("how", [{"mode": "regex", "within": ("title",)}, {"within": ("title", "text")}])
def test_titles_are_searched_by_words_alone(store: Store, how: dict[str, Any]) -> None:
    """Titles are no place where messages or patterns are found: who asks for both is told so."""
    store.new(ConversationDraft(title="zebra"), [say("zebra")])
    with pytest.raises(UsageError):
        found(store, "zebra", **how)


def test_an_unknown_place_is_refused(store: Store) -> None:
    """A place that cannot be searched is the caller's error."""
    store.new(messages=[say("zebra")])
    with pytest.raises(UsageError):
        found(store, "zebra", within=("nowhere",))


@pytest.mark.parametrize("limit", [0, -3])
def test_a_number_of_results_is_one_at_least(store: Store, limit: int) -> None:
    """Words, a pattern or conversations: none or fewer is a usage error."""
    for use in (lambda: found(store, "x", limit=limit), lambda: found(store, "x", mode="regex", limit=limit)):
        with pytest.raises(UsageError, match="results are none"):
            use()


def test_an_unknown_mode_is_refused(store: Store) -> None:
    """The hint lists the modes."""
    with pytest.raises(UsageError, match="'magic' is not a way to search") as caught:
        found(store, "zebra", mode="magic")
    assert "lexical" in caught.value.hint
    assert "regex" in caught.value.hint


# patterns


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"err-\d{4}", ["ERR-4711 here", "err-0815 here"]),
        (r"ERR-\d{4}", ["ERR-4711 here"]),
        (r"^ERR", ["ERR-4711 here"]),
        (r"here$", ["ERR-4711 here", "err-0815 here"]),
        (r"role:user", []),
        (r"入.", ["入門"]),
    ],
)
def test_a_pattern_is_matched_as_it_stands(store: Store, pattern: str, expected: list[str]) -> None:
    """Case matters once there is a capital, and the words of the query language are characters."""
    store.new(messages=[say("ERR-4711 here"), say("err-0815 here"), say("入門")])
    results = found(store, pattern, mode="regex")
    assert (expected, "exact" if expected else "none", "regex") == (texts(results), results.tier, results.mode)


@pytest.mark.parametrize(
    "pattern", ["(", "[", "*", "a{2,1}", "(?P<a>", "\\", "a{99999999999999999999}", "(?i", "(" * 500]
)
def test_a_pattern_that_is_none_is_refused(store: Store, pattern: str) -> None:
    """The error says what is wrong with it, and how to search for the words."""
    store.new(messages=[say("zebra")])
    with pytest.raises(UsageError, match="the pattern is not a regular expression") as caught:
        found(store, pattern, mode="regex")
    assert "--mode lexical" in caught.value.hint


@pytest.mark.parametrize("pattern", ["[[a]", "[a||b]", "[a&&b]"])
def test_a_doubtful_pattern_warns_nobody(store: Store, pattern: str) -> None:
    """What Python may mean otherwise one day is no message on somebody's terminal."""
    store.new(messages=[say("zebra")])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found(store, pattern, mode="regex")


def test_a_pattern_marks_what_it_matched(store: Store) -> None:
    """The snippet shows the match, one result for a message."""
    store.new(messages=[say("one ERR-1 two ERR-2")])
    (item,) = found(store, r"ERR-\d", mode="regex").items
    assert (["ERR-1"], "words") == (marked(item.snippet), item.matched)


# results


def test_a_result_has_the_promised_keys(store: Store) -> None:
    """The shape of CLI.md section 3."""
    name = store.new(ConversationDraft(title="T"), [say("before"), say("zebra"), say("after")]).id
    (item,) = found(store, "zebra", context=1).items
    record = item.record()
    promised = {"ref", "conversation", "seq", "source_id", "role", "title", "created_at", "snippet", "score", "matched",
                "before", "after"}  # fmt: skip
    assert set() == promised - set(record)
    assert (f"{name}:2", name, 2, "user", "T", "zebra", "words") == tuple(
        record[key] for key in ("ref", "conversation", "seq", "role", "title", "snippet", "matched")
    )
    assert (["before"], ["after"]) == (
        [each["text"] for each in record["before"]],
        [each["text"] for each in record["after"]],
    )


def test_the_best_come_first(store: Store) -> None:
    """Scores fall from one result to the next."""
    for text in ("zebra " + "and many other things " * 20, "zebra", "zebra and more"):
        store.new(messages=[say(text)])
    scores = [item.score for item in found(store, "zebra").items]
    assert sorted(scores, reverse=True) == scores
    assert "zebra" == found(store, "zebra").items[0].message.text


def test_neighbours_are_on_the_messages_branch(store: Store) -> None:
    """Before and after stand what was said on the same path, as many as asked for, hidden ones passed over."""
    name = store.new(messages=[say("a"), say("b"), say("unseen", hidden=True), say("zebra one"), say("d")]).id
    store.add(name, [say("other branch", parent=2), say("zebra two")])
    found_by_text = {item.message.text: item for item in found(store, "zebra", context=2).items}
    one, two = found_by_text["zebra one"], found_by_text["zebra two"]
    assert (["a", "b"], ["d"]) == ([each.text for each in one.before], [each.text for each in one.after])
    assert (["b", "other branch"], []) == ([each.text for each in two.before], [each.text for each in two.after])


# snippets


def test_a_short_message_is_its_own_snippet() -> None:
    """On one line, with the words marked."""
    piece = snippet("first line\n\tsecond retry\r\nthird", "retry")
    assert ("first line  second retry  third", ["retry"]) == (piece.text, marked(piece))


def test_a_long_message_is_cut_around_the_words() -> None:
    """An ellipsis says that there is more on a side."""
    piece = snippet("x " * 500 + "the retry policy" + " y" * 500, "policy", "retry")
    assert (["retry", "policy"], "…", "…") == (marked(piece), piece.text[0], piece.text[-1])
    assert len(piece.text) <= SCALE


def test_the_densest_place_is_shown() -> None:
    """Where the words stand together, not where one of them stands first."""
    piece = snippet("retry " + "x " * 500 + "retry policy backoff", "retry", "policy", "backoff")
    assert ["retry", "policy", "backoff"] == marked(piece)


def test_the_place_with_the_most_different_words_is_shown() -> None:
    """One word again and again is not what was asked for."""
    piece = snippet("retry " * 30 + "x " * 500 + "retry policy", "retry", "policy")
    assert ["retry", "policy"] == marked(piece)


def test_a_call_is_shown_with_its_name() -> None:
    """A path alone says nothing of what was done with it; of a result without the words there is its beginning."""
    call = ({"type": "tool_call", "id": "1", "name": "Read", "arguments": {"path": "src/app.py"}},)
    result = ({"type": "tool_call_response", "id": "1", "response": "def main"},)
    read, answer = (next(stored(say("", parts=parts))) for parts in (call, result))
    assert "Read src/app.py" == snippet_of(read, [Term("app")]).text
    assert "def main" == snippet_of(answer, [Term("app")]).text


def test_a_tool_output_that_was_put_out_twice_is_shown_once(store: Store) -> None:
    """A file that was read twice crowds out nothing; one that has changed since is another."""
    old, new = (f"{'line of zebra ' * 300}{end}" for end in ("old", "new"))
    outputs = [({"type": "tool_call_response", "id": "1", "response": text},) for text in (old, old, new)]
    store.new(messages=[say("", role="tool", parts=parts, metadata={"at": at}) for at, parts in enumerate(outputs)])
    assert 2 == len(found(store, "zebra").items)


def test_the_text_with_most_words_is_shown() -> None:
    """Where tool text holds them it is cut from there."""
    piece = snippet_of(message("retry here", "retry policy of the tool"), [Term("retry"), Term("policy")])
    assert "retry policy of the tool" == piece.text


def test_other_forms_of_a_word_are_marked() -> None:
    """What the index finds by its stem is marked, whole."""
    assert ["retries"] == marked(snippet("he retries it", "retried"))
    assert ["decided"] == marked(snippet("we decided", "deciding"))


def test_marks_lie_on_whole_words() -> None:
    """A short word inside another one is not what matched."""
    assert ["art"] == marked(snippet("the art of starting", "art"))


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("Python入門を読む", "入門", ["入門"]),
        ("Python入門を読む", "Python入門", ["Python入門"]),
        ("set snake_case_name", "case", ["case"]),
        ("call getUserName", "user", ["User"]),
        ("no y or py: see src/x/y.py", "y.py", ["y.py"]),
        ("see x.py and y", "y.py", ["py", "y"]),
        ("out of memory", "out of memory", ["out of memory"]),
        ("call get-user-name", "get_user_name", ["get-user-name"]),
    ],
)
def test_parts_of_words_are_marked(text: str, query: str, expected: list[str]) -> None:
    """Where the parts of a name or a run of unspaced script matched, they are marked, as one where they stand so."""
    assert expected == marked(snippet(text, query))


def test_a_phrase_is_marked_as_one() -> None:
    """From its first word to its last."""
    assert ["out of memory"] == marked(snippet("it ran out of memory", "out of memory", phrase=True))


TEXTS = st.text(max_size=40) | st.lists(
    st.sampled_from(
        ["retry", "Retry", "retries", "入門", "\n", "\u2028", "\x1c", "\t", " ", "é", "İ", "ß", "x" * 150, "🙂"]
    ),
    max_size=30,
).map(" ".join)


@given(
    TEXTS,
    st.lists(
        st.sampled_from(["retry", "入門", "x", "é", "i", "ss", "🙂", "(", "\\"]) | st.text(max_size=3), max_size=3
    ),
)
def test_any_snippet_is_one_short_line_with_its_marks_inside(text: str, words: list[str]) -> None:
    """Whatever the text and the words, it is one line of bounded length, and every mark lies within it, in order."""
    piece = snippet(text, *words)
    assert len(piece.text) <= SCALE
    assert len(piece.text.splitlines()) <= 1
    assert sorted(piece.marks) == list(piece.marks)
    assert all(0 <= start < end <= len(piece.text) for start, end in piece.marks)


@given(st.sampled_from(["retry", "backoff policy", "入門", "user_name"]), st.integers(0, 400), st.integers(0, 400))
def test_the_marks_lie_on_the_words(word: str, before: int, after: int) -> None:
    """Wherever a word stands in a text, what is marked is the word."""
    piece = snippet("a " * before + word + " b" * after, word, phrase=True)
    assert [word] == marked(piece)


def test_a_huge_message_is_cut_by_a_bounded_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the beginning of a message of a million words is looked through, and only so many places."""
    looked: list[int] = []
    bounded = search._bounded

    def watched(pattern: str, text: str) -> Any:
        looked.append(len(text))
        spans = list(bounded(pattern, text))
        assert len(spans) <= 200
        return spans

    monkeypatch.setattr(search, "_bounded", watched)
    piece = snippet("retry " * 1_000_000, "retry")
    assert (True, search.SNIPPET_SCAN) == (len(piece.text) <= SCALE, max(looked))


# never fails


LAW = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
QUERIES = st.text(max_size=30) | st.lists(
    st.sampled_from(
        ["zebra", "-zebra", '"', "'", "*", "(", ")", "^", "NEAR(", "AND", "OR", "NOT", "title:", "in:title",
         "role:user", "since:9999-12-31", "since:7d", "tag:a", "-tag:", "入", "入門", "ก", "\x00", "foo.bar", "c++",
         "it's", "-", ":", "in:tool", "is:archived", "a*", "{", "}", "\\", "%", "_"]
    ),
    max_size=8,
).map(" ".join)  # fmt: skip


@LAW
@given(
    st.lists(QUERIES, min_size=1, max_size=12),
    st.sampled_from(["lexical", "regex"]),
    st.sampled_from([(), ("title",), ("tool",)]),
)
def test_any_text_can_be_searched_for(queries: list[str], mode: str, within: tuple[str, ...]) -> None:
    """No query raises; a pattern that is none is a usage error, and nothing else is."""
    with fresh() as store, warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        store.new(ConversationDraft(title="zebra"), [say("zebra 入門 foo.bar"), say("more", hidden=True)])
        for text in queries:
            try:
                results = found(store, text, mode=mode, within=within, context=1)
            except UsageError:
                assert "regex" == mode
                continue
            assert (results.tier == "none") == (not results.items)
            assert all(len(item.snippet.text) <= SCALE for item in results.items)


@pytest.mark.slow
@settings(LAW, max_examples=1400)
@given(st.lists(QUERIES, min_size=10, max_size=20))
def test_any_text_can_be_searched_for_in_the_long_run(queries: list[str]) -> None:
    """Tens of thousands of strings: no exception."""
    with fresh() as store:
        store.new(ConversationDraft(title="zebra"), [say("zebra 入門 foo.bar"), say("more", hidden=True)])
        for text in queries:
            found(store, text)


@pytest.mark.parametrize("text", ["half \ud800", "\udc00", "tag:\ud800 zebra", 'title:"\ud83d" zebra'])
def test_half_a_surrogate_pair_fails_no_search(store: Store, text: str) -> None:
    """A query that no encoding can hold finds what its other words find, or nothing."""
    store.new(messages=[say("zebra")])
    assert found(store, text).tier in ("exact", "relaxed", "none")


def test_a_page_of_text_can_be_searched_for(store: Store, watch: Watch) -> None:
    """A long text as a query is answered, and the work for it is bounded: fewer looks at the index than words."""
    text = " ".join(f"word{number}" for number in range(400))
    store.new(messages=[say(f"word{number} word{number + 1}") for number in range(400)])
    looks = watch(SqliteWords, "posting")
    results = found(store, text)
    assert "relaxed" == results.tier
    assert 0 < len(looks) <= 100


def test_another_users_words_are_neither_found_nor_counted(store: Store) -> None:
    """What only somebody else has is dropped like a word that nobody has."""
    from .store.making import opened

    store.new(messages=[say("zebra")])
    with opened(store.info()["path"], "bob") as bob:
        bob.new(messages=[say("lion")])
        assert outcome(found(bob, "lion zebra")) == ("relaxed", ["lion"], ("zebra",))
        assert outcome(found(bob, "zebra")) == ("none", [], ("zebra",))


def test_a_search_says_how_it_searched(store: Store) -> None:
    """The mode is on the results, and imported messages keep their source ids."""
    store.ingest("chatgpt", of("c", talk("zebra")))
    results = found(store, "zebra")
    assert ("lexical", "m1") == (results.mode, results.items[0].record()["source_id"])
    assert re.fullmatch(r"[a-z2-7]{26}:1", results.items[0].message.ref)


@pytest.mark.parametrize(
    ("asked", "dropped"),
    [
        ("机器学习基础", ("习基",)),
        ("学习的知识", ("的知",)),
        ("深度学习怎么学", ("习怎", "怎么", "么学")),
        ("python 机器学习", ("python",)),
        ("机器学习", ()),
    ],
)
def test_a_run_of_words_is_relaxed_as_words_are(asked: str, dropped: tuple[str, ...], store: Store) -> None:
    """Chinese, Japanese and Korean questions are one run: by words too it need not stand in a message as it is."""
    text = "我想学习机器学习和深度学习的基础知识"
    store.new(messages=[say(text), say("今日は天気がいい")])
    results = search_messages(store, asked, Filters(), SearchOptions(mode="lexical"))
    assert ([text], dropped) == ([item.message.text for item in results.items], results.dropped)


def test_a_run_that_is_nowhere_is_named_as_it_was_asked(store: Store) -> None:
    """Not by the pairs of characters that it was looked for by."""
    store.new(messages=[say("今日は天気がいい")])
    results = search_messages(store, "量子力学", Filters(), SearchOptions(mode="lexical"))
    assert ((), ("量子力学",)) == (results.items, results.dropped)
