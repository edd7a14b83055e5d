"""Claude Code entries as they should not be: unlinked, repeated, misshapen, cut off, or not of a session."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatlog.formats import claude_code, claude_code_lane
from chatlog.formats.claude_code_content import shown
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, TitleHint

from .claude_code_making import HERE, entry, read, told
from .making import head_of, json_lines, source_of


def test_usage_that_shrinks_again_is_not_taken() -> None:
    """A later entry with less output does not replace the usage, nor the facts that came with it."""
    first = entry("assistant", "a", [{"type": "text", "text": "1"}], id="m")
    second = entry("assistant", "b", [{"type": "text", "text": "2"}], id="m")
    first["message"]["usage"], second["message"]["usage"] = {"output_tokens": 9}, {"output_tokens": 1}
    second["message"]["stop_reason"] = "end_turn"

    message = told(first, second).only["a"]

    assert ("1\n\n2", {"output_tokens": 9}, "end_turn") == (
        message.text,
        message.metadata["usage"],
        message.metadata["stop_reason"],
    )


def test_queued_words_are_matched_as_a_whole() -> None:
    """A prompt that merely contains the letters of queued words is not taken for them."""
    found = told(
        entry("user", "u1", "Hello"),
        {"type": "queue-operation", "operation": "enqueue", "sessionId": "s", "timestamp": "t1", "content": "yes"},
        entry("user", "u2", "What was yesterday?"),
        {"type": "queue-operation", "operation": "enqueue", "sessionId": "s", "timestamp": "t2", "content": "no"},
        entry("user", "u3", [{"type": "text", "text": "maybe\nno"}]),
    )
    assert ["Hello", "What was yesterday?", "maybe\nno", "yes"] == [message.text for message in found.only.values()]


def test_words_handed_over_that_were_queued_before_the_file_begins() -> None:
    """A slice of a session keeps what was typed, where the model was given it."""
    found = told(
        entry("user", "u1", "Start."),
        {
            "type": "queue-operation",
            "operation": "remove",
            "sessionId": "s",
            "timestamp": "t1",
            "content": "Parser first",
        },
        entry("assistant", "a1", "Parser first, then.", id="m"),
    )
    assert ["Start.", "Parser first", "Parser first, then."] == [message.text for message in found.only.values()]


@pytest.mark.parametrize("order", ["ear", "era", "ar", "ra"])
def test_words_handed_over_are_told_once_whatever_is_written_first(order: str) -> None:
    """Some versions write the attachment that says them before they leave the queue, some behind it."""
    base = {"type": "queue-operation", "sessionId": "s", "content": "Parser first"}
    attachment = {"type": "queued_command", "prompt": "Parser first", "commandMode": "prompt"}
    entries = {
        "e": {**base, "operation": "enqueue", "timestamp": "t1"},
        "a": {"type": "attachment", "sessionId": "s", "uuid": "q1", "parentUuid": "u1", "attachment": attachment},
        "r": {**base, "operation": "remove", "timestamp": "t2", "reason": "absorbed_mid_turn"},
    }
    again = {**base, "operation": "remove", "timestamp": "t3", "content": "And the tests"}
    found = told(
        entry("user", "u1", "Start."),
        *(entries[name] for name in order),
        again,
        entry("assistant", "a1", "Parser first, then.", id="m"),
    )
    words = [message.text for message in found.only.values()]
    assert ["Start.", "Parser first", "And the tests", "Parser first, then."] == words


def test_attachments_without_ids_follow_the_message_before() -> None:
    """Queued words that Claude Code attached without a uuid stand where they were written."""
    attachment = {"type": "queued_command", "prompt": "And this.", "commandMode": "prompt"}
    found = told(
        entry("user", "u1", "First"),
        {"type": "attachment", "sessionId": "s", "attachment": attachment},
        entry("assistant", "a1", "Both.", id="m"),
    )
    first, second, third = found.only.values()
    assert ("And this.", "u1", second.source_id) == (second.text, second.parent, third.parent)
    assert (first.source_id, "h-") == ("u1", str(second.source_id)[:2])


def test_a_summary_of_this_file_is_resolved_to_a_message() -> None:
    """A leaf that was merged or is no message at all becomes the message that stands for it."""
    found = told(
        entry("user", "u", "Hi", parentUuid=None),
        entry("assistant", "a", [{"type": "text", "text": "1"}], id="m", parentUuid="u"),
        entry("assistant", "b", [{"type": "text", "text": "2"}], id="m", parentUuid="a"),
        {"type": "system", "subtype": "turn_duration", "uuid": "x", "parentUuid": "b", "sessionId": "s"},
        {"type": "summary", "summary": "Greetings", "leafUuid": "x"},
    )
    assert [TitleHint("a", "Greetings")] == found.hints


def test_sub_agents_beside_the_session_file() -> None:
    """Sub-agent files of 2.0.x lie beside the session's and name it; an entry with its own id as session does not."""
    own = entry("user", "k1", "Find it.", isSidechain=True, agentId="9f", parentUuid=None)
    assert ["s/agent-9f"] == list(told(own, name="agent-9f.jsonl").conversations)

    alone = told({**own, "sessionId": "agent-9f"}, name="x_subagents_agent-9f.jsonl")
    assert ("agent-9f", None) == (next(iter(alone.conversations)), alone.conversations["agent-9f"].parent)

    placed = told({**own, "sessionId": "agent-9f"}, name="p/s7/subagents/workflows/w1/agent-9f.jsonl")
    assert {"s7/agent-9f": "s7"} == {name: draft.parent for name, draft in placed.conversations.items()}


