"""Erasure: what is said is removed for good, everywhere at once, and its absence is proven.

The proof is a scan of the file's bytes from another process, for pieces of everything that was erased; where
one is found in a gap of the file, the file is written anew and scanned again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from chatlog import bytescan
from chatlog.errors import BusyError, ChatlogError, NotFoundError, RefusedError
from chatlog.models import Conversation, as_text, parse_ref
from chatlog.retention import Left
from chatlog.store import Store
from chatlog.store.forgetting import Cause, Ref

#: A chore that notes an erasure which is not proven yet.
CHORE = "erase "


class Extract(NamedTuple):
    """A single message to erase."""

    conversation: Conversation
    seq: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ErasePlan:
    """What would be erased, and which other conversations share some of it."""

    conversations: tuple[Conversation, ...]
    sizes: dict[str, int]
    extracts: tuple[Extract, ...]
    sharing: tuple[Ref, ...]
    skipped: tuple[Left, ...]
    copies: tuple[Path, ...]
    memories: tuple[tuple[str, str], ...] = ()
    everything: bool = False

    @property
    def refs(self) -> list[Ref]:
        """The single messages."""
        return [(one.conversation.id, one.seq) for one in self.extracts]

    @property
    def ids(self) -> list[str]:
        """The whole conversations."""
        return [one.id for one in self.conversations]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to erase."""
        return not (self.conversations or self.extracts or self.everything)

    @property
    def sharers(self) -> Counter[str]:
        """The other conversations that share messages with these, and how many."""
        return Counter(name for name, _ in self.sharing)

    def record(self, *, dry_run: bool) -> dict[str, Any]:
        """Return its machine form."""
        whole = [_item(one, one.id, one.messages, self.sizes.get(one.id, 0)) for one in self.conversations]
        single = [_item(one.conversation, f"{one.conversation.id}:{one.seq}", 1, one.bytes) for one in self.extracts]
        return {
            "dry_run": dry_run,
            "conversations": len(whole),
            "messages": sum(item["messages"] for item in [*whole, *single]),
            "bytes": sum(item["bytes"] for item in [*whole, *single]),
            "items": [*whole, *single],
            "skipped": [left._asdict() for left in self.skipped],
            "sharing": [{"id": name, "messages": count} for name, count in self.sharers.items()],
            "memories": [{"namespace": namespace, "key": key} for namespace, key in self.memories],
            "copies": [str(copy) for copy in self.copies],
        }


def _item(conversation: Conversation, name: str, messages: int, size: int) -> dict[str, Any]:
    facts = {"id": name, "title": conversation.title, "updated_at": conversation.updated_at}
    return {**facts, "messages": messages, "bytes": size, "action": "erase", "reason": "asked for"}


class Erased(NamedTuple):
    """How far an erasure came: `complete` only where nothing is left; `why` says what is missing."""

    complete: bool
    why: str = ""
    phrases: int = 0
    elsewhere: int = 0
    vacuumed: bool = False
    retryable: bool = False


def plan(store: Store, found: Sequence[Conversation], refs: Sequence[Ref], *, everything: bool = False) -> ErasePlan:
    """Return what would be erased; what is on legal hold is left out, and said so."""
    free = [one for one in found if one.hold is None]
    named = {name: store.forgetting.find(name) for name in {name for name, _ in refs}}
    whole = {one.id for one in free}
    single = [(name, seq) for name, seq in dict.fromkeys(refs) if name not in whole and named[name].hold is None]
    held = {one.id for one in [*found, *named.values()] if one.hold is not None}
    sizes = store.forgetting.message_sizes(single)
    shared = store.forgetting.sharing([one.id for one in free], single)
    holders = {name: store.forgetting.find(name).hold for name in {name for name, _ in shared}}
    held |= {name for name, hold in holders.items() if hold is not None}
    memories = _all_memories(store) if everything else _quoting(store, [one.id for one in free], single)
    return ErasePlan(
        conversations=tuple(free),
        sizes=store.forgetting.sizes([one.id for one in free]),
        extracts=tuple(Extract(named[name], seq, sizes[name, seq]) for name, seq in single),
        sharing=tuple(ref for ref in shared if holders[ref[0]] is None),
        skipped=tuple(Left(name, "on legal hold") for name in held),
        copies=tuple(store.forgetting.copies()),
        memories=tuple(memories),
        everything=everything,
    )


def _all_memories(store: Store) -> Iterator[tuple[str, str]]:
    return ((memory.namespace, memory.key) for memory in store.memories.all())


def _quoting(store: Store, ids: Sequence[str], refs: Sequence[Ref]) -> Iterator[tuple[str, str]]:
    """Yield the memories that hold a piece of what is said in conversations and messages: made from it."""
    memories = list(store.memories.all())
    if not memories:
        return
    finder = bytescan.Finder(
        [p for p in bytescan.phrases(store.forgetting.words(ids, refs)) if len(p) >= bytescan.WINDOW]
    )
    for memory in memories:
        if finder.within(as_text(memory.value).encode("utf-8", "surrogatepass")):
            yield memory.namespace, memory.key


def check_sharing(decided: ErasePlan, forks: bool | None) -> None:
    """Raise RefusedError where others share what is to be erased, and nobody said what to do with them."""
    if decided.sharing and forks is None:
        names = ", ".join(f"{name} ({count})" for name, count in decided.sharers.items())
        raise RefusedError(
            f"other conversations share these messages: {names}",
            "--forks erases the messages there too, --no-forks leaves them there",
        )


