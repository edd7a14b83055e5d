"""Conversations as one JSON document: the records of chatlog's JSONL in the envelope of the command line.

Lossless like JSONL and read back by `chatlog`; each record is written as it comes and stands on a line of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING

from chatlog.formats.chatlog import HEADER, Extras, no_extras, written

if TYPE_CHECKING:
    from chatlog.formats import Transcript

SCHEMA_VERSION = 1


def write(transcripts: Iterable[Transcript], out: IO[str], extras: Extras = no_extras) -> None:
    """Write a document whose ``items`` are the records; `extras` gives what stands beside conversations."""
    opening = json.dumps({**HEADER, "schema_version": SCHEMA_VERSION})
    out.write(opening[:-1] + ', "items": [')
    total = 0
    for record in written(transcripts, extras):
        out.write(",\n" if total else "\n")
        out.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")))
        total += 1
    out.write(f'\n], "total": {total}, "next_cursor": null, "warnings": []}}\n')
