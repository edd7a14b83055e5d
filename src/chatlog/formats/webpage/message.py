"""One message as HTML: who, when and what, with tool use and reasoning folded away.

The parts of any source come through here; what has no form of its own is shown by its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from typing import Any

from chatlog.formats.webpage import text as spell
from chatlog.models import Conversation, Message, Part
from chatlog.shown import mention, response_text, shown_parts
from chatlog.timespec import minute

#: A result of so many lines and characters stands open.
OPEN_LINES, OPEN_CHARS = 4, 300
#: More lines are not compared with each other: that takes the square of their number.
MOST_COMPARED = 1_000
_PREVIEW_CHARS = 90
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]*={0,2}\s*")
_NAMES = {"user": "User", "assistant": "Assistant", "system": "System", "developer": "Developer", "tool": "Tool"}
#: What arguments are often code, and in which language.
_CODE = {
    "command": "bash",
    "cmd": "bash",
    "script": "bash",
    "code": "python",
    "sql": "sql",
    "query": "",
    "patch": "diff",
}


#: What agents call the words of a file that an edit takes away, and those in their place.
_EDITS = (("old_string", "new_string"), ("old_str", "new_str"), ("oldString", "newString"), ("oldText", "newText"))


class Speaker:
    """Writes the messages of one conversation, remembering which call had which name."""

    def __init__(self, conversation: Conversation, prefix: str = "") -> None:
        self.conversation = conversation
        self.prefix = prefix
        self.names: dict[str, str] = {}

    def anchor(self, seq: int | None) -> str:
        """Return the name of a message's place in the page."""
        return f"{self.prefix}m{seq}"

    def article(self, message: Message, answers: int | None = None) -> str:
        """Return a message; with `answers`, the number of the one it answers, where that is not the one above."""
        parts = [html for part in shown_parts(message) if (html := self._part(part, message))]
        if not parts:
            return ""
        kind = "tool" if all(html.startswith('<details class="use') for html in parts) else escape(message.role)
        place = self.anchor(message.seq)
        back = f'<a class="back" href="#{self.anchor(answers)}">answers #{answers}</a>' if answers else ""
        return (
            f'<article class="{kind}" id="{place}"><header>{self._heading(message, place)}{back}</header>\n'
            f'<div class="said">{"".join(parts)}</div></article>\n'
        )

    def _heading(self, message: Message, place: str) -> str:
        name = message.author or _NAMES.get(message.role, message.role)
        model = message.model if message.model != self.conversation.model else None
        facts = f'<span class="model">{spell.plain(model)}</span>' if model else ""
        when = escape(message.created_at)
        return (
            f'<h2 class="who">{spell.plain(name)}</h2>{facts}'
            f'<a class="when" href="#{place}"><time datetime="{when}">{escape(minute(message.created_at))}</time></a>'
        )

    def _part(self, part: Part, message: Message) -> str:
        match part.get("type"):
            case "text":
                return _words(part, message.role)
            case "tool_call":
                return self._call(part)
            case "tool_call_response":
                return self._result(part)
            case "reasoning":
                return _reasoning(part)
        return _attachment(part)

    def _call(self, part: Part) -> str:
        name = str(part.get("name") or "tool")
        if isinstance(part.get("id"), str):
            self.names[part["id"]] = name
        arguments = part.get("arguments")
        return _folded("use call", _label(name, _preview(arguments)), _arguments(arguments))

    def _result(self, part: Part) -> str:
        response = part.get("response")
        name = self.names.pop(str(part.get("id")), None) or str(part.get("name") or "tool")
        if isinstance(response, dict):
            body, shown, is_short = _arguments(response), "", False
        else:
            body, shown = _answer(response)
            is_short = len(shown) <= OPEN_CHARS and shown.count("\n") < OPEN_LINES
        kind = "use result error" if part.get("is_error") else "use result"
        label = _label("Error" if part.get("is_error") else "Result", f"{name} {_size(shown)}".strip())
        return _folded(kind, label, body, is_open=is_short)


def _words(part: Part, role: str) -> str:
    content = part.get("content")
    if not isinstance(content, str) or not content.strip():
        return ""
    if role in ("system", "developer"):
        return _folded(
            "use", _label("Instructions", _preview(content)), f'<div class="plain">{spell.plain(content)}</div>'
        )
    return spell.markdown(content, breaks=role == "user")


def _reasoning(part: Part) -> str:
    content = str(part.get("content") or "")
    if not content.strip():
        return ""
    return _folded("reasoning", _label("Reasoning", _preview(content.replace("**", ""))), spell.markdown(content))


