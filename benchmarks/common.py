"""What the benchmarks share: interleaved timing, percentiles, tables, made-up text and histories.

Measures and prints; decides nothing and knows no peer.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import TypeVar

import chatlog
from chatlog.models import ConversationDraft, MessageDraft

PEERS = ("llm", "langchain-community", "openai-agents", "claude-code-log", "conversation-tk")
SEED = 20_261_120
#: How many words a made-up text has: as an assistant's, and as people's; those of the labelled sets have 14 to 26.
LONG, SHORT = (20, 120), (6, 34)
BATCH = 5_000
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

T = TypeVar("T")


# timing


@dataclass(frozen=True, slots=True)
class Usage:
    """What something took, in seconds: by the clock, and of processor time (user and system)."""

    wall: float
    cpu: float


def interleaved(
    actions: Mapping[str, Callable[[], T]],
    rounds: int,
    *,
    batch: int = 1,
    warm_up: int = 1,
    seconds: float | None = None,
) -> dict[str, list[T]]:
    """Call each action `batch` times a round, A B A B …, so that what the machine does meanwhile meets all alike.

    An action that has used up `seconds` sits the other rounds out, three calls excepted.
    """
    found: dict[str, list[T]] = {name: [] for name in actions}
    used = dict.fromkeys(actions, 0.0)
    turns = [(number, name) for number in range(-warm_up, rounds) for name in actions for _ in range(batch)]
    for number, name in turns:
        if seconds is not None and used[name] > seconds and (number < 0 or len(found[name]) >= 3):
            continue
        start = time.perf_counter()
        result = actions[name]()
        used[name] += time.perf_counter() - start
        if number >= 0:
            found[name].append(result)
    return found


class Stopwatch:
    """Measures from its making on: the clock, and the processor time of the whole process."""

    def __init__(self) -> None:
        self.cpu = time.process_time()
        self.wall = time.perf_counter()

    def stop(self) -> Usage:
        """Return what has passed."""
        return Usage(time.perf_counter() - self.wall, time.process_time() - self.cpu)


def process(command: Sequence[str], environment: Mapping[str, str]) -> Usage:
    """Run a whole process, its output thrown away, and return what it took; modules are compiled once, as pip does."""
    environment = {name: value for name, value in environment.items() if name != "PYTHONDONTWRITEBYTECODE"}
    nowhere = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in (0, 1, 2)]
    start = time.perf_counter()
    child = os.posix_spawn(command[0], command, environment, file_actions=nowhere)
    _, status, used = os.wait4(child, 0)
    wall = time.perf_counter() - start
    if status:
        failed = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        sys.exit(f"{' '.join(command)} failed ({status}):\n{failed.stderr}")
    return Usage(wall, used.ru_utime + used.ru_stime)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


# what is printed


def header(title: str) -> None:
    """Print what was measured where, with what, and when."""
    from sqlcipher3 import dbapi2

    versions = [f"{name} {version(name)}" for name in PEERS if is_installed(name)]
    print(f"\n## {title}\n")
    print(f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}; {platform.system()} {platform.machine()}, ", end="")
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; Python {platform.python_version()}, ", end="")
    print(f"SQLite {dbapi2.sqlite_version}; {', '.join([f'chatlog {_own_version()}', *versions])}")


def is_installed(distribution: str) -> bool:
    """Whether a package is installed."""
    try:
        return bool(version(distribution))
    except PackageNotFoundError:
        return False


def _own_version() -> str:
    return version("chatlog") if is_installed("chatlog") else "(source tree)"


def missing(distribution: str) -> bool:
    """Whether a peer is not installed, which is said."""
    if is_installed(distribution):
        return False
    print(f"{distribution} is not installed, so it is left out: pip install -r benchmarks/requirements.txt")
    return True


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table, its columns aligned: the first to the left, the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(columns, *rows, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    print()
    for row in (columns, rule, *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print(f"| {' | '.join(cells)} |")


def ms(seconds: float) -> str:
    """Return seconds as milliseconds."""
    value = seconds * 1000
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def verdict(sentence: str, *, met: bool) -> None:
    """Print a bar and whether it is met."""
    print(f"{'met   ' if met else 'MISSED'}  {sentence}")


def p50(values: Sequence[float]) -> float:
    """Return the median."""
    return median(values)


def walls(usages: Sequence[Usage]) -> list[float]:
    """Return the seconds by the clock."""
    return [usage.wall for usage in usages]


def cpus(usages: Sequence[Usage]) -> list[float]:
    """Return the seconds of processor time."""
    return [usage.cpu for usage in usages]


# what is measured on


def options(description: str | None, *, quick: str) -> argparse.ArgumentParser:
    """Return a parser with the options every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--folder", type=Path, help="where to put the files, kept for the next run (temporary)")
    return parser


@contextmanager
def workplace(folder: Path | None) -> Iterator[Path]:
    """Lend a folder: the one asked for, which is kept, or a temporary one."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="chatlog-benchmark-") as temporary:
        yield Path(temporary)


class Texts:
    """Made-up prose of 20 to 120 words with the frequencies of a language, the same on each run."""

    def __init__(self, seed: int = SEED, lengths: tuple[int, int] = LONG) -> None:
        self.random = random.Random(seed)
        self.lengths = lengths
        syllables = [a + b for a in ("b", "d", "k", "l", "m", "n", "p", "r", "s", "t", "st", "tr", "") for b in "aeiou"]
        words = ["".join(self.random.choices(syllables, k=self.random.randint(1, 4))) for _ in range(20_000)]
        shares = [1 / rank for rank in range(1, len(words) + 1)]
        self.stream = self.random.choices(words, shares, k=500_000)

    def __call__(self) -> str:
        """Return a text."""
        length = self.random.randint(*self.lengths)
        start = self.random.randrange(len(self.stream) - length)
        return " ".join(self.stream[start : start + length])


def history(conversations: Mapping[str, int], texts: Texts) -> Iterator[ConversationDraft | MessageDraft]:
    """Yield conversations, by name and number of messages, with people and assistants taking turns."""
    moment = EPOCH
    for name, count in conversations.items():
        yield ConversationDraft(source_id=name, title=" ".join(texts().split()[:6]))
        for number in range(count):
            moment += timedelta(seconds=1)
            yield MessageDraft(
                role="assistant" if number % 2 else "user",
                text=texts(),
                source_id=f"{name}-{number}",
                parent=f"{name}-{number - 1}" if number else None,
                conversation=name,
                created_at=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            )


def build(path: Path, conversations: Mapping[str, int], lengths: tuple[int, int] = LONG) -> Path:
    """Make a chatlog file of made-up conversations, unless it is there from an earlier run."""
    if path.exists():
        return path
    count = sum(conversations.values())
    print(f"making {path.name}: {count:,} messages in {len(conversations):,} conversations …", file=sys.stderr)
    partial = path.with_name(f"{path.name}.part")
    partial.unlink(missing_ok=True)
    with chatlog.open(partial, synchronous="NORMAL") as store:
        batch: list[ConversationDraft | MessageDraft] = []
        for record in history(conversations, Texts(lengths=lengths)):
            batch.append(record)
            if len(batch) == BATCH:
                store.ingest("benchmark", batch)
                batch = []
        store.ingest("benchmark", batch)
    return partial.rename(path)


def in_memory(path: Path) -> None:
    """Read a file that nobody has open, so that the system has it in its cache."""
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass
