"""What is derived from bodies, and the one place that forgets it.

Each index hooks in here: a function of a connection and of bodies about to be deleted, still as they were.
Counts of tokens and hashes of earlier versions go with their rows, by foreign key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chatlog.store.sqlite import fulltext, vectors
from chatlog.store.sqlite.connection import Connection

FORGETTERS: tuple[Callable[[Connection, Sequence[int]], None], ...] = (fulltext.unindex, vectors.forget)


def forget(connection: Connection, bodies: Sequence[int]) -> None:
    """Take bodies that are about to be deleted out of everything that is derived from them."""
    for forgetter in FORGETTERS:
        forgetter(connection, bodies)
