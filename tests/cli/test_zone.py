"""The system's zone: each date in its own summer or winter time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from chatlog.cli.session import Session
from chatlog.cli.zone import SystemZone
from chatlog.timespec import after, before, iso, since, until

pytestmark = pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of the process cannot be set here")


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be in Berlin."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


def now(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(SystemZone())


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("2026-07-01", "2026-06-30T22:00:00.000Z", "2026-07-01T21:59:59.999Z"),
        ("2026-01-01", "2025-12-31T23:00:00.000Z", "2026-01-01T22:59:59.999Z"),
        ("2026-10-25", "2026-10-24T22:00:00.000Z", "2026-10-25T22:59:59.999Z"),
        ("2026-03", "2026-02-28T23:00:00.000Z", "2026-03-31T21:59:59.999Z"),
        ("2026-07-01T10:00", "2026-07-01T08:00:00.000Z", "2026-07-01T08:00:00.000Z"),
    ],
)
def test_a_day_is_the_local_one_of_its_season(asked: str, first: str, last: str) -> None:
    """In November a day of July is taken in summer time; one on which the clock is changed has 25 hours."""
    at = now("2026-11-20T21:44:00Z")
    assert (first, last) == (since(asked, at), until(asked, at))


def test_a_run_is_in_that_zone() -> None:
    """Whatever the season is now, a verb that is run takes dates of the other one as they are."""
    at = Session().now()
    assert ["2026-06-30T22:00:00.000Z", "2025-12-31T23:00:00.000Z"] == [
        since("2026-07-01", at),
        since("2026-01-01", at),
    ]


def test_the_day_before_the_clock_was_changed() -> None:
    """`yesterday` begins at its own midnight."""
    assert "2026-10-24T22:00:00.000Z" == since("yesterday", now("2026-10-26T12:00:00Z"))


def test_a_span_is_as_long_as_it_says() -> None:
    """Across a change of the clock an hour is an hour, and a day is 24."""
    at = now("2026-10-25T02:30:00Z")
    assert ["2026-10-24T23:30:00.000Z"] * 2 == [since("3h", at), before("3h", at)]
    assert "2026-10-26T02:30:00.000Z" == after(timedelta(days=1), at)


@pytest.mark.parametrize("hour", [0, 1])
def test_the_hour_that_comes_twice(hour: int) -> None:
    """Each of the two is told from the other, and comes back as it was."""
    moment = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
    there = moment.astimezone(SystemZone())
    assert ("02:30", moment) == (there.strftime("%H:%M"), there.astimezone(UTC))
    assert iso(moment) == iso(there)


def test_a_clock_that_is_changed_shows_an_hour_twice_or_never() -> None:
    """Since means the first of the two, until the last; half past two is half past three where there is none."""
    at = now("2026-11-20T21:44:00Z")
    assert ("2026-10-25T00:30:00.000Z", "2026-10-25T01:30:00.000Z") == (
        since("2026-10-25 2:30", at),
        until("Oct 25 2:30am", at),
    )
    assert "2026-03-29T01:30:00.000Z" == since("2026-03-29 2:30", at) == until("2026-03-29 2:30", at)


def test_a_zone_of_half_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noon in India is half past six in UTC, and its days begin at half past six in the evening."""
    monkeypatch.setenv("TZ", "IST-5:30")
    time.tzset()
    at = now("2026-11-20T21:44:00Z")
    assert ("2026-11-21T06:30:00.000Z", "2026-11-15T18:30:00.000Z") == (since("noon", at), since("this week", at))
    assert "2026-10-31T18:29:59.999Z" == until("last month", at)


def test_a_clock_without_a_date_is_in_no_season() -> None:
    """The zone has a name and an offset for a day of the year, none for any."""
    noon = now("2026-07-01T10:00:00Z").timetz()
    assert (None, None, None) == (noon.utcoffset(), noon.dst(), noon.tzname())
    assert ("CEST", "CET") == tuple(now(f"2026-{month}-01T10:00:00Z").tzname() for month in ("07", "01"))


def test_what_the_system_does_not_know() -> None:
    """The ends of the calendar are no error."""
    for year in (1, 9999):
        assert datetime(year, 1, 1, tzinfo=SystemZone()).utcoffset() is not None
    assert since("0001-01-01", now("2026-11-20T21:44:00Z")).startswith("0001-01-01")


def test_a_day_ends_with_the_second_of_its_last_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where clocks are put back at midnight, as they were in Brazil, the hour before it comes twice."""
    monkeypatch.setenv("TZ", "BRT3BRST2,M10.3.0/0,M2.3.0/0")
    time.tzset()
    at = now("2026-11-20T21:44:00Z")
    assert ("2026-02-14T02:00:00.000Z", "2026-02-15T02:59:59.999Z") == (
        since("2026-02-14", at),
        until("2026-02-14", at),
    )
