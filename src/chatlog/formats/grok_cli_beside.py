"""What the folder of a session of Grok's command line, and the summary in it, tell of the session.

Neither of the two files that hold what was said is known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote

from chatlog.formats import build
from chatlog.formats.beside import beside
from chatlog.formats.build import Row
from chatlog.formats.grok_cli_content import typed
from chatlog.formats.ids import UUID
from chatlog.formats.source import Source
from chatlog.models import ConversationDraft
from chatlog.timespec import instant

_UUID = re.compile(UUID)
_ROOTED = re.compile(r"/|[A-Za-z]:[\\/]")
#: Facts of a session that only count or steer what Grok does next.
_SUMMARY_TOLD = frozenset({
    "info", "generated_title", "current_model_id", "created_at", "updated_at", "last_active_at", "parent_session_id",
    "num_messages", "num_chat_messages", "next_trace_turn", "chat_format_version", "request_id", "collection_id",
    "cwd_switch_bookkeeping_generation", "pending_cwd_switch_reminder",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """What the folder of a session and the summary in it tell."""

    name: str | None
    project: str | None
    summary: Row

    @classmethod
    def of(cls, source: Source) -> Place:
        """Return the place of a session's file; one that lies alone tells nothing."""
        summary = build.mapping(beside(source, "summary.json"))
        path = source.path.absolute().as_posix() if source.path is not None else source.name.rpartition("!")[2]
        names = PurePosixPath(path.replace("\\", "/")).parts
        folder = names[-2] if len(names) > 1 and (summary or _UUID.fullmatch(names[-2])) else None
        above = unquote(names[-3]) if folder and len(names) > 2 else ""
        info = build.mapping(summary.get("info"))
        return cls(
            build.word(info.get("id")) or folder,
            build.word(info.get("cwd")) or (above if _ROOTED.match(above) and above != "/" else None),
            summary,
        )

    def conversation(self, name: str, project: str | None) -> ConversationDraft:
        """Return the session's conversation, called `name` where nothing here names it."""
        told = self.summary
        titles = [title for key in ("generated_title", "session_summary") if (title := _title(told.get(key)))]
        own = build.rest(told, _SUMMARY_TOLD)
        if _title(own.get("session_summary")) in titles[:1]:
            del own["session_summary"]
        return ConversationDraft(
            source_id=self.name or name,
            title=titles[0] if titles else None,
            created_at=instant(told.get("created_at")),
            updated_at=instant(told.get("last_active_at")) or instant(told.get("updated_at")),
            model=build.word(told.get("current_model_id")),
            project=self.project or project,
            parent=build.word(told.get("parent_session_id")),
            metadata=own,
        )


def _title(value: object) -> str | None:
    """Return the words of a title, none of which Grok injected."""
    words, reason = typed(value) if isinstance(value, str) else ("", None)
    return None if reason else build.word(" ".join(words.split()))
