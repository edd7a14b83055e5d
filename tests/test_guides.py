"""The guides are true: every example in them is run."""

import doctest
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from chatlog.cli import COMMANDS, import_

from .conftest import Run

ROOT = Path(__file__).parents[1]
ROLES = ("user", "assistant")
HISTORY = (
    {"type": "message", "conversation": "notes", "role": "user", "text": "What is WAL?"},
    {"type": "message", "conversation": "notes", "role": "assistant", "text": "A write-ahead log."},
)


def test_the_python_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each example of docs/python.md prints what the page says."""
    (tmp_path / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in HISTORY), "utf-8")
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(ROOT / "docs/python.md"), module_relative=False)
    assert (0, True) == (failed, tried > 20)


@pytest.mark.parametrize(
    "page", ["README.md", "docs/redaction.md", "docs/search.md", "docs/security.md", "docs/index.md", "docs/operate.md"]
)
def test_a_page_names_verbs_that_exist(page: str) -> None:
    """Each `chatlog …` line of a page begins with a verb of the table."""
    lines = re.findall(r"^\$ (.*)$", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    calls = [call for line in lines for call in re.findall(r"chatlog (\w+)", line)]
    assert len(lines) > 4
    assert [] == [verb for verb in calls if verb not in COMMANDS]


def test_the_import_guide_runs(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call in docs/import.md does what it says where the files it names are there; watching ends with Ctrl-C."""
    history = "".join(json.dumps(line) + "\n" for line in HISTORY)
    for name in ("Downloads/chatgpt-export.zip", "Downloads/exports/a.jsonl", ".claude/projects/a.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(history, "utf-8")
    monkeypatch.setattr(import_, "_wait", lambda seconds: (_ for _ in ()).throw(KeyboardInterrupt))
    page = (ROOT / "docs/import.md").read_text("utf-8")
    calls = re.findall(r"chatlog (import .*)$", "\n".join(re.findall(r"^\$ (.*)$", page, re.MULTILINE)), re.MULTILINE)
    assert len(calls) > 6
    for call in calls:
        talk = json.dumps({"messages": [{"role": "user", "content": "Is SQLite enough?"}]})
        ran = run(*call.split(), stdin=talk if " - " in call else "")
        assert (130 if "--watch" in call else 0) == ran.code, (call, ran.err)


def test_the_search_guide_runs(run: Run) -> None:
    """Each line in docs/search.md works, pipes and all, on a history that has what it asks for."""
    run("add", "--new", "--role", "user", "Is a write-ahead log enough for the backlog?")
    name = run("add", "--new", "--role", "user", "Where did we eat in Lisbon?", "--format", "ids").out.split(":")[0]
    run("add", name, "--role", "assistant", "The sardines at the market in Lisbon.")
    run("tag", name, "+travel")
    run("add", "--new", "--role", "user", "Where did they eat sardines in Lisbon, at which market?")
    page = (ROOT / "docs/search.md").read_text("utf-8")
    lines = re.findall(r"^\$ (.*)$", page, re.MULTILINE)
    assert len(lines) > 18
    for line in lines:
        given = ""
        for words in (shlex.split(piece) for piece in line.split(" | ")):
            if words[0] == "echo":
                given = f"{words[1]}\n"
                continue
            ran = run(*words[1:], stdin=given)
            assert (0, "") == (ran.code, "" if ran.out or words[1] in ("tag", "config") else "nothing"), (line, ran.err)
            given = ran.out


@pytest.mark.parametrize("page", ["docs/index.md", "docs/operate.md"])
def test_a_tour_runs(page: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line of the page works, one after another, on the history that comes with it."""
    lines = re.findall(r"^\$ (.*)$", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    if page != "docs/index.md":
        lines = ["chatlog demo --keep demo.db", "export CHATLOG_DB=demo.db", *lines]
    for line in lines:
        given = ""
        if line.startswith("export "):
            monkeypatch.setenv(*line.removeprefix("export ").split("=", 1))
            continue
        for words in (shlex.split(piece) for piece in line.split(" | ")):
            if words[0] == "echo":
                given = f"{words[1]}\n"
                continue
            ran = run(*words[1:], stdin=given)
            assert 0 == ran.code, (line, ran.out, ran.err)
            given = ran.out


def test_every_page_is_in_the_site() -> None:
    """Each page in docs/ is in the site's navigation, where a reader finds it."""
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8").partition("nav:")[2]
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert set() == pages - {*re.findall(r": (\w+\.md)$", navigation, re.MULTILINE)}


def test_the_site_builds(tmp_path: Path) -> None:
    """mkdocs has nothing to warn of: every link and anchor leads somewhere."""  # noqa: D403
    pytest.importorskip("material")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-f", str(ROOT / "mkdocs.yml"), "-d"]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        [*command, str(tmp_path / "site")], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert "Your AI conversations" in (tmp_path / "site" / "index.html").read_text("utf-8")


def _program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    (folder / name).chmod(0o755)


def test_the_context_guide_runs(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line in docs/context.md works on a conversation that is long enough to be summarised."""
    _program(tmp_path / "bin", "llm", "cat > /dev/null; echo We chose the blue hotel.")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    turns = [{"role": role, "content": f"About hotel {number}."} for number in range(20) for role in ROLES]
    run("add", "--new", "--json", "-", stdin=json.dumps(turns))
    page = (ROOT / "docs/context.md").read_text("utf-8")
    lines = re.findall(r"^\$ (.*)$", page, re.MULTILINE)
    assert len(lines) > 15
    for line in lines:
        echoed, _, call = line.rpartition("' | ")
        ran = run(*shlex.split(call or line)[1:], stdin=echoed.removeprefix("echo '"))
        assert (0, True) == (ran.code, bool(ran.out) or "--due" in line), (line, ran.err)


class Model(BaseHTTPRequestHandler):
    """Answers in OpenAI's and Anthropic's protocols with how many messages it was sent."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = f"{len(asked['messages'])} messages"
        if self.path.endswith("/messages"):
            usage = {"input_tokens": 1, "output_tokens": 1}
            answer = {"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
                      "stop_sequence": None, "usage": usage, "content": [{"type": "text", "text": text}]}  # fmt: skip
        else:
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            answer = {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a shell that has chatlog, a model's server, and stand-ins for llm, ollama and git."""
    for name in ("llm", "ollama", "git"):
        _program(tmp_path / "bin", name, "[ -t 0 ] || cat > /dev/null; echo The blue hotel.")
    _program(tmp_path / "bin", "chatlog", f'exec "{sys.executable}" -m chatlog "$@"')
    with HTTPServer(("127.0.0.1", 0), Model) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        yield {
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(ROOT / "src"), "CHATLOG_DB": str(tmp_path / "chats.db"),
            "OPENAI_BASE_URL": f"{address}/v1", "OPENAI_API_KEY": "none", "ANTHROPIC_BASE_URL": address,
            "ANTHROPIC_API_KEY": "none",
        }  # fmt: skip
        server.shutdown()


def _blocks(language: str) -> list[str]:
    page = (ROOT / "docs/recipes.md").read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(not (shutil.which("jq") and shutil.which("curl")), reason="needs jq and curl")
def test_the_recipes_for_the_shell_run(shell: dict[str, str], tmp_path: Path) -> None:
    """All of docs/recipes.md, in its order, in one shell; the answers are in the conversation."""
    script = "set -euo pipefail\n" + "\n".join(_blocks("sh"))
    ran = subprocess.run(
        ["bash", "-c", script], env=shell, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert (0, "") == (ran.returncode, ran.stderr)
    assert ["The blue hotel."] * 3 == ran.stdout.splitlines()[:3]
    answers = [line for line in ran.stdout.splitlines() if line.endswith(" messages")]
    assert ["8 messages"] == answers
    assert "10 messages" in (tmp_path / "for-a-colleague.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("package", "expected"), [("openai", ["1 messages", "3 messages"]), ("anthropic", ["1 messages"])]
)
def test_the_recipes_for_sdks_run(package: str, expected: list[str], shell: dict[str, str], tmp_path: Path) -> None:
    """Each Python example of docs/recipes.md, with the official client."""
    pytest.importorskip(package)
    (code,) = [block for block in _blocks("python") if f"from {package} import" in block]
    ran = subprocess.run(
        [sys.executable, "-c", code], env=shell, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert (0, expected) == (ran.returncode, ran.stdout.splitlines()), ran.stderr
