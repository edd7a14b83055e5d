"""Tests of pi's sessions: the tree and its entries, the linear first version, and damage."""

from __future__ import annotations

from typing import Any

import pytest

from chatlog.formats import build, pi_agent
from chatlog.formats.source import file_source
from chatlog.models import ConversationDraft, LeftOut, MessageDraft, Problem, Record

from .damage import checked
from .making import DATA, conversations, head_of, json_lines, links, messages, said, sample, source_of

FIXTURE = DATA / "pi_agent" / "tree_v3.jsonl"
LARGE = "pi_agent/badlogic__pi-mono__packages_coding-agent_test_fixtures_large-session.jsonl"
SMALL = "other_agents/jazzyalex__agent-sessions__pi_small.jsonl"
HEADER = {"type": "session", "id": "s", "timestamp": "2025-11-20T23:33:50.805Z", "cwd": "/app", "modelId": "m"}


def fixture() -> list[Record]:
    return checked(pi_agent.read(file_source(FIXTURE)))


def message(key: str) -> MessageDraft:
    return next(message for message in messages(fixture()) if message.source_id == key)


def read(*entries: Any, name: str = "chat.jsonl") -> list[Record]:
    return checked(pi_agent.read(source_of(json_lines(*entries), name)))


def spoken(role: str, text: Any, **facts: Any) -> dict[str, Any]:
    """Return an entry of the first version, which has no ids."""
    return {"type": "message", "timestamp": "2025-11-20T23:34:00Z", "message": {"role": role, "content": text}, **facts}


def test_facts_of_a_session() -> None:
    """The session keeps its id, name, folder, last model, labels, and the session it was forked from."""
    origin = "019e19b4-0000-7000-8000-000000000000"
    expected = ConversationDraft(
        source_id="019e19b4-0000-7000-8000-000000000001",
        title="Looking at a.py",
        created_at="2026-05-12T01:02:27.657Z",
        model="gpt-5",
        project="/home/me/app",
        parent=origin,
        head="u3",
        metadata={
            "version": 3,
            "parentSession": f"/home/me/.pi/agent/sessions/--home-me-app--/2026-05-11T00-00-00-000Z_{origin}.jsonl",
            "labels": {"u2": "checkpoint"},
        },
    )
    assert expected == conversations(fixture())[-1]


def test_the_tree() -> None:
    """Every branch is kept; an entry that is no message passes its place on to what follows it."""
    assert [
        ("u1", None),
        ("a1", "u1"),
        ("r1", "a1"),
        ("b1", "r1"),
        ("c1", "b1"),
        ("u2", "c1"),
        ("a2", "u2"),
        ("s1", "u1"),
        ("m1", "s1"),
        ("h1", "m1"),
        ("u3", "h1"),
    ] == links(fixture())


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("u1", "role", "user"),
        ("u1", "text", "Look at this"),
        ("u1", "created_at", "2026-05-12T01:02:27.671Z"),
        ("u1", "parts", (build.text("Look at this"), build.blob("image/png", "QUJD", modality="image"))),
        ("a1", "role", "assistant"),
        ("a1", "model", "claude-sonnet-4-5"),
        (
            "a1",
            "parts",
            (
                {"signature": "sig", **build.reasoning("Hm.")},
                build.text("I look."),
                build.tool_call("t1", "read", {"path": "a.py"}),
            ),
        ),
        (
            "a1",
            "metadata",
            {
                "api": "anthropic-messages",
                "provider": "anthropic",
                "stopReason": "toolUse",
                "usage": {"input": 12, "output": 7, "cacheRead": 0, "cacheWrite": 0, "cost": {"total": 0.1}},
            },
        ),
        ("r1", "role", "tool"),
        (
            "r1",
            "parts",
            (
                {
                    "name": "read",
                    "details": {"lines": 2},
                    **build.tool_result("t1", "print(1)\nprint(2)", is_error=True),
                },
            ),
        ),
        ("b1", "role", "user"),
        ("b1", "text", "Ran `ls`\n```\na.py\n```"),
        ("c1", "text", "They looked."),
        ("c1", "hidden", True),
        ("c1", "metadata", {"firstKeptEntryId": "u1", "tokensBefore": 19, "hidden_reason": "compaction"}),
        ("u2", "text", "And now?"),
        ("u2", "parts", None),
        ("a2", "metadata", {"provider": "openai", "stopReason": "aborted", "errorMessage": "Request was aborted"}),
        ("s1", "metadata", {"fromId": "a2", "hidden_reason": "branch_summary"}),
        ("m1", "text", "Remember"),
        ("m1", "metadata", {"customType": "todo", "details": {"n": 1}, "hidden_reason": "todo"}),
        ("h1", "hidden", False),
        ("h1", "text", "Shown"),
        ("h1", "author", "note"),
    ],
)
def test_messages(key: str, field: str, value: Any) -> None:
    """Prompts, answers, results, commands, summaries and injected words keep what they say and state."""
    assert value == getattr(message(key), field)


