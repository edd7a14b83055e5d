"""How a conversation reads: messages to lines for a person, plain or painted.

Pure: it is given the paint and the width, and yields lines.  Every word goes through `visible`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import tzinfo
from typing import Any, NamedTuple

from chatlog.models import Conversation, Message, Part, other_strings, short_ref
from chatlog.output import counted, one_line, to_json, visible
from chatlog.results import Result, Snippet
from chatlog.shown import response_text, shown_parts
from chatlog.terminal import broken, cut
from chatlog.timespec import parse_iso

Paint = Callable[[str, str], str]

ROLE_STYLES = {"user": "green", "assistant": "cyan", "tool": "magenta", "system": "yellow", "developer": "yellow"}
#: How much of a tool call, a result or a line of reasoning is shown.
FOLD_CHARS = 120
#: A title is cut to no less than this.
LEAST_TITLE = 20
_FENCE = r"^ {0,3}(`{3,}|~{3,})\s*([\w+#-]*)"
#: Code longer than this is shown without colours.
HIGHLIGHT_CHARS = 20_000
#: Lines longer than this are left to the terminal.
WRAP_CHARS = 20_000


class Look(NamedTuple):
    """How to draw: the paint, whether it paints at all, whose time, how wide (None: as it comes), what is folded."""

    paint: Paint
    color: bool
    zone: tzinfo | None = None
    width: int | None = None
    folded: bool = True


def heading(conversation: Conversation, look: Look) -> Iterator[str]:
    """Yield the title and a line of facts."""
    yield from broken(look.paint(one_line(conversation.title or "untitled"), "bold"), look.width)
    facts = [
        conversation.id[:8],
        conversation.source or "",
        conversation.model or "",
        counted(conversation.messages, "message"),
        _when(conversation.created_at, look),
        *(f"#{tag}" for tag in conversation.tags),
    ]
    yield from broken(look.paint(one_line(" · ".join(fact for fact in facts if fact)), "dim"), look.width)


def message(found: Message, look: Look) -> Iterator[str]:
    """Yield a message: a line that says whose it is, then what it says."""
    yield ""
    yield from broken(_byline(found, look), look.width)
    for part in shown_parts(found):
        yield from _part(part, look)


def _byline(found: Message, look: Look) -> str:
    name = f"{found.role} · {found.author}" if found.author else found.role
    facts = [f"#{found.seq}", _when(found.created_at, look), found.model or "", "hidden" if found.hidden else ""]
    facts_line = " · ".join(fact for fact in facts if fact)
    return f"{look.paint(one_line(name), ROLE_STYLES[found.role])}  {look.paint(one_line(facts_line), 'dim')}"


def _when(moment: str, look: Look) -> str:
    return parse_iso(moment).astimezone(look.zone).strftime("%Y-%m-%d %H:%M")


def _part(part: Part, look: Look) -> Iterator[str]:
    kind = part.get("type")
    if kind == "text":
        yield from prose(str(part.get("content") or ""), look)
    elif kind == "reasoning":
        yield from _folded("thinking", str(part.get("content") or ""), look, "dim")
    elif kind == "tool_call":
        arguments = part.get("arguments")
        shown = arguments if isinstance(arguments, str) else to_json(arguments)
        yield from _folded(f"call {part.get('name') or 'tool'}", shown, look, "magenta")
    elif kind == "tool_call_response":
        label = "error" if part.get("is_error") else "result"
        yield from _folded(label, _answer(part.get("response")), look, "red" if part.get("is_error") else "dim")
    else:
        yield look.paint(one_line(f"  [{kind}] {_label(part)}")[:FOLD_CHARS], "dim")


def _label(part: Part) -> str:
    for key in ("name", "uri", "file_id", "mime_type", "title"):
        if isinstance(part.get(key), str):
            return str(part[key])
    return ""


def _answer(response: Any) -> str:
    """Return the text of a tool's answer, that alone which stands in the midst of data."""
    held = [response.get(key) for key in ("text", "content", "output")] if isinstance(response, dict) else ()
    return response_text(next((words for words in held if isinstance(words, (str, list))), response))


