"""The nouns of a store that have a module of their own, each loaded when it is asked for.

A new noun is a protocol in `store/`, a `Noun` in a module beside this one, and a property here.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chatlog.store.sqlite.connection import Connection, Pool
from chatlog.store.sqlite.conversations import readable_key_of
from chatlog.timespec import iso

if TYPE_CHECKING:
    from chatlog.store import Clock
    from chatlog.store.forgetting import Forgetting
    from chatlog.store.measures import Measures
    from chatlog.store.memories import Memories
    from chatlog.store.redactions import Redactions
    from chatlog.store.sources import Sources
    from chatlog.store.summaries import Summaries
    from chatlog.store.vectors import Vectors
    from chatlog.store.window import Windows
    from chatlog.store.words import Words


class Noun:
    """What each of them needs: the pool of connections, whose it is, and the clock; a store has them."""

    _pool: Pool
    user: str
    clock: Clock

    def __init__(self, store: Noun) -> None:
        self._pool = store._pool
        self.user = store.user
        self.clock = store.clock

    def _now(self) -> str:
        return iso(self.clock())

    def _readable(self, connection: Connection, conversation: str) -> int:
        """Return the internal key of a conversation of the user's, in the trash or not.  Raises NotFoundError."""
        return readable_key_of(connection, self.user, conversation, self._now())


class Nouns(Noun):
    """All of them, as parts of a store."""

    @property
    def forgetting(self) -> Forgetting:
        from chatlog.store.sqlite.forgetting import SqliteForgetting

        return SqliteForgetting(self)

    @property
    def sources(self) -> Sources:
        from chatlog.store.sqlite.sources import SqliteSources

        return SqliteSources(self)

    @property
    def windows(self) -> Windows:
        from chatlog.store.sqlite.window import SqliteWindows

        return SqliteWindows(self)

    @property
    def summaries(self) -> Summaries:
        from chatlog.store.sqlite.summaries import SqliteSummaries

        return SqliteSummaries(self)

    @property
    def redactions(self) -> Redactions:
        from chatlog.store.sqlite.redactions import SqliteRedactions

        return SqliteRedactions(self)

    @property
    def measures(self) -> Measures:
        from chatlog.store.sqlite.measures import SqliteMeasures

        return SqliteMeasures(self)

    @property
    def memories(self) -> Memories:
        from chatlog.store.sqlite.memories import SqliteMemories

        return SqliteMemories(self)

    @property
    def words(self) -> Words:
        from chatlog.store.sqlite.words import SqliteWords

        return SqliteWords(self)

    @cached_property
    def vectors(self) -> Vectors:  # it keeps what each search looks through
        from chatlog.store.sqlite.meanings import SqliteVectors

        return SqliteVectors(self)
