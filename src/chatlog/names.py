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
#: Where in a file something is: `app.py:12:4`, `app.ts(12,4)`, `app.go#L12-L14`.
_PLACE = r"(?:[:(]|#L)\d+(?:[,:-]L?\d+)?$"
#: The name of a commit, and how much of it is told where it is shortened.
_HASH, _SHORT_HASHES = r"(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,64}", (16, 12, 11, 10, 9, 8, 7)
#: What a program numbers its things with: a commit, however short, a session, a run.
_ID = r"(?=.*\d)[0-9a-f]{7,64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{5,}"


def looser(name: str) -> Iterator[tuple[Term, ...]]:
    """Yield what else may be meant by a name, the closest first, each as terms that belong together.

    Of a place in a file the file; of a path its end, as seen from another folder, and its pieces; of a dotted name its
    end; of an identifier how others would spell it, what begins like it, and its parts; of a commit its short hash.
    """
    bare = name.strip(_MARKS)
    file = re.sub(_PLACE, "", bare)
    if file != bare and re.search(r"[^\W\d]", file):
        yield (Term(file),)
        bare = file
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
    yield from _spelt_otherwise(identifier)
    if len(identifier) >= _SHORTEST:
        yield (Term(identifier, prefix=True),)
    owner, dot, member = identifier.rpartition(".")
    if dot and owner and (len(member) >= _SHORTEST or "_" in member):
        yield (Term(member),)
        yield from _spelt_otherwise(member)
        identifier = member
    parts = parts_of(identifier)
    if len(parts) > 1:
        yield tuple(map(Term, parts))


def _spelt_otherwise(identifier: str) -> Iterator[tuple[Term, ...]]:
    """Yield a name as other languages spell it: `getUser` for `get_user` or `get-user`, and the other way round."""
    if re.fullmatch(r"[A-Za-z0-9]+(?:[_-]+[A-Za-z0-9]+)+", identifier):
        yield (Term(re.sub(r"[_-]", "", identifier)),)
    elif identifier.isalnum() and len(words := _words(identifier)) > 1:
        yield (Term(" ".join(words), phrase=True),)


def parts_of(identifier: str) -> tuple[str, ...]:
    """Return the words that an identifier is made of, without small ones; nothing of what has no humps or `_`."""
    if not re.search(r"[a-z0-9][A-Z]|[A-Z]{2}[a-z]|[A-Za-z0-9]_+[A-Za-z]", identifier):
        return ()
    words = dict.fromkeys(_words(identifier))
    return tuple(word for word in words if len(word) > 1 and word not in STOP_WORDS)[:_MOST_PARTS]


def _words(identifier: str) -> list[str]:
    """Return the words that an identifier is made of, in small letters."""
    pieces = re.findall(r"[A-Za-z0-9]+", identifier)
    return [word.lower() for piece in pieces for word in re.split(_HUMP, piece)]


def is_id(text: str) -> bool:
    """Whether a word is what a program numbers its things with: another one may stand in the same message."""
    return bool(re.fullmatch(_ID, text.strip(_MARKS)))


def is_compound(text: str) -> bool:
    """Whether a word is such a name, or one of several words: what else may be meant by it can be told."""
    return is_name(text) or bool(re.fullmatch(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)+", text.strip(_MARKS)))


def is_name(text: str) -> bool:
    """Whether a word is a name that a program would have, which means nothing but itself."""
    word = text.strip(_MARKS)
    return bool(re.search(r"\w[._/\\:]+\w|[a-z0-9][A-Z]|[A-Za-z]\d|\d[A-Za-z]", word)) and word.isascii()
