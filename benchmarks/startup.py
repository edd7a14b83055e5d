"""`python -m benchmarks.startup`: what `list`, `show` and `add` cost as whole processes on a file of 100,000 messages.

Beside them `python -c "import typer"` of the same interpreter, and `llm logs list` on as many messages.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.common import (
    EPOCH,
    Texts,
    Usage,
    build,
    header,
    interleaved,
    missing,
    ms,
    options,
    p50,
    process,
    table,
    verdict,
    workplace,
)
from chatlog.keys import parse
from chatlog.store import files

MESSAGES_EACH = 50
TYPER = 'python -c "import typer"'
LLM = "llm logs list"
#: The three with a bar; the other is what a terminal gets.
VERBS: Mapping[str, Sequence[str]] = {
    "chatlog list": ("list",),
    "chatlog show @last": ("show", "@last"),
    "chatlog add @last": ("add", "@last", "--role", "user", "What did we decide about the retries?"),
    "chatlog list --format table": ("list", "--format", "table"),
}
BARRED = tuple(VERBS)[:3]
#: Keys of a copy of the file: what each adds to `list` (RELIABILITY.md, acceptance 26).
KEYS = {"chatlog list, raw key": "5a" * 32, "chatlog list, passphrase": "a passphrase of some words"}
KEY_BARS = (0.010, 0.300)
#: Variables the processes measured do not get: PYTHONDONTWRITEBYTECODE, say, as installed programs have bytecode.
OURS = ("CHATLOG_", "LLM_", "PYTHON")
TYPER_BAR = 2.0
LLM_BAR = 0.2


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__, quick="10,000 messages, 10 rounds")
    parser.add_argument("--messages", type=int, help="how many messages are in the file (100,000)")
    parser.add_argument("--rounds", type=int, help="how often each process is run (30)")
    asked = parser.parse_args(arguments)
    count = asked.messages or (10_000 if asked.quick else 100_000)
    header(f"Whole processes on a file of {count:,} messages")
    with workplace(asked.folder) as folder:
        found = interleaved(_actions(folder, count), asked.rounds or (10 if asked.quick else 30), warm_up=2)
    _print(found)


def _actions(folder: Path, count: int) -> dict[str, Callable[[], Usage]]:
    conversations = {f"c{number}": MESSAGES_EACH for number in range(count // MESSAGES_EACH)}
    database = build(folder / f"startup-{count}.db", conversations)
    foreign = {name: value for name, value in os.environ.items() if not name.startswith(OURS) or name == "PYTHONPATH"}
    environment = {
        **foreign,
        "CHATLOG_DB": str(database),
        "XDG_CONFIG_HOME": str(folder),
    }
    commands: dict[str, Sequence[str]] = {TYPER: ("-c", "import typer")}
    commands |= {name: ("-m", "chatlog", *words) for name, words in VERBS.items()}
    commands |= {name: ("-m", "chatlog", "list", *_encrypted(database, key)) for name, key in KEYS.items()}
    if not missing("llm"):
        environment["LLM_USER_PATH"] = str(_llm_logs(folder / f"llm-{count}", conversations))
        commands[LLM] = ("-m", "llm", "logs", "list")

    def action(words: Sequence[str]) -> Callable[[], Usage]:
        return lambda: process([sys.executable, *words], environment)

    return {name: action(words) for name, words in commands.items()}


def _encrypted(database: Path, key: str) -> Sequence[str]:
    """Make an encrypted copy of a database; return the options that open it."""
    copy = database.with_name(f"{database.stem}-{len(key)}.db")
    holder = copy.with_suffix(".key")
    if not copy.exists():
        part = copy.with_suffix(".part")
        shutil.copyfile(database, part)
        files.convert(str(part), None, parse(key))
        part.rename(copy)
    holder.write_text(key, "utf-8")
    holder.chmod(0o600)
    return ("--db", str(copy), "--key-file", str(holder))


def _print(found: Mapping[str, Sequence[Usage]]) -> None:
    wall = {name: p50([usage.wall for usage in usages]) for name, usages in found.items()}
    cpu = {name: p50([usage.cpu for usage in usages]) for name, usages in found.items()}
    least = {name: min(usage.wall for usage in usages) for name, usages in found.items()}

    def ratio(times: Mapping[str, float], name: str, peer: str) -> str:
        return f"{times[name] / times[peer]:.2f}" if peer in times else "–"

    table(
        ("process", "wall p50 ms", "min ms", "cpu p50 ms", "wall / typer", "cpu / typer", "wall / llm", "cpu / llm"),
        [
            (
                name, ms(wall[name]), ms(least[name]), ms(cpu[name]),
                ratio(wall, name, TYPER), ratio(cpu, name, TYPER), ratio(wall, name, LLM), ratio(cpu, name, LLM),
            )
            for name in found
        ],
    )  # fmt: skip
    for peer, bar in ((TYPER, TYPER_BAR), (LLM, LLM_BAR)):
        if peer in found:
            worst = max(wall[name] / wall[peer] for name in BARRED)
            verdict(f"list, show and add ≤ {bar} × {peer}: {worst:.2f}", met=worst <= bar)
    for name, bar in zip(KEYS, KEY_BARS, strict=True):
        more = wall[name] - wall["chatlog list"]
        verdict(f"{name}: ≤ {ms(bar)} ms more than a plain file: {ms(more)}", met=more <= bar)


def _llm_logs(folder: Path, conversations: Mapping[str, int]) -> Path:
    """Make llm's own logs.db, by its own migrations, with the same conversations; return its folder."""
    import sqlite_utils
    from llm.migrations import migrate

    path = folder / "logs.db"
    if path.exists():
        return folder
    folder.mkdir(exist_ok=True)
    partial = folder / "logs.db.part"
    partial.unlink(missing_ok=True)
    database = sqlite_utils.Database(partial)
    migrate(database)
    rows = _LlmRows(conversations)
    for name in ("threads", "messages", "parts", "turns", "turn_search"):
        with database.atomic():
            database[name].insert_all(getattr(rows, name)(), batch_size=1_000)
    database.close()
    partial.rename(path)
    return folder


