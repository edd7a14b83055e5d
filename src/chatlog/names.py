"""Names as programs have them, identifiers, paths, dotted names: what to look for where no message has one whole.

Pure: it knows no messages, only how such names are made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chatlog.models import Term
from chatlog.stopwords import STOP_WORDS

#: A capital after a small letter or a digit, or the last capital of several before a small one.
_HUMP = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
_SEPARATOR = r"[/\\]+"
_MARKS = "?!.,;:()[]{}'\"`<>"
#: Of a dotted name this much is a name by itself: the `ts` of `login.ts` is none.
_SHORTEST = 6
_MOST_PARTS = 8
#: The name of a commit, and how much of it is told where it is shortened.
_HASH, _SHORT_HASHES = r"(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,64}", (16, 12, 11, 10, 9, 8, 7)


def looser(name: str) -> Iterator[tuple[Term, ...]]:
    """Yield what else may be meant by a name, the closest first, each as terms that belong together.

    Of a path its end, as seen from another folder, and its pieces; of a dotted name its end; of an identifier what
    begins like it, and its parts; of a commit its short hash.
    """
    bare = name.strip(_MARKS)
    if "://" in bare or not re.fullmatch(r"[\w./\\:~@-]+", bare):
        return
    if re.fullmatch(_HASH, bare):
        yield from ((Term(bare[:length]),) for length in _SHORT_HASHES if length < len(bare))
        return
    pieces = [piece for piece in re.split(_SEPARATOR, bare) if piece]
    last = pieces[-1] if pieces else ""
    for start in range(1, len(pieces) if "." in last[1:] else len(pieces) - 1):
        yield (Term("/".join(pieces[start:])),)
    if len(pieces) > 1:
        yield tuple(map(Term, pieces[-_MOST_PARTS:]))
    yield from _like(last)


def _like(identifier: str) -> Iterator[tuple[Term, ...]]:
    """Yield what else may be meant by an identifier, dotted or not."""
    if len(identifier) >= _SHORTEST:
        yield (Term(identifier, prefix=True),)
    owner, dot, member = identifier.rpartition(".")
    if dot and owner and (len(member) >= _SHORTEST or "_" in member):
        yield (Term(member),)
        identifier = member
    parts = parts_of(identifier)
    if len(parts) > 1:
        yield tuple(map(Term, parts))


def parts_of(identifier: str) -> tuple[str, ...]:
    """Return the words that an identifier is made of, without small ones; nothing of what has no humps."""
    if not re.search(r"[a-z0-9][A-Z]|[A-Z]{2}[a-z]", identifier):
        return ()
    words = (word.lower() for piece in re.findall(r"[A-Za-z0-9]+", identifier) for word in re.split(_HUMP, piece))
    return tuple(dict.fromkeys(word for word in words if len(word) > 1 and word not in STOP_WORDS))[:_MOST_PARTS]


def is_name(text: str) -> bool:
    """Whether a word is a name that a program would have, which means nothing but itself."""
    word = text.strip(_MARKS)
    return bool(re.search(r"\w[._/\\:]+\w|[a-z0-9][A-Z]|[A-Za-z]\d|\d[A-Za-z]", word)) and word.isascii()
