"""How verbs keep the index of meanings up to date: with a bar while a person watches, and safe to interrupt.

Every batch is a transaction of its own; an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import os

from chatlog.cli.session import Session
from chatlog.errors import BusyError, NoVectorsError, UsageError
from chatlog.store import Store

#: Bodies that wait for the index are counted up to so many.
COUNTED = 10_000_000
#: An import embeds no more than this; searches and `embed` go on with the rest.
EMBEDDED_IN_IMPORT = 20_000


def bring_up_to_date(session: Session, store: Store, name: str, *, rebuild: bool = False, most: int = COUNTED) -> int:
    """Embed what is not in the index yet and return how many bodies that were.  Raises NoVectorsError."""
    from chatlog import meaning
    from chatlog.embedders import embedder

    provider = embedder(name, os.environ)
    if rebuild:
        meaning.begin(store, provider)
    done = 0
    with session.output.progress("embedding") as show:
        total = min(store.vectors.waiting(most), most)

        def advance(count: int) -> None:
            nonlocal done
            done += count
            if show is not None:
                show(done, max(total, done))

        return meaning.bring_up_to_date(store, provider, most, advance)


def embed_imported(session: Session, store: Store) -> None:
    """Embed what an import brought, where there is an embedder; where there is none, searching will say so."""
    name = session.settings.get("embedder")
    if name == "none" or not store.vectors.waiting(1):
        return
    try:
        _embed_unless_another(session, store, name)
    except KeyboardInterrupt:
        session.output.hint("all of the history is in; chatlog embed goes on with its meaning")
        raise
    except (NoVectorsError, BusyError, UsageError):
        return


def _embed_unless_another(session: Session, store: Store, name: str) -> None:
    """Go on with the index: one of another embedder is given up by nobody but `embed --rebuild`."""
    from chatlog.embedders import embedder

    state = store.vectors.state()
    if state is None or state.fingerprint == embedder(name, os.environ).fingerprint:
        bring_up_to_date(session, store, name, most=EMBEDDED_IN_IMPORT)
