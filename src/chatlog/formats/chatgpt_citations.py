"""The citation markers inside ChatGPT's answers, made readable.

Turns ``【11†source】``, the private-use sequences of newer answers and the components of the newest,
``<Cite refs={["turn0search1"]}/>``, into the link or name that the message's metadata gives for them,
and takes out those it gives none for.  It never changes
the text as it came, which the reader keeps beside the cleaned one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from chatlog.formats import MALFORMED, build

_OLD = r"【(\d+)(?::(\d+))?†[^【】]*】"
_NEW = "\ue200[^\ue200\ue201]*\ue201"
_MARKER = re.compile(f"{_OLD}|[\ue200-\ue20f]")
_OLD_MARKER = re.compile(f"([ \\t]?){_OLD}")
_NEW_MARKER = re.compile(f"([ \\t]?){_NEW}")
_CUT_OFF = re.compile("[ \\t]?\ue200[a-z_]+(?:\ue202[^\\s\ue200-\ue20f]*)*")
_LEFT_OVER = re.compile("[\ue200-\ue20f]")
_VALUE = r'(?:"[^"\n]{0,500}"|\{[^{}\n]{0,500}\}|[\w%]{1,9})'
_COMPONENT = re.compile(rf"([ \t]?)<(Cite|Link|Entity|AsyncImage)((?:\s+\w{{1,30}}={_VALUE}){{1,9}})\s*/>")
_FACT = re.compile(r'(\w+)="([^"]*)"')
#: What a text calls something that was found.
_FOUND = re.compile(r"turn\d+[a-z_]+\d+")
_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
#: New sequences whose first field is words of the sentence itself.
_WORDED = frozenset({"url", "link", "link_title"})
#: Those whose first field is JSON that holds such words.
_DATA = frozenset({"entity", "product_entity", "genui"})


def clean(text: str, metadata: Mapping[str, Any], *, answer: bool = True) -> str:
    """Return the text with its citation markers resolved from the message's metadata, or taken out.

    The old form is left alone in what is no `answer`: there it is somebody's own quotation.
    """
    if answer and "/>" in text and _COMPONENT.search(text):
        pages, pieces = _pages(metadata), _CODE.split(text)
        pieces[::2] = [_COMPONENT.sub(lambda match: _component(match, pages), piece) for piece in pieces[::2]]
        text = "".join(pieces)
    if text.isascii() or _MARKER.search(text) is None:
        return text
    sources = _sources(text, metadata) if answer else {}
    text = _referenced(text, _labels(metadata.get("content_references")))
    if answer:
        text = _OLD_MARKER.sub(lambda match: _placed(match, _old_label(match, sources)), text)
    text = _NEW_MARKER.sub(lambda match: _placed(match, _words(match.group().strip())), text)
    return _LEFT_OVER.sub("", _CUT_OFF.sub("", text))


def _component(match: re.Match[str], pages: Mapping[str, Any]) -> str:
    """Return the words that a component shows; one that says nothing we know stays as it is."""
    facts = dict(_FACT.findall(match[3]))
    names = dict.fromkeys(_FOUND.findall(match[3]))
    match match[2]:
        case "Cite" if names:
            return _placed(match, _links(pages[name] for name in names if name in pages))
        case "Link" if facts.get("url"):
            return _placed(match, _link(facts))
        case "Entity" if facts.get("value"):
            return _placed(match, facts["value"])
        case "AsyncImage" if facts.get("query"):
            return _placed(match, "")
    return match.group()


def _pages(metadata: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the pages that were found, by what the text calls them."""
    pages: dict[str, Mapping[str, Any]] = {}
    for found, key in (("content_references", "items"), ("search_result_groups", "entries")):
        for page in (page for group in build.mappings(metadata.get(found)) for page in build.mappings(group.get(key))):
            for ref in build.mappings([page.get("ref_id")]) + build.mappings(page.get("refs")):
                pages.setdefault(f"turn{ref.get('turn_index')}{ref.get('ref_type')}{ref.get('ref_index')}", page)
    return pages


