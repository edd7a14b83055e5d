"""Tests of the table of formats: recognised by content, never confused, and what a sniffer sees."""

from __future__ import annotations

import codecs
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.errors import UsageError
from chatlog.formats import READERS, WRITERS, Head, detect, reader, recognised, writer
from chatlog.formats.source import HEAD_BYTES, file_source, stream_source
from chatlog.models import Problem

from .making import DATA, json_lines, messages, source_of
from .sqlite_making import database

CHATGPT = {"title": "t", "create_time": 1.0, "mapping": {}, "current_node": "a", "conversation_id": "c"}
CLAUDE_AI = {"uuid": "u", "name": "n", "created_at": "2026-01-31T10:00:00Z", "chat_messages": [], "account": {}}
CLAUDE_CODE = {
    "type": "user", "uuid": "u", "parentUuid": None, "sessionId": "s", "cwd": "/", "version": "2",
    "timestamp": "2026-01-31T10:00:00Z", "message": {"role": "user", "content": "hi"},
}  # fmt: skip
OPENAI = {"messages": [{"role": "user", "content": "hi"}]}
PLAIN = {"role": "user", "content": "hi"}
CHATLOG = {"type": "chatlog", "version": 1}
KNOWN = [
    ("chatgpt", json.dumps([CHATGPT])),
    ("chatgpt", json.dumps([CHATGPT], indent=2)),
    ("claude_ai", json.dumps([CLAUDE_AI])),
    ("claude_code", json_lines(CLAUDE_CODE)),
    ("claude_code", json_lines({"type": "summary", "summary": "s", "leafUuid": "u"}, CLAUDE_CODE)),
    ("openai_messages", json_lines(OPENAI)),
    ("openai_messages", json.dumps(OPENAI)),
    ("openai_messages", json_lines(PLAIN, PLAIN)),
    ("openai_messages", json.dumps([PLAIN])),
    ("chatlog", json_lines(CHATLOG)),
    ("chatlog", json_lines({"type": "message", "conversation": "c", "role": "user", "text": "hi"})),
]


@pytest.mark.parametrize(("name", "text"), KNOWN)
def test_a_format_is_recognised_by_its_content(name: str, text: str) -> None:
    """The name of the file plays no part."""
    assert name == detect(source_of(text, name="download.bin"))


@pytest.mark.parametrize(("name", "text"), KNOWN)
def test_only_one_format_claims_a_source(name: str, text: str) -> None:
    """The order of the table decides nothing among the formats there are."""
    head = Head("x", source_of(text).head())
    assert [name] == [each for each in READERS if reader(each).sniff(head)]


@pytest.mark.parametrize(("name", "text"), KNOWN)
@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE)],
)
def test_a_byte_order_mark_hides_nothing(name: str, text: str, encoding: str, mark: bytes) -> None:
    """The same content in another encoding is the same format."""
    assert name == detect(source_of(mark + text.encode(encoding)))


@pytest.mark.parametrize(("name", "text"), KNOWN)
def test_leading_blanks_hide_nothing(name: str, text: str) -> None:
    """Blank lines before the content do not matter."""
    assert name == detect(source_of("\n \r\n" + text))


@pytest.mark.parametrize("name", [name for name in READERS if (DATA / name).is_dir()])
def test_the_test_data_is_what_its_folder_says(name: str, tmp_path: Path) -> None:
    """Every history among the fixtures is recognised as its own format, or as none."""
    scripts = [database(tmp_path / path.stem, path.read_text("utf-8")) for path in (DATA / name).glob("*.sql")]
    files = [path for path in (DATA / name).rglob("*") if path.is_file()]
    found = {detect(file_source(path)) for path in [*files, *scripts]}
    assert name in found
    assert found <= {name, None}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" \n",
        b"hello",
        b"{}",
        b"[]",
        b"[1, 2]",
        b"null",
        b'{"name": "package", "version": "1.0.0", "dependencies": {}}',
        b'{"role": "user"}',
        b"# A note\n\n- one\n",
        b"<html></html>",
        b"SQLite format 3\x00" + bytes(84),
        b"PK\x03\x04" + bytes(40),
        b"\x1f\x8b\x08" + bytes(20),
        b"\x89PNG\r\n\x1a\n",
        bytes(100),
    ],
)
def test_other_content_is_no_history(data: bytes) -> None:
    """Text, settings of other programs, databases, archives and pictures are none of ours."""
    assert None is detect(source_of(data))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_recognising_never_raises(data: bytes) -> None:
    """Any bytes are of a format or of none."""
    assert detect(source_of(data)) in {*READERS, None}