def _answer(response: Any) -> tuple[str, str]:
    """Return what a tool gave back as HTML, its pictures below its words, and the words."""
    items = response if isinstance(response, list) else [response]
    pictures = [_picture(item) for item in items]
    words = [item for item, picture in zip(items, pictures, strict=True) if not picture]
    shown = response_text(words)
    return (_pre(shown) if shown or not any(pictures) else "") + "".join(pictures), shown


def _picture(part: Any) -> str:
    """Return a picture that the page can hold, as we keep one or as Anthropic sends it; nothing for all else."""
    match part:
        case {"type": "blob", "mime_type": str(mime), "content": str(data)} if mime in _IMAGES:
            return _image(mime, data, str(part.get("name") or "image"))
        case {"type": "image", "source": {"media_type": str(mime), "data": str(data)}} if mime in _IMAGES:
            return _image(mime, data, "image")
    return ""


def _attachment(part: Part) -> str:
    """Return a picture, a link or a file, what the page cannot hold by its name."""
    if picture := _picture(part):
        return picture
    match part:
        case {"type": "uri", "uri": str(address)} if spell.is_link(address):
            return f'<p class="file">{spell.link(address, str(part.get("name") or address))}</p>'
        case {"type": "file", "content": str(content)} if content:
            return _folded("use", _label("File", str(part.get("name") or "")), _pre(content))
    said = mention(part) or f"[{part.get('type')}]"
    return f'<p class="file">{spell.plain(said)}</p>'


def _image(mime: str, data: str, name: str) -> str:
    """Return a picture that the page itself holds."""
    if _BASE64.fullmatch(data) is None:
        return f'<p class="file">{spell.plain(f"[image: {name}]")}</p>'
    return f'<p><img src="data:{mime};base64,{"".join(data.split())}" alt="{spell.plain(name)}"></p>'


def _folded(kind: str, label: str, body: str, *, is_open: bool = False) -> str:
    return f'<details class="{kind}"{" open" if is_open else ""}><summary>{label}</summary>\n{body}</details>\n'


def _label(name: str, about: str) -> str:
    return f"<b>{spell.plain(name)}</b>" + (f" <span>{spell.plain(about)}</span>" if about else "")


def _size(text: str) -> str:
    lines = text.count("\n") + 1
    return f"· {lines:,} lines" if lines > OPEN_LINES else ""


def _preview(value: Any) -> str:
    """Return the beginning of what a call was given, or of a text, in a line."""
    line = " ".join(_first_words(value)[:400].split())
    return line if len(line) <= _PREVIEW_CHARS else line[: _PREVIEW_CHARS - 1].rstrip() + "…"


def _first_words(value: Any) -> str:
    """Return the first text that a value holds; of a list, each one's."""
    match value:
        case str():
            return value
        case Mapping():
            return next((words for item in value.values() if (words := _first_words(item)).strip()), "")
        case list():
            return " ".join(filter(None, map(_first_words, value[:20])))
    return ""


def _arguments(value: Any) -> str:
    """Return what a call was given: each argument under its name, texts as they are."""
    if not isinstance(value, Mapping):
        return spell.code(value, "") if isinstance(value, str) else spell.code(_json(value), "json")
    shown = {str(name): _argument(str(name), item) for name, item in value.items()}
    for old, new in _EDITS:
        if isinstance(value.get(old), str) and isinstance(value.get(new), str):
            del shown[old], shown[new]
            shown[f"{old} → {new}"] = spell.code(_changed(value[old], value[new]), "diff")
    rows = [f"<dt>{spell.plain(name)}</dt><dd>{item}</dd>" for name, item in shown.items()]
    return f"<dl>{''.join(rows)}</dl>" if rows else ""


def _changed(old: str, new: str) -> str:
    """Return one text and the one in its place as a diff that holds all of both."""
    before, after = (text.split("\n") if text else [] for text in (old, new))
    if len(before) + len(after) > MOST_COMPARED:
        return "\n".join([*(f"-{line}" for line in before), *(f"+{line}" for line in after)])
    from difflib import unified_diff

    compared = [*unified_diff(before, after, n=MOST_COMPARED, lineterm="")][3:]
    return "\n".join(compared or [f" {line}" for line in before])


def _argument(name: str, value: Any) -> str:
    if not isinstance(value, str):
        short = json.dumps(value, ensure_ascii=False)
        return (
            f"<code>{spell.plain(short)}</code>" if len(short) <= _PREVIEW_CHARS else spell.code(_json(value), "json")
        )
    if "\n" in value or name in _CODE:
        return spell.code(value, _CODE.get(name, ""))
    return f"<code>{spell.plain(value)}</code>"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _pre(content: str) -> str:
    return f"<pre><code>{spell.output(content)}</code></pre>"
