"""How long work is cut into short transactions, so that nobody who writes meanwhile waits for long.

How much goes into the next transaction is learnt from how long the last one held the write lock, its commit
included; the log is folded into the file between two of them, by whoever needs no lock for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chatlog.store.forgetting import Stop
from chatlog.store.sqlite.connection import Connection, Pool

#: How long a transaction of a long job is to hold the write lock.
HOLD = 0.02
#: The least pause before the next: those who wait try every few milliseconds (`patiently`), and one lets the next in;
#: and where nobody wrote between the last two.
GAP, QUIET_GAP = 0.01, 0.004
#: So many pages in the log are worth folding it into the file; so few are folded in while others wait.
LOG_PAGES, FEW_PAGES = 1_000, 256


class Pace:
    """The pace of one long job: `amount` says how much work, in whatever unit, the next transaction may take."""

    def __init__(self, pool: Pool, amount: float, most: float, *, durable: bool = True) -> None:
        """Begin with `amount`, which is also the least there will ever be.

        What is done again where it was lost need not be `durable` (see `Pool.write`).
        """
        self._pool = pool
        self._least = self.amount = amount
        self._most = most
        self._durable = durable
        self._pause = 0.0
        self._version: int | None = None

    @contextmanager
    def turn(self) -> Iterator[Connection]:
        """Lend a connection in a write transaction, which lets others write first; after it, fit the amount."""
        time.sleep(self._pause)
        with self._pool.write(durable=self._durable, checkpoint=False) as connection:
            began = time.monotonic()
            before, self._version = self._version, connection.execute("PRAGMA data_version").fetchone()[0]
            yield connection
        held = max(time.monotonic() - began, 0.001)
        self.amount = max(self._least, min(self._most, self.amount * min(HOLD / held, 2)))
        # the version is another one where others have written since
        self._pause = QUIET_GAP if self._version == before else max(GAP, held / 2)
        checkpoint(self._pool)


def checkpoint(pool: Pool, pages: int = LOG_PAGES) -> int:
    """Fold the log into the file without the write lock where it is worth it; return how many pages are left in it.

    What others added meanwhile is few pages, folded in with the lock, so that the log begins anew: while it does not,
    each writer's commit tries to fold in all of it.
    """
    with pool.read() as connection:
        _, log, done = connection.execute("PRAGMA wal_checkpoint(NOOP)").fetchone()
        if log - done >= pages:
            _, log, done = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if log >= LOG_PAGES and log - done <= FEW_PAGES:
            _, log, done = connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
    return int(log - done)


def in_steps(pool: Pool, step: Callable[[Connection, int], bool], stop: Stop, *, least: int, most: int) -> bool:
    """Do steps, each in a transaction, until one has nothing to do; False where it was stopped before.

    A step is told how much it may do, and says whether there may be more to do.
    """
    pace = Pace(pool, least, most, durable=False)
    while True:
        with pace.turn() as connection:
            more = step(connection, int(pace.amount))
        if not more:
            return True
        if stop():
            return False