def test_a_fork_names_its_session() -> None:
    """A session forked from another says so on its entries; that is the conversation's, not each message's."""
    forked = {"sessionId": "earlier", "messageUuid": "x"}
    found = told(entry("user", "u", "Hi", forkedFrom=forked))
    assert ("earlier", {}) == (found.conversations["s"].parent, found.only["u"].metadata)


def test_an_array_of_entries() -> None:
    """Entries put into one JSON array are read alike."""
    entries = [entry("user", "u", "Hi", parentUuid=None), entry("assistant", "a", "Ho", id="m", parentUuid="u")]
    source = source_of(json.dumps(entries, indent=1))

    assert claude_code.sniff(head_of(source))
    assert ["u", "a"] == list(read(source).only)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        '{"messages":[{"role":"user","content":"x"}]}',
        '{"type":"user","uuid":"u","message":"text"}',
        '{"type":"user","uuid":"u","sessionId":"s","message":{"role":"user","parts":[{"text":"x"}]}}',
        '{"type":"message","id":"1","message":{"role":"user"}}',
        '{"timestamp":"2026-01-01T00:00:00Z","type":"response_item","payload":{}}',
        '{"type":"human","data":{"content":"x"}}',
        '[{"role":"user","content":"parentUuid"}]',
    ],
)
def test_other_files_are_not_sessions(text: str) -> None:
    """JSONL of other tools is left to them."""
    assert not claude_code.sniff(head_of(source_of(text)))


@pytest.mark.parametrize(
    "first",
    [
        {
            "parentUuid": None,
            "isSidechain": False,
            "sessionId": "s",
            "type": "user",
            "message": {"content": "x" * 70_000},
        },
        {"type": "file-history-snapshot", "messageId": "m", "snapshot": {"trackedFileBackups": {"f": "x" * 70_000}}},
        {"type": "user", "sessionId": "s", "uuid": "u", "message": {"content": "x" * 70_000}},
    ],
)
def test_a_first_line_longer_than_the_head(first: dict[str, Any]) -> None:
    """A session whose first line is longer than what a sniffer sees is known by the keys it shows."""
    assert claude_code.sniff(head_of(source_of(json_lines(first))))


def test_a_file_without_messages_is_no_conversation() -> None:
    """A file that only names other sessions' titles gives those and a count, and no empty conversation."""
    found = told(
        {"type": "summary", "summary": "Old", "leafUuid": "l"},
        {"type": "file-history-snapshot", "messageId": "m", "snapshot": {}},
        {"type": "custom-title", "customTitle": "T", "sessionId": "s"},
    )
    left_out = {
        "file-history-snapshot": 1,
        "summary (of a session in another file)": 1,
        "titles, names and tags of sessions without messages": 1,
    }
    assert ({}, [TitleHint("l", "Old")], left_out) == (
        found.conversations,
        found.hints,
        found.left_out,
    )


