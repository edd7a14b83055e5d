"""The search language: what a person types → words, and filters.

Never fails: what looks like a field but is none is taken as words.  Fields: ``role: tag: model: title:
source: project: author: since: until: in: is:``; ``"a phrase"``, ``-word``, ``word*``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import TypeVar

from chatlog import timespec
from chatlog.errors import UsageError
from chatlog.models import FOLDED, ROLES, UNSPACED, Filters, Term, is_symbol
from chatlog.stopwords import language_of, stop_words_of

Key = TypeVar("Key", int, str)
#: A minus excludes, but in what is typed to a command (`--no-verify`, `tail -f`, `head -20`) it belongs to the word.
_MINUS = r"(?P<minus>-(?!-|[A-Za-z](?![\w+#])|\d+(?!\S)|\w[\w-]*=))?"
_TOKEN = re.compile(_MINUS + r'(?:(?P<field>[A-Za-z]+):)?(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))')
#: What ends a sentence or a part of one.
MARKS = "?!.,;:…¿؟،؛।"
#: What a sentence ends with.
SENTENCE_END = re.compile(r"[.?!;…。？！；؟]+")
#: What `in:` and `--in` may name.
PLACES = ("text", "tool", "title")

_TALK_WORDS = """
    debate debated debates debating discuss discussed discusses discussing discussion discussions overview presentation
    presentations recap summaries summarise summarised summarize summarized summary
"""
#: Words that ask for a stretch of talk rather than for one thing that was said.
TALK_WORDS = frozenset(_TALK_WORDS.split())
_ASKING_WORDS = """
    ask asked asking conclude concluded conclusion conclusions conversation conversations decide decided decision
    describe described explain explained forget forgot forgotten hello hey know meeting meetings mention mentioned
    mentions opinion opinions perspective perspectives presented presenting question reason remember remind said say
    saying says talk talked talking talks team thank thanks think thinking thinks thought thoughts told wonder
    wondered wondering
"""
#: Words that are about conversation itself, which count less than what it was about.
ASKING_WORDS = TALK_WORDS.union(_ASKING_WORDS.split())
#: What is said of who owns something, and verbs cut short: `'s`, `n't`.
_ENDING = re.compile(r"(?:(?<=\w)['’]s|^n?['’](?:s|t|re|ve|ll|d|m))[?!.,;:]*$", re.IGNORECASE)
#: What French and Italian cut short before a vowel.
_ELIDED = re.compile(r"^(?:[cdjlmnst]|qu|(?:d|n|s|qu)?[ae]ll|un)['’](?=\w{3})", re.IGNORECASE)
#: So much of a question is read as sentences; what is longer is a text, of which the words are looked for.
QUESTION_CHARS = 8_000
#: Of a longer query the longest words are searched.
MAX_TERMS = 40
#: Characters of Chinese that make a question, or hold a sentence together.
ASKING_CHARACTERS = frozenset("的是了么什吗呢哪谁几怎吧在和与有个这那我你他她它们")
_FOLDED = str.maketrans(FOLDED)


@dataclass(frozen=True)
class Query:
    """A parsed query: terms to find, terms to do without, and what else must hold."""

    terms: tuple[Term, ...]
    without: tuple[Term, ...] = ()
    filters: Filters = Filters()  # noqa: RUF009  frozen
    within: tuple[str, ...] = ()
    #: The terms if a word after a minus is a word like others, as in a command.
    typed: tuple[Term, ...] = field(default=(), compare=False, repr=False)

    @cached_property
    def text(self) -> str:
        """The question as it was put, without fields; of a long text its beginning."""
        return " ".join(term.text for term in self.terms)[:QUESTION_CHARS]

    @cached_property
    def content(self) -> tuple[Term, ...]:
        """What it is about: its terms without stop words."""
        return content_terms(self.terms)

    @property
    def is_question(self) -> bool:
        """Whether more was typed than bare words."""
        return len(self.terms) > len(self.content)

    @property
    def asks_for_talk(self) -> bool:
        """Whether it is about a stretch of talk: it has a word for that, and says what was talked about."""
        words = [term for term in self.content if not term.phrase]
        return any(bare(term.text) in TALK_WORDS for term in words) and not all(is_weak(term) for term in words)

    @cached_property
    def language(self) -> str | None:
        """The language that its stop words are of; None for English."""
        return language_of({bare(term.text) for term in self.terms})

    def has_capital(self, term: Term) -> bool:
        """Whether one of its terms is written like a name: with a capital, and not at its beginning."""
        return term.text.istitle() and not self.text.startswith(term.text)

    def is_proper(self, term: Term) -> bool:
        """Whether one of its terms is somebody's name, as far as its capital tells: in English only names have one."""
        return self.has_capital(term) and self.language is None

    @property
    def flags(self) -> tuple[Term, ...]:
        """The unwanted words that may be flags of a command."""
        return tuple(term for term in self.without if not term.phrase and not term.prefix)

    def of(self, terms: tuple[Term, ...]) -> Query:
        """Return the query for other terms."""
        return replace(self, terms=terms, typed=terms)

    def as_typed(self) -> Query:
        """Return the query in which a word after a minus is a word like others; a phrase is not."""
        return replace(self, terms=self.typed, without=tuple(term for term in self.without if term.phrase))


