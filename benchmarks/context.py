"""Contexts: evidence inside a budget, budgets and arrays that hold, time, reusable prefix, and counting.

`python -m benchmarks.context [FOLDER]` takes the folder of labelled questions (default: ../shared/retrieval).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import chatlog
from benchmarks.common import build, header, is_installed, ms, percentile, table, verdict, workplace
from chatlog import embedders
from chatlog.assembly import choose
from chatlog.context import Request, assemble
from chatlog.material import Material
from chatlog.meaning import bring_up_to_date
from chatlog.models import ConversationDraft, MessageDraft
from chatlog.store import Store
from chatlog.store.window import Counted
from chatlog.tokens import CL100K, O200K, count_tokens, counter, vocabulary
from chatlog.wireforms import FORMS, message_tokens

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "retrieval"
BUDGETS = (500, 1_000, 2_000, 4_000)
BARS = {1_000: 0.80, 2_000: 0.87}
#: So many contexts are assembled before one is timed.
WARM_UP = 5


# labelled evidence


def jsonl(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def load(folder: Path, store: Store) -> tuple[dict[str, str], dict[str, str]]:
    """Bring a set's conversations in; return our ids by theirs, and the refs of their messages."""
    batch: list[ConversationDraft | MessageDraft] = []
    last: dict[str, str] = {}
    for row in jsonl(folder / "corpus.jsonl"):
        talk, name = row["conv_id"], row["msg_id"]
        if talk not in last:
            batch.append(ConversationDraft(source_id=talk))
        role = "user" if row["role"] == "user" else "assistant"
        moment = f"{row['ts']}.000Z" if re.fullmatch(r"[-\dT:]{19}", row.get("ts") or "") else None
        batch.append(
            MessageDraft(
                role=role, text=row["text"], author=row.get("speaker"), created_at=moment, source_id=name,
                parent=last.get(talk), conversation=talk,
            )
        )  # fmt: skip
        last[talk] = name
    for start in range(0, len(batch), 5_000):
        store.ingest("benchmark", batch[start : start + 5_000])
    ids = {str(found.source_id): found.id for found in store.conversations(limit=100_000).items}
    refs = {str(message.source_id): message.ref for found in ids.values() for message in store.messages(found)}
    return ids, refs


def evidence(folder: Path, place: Path, budgets: Sequence[int]) -> dict[tuple[str, int], float]:
    """Return the share of the labelled evidence inside the context, for chatlog and trim_messages."""
    with chatlog.open(place / f"{folder.name}.db", synchronous="NORMAL") as store:
        ids, refs = load(folder, store)
        queries = [row for row in jsonl(folder / "queries.jsonl") if row.get("category") != "adversarial"]
        found: dict[tuple[str, int], float] = {}
        trimmed = {name: _trimmer(store, talk) for name, talk in ids.items()}
        conversations = {name: store.get(talk) for name, talk in ids.items()}
        for budget in budgets:
            ours: list[float] = []
            theirs: list[float] = []
            for row in queries:
                relevant = {refs[name] for name in row["relevant"] if name in refs}
                if not relevant:
                    continue
                made = assemble(store, conversations[row["conv_id"]], Request(query=row["text"], budget=budget))
                there = {ref for section in made.sections.values() for ref in section.refs}
                ours.append(len(relevant & there) / len(relevant))
                theirs.append(len(relevant & trimmed[row["conv_id"]](budget)) / len(relevant))
            found["chatlog", budget] = sum(ours) / len(ours)
            found["trim_messages", budget] = sum(theirs) / len(theirs)
    return found


def _trimmer(store: Store, talk: str) -> Any:
    """Return LangChain's trim_messages on a conversation, or the same thing by hand where it is not installed."""
    messages = list(store.messages(talk))
    count = counter(CL100K)
    kept: dict[int, set[str]] = {}

    def trimmed(budget: int) -> set[str]:
        if budget not in kept:
            kept[budget] = (
                _langchain(messages, budget) if is_installed("langchain-core") else _by_hand(messages, budget)
            )
        return kept[budget]

    def _by_hand(all_of: Any, budget: int) -> set[str]:
        spent, found = 0, set[str]()
        for message in reversed(all_of):
            spent += count(message.text) + 4
            if spent > budget:
                break
            found.add(message.ref)
        return found

    return trimmed


def _langchain(messages: Any, budget: int) -> set[str]:
    from langchain_core.messages import AIMessage, HumanMessage, trim_messages

    count = counter(CL100K)
    kinds = {"user": HumanMessage, "assistant": AIMessage}
    given = [kinds[message.role](content=message.text, id=message.ref) for message in messages]
    kept = trim_messages(
        given, max_tokens=budget, strategy="last",
        token_counter=lambda found: sum(count(str(message.content)) + 4 for message in found),
    )  # fmt: skip
    return {str(message.id) for message in kept}


