"""The system's time zone with the summer time of each date; `datetime.astimezone` gives today's offset to all of them.

Only front ends look at it: all else is told a time, and asks that for its zone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo


class SystemZone(tzinfo):
    """The zone that the system is set to."""

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """Return how far a local time is ahead of UTC."""
        return None if moment is None else _there(moment).utcoffset()

    def dst(self, moment: datetime | None) -> timedelta | None:  # noqa: ARG002  the signature is tzinfo's
        """Return None: the system does not say how much of it is summer time."""
        return None

    def tzname(self, moment: datetime | None) -> str | None:
        """Return what the zone is called at a local time."""
        return None if moment is None else _there(moment).tzname()

    def fromutc(self, moment: datetime) -> datetime:
        """Return the local time of a time in UTC."""
        there = _there(moment, UTC)
        local = there.replace(tzinfo=self)
        return local if local.utcoffset() == there.utcoffset() else local.replace(fold=1)  # the hour that comes twice


def _there(moment: datetime, zone: tzinfo | None = None) -> datetime:
    """Return a time in the system's zone; one beyond what the system knows stays in UTC."""
    try:
        return moment.replace(tzinfo=zone).astimezone()
    except (OSError, OverflowError, ValueError):
        return moment.replace(tzinfo=UTC)
