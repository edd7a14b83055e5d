"""The word index: what is put beside the text so that it can be found, and how a query is asked.

Scripts without blanks between words are indexed character by character, and asked for as phrases;
identifiers are indexed by their parts; all in the form that Unicode calls compatible (NFKC).  Emoji and
other symbols have words that stand for them.  FTS5's own `snippet()` is never used (it is quadratic).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from chatlog.models import FOLDED, UNSPACED, Term, is_symbol
from chatlog.store.sqlite.connection import Connection

#: A run of them.  Patterns are compiled at their first use: that costs more than a short command.
_RUN = f"[{UNSPACED}]+"
#: Identifiers with a capital in the middle, and what they are made of.
_CAMEL = r"(?<![A-Za-z0-9])(?:[A-Za-z0-9]*[a-z0-9][A-Z][A-Za-z0-9]*|[A-Z]{2,}[a-z][A-Za-z0-9]*)"
#: Bytes as their case: A for a capital, a for other letters and digits, a blank for the rest.
_CASES = bytes(65 if chr(code).isupper() else 97 if chr(code).isalnum() else 32 for code in range(128)) + b" " * 128
#: Bytes as they are where they are letters and digits, a blank for the rest.
_WORDS = bytes(code if chr(code).isalnum() else 32 for code in range(128)) + b" " * 128
#: Bytes that begin no character of the unspaced scripts in UTF-8.
_OTHERS = bytes(code for code in range(256) if code not in (0xE0, 0xE1, *range(0xE3, 0xEE), 0xEF, 0xF0))
_ASCII = bytes(range(128))
#: Vowels and the like that Arabic and Hebrew are mostly written without; the tokenizer takes them for letters.
_VOWELS = "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u065f\u0670"
_LOOSE = f"[{_VOWELS}{''.join(FOLDED)}]"
#: A mark that no letter bears.
_LONE_MARK = "(?<![\\w\u0300-\u036f])[\u0300-\u036f]+"
#: Stands between runs, and counts as a word, so that no phrase reaches over it.
_BETWEEN = " \ue000 "
#: So far from a run a name or a path is taken to touch it.
TOUCHING_CHARS = 200
#: So much of tool text, which is mostly whole files, is looked through for identifiers.
IDENTIFIER_CHARS = 4_000
#: A version, with its v or without: both are written of the same one.
_VERSION = r"[vV]?(\d+(?:\.\d+){1,3})"
_HUMP = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+"

#: The columns of each place that a query may name.
COLUMNS = {
    "text": ("text", "author", "extra"),
    "tool": ("tool", "tool_extra"),
    "shown": ("text", "extra"),
    "author": ("author",),
}
#: Longer words and runs are searched by their beginning, for a phrase costs by its length; of many the first count.
MAX_TERM_CHARS, MAX_RUN_CHARS, MAX_RUNS, MAX_TERMS = 400, 24, 16, 100


def spelt(run: str) -> str:
    """Return a run of unspaced script as its characters: 東京都 → 東 京 都."""
    return " ".join(run)


def extra_columns(text: str, tool: str | None) -> tuple[str | None, str | None]:
    """Return what the index holds beside a body's text and beside its tool text."""
    return extra_terms(text), extra_terms(tool, IDENTIFIER_CHARS) if tool else None


def extra_terms(text: str, identifier_chars: int | None = None) -> str | None:
    """Return the terms to index beside a text, None where the text suffices.

    Identifiers are looked for in its first `identifier_chars`.
    """
    parts = _humps(text[:identifier_chars])
    if not text.isascii() and (composed := _composed(text)) != text:
        parts |= _composed_words(text)
        text = composed
    parts |= _symbol_words(text)
    if not _may_hold_runs(text):
        return " ".join(sorted(parts)) or None
    pieces = re.split(f"({_RUN})", text)
    runs, gaps = pieces[1::2], pieces[::2]
    parts |= _touching(set(gaps)) if runs else set()
    return _BETWEEN.join([spelt(_BETWEEN.strip().join(runs)), *sorted(parts)] if runs else sorted(parts)) or None


def _humps(text: str) -> set[str]:
    """Return the parts of the camel-case names in a text, in lower case."""
    plain = text.encode("ascii", "replace")
    cases = plain.translate(_CASES)
    if b"aA" not in cases and b"AAa" not in cases:  # most texts; the patterns are a hundred times slower
        return set()
    words = set(plain.translate(_WORDS).split()) - _PLAIN
    return {part for word in words for part in _parts(word)}


#: Words that turned out to have no parts: a project says its few thousand words again and again.
_PLAIN: set[bytes] = set()
_PLAIN_MOST = 100_000


@lru_cache(8_192)
def _parts(word: bytes) -> tuple[str, ...]:
    """Return the parts of a camel-case name; another word has none, and is remembered."""
    name = word.decode("ascii")
    if not word.islower() and not word[1:].islower() and re.match(_CAMEL, name):
        return tuple(hump.lower() for hump in re.findall(_HUMP, name) if len(hump) > 1)
    if len(_PLAIN) < _PLAIN_MOST and len(word) < MAX_TERM_CHARS:
        _PLAIN.add(word)
    return ()


def _composed(text: str) -> str:
    """Return a text as it is searched: as Unicode composes it, and strasse for Straße."""
    text = _compatible(text)
    return text if text.isascii() else re.sub(_LOOSE, lambda found: FOLDED.get(found[0], ""), text)


def _compatible(text: str) -> str:
    """Return a text as Unicode composes it: が of one character, whatever wrote it, and ABC for ＡＢＣ.

    An accent by itself (´) becomes a blank with one, which the tokenizer takes for an empty word: without it.
    """
    composed = unicodedata.normalize("NFKC", text)
    return composed if composed == text else re.sub(_LONE_MARK, "", composed)


