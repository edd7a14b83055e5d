"""Redaction: which stretches of a text are secrets or personal data, and the text without them.

A leaf: text goes in, spans come out.  Detectors are bounded patterns with validators, in a table; a user's
own patterns stand beside them.  Nothing here claims to find everything, and no span carries the words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from chatlog.errors import UsageError
from chatlog.models import NO_WORDS
from chatlog.redaction.text import Text

#: A user's pattern: so long at most, so many, and so many seconds for one text.
MAX_PATTERN_CHARS, MAX_PATTERNS, PATTERN_SECONDS = 1_000, 100, 2.0
#: The groups of detectors.
GROUPS = ("secrets", "contact", "money", "network", "identity")
#: What a user's own patterns are reported as.
OWN = "pattern"


#: The key of a value says what it is, but for that of words, and where it is a long text.
SAYS_NOTHING, TOLD_CHARS = ("text", "content", "title", "summary", "value"), 4_000
#: What holds other values.
_HOLDERS = (Mapping, list, tuple)
#: Redacts such a value: yields what it holds, its key and where words are none, and is sent that redacted.
_Walk = Generator[tuple[Any, str, frozenset[str]], Any, Any]


class Span(NamedTuple):
    """A stretch of a text, and what it is."""

    start: int
    end: int
    kind: str


class Redactor:
    """A choice of detectors and own patterns; counts what it takes out, by kind."""

    def __init__(
        self, kinds: Iterable[str] = (), patterns: Mapping[str, str] | Sequence[str] = (), region: str | None = None
    ) -> None:
        """Choose detectors by kind or group, all of them where neither they nor patterns are named.

        Own patterns are a name for each, or a list.  Raises UsageError for an unknown kind or a pattern that
        cannot be used.
        """
        from chatlog.redaction.detectors import chosen

        named = [*kinds]
        self.rules = chosen(named, region) if named or not patterns else ()
        self.patterns = compiled(patterns)
        self.counts: Counter[str] = Counter()

    def spans(self, text: str) -> list[Span]:
        """Return what was found, in order, none overlapping another."""
        seen = Text(text)
        rules = [rule for rule in self.rules if rule.hint in text]
        found = [Span(start, end, rule.kind) for rule in rules for start, end in rule.find(seen)]
        if self.patterns:
            found += _own(text, self.patterns)
        return settled(found)

    def text(self, text: str) -> str:
        """Return a text with everything found replaced by its kind, and count it."""
        spans = self.spans(text) if text else []
        return self.replaced(text, spans) if spans else text

    def replaced(self, text: str, spans: Sequence[Span]) -> str:
        """Return a text without its spans, and count them."""
        pieces, at = [], 0
        for span in spans:
            pieces += [text[at : span.start], mark(span.kind)]
            at = span.end
            self.counts[span.kind] += 1
        return "".join([*pieces, text[at:]])

    def value(self, value: Any, key: str = "", wordless: frozenset[str] = frozenset()) -> Any:
        """Return a JSON value with all its strings redacted; the very same object where nothing was found.

        A string below a key such as ``password`` is one, whatever it looks like; below a `wordless` key it is no word.
        """
        if isinstance(value, str):
            return value if key in wordless or not value else self._string(value, key)
        if not isinstance(value, _HOLDERS):
            return value
        walks, done = [self._walk(value, key, wordless)], None
        while walks:  # not by calls in calls: anyone's file may be nested more deeply than these
            try:
                deeper = walks[-1].send(done)
            except StopIteration as end:
                done = end.value
                walks.pop()
            else:
                walks.append(self._walk(*deeper))
                done = None
        return done

    def part(self, part: Mapping[str, Any]) -> Any:
        """Return a part of a message redacted; its ids and bytes are no words, but what a tool is called with is."""
        return self.value(part, wordless=NO_WORDS)

    def _walk(self, value: Any, key: str, wordless: frozenset[str]) -> _Walk:
        """Return an object or array redacted; yields what in it holds values itself, and is sent that redacted."""
        if isinstance(value, Mapping):
            return (yield from self._mapping(value, wordless))
        found = list[Any]()
        for item in value:
            found.append((yield item, key, wordless) if isinstance(item, _HOLDERS) else self.value(item, key, wordless))
        same = all(new is old for new, old in zip(found, value, strict=True))
        return value if same else type(value)(found)

    def _mapping(self, value: Mapping[str, Any], wordless: frozenset[str]) -> _Walk:
        """Return an object redacted; what has the same name as another one now keeps its place under a number."""
        names, items = {name: self.text(name) for name in value}, dict[str, Any]()
        for name, item in value.items():
            below: frozenset[str] = frozenset() if name == "arguments" else wordless
            key = _called(value) or name if name == "value" else name
            items[name] = (yield item, key, below) if isinstance(item, _HOLDERS) else self.value(item, key, below)
        if all(names[name] is name and items[name] is item for name, item in value.items()):
            return value
        given = Names(name for name, clean in names.items() if clean is name)
        return {clean if clean is name else given.claim(clean): items[name] for name, clean in names.items()}

    def _string(self, value: str, key: str) -> str:
        if key and any(rule.kind == "password" for rule in self.rules):
            from chatlog.redaction.passwords import is_password

            if is_password(key, value):
                self.counts["password"] += 1
                return mark("password")
        if not key or key in SAYS_NOTHING or len(key) + len(value) > TOLD_CHARS:
            return self.text(value)
        told = f"{key}: "  # what a text would say: {"phone": …} is found as phone: … is
        spans = [span for span in self.spans(told + value) if span.end > len(told)]
        found = [Span(max(start - len(told), 0), end - len(told), kind) for start, end, kind in spans]
        return self.replaced(value, found) if found else value


def _called(pair: Mapping[str, Any]) -> str:
    """Return what the value of a pair is called, as in ``{"name": "DB_PASSWORD", "value": …}``."""
    return next((pair[key] for key in ("name", "key") if isinstance(pair.get(key), str)), "")


def mark(kind: str) -> str:
    """Return what stands in a text where something was."""
    return f"[REDACTED:{kind}]"


class Names:
    """Names that are each given once: one that is taken already is given with a number after it."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = {*taken}
        self.free: dict[str, Iterator[str]] = {}

    def claim(self, name: str) -> str:
        """Return a name that nobody has, and take it."""
        free = next(free for free in self.free.setdefault(name, numbered(name)) if free not in self.taken)
        self.taken.add(free)
        return free


