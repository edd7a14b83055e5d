"""Terminal text, RELIABILITY.md 28 and 29: stored words never act on a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import chatlog
from chatlog.models import ConversationDraft, MessageDraft

from .helpers import PATIENCE, WORKERS, chatlog_process, environment

CORPUS = {
    "conceal": "\x1b[8mhidden\x1b[28m",
    "clear the screen": "\x1b[2J\x1b[H",
    "window title": "\x1b]0;owned\x07",
    "link": "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "device control": '\x1bP$q"p\x1b\\',
    "application command": "\x1b_payload\x1b\\",
    "privacy message": "\x1b^payload\x1b\\",
    "reset": "\x1bc",
    "other screen": "\x1b[?1049h",
    "report position": "\x1b[6n\x1b[c",
    "insert keys": "\x1b[200~rm -rf\r\x1b[201~",
    "C1 sequence": "\x9b31m",
    "C1 window title": "\x9d0;owned\x9c",
    "C1 controls": "\x80\x85\x90\x98\x9e\x9f",
    "bell": "\x07\x07",
    "backspace": "safe\x08\x08\x08\x08evil",
    "carriage return": "evil\rgood",
    "NUL": "a\x00b",
    "DEL": "a\x7fb",
    "vertical": "a\x0bb\x0cc\x0e\x0f\x1c\x1f",
    "bidi override": "\u202egnp.exe\u202c \u202a\u202b\u202d",
    "bidi isolate": "\u2066a\u2067b\u2068c\u2069 \u200e\u200f\u061c",
    "separators and tags": "a\u2028b\u2029c\U000e0041\U000e007f",
}
#: What a command line cannot hold.
NOT_AN_ARGUMENT = {"NUL"}
#: One of each kind that a file name can hold too, where all of them would take long.
FEW = [CORPUS[name] for name in ("window title", "C1 sequence", "carriage return", "DEL", "bidi override")]

MARKUP = (
    "[bold]loud[/bold]",
    "[/nope]",
    "[link=https://evil.example]click[/link]",
    "[red on white]x",
    "\\[escaped]",
    "[@click=app.bell]x[/]",
    ":boom: :warning:",
    "[[nested] [/b]]",
    "[#ff0000]x[/#ff0000]",
    "[not a tag",
)

#: Colours and weights, as our output uses them: one or two small numbers, pygments' three.
OWN_COLOURS = re.compile(r"\x1b\[(?:0|1|2|3|4|9[0-7]|3[0-9]|1;3[0-9]|0?1;3[0-9]|39;49;00)?m")
#: What a progress bar is drawn with: the cursor hidden, lines cleared and gone back to.
BARS = re.compile(r"\x1b\[(?:\?25[hl]|\d?[AKG]|38;5;\d+m)|\r")
RAW = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
MARK = re.compile(r"\n=====8< (\d+) (\d+)\n")


def hostile_messages(word: str) -> list[MessageDraft]:
    """Return a question and an answer that hold the payload wherever a message holds a string."""
    call = {"type": "tool_call", "id": word, "name": f"tool {word}", "arguments": {f"key {word}": [word]}}
    text_call = {"type": "tool_call", "id": "2", "name": word, "arguments": f"run {word}"}
    result = {"type": "tool_call_response", "id": word, "response": [{"text": f"first\n{word}"}], "is_error": True}
    parts = (
        {"type": "reasoning", "content": f"thinking\n{word} twice"},
        call,
        text_call,
        result,
        {"type": "file", "name": f"{word}.txt", "file_id": word},
        {"type": "uri", "uri": f"https://example.org/{word}"},
        {"type": f"odd {word}", "title": word},
        {"type": "text", "content": f"weather\n```python {word}\nprint('{word}')\n```\n{word}\n~~~{word}\n{word}\n~~~"},
    )
    text = str(parts[-1]["content"])
    return [
        MessageDraft(role="user", text=f"weather {word} weather\n{word}", author=f"ana {word}", model=f"m {word}"),
        MessageDraft(role="assistant", text=text, parts=parts, model=word, metadata={word: word}, key=f"k{word}"),
        MessageDraft(role="system", text=f"injected weather {word}", hidden=True),
        MessageDraft(role="tool", text=word, parts=(result,)),
    ]


def hostile_history(path: Path, payloads: Sequence[str]) -> list[str]:
    """Return the ids of conversations that hold one payload each, everywhere that takes any string."""
    ids = []
    with chatlog.open(path) as store:
        for number, word in enumerate(payloads):
            draft = ConversationDraft(
                title=f"weather {number} {word}", model=f"m {word}", project=f"/home/{word}", tags=("rain",),
                state={word: word}, metadata={word: word},
            )  # fmt: skip
            made = store.new(draft, hostile_messages(word))
            store.add(made.id, [MessageDraft(role="user", text=f"again {word}", parent=1)])
            ids.append(made.id)
    return ids


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Return a folder with a database of hostile conversations, and their ids."""
    folder = tmp_path_factory.mktemp("hostile")
    return folder, hostile_history(folder / "chats.db", list(CORPUS.values()))


