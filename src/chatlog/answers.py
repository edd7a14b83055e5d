"""What kind of answer a question wants, a time, a number, a place, and whose; and whether a text is of that kind.

Pure: it knows no messages, only how questions and answers look.  In a language it does not know it wants nothing.
"""

from __future__ import annotations

import re

_TIMES = """
    yesterday today tonight tomorrow ago last next since recently morning night evening weekend days? weeks? months?
    years? summer winter spring fall o'clock am pm (?:mon|tues|wednes|thurs|fri|satur|sun)day january february march
    april may june july august september october november december \\d{4}
"""
_NUMBERS = """
    \\d[\\d,.]* one two three four five six seven eight nine ten twelve twenty thirty fifty hundred thousand couple few
    several dozen once twice both
"""
_TIME = rf"(?i)\b(?:{'|'.join(_TIMES.split())})\b"
_NUMBER = rf"(?i)\b(?:{'|'.join(_NUMBERS.split())})\b"
#: A name within a sentence.
_PLACE = r"(?<![.!?]\s)(?<!^)\b[A-Z][a-z]+"
#: How a question asks for one of them; the first that fits.  Patterns are compiled when one does: few do.
_WANTED = (
    (r"(?i)\bwhen\b|what (?:date|day|year|month|time)|how long", _TIME),
    (r"(?i)how (?:many|much|often|old)", _NUMBER),
    (r"(?i)\bwhere\b|what (?:city|country|place|state)", _PLACE),
)
_I = """
    i my mine we our ours ich mein meine meinen meinem meiner wir unser unsere unseren unserem unserer
    je j mon ma mes nous notre nos yo mis nosotros nuestro nuestra io mio mia miei noi nostro nostra
    eu meu minha meus minhas nós nosso nossa я мой моя моё мои моего моей мы наш наша наше наши
"""
_YOU = """
    you your yours du dein deine deinen tu ton ta tes vous votre tú usted você ты твой вы ваш
"""
#: Who is meant by these.  In `tell me what you said` the one who is told is not meant.
_SPEAKERS = dict.fromkeys([*_I.split(), *"我私"], "user") | dict.fromkeys([*_YOU.split(), *"你您"], "assistant")
_ASKS = re.compile(r"[?？]\W*$")


def wanted(question: str) -> re.Pattern[str] | None:
    """Return what answers to a question have in them, None where that cannot be told."""
    return next((re.compile(answer) for asked, answer in _WANTED if re.search(asked, question)), None)


def asks(text: str) -> bool:
    """Whether a text ends by asking."""
    return ("?" in text or "？" in text) and bool(_ASKS.search(text))  # by itself the pattern is slow


def speaker(question: str) -> str | None:
    """Return whose words a question asks for, the user's or the assistant's, by the first `I` or `you` in it."""
    words = re.findall(r"[我私你您]|[^\W\d_]+", question.lower())
    return next((_SPEAKERS[word] for word in words if word in _SPEAKERS), None)
