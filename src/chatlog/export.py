"""Export from a store: which conversations, in which format, into which new files.

Nothing here knows a format or a terminal.  A file appears under its name only once it is whole.  Of a damaged
database all that can still be read is written.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO, cast

from chatlog import formats
from chatlog.errors import DamagedFileError, NotFoundError, RefusedError, not_written
from chatlog.models import Conversation, Extra, Filters, Message, Page, new_id
from chatlog.paths import exists, is_sink
from chatlog.store import Store


def select(store: Store, filters: Filters) -> Iterator[Conversation]:
    """Yield all conversations that the filters let through, the oldest first."""
    for page in _pages(store, filters):
        yield from page.items


def _pages(store: Store, filters: Filters, *, readable: bool = False) -> Iterator[Page]:
    """Yield all that the filters let through, the oldest first."""
    cursor = None
    while True:
        page = store.conversations(filters, sort="created:asc", limit=200, cursor=cursor, readable=readable)
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return


@dataclass(slots=True)
class ExportReport:
    """What an export wrote; `paths` where it wrote files, `lost` how much of which conversation cannot be read.

    `earlier` are the pages of a site that were there before and of which its index knows no more.
    """

    conversations: int = 0
    messages: int = 0
    paths: list[str] = field(default_factory=list)
    earlier: list[str] = field(default_factory=list)
    lost: dict[str, int] = field(default_factory=dict)


#: What stands for memories and tombstones in a report of what cannot be read.
BESIDE = "memories"
#: Told after each conversation what is written by now.
Progress = Callable[[ExportReport], object]


class Exporter:
    """Writes conversations in one format, counting what it wrote."""

    def __init__(self, store: Store, to: str, progress: Progress | None = None) -> None:
        self.store = store
        self.to = to
        self.writer = formats.writer(to)
        self.form = formats.WRITERS[to]
        self.progress = progress
        self.report = ExportReport()

    def every(self, filters: Filters) -> Iterator[Conversation]:
        """Yield all that the filters let through, the oldest first, as far as it can be read."""
        for page in _pages(self.store, filters, readable=True):
            self.report.lost |= dict.fromkeys(page.lost, 0)
            yield from page.items

    def write(self, conversations: Iterable[Conversation], out: IO[str], *, everything: bool = False) -> None:
        """Write to a text stream; with `everything`, a lossless form ends with memories and tombstones."""
        counting = _Counting(out)
        transcripts = self._transcripts(conversations, counting)
        if self.form.lossless:
            from chatlog.formats import chatlog, json_document

            lossless = chatlog if self.to == "jsonl" else json_document
            lossless.write(
                transcripts,
                cast("IO[str]", counting),
                lambda name: self._extras(name) if name or everything else (),
            )
        else:
            self.writer.write(transcripts, cast("IO[str]", counting))

    def _extras(self, conversation: str | None) -> Iterator[Extra]:
        """Yield what stands beside a conversation, or beside all of them, as far as it can be read."""
        try:
            yield from self.store.extras(conversation)
        except DamagedFileError:
            self.report.lost.setdefault(conversation or BESIDE, 0)

    def _transcripts(
        self, conversations: Iterable[Conversation], out: _Counting | None = None
    ) -> Iterator[formats.Transcript]:
        """Yield what is to be written, and count it; what the writer wrote nothing of is not counted."""
        for conversation in conversations:
            before = out.chars if out else 0
            messages = _Messages(self, conversation)
            if not messages.begin():
                continue
            yield conversation, messages
            if out and out.chars > before:
                messages.report()
            if self.progress is not None:
                self.progress(self.report)

    def write_file(self, conversations: Iterable[Conversation], path: Path, *, force: bool, everything: bool) -> None:
        """Write one new private file.

        Raises RefusedError where it exists and `force` is false, or is the database itself.
        """
        check_target(self.store, path)
        with new_file(path, force=force) as out:
            self.write(conversations, out, everything=everything)
        self.report.paths.append(str(path))

    def write_folder(self, conversations: Iterable[Conversation], folder: Path, *, force: bool) -> None:
        """Write a file per conversation into a folder, named after its title; pages with an index of them."""
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            named = _Named(folder, self.form.extension, force=force)
        except OSError as error:
            raise not_written(error, f"into {folder}") from None
        if self.to == "html":
            self._write_site(conversations, named)
            self.report.earlier = sorted(path.name for path in named.before.values())
            return
        for conversation in conversations:
            with named.file(conversation) as path:
                self.write_file([conversation], path, force=force, everything=False)
            if not path.stat().st_size:  # some forms have no use for some conversations
                path.unlink()
                self.report.paths.pop()

    def _write_site(self, conversations: Iterable[Conversation], named: _Named) -> None:
        from chatlog.formats import webpage
        from chatlog.formats.webpage.site import INDEX, Site

        index, force = named.folder / INDEX, named.force
        if not force and (exists(index) or index.is_symlink()):
            raise _exists(index)
        with closing(Site()) as site:
            for talk, messages in self._transcripts(conversations):
                with named.file(talk) as path, new_file(path, force=force) as out:
                    webpage.write([(talk, messages)], out, home=INDEX)
                site.add(talk, messages, path.name)
                self.report.paths.append(str(path))
            with new_file(index, force=force) as out:
                site.write(out)
        self.report.paths.append(str(index))


class _Named:
    """The files of conversations in a folder, which their ids tell apart: one with a new title has its file renamed."""

    def __init__(self, folder: Path, extension: str, *, force: bool) -> None:
        self.folder = folder
        self.extension = extension
        self.force = force
        ours = re.compile(rf".*-([a-z2-7]{{{ID_CHARS}}}){re.escape(extension)}", re.DOTALL)
        found = [(path, ours.fullmatch(path.name)) for path in folder.iterdir()]
        self.before = {match[1]: path for path, match in found if match}

    @contextmanager
    def file(self, conversation: Conversation) -> Iterator[Path]:
        """Yield where a conversation is to be written, and take away what it was written to under another title.

        Raises RefusedError where it was, unless forced.
        """
        path = self.folder / (file_name(conversation) + self.extension)
        before = self.before.pop(conversation.id[:ID_CHARS], path)
        if before.name != path.name and not self.force:
            raise _exists(before)
        yield path
        if before.name != path.name:
            with suppress(FileNotFoundError):
                if not before.samefile(path):  # the same where only the case of a letter is another
                    before.unlink()


class _Messages:
    """The messages of a conversation as a form wants them, read anew each time; those that it shows are counted once.

    Of a form of pages each conversation is one, written once it is read; of others some are left out.
    """

    def __init__(self, exporter: Exporter, conversation: Conversation) -> None:
        self.exporter = exporter
        self.conversation = conversation
        self.count = 0
        self.is_reported = False
        self._begun: Iterator[Message] | None = None

    def begin(self) -> bool:
        """Read the first of them; whether the conversation is there, or was removed since it was listed."""
        every = self._every()
        try:
            self._begun = chain([*islice(every, 1)], every)
        except NotFoundError:
            return False
        return True

    def __iter__(self) -> Iterator[Message]:
        form, count = self.exporter.form, 0
        begun, self._begun = self._begun or self._every(), None
        for message in begun:
            count += not message.hidden or (form.whole and not form.paged)
            yield message
        self.count = count
        if form.paged:
            self.report()

    def _every(self) -> Iterator[Message]:
        return self._readable() if self.exporter.form.whole else self.exporter.store.messages(self.conversation.id)

    def _readable(self) -> Iterator[Message]:
        """Yield the messages of the whole tree; where the file is damaged, one by one those that can be read."""
        name, total = self.conversation.id, self.conversation.messages
        store, read, seq = self.exporter.store, 0, 0
        try:
            for message in store.messages(name, all_branches=True):
                read, seq = read + 1, message.seq
                yield message
        except DamagedFileError:
            for place in range(seq + 1, max(total, self.conversation.head or 0) + 1):
                with suppress(DamagedFileError, NotFoundError):
                    message = store.message(name, place)
                    read += 1
                    yield message
            self.exporter.report.lost[name] = max(total - read, 1)

    def report(self) -> None:
        """Count the conversation as written, once."""
        if not self.is_reported:
            self.is_reported = True
            self.exporter.report.conversations += 1
            self.exporter.report.messages += self.count


class _Counting:
    """A text stream that knows how much was written to it."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self.chars = 0

    def write(self, text: str) -> int:
        self.chars += len(text)
        return self._out.write(text)


