"""Redaction on the way out: a store whose every word is read redacted.

What it does not know of it refuses: a method that is neither here nor in a list of those that tell no words fails,
so that what is forgotten here does not leave as it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, ClassVar, cast

from chatlog import redacting
from chatlog.canonical import content_hash
from chatlog.models import Conversation, Extra, Hit, Message, MessageDraft
from chatlog.redaction import Redactor
from chatlog.store import Store
from chatlog.store.window import Count, Counted, Opening, Remembered


def view(store: Store, redactor: Redactor) -> Store:
    """Return a store that is read redacted: for what leaves the machine."""
    return cast("Store", RedactedStore(store, redactor))


def message(redactor: Redactor, found: Message) -> Message:
    """Return a message redacted, its hash that of what it says now."""
    draft = MessageDraft(
        role=found.role, text=found.text, parts=found.parts, author=found.author, metadata=found.metadata
    )
    clean = redacting.message_draft(redactor, draft)
    if clean is draft:
        return found
    return found._replace(
        text=clean.text,
        parts=clean.parts,
        author=clean.author,
        metadata=clean.metadata,
        tokens=None,
        sha256=content_hash(found.role, clean.parts, clean.text).hex(),
    )


def conversation(redactor: Redactor, found: Conversation) -> Conversation:
    """Return a conversation redacted; tags that became the same are one."""
    found = found._replace(title=_uncut(found.title))
    changes = redacting.fields(redactor, found)
    if "tags" in changes:
        changes["tags"] = tuple(dict.fromkeys(changes["tags"]))
    return found._replace(**changes)


def _uncut(title: str | None) -> str | None:
    """Return a title without the word that it was cut within, which may be a secret's beginning."""
    return title and _CUT.sub("…", title)


#: What a title that was cut ends with: a piece of a word in ASCII, as secrets are.
_CUT = re.compile(r"[!-~]+…\Z")


class _Redacted:
    """A part of a store, redacted; `passes` are the methods that tell no words."""

    passes: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, plain: Any, redactor: Redactor) -> None:
        self._plain = plain
        self._redactor = redactor

    def __getattr__(self, name: str) -> Any:
        if name not in self.passes:
            raise AttributeError(f"{type(self).__name__} has no {name}: nobody said how it is redacted")
        return getattr(self._plain, name)

    def _message(self, found: Message) -> Message:
        return message(self._redactor, found)

    def _hit(self, hit: Hit) -> Hit:
        return hit._replace(message=self._message(hit.message), title=self._redactor.value(_uncut(hit.title)))


class RedactedWindows(_Redacted):
    """What contexts are assembled from, redacted; what changed is counted anew."""

    passes = frozenset({"active"})

    def opening(self, name: str, encoding: str, count: Count) -> Opening:
        found = self._plain.opening(name, encoding, count)
        system, kept = (tuple(map(self._message, some)) for some in (found.system, found.kept))
        return cast("Opening", found._replace(system=system, kept=kept))

    def tail(self, name: str, encoding: str, count: Count, **options: Any) -> list[Counted]:
        counted = []
        for found in self._plain.tail(name, encoding, count, **options):
            clean = self._message(found.message)
            tokens = found.tokens if clean is found.message or clean.hidden else count(clean)
            counted.append(Counted(clean, tokens))
        return counted

    def asked(self, name: str, before: int) -> Message | None:
        found = self._plain.asked(name, before)
        return found and self._message(found)

    def memories(self, *arguments: Any, **options: Any) -> list[Remembered]:
        found = self._plain.memories(*arguments, **options)
        return [memory._replace(**redacting.noted(self._redactor, memory._asdict())) for memory in found]


class RedactedWords(_Redacted):
    """The word index: where words are is told as it is, what stands there is not."""

    passes = frozenset({"size", "posting", "known", "placed", "allowed", "spots", "surroundings"})

    def texts(self, bodies: Collection[int], most: int) -> dict[int, str]:
        return {body: self._redactor.text(text) for body, text in self._plain.texts(bodies, most).items()}

    def titled(self, *arguments: Any) -> list[tuple[str, str]]:
        return [(name, self._redactor.text(title)) for name, title in self._plain.titled(*arguments)]

    def titles(self, *arguments: Any, **options: Any) -> dict[int, str]:
        return {key: self._redactor.text(title) for key, title in self._plain.titles(*arguments, **options).items()}

    def hits(self, places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Hit]:
        return {place: self._hit(hit) for place, hit in self._plain.hits(places).items()}


class RedactedSummaries(_Redacted):
    """Summaries, redacted."""

    def latest(self, name: str) -> dict[str, Any]:
        found = self._plain.latest(name)
        return {kind: one._replace(**redacting.noted(self._redactor, one._asdict())) for kind, one in found.items()}


class RedactedStore(_Redacted):
    """A store, redacted; its vectors go to the embedder that the index of meanings is made with, and nowhere else."""

    passes = frozenset({"user", "clock", "owns", "record", "vectors"})

    @property
    def windows(self) -> RedactedWindows:
        return RedactedWindows(self._plain.windows, self._redactor)

    @property
    def words(self) -> RedactedWords:
        return RedactedWords(self._plain.words, self._redactor)

    @property
    def summaries(self) -> RedactedSummaries:
        return RedactedSummaries(self._plain.summaries, self._redactor)

    def get(self, ref: str, **options: Any) -> Conversation:
        return conversation(self._redactor, self._plain.get(ref, **options))

    def conversations(self, *arguments: Any, **options: Any) -> Any:
        page = self._plain.conversations(*arguments, **options)
        return page._replace(items=tuple(conversation(self._redactor, item) for item in page.items))

    def message(self, name: str, seq: int) -> Message:
        return self._message(self._plain.message(name, seq))

    def messages(self, *arguments: Any, **options: Any) -> Iterator[Message]:
        return map(self._message, self._plain.messages(*arguments, **options))

    def around(self, *arguments: Any, **options: Any) -> list[Message]:
        return [*map(self._message, self._plain.around(*arguments, **options))]

    def scan(self, *arguments: Any, **options: Any) -> Iterator[Hit]:
        return map(self._hit, self._plain.scan(*arguments, **options))

    def extras(self, name: str | None = None) -> Iterator[Extra]:
        return cast("Iterator[Extra]", redacting.records(self._redactor, self._plain.extras(name)))
