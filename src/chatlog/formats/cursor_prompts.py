"""What a person reads of a prompt in a Cursor chat: what was typed, not what Cursor put around it or wrote itself.

Pure functions of a prompt's text.  Nothing here knows where it was kept.
"""

from __future__ import annotations

import re

from chatlog import tagged
from chatlog.timespec import MONTHS, hour_of, instant

#: What a person typed; it may hold tags of its own, so that the last end counts.
_QUERY = "user_query"
_INJECTED = re.compile(r"\s*<(?!user_query)[a-z_]+>")
#: When a prompt was sent, such as ``Friday, May 8, 2026, 6:05 AM (UTC+5:30)``.
_TIME = re.compile(
    r"<timestamp>(?:\w+, )?(?P<month>[A-Z][a-z]{2})[a-z]* (?P<day>\d{1,2}), (?P<year>\d{4}), "
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d) (?P<half>[AP])M"
    r"(?: \(UTC(?:(?P<sign>[+-])(?P<hours>\d{1,2})(?::(?P<minutes>\d\d))?)?\))?</timestamp>\s*"
)
_MONTHS = tuple(name[:3].title() for name in MONTHS)
#: How queries begin that Cursor asks itself once an agent it started has ended.
_CONTINUED = (
    "The above subagent result is already visible",
    "The beginning of the above subagent result is already visible",
    "Briefly inform the user about the task result",
)
_SELF_ASKED = "subagent_result"
#: How a prompt begins that Cursor sends once something in the background has ended.
_NOTICE = "<system_notification>"


def shown(text: str) -> tuple[str, str | None]:
    """Return what a person reads of words in a person's name and, where nobody typed them, why they are hidden."""
    query = tagged.outermost(text, _QUERY)
    if query is None:
        typed = _TIME.sub("", text)
        return typed, "context added by Cursor" if _INJECTED.match(typed) else None
    typed = query[2].strip()
    return typed, _SELF_ASKED if typed.startswith(_CONTINUED) else None


def sent_at(text: str) -> str | None:
    """Return when a prompt was sent, as Cursor notes it before the words."""
    told = _TIME.search(text)
    if told is None or told["month"] not in _MONTHS:
        return None
    month, hour = _MONTHS.index(told["month"]) + 1, hour_of(told["hour"], told["half"])
    zone = f"{told['sign'] or '+'}{int(told['hours'] or 0):02}:{told['minutes'] or '00'}"
    return instant(f"{told['year']}-{month:02}-{int(told['day']):02}T{hour:02}:{told['minute']}:00{zone}")


def shown_in_editor(text: str) -> tuple[str, str | None]:
    """Return the same for a prompt of the editor's chats, where only what Cursor writes itself stands in tags."""
    typed = _TIME.sub("", text).lstrip()
    return shown(text) if typed.startswith(_NOTICE) else (text, _SELF_ASKED if typed.startswith(_CONTINUED) else None)
