"""Whether a question is answered here at all: what chance brings, from a history that it was not meant for, is noise.

Fitted to the questions of three sets, asked of their own histories and of the others', large and small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from chatlog import answers, names, ranking
from chatlog.candidates import Candidates
from chatlog.hunt import Hunt

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
#: So many of the best tell how well a question is answered.
BEST = 3
#: A message this alike answers a question with which it shares no word; questions that were asked of other histories
#: hardly ever come this near, but for those with a name that is nowhere here.
ALIKE_ENOUGH = 0.55
#: By meaning alone the nearest must be so much alike, and more for each tenfold of messages.
ALIKE, ALIKE_BY_CHANCE = 0.25, 0.05


def is_noise(hunt: Hunt, found: Candidates, order: Sequence[int]) -> bool:
    """Whether the best results have too little to do with a question; bare words need only be somewhere.

    A question in a language with other forms of words is taken as bare words: the sets are in English.
    """
    query, is_chosen = hunt.query, hunt.query.filters.ids is not None
    if hunt.options.mode == "hybrid" and _asks_for_itself(found, order):
        return True
    if any(found.scores.words) and (not query.is_question or query.language is not None):
        return False
    alike = max(found.alike[index] for index in order)
    if alike >= ALIKE_ENOUGH and not any(not term.bodies and query.is_proper(term.term) for term in found.terms):
        return False
    tenfold = math.log10(hunt.scope.size)
    if hunt.options.mode == "semantic":  # words count for nothing there, so that none can be asked for
        return not is_chosen and alike < ALIKE + ALIKE_BY_CHANCE * tenfold
    floor = (FLOOR + BY_CHANCE * tenfold) * (WITHIN if is_chosen else 1)
    return _answered(hunt, found, order[:BEST], alike) < floor


def _answered(hunt: Hunt, found: Candidates, best: Sequence[int], alike: float) -> float:
    """Return how well a question is answered by the best that was found, of which the nearest is this alike."""
    scores, terms = found.scores, found.terms
    asked = ranking.weight_of(term for term in terms if term.bodies or not names.is_id(term.term.text))
    words = max(scores.words[index] for index in best) / asked
    share = max(scores.shares[index] for index in best)
    answered = alike + HELD * words + AROUND * share + LONGER * math.log(max(len(terms), 1))
    if answers.speaker(hunt.query.text) or any(term.authored for term in terms):
        answered += HERE + SPEAKING * max(scores.named[index] for index in best)
    return answered


def _asks_for_itself(found: Candidates, order: Sequence[int]) -> bool:
    """Whether nothing is asked for but phrases and names, and none of them is there: nothing else means the same."""
    if not all(term.term.phrase or names.is_name(term.term.text) for term in found.terms):
        return False
    return not any(found.spots[index].body in term.bodies for term in found.terms for index in order)
