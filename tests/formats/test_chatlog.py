"""Tests of chatlog's own JSONL: what each line becomes, the little asked of anyone's data, lossless both ways."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatlog import intake
from chatlog.errors import UsageError
from chatlog.formats import chatlog
from chatlog.formats.chatlog import read, sniff
from chatlog.models import ConversationDraft, Extra, LeftOut, MessageDraft, Problem, Record, Unfinished
from chatlog.store import Store

from ..store import histories
from ..store.making import ID, assert_sound, exported, fresh, imported, jsonl, only, say, shown, tree
from .making import MADE_AT, conversations, head_of, messages, source_of, stored, talk

MINIMAL = {"type": "message", "conversation": "c", "role": "user", "text": "hello"}
HEADER = {"type": "chatlog", "version": 1}
CALL = {"type": "tool_call", "id": "1", "name": "read", "arguments": {"path": "a.txt"}}


def records(*lines: Any) -> list[Record]:
    return list(read(source_of(jsonl(*lines))))


def problems(*lines: Any) -> list[tuple[str, str]]:
    return [(record.place, record.reason) for record in records(*lines) if isinstance(record, Problem)]


def message(**facts: Any) -> MessageDraft:
    (found,) = messages(records({**MINIMAL, **facts}))
    return found


# recognising it


@pytest.mark.parametrize(
    "line",
    [HEADER, MINIMAL, {"type": "conversation", "id": "c"}, {"version": 1, "type": "chatlog"}],
)
def test_its_lines_are_recognised(line: dict[str, Any]) -> None:
    """The header, a message and a conversation each say what the file is."""
    assert sniff(head_of(source_of(jsonl(line))))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[]",
        jsonl([HEADER]),
        jsonl({"type": "message", "role": "user"}),
        jsonl({"role": "user", "content": "hello"}),
        jsonl({"type": "user", "sessionId": "s", "message": {}}),
        jsonl({"type": "conversation", "id": "c", "mapping": {}}),
        "SQLite format 3\x00",
    ],
)
def test_other_text_is_not_recognised(text: str) -> None:
    """Lines of other formats, arrays and data are somebody else's."""
    assert not sniff(head_of(source_of(text)))


def test_a_long_first_message_is_recognised() -> None:
    """A first line longer than what a sniffer sees still shows its keys."""
    assert sniff(head_of(source_of(jsonl({**MINIMAL, "text": "word " * 40_000}))))


# the minimal form of CLI.md section 4


def test_a_message_needs_little() -> None:
    """Conversation, role and text are a message of that conversation's source."""
    found = message()
    assert ("c", "user", "hello", None) == (found.conversation, found.role, found.text, found.parts)


def test_a_message_may_have_parts_instead_of_text() -> None:
    """The text is then what a person reads of the parts."""
    parts = [{"type": "text", "content": "see"}, CALL]
    found = message(text=None, parts=parts)
    assert ("see", tuple(parts)) == (found.text, found.parts)


def test_a_message_may_say_more() -> None:
    """Author, time, model and metadata are taken; a time of any form becomes ours."""
    found = message(
        author="ana", created_at=1769853600, model="gpt-5", metadata={"a": 1}, hidden=True, importance="keep"
    )
    assert ("ana", "2026-01-31T10:00:00.000Z", "gpt-5") == (found.author, found.created_at, found.model)
    assert ({"a": 1}, True, "keep") == (found.metadata, found.hidden, found.importance)


@pytest.mark.parametrize(
    ("said", "hidden"), [("false", False), ("False", False), ("true", True), (0, False), (1, True)]
)
def test_a_flag_as_a_table_has_it(said: Any, hidden: bool) -> None:
    """A row of a table that was made a line hides no words by saying that they are not hidden."""
    assert message(hidden=said).hidden is hidden


def test_a_tag_that_stands_alone() -> None:
    """A conversation's only tag may be given without a list around it."""
    (header,) = records({"type": "conversation", "id": "c", "tags": "work"})
    assert isinstance(header, ConversationDraft)
    assert ("work",) == header.tags


def test_a_conversation_is_called_what_its_lines_call_it() -> None:
    """Any string is a conversation, a number too; it becomes the source id and never our own id."""
    header, found = records({"type": "conversation", "id": 7, "title": "Seven"}, {**MINIMAL, "conversation": 7})
    assert isinstance(header, ConversationDraft)
    assert isinstance(found, MessageDraft)
    assert (None, "7", "Seven", "7") == (header.id, header.source_id, header.title, found.conversation)


