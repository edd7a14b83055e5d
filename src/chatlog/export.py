"""Export from a store: which conversations, in which format, into which new files.

Nothing here knows a format or a terminal.  A file appears under its name only once it is whole.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from chatlog import formats
from chatlog.errors import NotFoundError, RefusedError
from chatlog.models import Conversation, Filters, Message, new_id
from chatlog.store import Store


def select(store: Store, refs: Sequence[str] | None, filters: Filters) -> Iterator[Conversation]:
    """Yield the conversations of some refs, or all that the filters let through, the oldest first."""
    if refs is not None:
        for ref in refs:
            yield store.get(ref)
        return
    cursor = None
    while True:
        page = store.conversations(filters, sort="created:asc", limit=200, cursor=cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


@dataclass(slots=True)
class ExportReport:
    """What an export wrote; `paths` where it wrote files."""

    conversations: int = 0
    messages: int = 0
    paths: list[str] = field(default_factory=list)


class Exporter:
    """Writes conversations in one format, counting what it wrote."""

    def __init__(self, store: Store, to: str) -> None:
        self.store = store
        self.to = to
        self.writer = formats.writer(to)
        self.report = ExportReport()

    def write(self, conversations: Iterable[Conversation], out: IO[str], *, everything: bool = False) -> None:
        """Write to a text stream; with `everything`, chatlog JSONL ends with memories and tombstones."""
        transcripts = ((conversation, self._messages(conversation)) for conversation in conversations)
        if self.to == "jsonl":
            from chatlog.formats import chatlog

            chatlog.write(transcripts, out, lambda name: self.store.extras(name) if name or everything else ())
        else:
            self.writer.write(transcripts, out)

    def _messages(self, conversation: Conversation) -> Iterator[Message]:
        self.report.conversations += 1
        for message in self.store.messages(conversation.id, all_branches=self.to == "jsonl"):
            self.report.messages += 1
            yield message

    def write_file(self, conversations: Iterable[Conversation], path: Path, *, force: bool, everything: bool) -> None:
        """Write one new private file.  Raises RefusedError where it exists and `force` is false."""
        with new_file(path, force=force) as out:
            self.write(conversations, out, everything=everything)
        self.report.paths.append(str(path))

    def write_folder(self, conversations: Iterable[Conversation], folder: Path, *, force: bool) -> None:
        """Write a file per conversation into a folder, named after its title."""
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise NotFoundError(f"cannot write into {folder}: {error.strerror}") from None
        extension = formats.WRITERS[self.to][1]
        for conversation in conversations:
            self.write_file(
                [conversation], folder / (file_name(conversation) + extension), force=force, everything=False
            )


#: So much of a title stands in a file's name; file systems take 255 bytes in all.
MAX_NAME_BYTES = 180
_UNSAFE = re.compile(r"[^\w .,()'+-]+")


def file_name(conversation: Conversation) -> str:
    """Return a file name for a conversation: its title made safe for any system, and the start of its id."""
    title = unicodedata.normalize("NFC", conversation.title or "untitled")
    safe = " ".join(_UNSAFE.sub(" ", title).split()).strip(" .")[:60]
    safe = safe.encode("utf-8")[:MAX_NAME_BYTES].decode("utf-8", "ignore").strip(" .")
    return f"{safe or 'untitled'}-{conversation.id[:8]}"


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[IO[str]]:
    """Open a private file that appears under its name only once it is whole.

    Raises RefusedError where it exists and `force` is false, NotFoundError where it cannot be written.
    """
    partial = path.with_name(f".chatlog-{new_id()[:8]}.part")
    try:
        if not force and (path.exists() or path.is_symlink()):
            raise _exists(path)
        handle = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise NotFoundError(f"cannot write {path}: {error.strerror}") from None
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as out:  # noqa: PTH123  a descriptor, not a path
            yield out
        _name(partial, path, force=force)
    finally:
        partial.unlink(missing_ok=True)


def _name(partial: Path, path: Path, *, force: bool) -> None:
    """Give a finished file its name, in place of another only with `force`."""
    if force:
        partial.replace(path)
        return
    try:
        os.link(partial, path)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:  # a file system without links
        partial.replace(path)


def _exists(path: Path) -> RefusedError:
    return RefusedError(f"{path} exists already", "choose another name, or add --force")
