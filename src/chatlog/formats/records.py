"""Which way a JSON source holds its records: as a JSON array, a line each, or as one document.

Looks at the beginning only and reads by `jsonstream`.  No format's knowledge lives here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from chatlog.formats import Head
from chatlog.formats.jsonstream import BROKEN_JSON, Line, items, lines
from chatlog.formats.source import Source
from chatlog.models import Problem


def records(source: Source, key: str | None = None) -> Iterator[Line | Problem]:
    """Yield each line's value where every line is one, else the array's elements (`key`: of the array under it)."""
    return lines(source) if _is_line_by_line(Head(source.name, source.head()).text) else items(source, key)


def _is_line_by_line(text: str) -> bool:
    first, _, rest = text.partition("\n")
    if first.startswith("[") and not rest.strip():
        return False
    try:
        json.loads(first)
    except BROKEN_JSON:
        return first.startswith("{") and first.rstrip()[-1] not in "{[,:"
    return bool(rest.strip())