def test_messages_without_ids_follow_each_other() -> None:
    """Each gets an id from its content and the one before, so that equal words are not the same message."""
    first, second, third = messages(records(MINIMAL, MINIMAL, MINIMAL))
    assert 3 == len({first.source_id, second.source_id, third.source_id})
    assert (None, first.source_id, second.source_id) == (first.parent, second.parent, third.parent)


def test_the_same_messages_have_the_same_ids() -> None:
    """A second export of the same history is the same history, and a longer one begins alike."""
    short, long = messages(records(MINIMAL, MINIMAL)), messages(records(MINIMAL, MINIMAL, MINIMAL))
    assert [each.source_id for each in short] == [each.source_id for each in long][:2]


def test_interleaved_conversations_are_told_apart() -> None:
    """The lines of several conversations may be mixed: each message follows the one before in its own."""
    other = {**MINIMAL, "conversation": "d"}
    first, other_first, second, other_second = messages(records(MINIMAL, other, MINIMAL, other))
    assert (first.source_id, other_first.source_id) == (second.parent, other_second.parent)
    assert (None, None) == (first.parent, other_first.parent)


def test_a_message_names_the_one_it_follows() -> None:
    """With source ids and parents a tree is read; without a parent a message follows the one before."""
    lines = [
        {**MINIMAL, "source_id": "m1"},
        {**MINIMAL, "source_id": "m2", "parent": "m1"},
        {**MINIMAL, "source_id": "m3", "parent": "m1"},
        {**MINIMAL, "source_id": "m4"},
    ]
    assert [None, "m1", "m1", "m3"] == [each.parent for each in messages(records(*lines))]


def test_a_message_without_an_id_may_name_the_one_it_follows() -> None:
    """Source id and parent are optional each by itself: a leaf needs no id to be a branch."""
    lines = [{**MINIMAL, "source_id": "m1"}, {**MINIMAL, "parent": "m1"}, {**MINIMAL, "text": "b", "parent": "m1"}]
    assert [None, "m1", "m1"] == [each.parent for each in messages(records(*lines))]


def test_a_time_that_is_none_is_named() -> None:
    """A line whose time cannot be read comes in without it, and is named; dates of mail and UTC in words are read."""
    lines = [{"type": "message", "conversation": "c", "role": "user", "text": str(n)} for n in range(3)]
    times = ("not a date", "Tue, 14 Nov 2023 22:13:20 GMT", "2023-11-14 22:13:20 UTC")
    found = records(*[{**line, "created_at": time} for line, time in zip(lines, times, strict=True)])
    assert [None, *["2023-11-14T22:13:20.000Z"] * 2] == [draft.created_at for draft in messages(found)]
    assert [Problem("line 1", "created_at is not a time chatlog knows: 'not a date'")] == [
        record for record in found if isinstance(record, Problem)
    ]


@pytest.mark.parametrize(("parent", "count"), [("nope", 1), ("a", 0), ("later", 0)])
def test_a_parent_that_is_nowhere_is_counted(parent: str, count: int) -> None:
    """A source that names a parent it does not hold says so; a line may name one that comes after it."""
    said = {"type": "message", "conversation": "c", "role": "user", "text": "x"}
    lines = [{**said, "source_id": "a"}, {**said, "source_id": "b", "parent": parent}, {**said, "source_id": "later"}]
    assert count == sum(record.entries for record in records(*lines) if isinstance(record, LeftOut))


def test_the_minimal_form_is_imported(store: Store) -> None:
    """Two interleaved conversations without a header come in with their words in order."""
    other = {**MINIMAL, "conversation": "d", "text": "other"}
    imported(store, jsonl(MINIMAL, other, {**MINIMAL, "role": "assistant", "text": "hi"}, {**other, "text": "more"}))
    found = {each.source_id: shown(store, each.id) for each in store.conversations().items}
    assert {"c": ["hello", "hi"], "d": ["other", "more"]} == found


def test_a_conversation_line_may_come_after_its_messages(store: Store) -> None:
    """The line is optional and so is its place: title, tags and state are taken."""
    header = {"type": "conversation", "id": "c", "title": "Named", "tags": ["work"], "state": {"a": 1}}
    imported(store, jsonl(MINIMAL, header))
    conversation = store.get(only(store))
    assert ("Named", ("work",), {"a": 1}) == (conversation.title, conversation.tags, conversation.state)


# lines that are wrong


