"""Other programs that bring histories into an SQLite file: ctk (conversation-tk) and claude-code-log.

Each takes history files and a folder for what it makes, and returns what the work itself took.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from benchmarks.common import Stopwatch, Usage, missing
from chatlog import formats
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft, MessageDraft

#: Brings files into a new database in a folder.
Importer = Callable[[Sequence[Source], Path], Usage]


def claude_code_log(sources: Sequence[Source], place: Path) -> Usage:
    """Bring Claude Code's sessions into the cache that claude-code-log reads and searches them in."""
    from claude_code_log.cache import CacheManager, get_library_version
    from claude_code_log.converter import ensure_fresh_cache

    project = place / "projects" / "-work"
    project.mkdir(parents=True)
    for number, source in enumerate(sources):
        shutil.copyfile(str(source.path), project / f"{number:04}.jsonl")
    with redirect_stdout(StringIO()):  # it prints each line that it cannot read
        watch = Stopwatch()
        ensure_fresh_cache(project, CacheManager(project, get_library_version()), silent=True)
        return watch.stop()


def ctk(sources: Sequence[Source], place: Path) -> Usage:
    """Bring talks into ctk's database, told to it as lines of `messages`: it knows no `from` and `value`."""
    from ctk.core.database import ConversationDB
    from ctk.importers.jsonl import JSONLImporter

    told = place / "talks.jsonl"
    told.write_text("".join(f"{json.dumps({'messages': talk})}\n" for talk in _talks(sources)), encoding="utf-8")
    watch = Stopwatch()
    with ConversationDB(str(place / "ctk")) as database:
        for conversation in JSONLImporter().import_data(told.read_text(encoding="utf-8")):
            database.save_conversation(conversation)
    return watch.stop()


def _talks(sources: Sequence[Source]) -> Iterator[list[dict[str, str]]]:
    talk: list[dict[str, str]] = []
    for record in (record for source in sources for record in formats.reader("sharegpt").read(source)):
        if isinstance(record, ConversationDraft) and talk:
            yield talk
            talk = []
        elif isinstance(record, MessageDraft):
            talk.append({"role": record.role, "content": record.text})
    yield talk


def peers(format_name: str) -> dict[str, Importer]:
    """Return who else reads a format, if it is installed; who is not is named."""
    found: dict[str, Importer] = {}
    if format_name == "claude_code" and not missing("claude-code-log"):
        found["claude-code-log, into its cache"] = claude_code_log
    if format_name == "sharegpt" and not missing("conversation-tk"):
        found["ctk, told as roles and contents"] = ctk
    return found
