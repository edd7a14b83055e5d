"""Codex rollouts since the summer of 2026: completed items, records of usage, histories over several files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatlog.formats import codex
from chatlog.formats.source import file_source

from .making import json_lines, source_of
from .reading import Read, read

THREAD = "01a07d3c-3008-75c2-87a6-2c5c75f0e50d"  # ids of version 7: made on the 7th and the 8th of September 2026
PAGE = "01a08000-3008-75c2-87a6-2c5c75f0e50e"
FORK = "01a08100-3008-75c2-87a6-2c5c75f0e50f"


def line(kind: str, ordinal: int = 0, **payload: Any) -> dict[str, Any]:
    return {"timestamp": "2026-09-07T15:00:00.000Z", "ordinal": ordinal, "type": kind, "payload": payload}


def item(**facts: Any) -> dict[str, Any]:
    return line("response_item", **facts)


def completed(kind: str, **facts: Any) -> dict[str, Any]:
    return line("event_msg", type="item_completed", turn_id="t1", item={"type": kind, **facts})


def said(role: str, text: str, ordinal: int = 0) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return line("response_item", ordinal, type="message", role=role, content=[{"type": kind, "text": text}])


def meta(name: str = THREAD, ordinal: int = 0, **facts: Any) -> dict[str, Any]:
    return line("session_meta", ordinal, id=name, cwd="/mill", history_mode="paginated", **facts)


def told(*values: dict[str, Any]) -> Read:
    return read(codex, source_of(json_lines(meta(), *values), "rollout.jsonl"))


def test_a_completed_user_message_says_what_a_person_typed() -> None:
    """Words that look injected are shown where an item says that they were typed, with the pictures they came with."""
    content = [{"type": "text", "text": "<my_note>Oil it</my_note>"}, {"type": "local_image", "path": "/mill/a.png"}]
    found = told(said("user", "<my_note>Oil it</my_note>"), completed("UserMessage", id="u1", content=content))
    assert [(m.text, m.hidden, m.metadata) for m in found.only] == [
        ("<my_note>Oil it</my_note>", False, {"local_images": ["/mill/a.png"]})
    ]


def test_completed_messages_repeat_items_or_stand_for_themselves() -> None:
    """An answer that an item tells comes once; thoughts that the item holds encrypted come from the completed one."""
    found = told(
        said("user", "Oil it"),
        completed("Reasoning", id="r", summary_text=["Which oil?"], raw_content=[]),
        item(type="reasoning", id="r", summary=[], encrypted_content="gAAA"),
        said("assistant", "Oiled."),
        completed("AgentMessage", id="a", content=[{"type": "Text", "text": "Oiled."}], phase="final_answer"),
    )
    assert [(m.role, m.text, m.parts) for m in found.only] == [
        ("user", "Oil it", None),
        ("assistant", "", ({"type": "reasoning", "content": "Which oil?"},)),
        ("assistant", "Oiled.", None),
    ]


def test_completed_tools_come_where_no_item_calls_them() -> None:
    """A command run from code, a change of files and a server's tool are calls with their results."""
    found = told(
        said("user", "Oil it"),
        item(type="function_call", name="exec_command", arguments='{"cmd":"ls"}', call_id="c1"),
        completed("CommandExecution", id="c1", command=["ls"], status="completed", aggregated_output="a", exit_code=0),
        item(type="function_call_output", call_id="c1", output="a"),
        completed("CommandExecution", id="e1", command=["oil"], status="declined", aggregated_output="no"),
        completed("McpToolCall", id="m1", server="mill", tool="oil", arguments={"n": 1}, error={"message": "none"}),
        completed("FileChange", id="f1", changes={"a": {"type": "add"}}, status="completed", stdout="Success."),
    )
    calls = [[(p["name"], p["id"]) for p in m.parts or () if p["type"] == "tool_call"] for m in found.only[3:]]
    results = [[(p["response"], p.get("is_error")) for p in (m.parts or ())[1:]] for m in found.only[3:]]
    assert calls == [[("exec_command", "e1")], [("mill.oil", "m1")], [("apply_patch", "f1")]]
    assert results == [[("no", True)], [("none", True)], [("Success.", None)]]


