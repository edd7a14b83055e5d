"""Filters as people type them: their dates become instants, and those that nothing can pass are named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chatlog import timespec
from chatlog.errors import UsageError
from chatlog.models import Filters

_BOUNDS = {"since": timespec.since, "until": timespec.until}


def dated(given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return filters with their dates as instants.  Raises UsageError for a date that is none."""
    return {name: _BOUNDS[name](value, now) if name in _BOUNDS else value for name, value in given.items()}


def contradiction(filters: Filters) -> str:
    """Return why nothing passes filters at all, nothing where something may."""
    if filters.since and filters.until and filters.since > filters.until:
        return "--since is later than --until, and nothing is both"
    if filters.max_messages is not None and (filters.min_messages or 0) > filters.max_messages:
        return "--min-messages is more than --max-messages, and nothing has both"
    return ""


def possible(filters: Filters) -> Filters:
    """Return filters.  Raises UsageError where nothing can pass them."""
    if why := contradiction(filters):
        raise UsageError(why, "swap the two")
    return filters
