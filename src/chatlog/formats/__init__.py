"""The table of history formats and how one is recognised from its content.

One format, one module: ``sniff(head)`` says whether it is this one, ``read(source)`` yields
records, ``write(transcripts, out)`` the way back where a format can hold a conversation; `LOCATIONS`
names the places where a program keeps its files, if it does.  A new format is a new module and a row
here.  What a reader is made with:

- `source`, `archive`, `packed`, `sqlite_source`: bytes, what is packed, other programs' databases
- `head`, `jsonstream`, `records`, `beside`: what a source begins with, its JSON, each record, files beside it
- `build`, `ids`, `calls`, `trees`: parts, messages and their facts; names; which call a result answers; branches
- `openai_content`, `anthropic_messages`, `gemini_parts`: what a message says in the forms that many programs share
- `tags`, `html_text`, `msgpack`: text that holds more than words, binary JSON
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import IO, NamedTuple, Protocol, cast

from chatlog.errors import UsageError, choices_hint
from chatlog.formats.head import Head
from chatlog.formats.jsonstream import from_next_element
from chatlog.formats.records import MALFORMED, is_spread, line_by_line
from chatlog.formats.source import HEAD_BYTES, WIDE_HEAD_BYTES, Source
from chatlog.models import Conversation, Message, Record

__all__ = [
    "MALFORMED", "READERS", "WRITERS", "Form", "Head", "Reader", "Transcript", "Writer",
    "detect", "reader", "recognised", "writer",
]  # fmt: skip

#: Readers, most particular first: the first whose `sniff` says yes reads the source.
READERS = (
    "chatlog",
    "codebuddy",
    "codex",
    "gemini_cli",
    "google_aistudio",
    "gemini_takeout",
    "copilot",
    "ms_copilot",
    "deepseek",
    "librechat",
    "chatbotui",
    "nextchat",
    "chatbox",
    "lobechat",
    "cherry_studio",
    "grok",
    "grok_x",
    "grok_cli",
    "chatgpt",
    "claude_ai",
    "chat_exporter",
    "qwen_code",
    "claude_code",
    "entire",
    "antigravity",
    "dsh",
    "openhands",
    "pi_agent",
    "droid",
    "continue_dev",
    "kimi_code",
    "sillytavern",
    "text_generation_webui",
    "lm_studio",
    "jan",
    "cline",
    "swe_agent",
    "sharegpt",
    "oasst",
    "aider",
    "simonw_llm",
    "cursor",
    "goose",
    "hermes",
    "opencode",
    "openwebui",
    "langchain",
    "openai_messages",
)
#: What is found where no format knows a source, or only the one that takes what no other does.
_LAST = (None, READERS[-1])


class Form(NamedTuple):
    """A form that conversations are written in.

    `whole` forms hold trees, hidden messages included, rather than active paths; `lossless` ones hold the summaries,
    memories and tombstones too; `paged` ones are one conversation a file rather than all in one.
    """

    module: str
    extension: str
    whole: bool = False
    lossless: bool = False
    paged: bool = False


#: Writers, by the name `export --to` takes.
WRITERS = {
    "jsonl": Form("chatlog", ".jsonl", whole=True, lossless=True),
    "json": Form("json_document", ".json", whole=True, lossless=True),
    "markdown": Form("markdown_notes", ".md", paged=True),
    "html": Form("webpage", ".html", whole=True, paged=True),
    "csv": Form("csv_rows", ".csv", whole=True),
    "openai": Form("openai_messages", ".jsonl"),
    "openai-finetune": Form("openai_finetune", ".jsonl"),
    "anthropic": Form("anthropic_messages", ".jsonl"),
    "sharegpt": Form("sharegpt_writer", ".json"),
}

Transcript = tuple[Conversation, Iterable[Message]]


class Reader(Protocol):
    """A module that reads a format."""

    def sniff(self, head: Head) -> bool:
        """Say whether a source that begins like this is of the format."""

    def read(self, source: Source) -> Iterator[Record]:
        """Yield a conversation, then its messages, parents before children."""


class Writer(Protocol):
    """A module that writes a format."""

    def write(self, transcripts: Iterable[Transcript], out: IO[str]) -> None:
        """Write conversations with their messages as text.

        Messages may be asked for more than once; a lossless writer takes the `Extras` to write as well.
        """


@cache
def reader(name: str) -> Reader:
    """Return the reader called `name`.  Raises UsageError for an unknown one."""
    if name not in READERS:
        raise UsageError(f"'{name}' is not a format chatlog reads", choices_hint(name, READERS))
    return cast(Reader, import_module(f"chatlog.formats.{name}"))


def writer(name: str) -> Writer:
    """Return the writer `export --to` calls `name`.  Raises UsageError for an unknown one."""
    if name not in WRITERS:
        raise UsageError(f"'{name}' is not a format chatlog writes", choices_hint(name, WRITERS))
    return cast(Writer, import_module(f"chatlog.formats.{WRITERS[name].module}"))


def detect(source: Source) -> str | None:
    """Return the name of the format a source is in, judged by its content; None if none is known."""
    return recognised(source)[0]


def recognised(source: Source, name: str | None = None) -> tuple[str | None, Source]:
    """Return the format a source is in, or `name`, with the source showing as much of itself as that is seen by.

    Where the usual head ends amid the first record, and no format, or only the one that takes
    what no other does, knows it, a wider head decides.  Records that are JSONL but for the way they
    are written, over many lines or as an array, are given line by line.
    """
    names = READERS if name is None else (name,)
    head = Head.of(source)
    if head.is_object and is_spread(head.text):
        source = line_by_line(source)
        head = Head.of(source)
    found = _sniffed(head, names)
    if found in _LAST and _is_cut(head):
        wide = replace(source, head_bytes=WIDE_HEAD_BYTES)
        if seen := _sniffed(Head.of(wide), names):
            found, source = seen, wide
    if found in _LAST and head.is_array and (listed := _in_lines(source, names)):
        return listed
    return name or found, source


def _in_lines(source: Source, names: Iterable[str]) -> tuple[str, Source] | None:
    """Return the format of an array's elements line by line, with the source of those; None where none knows them."""
    lines = line_by_line(source)
    found = _sniffed(Head.of(lines), [name for name in names if name not in _LAST])
    return (found, lines) if found else None


def _sniffed(head: Head, names: Iterable[str]) -> str | None:
    found = next((name for name in names if reader(name).sniff(head)), None)
    if found is None and head.is_array and (rest := from_next_element(head.text)) != head.text:
        later = Head(head.name, rest.encode("utf-8", "surrogatepass"), head.source)
        found = next((name for name in names if reader(name).sniff(later)), None)
    return found


def _is_cut(head: Head) -> bool:
    """Whether a source is JSON whose first record goes on beyond its head."""
    return len(head.data) == HEAD_BYTES and head.is_json and not head.objects