def parse(text: str, now: datetime, filters: Filters = Filters()) -> Query:  # noqa: B008  frozen
    """Return what `text` asks, its fields added to `filters`; `now` is what dates count from."""
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8"))
    said: list[tuple[Term, bool]] = []
    symbols: list[Term] = []
    within: list[str] = []
    for match in _TOKEN.finditer(text):
        value = match["phrase"] if match["phrase"] is not None else match["word"]
        if (match["field"] or "").lower() == "in" and value in PLACES and not match["minus"]:
            within.append(value)
        elif (narrowed := _narrowed(filters, match, value, now)) is not None:
            filters = narrowed
        elif match["minus"] and match["field"] and (others := _others(match, value, now)) is not None:
            filters = filters._replace(excluded=(*filters.excluded, others))
        elif _is_word(term := _term(match)):
            said.append((term, bool(match["minus"])))
        elif SENTENCE_END.fullmatch(term.text):
            said.append((term, False))
        elif not match["minus"] and any(map(is_symbol, term.text)):
            symbols.append(term)
    terms = _with_marks(term for term, is_unwanted in said if not is_unwanted)
    typed = _with_marks(term for term, is_unwanted in said if not (is_unwanted and term.phrase))
    without = tuple(term for term, is_unwanted in said if is_unwanted)
    return Query(terms or tuple(symbols), without, filters, tuple(within), typed)


def _is_word(term: Term) -> bool:
    return bool(re.search(r"\w", term.text))


def _with_marks(said: Iterable[Term]) -> tuple[Term, ...]:
    """Return words, each with the marks behind it that end a sentence: in French there is a blank before them."""
    terms: list[Term] = []
    for term in said:
        if _is_word(term):
            terms.append(term)
        elif terms and not (terms[-1].phrase or terms[-1].prefix):
            terms[-1] = Term(terms[-1].text + term.text)
    return tuple(terms)


def _term(match: re.Match[str]) -> Term:
    prefix = f"{match['field']}:" if match["field"] else ""
    if match["phrase"] is not None:
        return Term(prefix + match["phrase"], phrase=True)
    word = prefix + match["word"]
    return Term(word.rstrip("*"), prefix=word.endswith("*"))


Narrow = Callable[[Filters, str, datetime], Filters]


def _role(filters: Filters, value: str, now: datetime) -> Filters:  # noqa: ARG001  one of the fields
    if value not in ROLES:
        raise UsageError(f"'{value}' is not a role")
    return filters._replace(role=value)


def _is(filters: Filters, value: str, now: datetime) -> Filters:  # noqa: ARG001
    match value:
        case "pinned" | "unpinned":
            return filters._replace(pinned=value == "pinned")
        case "archived":
            return filters._replace(archived=True)
    raise UsageError(f"a conversation cannot be '{value}'")


#: Each field of the language and how it narrows; a UsageError means the word was no field after all.
FIELDS: dict[str, Narrow] = {
    "role": _role,
    "is": _is,
    "tag": lambda filters, value, _: filters._replace(tags=(*filters.tags, value)),
    "-tag": lambda filters, value, _: filters._replace(no_tags=(*filters.no_tags, value)),
    "title": lambda filters, value, _: filters._replace(title=(*filters.title, value)),
    "model": lambda filters, value, _: filters._replace(model=value),
    "source": lambda filters, value, _: filters._replace(source=value),
    "project": lambda filters, value, _: filters._replace(project=value),
    "author": lambda filters, value, _: filters._replace(author=value),
    "since": lambda filters, value, now: filters._replace(since=timespec.since(value, now)),
    "until": lambda filters, value, now: filters._replace(until=timespec.until(value, now)),
}
#: Those that may exclude: `-role:tool`.
EXCLUDING = ("role", "source", "model", "project", "author", "title")
_SYNONYMS = {"after": "since", "before": "until", "from": "author"}


def _narrowed(filters: Filters, match: re.Match[str], value: str, now: datetime) -> Filters | None:
    """Return the filters with a field added, None where it is no field or its value makes no sense."""
    if not match["field"]:
        return None
    name = match["field"].lower()
    field = FIELDS.get((match["minus"] or "") + _SYNONYMS.get(name, name))
    if field is None:
        return None
    try:
        return field(filters, value, now)
    except UsageError:
        return None


