"""Values that nobody foresaw, RELIABILITY.md 45: numbers, nesting and bytes beyond measure are never a bug."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.conftest import Run

from .test_failures import assert_no_bug

HUGE = "9" * 30


@pytest.mark.parametrize(
    "line",
    [
        ("show", f"@last:{HUGE}"),
        ("show", "@last", "-n", HUGE),
        ("show", "@last", "--around", HUGE),
        ("show", "@last", "--branch", HUGE),
        ("show", f"@{HUGE}"),
        ("show", "@last:1", "-C", HUGE),
        ("fork", f"@last:{HUGE}"),
        ("list", "-n", HUGE),
        ("list", "--min-messages", HUGE),
        ("list", "--max-messages", HUGE),
        ("list", "--since", f"{HUGE}y"),
        ("list", "--cursor", "WyJ4IiwgOTk5OTk5OTk5OTk5OTk5OTk5OTk5OTld"),
        ("list", "--cursor", "W3t9LCAxXQ=="),
        ("search", "hello", "-n", HUGE),
        ("search", "hello", "-C", HUGE),
        ("search", f"hello since:{HUGE}y"),
        ("add", "@last", "--role", "user", "x", "--parent", HUGE),
        ("add", "@last", "--role", "user", "x", "--if-revision", HUGE),
        ("set", "@last", "--ttl", f"{HUGE}d"),
        ("state", "@last", "set", f'{{"n": {HUGE}}}'),
    ],
    ids=lambda line: " ".join(line).replace(HUGE, "HUGE"),
)
def test_numbers_beyond_measure(run: Run, line: tuple[str, ...]) -> None:
    """A number that no column can hold is an answer or a mistake, never a bug."""
    run("add", "--new", "--role", "user", "hello")
    assert_no_bug(run(*line))


@pytest.mark.parametrize(
    "text",
    [
        f'{{"role": "user", "content": "x", "parent": {HUGE}}}',
        f'{{"role": "user", "content": "x", "created_at": {HUGE}}}',
        '{"role": "user", "content": "x", "created_at": -1e300}',
        '{"role": "user", "content": "x", "metadata": {"a": NaN}}',
        '{"role": "user", "content": [{"type": "text", "text": NaN}]}',
        '{"role": "user", "content": "a\\ud800b"}',
        '{"role": "user", "content": "x", "author": "\\udcff"}',
        '{"role": "user", "text": "a\\u0000b"}',
        '{"role": "user", "content": "x", "key": ' + "[" * 500 + "]" * 500 + "}",
        '{"role": "user", "content": "x", "metadata": ' + '{"a":' * 700 + "1" + "}" * 700 + "}",
        '{"role": "user", "parts": [{"type": "tool_call", "arguments": ' + "[" * 700 + "]" * 700 + "}]}",
        "[" * 100_000,
        f'{{"role": "user", "content": {"1" * 5000}}}',
        "null",
        "[]",
        "",
    ],
    ids=lambda text: text[:60],
)
def test_json_beyond_measure(run: Run, text: str) -> None:
    """Numbers, nesting and characters that JSON allows and a database does not are stored or refused, never a bug."""
    run("new", "--title", "x")
    ran = run("add", "@last", "--json", "-", stdin=text)
    assert_no_bug(ran)
    shown = run("show", "@last", "--json")
    assert 0 == shown.code
    assert shown.json["messages"] == json.loads(shown.out, parse_constant=pytest.fail)["messages"]


FINE = '{"type":"message","conversation":"ok","role":"user","text":"fine %d","source_id":"f%d"}'


@pytest.mark.parametrize(
    "line",
    [
        '{"type":"conversation","id":"x","tags":["two words", ""]}',
        '{"type":"conversation","id":"x","title":["a"]}',
        f'{{"type":"conversation","id":"{"a" * 26}","revision":{HUGE}}}',
        f'{{"type":"conversation","id":"{"a" * 26}","forked_at":{HUGE},"parent":"x"}}',
        f'{{"type":"message","conversation":"{"a" * 26}","seq":{HUGE},"role":"user","text":"a"}}',
        f'{{"type":"message","conversation":"{"a" * 26}","seq":-1,"role":"user","text":"a","parent":{HUGE}}}',
        '{"type":"message","conversation":"x","role":"user","text":"a","author":{"a":1}}',
        '{"type":"message","conversation":"x","role":"user","text":"a","importance":"most"}',
        '{"type":"message","conversation":"x","role":"user","text":"a","metadata":{"a":NaN}}',
        '{"type":"message","conversation":"x","role":"user","text":"a\\ud800b"}',
        '{"type":"message","conversation":"x","role":"user","parts":[{"type":"text","content":5}]}',
        '{"type":"message","conversation":"x","role":"user","parts":' + "[" * 900 + "]" * 900 + "}",
        '{"type":"memory","key":{"a":1},"value":1}',
        '{"type":"memory","key":"k","value":1,"expires_at":["x"]}',
        '{"type":"summary","conversation":"x","kind":"odd","from_seq":1,"to_seq":1,"text":"x"}',
        f'{{"type":"tombstone","source":"x","source_id":{HUGE}}}',
    ],
    ids=lambda line: line[:90],
)
def test_a_broken_line_stops_nothing(run: Run, tmp_path: Path, line: str) -> None:
    """Whatever a line of an import holds, the lines around it come in, and no bug is reported."""
    lines = [FINE % (1, 1), line, FINE % (2, 2)]
    (tmp_path / "log.jsonl").write_text("".join(f"{text}\n" for text in lines))
    ran = run("import", "log.jsonl")
    assert_no_bug(ran)
    assert ran.code in (0, 4)
    assert {"fine 1", "fine 2"} <= {item["snippet"] for item in run("search", "fine", "--json").json["items"]}
    json.loads(run("list", "--json").out, parse_constant=pytest.fail)


NOT_UTF_8 = os.fsdecode(b"caf\xe9")


@pytest.mark.parametrize(
    "line",
    [
        ("search", NOT_UTF_8),
        ("search", f'"{NOT_UTF_8}"'),
        ("search", "--mode", "regex", NOT_UTF_8),
        ("search", "x", "--tag", NOT_UTF_8),
        ("list", "--title", NOT_UTF_8),
        ("list", "--tag", NOT_UTF_8),
        ("list", "--project", NOT_UTF_8),
        ("list", "--sort", NOT_UTF_8),
        ("show", NOT_UTF_8),
        ("new", "--title", NOT_UTF_8),
        ("new", "--tag", NOT_UTF_8),
        ("new", "--model", NOT_UTF_8),
        ("set", "@last", "--title", NOT_UTF_8),
        ("tag", "@last", "+" + NOT_UTF_8),
        ("add", "@last", "--role", "user", NOT_UTF_8),
        ("add", "@last", "--role", "user", "x", "--author", NOT_UTF_8),
        ("add", "@last", "--role", "user", "x", "--key", NOT_UTF_8),
        ("state", "@last", "get", NOT_UTF_8),
        ("fork", "@last", "--title", NOT_UTF_8),
        ("import", NOT_UTF_8),
        ("export", "-o", NOT_UTF_8),
        ("db", "backup", NOT_UTF_8),
        ("--user", NOT_UTF_8, "list"),
        ("--db", NOT_UTF_8 + ".db", "list"),
        ("--db", NOT_UTF_8 + ".db", "new"),
        ("config", "set", "user", NOT_UTF_8),
        ("help", NOT_UTF_8),
        (NOT_UTF_8,),
    ],
    ids=lambda line: " ".join(line).replace(NOT_UTF_8, "caf\\xe9"),
)
def test_arguments_that_are_not_utf_8(run: Run, line: tuple[str, ...]) -> None:
    """Arguments in another encoding are an answer or a mistake, never a bug."""
    run("add", "--new", "--role", "user", "hello")
    assert_no_bug(run(*line))
