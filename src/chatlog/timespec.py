"""Times in and out: what people type, what exports hold, and the one form chatlog keeps.

The one form is ISO-8601 UTC text with milliseconds, ``2026-11-20T21:44:00.123Z``, which sorts
as text.  Nothing here reads a clock: `now` is an argument, and its zone
says what a local day is; spans of hours are counted in UTC, which has no summer time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from chatlog.errors import UsageError

_FRACTION = r"(\.\d{1,6})\d*"
_MAIL_DATE = r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d"
_UNITS = "mo(?:nths?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?|w(?:eeks?)?|y(?:ears?)?"
_DURATION = rf"(?i)(\d+(?:\.\d+)?)\s*({_UNITS})"
#: A time of the day: 14:00, 9:30:15, 5pm, at 5:30 pm.
_CLOCK = r"(?<!\S)(?:at )?(\d\d?)(?=:| ?[ap]m)(?::(\d\d))?(?::(\d\d))?(?: ?([ap]m))?(?!\S)"
#: Words for what is written in numbers.
_NUMBERS = {"noon": "12:00", "midnight": "0:00", "a": "1", "an": "1"}
_DAY = r"(\d\d?)(?:st|nd|rd|th)?"
#: How a week, a month and a year are written, as `_days` reads them.
_WRITTEN = {"week": "%G-w%V", "month": "%Y-%m", "year": "%Y"}
_DAYS = {"d": 1.0, "w": 7.0, "mo": 30.0, "y": 365.0, "h": 1 / 24, "m": 1 / 1440, "s": 1 / 86_400}
#: In English, whatever the language of the computer.
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip


def iso(moment: datetime) -> str:
    """Return an aware datetime in chatlog's form."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def parse_iso(text: str) -> datetime:
    """Return the aware datetime of chatlog's form, or of any ISO-8601 text (no zone: UTC).

    Raises ValueError for anything else.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(re.sub(_FRACTION, r"\1", text.strip()))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def minute(moment: str) -> str:
    """Return a time in chatlog's form to the minute, as a page shows it."""
    return moment[:16].replace("T", " ")


def hour_of(written: str, half: str | None) -> int:
    """Return the hour that a clock shows: one of twelve where a half of the day, AM or PM, is named."""
    return int(written) % 12 + 12 * half.lower().startswith("p") if half else int(written)


def instant(value: object) -> str | None:
    """Return a source's time in chatlog's form; None where it holds none.

    Takes ISO-8601 text of any precision, also with UTC behind it, the dates of mail and of HTTP,
    and numbers (or numeric text) counted from 1970 in seconds, milliseconds, microseconds or
    nanoseconds, told apart by their magnitude.
    """
    try:
        if isinstance(value, str) and not _is_number(value):
            return iso(_worded(value) or parse_iso(value))
        number = float(value)  # type: ignore[arg-type]
        if isinstance(value, bool) or number <= 0:
            return None
        return iso(datetime.fromtimestamp(_seconds(number), UTC))
    except (OSError, OverflowError, TypeError, ValueError):
        return None


def _worded(text: str) -> datetime | None:
    """Return the time of ``2023-11-14 22:13:20 UTC`` and ``Tue, 14 Nov 2023 22:13:20 GMT``; None for other text."""
    if text[3:4] == "," and re.match(_MAIL_DATE, text):  # nearly all times are ISO-8601: a look spares the match
        from email.utils import parsedate_to_datetime

        moment = parsedate_to_datetime(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return parse_iso(text[:-3].rstrip()) if text.endswith(("UTC", "GMT")) else None


def checked_instant(value: str | None) -> str | None:
    """Return a caller's time in chatlog's form.  Raises UsageError for one that is none."""
    if value is None:
        return None
    moment = instant(value)
    if moment is None:
        raise UsageError(f"'{value}' is not a time", "write ISO-8601: 2026-01-31T10:00:00Z")
    return moment


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit() and len(text.partition(".")[0]) > 8


def _seconds(number: float) -> float:
    for limit, divisor in ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3)):
        if number > limit:
            return number / divisor
    return number


def duration(text: str) -> timedelta:
    """Return the span of ``90d``, ``2w``, ``3mo``, ``1y``, ``12h``, ``30m`` (minutes), ``10s`` or ``2 weeks``.

    A month is 30 days and a year 365.  Raises UsageError for anything else.
    """
    match = re.fullmatch(_DURATION, text.strip())
    if match is None:
        raise UsageError(f"'{text}' is not a span of time", "write 90d, 2w, 3mo, 1y, 12h, 30m")
    unit = match[2].lower()
    try:
        return timedelta(days=float(match[1]) * _DAYS["mo" if unit.startswith("mo") else unit[0]])
    except OverflowError:
        raise UsageError(f"'{text}' is too long a span of time") from None


def before(text: str, now: datetime) -> str:
    """Return the instant a span before `now`, the first one there is where it would be before all calendars."""
    try:
        return iso(now.astimezone(UTC) - duration(text))
    except OverflowError:
        return iso(datetime.min.replace(tzinfo=UTC))


def after(span: timedelta, now: datetime) -> str:
    """Return the instant a span after `now`, the last one there is where it would be beyond the calendar."""
    try:
        return iso(now.astimezone(UTC) + span)
    except OverflowError:
        return iso(datetime.max.replace(tzinfo=UTC))


def since(text: str, now: datetime) -> str:
    """Return the instant a lower bound means: its beginning, or that long before `now`."""
    return _checked_bound(text, now, end=False)


def until(text: str, now: datetime) -> str:
    """Return the instant an upper bound means; a bare day, week, month or year is meant to its end."""
    return _checked_bound(text, now, end=True)


