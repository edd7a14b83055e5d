"""`python -m benchmarks.import_rate [FOLDER]`: megabytes of JSON imported a second into a fresh file.

The reader alone (JSON to records) and the whole import (to a committed, searchable file) by turns, beside them
another program that brings the same history into an SQLite file, and how large the file is against the words in it.
Without a folder, the project's Claude Code and ShareGPT samples, or made-up Claude Code sessions.
"""

from __future__ import annotations

import gc
import re
import sqlite3
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import chatlog
from benchmarks.common import (
    Stopwatch,
    Usage,
    cpus,
    header,
    interleaved,
    options,
    p50,
    table,
    verdict,
    walls,
    workplace,
)
from benchmarks.import_peers import peers
from chatlog import formats
from chatlog.formats.archive import sources
from chatlog.formats.source import Source, files

FORMATS = ("claude_code", "sharegpt")
SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"
SESSION = Path(chatlog.__file__).parent / "demo" / "claude-code-session.jsonl"
BAR = 20.0
WHOLE = "whole import"
#: A peer may take a hundred times as long.
PEER_RUNS = 2
MADE_UP_BYTES = 10_000_000
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__, quick="2 runs")
    parser.add_argument("history", nargs="?", type=Path, metavar="FOLDER", help="sessions or data sets")
    parser.add_argument("--runs", type=int, help="how often it is imported (7)")
    asked = parser.parse_args(arguments)
    header("Import of JSON histories")
    with workplace(asked.folder) as folder:
        samples = [SAMPLES / name for name in FORMATS if (SAMPLES / name).is_dir()]
        histories = [asked.history] if asked.history else samples or [_made_up(folder / "sessions")]
        for history in histories:
            found = [source for file in files(history) for source in sources(file)]
            chosen = [source for source in found if source.path and formats.detect(source) in FORMATS]
            if not chosen:
                parser.exit(2, f"there are no Claude Code or ShareGPT files in {history}\n")
            _measure(history, chosen, folder / f"import-{time.time_ns()}.db", asked.runs or (2 if asked.quick else 7))


def _measure(history: Path, chosen: Sequence[Source], fresh: Path, runs: int) -> None:
    size = sum(source.size or 0 for source in chosen)
    print(f"{history}: {len(chosen)} files, {size / 1e6:.1f} MB")
    found = interleaved({"reader alone": lambda: _read(chosen), WHOLE: lambda: _import(chosen, fresh)}, runs)
    others = peers(formats.detect(chosen[0]) or "")
    sizes: dict[str, int] = {}
    for name, peer in others.items():
        found[name] = []
        for _ in range(min(runs, PEER_RUNS)):
            with TemporaryDirectory(dir=fresh.parent) as place:
                found[name].append(peer(chosen, Path(place)))
                sizes[name] = sum(file.stat().st_size for file in Path(place).rglob("*.db"))
    _print(found, size, fresh)
    for name in others:
        ratio = p50(walls(found[WHOLE])) / p50(walls(found[name]))
        print(f"{name}: a file of {sizes[name] / 1e6:.1f} MB, {sizes[name] / _words(fresh)[0]:.2f} × the words")
        verdict(f"ahead of {name}: {ratio:.2f} ×", met=ratio < 1)
    fresh.unlink()


def _read(chosen: Sequence[Source]) -> Usage:
    gc.collect()
    watch = Stopwatch()
    for source in chosen:
        for _ in formats.reader(formats.detect(source) or "").read(source):
            pass
    return watch.stop()


def _import(chosen: Sequence[Source], fresh: Path) -> Usage:
    """Import the files into a new database, which is left; return what it took until it was closed."""
    fresh.unlink(missing_ok=True)
    gc.collect()
    watch = Stopwatch()
    with chatlog.open(fresh) as store:
        chatlog.import_history(store, [source.path for source in chosen if source.path])
    return watch.stop()


def _print(found: dict[str, list[Usage]], size: int, fresh: Path) -> None:
    def rate(seconds: float) -> str:
        return f"{size / seconds / 1e6:.1f}"

    table(
        ("step", "best MB/s", "median MB/s", "MB per cpu s, best", "median", "median s"),
        [
            (
                name, rate(min(walls(usages))), rate(p50(walls(usages))), rate(min(cpus(usages))),
                rate(p50(cpus(usages))), f"{p50(walls(usages)):.2f}",
            )
            for name, usages in found.items()
        ],
    )  # fmt: skip
    stored, words, messages = fresh.stat().st_size, *_words(fresh)
    print(
        f"{messages:,} messages; the file is {stored / 1e6:.1f} MB, {stored / words:.2f} × its words "
        f"(text and tool text, {words / 1e6:.1f} MB), {stored / size:.2f} × the JSON"
    )
    whole = walls(found[WHOLE])
    verdict(
        f"≥ {BAR:.0f} MB/s of JSON: {rate(p50(whole))}, at best {rate(min(whole))}", met=size / p50(whole) >= BAR * 1e6
    )


def _words(path: Path) -> tuple[int, int]:
    """Return the bytes of text and tool text in a database, and its number of messages."""
    connection = sqlite3.connect(path)
    size = connection.execute(
        "SELECT sum(length(CAST(text AS BLOB)) + coalesce(length(CAST(tool AS BLOB)), 0)) FROM bodies"
    ).fetchone()[0]
    count = connection.execute("SELECT count(*) FROM messages").fetchone()[0]
    connection.close()
    return size, count


def _made_up(folder: Path) -> Path:
    """Make a folder of sessions out of the demo's, each with ids of its own."""
    folder.mkdir(exist_ok=True)
    text = SESSION.read_text("utf-8")
    for number in range(MADE_UP_BYTES // len(text)):
        copy = _UUID.sub(lambda match, n=number: str(uuid.uuid5(uuid.NAMESPACE_OID, f"{n} {match[0]}")), text)
        (folder / f"{number:04}.jsonl").write_text(copy, "utf-8")
    return folder


if __name__ == "__main__":
    main()