def test_entries_without_links_are_a_chain() -> None:
    """Entries with no parentUuid at all, or null on every one, follow each other in file order."""
    for parent in ({}, {"parentUuid": None}):
        found = told(
            entry("user", "u1", "1", **parent),
            entry("assistant", "a1", "2", **parent),
            entry("user", "u2", "3", **parent),
            entry("assistant", "a2", "4", **parent),
        )
        assert [None, "u1", "a1", "u2"] == [message.parent for message in found.only.values()]


def test_entries_without_ids_are_the_same_again() -> None:
    """Entries with neither uuid nor session get ids from their content and place, the same at each reading."""
    entries = [
        {"type": kind, "message": {"role": kind, "content": text}}
        for kind, text in (("user", "Hi"), ("assistant", "Ho"), ("user", "Hi"), ("assistant", "Ho"))
    ]
    first, longer = (
        told(*entries[:3], name="chat-7.jsonl").messages["chat-7"],
        told(*entries, name="chat-7.jsonl").messages["chat-7"],
    )
    assert (3, 4, list(first)) == (len(first), len(longer), list(longer)[:3])
    assert [None, *list(longer)[:3]] == [message.parent for message in longer.values()]


def test_a_prompt_rewound_to_the_start_is_a_second_root() -> None:
    """In a file that links its entries a later prompt without a parent begins anew."""
    found = told(
        entry("user", "u1", "1", parentUuid=None),
        entry("assistant", "a1", "2", parentUuid="u1"),
        entry("user", "u2", "3", parentUuid=None),
        entry("assistant", "a2", "4", parentUuid="u2"),
    )
    assert [None, "u1", None, "u2"] == [message.parent for message in found.only.values()]


def test_a_parent_that_is_missing_gives_way() -> None:
    """An entry whose parent is not in the file follows the message before; the first keeps it, for the store."""
    found = told(
        entry("user", "u1", "1", parentUuid="lost-1"),
        entry("assistant", "a1", "2", parentUuid="u1"),
        {"type": "system", "subtype": "compact_boundary", "uuid": "c", "parentUuid": None, "logicalParentUuid": "lost"},
        entry("user", "u2", "summary", parentUuid="c", isCompactSummary=True),
        entry("user", "u3", "3", parentUuid="lost-2"),
    )
    assert ["lost-1", "u1", "a1", "u2"] == [message.parent for message in found.only.values()]
    assert ("lost-1", "lost-2") == (found.only["u1"].metadata["parentUuid"], found.only["u3"].metadata["parentUuid"])


