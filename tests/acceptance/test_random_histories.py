"""Any order of what people do to their history leaves the file that a few lines of Python say it should be.

A model keeps each conversation as a tree of texts.  After every step the store is asked in all its ways, and must
say the same: what there is, in which order, where a word is, how many tokens a path has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

import chatlog
from chatlog import erasure, redacting
from chatlog.models import ConversationDraft, Filters, MessageDraft
from chatlog.redaction import Redactor
from chatlog.results import SearchOptions
from chatlog.search import search_messages
from chatlog.store import Store
from chatlog.store.forgetting import Cause
from chatlog.tokens import CL100K, counter
from chatlog.wireforms import message_counter

STEPS = 100
#: What messages are made of; each has a word of its own besides.
WORDS = ("retry", "hotel", "foo.bar", "I prefer tea", "東京のホテル")
COUNT = message_counter(counter(CL100K))


@dataclass
class Talk:
    """A conversation: which text stands at a seq, after which other one, and the leaf that it goes on from."""

    texts: dict[int, int] = field(default_factory=dict)
    parents: dict[int, int | None] = field(default_factory=dict)
    head: int | None = None
    last: int = 0
    trashed: bool = False

    def add(self, text: int, parent: int | None) -> None:
        self.head = self.last = self.last + 1
        self.texts[self.last], self.parents[self.last] = text, parent

    def take_out(self, seq: int) -> None:
        parent = self.parents.pop(seq)
        del self.texts[seq]
        self.parents = {one: parent if above == seq else above for one, above in self.parents.items()}
        if self.head == seq:
            self.head = parent if parent is not None else max(self.texts, default=None)

    def path(self, seq: int | None) -> list[int]:
        return [] if seq is None else [*self.path(self.parents[seq]), seq]


class Histories:
    """The users of one file, each with their own conversations, in the store and in the model."""

    def __init__(self, root: Store, chance: Random) -> None:
        self.root = root
        self.chance = chance
        self.stores = {user: root.for_user(user) for user in ("ana", "ben")}
        self.talks: dict[str, dict[str, Talk]] = {user: {} for user in self.stores}
        #: A fork's texts are its parent's.
        self.texts: list[str] = []

    def text(self) -> int:
        """Think of a text that holds a word of its own; return its place among the texts."""
        self.texts.append(f"{self.chance.choice(WORDS)} {self.chance.choice(WORDS)} zq{len(self.texts)}x")
        return len(self.texts) - 1

    def step(self) -> None:
        """Do one thing to some conversation, or begin one."""
        store = self.stores[self.chance.choice([*self.stores])]
        talks = self.talks[store.user]
        live = [name for name, talk in talks.items() if not talk.trashed]
        actions: dict[Callable[[Store, str, Talk], object], int] = {
            self.add: 12, self.fork: 3, self.take_out: 5, self.trash: 1, self.remove: 1, self.erase: 1, self.redact: 1,
        }  # fmt: skip
        if not live or self.chance.random() < 0.15:
            self.chance.choice([self.begin, self.begin, self.restore])(store, talks)
            return
        (action,) = self.chance.choices([*actions], [*actions.values()])
        name = self.chance.choice(live)
        action(store, name, talks[name])

    # what people do

    def begin(self, store: Store, talks: dict[str, Talk]) -> None:
        talk = Talk()
        for _ in range(self.chance.randrange(6)):
            talk.add(self.text(), talk.head)
        drafts = [MessageDraft(role="user", text=self.texts[text]) for text in talk.texts.values()]
        talks[store.new(ConversationDraft(), drafts).id] = talk

    def restore(self, store: Store, talks: dict[str, Talk]) -> None:
        trashed = [name for name, talk in talks.items() if talk.trashed]
        assert len(trashed) == store.restore(trashed)
        for name in trashed:
            talks[name].trashed = False

    def add(self, store: Store, name: str, talk: Talk) -> None:
        for _ in range(self.chance.randint(1, 3)):
            parent = self.chance.choice([*talk.texts]) if talk.texts and self.chance.random() < 0.4 else None
            text = self.text()
            store.add(name, [MessageDraft(role="user", text=self.texts[text], parent=parent)])
            talk.add(text, parent or talk.head)

    def fork(self, store: Store, name: str, talk: Talk) -> None:
        seq = self.chance.choice([None, *talk.texts])
        child = Talk()
        for one in talk.path(seq or talk.head):
            child.add(talk.texts[one], child.head)
        self.talks[store.user][store.fork(name, seq).id] = child

    def take_out(self, store: Store, name: str, talk: Talk) -> None:
        for seq in self.chance.sample([*talk.texts], min(len(talk.texts), 2)):
            store.forgetting.take_out([(name, seq)], Cause("prune"))
            talk.take_out(seq)

    def trash(self, store: Store, name: str, talk: Talk) -> None:
        assert 1 == store.delete([name])
        talk.trashed = True

    def remove(self, store: Store, name: str, talk: Talk) -> None:
        store.forgetting.remove([name], Cause("purge"), stop=bool)
        del self.talks[store.user][name]

    def erase(self, store: Store, name: str, gone: Talk) -> None:
        assert erasure.run(store, erasure.plan(store, [store.get(name)], []), forks=True).complete
        del self.talks[store.user][name]
        for talk in self.talks[store.user].values():
            for seq in [seq for seq, text in talk.texts.items() if text in gone.texts.values()]:
                talk.take_out(seq)

    def redact(self, store: Store, name: str, talk: Talk) -> None:
        """Take the own words of a conversation's texts out of all that the user has."""
        redactor = Redactor(patterns=[rf"\bzq{text}x\b" for text in talk.texts.values()])
        every = store.forgetting.every(Filters(any_state=True))
        assert redacting.apply(store, redacting.plan(store, [*every], redactor))
        for text in talk.texts.values():
            self.texts[text] = redactor.text(self.texts[text])

    # what must be so

    def check(self) -> None:
        for store in self.stores.values():
            live = {name: talk for name, talk in self.talks[store.user].items() if not talk.trashed}
            found = {one.id: one for one in store.conversations(limit=None).items}
            assert live.keys() == found.keys()
            for name, talk in live.items():
                rows = {one.seq: one for one in store.messages(name, all_branches=True)}
                texts = {seq: self.texts[text] for seq, text in talk.texts.items()}
                assert texts == {seq: one.text for seq, one in rows.items()}
                assert talk.parents == {seq: one.parent for seq, one in rows.items()}
                assert talk.path(talk.head) == [one.seq for one in store.messages(name)]
                assert (len(talk.texts), talk.head) == (found[name].messages, found[name].head)
                tokens = sum(COUNT(rows[seq]) for seq in talk.path(talk.head))
                assert tokens == store.windows.opening(name, CL100K, COUNT).tokens
            every = {self.texts[text] for talk in live.values() for text in talk.texts.values()}
            for asked in (f"zq{self.chance.randrange(len(self.texts) or 1)}x", "hotel", "東京"):
                said = {text for text in every if asked in text}
                hits = search_messages(store, asked, options=SearchOptions(mode="lexical", limit=1_000)).items
                assert said == {hit.message.text for hit in hits}
        assert [] == [check for check in self.root.checks(deep=True) if not check.ok]


@pytest.mark.parametrize("seed", range(6))
def test_the_store_is_what_the_model_is(tmp_path: Path, seed: int) -> None:
    """A hundred steps of two users, checked after each."""
    with chatlog.open(tmp_path / "chats.db", synchronous="NORMAL") as root:
        histories = Histories(root, Random(seed))
        histories.begin(histories.stores["ana"], histories.talks["ana"])
        for _ in range(STEPS):
            histories.step()
            histories.check()
