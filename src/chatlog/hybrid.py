"""Search by words and by meaning together, and by meaning alone.

Candidates come from both; words count by BM25F with their neighbours, meaning by how alike the vectors are.  A
question that nothing here answers gets no results rather than poor ones.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from chatlog import answers, lexical, names, ranking, weighing
from chatlog import query as language
from chatlog.hunt import Hunt
from chatlog.models import Term
from chatlog.ranking import Weighed
from chatlog.results import Results, Tier
from chatlog.shortlist import Ranked
from chatlog.store.words import Spot

#: So many of the nearest in meaning are looked at with those around them.
MEANING_SEEDS = 40
#: Messages within this distance of a candidate are candidates themselves.
SPREAD = 2
#: What it adds to hold a phrase, identifier or path of the query exactly as it was typed.
LITERAL = 0.5
#: What it adds to hold every word of the query in one message.
COMPLETE = 0.3
#: So many words in a row are a line that somebody copied.
LINE = 4
#: What it adds to stand in the conversation most about the question: a single message may match by chance.
CONVERSATION = 0.2
#: And in the stretch of talk most about it, where the question asks for a discussion: a single line says little of it.
STRETCH = 2.0
#: So many characters of a message are looked through for the phrase.
PHRASE_SCAN = 100_000
#: What it adds to be by somebody whom the question names, with all the rest of it right there; and to hold the kind of
#: answer that is asked for: a time, a number, a place.
NAMED, OF_THE_KIND = 0.2, 0.12
#: What it adds to follow a message that asks all of the question, and what it costs to end with a question.
REPLY, ASKING = 0.2, 0.05
#: The text of so many of the best is read, of more where more results are wanted, and so many characters of each: a
#: long text touches on everything.
READ, MOST_READ, READ_CHARS = 60, 500, 600
#: A question is answered here where the likeness of the nearest, plus `HELD` times the share of its words that the best
#: hold, plus `AROUND` times the share that stands around them, reaches `FLOOR`.  Of a longer question less is held:
#: `LONGER` is added by the logarithm of its words.  Of a larger history more matches by chance: `BY_CHANCE` is asked
#: for each tenfold of messages.
HELD, AROUND, LONGER = 1.5, 1 / 3, 0.15
FLOOR, BY_CHANCE = 0.7, 0.12
#: A question that names an author of this history, or says `I` or `you`, is likely meant for it: what that adds to the
#: sum, and what it adds that the one it names speaks of the rest of it.
HERE, SPEAKING = 0.05, 0.3
#: In conversations that the user chose this share of the floor is enough.
WITHIN = 0.37
#: A message this alike answers a question with which it shares no word; questions that were asked of other histories
#: hardly ever come this near, but for those with a name that is nowhere here.
ALIKE_ENOUGH = 0.55
#: A word of a question that is nowhere is looked for without its last letters, so many, but no shorter than this.
ENDING, BEGINNING = 3, 5
#: A query of so few words is a look-up: what only stands near a match is no match.
LOOK_UP = 1
#: A message with none of the words in or near it must be this alike: to a look-up whose word was found, to a question.
ALIKE_LOOK_UP, ALIKE = 0.55, 0.25
#: By meaning alone the nearest must be so much more alike than that for each tenfold of messages.
ALIKE_BY_CHANCE = 0.05
#: How alike a message without a vector is.
UNKNOWN = -1.0


@dataclass(slots=True)
class _Field:
    """The candidates of a search: their places, and at the same index the scores of each."""

    spots: list[Spot]
    terms: Sequence[Weighed]
    scores: ranking.Scores
    alike: list[float]
    total: list[float]

    def ranked(self, index: int) -> Ranked:
        """Return a place with its scores."""
        alike = self.alike[index] if self.alike[index] > UNKNOWN else None
        return Ranked(self.spots[index], self.total[index], self.scores.words[index], alike)

    def best_first(self, found: Sequence[int]) -> list[int]:
        """Return places in the order of their scores, of equal ones the latest first."""
        return sorted(found, key=lambda index: (-self.total[index], -self.spots[index].body))


def search(hunt: Hunt, terms: tuple[Term, ...]) -> Results:
    """Return the messages that answer best by words and meaning."""
    asked, beyond = language.most_telling(language.split_runs(language.without_endings(terms)))
    looked_for = [_by_beginning(hunt, term) for term in asked] if hunt.query.is_question else asked
    field = _field(hunt, weighing.weigh(hunt, looked_for), by_words=hunt.options.mode != "semantic")
    has_meaning = any(value > UNKNOWN for value in field.alike)
    if not has_meaning:
        return lexical.search(hunt, terms)
    mode = hunt.options.mode
    found = _found(hunt, field)
    missing = [term.term for term in field.terms if term not in found]
    hunt.note_hidden(missing)
    missing += [term for term in asked if term not in looked_for] + beyond
    dropped = tuple(term.text for term in missing)
    order = _order(hunt, field, found)
    if not order or _is_noise(hunt, field, order):
        return Results(mode=mode, dropped=dropped, total=0, warnings=hunt.warnings())
    if mode == "hybrid":
        if hunt.scope.allowed is not None and hunt.query.asks_for_talk:
            order = _in_stretches(field, order)
        order = _read(hunt, field, order)
    items = hunt.items((field.ranked(index) for index in order), asked)
    return Results(
        items=tuple(items),
        mode=mode,
        tier=_tier(field, order[: hunt.options.limit], missing),
        dropped=dropped,
        total=len(items) if len(items) < hunt.options.limit else None,
        warnings=hunt.warnings(),
    )


def _by_beginning(hunt: Hunt, term: Term) -> Term:
    """Return a term, or what it begins with where no message has it: another form of the word, in any language."""
    word = language.bare(term.text)
    if term.phrase or term.prefix or len(word) <= BEGINNING or not word.isalpha():
        return term
    if hunt.scope.is_there(term) or _is_proper(hunt, term):
        return term
    shorter = Term(word[: max(len(word) - ENDING, BEGINNING)], prefix=True)
    return shorter if hunt.scope.is_there(shorter) else term


def _is_proper(hunt: Hunt, term: Term) -> bool:
    """Whether a term is written like somebody's name: with a capital, within a sentence that looks like English."""
    return language.has_capital(term, hunt.query.text) and hunt.query.language is None


