"""The table of what formats hold is true: held against real conversions, both ways."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from chatlog.export import Exporter, select
from chatlog.formats import READERS, WRITERS, build, detect, reader
from chatlog.formats.fidelity import FEATURES, READINGS, WRITINGS
from chatlog.formats.source import Source, file_source
from chatlog.models import ConversationDraft, Filters, MessageDraft, Record, TitleHint
from chatlog.store import Store

from .making import DATA, SAMPLES, json_lines, source_of, walk
from .sqlite_making import database

TOOLS = [
    {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "1", "content": "x"},
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}]},
    {"role": "assistant", "content": "x", "reasoning_content": "why"},
]
SAID = {"created_at": "2026-01-31T10:00:00Z", "content": [], "attachments": [], "files": []}
VERSIONS = [
    {**SAID, "uuid": name, "text": "x", "sender": sender, "parent_message_uuid": parent}
    for name, sender, parent in (("a", "human", None), ("b", "assistant", "a"), ("c", "assistant", "a"))
]
STEPS = [{"role": "assistant", "content": words, "agent": "main", "action": words} for words in ("a", "b", "c")]
ATTEMPTS = [{"trajectory": [], "history": [STEPS[0], end]} for end in STEPS[1:]]
SENT = "<cross_session_message>\nfrom_session_id: 4ea1\n\nBuild it\n</cross_session_message>"
EVENT = {"type": "user.message", "id": "u1", "parentId": None, "timestamp": "2026-02-01T09:00:00Z"}
NOTED = {"timestamp": 1780680349.441, "response": {"usage": {"prompt_tokens": 7}}}
RUN = {"info": {"mini_version": "2.3.0"}, "messages": [{"role": "assistant", "content": "x", "extra": NOTED}]}
MASK = {"hideContext": True, "context": [{"role": "system", "content": "Be kind."}]}
MASKED = {"id": "s", "mask": MASK, "messages": [{"role": "user", "content": "a"}]}
PI = {"id": "e1", "parentId": None, "timestamp": "2026-08-02T00:00:01Z"}
STATE = json.loads((DATA / "cursor" / "state.json").read_text(encoding="utf-8"))
ENTRIES = [{"key": key, "value": value} for entries in STATE.values() for key, value in entries.items()]
#: What the fixtures of a format do not hold, in its own form.
MORE = {
    "claude_ai": [json.dumps([{"uuid": "u", "name": "n", "chat_messages": VERSIONS}])],
    "copilot": [json_lines({**EVENT, "data": {"content": "Build it", "transformedContent": SENT}})],
    "cursor": [json.dumps({"database": "state.vscdb", "rows": ENTRIES})],
    "goose": [
        json.dumps({
            "id": "20260110_1", "description": "", "working_dir": "/mill", "model_config": {"model_name": "m"},
            "conversation": [{"role": "user", "created": 1736504100, "content": [{"type": "text", "text": "x"}]}],
        })
    ],
    "ms_copilot": ["CreatedAt,MessageContent,Author,ChatName\r\n1/2/2026 10:00:01 +00:00,Answer,Copilot,Mill\r\n"],
    "nextchat": [json.dumps({"chat-next-web-store": {"sessions": [MASKED]}})],
    "pi_agent": [
        json_lines(
            {"type": "session", "version": 3, "id": "s", "timestamp": "2026-08-02T00:00:00Z", "cwd": "/app"},
            {"type": "message", "message": {"role": "developer", "content": [{"type": "text", "text": "x"}]}, **PI},
        )
    ],
    "swe_agent": [json.dumps({"attempts": ATTEMPTS, **ATTEMPTS[0]}), json.dumps(RUN)],
    "openai_messages": [json_lines({"title": "t", "cwd": "/mill", "messages": TOOLS})],
    "sharegpt": [
        json_lines(
            {"id": "abcdefgh", "title": "t", "created_at": "2026-01-31T10:00:00Z", "conversations": [
                {"from": "human", "value": "x"}, {"from": "gpt", "value": "<think>why</think>x"}
            ]}
        )
    ],
}  # fmt: skip


def features(records: Iterable[Record]) -> set[str]:
    """Return what some records hold."""
    found, followed = set[str](), set[object]()
    for record in records:
        match record:
            case ConversationDraft():
                facts = {"titles": record.title, "times": record.created_at, "models": record.model}
                facts |= {"projects": record.project, "tags": record.tags, "usage": uses(record.metadata)}
                found |= {name for name, fact in facts.items() if fact}
            case MessageDraft():
                found |= set(message_features(record))
                place = (record.conversation, record.parent)
                found |= {"branches"} if place in followed and record.parent is not None else set()
                followed.add(place)
            case TitleHint():
                found.add("titles")
    return found


def uses(metadata: Iterable[str]) -> bool:
    return any("usage" in key.lower() or "token" in key.lower() for key in metadata)


def message_features(message: MessageDraft) -> Iterator[str]:
    facts = {"times": message.created_at, "models": message.model, "authors": message.author, "hidden": message.hidden}
    facts |= {"system": message.role in ("system", "developer"), "usage": uses(message.metadata)}
    yield from (name for name, fact in facts.items() if fact)
    kinds = {part["type"] for part in message.parts or ()}
    yield from ["tools"] * bool(kinds & {"tool_call", "tool_call_response"})
    yield from ["reasoning"] * ("reasoning" in kinds)
    yield from ["attachments"] * bool(kinds & {"blob", "file", "uri"})


def of_folder(folder: Path, scratch: Path) -> Iterator[Source]:
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".sql":
            yield file_source(database(scratch / path.stem, path.read_text("utf-8")))
        elif path.is_file() and path.stat().st_size < 3_000_000:
            yield from walk(path)


def seen(name: str, sources: Iterable[Source]) -> set[str]:
    return set().union(*(features(reader(name).read(source)) for source in sources if detect(source) == name))


@cache
def demo_sources() -> tuple[Source, ...]:
    import chatlog.demo

    return tuple(of_folder(Path(chatlog.demo.__file__).parent, Path()))


@pytest.mark.parametrize("name", [name for name in READERS if name != "chatlog"])
def test_what_is_read_is_what_the_table_says(name: str, tmp_path: Path) -> None:
    """No fixture holds more than is claimed; with the real files, all that is claimed is there."""
    claimed = set(READINGS[name].keeps.split())
    found = seen(name, [*of_folder(DATA / name, tmp_path), *demo_sources(), *map(source_of, MORE.get(name, ()))])
    assert set() == found - claimed
    if claimed - found and SAMPLES.exists():
        for folder in (name, "other_grok", "other_agents", "other_deepseek"):
            found |= seen(name, of_folder(SAMPLES / folder, tmp_path / "samples"))
        assert set() == claimed - found


#: One thing of each feature, by the word it is found by in an export.
MARKS = {
    "titles": "TITLEMARK", "times": "2026-01-31", "models": "MODELMARK", "authors": "AUTHORMARK",
    "projects": "PROJECTMARK", "tags": "TAGMARK", "system": "SYSTEMMARK", "tools": "TOOLMARK",
    "reasoning": "REASONMARK", "attachments": "aW1hZ2U=", "branches": "BRANCHMARK", "hidden": "HIDDENMARK",
    "usage": "USAGEMARK",
}  # fmt: skip
#: A form for reading may name what it does not hold the bytes of.
NAMED = {"attachments": "NAMEMARK"}


@pytest.fixture
def marked(store: Store) -> Store:
    """A history with something of every feature."""
    moment = "2026-01-31T10:00:00.000Z"
    told = {"usage": {"USAGEMARK": 7}}
    call = build.tool_call("1", "f", {"a": "TOOLMARK"})
    answer = (build.reasoning("REASONMARK"), build.text("Yes."), call)
    drafts = [
        MessageDraft(role="system", text="SYSTEMMARK", created_at=moment),
        MessageDraft(role="system", text="HIDDENMARK", hidden=True, created_at=moment),
        MessageDraft(
            role="user", text="Hi.", author="AUTHORMARK", created_at=moment,
            parts=(build.text("Hi."), build.blob("image/png", "aW1hZ2U=", name="NAMEMARK")),
        ),
        MessageDraft(role="assistant", text="Yes.", parts=answer, model="MODELMARK", created_at=moment, metadata=told),
        MessageDraft(role="tool", parts=(build.tool_result("1", "done"),), created_at=moment),
    ]  # fmt: skip
    facts = ConversationDraft(
        title="TITLEMARK", project="PROJECTMARK", tags=("TAGMARK",), model="MODELMARK", created_at=moment
    )
    name = store.new(facts, drafts).id
    store.add(name, [MessageDraft(role="assistant", text="BRANCHMARK", parent=3)])
    store.add(name, [MessageDraft(role="assistant", text="The end.", parent=5)])
    return store


@pytest.mark.parametrize("to", WRITERS)
def test_what_is_written_is_what_the_table_says(marked: Store, to: str) -> None:
    """A word of each feature is in the export where the table says so, and nowhere else."""
    out = io.StringIO()
    exporter = Exporter(marked, to)
    (conversation,) = select(marked, Filters())
    exporter.write([conversation], out)
    held = {name for name, mark in MARKS.items() if mark in out.getvalue() or NAMED.get(name, mark) in out.getvalue()}
    if to == "sharegpt":
        assert "[image: NAMEMARK]" in out.getvalue()
        held -= {"attachments"}
    assert set(WRITINGS[to].holds.split()) == held


def test_the_tables_are_whole() -> None:
    """Every reader and writer has its row, and no row is of a feature that there is not."""
    assert (set(READERS), set(WRITERS)) == ({*READINGS}, {*WRITINGS})
    rows = [row.keeps for row in READINGS.values()] + [row.holds for row in WRITINGS.values()]
    assert set() == {name for row in rows for name in row.split()} - {*FEATURES}
    assert {*FEATURES} == {*MARKS}


def test_chatlog_s_own_form_keeps_everything(marked: Store) -> None:
    """What is written to JSONL is read with every feature."""
    out = io.StringIO()
    Exporter(marked, "jsonl").write(select(marked, Filters()), out)
    assert set(READINGS["chatlog"].keeps.split()) == features(reader("chatlog").read(source_of(out.getvalue())))
    assert json.loads(out.getvalue().splitlines()[0])["type"] == "chatlog"