@pytest.mark.parametrize(
    "line",
    [
        5,
        "text",
        [],
        {},
        {"type": "message", "conversation": "c", "role": "user"},
        {"type": "message", "conversation": "c", "role": "user", "text": 5},
        {"type": "message", "conversation": "c", "role": "user", "parts": "no"},
        {"type": "message", "conversation": "c", "role": "user", "parts": [5]},
        {"type": "message", "conversation": "c", "role": "user", "parts": [{"type": "text", "content": 5}]},
        {"type": "message", "role": "user", "text": "x"},
        {"type": "message", "conversation": None, "role": "user", "text": "x"},
        {"type": "message", "conversation": "", "role": "user", "text": "x"},
        {"type": "conversation"},
        {"type": "conversation", "id": None},
        {"type": "conversation", "id": "c", "tags": 5},
        {"type": "conversation", "id": "c", "state": [1]},
        {"type": "chatlog"},
        {"type": "chatlog", "version": "1"},
    ],
)
def test_a_line_of_another_shape_is_named(line: Any) -> None:
    """What cannot be understood is a problem with its place, and the next line is read."""
    assert [("line 1", "not a chatlog line")] == problems(line, MINIMAL)
    assert ["hello"] == [each.text for each in messages(records(line, MINIMAL))]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({**MINIMAL, "role": "wizard"}, "the role is not one chatlog knows"),
        ({**MINIMAL, "role": ["user"]}, "the role is not one chatlog knows"),
        ({"type": "message"}, "the role is not one chatlog knows"),
        ({"type": "wish"}, "not a type of line chatlog knows"),
        ({"type": ["message"]}, "not a type of line chatlog knows"),
        ({"type": "chatlog", "version": 2}, "version 2 is newer than this chatlog knows"),
    ],
)
def test_a_line_says_what_is_wrong(line: dict[str, Any], reason: str) -> None:
    """An unknown role, type and version are named as such; the words never are."""
    assert [("line 2", reason)] == problems(MINIMAL, line)


#: Values of the wrong type that a line may hold, one for each way they used to get through.
WRONG = [
    ("conversation", "title", ["a"]),
    ("conversation", "model", {}),
    ("conversation", "project", 10**30),
    ("conversation", "parent", [1]),
    ("conversation", "forked_at", {}),
    ("conversation", "head", []),
    ("conversation", "hold", {"a": 1}),
    ("conversation", "source", ["x"]),
    ("conversation", "deleted_at", ["x"]),
    ("conversation", "revision", "x"),
    ("conversation", "revision", 10**30),
    ("conversation", "tags", ["two words"]),
    ("message", "seq", 10**30),
    ("message", "author", {"name": "ana"}),
    ("message", "model", ["gpt"]),
    ("message", "key", [1]),
    ("message", "importance", "high"),
    ("message", "importance", {}),
    ("message", "metadata", "x"),
    ("message", "metadata", [1]),
    ("minimal", "author", {"name": "ana"}),
    ("minimal", "model", 10**30),
    ("minimal", "importance", "high"),
    ("minimal", "metadata", [1]),
]


@pytest.mark.parametrize(("kind", "key", "value"), WRONG)
def test_a_wrong_value_never_stops_the_rest(store: Store, kind: str, key: str, value: object) -> None:
    """A value of the wrong type costs at most its line: the lines around it come in, and the file is sound."""
    lines = {
        "conversation": {"type": "conversation", "id": ID},
        "message": {"type": "message", "conversation": ID, "seq": 1, "role": "user", "text": "x"},
        "minimal": {**MINIMAL, "conversation": "x"},
    }
    lines[kind][key] = value
    before, after = ({**MINIMAL, "conversation": name} for name in ("before", "after"))
    imported(store, jsonl(before, *lines.values(), after))
    assert {"before", "after"} <= {each.source_id for each in store.conversations().items}
    assert_sound(store)


@pytest.mark.parametrize(
    "line",
    [
        {"type": "memory"},
        {"type": "memory", "key": ["k"], "value": 1},
        {"type": "memory", "key": "k", "value": 1, "created_at": {}},
        {"type": "tombstone", "source": "chatgpt"},
        {"type": "tombstone", "source": "chatgpt", "source_id": {}},
        {"type": "summary", "conversation": "nobody", "kind": "rolling", "from_seq": 1, "to_seq": 2, "text": "x"},
        {"type": "summary", "conversation": ID, "kind": "wish", "from_seq": 1, "to_seq": 1, "text": "x"},
        {"type": "summary", "conversation": ID, "kind": "rolling", "from_seq": None, "to_seq": 1, "text": "x"},
    ],
)
def test_a_wrong_extra_never_stops_the_rest(store: Store, line: dict[str, Any]) -> None:
    """A memory, tombstone or summary that makes no sense is in the report, and the next line comes in."""
    report = imported(store, jsonl(HEADER, {"type": "conversation", "id": ID}, line, MINIMAL))
    assert 1 == report.total["errors"]
    assert ["hello"] == [hit.message.text for hit in store.scan()]


