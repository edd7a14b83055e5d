"""Conversations as Markdown for people: headings per message, tool use folded away.

Words are written as they are, but for what would break the note (`markdown_words`).  It only writes, one message at
a time, and the same conversation always gives the same bytes (times are UTC).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from html import escape
from typing import IO, TYPE_CHECKING, Any

from chatlog.formats.markdown_words import settled
from chatlog.models import Conversation, Message, Part
from chatlog.shown import mention, response_text, shown_parts, uncoloured
from chatlog.timespec import minute

if TYPE_CHECKING:
    from chatlog.formats import Transcript

_FENCES = re.compile(r"`{3,}")
#: What in a heading would be more than letters: emphasis, links, HTML, tags.
_MARKS = re.compile(
    r"`|~~|\*(?=\S)|(?<=\S)\*|(?<!\w)_(?=\S)|(?<=\S)_(?!\w)|\[(?=\[|[^\[\]]{0,200}\]\()|<(?=[A-Za-z/!?])|(?<!\S)#(?=\w)"
    r"|\\(?=[!-/:-@\[-`{-~])"
)
_BLANKS = re.compile(r"\s+")


def write(transcripts: Iterable[Transcript], out: IO[str]) -> None:
    """Write each conversation under its title, each visible message under its speaker."""
    for number, (conversation, messages) in enumerate(transcripts):
        out.write("\n" if number else "")
        out.write(f"{title_line(conversation)}\n\n{' · '.join(_facts(conversation))}\n")
        write_messages(conversation, messages, out)


def write_messages(conversation: Conversation, messages: Iterable[Message], out: IO[str]) -> None:
    """Write the visible messages of a conversation."""
    names: dict[str, str] = {}
    for message in messages:
        if not message.hidden:
            out.write(_section(message, conversation, names))


def title_of(conversation: Conversation) -> str:
    """Return a conversation's title in a line."""
    return _BLANKS.sub(" ", conversation.title or "").strip() or "Untitled conversation"


def title_line(conversation: Conversation) -> str:
    """Return a conversation's title as the heading of all."""
    return f"# {_letters(title_of(conversation))}"


def _letters(text: str) -> str:
    return _MARKS.sub(lambda mark: "\\" + mark[0], text)


def _facts(conversation: Conversation) -> Iterator[str]:
    """Yield what the line below the title says: id, origin, model, time, size, tags."""
    yield f"`{conversation.id}`"
    yield from (fact for fact in (conversation.source, conversation.model, conversation.project) if fact)
    first, last = minute(conversation.created_at), minute(conversation.updated_at)
    yield f"{first} UTC" if first == last else f"{first} – {last} UTC"
    yield f"{conversation.messages} message{'' if conversation.messages == 1 else 's'}"
    if conversation.tags:
        yield " ".join(f"#{tag}" for tag in conversation.tags)


def _section(message: Message, conversation: Conversation, names: dict[str, str]) -> str:
    blocks = [block for part in shown_parts(message) if (block := _block(part, names))]
    return "\n".join(f"\n{block}" for block in [_heading(message, conversation), *blocks]) + "\n"


def _heading(message: Message, conversation: Conversation) -> str:
    model = message.model if message.model != conversation.model else None
    who = message.author or (model if message.role == "assistant" else None)
    name = _letters(_BLANKS.sub(" ", who).strip()) if who else ""
    return f"## {message.role.capitalize()}{f' ({name})' if name else ''} · {minute(message.created_at)}"


def _block(part: Part, names: dict[str, str]) -> str:
    kind = part.get("type")
    if kind == "tool_call_response":
        return _result(part, names)
    if kind == "tool_call" and isinstance(part.get("id"), str):
        names[part["id"]] = str(part.get("name") or "tool")
    spell = _BLOCKS.get(str(kind), _other)
    return spell(part)


def _text(part: Part) -> str:
    return settled(str(part.get("content") or ""))


def _reasoning(part: Part) -> str:
    content = str(part.get("content") or "")
    return "\n".join(f"> {line}" if line else ">" for line in content.split("\n")) if content.strip() else ""


def _tool_call(part: Part) -> str:
    return f"Tool call: {_code(str(part.get('name') or 'tool'))}\n\n{_fenced(_json(part.get('arguments')), 'json')}"


def _result(part: Part, names: dict[str, str]) -> str:
    """Return a result folded away under the name of its tool."""
    response = part.get("response")
    name = names.pop(str(part.get("id")), None) or str(part.get("name") or "tool")
    label = f"{'Error from' if part.get('is_error') else 'Result of'} {name}"
    if isinstance(response, dict):
        return _folded(label, _fenced(_json(response), "json"))
    return _folded(label, _fenced(uncoloured(response_text(response)), ""))


def _folded(label: str, body: str) -> str:
    return f"<details>\n<summary>{escape(label)}</summary>\n\n{body}\n\n</details>"


def _file(part: Part) -> str:
    content = part.get("content")
    if not isinstance(content, str) or not content:
        return _other(part)
    return _folded(f"File {part.get('name') or part.get('file_id') or ''}".rstrip(), _fenced(content, ""))


def _link(part: Part) -> str:
    address = str(part.get("uri"))
    mark = "!" if part.get("modality") == "image" or str(part.get("mime_type")).startswith("image/") else ""
    if len(address) > 2000 or re.search(r"[\s<>]", address):
        return _other({**part, "uri": address[:80]})
    return f"{mark}[{_label(part.get('name') or part.get('modality') or 'link')}](<{address}>)"


def _label(text: object) -> str:
    return re.sub(r"([\[\]\\])", r"\\\1", str(text))


def _other(part: Part) -> str:
    said = mention(part)
    return _code(f"[{part.get('type')}]") if said is None else said.replace("[", "\\[", 1).replace("]", "\\]", 1)


def _code(text: str) -> str:
    """Return inline code, whatever backticks the text holds."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    mark, pad = "`" * (longest + 1), " " if longest else ""
    return f"{mark}{pad}{text}{pad}{mark}"


def _fenced(text: str, language: str) -> str:
    """Return a code block whose fence is longer than any in the text."""
    fence = "`" * max([3, *(len(run) + 1 for run in _FENCES.findall(text))])
    return f"{fence}{language}\n{text}{'' if text.endswith(chr(10)) else chr(10)}{fence}"


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


_BLOCKS: dict[str, Callable[[Part], str]] = {
    "text": _text,
    "reasoning": _reasoning,
    "tool_call": _tool_call,
    "uri": _link,
    "file": _file,
}