class _LlmRows:
    """The rows llm ≥ 0.36 writes for a history in which each answer is a turn."""

    def __init__(self, conversations: Mapping[str, int]) -> None:
        texts = Texts()
        self.conversations = {name: [texts() for _ in range(count)] for name, count in conversations.items()}

    def _each(self) -> Iterator[tuple[str, int, str]]:
        return ((name, at, text) for name, texts in self.conversations.items() for at, text in enumerate(texts))

    @staticmethod
    def _hash(name: str, at: int) -> str | None:
        return hashlib.sha256(f"{name} {at}".encode()).hexdigest() if at >= 0 else None

    def _answers(self) -> Iterable[tuple[str, str, int]]:
        places = [(name, at) for name, at, _ in self._each() if at % 2]
        return ((f"01k{number:023d}", name, at) for number, (name, at) in enumerate(places))

    def threads(self) -> Iterator[dict[str, object]]:
        for name, texts in self.conversations.items():
            tip = self._hash(name, len(texts) - 1)
            yield {"id": name, "name": texts[0][:60], "tip_message_hash": tip, "datetime_utc": EPOCH.isoformat()}

    def messages(self) -> Iterator[dict[str, object]]:
        for name, at, _ in self._each():
            role = "assistant" if at % 2 else "user"
            yield {"hash": self._hash(name, at), "parent_hash": self._hash(name, at - 1), "role": role}

    def parts(self) -> Iterator[dict[str, object]]:
        for name, at, text in self._each():
            yield {"message_hash": self._hash(name, at), "position": 0, "type": "text", "text": text}

    def turns(self) -> Iterator[dict[str, object]]:
        for turn, name, at in self._answers():
            yield {
                "id": turn, "thread_id": name, "parent_message_hash": self._hash(name, at - 1),
                "tip_message_hash": self._hash(name, at), "model": "gpt-5", "input_tokens": 100, "output_tokens": 100,
                "duration_ms": 1_000, "datetime_utc": EPOCH.isoformat(),
            }  # fmt: skip

    def turn_search(self) -> Iterator[dict[str, object]]:
        for turn, name, at in self._answers():
            prompt, response = self.conversations[name][at - 1 : at + 1]
            yield {"turn_id": turn, "prompt": prompt, "response": response}


if __name__ == "__main__":
    main()
