"""The pictures, films and sounds that a record of a data set names beside its messages, given to those they belong to.

A message's words hold a mark for each, such as ``<image>``; where marks are missing, they are the first prompt's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chatlog.formats import build
from chatlog.models import MessageDraft, Part

#: The keys of a record, and the mark in the words that each stands for.
_KEYS = {"images": "image", "image": "image", "videos": "video", "video": "video", "audios": "audio", "audio": "audio"}
_MARK = re.compile(r"<(image|video|audio)>[ \t]*\n?")


def take(facts: dict[str, Any]) -> dict[str, list[str]]:
    """Take out and return the addresses that a record names, by their kind."""
    found: dict[str, list[str]] = {}
    for key, kind in _KEYS.items():
        held = facts.get(key)
        listed = [held] if isinstance(held, str) else held
        if isinstance(listed, list) and listed and all(isinstance(address, str) and address for address in listed):
            found.setdefault(kind, []).extend(listed)
            del facts[key]
    return found


def attached(drafts: Sequence[MessageDraft], media: Mapping[str, Sequence[str]]) -> list[MessageDraft]:
    """Return the messages, those with marks with what they stand for; the first prompt has what no mark stands for."""
    left = {kind: list(addresses) for kind, addresses in media.items()}
    placed = [(draft, _parts(draft.text, left)) for draft in drafts]
    first = next((at for at, draft in enumerate(drafts) if draft.role == "user"), 0)
    made = list[MessageDraft]()
    for at, (draft, parts) in enumerate(placed):
        rest = [_part(kind, address) for kind, held in left.items() for address in held] if at == first else []
        made.append(_with(draft, parts + rest) if parts or rest else draft)
    return made


def _parts(text: str, left: dict[str, list[str]]) -> list[Part]:
    return [_part(mark[1], left[mark[1]].pop(0)) for mark in _MARK.finditer(text) if left.get(mark[1])]


def _part(kind: str, address: str) -> Part:
    if "://" in address or address.startswith("data:"):
        return build.addressed(address, modality=kind)
    return build.file(address, address.replace("\\", "/").rpartition("/")[2], modality=kind)


def _with(draft: MessageDraft, parts: list[Part]) -> MessageDraft:
    """Return a message with these parts before its own; its text is what was said without the marks."""
    own = draft.all_parts()
    return draft._replace(text=_MARK.sub("", draft.text).strip() if parts else draft.text, parts=(*parts, *own))