def test_a_broken_line_is_named_and_passed_over() -> None:
    """A line that is no JSON is a problem with its number; one cut off at the end is only unfinished."""
    found = list(read(source_of('{"type": broken}\n' + jsonl(MINIMAL) + '{"type": "mess')))
    assert [Problem, MessageDraft, Unfinished] == [type(record) for record in found]
    assert Problem("line 1", "not valid JSON at column 10") == found[0]


def test_two_versions_of_a_message_in_one_file_are_one_message(store: Store) -> None:
    """The later line of a source id is the message, and the words of the earlier one are not found."""
    imported(store, jsonl({**MINIMAL, "source_id": "m1"}, {**MINIMAL, "source_id": "m1", "text": "goodbye"}))
    assert ["goodbye"] == shown(store)
    assert_sound(store)


# what is ours


def test_an_id_of_ours_stays() -> None:
    """A conversation of an export keeps its id, source, revision and head."""
    line = {"type": "conversation", "id": ID, "source": "chatgpt", "source_id": "s", "revision": 4, "head": 2}
    (found,) = conversations(records(line))
    assert (ID, "chatgpt", "s", 4, 2) == (found.id, found.source, found.source_id, found.revision, found.head)


def test_messages_of_an_export_are_linked_by_seq() -> None:
    """A parent is a seq, or the source id that the message of that seq has."""
    base = {**MINIMAL, "conversation": ID}
    lines = [
        {**base, "seq": 1, "parent": None},
        {**base, "seq": 2, "parent": 1, "source_id": "m2"},
        {**base, "seq": 3, "parent": 2},
        {**base, "seq": 4, "parent": 1},
    ]
    assert [None, 1, "m2", 1] == [each.parent for each in messages(records(*lines))]
    assert [1, 2, 3, 4] == [each.seq for each in messages(records(*lines))]


def test_extras_keep_their_values() -> None:
    """Summaries, memories and tombstones come as they are, without the word that names them."""
    line = {"type": "tombstone", "source": "chatgpt", "source_id": "s"}
    assert [Extra(kind="tombstone", values={"source": "chatgpt", "source_id": "s"})] == records(line)


# writing


def test_the_written_form_is_the_documented_one() -> None:
    """A header, then a line per conversation and message with `type` first, keys in the order of the records."""
    out = io.StringIO()
    chatlog.write([(talk(), stored(say("hé\u2028llo\n")))], out)
    header, conversation, message_line, rest = out.getvalue().split("\n")
    assert '{"type":"chatlog","version":1}' == header
    assert ("", "conversation", "c7q2") == (rest, *list(json.loads(conversation).values())[:2])
    start = '{"type":"message","ref":"c:1","conversation":"c","seq":1,"source_id":null,"parent":null,"role":"user",'
    assert message_line.startswith(start + '"author":null,"text":"hé\u2028llo\\n","parts":null,"model":null,')
    assert MADE_AT == json.loads(message_line)["created_at"]


def test_an_empty_export_is_a_header() -> None:
    """No conversation at all is still a chatlog file."""
    out = io.StringIO()
    chatlog.write([], out)
    assert '{"type":"chatlog","version":1}\n' == out.getvalue()
    assert sniff(head_of(source_of(out.getvalue())))


def test_summaries_follow_their_conversation_and_the_rest_ends_the_file() -> None:
    """The extras of a conversation stand behind its messages, those of nobody at the end."""
    out = io.StringIO()
    extras = lambda name: [Extra(kind="summary" if name else "memory", values={"of": name})]  # noqa: E731
    chatlog.write([(talk(id="a"), []), (talk(id="b"), [])], out, extras)
    kinds = [json.loads(line)["type"] for line in out.getvalue().splitlines()]
    assert ["chatlog", "conversation", "summary", "conversation", "summary", "memory"] == kinds


# lossless: export, import into an empty file, export again