# running many command lines in one process, in a pipe and on a terminal


def command(folder: Path, lines: Sequence[Sequence[str]]) -> list[str]:
    """Return the command that runs command lines in one process."""
    file = folder / "lines.json"
    file.write_text(json.dumps([["--db", str(folder / "chats.db"), *line] for line in lines]), "utf-8")
    return [sys.executable, str(WORKERS), "verbs", str(file)]


def in_a_pipe(folder: Path, lines: Sequence[Sequence[str]]) -> list[str]:
    """Return what each command line prints, on both streams, where nobody is watching."""
    done = subprocess.run(
        command(folder, lines), env=environment(folder), cwd=folder, stdin=subprocess.DEVNULL, timeout=PATIENCE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True,
    )  # fmt: skip
    return outputs(done.stdout, lines)


def on_a_terminal(folder: Path, lines: Sequence[Sequence[str]]) -> list[str]:
    """Return what each command line prints on a terminal of 200 columns that changes nothing it is sent."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    env = environment(folder, TERM="xterm-256color", CHATLOG_PAGER="cat")
    process = subprocess.Popen(command(folder, lines), env=env, cwd=folder, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    data = b"".join(read_terminal(master))
    assert 0 == process.wait(PATIENCE)
    return outputs(data, lines)


def read_terminal(master: int) -> Iterator[bytes]:
    with suppress(OSError):  # how Linux says that the other end is closed
        while chunk := os.read(master, 65_536):
            yield chunk
    os.close(master)


def outputs(data: bytes, lines: Sequence[Sequence[str]]) -> list[str]:
    pieces = MARK.split(data.decode("utf-8"))
    assert [str(number) for number in range(len(lines))] == pieces[1::3]
    return pieces[0::3][: len(lines)]


def leaks(lines: Sequence[Sequence[str]], printed: Sequence[str], payloads: Sequence[str]) -> list[Any]:
    """Return the command lines that printed a raw control character or a whole payload, and what of it."""
    found = []
    for line, text in zip(lines, printed, strict=True):
        raw = sorted(set(RAW.findall(OWN_COLOURS.sub("", text))))
        whole = [payload for payload in payloads if RAW.search(payload) and payload in text]
        if raw or whole:
            found.append((line, raw, whole))
    return found


# 28: payloads


def reading_lines(ids: Sequence[str]) -> list[list[str]]:
    """Return the command lines that print what is stored, in every form that goes to people and to programs."""
    forms = ("text", "table", "json", "jsonl", "ids")
    lines = [["list", "-n", "0", "--format", form] for form in forms]
    lines += [
        ["search", "weather", "-n", "100", "-C", "2", "--explain", "--hidden", "--format", form] for form in forms
    ]
    lines += [
        ["search", "--mode", "regex", "weather", "-n", "100", "-C", "1"],
        ["search", "weather", "--in", "title", "-n", "100"],
        ["search", "weather", "role:tool"],
        ["tags"],
        ["doctor", "--deep"],
        ["db", "info"],
    ]
    for name in ids:
        lines += [
            ["show", name, "--full", "--hidden", "--all-branches"],
            ["show", name, "--all-branches"],
            ["show", f"{name}:2", "-C", "1"],
            ["show", name, "--json", "--all-branches"],
            ["show", name, "--format", "jsonl", "--all-branches"],
            ["state", name, "get"],
            ["state", name, "get", "--json"],
        ]
    return lines


#: Forms that are files: in a pipe they keep the true text, on a terminal they may not.
FILE_LINES = [
    ["list", "-n", "0", "--format", "csv"],
    ["search", "weather", "-n", "100", "--format", "csv"],
    ["show", "@1", "--format", "markdown", "--all-branches"],
    ["export", "--to", "jsonl"],
    ["export", "--to", "markdown"],
    ["export", "--to", "openai"],
    ["export", "--to", "anthropic"],
]


def changing_lines(ids: Sequence[str], payloads: Sequence[str]) -> list[list[str]]:
    """Return the command lines that are given a payload and print what they made of it."""
    lines = []
    for name, word in zip(ids, payloads, strict=True):
        lines += [
            ["set", name, "--title", f"weather {word}"],
            ["set", name, "--model", word, "--json"],
            ["fork", name, "--title", word, "--json"],
            ["add", name, "--role", "user", word, "--author", word, "--format", "json"],
            ["new", "--title", word, "--model", word, "--json"],
            ["state", name, "set", json.dumps({word: word})],
        ]
    return lines


#: Command lines that complain about what stands at {}, on stderr.
FAILING = """
    show {} | show {}:1 | {} | help {} | list --sort {} | list -n {} | list --since {} | list --format {} | list --{}
    list --cursor {} | list --db no/{}.db | list --db {}://x | list --user {} | list --config no/{}
    search nowhere{} elsewhere{} | search {} | search --mode {} x | search --mode regex ({} | search --in {} x
    search x --conv {} | tag @last +a,{} | tag {} +a | state @last {} | state @last get {} | state {} get | fork {}
    add @last --role {} x | add @last x --role user --parent {} | add {} --role user x
    set @last --ttl {} | set {} --pin | new --tag a,{} | import {} --quiet | import x.json --from {}
    export --to {} --quiet | export {} --quiet | export -o no/{} --quiet
    db backup no/{} | db {} | config get {} | config set color {} | config set {} x | completion {}
"""


def failing_lines(payloads: Sequence[str]) -> list[list[str]]:
    """Return those command lines with each payload."""
    lines = [line.split() for row in FAILING.strip().splitlines() for line in row.split("|")]
    return [[part.replace("{}", word) for part in line] for word in payloads for line in lines]


@pytest.mark.parametrize("surroundings", [in_a_pipe, on_a_terminal])
def test_stored_payloads(hostile: tuple[Path, list[str]], surroundings: Any) -> None:
    """Whatever is stored, no command prints a control character of it, in a pipe or on a terminal."""
    folder, ids = hostile
    lines = reading_lines(ids)
    printed = surroundings(folder, lines)
    assert [] == leaks(lines, printed, list(CORPUS.values()))
    assert all(text.strip() for text in printed)
    assert "\\x1b]0;owned\\x07" in printed[lines.index(["show", ids[2], "--all-branches"])]


def test_files_on_a_terminal(hostile: tuple[Path, list[str]]) -> None:
    """Forms that are meant for files have no control characters either where they are printed on a terminal."""
    folder, _ = hostile
    printed = on_a_terminal(folder, FILE_LINES)
    assert [] == leaks(FILE_LINES, printed, list(CORPUS.values()))


def test_files_in_a_pipe_keep_the_text(hostile: tuple[Path, list[str]]) -> None:
    """In a pipe an export holds the true text: it is a file."""
    folder, _ = hostile
    printed = in_a_pipe(folder, [["export", "--to", "jsonl"]])[0]
    records = [json.loads(line) for line in printed.split("\n") if line.startswith('{"type":"message"')]
    assert {f"again {word}" for word in CORPUS.values()} <= {record["text"] for record in records}


@pytest.mark.parametrize("surroundings", [in_a_pipe, on_a_terminal])
def test_given_payloads(tmp_path: Path, surroundings: Any) -> None:
    """What is given on the command line is echoed without control characters, in results and in complaints."""
    payloads = [word for name, word in CORPUS.items() if name not in NOT_AN_ARGUMENT]
    ids = hostile_history(tmp_path / "chats.db", payloads)
    lines = changing_lines(ids, payloads) + failing_lines(FEW)
    printed = surroundings(tmp_path, lines)
    assert [] == leaks(lines, printed, payloads)


def lines_about_files(folder: Path, word: str) -> list[list[str]]:
    """Return command lines about files with a payload in their names, which are made."""
    names = (str(folder / f"{kind} {word}") for kind in ("chats", "log", "bad", "settings"))
    database, source, broken, settings = names
    with chatlog.open(database) as store:
        store.new(ConversationDraft(title="x"))
    os.chmod(database, 0o644)
    Path(source).write_text('{"type":"message","conversation":"x","role":"user","text":"hi"}\n{"type":"odd"}\n')
    Path(broken).write_text("not a history")
    Path(settings).write_text("user = " + json.dumps(word).replace("\x7f", "\\u007f"), "utf-8")
    lines = [
        ["db", "path"], ["db", "info"], ["db", "info", "--json"], ["doctor"], ["db", "backup"],
        ["db", "backup", broken], ["import", broken, "--quiet"], ["import", source, "--quiet"],
        ["import", source, "--json", "--quiet"],
        ["export", "-o", broken, "--quiet"], ["export", "-o", f"{broken}/x", "--quiet"], ["list", "--config", broken],
        ["config", "path", "--config", settings], ["config", "list", "--config", settings],
        ["config", "get", "user", "--config", settings], ["new", "--config", settings], ["list", "--db", broken],
    ]  # fmt: skip
    return [["--db", database, *line] for line in lines]


@pytest.mark.parametrize("surroundings", [in_a_pipe, on_a_terminal])
def test_hostile_file_names(tmp_path: Path, surroundings: Any) -> None:
    """Names of databases, inputs, outputs and config files are printed without control characters."""
    lines = [line for word in FEW for line in lines_about_files(tmp_path, word)]
    printed = [BARS.sub("", text) for text in surroundings(tmp_path, lines)]  # a slow machine draws one
    assert [] == leaks(lines, printed, FEW)


def test_progress_of_a_hostile_file(tmp_path: Path) -> None:
    """The progress bar shows a file's name without the control characters in it."""
    lines = []
    for number, word in enumerate(FEW):
        source = tmp_path / f"log {word}"
        line = {"type": "message", "conversation": f"x{number}", "role": "user", "text": "hi"}
        source.write_text((json.dumps(line) + "\n") * 200)
        lines.append(["import", str(source)])
    printed = [BARS.sub("", text) for text in on_a_terminal(tmp_path, lines)]
    assert [] == leaks(lines, printed, FEW)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_of_hostile_titles(hostile: tuple[Path, list[str]], shell: str) -> None:
    """Titles that a shell shows beside the ids to complete hold no control characters."""
    folder, _ = hostile
    done = chatlog_process(folder, "show", "", env={"CHATLOG_DB": "chats.db", "_CHATLOG_COMPLETE": shell})
    assert (0, "") == (done.returncode, done.stderr)
    assert len(CORPUS) <= done.stdout.count("\n")
    assert [] == RAW.findall(done.stdout)


# 29: markup


def test_markup_is_text(tmp_path: Path) -> None:
    """Brackets and emoji names that a table's library would interpret are shown as they are, and nothing is linked."""
    ids = hostile_history(tmp_path / "chats.db", MARKUP)
    lines = [["list"], ["search", "weather", "-n", "100"], *(["show", name] for name in ids), ["config", "list"]]
    lines += [["set", ids[1], "--title", MARKUP[1]], ["list"], ["show", "[/nope]"], ["import", "[/nope]"]]
    printed = on_a_terminal(tmp_path, lines)
    plain = [OWN_COLOURS.sub("", text) for text in printed]
    for word in MARKUP:
        assert f"weather {MARKUP.index(word)} {word}" in plain[0]
        assert word in plain[2 + MARKUP.index(word)]
    assert [] == [text for text in printed if "\x1b]8" in text or "MarkupError" in text or "bug" in text]
    assert "[/nope]" in plain[-3]