VALUES = st.recursive(
    st.none() | st.integers() | st.sampled_from(["user", "message", "chatlog", "conversation", "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(["type", "version", "role", "content", "messages", "mapping", "uuid", "chat_messages",
                         "sessionId", "message", "conversation", "id", "loglines", "text"]),
        inner, max_size=3,
    ),
    max_leaves=8,
)  # fmt: skip


@given(VALUES)
def test_recognising_odd_json_never_raises(value: Any) -> None:
    """The keys of the formats, with values of any type, are of a format or of none."""
    assert detect(source_of(json.dumps(value))) in {*READERS, None}


# what a sniffer sees


def test_the_head_is_only_the_beginning() -> None:
    """A sniffer judges by the first 64 KB; the line cut off there is not among the objects."""
    source = source_of(json_lines({"a": 1}, {"b": "x" * HEAD_BYTES}))
    head = Head(source.name, source.head())
    assert HEAD_BYTES == len(head.data)
    assert (({"a": 1},), frozenset({"a"})) == (head.objects, head.keys)


def test_a_head_shows_keys_of_an_object_that_goes_on() -> None:
    """The keys of the first object are known before it is whole."""
    head = Head("x", json.dumps([{"title": "t", "mapping": {"deep": 1}, "more": "x" * 100}])[:45].encode())
    assert (True, frozenset({"title", "mapping"})) == (head.is_array, head.keys)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}\n{"b": 2}\nbroken\n[3]\n', [{"a": 1}, {"b": 2}]),
        ('[{"a": 1}, 2, {"b": 2}]', [{"a": 1}, {"b": 2}]),
        ('{\n"a": 1\n}', [{"a": 1}]),
        ("text", []),
    ],
)
def test_the_objects_are_lines_or_the_document(text: str, expected: list[dict[str, int]]) -> None:
    """JSONL gives its whole lines, a document its objects."""
    assert tuple(expected) == Head("x", text.encode()).objects


# the table


def test_every_format_has_what_the_table_promises() -> None:
    """A reader sniffs and reads, a writer writes."""
    assert [] == [name for name in READERS if not (hasattr(reader(name), "sniff") and hasattr(reader(name), "read"))]
    assert [] == [name for name in WRITERS if not hasattr(writer(name), "write")]


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    """The hint lists every name."""
    for table, find in ((READERS, reader), (WRITERS, writer)):
        with pytest.raises(UsageError, match="'nope' is not a format") as caught:
            find("nope")
        assert caught.value.hint.endswith(f"one of: {', '.join(table)}")


LONG = "lorem ipsum dolor " * 6000
PICTURE = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{LONG}"}}]}
TURNS = [{"value": "b", "from": "human"}, {"from": "gpt", "value": "x"}]
BRANCHES = {
    "a": {"id": "a", "parentId": None, "childrenIds": ["b", "c"], **PICTURE},
    "b": {"id": "b", "parentId": "a", "childrenIds": [], "role": "assistant", "content": "one"},
    "c": {"id": "c", "parentId": "a", "childrenIds": [], "role": "assistant", "content": "two"},
}
CUT: list[tuple[str, int, Any]] = [
    ("openai_messages", 3, {"prompt": LONG, "chosen": "c", "rejected": "r"}),
    ("openai_messages", 2, [{"instruction": LONG, "input": "", "output": "o"}]),
    ("openai_messages", 2, [{"content": LONG, "role": "user"}, {"role": "assistant", "content": "x"}]),
    ("sharegpt", 3, [{"system": LONG, "conversations": TURNS}]),
    ("sharegpt", 2, {"tools": LONG, "conversations": TURNS}),
    (
        "openwebui",
        3,
        {
            "title": "T",
            "models": ["m"],
            "messages": [BRANCHES["a"], BRANCHES["c"]],
            "history": {"currentId": "c", "messages": BRANCHES},
        },
    ),
    (
        "gemini_takeout",
        1,
        [
            {
                "header": "Gemini Apps",
                "title": f"Prompted {LONG}",
                "time": "2025-01-02T00:00:00Z",
                "products": ["Gemini Apps"],
            }
        ],
    ),
    (
        "codex",
        2,
        {
            "session": {"id": "g", "timestamp": "2025-08-01T00:00:00Z", "instructions": LONG},
            "items": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        },
    ),
]


