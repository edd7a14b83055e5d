"""`python -m benchmarks.import_auto [--files N]`: `chatlog import --auto` with nothing new, and with one session grown.

Whole processes by turns with two that only walk the folder and look at each file's size and time: one by `os.walk`
in Python, and `find`.  The sessions are made up, in the form and the folders of Claude Code.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.common import Texts, Usage, cpus, header, interleaved, ms, options, p50, process, table, verdict, walls
from benchmarks.common import workplace as place

BAR = 1.5
FILES = 10_000
PROJECTS = 50
EXCHANGES = 4
WALK = "import os, sys\nfor at, _, names in os.walk(sys.argv[1]):\n for name in names: os.stat(os.path.join(at, name))"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__, quick="1,000 files, 3 runs")
    parser.add_argument("--files", type=int, help=f"session files ({FILES:,})")
    parser.add_argument("--runs", type=int, help="how often (9)")
    asked = parser.parse_args(arguments)
    count = asked.files or (1_000 if asked.quick else FILES)
    header(f"import --auto over {count:,} session files")
    with place(asked.folder) as folder:
        projects = _sessions(folder / f"home-{count}" / ".claude" / "projects", count)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment |= {"HOME": str(projects.parents[1]), "CHATLOG_DB": str(folder / f"auto-{count}.db")}
        auto = [sys.executable, "-m", "chatlog", "import", "--auto", "--quiet"]
        first = process(auto, environment)
        print(f"the first import took {first.wall:.1f} s, {count / first.wall:,.0f} files/s")
        time.sleep(2.5)  # a file written within two seconds of being read is not trusted by its time alone
        process(auto, environment)
        found = interleaved(_actions(auto, projects, environment), asked.runs or (3 if asked.quick else 9))
    _print(found)


def _actions(auto: list[str], projects: Path, environment: Mapping[str, str]) -> dict[str, Callable[[], Usage]]:
    actions = {
        "import --auto, nothing new": lambda: process(auto, environment),
        "import --auto, one session grown": lambda: (_grow(projects), process(auto, environment))[1],
        "os.walk and os.stat in Python": lambda: process([sys.executable, "-c", WALK, str(projects)], environment),
    }
    if find := shutil.which("find"):
        actions["find -printf"] = lambda: process([find, str(projects), "-printf", "%s %T@ %p\n"], environment)
    return actions


def _print(found: Mapping[str, Sequence[Usage]]) -> None:
    table(
        ("process", "best ms", "median ms", "cpu ms"),
        [(name, ms(min(walls(u))), ms(p50(walls(u))), ms(p50(cpus(u)))) for name, u in found.items()],
    )
    median = p50(walls(next(iter(found.values()))))
    verdict(f"≤ {BAR} s with nothing new: {median:.2f}", met=median <= BAR)


def _sessions(projects: Path, count: int) -> Path:
    """Make the sessions, unless they are there from an earlier run."""
    if projects.exists():
        return projects
    texts = Texts()
    for number in range(count):
        folder = projects / f"-home-ana-project-{number % PROJECTS}"
        folder.mkdir(parents=True, exist_ok=True)
        session = str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))
        with (folder / f"{session}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(entry) + "\n" for entry in _entries(session, EXCHANGES, texts))
    return projects


def _entries(session: str, exchanges: int, texts: Callable[[], str]) -> Iterator[dict[str, object]]:
    before = None
    for number in range(exchanges * 2):
        role = "assistant" if number % 2 else "user"
        name = f"{session[:-12]}{number:012x}"
        content: object = [{"type": "text", "text": texts()}] if number % 2 else texts()
        yield {
            "parentUuid": before, "isSidechain": False, "userType": "external", "cwd": "/home/ana/project",
            "sessionId": session, "version": "2.1.0", "type": role, "uuid": name,
            "timestamp": f"2026-11-01T10:{number:02}:00.000Z",
            "message": {"role": role, "content": content, "id": f"msg_{name}", "model": "claude-opus"},
        }  # fmt: skip
        before = name


def _grow(projects: Path) -> None:
    """Append an entry to one session, as its agent does."""
    path = next(iter(sorted(projects.rglob("*.jsonl"))))
    entry = next(_entries(str(uuid.uuid4()), 1, lambda: "one more question"))
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**entry, "sessionId": path.stem}) + "\n")


if __name__ == "__main__":
    main()