def _folded(label: str, text: str, look: Look, style: str) -> Iterator[str]:
    """Yield a line that says what is there and how much, or all of it."""
    lines = text.strip().splitlines()
    if not look.folded:
        yield look.paint(one_line(f"  ▸ {label}"), style)
        yield from (look.paint("    " + visible(line), "dim") for line in lines)
        return
    first = one_line(lines[0][: FOLD_CHARS * 4]) if lines else ""
    room = (look.width or FOLD_CHARS * 2) - len(label) - 22
    said = cut(first, max(min(FOLD_CHARS, room), LEAST_TITLE))
    more = f"  ({len(lines)} lines)" if len(lines) > 1 else ""
    yield look.paint(f"  ▸ {one_line(label)}: {said}{more}" if said else f"  ▸ {one_line(label)}", style)


def prose(text: str, look: Look) -> Iterator[str]:
    """Yield the lines of a message's text; fenced code is coloured where its language is known."""
    if look.width is None:
        yield from visible(text).split("\n")
        return
    fence: str | None = None
    language, code = "", list[str]()
    for line in text.split("\n"):
        match = re.match(_FENCE, line)
        if fence is None and match:
            fence, language, code = match[1], match[2], []
            yield look.paint(visible(line), "dim")
        elif fence is not None and match and match[1].startswith(fence) and not match[2]:
            yield from _code(code, language if look.color else "")
            yield look.paint(visible(line), "dim")
            fence = None
        elif fence is not None:
            code.append(line)
        else:
            yield from _wrapped(visible(line), look.width)
    if fence is not None:
        yield from _code(code, language if look.color else "")


def _wrapped(line: str, width: int) -> Iterable[str]:
    """Return a line of prose broken between words, as far in as it began."""
    if len(line) > WRAP_CHARS:
        return [line]
    indent = re.match(r"\s*(?:[-*•]\s+|\d+[.)]\s+)?", line.expandtabs(4))
    return broken(line.expandtabs(4), width, len(indent[0]) if indent else 0)


def _code(lines: Sequence[str], language: str) -> Iterable[str]:
    source = visible("\n".join(lines))
    if not lines or not language or len(source) > HIGHLIGHT_CHARS:
        return source.split("\n") if lines else []
    from pygments import highlight
    from pygments.formatters import TerminalFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return source.split("\n")
    painted: str = highlight(source, lexer, TerminalFormatter())
    return painted.rstrip("\n").split("\n")


def result(found: Result, look: Look) -> Iterator[str]:
    """Yield a search result: where, then the place that matched, with its neighbours around it."""
    said = found.message
    where = short_ref(said.ref)
    facts = one_line(f"{_when(said.created_at, look)}  {said.author or said.role}")
    width, title = look.width or FOLD_CHARS, one_line(found.title or "untitled")
    room = width - len(where) - len(facts) - 4
    opening = f"{look.paint(where, 'yellow')}  {look.paint(facts, 'dim')}"
    if room < LEAST_TITLE:  # a line of its own, rather than one that breaks
        yield opening
        yield look.paint(cut(title, width), "bold")
    else:
        yield f"{opening}  {look.paint(cut(title, room), 'bold')}"
    for neighbour in found.before:
        yield from _neighbour(neighbour, look)
    yield from broken("  " + marked(found.snippet, look), look.width)
    for neighbour in found.after:
        yield from _neighbour(neighbour, look)


def _neighbour(found: Message, look: Look) -> Iterator[str]:
    said = found.text or " ".join(other_strings(found.parts or ()))
    text = cut(one_line(said[: FOLD_CHARS * 2]), FOLD_CHARS)
    shown = "  " + look.paint(one_line(f"{found.author or found.role}: ") + text, "dim")
    return broken(shown, look.width)


def marked(snippet: Snippet, look: Look) -> str:
    """Return a snippet with its matches highlighted."""
    pieces, at = list[str](), 0
    for start, end in snippet.marks:
        if start < at:
            continue
        pieces += [visible(snippet.text[at:start]), look.paint(visible(snippet.text[start:end]), "match")]
        at = end
    return "".join([*pieces, visible(snippet.text[at:])])
