"""Rows of a batch, gathered and written many at a time: bodies, their places, and the index of their words."""

from __future__ import annotations

from chatlog.store.sqlite import bodies, fulltext, messages
from chatlog.store.sqlite.connection import Connection, Row

#: What was gathered is written once it holds so many bodies; a batch may hold more.
MOST = 500


class Rows:
    """Bodies and their places, gathered to be written many at a time; their ids are given before."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.first = self.next = bodies.next_id(connection)
        self.bodies: list[Row] = []
        self.places: list[Row] = []

    def add(self, row: Row) -> int:
        """Take in a body and return its id."""
        self.bodies.append((self.next, *row))
        self.next += 1
        if len(self.bodies) >= MOST:
            self.write()
        return self.next - 1

    def write(self) -> None:
        """Write what was gathered."""
        if self.bodies:
            bodies.insert_many(self.connection, self.bodies)
        if self.places:
            messages.place_many(self.connection, self.places)
        self.bodies, self.places = [], []

    def index(self) -> None:
        """Put all that was written into the index."""
        if self.next > self.first:
            fulltext.index(self.connection, self.first, self.next - 1)
