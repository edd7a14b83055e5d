"""What a turn is worth once it is old: kept, summarised or let go, by rules that need no model.

Pure functions on one message; what its owner said of it (`importance`) comes first.  Each verdict names its rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from chatlog.models import Importance, Message

#: So much of a long message is looked through; what matters is said at the front or the end.
_SCANNED = 3_000


class Verdict(NamedTuple):
    """What a turn is worth, and the rule that says so."""

    importance: Importance
    reason: str


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_MONTHS = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_FIGURE = (
    r"(?:[$€£¥]\s?\d|\d+(?:[.,]\d+)?\s?(?:%|€|usd|eur|euros?|dollars?|hours?|days?|weeks?|months?|gb|mb|ms|kg|km)\b"
    rf"|\b\d{{4}}-\d\d-\d\d\b|\b\d{{1,2}}[:.]\d\d\b|\b\d{{1,2}}(?:st|nd|rd|th)?\s(?:of\s)?{_MONTHS}|\b{_MONTHS}\s\d{{1,2}})"
)
#: When somebody will have done something.
_WHEN = (
    rf"\d[\w:.]*|(?:mon|tues|wednes|thurs|fri|satur|sun)day|{_MONTHS}"
    r"|end|noon|midnight|tomorrow|tonight|next|then|weekend"
)
#: What a "no" goes on with that corrects nothing.
_NO_MORE = (
    r"(?:that|it)(?:['’]?s| is| was| will be) (?:all|it|ok(?:ay)?|al(?:l )?right|fine|good|great|everything)\b"
    r"|thank|problem|worries|need\b"
)
#: What people say and must not have to say twice; of users, but for decisions and commitments, which bind both.
_KEEP: tuple[tuple[str, re.Pattern[str], bool], ...] = (
    (
        "correction",
        _any(
            rf"^\s*(?:no|nope|nein|non)\s*[,.:;!-]\s*(?!{_NO_MORE})\w",
            r"\b(?:that|this|it)(?:'s| is| was)(?: just| still)? (?:wrong|incorrect|not (?:right|true|correct|what i))",
            r"\bi (?:actually )?meant\b",
            r"\bcorrection\s*:",
            r"\b(?:i was|you(?:'re| are)) (?:wrong|mistaken)\b",
            r"\bnot \S+(?: \S+)?, but \S",
            r"^\s*actually\b",
            r"不对(?!\w)|错了|更正|我的意思是",
        ),
        False,
    ),
    (
        "preference",
        _any(
            r"\bi(?:'d| would)? (?:really |strongly |always |usually )?(?:prefer|hate|dislike|want you to)\b",
            r"\bi (?:really |always |usually )?(?:like|love)\b(?! to (?:know|see|hear)\b)",  # "I'd like to" asks
            r"\b(?:please )?(?:always|never) (?:use|write|answer|reply|add|call|include|do|say|put|make|run|commit)\b",
            r"\bfrom now on\b",
            r"\b(?:must|should|may) (?:never|not|always)\b|\bmustn['’]t\b",
            r"\b(?:remember|keep in mind|note) that\b",
            r"\bmy (?:name|favou?rite|birthday|partner|wife|husband|dog|cat|timezone)\b",
            r"\bmy (?:e-?mail|phone|address|job)(?: (?:address|number|title))?(?:'s| is|:)",
            r"\bi(?:'m| am) (?:allergic|vegetarian|vegan|a |an |from |based in )",
            r"\bi (?:don't|do not|can't|cannot) (?:like|want|eat|use|drink)\b",
            r"\bcall me\b",
            r"我(?:喜欢|不喜欢|更喜欢|讨厌|叫|是(?!否))|请(?:始终|永远|总是|记住)|以后(?:请|都|就|要|不要|别)",
        ),
        False,
    ),
    (
        "decision",
        _any(
            r"\blet'?s (?:go with|use|do|take|pick|stick with|settle on|keep)\b",
            r"\b(?:we|i)(?:'ve| have)? (?:decided|agreed|settled|chosen|concluded)\b",
            r"\b(?:we|i)(?:'ll| will| are going to|'re going to|'m going to| am going to) (?:go with|use|take|stick)\b",
            r"\b(?:the )?(?:final )?decision(?: is|:)",
            r"\b(?:it'?s )?(?:agreed|settled|decided)\b",
            r"\bgo ahead with\b",
            r"我们?(?:都|已经?|最[后终])*决定|(?:决定|就)用|确定了|说定",
        ),
        True,
    ),
    (
        "commitment",
        _any(
            rf"\bi(?:'ll| will) (?:\w+ ){{1,6}}(?:tomorrow|tonight|next|(?:by|before|on|until) (?:the )?(?:{_WHEN}))\b",
            r"\b(?:deadline|due (?:date|on|by)|no later than|remind me|to-?do:|action item)\b",
            r"\bi promise\b",
            r"\b(?:appointment|meeting|flight|call) (?:is |at |on )",
            r"(?<!知识)截止(?:日期|时间)?(?:是|为|在|：)|之前(?:完成|交)|答应",
        ),
        True,
    ),
)
_FIGURES = _any(_FIGURE)
#: Words with which a person says that a number or a date holds.
_AGREES = _any(
    r"\b(?:yes|ok(?:ay)?|deal|agreed?|confirmed?|works|booked|budget|limit|at most|at least|is due|it is|is)\b"
)

_FILLER_WORDS = (
    r"ok(?:ay)?|k|thanks?|thank you|thx|ty|cheers|great|nice|cool|perfect|awesome|good|got it|i see|yes|yep|yeah|no"
    r"|nope|sure|hi|hello|hey|bye|goodbye|lol|haha+|wow|hmm+|right|alright|sounds good|will do|done|continue|go on"
    r"|please|so much|very much|a lot|that helps?|makes sense|understood|noted|you(?:'re| are) welcome|no problem"
    r"|danke|merci|gracias|ja|nein|oui|si|好的?|谢谢|嗯|是的|收到|哈哈+"
)
_FILLER = re.compile(rf"(?:\s|[^\w]|\b(?:{_FILLER_WORDS})(?!\w))*", re.IGNORECASE)
_FILLER_CHARS = 80
#: What is typed to the program and not to the model, and what the program says of itself.
_TO_THE_CLIENT = r"\s*(?:\[Request interrupted by user[^\]]*\]|/[a-z][\w:-]*)\s*"
#: What names a file, whose date is no agreement.
_PATH = r"'[^'\n]*/[^'\n]*'|\S*/\S*"


def importance_of(message: Message) -> Verdict:
    """Return what a turn is worth: what was said of it, else by the first rule that fits."""
    if message.importance is not None:
        return Verdict(message.importance, "set by hand")  # type: ignore[arg-type]
    if message.role in ("system", "developer"):
        return Verdict("keep", "instructions")
    if message.hidden:
        return Verdict("discard", "hidden")
    empty = emptiness(message)
    return Verdict("discard", empty) if empty else _by_words(scanned(message.text), message.role)


def emptiness(message: Message) -> str | None:
    """Return why a message says nothing worth a summary, None where it says something."""
    kinds = {str(part.get("type")) for part in message.parts or ()}
    if message.role == "tool" or (not message.text.strip() and kinds & {"tool_call", "tool_call_response"}):
        return "tool payload"
    if not message.text.strip() and not kinds - {"text", "reasoning"}:
        return "empty"
    if len(message.text) <= _FILLER_CHARS and _FILLER.fullmatch(message.text) and not kinds - {"text", "reasoning"}:
        return "acknowledgement"
    if message.role == "user" and len(message.text) <= _FILLER_CHARS and re.fullmatch(_TO_THE_CLIENT, message.text):
        return "said to the client"
    return None


def _by_words(text: str, role: str) -> Verdict:
    found = rule_of(text, role)
    return Verdict("keep", found) if found else Verdict("summarize", "no rule")


@lru_cache(maxsize=8_192)
def rule_of(text: str, role: str) -> str | None:
    """Return the name of the rule that keeps a text, None where none does."""
    if role == "assistant" and len(text) > 600:  # a long answer explains; what it settles is said again by the user
        return None
    for name, pattern, binds_both in _KEEP:
        if (binds_both or role == "user") and pattern.search(text):
            return name
    if role == "user" and len(text) <= 600 and _AGREES.search(text) and _FIGURES.search(re.sub(_PATH, " ", text)):
        return "agreed figures"
    return None


def scanned(text: str) -> str:
    """Return what of a text is looked through: all of it, or front and end."""
    return text if len(text) <= _SCANNED else f"{text[: _SCANNED // 2]}\n{text[-_SCANNED // 2 :]}"


_SENTENCE_END = re.compile(r"(?<=[.!?。！？؟۔।])[\"')\]]*\s+|\n+|(?<=[。！？])")


#: A line that is no sentence: of a table, of a terminal, of a stack, the name of a file alone.
_NO_PROSE = r"^[ \t]*(?:\|.*|[➜❯$%][ \t].*|at \S+ \(.*|File \"[^\"\n]*\", line \d.*|'?[~.]?/[^\n']*'?[ \t]*)$"


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, lines taken as ends too; code blocks and what is no prose left out."""
    prose = re.sub(r"```.*?(?:```|\Z)", "\n", scanned(text), flags=re.DOTALL)
    prose = re.sub(_NO_PROSE, "", prose, flags=re.MULTILINE).replace("**", "")
    return [found for piece in _SENTENCE_END.split(prose) if len(found := " ".join(piece.split()).strip(" #*>-")) > 1]


def key_sentences(messages: Iterable[Message], most: int) -> list[tuple[Message, str]]:
    """Return up to `most` sentences that the rules keep, the latest first, each with its message."""
    found: list[tuple[Message, str]] = []
    for message in messages:
        if importance_of(message).importance != "keep" or message.role in ("system", "developer", "tool"):
            continue
        said = sentences(message.text)
        telling = [sentence for sentence in said if rule_of(sentence, message.role)] or said[:1]
        found += [(message, sentence) for sentence in telling[:2]]
        if len(found) >= most:
            break
    return found[:most]
