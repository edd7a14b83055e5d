"""The built-in summariser: the sentences that say the most, in their order; no model, the same each time.

A sentence counts by its words' weight in the conversation, by what the rules of importance say of it, and by what
it adds to those already taken.  Lines of the earlier summary compete with the new sentences.
"""

from __future__ import annotations

import math
import re
from collections import Counter as Counts
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from chatlog.importance import importance_of, rule_of, sentences
from chatlog.models import Message
from chatlog.quoting import beginning, speaker, stem, word_set
from chatlog.stopwords import STOP_WORDS
from chatlog.summarizers import Task
from chatlog.tokens import CL100K, counter

#: Sentences looked at, the latest; one longer than so many tokens is cut.
_MOST_SENTENCES, _LONGEST = 3_000, 60
#: What a rule, a line of the earlier summary and a user add to a sentence's weight.
_BY_RULE, _EARLIER, _BY_USER = 1.6, 1.25, 1.4
#: What an assistant is about to do weighs less than what came of it.
_ANNOUNCED = 0.4
_ANNOUNCES = re.compile(
    r"(?:(?:now|ok(?:ay)?|first|next|then|great|good|perfect|excellent|wait)[,!. ]+)*"
    r"(?:let me|let's|i'll|i will|i need to|i'm going to)\b|.*:$",
    re.IGNORECASE,
)
#: What the last sentence weighs more than the first: what was settled later holds.
_LATER = 0.25
#: How much likeness to what is taken already takes away.
_LIKENESS = 0.7


class Candidate(NamedTuple):
    """A sentence that may be taken: its place, its line in a summary, its words and its own weight."""

    place: int
    line: str
    words: frozenset[str]
    factor: float


def summarize(task: Task) -> str:
    """Return a summary of at most `task.most` tokens, as lines."""
    found = _candidates(task)
    weights = _weights([candidate.words for candidate in found])
    count = counter(CL100K)
    taken: list[Candidate] = []
    spare = task.most
    last = max((candidate.place for candidate in found), default=0) or 1
    scores = {one: _score(one, weights) * (1 + _LATER * one.place / last) for one in found}
    while scores and spare > 8:
        best = max(scores, key=lambda candidate: (scores[candidate], candidate.place))
        del scores[best]
        price = count(best.line + "\n")
        if price > spare:
            continue
        spare -= price
        taken.append(best)
        for other in scores:
            likeness = len(best.words & other.words) / (len(best.words | other.words) or 1)
            scores[other] *= 1 - _LIKENESS * likeness
    return "\n".join(candidate.line for candidate in sorted(taken, key=lambda candidate: candidate.place))


def _candidates(task: Task) -> list[Candidate]:
    count = counter(CL100K)
    found: list[Candidate] = []
    for line in dict.fromkeys(task.previous.splitlines()):
        if line.strip() and (task.kind != "facts" or _is_by_rule(line)):  # what it extends may be no list of facts
            found.append(Candidate(len(found), line.strip(), _words(line), _EARLIER * _factor_of_line(line)))
    for message in task.messages:
        for sentence, factor in _of_message(message, task.kind):
            line = f"- {speaker(message)}: {beginning(sentence, _LONGEST, count)}"
            found.append(Candidate(len(found), line, _words(sentence), factor))
    return found[-_MOST_SENTENCES:]


def _factor_of_line(line: str) -> float:
    speaker, _, sentence = line.partition(": ")
    if _is_by_rule(line):
        return _BY_RULE
    return _ANNOUNCED if speaker == "- Assistant" and _ANNOUNCES.match(sentence) else 1.0


def _is_by_rule(line: str) -> bool:
    return rule_of(line.partition(": ")[2], "user") is not None


def _of_message(message: Message, kind: str) -> list[tuple[str, float]]:
    """Return the sentences of a message that may be taken, with their factors; of key facts only what is kept."""
    verdict = importance_of(message).importance
    if verdict == "discard" or message.role in ("system", "developer", "tool"):
        return []
    found: list[tuple[str, float]] = []
    said = sentences(message.text)
    telling = [sentence for sentence in said if rule_of(sentence, message.role)]
    if kind == "facts":
        return [(sentence, _BY_RULE) for sentence in (telling or (said[:1] if verdict == "keep" else []))]
    for sentence in said:
        is_announced = message.role == "assistant" and _ANNOUNCES.match(sentence)
        factor = _BY_RULE if sentence in telling else _ANNOUNCED if is_announced else 1.0
        found.append((sentence, factor * (_BY_USER if message.role == "user" else 1.0)))
    return found


@lru_cache(maxsize=4_096)
def _words(text: str) -> frozenset[str]:
    return word_set(text) - _STOPPED


_STOPPED = frozenset(stem(word) for word in STOP_WORDS)


def _weights(all_words: Sequence[frozenset[str]]) -> Mapping[str, float]:
    """Return what each word says of the whole: often said, but not everywhere."""
    counts = Counts(word for words in all_words for word in words)
    total = len(all_words)
    return {word: math.log1p(number) * math.log((total + 1) / (number + 0.5)) for word, number in counts.items()}


def _score(candidate: Candidate, weights: Mapping[str, float]) -> float:
    if not candidate.words:
        return 0.0
    said = sum(weights[word] for word in candidate.words)
    return candidate.factor * said / math.sqrt(len(candidate.words) + 4)