def numbered(name: str) -> Iterator[str]:
    """Yield a name, then the same with 2, 3 … after it."""
    yield name
    yield from (f"{name} {number}" for number in count(2))


def in_words(counts: Mapping[str, int]) -> str:
    """Return how much of each kind was found, as a person reads it."""
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def settled(found: Iterable[Span]) -> list[Span]:
    """Return spans without overlaps: those that touch the same characters become one, of the longest's kind."""
    result: list[Span] = []
    longest = 0
    for span in sorted(found):
        size = span.end - span.start
        if not result or span.start >= result[-1].end:
            result.append(span)
            longest = size
            continue
        last = result[-1]
        kind = span.kind if size > longest else last.kind
        longest = max(longest, size)
        result[-1] = Span(last.start, max(last.end, span.end), kind)
    return result


# a user's own patterns


def compiled(patterns: Mapping[str, str] | Sequence[str]) -> tuple[tuple[str, Any], ...]:
    """Return own patterns ready for use.  Raises UsageError for one that is too long, wrong, or matches nothing."""
    named = [*patterns.items()] if isinstance(patterns, Mapping) else [(OWN, pattern) for pattern in patterns]
    if len(named) > MAX_PATTERNS:
        raise UsageError(f"more than {MAX_PATTERNS} patterns cannot be used", "put some of them into one: a|b")
    return tuple((name, _compiled(name, pattern)) for name, pattern in named)


def _compiled(name: str, pattern: object) -> Any:
    """Return a pattern of `regex`, which takes what `re` does, and a time limit, in any thread."""
    import regex

    if not isinstance(pattern, str) or not re.fullmatch(r"[A-Za-z][\w-]{0,39}", name):
        raise UsageError("a pattern needs a name of letters and digits", 'as in: badge = "EMP-[0-9]{6}"')
    if not pattern or len(pattern) > MAX_PATTERN_CHARS:
        raise UsageError(f"a pattern has 1 to {MAX_PATTERN_CHARS:,} characters", "put it in parts")
    try:
        re.compile(pattern)
        found = regex.compile(pattern)
    except (re.error, regex.error, OverflowError, RecursionError):
        raise UsageError("that is not a regular expression", "the form is that of Python's re") from None
    if any(match.start() == match.end() for match in _matches(name, found, "")):
        raise UsageError("that pattern matches an empty text", "ask for one character at least: + instead of *")
    return found


def _own(text: str, patterns: Sequence[tuple[str, Any]]) -> Iterator[Span]:
    for name, pattern in patterns:
        for match in _matches(name, pattern, text):
            if match.start() < match.end():
                yield Span(match.start(), match.end(), name)


def _matches(name: str, pattern: Any, text: str) -> list[Any]:
    """Return the matches of a pattern.  Raises UsageError where it takes longer than a pattern may."""
    try:
        return list(pattern.finditer(text, timeout=PATTERN_SECONDS))
    except TimeoutError:
        hint = "a repeat within a repeat, as in (a+)+, is why"
        raise UsageError(f"the pattern '{name}' takes too long", hint) from None
