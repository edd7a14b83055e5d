"""The nouns of a store that have a module of their own, each loaded when it is asked for.

A new noun is a protocol in `store/`, a class beside this one, and a property here.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chatlog.store.sqlite.connection import Pool

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


class Nouns:
    """What they need: the pool of connections, whose they are, and the clock."""

    user: str
    clock: Clock
    _pool: Pool

    @property
    def forgetting(self) -> Forgetting:
        from chatlog.store.sqlite.forgetting import SqliteForgetting

        return SqliteForgetting(self._pool, self.user, self.clock)

    @property
    def sources(self) -> Sources:
        from chatlog.store.sqlite.sources import SqliteSources

        return SqliteSources(self._pool, self.user)

    @property
    def windows(self) -> Windows:
        from chatlog.store.sqlite.window import SqliteWindows

        return SqliteWindows(self._pool, self.user, self.clock)

    @property
    def summaries(self) -> Summaries:
        from chatlog.store.sqlite.summaries import SqliteSummaries

        return SqliteSummaries(self._pool, self.user, self.clock)

    @property
    def redactions(self) -> Redactions:
        from chatlog.store.sqlite.redactions import SqliteRedactions

        return SqliteRedactions(self._pool, self.user, self.clock)

    @property
    def measures(self) -> Measures:
        from chatlog.store.sqlite.measures import SqliteMeasures

        return SqliteMeasures(self._pool, self.user, self.clock)

    @property
    def memories(self) -> Memories:
        from chatlog.store.sqlite.memories import SqliteMemories

        return SqliteMemories(self._pool, self.user, self.clock)

    @property
    def words(self) -> Words:
        from chatlog.store.sqlite.words import SqliteWords

        return SqliteWords(self._pool, self.user, self.clock)

    @cached_property
    def vectors(self) -> Vectors:  # it keeps what each search looks through
        from chatlog.store.sqlite.vectors import SqliteVectors

        return SqliteVectors(self._pool, self.user)
