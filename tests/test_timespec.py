"""Tests of times: what people type, what exports hold, and the one form that is kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.errors import UsageError
from chatlog.timespec import age, checked_instant, duration, hour_of, instant, iso, parse_iso, since, until

from .store.making import NOW

FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
EAST = timezone(timedelta(hours=9))
WEST = timezone(timedelta(hours=-10))
#: 2026-11-20 21:44 UTC, on a clock in Tokyo: the next day already.
TOKYO = NOW.astimezone(EAST)
moments = st.timedeltas(timedelta(0), timedelta(days=365 * 7000)).map(
    lambda since: datetime(1970, 1, 2, tzinfo=UTC) + since
)


# the one form


def test_the_form_is_utc_with_milliseconds() -> None:
    """A time of any zone is written in UTC, cut to milliseconds."""
    assert "2026-11-20T12:44:00.123Z" == iso(datetime(2026, 11, 20, 21, 44, 0, 123999, tzinfo=EAST))


@given(moments, moments)
def test_the_form_sorts_as_text(one: datetime, other: datetime) -> None:
    """Of two times in the form, the later one is the later text, up to a millisecond."""
    earlier, later = sorted((one, other))
    assert iso(earlier) <= iso(later)
    assert FORM.fullmatch(iso(one))


@given(moments)
def test_what_is_written_is_read_again(moment: datetime) -> None:
    """Reading the form gives the time that was written, up to a millisecond."""
    assert timedelta(0) <= moment - parse_iso(iso(moment)) < timedelta(milliseconds=1)


def test_a_time_without_a_zone_is_utc() -> None:
    """Sources that name no zone mean UTC."""
    assert datetime(2026, 1, 31, 10, tzinfo=UTC) == parse_iso("2026-01-31T10:00:00")


def test_any_precision_is_read() -> None:
    """Nine digits after the dot, as Go writes them, are as good as three."""
    assert "2026-01-31T10:00:00.123Z" == iso(parse_iso("2026-01-31T10:00:00.123456789Z"))


# sources' times


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-31T10:00:00Z",
        "2026-01-31T11:00:00+01:00",
        " 2026-01-31 10:00:00 ",
        "2026-01-31T10:00:00.000000000Z",
        "2026-01-31 10:00:00 UTC",
        "Sat, 31 Jan 2026 10:00:00 GMT",
        "Sat, 31 Jan 2026 11:00:00 +0100",
        "Sat, 31 Jan 2026 10:00:00 -0000",
        1769853600,
        1769853600.0,
        "1769853600",
        "1769853600.0",
        1769853600_000,
        1769853600_000_000,
        1769853600_000_000_000,
    ],
)
def test_a_source_may_write_its_times_in_many_ways(value: object) -> None:
    """ISO text with or without a zone, and seconds, milli-, micro- and nanoseconds since 1970 mean the same instant."""
    assert "2026-01-31T10:00:00.000Z" == instant(value)


@pytest.mark.parametrize(
    "value", [None, "", "yesterday", 0, -5, True, False, [], {}, float("nan"), float("inf"), 10**400, "10:00"]
)
def test_what_is_no_time_is_none(value: object) -> None:
    """A missing, empty or absurd value is no time, and never an error."""
    assert None is instant(value)


def test_the_clock_of_twelve_hours() -> None:
    """Midnight and noon are its twelves."""
    read = [
        ("12", "AM"),
        ("1", "a.m."),
        ("11", "am"),
        ("12", "PM"),
        ("1", "p.m."),
        ("11", "pm"),
        ("0", None),
        ("23", None),
    ]
    assert [0, 1, 11, 12, 13, 23, 0, 23] == [hour_of(*one) for one in read]


def test_a_caller_gives_a_time_none_or_is_refused() -> None:
    """Unlike a source's, a caller's mistake is said."""
    assert (None, "2026-01-31T10:00:00.000Z") == (checked_instant(None), checked_instant("2026-01-31T10:00:00Z"))
    with pytest.raises(UsageError, match="'soon' is not a time"):
        checked_instant("soon")


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()))
def test_a_source_holds_a_time_or_none(value: object) -> None:
    """Whatever a source holds, the answer is a time in the one form, or None."""
    found = instant(value)
    assert found is None or FORM.fullmatch(found)


# spans


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90d", timedelta(days=90)),
        ("2w", timedelta(weeks=2)),
        ("3mo", timedelta(days=90)),
        ("1y", timedelta(days=365)),
        ("12h", timedelta(hours=12)),
        ("30m", timedelta(minutes=30)),
        ("10s", timedelta(seconds=10)),
        ("1.5h", timedelta(minutes=90)),
        (" 7 D ", timedelta(days=7)),
        ("7 days", timedelta(days=7)),
        ("1 Week", timedelta(weeks=1)),
        ("3months", timedelta(days=90)),
        ("2 years", timedelta(days=730)),
        ("12 hrs", timedelta(hours=12)),
        ("30 min", timedelta(minutes=30)),
        ("10 secs", timedelta(seconds=10)),
    ],
)
def test_a_span_has_a_unit(text: str, expected: timedelta) -> None:
    """Every unit of the help is understood, in either case."""
    assert timedelta(milliseconds=1) > abs(expected - duration(text))


@pytest.mark.parametrize("text", ["", "7", "d", "-7d", "7 dayz", "7 days ago", "1d2h", "7x", "९d९"])
def test_anything_else_is_no_span(text: str) -> None:
    """A span without a unit, or of several, is a usage error."""
    with pytest.raises(UsageError, match="is not a span of time"):
        duration(text)


@pytest.mark.parametrize("text", ["99999999999d", "9" * 400 + "d"])
def test_a_span_beyond_the_calendar_is_refused(text: str) -> None:
    """A span too long to count is a usage error, not an overflow."""
    with pytest.raises(UsageError):
        duration(text)


# bounds


def test_a_span_counts_back_from_now() -> None:
    """`7d` as a bound is seven days ago, for both ends alike."""
    assert "2026-11-13T21:44:00.000Z" == since("7d", NOW) == until("7d", NOW)
    assert "2026-11-13T21:44:00.000Z" == since("7 days ago", NOW) == until("7D Ago", NOW)
    assert "2026-11-13T21:44:00.000Z" == since("a week ago", NOW) == until("1.week.ago", NOW)
    assert "2026-11-20T20:44:00.000Z" == since("an_hour_ago", NOW) == until("1h", NOW)
    assert "2026-11-20T21:44:00.000Z" == since("Now", NOW) == until("now", TOKYO)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("today", "2026-11-20T15:00:00.000Z", "2026-11-21T14:59:59.999Z"),
        ("Yesterday", "2026-11-19T15:00:00.000Z", "2026-11-20T14:59:59.999Z"),
        ("2026-01-31", "2026-01-30T15:00:00.000Z", "2026-01-31T14:59:59.999Z"),
        ("2026-02", "2026-01-31T15:00:00.000Z", "2026-02-28T14:59:59.999Z"),
        ("2025-12", "2025-11-30T15:00:00.000Z", "2025-12-31T14:59:59.999Z"),
        ("2025", "2024-12-31T15:00:00.000Z", "2025-12-31T14:59:59.999Z"),
        ("20260131", "2026-01-30T15:00:00.000Z", "2026-01-31T14:59:59.999Z"),
        ("2026/1/31", "2026-01-30T15:00:00.000Z", "2026-01-31T14:59:59.999Z"),
        ("2026-W46", "2026-11-08T15:00:00.000Z", "2026-11-15T14:59:59.999Z"),
        ("2026-w46-7", "2026-11-14T15:00:00.000Z", "2026-11-15T14:59:59.999Z"),
        ("9999-12-31", "9999-12-30T15:00:00.000Z", "9999-12-31T14:59:59.999Z"),
        ("9999", "9998-12-31T15:00:00.000Z", "9999-12-31T14:59:59.999Z"),
        ("this week", "2026-11-15T15:00:00.000Z", "2026-11-22T14:59:59.999Z"),
        ("Last Week", "2026-11-08T15:00:00.000Z", "2026-11-15T14:59:59.999Z"),
        ("this month", "2026-10-31T15:00:00.000Z", "2026-11-30T14:59:59.999Z"),
        ("last.month", "2026-09-30T15:00:00.000Z", "2026-10-31T14:59:59.999Z"),
        ("this_year", "2025-12-31T15:00:00.000Z", "2026-12-31T14:59:59.999Z"),
        ("last year", "2024-12-31T15:00:00.000Z", "2025-12-31T14:59:59.999Z"),
        ("November", "2026-10-31T15:00:00.000Z", "2026-11-30T14:59:59.999Z"),
        ("dec", "2025-11-30T15:00:00.000Z", "2025-12-31T14:59:59.999Z"),
        ("Jan 2026", "2025-12-31T15:00:00.000Z", "2026-01-31T14:59:59.999Z"),
        ("february, 2024", "2024-01-31T15:00:00.000Z", "2024-02-29T14:59:59.999Z"),
    ],
)
def test_a_bare_day_week_month_or_year_is_the_whole_local_one(text: str, start: str, end: str) -> None:
    """Since means from its first moment, until to its last, on the clock of whoever asks."""
    assert start == since(text, TOKYO)
    assert end == until(text, TOKYO)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00.000Z"),
        ("2026-01-31T10:00:00.123456789Z", "2026-01-31T10:00:00.123Z"),
        ("2026-01-31 10:00", "2026-01-31T01:00:00.000Z"),
        ("2026-01-31 10:00 UTC", "2026-01-31T10:00:00.000Z"),
        (" 2026-01-31T10:00:00Z ", "2026-01-31T10:00:00.000Z"),
        ("14:00", "2026-11-21T05:00:00.000Z"),
        ("yesterday 9:30", "2026-11-20T00:30:00.000Z"),
        ("Nov 3  14:00", "2026-11-03T05:00:00.000Z"),
        ("17:30:15", "2026-11-21T08:30:15.000Z"),
        ("17:30 yesterday", "2026-11-20T08:30:00.000Z"),
        ("noon", "2026-11-21T03:00:00.000Z"),
        ("Yesterday.Noon", "2026-11-20T03:00:00.000Z"),
        ("midnight", "2026-11-20T15:00:00.000Z"),
        ("5pm", "2026-11-21T08:00:00.000Z"),
        ("1pm", "2026-11-21T04:00:00.000Z"),
        ("12pm", "2026-11-21T03:00:00.000Z"),
        ("monday at 5:30 PM", "2026-11-16T08:30:00.000Z"),
        ("2026-01-31 12am", "2026-01-30T15:00:00.000Z"),
        ("Nov 3 12:30 pm 2025", "2025-11-03T03:30:00.000Z"),
    ],
)
def test_a_full_time_is_itself_and_local_without_a_zone(text: str, expected: str) -> None:
    """A time with a zone is that instant; one without is on the clock of whoever asks."""
    assert expected == since(text, TOKYO) == until(text, TOKYO)


@pytest.mark.parametrize(
    "text",
    [
        "", "ago", "tomorrow", "2026-13", "2026-02-30", "20", "24:01", "2026-1/1", "1/31/2026", "9999999d", "10000",
        "mo", "last", "last 2026-01-31", "No", "Nov 31", "3 3", "3 foo", "2026 10:00", "2026-W54", "yesterday ago",
        "13pm", "0am", "17:60", "5 p", "noon noon", "last week 5pm", "november 5pm", "last november", "week",
        "next week", "Q3 2026", "at", "3.11.2026", "Nov 3th5", "a",
    ],
)  # fmt: skip
def test_anything_else_is_no_date(text: str) -> None:
    """What is no date is a usage error that quotes it."""
    with pytest.raises(UsageError, match=f"'{text}'"):
        since(text, NOW)


def test_what_a_refusal_names_can_be_typed() -> None:
    """Each form of the hint is understood, and those with blanks stand in quotes, as a shell wants them."""
    forms = ["7d", "'3 weeks ago'", "'yesterday 5pm'", "'last week'", "monday", "'Nov 3'", "2026-01-31"]
    with pytest.raises(UsageError) as refused:
        since("whenever", NOW)
    assert f"write {', '.join(forms)} or a full ISO time" == refused.value.hint
    assert all(FORM.fullmatch(since(form.strip("'"), NOW)) for form in forms)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("saturday", "2026-11-21"),
        ("Last Saturday", "2026-11-14"),
        ("fri", "2026-11-20"),
        ("last fri", "2026-11-20"),
        ("Sunday", "2026-11-15"),
        ("tues", "2026-11-17"),
        ("Nov 3", "2026-11-03"),
        ("21 November", "2026-11-21"),
        ("Nov 22", "2025-11-22"),
        ("Dec 24, 2024", "2024-12-24"),
        ("Nov. 3rd", "2026-11-03"),
        ("1st November 2025", "2025-11-01"),
        ("24 dec 2024", "2024-12-24"),
    ],
)
def test_a_day_is_named_as_people_name_it(text: str, day: str) -> None:
    """A weekday, or a date without a year, is the latest there was; it is Saturday, the 21st, in Tokyo."""
    assert (since(day, TOKYO), until(day, TOKYO)) == (since(text, TOKYO), until(text, TOKYO))


@pytest.mark.parametrize(
    ("text", "now"),
    [
        ("0001-01-01", TOKYO),
        ("0001", TOKYO),
        ("0001-01-01T00:00", TOKYO),
        ("9999-12-31T23:59:59-10:00", NOW),
        ("9999-12-31T23:59", NOW.astimezone(WEST)),
    ],
)
def test_the_edges_of_the_calendar_are_refused(text: str, now: datetime) -> None:
    """A time that the calendar cannot hold in UTC is a usage error, not an overflow."""
    with pytest.raises(UsageError):
        since(text, now)


def test_the_turn_of_a_year_is_a_turn_of_its_last_week_and_month() -> None:
    """The week before the first days of January, and its month, are the old year's; the week's own year counts."""
    january = datetime(2027, 1, 2, 12, tzinfo=UTC)
    assert {
        "this week": ("2026-12-28", "2027-01-03"),
        "last week": ("2026-12-21", "2026-12-27"),
        "last month": ("2026-12-01", "2026-12-31"),
        "december": ("2026-12-01", "2026-12-31"),
        "january": ("2027-01-01", "2027-01-31"),
        "last year": ("2026-01-01", "2026-12-31"),
    } == {
        text: (since(text, january)[:10], until(text, january)[:10])
        for text in ("this week", "last week", "last month", "december", "january", "last year")
    }
    new_year = datetime(2027, 1, 1, tzinfo=UTC)
    assert "2026-12-01T00:00:00.000Z" == since("last month", new_year)
    monday = datetime(2026, 11, 16, tzinfo=UTC)
    assert ("2026-11-09", "2026-11-15") == (since("last week", monday)[:10], until("last week", monday)[:10])
    leap_day = datetime(2028, 2, 29, tzinfo=UTC)
    assert ("2027-01-01", "2028-01-31") == (since("last year", leap_day)[:10], until("last month", leap_day)[:10])


SAID = (
    r"((last|this) )?(week|year|(a )?noon|mon|nov|[0-9]{1,5}([-/ ]w?[0-9]{1,2}){0,2}|[0-9]{1,2} (days|may|w))"
    r"( 2026)?( ago)?( (at )?1?[0-9](:[0-5]0)?( ?[ap]m)?)?"
)


@given(st.text() | st.from_regex(SAID, fullmatch=True), st.sampled_from([NOW, TOKYO]))
def test_a_bound_is_understood_or_refused(text: str, now: datetime) -> None:
    """Any text is a bound in the one form, or a usage error; since is never after until."""
    try:
        start, end = since(text, now), until(text, now)
    except UsageError:
        return
    assert FORM.fullmatch(start)
    assert start <= end


# ages


@pytest.mark.parametrize(
    ("back", "expected"),
    [
        (timedelta(seconds=59), "now"),
        (timedelta(seconds=-59), "now"),
        (timedelta(minutes=1), "1m"),
        (timedelta(seconds=3_599), "59m"),
        (timedelta(hours=1), "1h"),
        (timedelta(hours=23, minutes=59), "23h"),
        (timedelta(days=1), "1d"),
        (timedelta(days=29, hours=23), "29d"),
        (timedelta(days=30), "1mo"),
        (timedelta(days=364), "12mo"),
        (timedelta(days=365), "1y"),
        (timedelta(days=800), "2y"),
    ],
)
def test_an_age_takes_a_few_characters(back: timedelta, expected: str) -> None:
    """An age is the largest whole unit; the future is now."""
    assert expected == age(iso(NOW - back), NOW)