def test_a_usage_record_belongs_to_the_response_before() -> None:
    """The event behind a record repeats it."""
    spent = {"input_tokens": 10, "output_tokens": 3}
    found = told(
        said("user", "Oil it"),
        completed("Reasoning", id="r", summary_text=["Which oil?"]),
        said("assistant", "Oiled."),
        line("token_usage_record", response_id="r1", usage=spent, thread_token_usage=spent),
        line("event_msg", type="token_count", info={"total_token_usage": spent, "last_token_usage": spent}),
    )
    assert [m.metadata.get("usage") for m in found.only] == [None, None, spent]


def test_what_a_turn_failed_of_is_kept_hidden() -> None:
    """A completed task's error is a hidden note, as the event of its own was."""
    failed = {"message": "usage limit", "codex_error_info": "usage_limit_exceeded"}
    found = told(said("user", "Oil it"), line("event_msg", type="task_complete", last_agent_message=None, error=failed))
    assert [(m.text, m.hidden) for m in found.only] == [("Oil it", False), ("usage limit", True)]


def written(folder: Path, name: str, *values: dict[str, Any]) -> Path:
    day = folder / ("2026/09/07" if name == THREAD else "2026/09/08")
    day.mkdir(parents=True, exist_ok=True)
    path = day / f"rollout-2026-09-08T10-00-00-{name}.jsonl"
    path.write_text("".join(json.dumps(value) + "\n" for value in values))
    return path


def base(name: str, end: int) -> dict[str, Any]:
    return {"history_base": {"thread_id": name, "end_ordinal_exclusive": end, "end_byte_offset": 9}}


def test_a_thread_that_went_back_goes_on_in_another_file(tmp_path: Path) -> None:
    """What the file names as its history comes first, up to the line where it went back; so it does for a fork."""
    first = [said("user", "Oil it", 1), said("assistant", "Oiled.", 2), said("user", "Wax it", 3)]
    head = written(tmp_path, THREAD, meta(), *first)
    page = [meta(THREAD, 3, **base(THREAD, 3)), said("user", "Wax it", 4), said("assistant", "Waxed.", 5)]
    again = written(tmp_path, f"{THREAD}_{PAGE}", *page)
    forked = written(tmp_path, FORK, meta(FORK, 5, **base(PAGE, 5)), said("user", "Oil it", 6))
    found = [read(codex, file_source(path)) for path in (head, again, forked)]
    names = [[m.source_id for m in one.only] for one in found]
    assert [[m.text for m in one.only] for one in found] == [
        ["Oil it", "Oiled.", "Wax it"],
        ["Oil it", "Oiled.", "Wax it", "Waxed."],
        ["Oil it", "Oiled.", "Wax it", "Oil it"],
    ]
    assert names[1][:3] == names[0]
    assert names[2][:3] == names[0]
    assert [one.conversation.source_id for one in found] == [THREAD, THREAD, FORK]
    assert found[2].conversation.parent == THREAD


def test_a_history_that_codex_has_packed(tmp_path: Path) -> None:
    """The file before may have been packed since, as those of old threads are."""
    pack = pytest.importorskip("zstandard").ZstdCompressor().compress
    head = written(tmp_path, THREAD, meta(), said("user", "Oil it", 1))
    page = [meta(THREAD, 2, **base(THREAD, 2)), said("assistant", "Oiled.", 3)]
    again = written(tmp_path, f"{THREAD}_{PAGE}", *page)
    head.with_name(f"{head.name}.zst").write_bytes(pack(head.read_bytes()))
    head.unlink()
    assert [m.text for m in read(codex, file_source(again)).only] == ["Oil it", "Oiled."]