# the rules


def broken(cases: int) -> tuple[int, int, int]:
    """Return how many generated cases were sent, and how many exceeded their budget or broke a rule."""
    from tests.context_rules import check, conversation, counted, plain_count

    count = counter(CL100K)
    sent = over = wrong = 0
    rng = random.Random(20_261_121)
    while sent + over + wrong < cases:
        messages = conversation(rng)
        tail = counted(messages, count)
        visible = [found for found in messages if not found.hidden]
        hits = rng.sample(visible, len(visible))
        made = Material(
            conversation="c" * 26, tail=tail, is_whole=rng.random() < 0.7, total=sum(turn.tokens for turn in tail),
            system=[found for found in visible if found.role in ("system", "developer")],
            first_asked=next((found.seq for found in visible if found.role == "user"), None),
            kept=[found for found in visible if found.importance == "keep"],
            query=rng.choice([None, "Which hotel was it?"]), hits=lambda *_, hits=hits: hits,
        )  # fmt: skip
        for name, form in FORMS.items():
            budget = int(10 ** rng.uniform(1.2, 4.2))
            chosen = choose(made, budget, form, count)
            if isinstance(chosen, int):
                continue
            try:
                check(name, chosen.wire)
            except AssertionError:
                wrong += 1
                continue
            too_much = chosen.tokens > budget or plain_count(name, chosen.wire) > budget
            over, sent = over + too_much, sent + (not too_much)
    return sent, over, wrong


# time


def latency(place: Path, total: int, rounds: int) -> list[float]:
    """Return the seconds that assembling takes on a 10,000-message conversation in a file of `total` messages."""
    took: list[float] = []
    with chatlog.open(large(place, total)) as store:
        for ask in questions(store, rounds + WARM_UP):
            start = time.perf_counter()
            ask()
            took.append(time.perf_counter() - start)
    return took[WARM_UP:]