def _field(hunt: Hunt, weighed: Sequence[Weighed], *, by_words: bool) -> _Field:
    """Gather what may answer, and score it."""
    scope = hunt.scope
    seeds = scope.allowed if scope.whole else hunt.seeds(weighed) if by_words else None
    seeds = seeds or frozenset()
    spots = {spot[:2]: spot for spot in scope.around(seeds, SPREAD)}
    question = hunt.question({spot.author for spot in spots.values()})
    if question is not None and not scope.whole:
        nearest = question.nearest(hunt.store, max(MEANING_SEEDS, hunt.options.limit), scope.allowed)
        more = hunt.may_be_found(nearest) - seeds
        spots |= {spot[:2]: spot for spot in scope.around(more, SPREAD)}
        hunt.note_unseen(nearest, spots.values())
    places = [spots[place] for place in sorted(spots)]
    around = scope.surroundings(places)
    terms = weighing.placed(hunt, weighed, places)
    scores = weighing.scores(hunt, places, around, terms if by_words else ())
    alike = [UNKNOWN] * len(places) if question is None else question.cosines(hunt.store, around)
    exactly = _exactly(hunt, terms, places) if by_words else {}
    total = [
        score + NAMED * named + exactly.get(spot.body, 0.0)
        for spot, score, named in zip(places, ranking.fused(scores.words, alike), scores.named, strict=True)
    ]
    if scope.allowed is None:
        shares = ranking.by_conversation(places, total)
        total = [score + CONVERSATION * share for score, share in zip(total, shares, strict=True)]
    return _Field(places, terms, scores, alike, total)