def test_a_command_keeps_what_it_was() -> None:
    """A command that the user ran keeps its output and exit code."""
    (part,) = message("b1").parts or ()
    assert ("bash_execution", "ls", "a.py", 0) == tuple(part[key] for key in ("type", "command", "output", "exitCode"))


def test_what_is_left_out() -> None:
    """Changes of the model or of thinking, and extensions' states, are counted by kind."""
    assert {
        LeftOut("model_change entries", 1),
        LeftOut("thinking_level_change entries", 1),
        LeftOut("custom entries", 1),
    } == {record for record in fixture() if isinstance(record, LeftOut)}


def test_the_first_version() -> None:
    """Entries without ids follow each other and are named after what was said so far, the same each time."""
    entries = [
        HEADER,
        spoken("user", "a"),
        {"type": "compaction", "summary": "s", "firstKeptEntryIndex": 1},
        spoken("user", "b"),
    ]
    records = read(*entries)
    assert [("user", "a"), ("user", "s"), ("user", "b")] == said(records)
    ids = [message.source_id for message in messages(records)]
    assert [None, *ids[:-1]] == [message.parent for message in messages(records)]
    assert ids[:1] == [message.source_id for message in messages(read(*entries[:2]))]
    assert conversations(records)[-1].head == ids[-1]


def test_a_session_without_a_header() -> None:
    """Entries without a header are the session that the file is named after."""
    name = "2026-05-11T00-00-00-000Z_019e19b4-0000-7000-8000-000000000000.jsonl"
    records = read(spoken("user", "a"), name=name)
    assert conversations(records)[0].source_id == "019e19b4-0000-7000-8000-000000000000"


def test_a_parent_that_is_not_here() -> None:
    """An entry whose parent is a call, or on a line that is lost, follows the one before it; the session is a root."""
    rows = [
        spoken("user", "a", id="m1", parentId="s"),
        {"type": "label", "id": "l1", "parentId": "gone", "targetId": "m1"},
        spoken("assistant", "b", id="m2", parentId="l1"),
        {"type": "message", "id": "m3", "parentId": "tc-status", "message": {"role": "toolResult", "content": "x"}},
        spoken("assistant", "c", id="m4", parentId="m3"),
        spoken("user", "d", id="m5", parentId=None),
    ]
    assert [("m1", None), ("m2", "m1"), ("m3", "m2"), ("m4", "m3"), ("m5", None)] == links(read(HEADER, *rows))
    assert [("m2", None), ("m3", "m2"), ("m4", "m3")] == links(read(*rows[2:5])), "a log cut at its beginning"


def test_a_role_that_pi_has_not() -> None:
    """A message that says it is the system's is a problem, none of the system's."""
    records = read(HEADER, spoken("system", "obey"), spoken("user", "a"))
    assert [("user", "a")] == said(records)
    assert Problem("line 2", "not an entry of pi (ValueError)") in records


def test_sniff() -> None:
    """A session is known by its header; other logs of events are not."""
    assert pi_agent.sniff(head_of(file_source(FIXTURE)))
    for other in (
        {"type": "session"},
        {"type": "session_start", "id": "a", "cwd": "/"},
        {"type": "user", "id": "a", "cwd": "/"},
    ):
        assert not pi_agent.sniff(head_of(source_of(json_lines(other))))


def test_a_large_real_session() -> None:
    """A real session of the first version has the 914 messages that the manifest counts, all calls paired."""
    records = checked(pi_agent.read(file_source(sample(LARGE))))
    assert 914 == len(messages(records))
    assert {LeftOut("model_change entries", 1), LeftOut("thinking_level_change entries", 103)} == {
        record for record in records if isinstance(record, LeftOut)
    }
    parts = [part for message in messages(records) for part in message.parts or ()]
    calls = {part["id"] for part in parts if part["type"] == "tool_call"}
    answered = {part["id"] for part in parts if part["type"] == "tool_call_response"}
    assert answered <= calls
    assert len(answered) == 373


def test_a_small_real_session() -> None:
    """A session with two compactions has them as hidden messages."""
    records = checked(pi_agent.read(file_source(sample(SMALL))))
    assert [False, False, True, False, False, True] == [message.hidden for message in messages(records)]


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "model_change", "id": "a", "parentId": None, "modelId": "m"},
        {"type": "message", "id": "a", "message": {"role": "toolResult", "toolCallId": "t", "content": []}},
        {"type": "message", "id": "a", "message": {"role": "assistant", "api": "x", "stopReason": "stop"}},
    ],
)
def test_a_session_whose_header_is_broken(entry: dict[str, Any]) -> None:
    """What follows a broken header tells that it is pi's."""
    made = source_of('{"type": "session", "version"\n' + json_lines(entry))
    assert pi_agent.sniff(head_of(made))


def test_pictures_that_a_tool_gave() -> None:
    """A picture in a tool's answer is bytes beside what the tool said."""
    content = [{"type": "text", "text": "seen"}, {"type": "image", "data": "AAAA", "mimeType": "image/png"}]
    result = {"type": "message", "id": "a", "message": {"role": "toolResult", "toolCallId": "t", "content": content}}
    expected = (build.tool_result("t", "seen"), build.blob("image/png", "AAAA", modality="image"))
    assert expected == messages(read(result))[0].parts


