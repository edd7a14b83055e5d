"""What tools gave Claude Code that was too long for the model: whole, where a file or the entry still has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .claude_code_making import entry, read, told
from .making import json_lines

BEGIN = "line 1\nline 2"
WHOLE = "".join(f"line {number}\n" for number in range(1, 400))


def cut(path: str) -> str:
    said = f"Output too large (3KB). Full output saved to: {path}"
    return f"<persisted-output>\n{said}\n\nPreview (first 2KB):\n{BEGIN}\n...\n</persisted-output>"


def turns(*results: dict[str, Any], **facts: Any) -> list[dict[str, Any]]:
    calls = [{"type": "tool_use", "id": result["tool_use_id"], "name": "Bash", "input": {}} for result in results]
    return [
        entry("user", "u1", "count"),
        entry("assistant", "a1", calls, parentUuid="u1"),
        entry("user", "u2", list(results), parentUuid="a1", **facts),
    ]


def result(path: str, call: str = "t1") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call, "content": cut(path)}


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "path",
    ["/home/u/.claude/projects/p/s/tool-results/b1.txt", r"C:\Users\u\.claude\projects\p\s\tool-results\b1.txt"],
)
def test_file_of_session(tmp_path: Path, path: str) -> None:
    written(tmp_path / "s" / "tool-results" / "b1.txt", WHOLE)
    made = read(written(tmp_path / "s.jsonl", json_lines(*turns(result(path)))))
    (part,) = made.only["u2"].parts or ()
    assert part["response"] == cut(path), "what the model was given stays"
    assert part["full_output"] == WHOLE


def test_file_of_subagent(tmp_path: Path) -> None:
    written(tmp_path / "s" / "tool-results" / "b1.txt", WHOLE)
    rows = [{**row, "isSidechain": True, "agentId": "9f"} for row in turns(result("/p/s/tool-results/b1.txt"))]
    made = read(written(tmp_path / "s" / "subagents" / "agent-9f.jsonl", json_lines(*rows)))
    assert [part["full_output"] for message in made.all() for part in message.parts or () if "full_output" in part] == [
        WHOLE
    ]


@pytest.mark.parametrize(
    ("twin", "output"),
    [
        (WHOLE, WHOLE),
        ({"stdout": WHOLE, "stderr": ""}, WHOLE),
        ({"stdout": WHOLE, "stderr": "warned"}, WHOLE + "\nwarned"),
        ({"mode": "content", "content": WHOLE}, WHOLE),
        ({"url": "https://x.example", "result": WHOLE}, WHOLE),
        ([{"type": "text", "text": WHOLE}], WHOLE),
    ],
)
def test_twin_of_entry(twin: Any, output: str) -> None:
    (part,) = told(*turns(result("/p/s/tool-results/b1.txt"), toolUseResult=twin)).only["u2"].parts or ()
    assert part["full_output"].strip() == output.strip()


@pytest.mark.parametrize("twin", [None, 7, {}, {"stdout": "short"}, "Error: short", [7]])
def test_nothing_more_is_known(twin: Any) -> None:
    (part,) = told(*turns(result("/p/s/tool-results/b1.txt"), toolUseResult=twin)).only["u2"].parts or ()
    assert "full_output" not in part


def test_path_elsewhere_is_not_read(tmp_path: Path) -> None:
    written(tmp_path / "secret.txt", WHOLE)
    path = "/p/s/tool-results/../../secret.txt"
    made = read(written(tmp_path / "s.jsonl", json_lines(*turns(result(path)))))
    assert "full_output" not in (made.only["u2"].parts or ())[0]


def test_twin_of_several_is_of_none() -> None:
    both = turns(result("/p/s/tool-results/b1.txt"), result("/p/s/tool-results/b2.txt", "t2"), toolUseResult=WHOLE)
    assert all("full_output" not in part for part in told(*both).only["u2"].parts or ())


def test_short_answer_has_no_twin() -> None:
    short = {"type": "tool_result", "tool_use_id": "t1", "content": "two lines"}
    (part,) = told(*turns(short, toolUseResult={"stdout": WHOLE})).only["u2"].parts or ()
    assert "full_output" not in part