def _placed(match: re.Match[str], label: str) -> str:
    """Return what stands for a marker: its label set off by a blank, or nothing."""
    blank, rest = match[1], match.string[match.end() : match.end() + 1]
    if not label:
        return blank if rest.isalnum() else ""
    return (blank or " ") + label if label.startswith("(") and match.start() else blank + label


def _referenced(text: str, labels: Mapping[str, str]) -> str:
    if not labels:
        return text
    found = "|".join(re.escape(marker) for marker in sorted(labels, key=len, reverse=True))
    return re.sub(f"([ \\t]?)({found})", lambda match: _placed(match, labels[match[2]]), text)


def _labels(references: Any) -> dict[str, str]:
    """Return what each `matched_text` that is a whole marker is to be read as."""
    labels: dict[str, str] = {}
    for reference in build.listed(references):
        try:
            marker = reference.get("matched_text") or ""
            if _MARKER.search(marker) and marker.count("\ue200") == marker.count("\ue201"):
                labels.setdefault(marker, _label(reference) or _words(marker))
        except MALFORMED:
            continue
    return labels


def _label(reference: Mapping[str, Any]) -> str:
    if reference.get("alt"):
        return str(reference["alt"])
    cited = reference.get("items") or reference.get("fallback_items") or [reference]
    if cited == [reference] and not reference.get("url"):
        return str(reference.get("name") or "")
    return _links(cited)


def _links(cited: Iterable[Mapping[str, Any]]) -> str:
    links = [link for link in map(_link, cited) if link]
    return f"({', '.join(links)})" if links else ""


def _link(page: Mapping[str, Any]) -> str:
    title = page.get("title") or page.get("name") or page.get("attribution") or page.get("url") or ""
    return f"[{title}]({page['url']})" if page.get("url") else str(title)


def _sources(text: str, metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return the link of each source by its number (``13``, ``3:1``) and by its marker as it stands."""
    sources: dict[str, str] = {}
    for citation in metadata.get("citations") or ():
        try:
            _add_source(sources, text, citation)
        except MALFORMED:
            continue
    return sources | _listed(metadata.get("_cite_metadata"), sources)


def _add_source(sources: dict[str, str], text: str, citation: Mapping[str, Any]) -> None:
    page = citation.get("metadata") or {}
    label, extra = _links([page]), page.get("extra") or {}
    number, result = extra.get("cited_message_idx"), extra.get("search_result_idx")
    if number is not None:
        sources.setdefault(str(number) if result is None else f"{number}:{result}", label)
    start, end = citation.get("start_ix"), citation.get("end_ix")
    if start is not None and end is not None:
        sources.setdefault(text[start:end], label)


def _listed(cited: Any, known: Mapping[str, str]) -> dict[str, str]:
    try:
        pages = enumerate((cited or {}).get("metadata_list") or ())
        return {str(number): _links([page]) for number, page in pages if str(number) not in known}
    except MALFORMED:
        return {}


def _old_label(match: re.Match[str], sources: Mapping[str, str]) -> str:
    number = match[2] if match[3] is None else f"{match[2]}:{match[3]}"
    return sources.get(number) or sources.get(match.group().strip()) or ""


def _words(marker: str) -> str:
    """Return the words of the sentence that a new sequence holds, such as an entity's name."""
    kind, *fields = marker.strip("\ue200\ue201").split("\ue202")
    if kind in _WORDED and fields:
        return fields[0]
    match build.parsed(fields[0]) if kind in _DATA and fields else None:
        case [_, str(name), *_]:
            return name
        case dict(widget):
            return next(filter(None, map(_shown, widget, widget.values())), "")
    return ""


def _shown(widget: str, given: Any) -> str:
    """Return the words or code that a widget shows, a formula in the marks that ChatGPT's own text has for it."""
    content = build.mapping(given).get("content")
    if not isinstance(content, str):
        return ""
    if isinstance(language := given.get("language"), str):
        return f"```{language}\n{content}\n```"
    return f"\\[{content}\\]" if widget.startswith("math") else content