@pytest.mark.parametrize(("name", "count", "value"), CUT)
@pytest.mark.parametrize("from_stream", [False, True])
def test_a_first_record_beyond_the_head(name: str, count: int, value: Any, *, from_stream: bool) -> None:
    """What is known only by what follows a long prompt is read whole, from a file and from a stream."""
    text = json.dumps(value)
    found, source = recognised(stream_source(io.BytesIO(text.encode())) if from_stream else source_of(text))
    assert name == found
    records = list(reader(name).read(source))
    assert (count, []) == (len(messages(records)), [record for record in records if isinstance(record, Problem)])


def test_a_wide_head_is_for_a_cut_record_alone() -> None:
    """What is no JSON, and what has whole records, is looked at no further."""
    for text in ("words " * 20_000, json_lines(*[{"a": 1}] * 20_000)):
        assert (None, HEAD_BYTES) == (recognised(source_of(text))[0], recognised(source_of(text))[1].head_bytes)


def test_a_named_format_sees_as_much_as_it_needs() -> None:
    """``--from`` reads a document by the same head as recognition would."""
    text = json.dumps(CUT[-1][2])
    found, source = recognised(source_of(text), "codex")
    assert ("codex", True) == (found, source.head_bytes > HEAD_BYTES)


@pytest.mark.parametrize(("text", "times"), [("words " * 20_000, 1), (json.dumps({"a": "b" * 200_000}), 2)])
def test_a_source_of_no_format_is_read_once(text: str, times: int) -> None:
    """Its head is read for all formats together, a wider one once more where the first record is cut."""
    source, opened = source_of(text), list[None]()

    def counted() -> IO[bytes]:
        opened.append(None)
        return source.open()

    assert recognised(replace(source, opener=counted))[0] is None
    assert times == len(opened)


LAID_OUT = ("codex/every_feature.jsonl", "codex/exec.jsonl", "copilot/events.jsonl", "cursor/transcript.jsonl")


def _spread(values: list[Any]) -> str:
    return "\n".join(json.dumps(value, indent=2) for value in values)


@pytest.mark.parametrize("name", [*LAID_OUT, "claude_code/sidechains.jsonl", "gemini_cli/chats/session.jsonl"])
@pytest.mark.parametrize("written", [_spread, json.dumps, lambda values: json.dumps(values, indent=1)])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_jsonl_may_be_written_over_many_lines_or_as_an_array(name: str, written: Any, encoding: str) -> None:
    """What a program that prints JSON nicely or gathers lines into an array left is read as the lines were."""
    path = next(DATA.glob(name.replace("chats/", "**/chats/").replace("session.", "session*.")))
    text = written([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()])
    expected = list(reader(name.partition("/")[0]).read(source_of(path.read_bytes(), path.name)))

    found, source = recognised(source_of(text.encode(encoding), path.name))
    assert name.partition("/")[0] == found
    assert expected == list(reader(str(found)).read(source))


def test_a_broken_record_among_many_lines_is_a_problem() -> None:
    """It costs none of those before it and behind it, and a stream is closed when it was read."""
    values = [{"type": "thread.started", "thread_id": "t"}, {"type": "turn.started"}, {"type": "turn.completed"}]
    text = _spread(values).replace('"type": "turn.started"', '"type" "turn.started"')
    found, source = recognised(source_of(text, "x.jsonl"))

    assert "codex" == found
    assert ["line 2"] == [r.place for r in reader("codex").read(source) if isinstance(r, Problem)]


def test_what_one_document_holds_stays_one() -> None:
    """A document that is written over many lines, with nothing behind it, is read as it stands."""
    source = source_of(json.dumps(OPENAI, indent=2))
    assert ("openai_messages", source) == recognised(source)
