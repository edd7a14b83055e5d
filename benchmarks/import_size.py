"""`python -m benchmarks.import_size [CASE...] [--mb N] [--message N] [--nodes N] [--files N]`: memory and rate at size.

Each case is a process of its own that imports a made-up history into a fresh database; what is printed is the
most memory it ever held, as the system counts it, and how fast it was.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.common import Texts, header, options, table, verdict, workplace

BAR_MB = 300
#: A text of this many characters is put together out of the made-up ones.
PER_MESSAGE = 2_000


class Case(NamedTuple):
    """A history: how it is made in a folder, and the most memory its import may take, in MB."""

    what: str
    make: Callable[[Path], Path]
    bar: float | None


class Run(NamedTuple):
    """What an import took."""

    seconds: float
    cpu: float
    mb: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__, quick="files of 32 MB, a message of 10 MB, 10,000 nodes and files")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="array, lines, message, nodes, nested, files")
    parser.add_argument("--mb", type=int, help="size of the array and of the lines (1000)")
    parser.add_argument("--message", type=int, help="size of the single message in MB (100)")
    parser.add_argument("--nodes", type=int, help="nested replies (100,000)")
    parser.add_argument("--files", type=int, help="small files (100,000)")
    asked = parser.parse_args(arguments)
    header("Import at size")
    cases = _cases(asked)
    with workplace(asked.folder) as folder:
        rows, missed = [], []
        for name in asked.cases or cases:
            case = cases[name]
            size, run = _measured(case, folder / name)
            print(f"{name}: {run.mb:.0f} MB, {run.seconds:.1f} s", file=sys.stderr)
            rows.append(
                (name, case.what, f"{size / 1e6:,.0f}", f"{run.seconds:.1f}", f"{run.cpu:.1f}",
                 f"{size / 1e6 / run.seconds:.1f}", f"{size / 1e6 / run.cpu:.1f}", f"{run.mb:.0f}")
            )  # fmt: skip
            if case.bar is not None:
                missed.append((f"≤ {case.bar:.0f} MB of memory for {name}: {run.mb:.0f}", run.mb <= case.bar))
        table(("case", "what", "MB", "s", "cpu s", "MB/s", "MB per cpu s", "peak memory MB"), rows)
    for sentence, met in missed:
        verdict(sentence, met=met)


def _cases(asked: Any) -> Mapping[str, Case]:
    size = (asked.mb or (32 if asked.quick else 1_000)) * 1_000_000
    message = (asked.message or (10 if asked.quick else 100)) * 1_000_000
    nodes = asked.nodes or (10_000 if asked.quick else 100_000)
    files = asked.files or (10_000 if asked.quick else 100_000)
    return {
        "array": Case("ChatGPT's conversations.json", lambda at: _array(at / "conversations.json", size), BAR_MB),
        "lines": Case("JSON Lines of Claude Code", lambda at: _lines(at / "session.jsonl", size), BAR_MB),
        "message": Case("one message", lambda at: _message(at / "message.jsonl", message), 3 * message / 1e6 + 100),
        "nodes": Case(f"{nodes:,} nested replies", lambda at: _nodes(at / "conversations.json", nodes), None),
        "nested": Case(f"{nodes:,} nested in JSON", lambda at: _nested(at / "trees.jsonl", nodes), None),
        "files": Case(f"{files:,} files", lambda at: _files(at / "files", files), BAR_MB),
    }


def _measured(case: Case, folder: Path) -> tuple[int, Run]:
    """Make a case's history where it is not there from an earlier run, and import it."""
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / "made"
    path = Path(made.read_text()) if made.exists() else case.make(folder)
    made.write_text(str(path))
    size = sum(file.stat().st_size for file in (path.rglob("*") if path.is_dir() else [path]))
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        return size, _imported(path, Path(fresh) / "chatlog.db")