def _composed_words(text: str) -> set[str]:
    """Return the words of a text that are others once composed; what is in a run or touches one is found there."""
    beyond = [word for word in set(text.split()) if not word.isascii()]
    spaced = (word for word in beyond if not re.search(_RUN, word))  # where there are runs they stay
    changed = ((word, new) for word in spaced if (new := _composed(word)) != word and not re.search(_RUN, new))
    return {new for word, new in changed if _letters(new) != _letters(word)}


def _symbol_words(text: str) -> set[str]:
    """Return words that stand for the emoji and other symbols in a text, which the tokenizer takes for blanks.

    Each begins with a character that nobody writes, and ends in a digit, which no stemmer touches.
    """
    if text.isascii():
        return set()
    beyond = text.encode("utf-8", "surrogatepass").translate(None, _ASCII)  # most texts are nearly all ASCII
    chars = set(beyond.decode("utf-8", "surrogatepass")) - _NO_SYMBOLS
    symbols = {char for char in chars if is_symbol(char)}
    _NO_SYMBOLS.update(chars - symbols)
    return {f"\ue001{ord(char):x}0" for char in symbols}


#: Characters that turned out to be no symbols: a language has its few thousand.
_NO_SYMBOLS: set[str] = set()


def _letters(word: str) -> list[str]:
    """Return what the tokenizer takes of a word."""
    return [char for char in word if unicodedata.category(char)[0] in "LNMC"]


def _may_hold_runs(text: str) -> bool:
    """Whether a text has characters near those scripts: a glance at its bytes, where a pattern is slow."""
    return not text.isascii() and bool(text.encode("utf-8", "surrogatepass").translate(None, _OTHERS))


def _touching(gaps: Iterable[str]) -> set[str]:
    """Return what stands at the ends of the gaps between runs of unspaced script.

    The tokenizer takes it as one word with the run that it touches.
    """
    words: set[str] = set()
    for gap in gaps:
        if len(gap) > 1:
            words |= {_first_word(gap), _first_word(gap[:-TOUCHING_CHARS:-1])[::-1]}
        elif gap.isalnum():
            words.add(gap)
    return {word.lower() for word in words if re.search(r"\w", word)}


def _first_word(text: str) -> str:
    """Return what a text begins with, up to a blank."""
    return "" if text[0].isspace() else text[:TOUCHING_CHARS].split(maxsplit=1)[0]


_INDEX = "INSERT INTO words (rowid, owner, text, tool, author, extra, tool_extra) SELECT * FROM searchable WHERE "
_UNINDEX = (
    "INSERT INTO words (words, rowid, owner, text, tool, author, extra, tool_extra) "
    "SELECT 'delete', * FROM searchable WHERE id = ?"
)


def index(connection: Connection, first: int, last: int) -> None:
    """Put the bodies with ids from `first` to `last` into the index."""
    connection.execute(_INDEX + "id BETWEEN ? AND ?", (first, last))


def unindex(connection: Connection, bodies: Iterable[int]) -> None:
    """Take bodies out of the index; they must still be as they were when they went in."""
    connection.executemany(_UNINDEX, [(body,) for body in bodies])


def expression(
    user: str | None, every: Sequence[Term], within: Sequence[str], any_of: Sequence[Term] = ()
) -> str | None:
    """Return the FTS5 expression of terms in some places within a user's rows, or in all; None for what none can hold.

    With `any_of` one of these must be there too.
    """
    columns = " ".join(column for place in within for column in COLUMNS[place])
    asked = [part for term in every[:MAX_TERMS] if (part := _term(term))]
    if every and not asked:
        return None
    if some := [part for term in any_of if (part := _term(term))]:
        asked.append(f"({' OR '.join(some)})")
    if not asked:
        return None
    words = f"{{{columns}}} : ({' AND '.join(asked)})"
    return words if user is None else f"owner : {owner_token(user)} AND {words}"


def owner_token(user: str) -> str:
    """Return the token that stands for a user in the index, as the view `searchable` makes it."""
    return f'"u{user.encode().hex()}0"'


def _term(term: Term) -> str:
    """Return a term, or its beginning, as FTS5 phrases; its runs of unspaced script spelt, in the extra columns."""
    text = term.text[:MAX_TERM_CHARS]
    if text.isascii() and text.isalpha():  # most words: misspelt ones are asked for by the hundred
        return _quoted(text) + " *" * term.prefix
    text = _composed(text)
    if not re.search(r"\w", text):
        symbols = [_quoted(word) for word in sorted(_symbol_words(text))]
        return f"{{extra tool_extra}} : ({' AND '.join(symbols)})" if symbols else ""
    if version := re.fullmatch(_VERSION, text):
        return f"({_quoted(version[1])} OR {_quoted('v' + version[1])})"
    runs = [] if text.isascii() else re.findall(_RUN, text)[:MAX_RUNS]
    if not runs:  # a phrase stands in the text alone: there as it is written
        forms = dict.fromkeys((_compatible(term.text[:MAX_TERM_CHARS]), text))
        asked = [_quoted(form) + (" *" if term.prefix else "") for form in forms if re.search(r"\w", form)]
        return asked[0] if len(asked) == 1 else f"({' OR '.join(asked)})"
    phrases = [f"{{extra tool_extra}} : {_phrase(run)}" for run in runs]
    rest = re.sub(_RUN, " ", text)
    if re.search(r"\w", rest):
        phrases.extend(_quoted(word) for word in rest.split() if re.search(r"\w", word))
    return "(" + " AND ".join(phrases) + ")"


def _phrase(run: str) -> str:
    return _quoted(spelt(run[:MAX_RUN_CHARS]))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""').replace("\x00", " ") + '"'