def large(place: Path, total: int) -> Path:
    """Return a file of `total` messages, 10,000 of them in one conversation."""
    sizes = {"long": 10_000, **{f"other-{number}": 200 for number in range((total - 10_000) // 200)}}
    return build(place / f"context-{total}.db", sizes)


def questions(store: Store, count: int) -> Iterator[Callable[[], object]]:
    """Yield what assembles a context of the longest conversation, each for eight words of what was said in it."""
    # warm: else each of the first calls embeds 20,000 messages
    bring_up_to_date(store, embedders.embedder(embedders.DEFAULT))
    talk = next(found for found in store.conversations(sort="messages:desc", limit=1).items)
    texts = [message.text for message in store.messages(talk.id, last=400)]
    rng = random.Random(3)
    for _ in range(count):
        words = " ".join(rng.sample(rng.choice(texts).split(), 8))
        yield partial(assemble, store, talk, Request(query=words))


# the prefix that providers cache


def prefix(turns: int, budget: int) -> tuple[float, float]:
    """Return the share of tokens that a call shares with the one before it: ours, and of a sliding window."""
    from tests.context_rules import message

    from benchmarks.common import Texts

    texts, count = Texts(), counter(CL100K)
    rng = random.Random(1)
    talk = []
    for seq in range(1, turns * 2 + 1):
        words = texts().split()
        talk.append(message(seq, "user" if seq % 2 else "assistant", " ".join(words[: 15 if seq % 2 else 120])))
    system = message(10_000, "system", "You are a careful assistant. " * 20)
    shares: dict[str, list[float]] = {"ours": [], "sliding": []}
    before: dict[str, list[str]] = {"ours": [], "sliding": []}
    for length in range(1, len(talk) + 1, 2):
        tail = [Counted(found, message_tokens(found.all_parts(), count)) for found in talk[:length]]
        hits = rng.sample(talk[:length], min(length, 60))
        made = Material(
            conversation="c", tail=tail, is_whole=True, total=sum(turn.tokens for turn in tail), system=[system],
            hits=lambda *_, hits=hits: hits,
        )  # fmt: skip
        chosen = choose(made, budget, FORMS["openai"], count)
        assert not isinstance(chosen, int)
        now = {"ours": [entry["content"] for entry in chosen.wire], "sliding": _sliding(system, talk[:length], budget)}
        for name, entries in now.items():
            same = 0
            for old, new in zip(before[name], entries, strict=False):
                if old != new:
                    break
                same += count(new) + 4
            if before[name]:
                shares[name].append(same / sum(count(entry) + 4 for entry in entries))
            before[name] = entries
    return tuple(sum(found) / len(found) for found in shares.values())  # type: ignore[return-value]


def _sliding(system: Any, talk: Sequence[Any], budget: int) -> list[str]:
    count = counter(CL100K)
    spent, kept = count(system.text) + 8, list[str]()
    for message in reversed(talk):
        spent += count(message.text) + 4
        if spent > budget:
            break
        kept.insert(0, message.text)
    return [system.text, *kept]


# counting


def _theirs(loaded: Any, text: str) -> int:
    return len(loaded.encode_ordinary(text))


def counting(folder: Path, most: int) -> tuple[int, int, float]:
    """Return how many texts were counted, how many differ from tiktoken's own count, and our speed by its."""
    texts: list[str] = []
    for path in sorted(folder.rglob("*.json*")):
        if path.is_file() and path.stat().st_size < 3_000_000:
            texts += [piece for piece in path.read_text("utf-8", "replace").split("\n") if piece][:200]
    texts = texts[:most]
    differ, times = 0, {"ours": 0.0, "theirs": 0.0}
    for encoding in (CL100K, O200K):
        loaded = vocabulary(encoding)
        assert loaded is not None
        actions = {"ours": partial(count_tokens, encoding=encoding), "theirs": partial(_theirs, loaded)}
        counts: dict[str, list[int]] = {}
        # by turns, so that a busy machine is busy for both; and each first half of the time: it meets the texts cold
        for turn, start in enumerate(range(0, len(texts), 250)):
            for name, action in sorted(actions.items(), reverse=turn % 2 == 1):
                began = time.perf_counter()
                counts.setdefault(name, []).extend(map(action, texts[start : start + 250]))
                times[name] += time.perf_counter() - began
        differ += sum(ours != theirs for ours, theirs in zip(counts["ours"], counts["theirs"], strict=True))
    return 2 * len(texts), differ, times["theirs"] / times["ours"]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT, help="the labelled sets (../shared/retrieval)")
    parser.add_argument("--quick", action="store_true", help="fewer cases, a smaller file")
    parser.add_argument("--keep", type=Path, help="where to put the files, kept for the next run (temporary)")
    parser.add_argument("--set", default="locomo", help="the labelled set (locomo)")
    parser.add_argument("--only", choices=("evidence", "rules", "time", "prefix", "counting"), help="one part")
    options = parser.parse_args(arguments)
    header("context")
    with workplace(options.keep) as place:
        for name, part in PARTS.items():
            if options.only in (None, name):
                part(options, place)


def show_evidence(options: argparse.Namespace, place: Path) -> None:
    folder = options.folder / options.set
    if not folder.is_dir():
        print(f"there is no {folder}: no labelled evidence", file=sys.stderr)
        return
    (place / f"{folder.name}.db").unlink(missing_ok=True)
    found = evidence(folder, place, BUDGETS)
    rows = [[name, *(f"{found[name, budget]:.1%}" for budget in BUDGETS)] for name in ("chatlog", "trim_messages")]
    table([f"evidence inside, {folder.name}", *(f"{budget:,} tokens" for budget in BUDGETS)], rows)
    if options.set == "locomo":
        for budget, bar in BARS.items():
            share = found["chatlog", budget]
            verdict(f"{share:.1%} of the evidence in {budget:,} tokens (bar {bar:.0%})", met=share >= bar)


def show_rules(options: argparse.Namespace, _: Path) -> None:
    sent, over, wrong = broken(2_000 if options.quick else 20_000)
    verdict(f"{sent:,} arrays sent, {over} over budget, {wrong} broken", met=over + wrong == 0)


def show_time(options: argparse.Namespace, place: Path) -> None:
    took = latency(place, 100_000 if options.quick else 1_000_000, 200)
    middle, worst = percentile(took, 0.5), percentile(took, 0.99)
    verdict(
        f"assembly p50 {ms(middle)} ms (bar 8), p99 {ms(worst)} ms (bar 20)", met=middle <= 0.008 and worst <= 0.020
    )


def show_prefix(_options: argparse.Namespace, _: Path) -> None:
    rows = []
    for budget in (4_000, 8_000, 16_000, 32_000):
        ours, sliding = prefix(200, budget)
        rows.append([f"{budget:,}", f"{ours:.1%}", f"{sliding:.1%}"])
        if budget == 16_000:
            share = ours
    table(["reusable prefix, 200 turns", "chatlog", "sliding window"], rows)
    verdict(f"{share:.1%} of a request is the one before it, budget 16,000 (bar 85 %)", met=share >= 0.85)


def show_counting(options: argparse.Namespace, _: Path) -> None:
    count, differ, speed = counting(options.folder.parent / "samples", 20_000)
    verdict(
        f"{count:,} counts, {differ} other than tiktoken's, {speed:.2f} × its speed", met=not differ and speed >= 0.9
    )


PARTS = {
    "evidence": show_evidence, "rules": show_rules, "time": show_time, "prefix": show_prefix, "counting": show_counting,
}  # fmt: skip


if __name__ == "__main__":
    main()