#: So much of a conversation's id stands in its file's name.
ID_CHARS = 8
#: So much of a title stands in a file's name; file systems take 255 bytes in all.
MAX_NAME_BYTES = 180
#: More of a title is not looked at.
_LOOKED_AT = 1_000
_SAFE, _MARKS = " .,()'+-_", ("Mn", "Mc")
#: What Windows takes for a device whatever follows its dot.
_DEVICE = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)\.", re.IGNORECASE)


def file_name(conversation: Conversation) -> str:
    """Return a file name for a conversation: its title made safe for any system, and the start of its id."""
    title = _letters(unicodedata.normalize("NFC", (conversation.title or "untitled")[:_LOOKED_AT]))
    safe = _DEVICE.sub(r"\1 ", " ".join(title.split()).lstrip(" .-")[:60], count=1)
    safe = safe.encode("utf-8")[:MAX_NAME_BYTES].decode("utf-8", "ignore").rstrip(" .")
    return f"{safe or 'untitled'}-{conversation.id[:ID_CHARS]}"


def _letters(title: str) -> str:
    """Return a title's letters with the marks they carry (vowels, in Hindi and Thai), figures, and what is safe."""
    kept = [" "]
    for char in title:
        carries = kept[-1].isalpha() or unicodedata.category(kept[-1]) in _MARKS
        is_kept = char.isalnum() or char in _SAFE or (carries and unicodedata.category(char) in _MARKS)
        kept.append(char if is_kept else " ")
    return "".join(kept)


def check_target(store: Store, path: Path) -> None:
    """Raise RefusedError for a file of the database's own: nothing that is written may replace the history."""
    if store.owns(path):
        raise RefusedError(f"{path} is the database itself", "choose another name")


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[IO[str]]:
    """Open a private file that appears under its name only once it is whole; a device or pipe is written to as it is.

    Raises RefusedError where it exists and `force` is false, NotFoundError where it cannot be written.
    """
    if is_sink(path):
        with path.open("w", encoding="utf-8", newline="\n") as out:
            yield out
        return
    partial = path.with_name(f".chatlog-{new_id()[:8]}.part")
    try:
        if not force and (exists(path) or path.is_symlink()):
            raise _exists(path)
        handle = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise not_written(error, path) from None
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