# oh-my-pi, and what is printed as it goes

OMP = {"type": "session", "version": 3, "id": "s", "timestamp": "2026-08-02T00:00:00Z", "cwd": "/app", "title": "Old"}


def entry(key: str, parent: str | None, kind: str = "message", **facts: Any) -> dict[str, Any]:
    return {"type": kind, "id": key, "parentId": parent, "timestamp": "2026-08-02T00:00:01Z", **facts}


def test_the_title_that_stands_first() -> None:
    """oh-my-pi keeps the title in the first line; it is known by the session behind it."""
    slot = {"type": "title", "v": 1, "title": "Now", "pad": "  "}
    prompt = entry("e1", None, message={"role": "user", "content": "Hi"})
    source = source_of(json_lines(slot, OMP, prompt))
    assert pi_agent.sniff(head_of(source))
    assert ["Now"] == [draft.title for draft in conversations(checked(pi_agent.read(source)))][1:]
    assert ["Old"] == [draft.title for draft in conversations(read(OMP, prompt))][1:]
    change = entry("e2", "e1", "title_change", title="Then", source="user")
    assert ["Then"] == [draft.title for draft in conversations(read(OMP, prompt, change))][1:]
    assert not pi_agent.sniff(head_of(source_of(json_lines({"type": "title", "id": "t"}, {"type": "x"}))))


def test_a_model_that_stands_behind_its_provider() -> None:
    """oh-my-pi names the provider before the model, and models for other roles, which the session is not of."""
    changes = [
        entry("e1", None, "model_change", model="anthropic/claude-opus-4-5", role="default"),
        entry("e2", "e1", "model_change", model="openai/gpt-nano", role="smol"),
    ]
    (_, draft) = conversations(read(OMP, *changes, entry("e3", "e2", message={"role": "user", "content": "Hi"})))
    assert "claude-opus-4-5" == draft.model


@pytest.mark.parametrize(
    ("value", "role", "text", "reason"),
    [
        ({"role": "developer", "content": [{"type": "text", "text": "Mind"}]}, "developer", "Mind", "instructions"),
        ({"role": "fileMention", "files": [{"path": "/a/b.py", "content": "x"}]}, "user", "", "fileMention"),
        (
            {"role": "pythonExecution", "code": "1", "output": "2", "exitCode": 0},
            "user",
            "Ran Python:\n```python\n1\n```\n```\n2\n```",
            None,
        ),
    ],
)
def test_roles_of_its_own(value: dict[str, Any], role: str, text: str, reason: str | None) -> None:
    """What oh-my-pi puts before the model is hidden, what the person ran is theirs."""
    (made,) = messages(read(OMP, entry("e1", None, message=value)))
    assert (role, text, reason) == (made.role, made.text, made.metadata.get("hidden_reason"))
    assert made.hidden is (reason is not None)


def test_files_that_a_prompt_mentions() -> None:
    """Mentioned files are kept with what they held; a picture kept apart is named, not taken for its bytes."""
    picture = {"data": "blob:sha256:ab", "mimeType": "image/png"}
    files = [{"path": "/a/b.py", "content": "x"}, {"path": "C:\\c.png", "content": "", "image": picture}]
    (made,) = messages(read(OMP, entry("e1", None, message={"role": "fileMention", "files": files})))
    assert made.parts == (
        build.file("/a/b.py", "b.py", content="x"),
        build.file("blob:sha256:ab", "c.png", "image/png", modality="image"),
    )


def test_how_an_agent_began() -> None:
    """The instructions of oh-my-pi's own agents are a hidden prompt, whether they are one text or several."""
    for prompt in ("Be\n\nquick", ["Be", "quick"]):
        init = entry("e1", None, "session_init", systemPrompt=prompt, task="Look", tools=["read"])
        (made,) = messages(read(OMP, init))
        assert ("system", "Be\n\nquick", True) == (made.role, made.text, made.hidden)


def test_what_is_printed_as_it_goes() -> None:
    """Of printed events the whole messages count, in a conversation beside the session of the same id."""
    said_so_far = {"role": "assistant", "content": [{"type": "text", "text": "He"}]}
    whole = {"role": "assistant", "content": [{"type": "text", "text": "Hello"}], "timestamp": 1765233665293}
    records = read(
        OMP,
        {"type": "agent_start"},
        {"type": "message_start", "message": {"role": "user", "content": "Hi"}},
        {"type": "message_end", "message": {"role": "user", "content": "Hi"}},
        {"type": "message_update", "message": said_so_far},
        {"type": "message_end", "message": whole},
        {"type": "agent_end", "messages": [whole]},
    )
    assert [("user", "Hi"), ("assistant", "Hello")] == said(records)
    assert {"s-stream"} == {draft.source_id for draft in conversations(records)}
    assert LeftOut("events that a whole message tells again", 3) in records
