"""A closed terminal and a shutdown, for verbs that have something to tidy up when they are ended."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def told_to_end() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into an exception, which every `finally` sees."""

    def end(number: int, _: object) -> None:
        raise typer.Exit(128 + number)

    wanted = [number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None]
    before = {number: signal.getsignal(number) for number in wanted}
    mine = [number for number, handler in before.items() if handler is signal.SIG_DFL]  # nohup's stay ignored
    for number in mine:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, signal.SIG_DFL)