def _imported(path: Path, database: Path) -> Run:
    command = [sys.executable, "-m", "chatlog", "--db", str(database), "import", str(path), "--quiet"]
    out = os.open(database.with_name("out.txt"), os.O_CREAT | os.O_RDWR)
    start = time.perf_counter()
    actions = [(os.POSIX_SPAWN_DUP2, out, descriptor) for descriptor in (1, 2)]
    child = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    _, status, used = os.wait4(child, 0)
    seconds = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) not in (0, 4):
        sys.exit(f"{' '.join(command)} failed:\n{database.with_name('out.txt').read_text()[-2000:]}")
    print(database.with_name("out.txt").read_text()[-300:].strip().splitlines()[-1], file=sys.stderr)
    return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / (1_000 if sys.platform == "linux" else 1e6))


# histories


def _prose() -> Iterator[str]:
    """Yield texts of about `PER_MESSAGE` characters without end."""
    texts = Texts()
    while True:
        text = ""
        while len(text) < PER_MESSAGE:
            text += texts() + ".\n"
        yield text


def _node(name: str, parent: str | None, role: str, text: str) -> dict[str, Any]:
    content = {"content_type": "text", "parts": [text]}
    message = {"id": name, "author": {"role": role}, "create_time": 1.78e9, "content": content, "metadata": {}}
    return {"id": name, "parent": parent, "children": [], "message": message}


def _conversation(number: int, texts: Iterator[str], count: int) -> dict[str, Any]:
    names = [f"{number:08}-{at:06}" for at in range(count)]
    nodes = {
        name: _node(name, names[at - 1] if at else None, "assistant" if at % 2 else "user", next(texts))
        for at, name in enumerate(names)
    }
    return {"conversation_id": f"{number:08}", "title": f"Talk {number}", "mapping": nodes, "current_node": names[-1]}


def _array(path: Path, size: int) -> Path:
    texts = _prose()
    with path.open("w", encoding="utf-8") as file:
        for number in itertools.count():
            file.write(("[" if number == 0 else ",") + json.dumps(_conversation(number, texts, 20)))
            if file.tell() > size:
                break
        file.write("]")
    return path


def _lines(path: Path, size: int) -> Path:
    texts, before = _prose(), None
    with path.open("w", encoding="utf-8") as file:
        for number in itertools.count():
            role = "assistant" if number % 2 else "user"
            content: Any = [{"type": "text", "text": next(texts)}] if number % 2 else next(texts)
            entry = {
                "parentUuid": before, "isSidechain": False, "cwd": "/src", "sessionId": "one", "type": role,
                "uuid": f"u{number}", "timestamp": "2026-11-01T10:00:00.000Z",
                "message": {"role": role, "content": content, "id": f"msg_{number}"},
            }  # fmt: skip
            before = f"u{number}"
            file.write(json.dumps(entry) + "\n")
            if file.tell() > size:
                return path
    return path


def _message(path: Path, size: int) -> Path:
    text = next(_prose())
    with path.open("w", encoding="utf-8") as file:
        file.write('{"type": "message", "conversation": "long", "role": "user", "text": "')
        for _ in range(size // len(text)):
            file.write(json.dumps(text)[1:-1])
        file.write('"}\n')
    return path


def _nodes(path: Path, count: int) -> Path:
    texts = itertools.repeat("a reply")
    path.write_text(json.dumps([_conversation(0, texts, count)]), "utf-8")
    return path


def _nested(path: Path, count: int) -> Path:
    """Make replies within replies, as OASST's trees have them, behind a tree of two that must come in."""
    reply = '{{"message_id": "{0}", "text": "x", "role": "prompter", "replies": ['
    with path.open("w", encoding="utf-8") as file:
        for tree, depth in (("a", 2), ("b", count)):
            file.write(f'{{"message_tree_id": "{tree}", "prompt": ')
            file.writelines(reply.format(f"{tree}{number}") for number in range(depth))
            file.write("]}" * depth + "}\n")
    return path


def _files(folder: Path, count: int) -> Path:
    for number in range(count):
        at = folder / f"{number // 1000:03}"
        at.mkdir(parents=True, exist_ok=True)
        message = {"type": "message", "conversation": f"c{number}", "role": "user", "text": f"note {number}"}
        (at / f"{number}.jsonl").write_text(json.dumps(message) + "\n", "utf-8")
    return folder


if __name__ == "__main__":
    main()