def _exactly(hunt: Hunt, terms: Sequence[Weighed], places: Sequence[Spot]) -> dict[int, float]:
    """Return what it adds to hold all that is asked, as typed or at all: less where only a tool says so.

    What a tool puts out is long, and has every word somewhere; but a line of a log or a command only where it ran.
    """
    here = frozenset(spot.body for spot in places)  # few beside all that hold a word: what else does is not looked at
    held = [here & term.bodies for term in terms]
    phrase = _phrase(hunt, here.intersection(*held)) if held else frozenset()
    said = held if hunt.scope.within == ("tool",) else [here & term.shown | here & term.authored for term in terms]
    found: dict[int, float] = {}
    for share, bodies in ((ranking.TOOL, held), (1.0, said)):
        literal, complete = _literal(terms, bodies), _complete(terms, bodies)
        literal |= phrase & complete
        found |= {body: share * (LITERAL * (body in literal) + COMPLETE * (body in complete))
                  for body in literal | complete}  # fmt: skip
    if len(hunt.query.terms) >= LINE:
        found |= dict.fromkeys(phrase & _complete(terms, held), LITERAL + COMPLETE)
    return found


def _literal(terms: Sequence[Weighed], held: Sequence[frozenset[int]]) -> frozenset[int]:
    """Return the messages that hold the query's phrases, identifiers and paths."""
    exact = [bodies for term, bodies in zip(terms, held, strict=True) if _is_literal(term.term)]
    return frozenset.intersection(*exact) if exact else frozenset()


def _phrase(hunt: Hunt, every: frozenset[int]) -> frozenset[int]:
    """Return those of the messages, which have every word of the query, that have them in a row."""
    words = hunt.query.terms
    if not every or len(words) < 2 or any(term.prefix for term in words):
        return frozenset()
    phrase = _in_a_row(hunt.query.text)
    phrase = phrase if phrase.isascii() else phrase.strip()  # where words are not spaced, it is within a run
    texts = hunt.store.words.texts(every, PHRASE_SCAN)  # by FTS5 a phrase costs as much as all the rest
    return frozenset(body for body, text in texts.items() if phrase in _in_a_row(text))


def _in_a_row(text: str) -> str:
    return " ".join(["", *re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()), ""])


def _complete(terms: Sequence[Weighed], held: Sequence[frozenset[int]]) -> frozenset[int]:
    """Return the messages that hold every term that is anywhere, two at least."""
    places = [bodies for term, bodies in zip(terms, held, strict=True) if term.bodies]
    return frozenset.intersection(*places) if len(places) > 1 else frozenset()


def _is_literal(term: Term) -> bool:
    return term.phrase or bool(re.search(r"\w[^\w\s'’]+\w|\w_\w", term.text))


def _order(hunt: Hunt, field: _Field, terms: Sequence[Weighed]) -> list[int]:
    """Return the places that may be shown, the best first; `terms` are those that some shown message has."""
    here = {spot.body for spot in field.spots}
    holding = frozenset[int]().union(*(here & term.bodies for term in terms))
    look_up = len([term for term in field.terms if term.bodies]) == LOOK_UP
    by_meaning = hunt.options.mode == "semantic"
    alike = ALIKE_LOOK_UP if look_up and not by_meaning else ALIKE if hunt.query.filters.ids is None else 0.0
    found = []
    for index, spot in enumerate(field.spots):
        if not field.total[index] or not spot.allowed or spot.body in hunt.excluded:
            continue
        by_words = spot.body in holding or (field.scores.words[index] > 0 and not look_up)
        if (by_words and not by_meaning) or field.alike[index] >= alike:
            found.append(index)
    return field.best_first(found)