def _others(match: re.Match[str], value: str, now: datetime) -> Filters | None:
    """Return what a field with a minus excludes, None where it is no such field."""
    name = _SYNONYMS.get(match["field"].lower(), match["field"].lower())
    try:
        return FIELDS[name](Filters(), value, now) if name in EXCLUDING else None
    except UsageError:
        return None


def content_terms(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Return the terms without stop words and repetitions; all of them where nothing else is there."""
    left_out = stop_words_of({bare(term.text) for term in terms})
    kept: dict[str, Term] = {}
    for term in terms:
        word = bare(term.text)
        if term.phrase or word not in left_out:
            kept.setdefault(word or term.text, term)
    return tuple(kept.values()) or terms


def without_endings(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Return the terms without what grammar alone adds: `Caroline's` is Caroline, a word `'re` by itself nothing."""
    found: dict[Term, None] = {}
    for term in terms:
        text = term.text if term.phrase or term.prefix else _ELIDED.sub("", _ENDING.sub("", term.text))
        if text:
            found[term._replace(text=text)] = None
    return tuple(found) or terms


def split_runs(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Return the terms with runs of unspaced script as their pairs of characters and the characters themselves."""
    found: dict[Term, None] = {}
    for term in terms:
        runs = [] if term.phrase or term.text.isascii() else re.findall(f"[{UNSPACED}]+", term.text)
        rest = re.sub(f"[{UNSPACED}]+", " ", term.text).split() if runs else []
        pieces = [pair for run in runs for pair in map("".join, pairwise(run)) if not _has_mark(pair)]
        pieces += [sign for run in runs for sign in run if sign not in ASKING_CHARACTERS or len(run) == 1]
        found |= (
            dict.fromkeys(Term(word) for word in (*pieces, *rest) if re.search(r"\w", word)) if runs else {term: None}
        )
    return tuple(found)


def _has_mark(text: str) -> bool:
    """Whether there is a mark of punctuation in a text: the dot of ジョン・スミス, which the index does not hold."""
    return any(unicodedata.category(sign)[0] in "PS" for sign in text)


def most_telling(terms: tuple[Term, ...]) -> tuple[tuple[Term, ...], list[Term]]:
    """Return the longest `MAX_TERMS` of the terms, and the rest: a page of text is no query, but it is answered."""
    kept = set(sorted(terms, key=lambda term: -len(term.text))[:MAX_TERMS])
    return tuple(term for term in terms if term in kept), [term for term in terms if term not in kept]


def is_weak(term: Term) -> bool:
    """Whether a term is about the question rather than what it asks for."""
    return bare(term.text) in ASKING_WORDS or (is_unspaced(term) and bool(set(term.text) & ASKING_CHARACTERS))


def has_unspaced(text: str) -> bool:
    """Whether a text has a character of a script without blanks between words."""
    return not text.isascii() and bool(re.search(f"[{UNSPACED}]", text))  # to compile the pattern takes milliseconds


def is_unspaced(term: Term) -> bool:
    """Whether a term is a character or two of a script without blanks between words."""
    return len(term.text) in (1, 2) and all(map(has_unspaced, term.text))


def whole(term: Term, ending: str = "") -> str:
    """Return a pattern of a term as whole words, where its script has such; with `ending` they may end in that."""
    words = re.escape(term.text)
    if has_unspaced(term.text):
        return words
    return rf"(?<!\w){words}" if term.prefix else rf"(?<!\w){words}{ending}(?!\w)"


def singular(term: Term) -> Term:
    """Return a term without the ending of many of them: titles say sourdough starter, and questions starters."""
    is_plural = len(term.text) > 3 and term.text.endswith("s") and not term.text.endswith("ss") and not term.phrase
    return term._replace(text=term.text[:-1]) if is_plural else term


def having(texts: Mapping[Key, str], term: Term) -> frozenset[Key]:
    """Return the keys of those short texts that have a term as a word, in the singular or the plural."""
    wanted = singular(term._replace(text=bare(term.text)))
    near = [key for key, text in texts.items() if wanted.text and wanted.text in text.lower()]
    if not near:  # mostly: to compile the pattern takes longest
        return frozenset()
    pattern = re.compile(whole(wanted, "s?"), re.IGNORECASE)
    return frozenset(key for key in near if pattern.search(texts[key]))


def bare(text: str) -> str:
    """Return a word as it is compared: in lower case, without the marks around it."""
    return text.strip(MARKS + "()[]{}'\"“”‘’¡«»„").lower().replace("’", "'")


def folded(text: str) -> str:
    """Return a text in lower case and without accents, as the index has it."""
    parted = unicodedata.normalize("NFKD", text.translate(_FOLDED))
    return "".join(char for char in parted if not unicodedata.combining(char)).casefold()