def _checked_bound(text: str, now: datetime, *, end: bool) -> str:
    try:
        return _bound(text, now, end=end)
    except OverflowError:
        raise UsageError(f"'{text}' is beyond the calendar", "write a date between the years 1 and 9999") from None


def _bound(text: str, now: datetime, *, end: bool) -> str:
    said = _said(text)
    if said == "now":
        return iso(now)
    if re.fullmatch(_DURATION, ago := said.removesuffix(" ago")):
        return iso(now.astimezone(UTC) - duration(ago))
    if (days := _days(said, now.date())) is not None:
        moment = datetime.combine(days[1], time.max) if end else datetime.combine(days[0], time.min)
    else:
        moment = _moment(text.strip(), said, now)
    if moment.tzinfo:
        return iso(moment)
    # an hour that comes twice begins with the first of the two and ends with the last
    return max(iso(moment.replace(tzinfo=now.tzinfo, fold=fold)) for fold in (0, end))


def _said(text: str) -> str:
    """Return a text in small letters, with blanks for the marks that spare a shell its quotes: ``2.weeks.ago``."""
    plain = re.sub(r"[._](?=[a-z])|(?<=[a-z])[._]", " ", text.lower())
    return " ".join(_NUMBERS.get(word, word) for word in plain.split())


def _moment(text: str, said: str, now: datetime) -> datetime:
    """Return the time that a text is.  Raises UsageError where it is none."""
    try:
        return _clock(said, now.date()) or _worded(text) or datetime.fromisoformat(re.sub(_FRACTION, r"\1", text))
    except ValueError:
        raise UsageError(
            f"'{text}' is not a date chatlog knows",
            "write 7d, '3 weeks ago', 'yesterday 5pm', 'last week', monday, 'Nov 3', 2026-01-31 or a full ISO time",
        ) from None


def _clock(said: str, today: date) -> datetime | None:
    """Return the time of ``14:00``, today, and of ``yesterday 14:00``; None for other text."""
    match = re.search(_CLOCK, said)
    days = _days(" ".join(re.sub(_CLOCK, "", said, count=1).split()) or "today", today)
    if match is None or days is None or days[0] != days[1]:
        return None
    if match[4] and not 1 <= int(match[1]) <= 12:
        raise ValueError(match[0])
    clock = time(hour_of(match[1], match[4]), int(match[2] or 0), int(match[3] or 0))
    return datetime.combine(days[0], clock)


def _days(text: str, today: date) -> tuple[date, date] | None:
    """Return the first and the last of the days that a text names or writes bare; None for other text."""
    try:
        if (day := _near(text, today) or _written(text, today)) is not None:
            return day, day
        text = _named_span(text, today) or text
        if match := re.fullmatch(r"\d{4}-?w\d\d", text):
            monday = date.fromisoformat(text.upper())
            return monday, monday + timedelta(days=6)
        if match := re.fullmatch(r"(\d{4})(?:-(\d\d))?", text):
            from calendar import monthrange

            year, last = int(match[1]), int(match[2] or 12)
            return date(year, int(match[2] or 1), 1), date(year, last, monthrange(year, last)[1])
    except (OverflowError, ValueError):
        pass
    return None


def _named_span(text: str, today: date) -> str | None:
    """Return a week, month or year as it is written that a text names: this or the last one, a month by its name."""
    if match := re.fullmatch(r"(this|last) (week|month|year)", text):
        back = {"week": 7, "month": today.day, "year": today.timetuple().tm_yday}[match[2]]
        return (today - timedelta(days=back * (match[1] == "last"))).strftime(_WRITTEN[match[2]])
    match = re.fullmatch(r"([a-z]+)(?:,? (\d{4}))?", text)
    month = _place(match[1], MONTHS) if match else None
    if match is None or month is None:
        return None
    return f"{match[2] or today.year - (month >= today.month)}-{month + 1:02}"


def _near(text: str, today: date) -> date | None:
    """Return the day that is called so from today: the latest Monday there was, with ``last`` one before today."""
    if text in ("today", "yesterday"):
        return today - timedelta(days=text == "yesterday")
    weekday = _place(text.removeprefix("last "), WEEKDAYS)
    if weekday is None:
        return None
    back = (today.weekday() - weekday) % 7
    return today - timedelta(days=back or 7 * text.startswith("last "))


def _written(text: str, today: date) -> date | None:
    """Return the day of a date, of one without a year the latest there was.  Raises ValueError for 31 February."""
    if match := re.fullmatch(r"(\d{4})([-/])(\d\d?)\2(\d\d?)", text):
        return date(int(match[1]), int(match[3]), int(match[4]))
    if re.fullmatch(r"\d{8}|\d{4}-?w\d\d-?\d", text):
        return date.fromisoformat(text.upper())
    match = re.fullmatch(rf"(?:([a-z]+) {_DAY}|{_DAY} ([a-z]+))(?:,? (\d{{4}}))?", text)
    month = _place(match[1] or match[4], MONTHS) if match else None
    if match is None or month is None:
        return None
    day = date(int(match[5] or today.year), month + 1, int(match[2] or match[3]))
    return day if match[5] or day <= today else day.replace(year=today.year - 1)


def _place(word: str, names: Sequence[str]) -> int | None:
    """Return which of the names a word is: whole, or its first three letters or more."""
    return next((place for place, name in enumerate(names) if len(word) > 2 and name.startswith(word)), None)


def age(then: str, now: datetime) -> str:
    """Return how long ago a time was, in a few characters: ``5m``, ``3h``, ``12d``, ``4mo``, ``2y``."""
    seconds = max((now - parse_iso(then)).total_seconds(), 0)
    for unit, size in (("y", 365 * 86_400), ("mo", 30 * 86_400), ("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return "now"