def test_a_history_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The rest is read all the same."""
    page = [meta(THREAD, 3, **base(THREAD, 3)), said("user", "Wax it", 4)]
    found = read(codex, file_source(written(tmp_path, f"{THREAD}_{PAGE}", *page)))
    assert [m.text for m in found.only] == ["Wax it"]
    assert found.left_out["history before this file (in a rollout that is not beside it)"] == 1


def test_a_history_that_is_damaged_is_told(tmp_path: Path) -> None:
    """The file that names it is read all the same."""
    pack = pytest.importorskip("zstandard").ZstdCompressor().compress
    head = written(tmp_path, THREAD, meta(), said("user", "Oil it", 1))
    page = [meta(THREAD, 2, **base(THREAD, 2)), said("assistant", "Oiled.", 3)]
    again = written(tmp_path, f"{THREAD}_{PAGE}", *page)
    head.with_name(f"{head.name}.zst").write_bytes(pack(head.read_bytes()) + b"(\xb5/\xfdno frame")
    head.unlink()
    found = read(codex, file_source(again))
    assert [m.text for m in found.only] == ["Oiled."]
    assert found.left_out == {"history before this file (in a rollout that cannot be read)": 1}


def voice(name: str, kind: str = "transcript_segment", **facts: Any) -> dict[str, Any]:
    return line("realtime_item", id=name, realtime_session_id="v1", type=kind, **facts)


def test_what_was_said_aloud_is_a_message() -> None:
    """Each utterance of a talk comes in its place, for whoever said it; the talk's course is counted."""
    found = told(
        voice("v-0", "realtime_session_started"),
        voice("v-1", role="user", text="Is it oiled?"),
        said("assistant", "Looking."),
        voice("v-2", role="assistant", text="It is."),
        voice("v-3", "bem_item_promoted", turn_id="t1", item_id="m1", presentation={"type": "whole_item"}),
    )
    assert found.said == [("user", "Is it oiled?"), ("assistant", "Looking."), ("assistant", "It is.")]
    assert found.only[0].metadata == {"realtime_session_id": "v1"}
    assert found.left_out == {"realtime_item: bem_item_promoted": 1, "realtime_item: realtime_session_started": 1}


def test_a_rollback_counts_no_utterances() -> None:
    """Going back one turn goes to before the last prompt, whatever was said aloud since."""
    back = line("event_msg", type="thread_rolled_back", num_turns=1)
    talk = voice("v-1", role="user", text="Hm.")
    found = told(said("user", "One"), said("user", "Two"), talk, back, said("user", "Three"))
    assert found.on_path() == ["One", "Three"]


def test_tokens_are_not_spent_on_an_utterance() -> None:
    """Usage goes to the answer of the model that was asked, not to what another said aloud after it."""
    usage = {"total_token_usage": {"input_tokens": 7}, "last_token_usage": {"input_tokens": 7}}
    count = line("event_msg", type="token_count", info=usage)
    found = told(said("user", "One"), said("assistant", "Two"), voice("v", role="assistant", text="Two!"), count)
    assert [m.text for m in found.only if "usage" in m.metadata] == ["Two"]


def test_a_goal_is_what_its_setter_wrote() -> None:
    """A goal comes once, however often it is updated; one that the model set is in its call."""

    def goal(words: str, status: str = "active") -> dict[str, Any]:
        return line("event_msg", type="thread_goal_updated", goal={"objective": words, "status": status})

    called = item(type="function_call", name="create_goal", arguments='{"objective":"Sing"}', call_id="c1")
    found = told(goal("Oil it"), said("assistant", "Oiling."), goal("Oil it", "complete"), called, goal("Sing"))
    assert found.said == [("user", "Oil it"), ("assistant", "Oiling.")]
    assert found.left_out == {"event: thread_goal_updated": 2}


def test_sounds_of_a_prompt_are_kept_once() -> None:
    """A sound that an item holds and the event beside it repeats is one part."""
    address = "data:audio/wav;base64,UklGRg=="
    pieces = [{"type": "input_text", "text": "Hear"}, {"type": "input_audio", "audio_url": address}]
    event = line("event_msg", type="user_message", message="Hear", audio=[address])
    prompt = line("response_item", type="message", role="user", content=pieces)
    sound = {"type": "blob", "mime_type": "audio/wav", "modality": "audio", "content": "UklGRg=="}
    for values in ((prompt, event), (event,)):
        (made,) = told(*values).only
        assert [(made.text, made.parts, dict(made.metadata))] == [
            ("Hear", ({"type": "text", "content": "Hear"}, sound), {})
        ]


def test_a_completed_review_tells_what_it_found() -> None:
    """Where no event tells a review's end, the completed item does."""
    review = {"findings": [{"title": "Dry wheel"}], "overall_explanation": "Not oiled."}
    found = told(completed("EnteredReviewMode", id="r"), completed("ExitedReviewMode", id="r", review_output=review))
    assert found.hidden == [("assistant", "exited_review_mode", "Not oiled.")]
    assert found.left_out == {"event: item_completed": 1}


def test_a_change_of_settings_is_no_answer() -> None:
    """An item that only tells how hard the model is to think is counted."""
    assert told(item(type="configuration_update", reasoning={"effort": "high"})).left_out == {"configuration_update": 1}