def test_a_result_finds_its_call() -> None:
    """A result that names no parent follows the response that made the call, not whatever came between."""
    call = {"type": "tool_use", "id": "t", "name": "Bash", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": "ok"}
    found = told(
        entry("user", "u1", "1", parentUuid=None),
        entry("assistant", "a1", [call], id="m", parentUuid="u1"),
        entry("user", "x", "meanwhile", parentUuid="a1", isMeta=True),
        entry("user", "r1", [result], parentUuid=None),
    )
    assert ("a1", "tool") == (found.only["r1"].parent, found.only["r1"].role)


def test_a_late_result_in_a_file_without_links_follows_what_came_between() -> None:
    """Where no entry names a parent, the order of the file is the conversation's."""
    call = {"type": "tool_use", "id": "t", "name": "Bash", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": "ok"}
    found = told(
        entry("user", "u1", "1", parentUuid=None),
        entry("assistant", "a1", [call], id="m", parentUuid=None),
        entry("user", "u2", "2", parentUuid=None),
        entry("assistant", "a2", "3", id="n", parentUuid=None),
        entry("user", "r1", [result], parentUuid=None),
    )
    assert [None, "u1", "a1", "u2", "a2"] == [message.parent for message in found.only.values()]
    assert "r1" == found.conversations["s"].head


def test_words_that_say_that_no_human_typed_them() -> None:
    """Their origin tells since 2026, whatever the words are; what came over a chat service is a human's."""
    found = told(
        entry("user", "u1", "Hello", origin={"kind": "human"}),
        entry("user", "u2", "From afar", origin={"kind": "channel", "server": "s"}),
        entry("user", "u3", "The other session says", origin={"kind": "peer", "from": "unknown"}),
        entry("user", "u4", "Hook blocked", isSynthetic=True),
    )
    assert [message.metadata.get("hidden_reason") for message in found.only.values()] == [
        None,
        None,
        "peer",
        "synthetic",
    ]


@pytest.mark.parametrize(
    ("origin", "prompt", "said"),
    [
        ({"kind": "human"}, "And the tests", ("And the tests", None)),
        ({"kind": "peer", "name": "review"}, "It is written", ("It is written", "peer")),
        ({"kind": "channel", "server": "d"}, '<channel source="d">And the tests</channel>', ("And the tests", None)),
    ],
)
def test_words_handed_over_tell_where_they_came_from(
    origin: dict[str, str], prompt: str, said: tuple[str, str | None]
) -> None:
    """The attachment of words that came amid a turn names their origin, and of another session its name."""
    attachment = {"type": "queued_command", "prompt": prompt, "commandMode": "prompt", "origin": origin}
    found = told(entry("user", "u1", "Hello"), entry("attachment", "q1", "", attachment=attachment))
    message = found.only["q1"]
    assert (*said, origin) == (message.text, message.metadata.get("hidden_reason"), message.metadata["origin"])


@pytest.mark.parametrize("tag", ["command-name", "bash-stdout", "task-notification"])
def test_a_question_about_a_tag_is_a_question(tag: str) -> None:
    """Words that begin with the name of a tag and never close it are a human's."""
    message = told(entry("user", "u1", words := f"<{tag}> is what?")).only["u1"]
    assert (words, False) == (message.text, message.hidden)


def test_a_printed_stream_tells_its_folder_first() -> None:
    """What --output-format stream-json prints names the folder in its first line alone."""
    begins = {"type": "system", "subtype": "init", "cwd": "/p", "session_id": "s", "uuid": "i", "tools": ["Bash"]}
    answer = {"role": "assistant", "id": "m", "content": [{"type": "text", "text": "Hi"}]}
    found = told(begins, {"type": "assistant", "message": answer, "session_id": "s", "uuid": "a"})
    assert [draft.project for draft in found.conversations.values()] == ["/p"]


def test_coworks_log_has_its_own_name_for_the_time() -> None:
    """Claude Cowork's ``audit.jsonl`` is a session whose lines tell the time under another key, the prompt twice."""
    said = {"type": "user", "uuid": "u", "session_id": "s", "message": {"role": "user", "content": "Sort"}}
    state = {"type": "command_lifecycle", "command_uuid": "u", "state": "queued", "session_id": "s"}
    entries = [
        {**said, "timestamp": "2026-08-01T10:00:00.000Z"},
        state,
        {**said, "isReplay": True},
        said | {"uuid": "v"},
    ]
    found = told(
        *({**told_at, "_audit_timestamp": f"2026-08-01T10:00:0{at}.500Z"} for at, told_at in enumerate(entries)),
        name="audit.jsonl",
    )
    assert {"u": "2026-08-01T10:00:00.000Z", "v": "2026-08-01T10:00:03.500Z"} == {
        name: message.created_at for name, message in found.only.items()
    }
    assert "_audit_timestamp" not in found.only["v"].metadata


def test_words_from_a_chat_service_are_shown_bare() -> None:
    """Claude Code marks them as its own, but somebody wrote them; how they came stays in the parts."""
    wrapped = '<channel source="plugin:discord:discord">\nAnd the retries?\n</channel>'
    origin = {"kind": "channel", "server": "plugin:discord:discord"}
    message = told(entry("user", "u1", [{"type": "text", "text": wrapped}], origin=origin, isMeta=True)).only["u1"]
    assert (message.hidden, message.text) == (False, "And the retries?")
    assert message.parts == ({"type": "text", "content": wrapped},)


def test_a_summary_without_a_leaf_is_the_sessions_title() -> None:
    """Where a title says nothing of its own that is shown before it."""
    summary = {"type": "summary", "summary": "Retries", "sessionId": "s", "uuid": "x"}
    ai_title = {"type": "ai-title", "aiTitle": "Better", "sessionId": "s"}
    said = entry("user", "u1", "Hello")
    assert [draft.title for draft in told(summary, said).conversations.values()] == ["Retries"]
    assert [draft.title for draft in told(summary, ai_title, said).conversations.values()] == ["Better"]


def test_what_was_told_of_a_session_is_taken_back() -> None:
    """The last tag counts, as a session has one or none; what says nothing is no title, tag or address."""
    facts = [("custom-title", "customTitle"), ("agent-name", "agentName"), ("tag", "tag"), ("pr-link", "prUrl")]
    nothing = [{"type": kind, key: None, "sessionId": "s"} for kind, key in facts]
    summary = {"type": "summary", "leafUuid": "x", "summary": None}
    work, play, none = ({"type": "tag", "tag": tag, "sessionId": "s"} for tag in ("work", "play", ""))

    found = told(entry("user", "u1", "Hello"), *nothing, summary, work, play)
    draft = found.conversations["s"]

    assert (None, ("play",), []) == (draft.title, draft.tags, found.hints)
    assert draft.metadata.keys().isdisjoint(("agentName", "prUrls"))
    assert () == told(entry("user", "u1", "Hello"), work, none).conversations["s"].tags


def test_a_uuid_with_other_words_is_not_dropped() -> None:
    """The same uuid with the same words is read once; with others it is a further message."""
    found = told(
        entry("user", "u", "one"),
        entry("user", "u", "one", timestamp="2026-01-01T00:00:00Z"),
        entry("user", "u", "two"),
    )
    assert [("u", "one"), ("u#2", "two")] == [(name, message.text) for name, message in found.only.items()]
    assert 1 == found.left_out["entries repeated under the same uuid"]


def test_another_request_is_another_message() -> None:
    """A message id sent again under another request is a further message; no id at all is never merged."""
    text = [{"type": "text", "text": "x"}]
    found = told(
        entry("assistant", "a", text, id="m", requestId="r1"),
        entry("assistant", "b", text, id="m", requestId="r2"),
        entry("assistant", "c", text, requestId="r2"),
        entry("assistant", "d", text, requestId="r2"),
    )
    assert ["a", "b", "c", "d"] == list(found.only)


def test_what_is_held_back_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A response that no other follows is let go once much stands behind it; its later entries are not lost."""
    monkeypatch.setattr(claude_code_lane, "HELD", 2)
    prompts = [entry("user", f"u{number}", f"{number}") for number in range(4)]
    found = told(
        entry("assistant", "a", [{"type": "text", "text": "x"}], id="m"),
        *prompts,
        entry("assistant", "b", [{"type": "text", "text": "y"}], id="m"),
    )
    assert ["a", "u0", "u1", "u2", "u3", "b"] == list(found.only)


def test_an_answer_is_yielded_as_soon_as_the_next_begins() -> None:
    """Reading does not wait for the end of the file."""
    entries = [entry("assistant", f"a{number}", "x", id=f"m{number}") for number in range(3)]
    served: list[int] = []

    def opener() -> Any:
        for number, line in enumerate(json_lines(*entries).splitlines(keepends=True)):
            served.append(number)
            yield line.encode()

    class Stream:
        def __init__(self) -> None:
            self.lines = opener()

        def read(self, size: int = -1) -> bytes:
            return b""

        def readline(self) -> bytes:
            return next(self.lines)

        def __iter__(self) -> Iterator[bytes]:
            return self.lines

        def __enter__(self) -> Stream:
            return self

        def __exit__(self, *_: object) -> None: ...

    records = claude_code.read(Source(name="s.jsonl", opener=Stream))  # type: ignore[arg-type]
    assert isinstance(next(records), ConversationDraft)
    assert [0, 1] == served


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "user", "uuid": "x", "sessionId": "s"},
        {"type": "user", "uuid": "x", "sessionId": "s", "message": {"role": "user"}},
        {"type": "user", "uuid": "x", "sessionId": "s", "message": {"content": 7}},
        {"type": "assistant", "uuid": "x", "sessionId": "s", "message": None},
        {"type": "user", "uuid": "x", "sessionId": "s", "parentUuid": ["u"], "message": {"content": "y"}},
        {"type": "progress", "uuid": "x", "sessionId": "s", "data": None},
        {"type": "attachment", "uuid": "x", "sessionId": "s"},
        {"type": "summary", "leafUuid": "x"},
        {"type": "custom-title", "sessionId": "s"},
    ],
)
def test_a_misshapen_entry_is_a_problem_of_its_own(bad: dict[str, Any]) -> None:
    """An entry of another shape than its type has is named by its line, and the rest is read."""
    found = told(entry("user", "u", "before"), bad, entry("user", "v", "after"))
    assert ["before", "after"] == [message.text for message in found.only.values()]
    assert ["line 2"] == [problem.place for problem in found.problems]


@pytest.mark.parametrize(
    "odd",
    [
        ["a string", 7, {"no": "type"}, {"type": "text"}, {"type": "image", "source": "x"}, {"type": "tool_use"}],
        {"type": "text", "text": "one block"},
        None,
        [],
    ],
)
def test_odd_content_is_kept(odd: Any) -> None:
    """Content that is not as documented still makes a message, each block kept in some form."""
    message = told(entry("user", "u", odd)).only["u"]
    assert len(odd or ()) == len(message.parts or ()) or message.text == "one block"


@pytest.mark.parametrize(
    "odd",
    [
        {"timestamp": "2026-02-31T00:00:00.000Z"},
        {"timestamp": 12},
        {"cwd": 7, "gitBranch": ["x"], "version": 2},
        {"sessionId": None},
        {"toolUseResult": 5},
    ],
)
def test_odd_facts_do_not_cost_the_message(odd: dict[str, Any]) -> None:
    """A fact of the wrong kind never stops a message from being read."""
    assert "hello" == told(entry("user", "u", "hello", **odd)).only["u"].text


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("plain", ("plain", None)),
        ("a < b", ("a < b", None)),
        ("<b>bold</b> words", ("<b>bold</b> words", None)),
        ("  <command-name>/cost</command-name>", ("/cost", "slash_command")),
        ("<command-message>x is running</command-message>", ("x is running", "slash_command")),
        ("<bash-stderr>no</bash-stderr>", ("no", "shell")),
        ('<teammate-message teammate_id="t">hi</teammate-message>', ("hi", "teammate_message")),
        ('<cross-session-message from="s">hi</cross-session-message>', ("hi", "teammate_message")),
        ("<system-reminder>never closed", ("never closed", "system_reminder")),
        ("<ide_selection>x</ide_selection>", ("", "injected_context")),
    ],
)
def test_whose_words(raw: str, expected: tuple[str, str | None]) -> None:
    """A human's words are told from what Claude Code wrote in their name by the tags at their beginning."""
    assert expected == shown(raw)


JUNK: list[Any] = [None, "", 0, -1.5, True, [], {}, ["x"], {"a": 1}, "u1", [[]], [{"type": 5}], {"type": "tool_use"}]


def mangled(value: Any, chance: random.Random) -> Any:
    """Return a value in which things are missing or something else, at every depth."""
    if chance.random() < 0.08:
        return chance.choice(JUNK)
    if isinstance(value, dict):
        return {key: mangled(item, chance) for key, item in value.items() if chance.random() > 0.03}
    return [mangled(item, chance) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", range(8))
def test_mangled_files_are_read_without_a_traceback(seed: int) -> None:
    """Whatever the entries hold, reading ends, ids are unique, and parents are announced before their children."""
    chance = random.Random(seed)
    texts = [line for path in sorted(HERE.glob("**/*.jsonl")) for line in path.read_text("utf-8").split("\n")]
    good = [json.loads(text) for text in texts if text[:1] == "{" and text[-1:] == "}" and "}{" not in text]

    for _ in range(20):
        found = told(*(mangled(value, chance) for value in chance.sample(good, 40)))
        assert all(found.messages.values())
        assert found.problems


@pytest.mark.parametrize(
    ("call", "result"),
    [
        ({"tool_name": "read", "tool_input": {"path": "a"}}, {"tool_name": "read", "tool_output": "1"}),
        ({"name": "read", "input": {"path": "a"}, "sessionId": "s"}, {"name": "read", "output": "1", "sessionId": "s"}),
    ],
)
def test_calls_and_results_that_stand_bare_on_their_lines(call: dict[str, Any], result: dict[str, Any]) -> None:
    """The transcripts that are kept for hooks tell of words and tools without messages."""
    text = json_lines(
        {"type": "user", "timestamp": "2026-01-05T17:41:01.935Z", "content": "Read", "sessionId": "s"},
        {"type": "tool_use", "timestamp": "2026-01-05T17:41:02.935Z", **call},
        {"type": "tool_result", "timestamp": "2026-01-05T17:41:03.935Z", **result},
    )
    found = read(source_of(text, "s.jsonl"))
    assert [("user", "Read"), ("assistant", ""), ("tool", "")] == [(m.role, m.text) for m in found.only.values()]
    assert [
        ({"type": "tool_call", "id": None, "name": "read", "arguments": {"path": "a"}},),
        ({"type": "tool_call_response", "id": None, "response": "1"},),
    ] == [message.parts for message in list(found.only.values())[1:]]


def test_a_transcript_for_hooks_is_known() -> None:
    """Its calls have keys that nothing else has."""
    rows = {"type": "user", "content": "x"}, {"type": "tool_use", "tool_name": "read", "tool_input": {}}
    assert claude_code.sniff(head_of(source_of(json_lines(*rows))))
    assert not claude_code.sniff(head_of(source_of(json_lines(rows[0]))))


@pytest.mark.parametrize(
    ("agent", "is_there", "said"),
    [
        ("aside_question-7a81e4850e48fc1e", True, ["Aside?", "Yes."]),
        ("acompact-a897fe51ff61acd8", True, ["Aside?", "Yes."]),
        ("aside_question-7a81e4850e48fc1e", False, ["Hello", "Hi.", "Aside?", "Yes."]),
        ("a7a81e4850e48fc1e", True, ["Hello", "Hi.", "Aside?", "Yes."]),
    ],
)
def test_history_that_a_sub_agent_was_given(tmp_path: Path, agent: str, is_there: bool, said: list[str]) -> None:
    """One that goes on from its session's own history does not tell that again, where the session is there."""
    told_before = [entry("user", "u1", "Hello"), entry("assistant", "a1", "Hi.", id="m1")]
    own = [entry("user", "u2", "Aside?", parentUuid="a1"), entry("assistant", "a2", "Yes.", id="m2")]
    if is_there:
        (tmp_path / "s.jsonl").write_text(json_lines(*told_before, entry("user", "u3", "Go on")))
    path = tmp_path / "s" / "subagents" / f"agent-{agent}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(json_lines(*({**one, "isSidechain": True, "agentId": agent} for one in (*told_before, *own))))

    found = read(path)
    assert said == [message.text for message in found.all()]
    assert (f"s/agent-{agent}", "s") == next((c.source_id, c.parent) for c in found.conversations.values())
    assert found.left_out == ({"entries copied from the session above": 2} if len(said) == 2 else {})


def test_a_thought_that_is_no_text() -> None:
    """A thought of another type is kept as it came, and costs the answer's words nothing."""
    message = told(
        entry("assistant", "a", [{"type": "thinking", "thinking": 7}, {"type": "text", "text": "Yes."}])
    ).only["a"]
    assert ("Yes.", {"type": "unknown", "source_type": "thinking", "thinking": 7}) == (
        message.text,
        (message.parts or ())[0],
    )