def _in_stretches(field: _Field, order: Sequence[int]) -> list[int]:
    """Return the places by how much the talk around them is about the question, too."""
    shares = ranking.by_stretch(field.spots, field.total)
    for index in order:
        field.total[index] += STRETCH * shares[index]
    return field.best_first(order)


def _read(hunt: Hunt, field: _Field, order: Sequence[int]) -> list[int]:
    """Return the places by what the best of them say, too: what is asked for, or no more than a question."""
    best = order[: min(max(READ, 2 * hunt.options.limit), MOST_READ)]
    at = {(spot.conversation, spot.seq): spot.body for spot in field.spots}
    before = {index: at.get((field.spots[index].conversation, field.spots[index].seq - 1), -1) for index in best}
    texts = hunt.store.words.texts({*before.values(), *(field.spots[index].body for index in best)}, READ_CHARS)
    asking = {body for body, text in texts.items() if answers.asks(text)}
    wanted = answers.wanted(hunt.query.text)
    asked = ranking.weight_of(field.terms)
    for index, last in before.items():
        body = field.spots[index].body
        if wanted is not None and wanted.search(texts.get(body, "")):
            field.total[index] += OF_THE_KIND
        if body in asking:
            field.total[index] -= ASKING
        if last in asking:
            field.total[index] += REPLY * sum(term.weight for term in field.terms if last in term.bodies) / asked
    return field.best_first(order)


def _is_noise(hunt: Hunt, field: _Field, order: Sequence[int]) -> bool:
    """Whether the best results have too little to do with a question; bare words need only be somewhere.

    Fitted to the questions of three sets, asked of their own histories and of the others', large and small; all are in
    English, and those in a language with other forms of words are taken as bare words.
    """
    if hunt.options.mode == "hybrid" and _asks_for_itself(field, order):
        return True
    if any(field.scores.words) and (not hunt.query.is_question or hunt.query.language is not None):
        return False
    alike = max(field.alike[index] for index in order)
    if alike >= ALIKE_ENOUGH and not any(not term.bodies and _is_proper(hunt, term.term) for term in field.terms):
        return False
    if hunt.options.mode == "semantic":  # words count for nothing there, so that none can be asked for
        return hunt.query.filters.ids is None and alike < ALIKE + ALIKE_BY_CHANCE * math.log10(hunt.scope.size)
    asked = ranking.weight_of(term for term in field.terms if term.bodies or not names.is_id(term.term.text))
    words = max(field.scores.words[index] for index in order[:3]) / asked
    share = max(field.scores.shares[index] for index in order[:3])
    answered = alike + HELD * words + AROUND * share + LONGER * math.log(max(len(field.terms), 1))
    if answers.speaker(hunt.query.text) or any(term.authored for term in field.terms):
        answered += HERE + SPEAKING * max(field.scores.named[index] for index in order[:3])
    floor = FLOOR + BY_CHANCE * math.log10(hunt.scope.size)
    return answered < (floor if hunt.query.filters.ids is None else floor * WITHIN)


def _asks_for_itself(field: _Field, order: Sequence[int]) -> bool:
    """Whether nothing is asked for but phrases and names, and none of them is there: nothing else means the same."""
    if not all(term.term.phrase or names.is_name(term.term.text) for term in field.terms):
        return False
    return not any(field.spots[index].body in term.bodies for term in field.terms for index in order)


def _found(hunt: Hunt, field: _Field) -> list[Weighed]:
    """Return the terms that some message has that may be shown."""
    shown = {spot.body for spot in field.spots if spot.allowed}
    return [term for term in field.terms if not shown.isdisjoint(term.bodies) or hunt.scope.has(term.bodies)]


def _tier(field: _Field, order: Sequence[int], missing: Sequence[Term]) -> Tier:
    bodies = [field.spots[index].body for index in order]
    if field.terms and any(all(body in term.bodies for term in field.terms) for body in bodies):
        return "exact" if not missing else "relaxed"
    return "relaxed" if any(field.scores.shares[index] > 0 for index in order) else "semantic"
