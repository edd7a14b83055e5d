"""chatlog: AI conversations in one SQLite file that you own.

    with chatlog.open("chats.db", user="ana") as store:
        trip = store.new(chatlog.ConversationDraft(title="Trip"))
        store.add(trip.id, [chatlog.MessageDraft(role="user", text="Where shall we go?")])

The other verbs are functions that take a store: `search_messages`, `assemble`, `import_history`, `Exporter`, and those
of the modules that docs/python.md names.  Everything is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from os import PathLike

    from chatlog import errors
    from chatlog.context import Context, Request, assemble
    from chatlog.export import Exporter
    from chatlog.likeness import similar
    from chatlog.models import Conversation, ConversationDraft, Filters, Message, MessageDraft, Page
    from chatlog.results import Result, Results, SearchOptions
    from chatlog.search import search_messages
    from chatlog.store import Clock, Store
    from chatlog.store.memories import Memory, MemoryDraft
    from chatlog.transfer import ImportOptions, ImportReport, import_history

__all__ = [
    "Context",
    "Conversation",
    "ConversationDraft",
    "Exporter",
    "Filters",
    "ImportOptions",
    "ImportReport",
    "Memory",
    "MemoryDraft",
    "Message",
    "MessageDraft",
    "Page",
    "Request",
    "Result",
    "Results",
    "SearchOptions",
    "Store",
    "assemble",
    "errors",
    "import_history",
    "open",
    "search_messages",
    "similar",
]

_HOMES = {
    "chatlog.models": ("Conversation", "ConversationDraft", "Filters", "Message", "MessageDraft", "Page"),
    "chatlog.results": ("Result", "Results", "SearchOptions"),
    "chatlog.search": ("search_messages",),
    "chatlog.likeness": ("similar",),
    "chatlog.context": ("Context", "Request", "assemble"),
    "chatlog.store": ("Store",),
    "chatlog.store.memories": ("Memory", "MemoryDraft"),
    "chatlog.export": ("Exporter",),
    "chatlog.transfer": ("ImportOptions", "ImportReport", "import_history"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def open(  # noqa: A001  the verb, as in gzip.open
    path: str | PathLike[str],
    user: str = "local",
    *,
    create: bool = True,
    synchronous: str = "FULL",
    clock: Clock | None = None,
    key: str | None = None,
) -> Store:
    """Open the database at a path or URL for one user, made where there is none.

    Use it as a context manager; it is safe to share between threads.  `synchronous` "NORMAL" trades the
    last moments before a power cut for speed; `clock` replaces the system's time.  `key` is that of an encrypted
    file, 64 or 96 hexadecimal digits or a passphrase; a new file is encrypted with it.  Raises NoDatabaseError,
    SchemaMismatchError, WrongKeyError, DamagedFileError or UsageError (`chatlog.errors`).
    """
    from os import PathLike

    from chatlog.errors import UsageError
    from chatlog.keys import parse
    from chatlog.store import open_store, utc_now

    if not isinstance(path, (str, PathLike)):
        raise UsageError("the path of a database is a str or a Path")
    parsed = parse(key) if key else None
    return open_store(str(path), user, clock=clock or utc_now, create=create, synchronous=synchronous, key=parsed)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if not TYPE_CHECKING:  # to a type checker any name would be there, and be anything

    def __getattr__(name: str) -> Any:
        if name == "errors":
            return import_module("chatlog.errors")
        if name in _HOME_OF:
            return getattr(import_module(_HOME_OF[name]), name)
        raise AttributeError(f"module 'chatlog' has no attribute '{name}'")