def assert_lossless(store: Store, batch: int, times: int = 1) -> None:
    """Assert that a store's export, imported into an empty file in batches of that size, is exported the same."""
    before = exported(store)
    with fresh() as copy, pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "BATCH_RECORDS", batch)
        for _ in range(times):
            assert 0 == imported(copy, before).total["errors"]
            assert before == exported(copy)
        assert_sound(copy)


LAW = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
LONG_LAW = settings(LAW, max_examples=600)


@LAW
@given(histories.steps(), st.sampled_from([1, 2, 3, 500]))
def test_an_export_is_lossless(steps: list[histories.Step], batch: int) -> None:
    """Export, import, export gives the same bytes for any history, in one batch or many, and importing twice too."""
    with fresh() as store:
        histories.play(store, steps)
        assert_sound(store)
        assert_lossless(store, batch, times=2)


@pytest.mark.slow
@LONG_LAW
@given(histories.steps(), st.sampled_from([1, 2, 3, 500]))
def test_an_export_is_lossless_in_the_long_run(steps: list[histories.Step], batch: int) -> None:
    """The same law on many more histories."""
    with fresh() as store:
        histories.play(store, steps)
        assert_sound(store)
        assert_lossless(store, batch, times=2)


def test_a_fork_keeps_who_said_what(store: Store) -> None:
    """Equal words of two people, one in the parent and one in the child, stay theirs."""
    parent = store.new(messages=[say("ok", author="Ana", metadata={"a": 1})])
    child = store.fork(parent.id)
    store.add(child.id, [say("ok", author="Bob")])
    assert_lossless(store, 500)


def test_equal_words_before_a_fork_keep_their_authors(store: Store) -> None:
    """Two messages of the same words in what parent and child share stay two people's."""
    parent = store.new(messages=[say("ok", author="Ana"), say("ok", author="Bob")])
    store.fork(parent.id)
    assert_lossless(store, 500)


def test_a_fork_keeps_what_is_shown_of_equal_parts(store: Store) -> None:
    """Two messages of the same parts, shown with different texts, keep their own."""
    parent = store.new(messages=[say("shown", parts=(CALL,))])
    child = store.fork(parent.id)
    store.add(child.id, [say("shown otherwise", parts=(CALL,))])
    assert_lossless(store, 500)


def test_a_title_that_was_taken_away_stays_away(store: Store) -> None:
    """A conversation whose owner removed the title has none after a round trip."""
    conversation = store.new(messages=[say("hello")])
    store.change(conversation.id, {"title": None})
    assert_lossless(store, 500)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffbom",
        "a\u2028b\u2029c\x85d\r\ne\x1ef",
        "\x00nul\x00",
        "\\ud800 spelt out",
        "\\\\ud83d\\ude00",
        "🤷🏽‍♀️",
        " ",
        "\n",
    ],
)
def test_odd_characters_are_lossless(store: Store, text: str) -> None:
    """Marks that end a line elsewhere, NUL, and text that looks like an escape come back as they were."""
    store.new(ConversationDraft(title=text, metadata={text: [text]}), [say(text, author=text)])
    assert_lossless(store, 500)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_an_export_is_json_for_everybody(store: Store, number: float) -> None:
    """A number that JSON does not have is refused, or kept as its name: another reader is not to stumble."""
    try:
        store.new(messages=[say("x", metadata={"a": number}, parts=({"type": "x", "b": [number]},))])
    except UsageError:
        return
    names: list[str] = []
    [json.loads(line, parse_constant=names.append) for line in exported(store).splitlines()]
    assert [] == names
    assert_lossless(store, 500)


def test_counting_tokens_changes_no_export(store: Store) -> None:
    """Whether somebody has asked for the tokens of a history is no part of it."""
    name = store.new(ConversationDraft(title="Counted"), [MessageDraft(role="user", text="hello there")]).id
    before = exported(store)
    store.measures.count(name, "cl100k_base", lambda message: 7)
    assert 7 == next(iter(store.messages(name))).tokens
    assert before == exported(store)
    assert_lossless(store, 500)


def test_a_branch_of_a_long_conversation_is_lossless(store: Store) -> None:
    """A head in an earlier batch than the last message's is still the head."""
    conversation = store.new(messages=[say(f"message {number}") for number in range(7)])
    store.add(conversation.id, [say("a branch", parent=2)])
    assert [(7, 6), (8, 2)] == [(seq, parent) for seq, parent, _ in tree(store)][-2:]
    for batch in (1, 3, 7, 8):
        assert_lossless(store, batch)