def run(store: Store, decided: ErasePlan, *, forks: bool | None = None) -> Erased:
    """Erase what a plan says, and prove it.

    Raises BusyError while another prune or erasure is at work, CheckFailedError where no process can look for what is
    left: what is erased is gone then, and noted as not proven.
    """
    check_sharing(decided, forks)
    with alone(store):
        return do(store, decided, Cause("erase"), forks=bool(forks))


@contextmanager
def alone(store: Store) -> Iterator[None]:
    """Be the only erasure in the file.  Raises BusyError where there is another, or a prune."""
    with store.forgetting.alone() as free:
        if not free:
            raise BusyError("another prune or erasure is at work", "try again when it is done")
        yield


def do(store: Store, decided: ErasePlan, cause: Cause, *, forks: bool) -> Erased:
    """Erase what a plan says, with `forks` also where other conversations share it, and prove it."""
    never = bool  # called, it says False: nothing stops an erasure half way
    also = list(decided.sharing) if forks else []
    names = [*decided.ids, *(f"{name}:{seq}" for name, seq in [*decided.refs, *also])]
    store.forgetting.begin_chore([CHORE + name for name in names])
    pieces = bytescan.phrases(_words(store, decided, also))
    finder = bytescan.Finder(pieces)
    store.sources.forget(lambda known: finder.within(known.encode(), fold=True))
    store.forgetting.take_out([*also, *decided.refs], cause)
    store.forgetting.remove(decided.ids, cause, stop=never)
    store.memories.delete(decided.memories)
    if decided.everything:
        store.forgetting.forget_user(cause)
    # of an encrypted file the bytes say nothing: written anew it holds what is left, and no more
    return finish(store, None if store.info()["encrypted"] else pieces, names)


def _words(store: Store, decided: ErasePlan, also: Sequence[Ref]) -> Iterator[str]:
    shared = bool(also) or not decided.sharing
    yield from store.forgetting.words(decided.ids, [*decided.refs, *also], shared=shared)
    for memory in store.memories.all():
        if decided.everything or (memory.namespace, memory.key) in decided.memories:
            yield json.dumps(memory.value, ensure_ascii=False, separators=(",", ":"))  # as the file holds it


def finish(store: Store, wanted: Sequence[bytes] | None, names: Sequence[str] = ()) -> Erased:
    """Bring the erasure of what is named to its proven end; without phrases, every one, by writing the file anew.

    A file that was written anew holds nothing of what was removed before either.
    """
    store.forgetting.remove([], Cause("erase", {"rule": "unfinished"}), stop=bool)
    if not store.forgetting.tidy(bool):
        why = "its vectors are still in the index of meanings: sqlite-vec cannot be loaded here"
        return Erased(complete=False, why=why, phrases=len(wanted or ()))
    vacuumed = wanted is None
    if wanted is None and (trouble := _vacuum(store)):
        return Erased(complete=False, why=trouble)
    left = _scan(store, wanted or ())
    if left and not vacuumed:
        if trouble := _vacuum(store):
            return Erased(complete=False, why=trouble, phrases=len(wanted or ()))
        vacuumed, left = True, _scan(store, left)
    if left is None:
        why = "a reader holds an older state of the file open, which still has it: run it again when that is closed"
        return Erased(complete=False, why=why, phrases=len(wanted or ()), vacuumed=vacuumed, retryable=True)
    said = store.forgetting.still_said(left, by_anyone=False)  # of what others say it is only told that it is no stray
    if stray := {*left} - said - store.forgetting.still_said([*{*left} - said], by_anyone=True):
        why = f"{len(stray)} pieces of it are still in the file"
        return Erased(complete=False, why=why, phrases=len(wanted or ()), vacuumed=vacuumed)
    return _proven(store, names, Erased(True, "", len(wanted or ()), len(said), vacuumed))


def _proven(store: Store, names: Sequence[str], done: Erased) -> Erased:
    """Forget the chores of what is proven; what is there after all was put on hold when its erasure had begun."""
    also = [name for name in unfinished(store) if not is_there(store, name)] if done.vacuumed else []
    store.forgetting.end_chores([CHORE + name for name in dict.fromkeys([*names, *also])])
    store.forgetting.fold()
    there = [name for name in names if is_there(store, name)]
    why = f"{', '.join(there)} was put on legal hold meanwhile" if there else ""
    return done._replace(complete=not there, why=why)


def resume(store: Store) -> Erased:
    """Bring an erasure that was interrupted to its end; not complete where it had not come to the removal of all."""
    if there := [name for name in unfinished(store) if is_there(store, name)]:
        return Erased(complete=False, why=f"it was interrupted before {', '.join(there)} was removed: erase that again")
    return finish(store, None)


def is_there(store: Store, name: str) -> bool:
    """Whether a conversation or a message, CONV:SEQ, is still in the store."""
    conversation, seq = parse_ref(name)
    try:
        found = store.forgetting.find(conversation)
        return seq is None or bool(store.forgetting.message_sizes([(found.id, seq)]))
    except NotFoundError:
        return False


def _scan(store: Store, wanted: Sequence[bytes]) -> list[bytes] | None:
    """Return which phrases the files hold; None where the log cannot be emptied for a reader."""
    if not store.forgetting.fold():
        return None
    return bytescan.left_in(store.forgetting.files(), wanted) if wanted else []


def _vacuum(store: Store) -> str:
    """Write the file anew; return why it cannot be, nothing where it was."""
    try:
        store.forgetting.vacuum()
    except ChatlogError as error:
        return error.message
    return ""


def unfinished(store: Store) -> list[str]:
    """Return the conversations and messages whose erasure is not proven yet."""
    return [name.removeprefix(CHORE) for name in store.forgetting.chores() if name.startswith(CHORE)]
