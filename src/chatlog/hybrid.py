"""Search by words and by meaning together, and by meaning alone: which candidates are shown, and in what order.

A question that nothing here answers gets no results rather than poor ones.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatlog import answers, candidates, lexical, ranking, weighing
from chatlog import query as language
from chatlog.candidates import Candidates
from chatlog.hunt import Hunt
from chatlog.models import Term
from chatlog.noise import ALIKE, is_noise
from chatlog.ranking import Weighed
from chatlog.results import Results, Tier

#: What it adds to stand in the stretch of talk most about the question, where that asks for a discussion: a single line
#: says little of it.
STRETCH = 2.0
#: What it adds to hold the kind of answer that is asked for: a time, a number, a place.
OF_THE_KIND = 0.12
#: What it adds to follow a message that asks all of the question, and what it costs to end with a question.
REPLY, ASKING = 0.2, 0.05
#: The text of so many of the best is read, of more where more results are wanted, and so many characters of each: a
#: long text touches on everything.
READ, MOST_READ, READ_CHARS = 60, 500, 600
#: A word of a question that is nowhere is looked for without its last letters, so many, but no shorter than this.
ENDING, BEGINNING = 3, 5
#: A query of so few words is a look-up: what only stands near a match is no match.
LOOK_UP = 1
#: To a look-up whose word was found, a message with none of the words in or near it must be this alike.
ALIKE_LOOK_UP = 0.55


def search(hunt: Hunt, terms: tuple[Term, ...]) -> Results:
    """Return the messages that answer best by words and meaning; by words alone where nothing tells what they mean."""
    if hunt.index is None:
        return lexical.search(hunt, terms)
    mode = hunt.options.mode
    asked, beyond = language.most_telling(language.split_runs(language.without_endings(terms)))
    looked_for = [_by_beginning(hunt, term) for term in asked] if hunt.query.is_question else asked
    found = candidates.gather(hunt, weighing.weigh(hunt, looked_for), by_words=mode != "semantic")
    if not found.have_meaning:
        return lexical.search(hunt, terms)
    held = _held(hunt, found)
    missing = [term.term for term in found.terms if term not in held]
    hunt.note_hidden(missing)
    missing += [term for term in asked if term not in looked_for] + beyond
    dropped = tuple(term.text for term in missing)
    order = _order(hunt, found, held)
    if not order or is_noise(hunt, found, order):
        return Results(mode=mode, dropped=dropped, total=0, warnings=hunt.warnings())
    if mode == "hybrid":
        if hunt.scope.allowed is not None and hunt.query.asks_for_talk:
            order = _in_stretches(found, order)
        order = _read(hunt, found, order)
    items = hunt.items((found.ranked(index) for index in order), asked)
    return Results(
        items=tuple(items),
        mode=mode,
        tier=_tier(found, order[: hunt.options.limit], missing),
        dropped=dropped,
        total=len(items) if len(items) < hunt.options.limit else None,
        warnings=hunt.warnings(),
    )


def _by_beginning(hunt: Hunt, term: Term) -> Term:
    """Return a term, or what it begins with where no message has it: another form of the word, in any language."""
    word = language.bare(term.text)
    if term.phrase or term.prefix or len(word) <= BEGINNING or not word.isalpha():
        return term
    if hunt.scope.is_there(term) or hunt.query.is_proper(term):
        return term
    shorter = Term(word[: max(len(word) - ENDING, BEGINNING)], prefix=True)
    return shorter if hunt.scope.is_there(shorter) else term


def _held(hunt: Hunt, found: Candidates) -> list[Weighed]:
    """Return the terms that some message has that may be shown, or the title of its conversation."""
    shown = {spot.body for spot in found.spots if spot.allowed}
    talks = {spot.conversation for spot in found.spots if spot.allowed}
    return [
        term
        for term in found.terms
        if not shown.isdisjoint(term.bodies) or not talks.isdisjoint(term.titled) or hunt.scope.has(term.bodies)
    ]


def _order(hunt: Hunt, found: Candidates, held: Sequence[Weighed]) -> list[int]:
    """Return the places that may be shown, the best first; `held` are the terms that some shown message has."""
    here = {spot.body for spot in found.spots}
    holding = frozenset[int]().union(*(here & term.bodies for term in held))
    look_up = len([term for term in found.terms if term.bodies]) == LOOK_UP
    by_meaning = hunt.options.mode == "semantic"
    alike = ALIKE_LOOK_UP if look_up and not by_meaning else ALIKE if hunt.query.filters.ids is None else 0.0
    shown = []
    for index, spot in enumerate(found.spots):
        if not found.total[index] or not spot.allowed or spot.body in hunt.excluded:
            continue
        by_words = spot.body in holding or (found.scores.words[index] > 0 and not look_up)
        if (by_words and not by_meaning) or found.alike[index] >= alike:
            shown.append(index)
    return found.best_first(shown)


def _in_stretches(found: Candidates, order: Sequence[int]) -> list[int]:
    """Return the places by how much the talk around them is about the question, too."""
    shares = ranking.by_stretch(found.spots, found.total)
    for index in order:
        found.total[index] += STRETCH * shares[index]
    return found.best_first(order)


def _read(hunt: Hunt, found: Candidates, order: Sequence[int]) -> list[int]:
    """Return the places by what the best of them say, too: what is asked for, or no more than a question."""
    best = order[: min(max(READ, 2 * hunt.options.limit), MOST_READ)]
    at = {spot[:2]: spot.body for spot in found.spots}
    before = {index: at.get((found.spots[index].conversation, found.spots[index].seq - 1), -1) for index in best}
    texts = hunt.store.words.texts({*before.values(), *(found.spots[index].body for index in best)}, READ_CHARS)
    asking = {body for body, text in texts.items() if answers.asks(text)}
    wanted = answers.wanted(hunt.query.text)
    asked = ranking.weight_of(found.terms)
    for index, last in before.items():
        body = found.spots[index].body
        if wanted is not None and wanted.search(texts.get(body, "")):
            found.total[index] += OF_THE_KIND
        if body in asking:
            found.total[index] -= ASKING
        if last in asking:
            found.total[index] += REPLY * sum(term.weight for term in found.terms if last in term.bodies) / asked
    return found.best_first(order)


def _tier(found: Candidates, order: Sequence[int], missing: Sequence[Term]) -> Tier:
    bodies = [found.spots[index].body for index in order]
    if found.terms and any(all(body in term.bodies for term in found.terms) for body in bodies):
        return "exact" if not missing else "relaxed"
    return "relaxed" if any(found.scores.shares[index] > 0 for index in order) else "semantic"
