"""Tests of the citation markers in ChatGPT's answers: both forms, resolved and unresolved."""

from __future__ import annotations

from typing import Any

import pytest

from chatlog.formats import chatgpt
from chatlog.formats.source import file_source

from .chatgpt_making import conversation, node, read
from .making import messages, sample

REAL = "chatgpt/minhyeong112__h20__api_server_utils_import___data___chatgpt-citations.json"


def cleaned(words: str, role: str = "assistant", **metadata: Any) -> str:
    records = read(conversation(node("a", None, words, role=role, metadata=metadata)))
    return messages(records)[0].text


def reference(marker: str, **facts: Any) -> dict[str, Any]:
    return {"matched_text": marker, **facts}


CITE = "\ue200cite\ue202turn0search0\ue201"
PAGE = {"title": "Page", "url": "https://e.org"}
FORMULA = '\ue200genui\ue202{"math_block_widget_v2":{"content":"C = \\\\pi d"}}\ue201'
CITED = [
    (
        "alt of a reference",
        f"A {CITE}.",
        [reference(CITE, alt="([Page](https://e.org))")],
        "A ([Page](https://e.org)).",
    ),
    ("items of a reference", f"A{CITE}.", [reference(CITE, items=[PAGE])], "A ([Page](https://e.org))."),
    ("url of a reference", f"A{CITE}.", [reference(CITE, **PAGE)], "A ([Page](https://e.org))."),
    ("old form in a reference", "A【1†source】.", [reference("【1†source】", **PAGE)], "A ([Page](https://e.org))."),
    ("hidden reference", f"A {CITE}.", [reference(CITE, type="hidden")], "A."),
    ("no reference", f"A {CITE} {CITE}.", [], "A."),
    ("no reference, a word follows", f"A {CITE}word", [], "A word"),
    (
        "entity by its reference",
        "\ue200entity\ue202[]\ue201 is",
        [reference("\ue200entity\ue202[]\ue201", name="Rome")],
        "Rome is",
    ),
    ("entity without a reference", 'In \ue200entity\ue202["city","Rome","Italy"]\ue201 now', [], "In Rome now"),
    ("link without a reference", "See \ue200url\ue202the shop\ue202turn0view0\ue201.", [], "See the shop."),
    ("product", 'The \ue200product_entity\ue202["turn0product1","Mill 2"]\ue201 is', [], "The Mill 2 is"),
    ("formula", f"So:\n\n{FORMULA}\n\nwhere", [reference(FORMULA, alt=FORMULA)], "So:\n\n\\[C = \\pi d\\]\n\nwhere"),
    ("app", 'A\n\ue200genui\ue202{"app_block":{"language":"html","content":"<p>"}}\ue201', [], "A\n```html\n<p>\n```"),
    ("widget without words", 'A \ue200genui\ue202{"suggest":{"label":"x"}}\ue201', [], "A"),
    ("broken widget", "A \ue200genui\ue202{no\ue201", [], "A"),
    ("picture group", 'A\ue200image_group\ue202{"query":["x"]}\ue201', [], "A"),
    ("cut off at the end", "A \ue200cite\ue202turn0se", [], "A"),
    ("marked span", "A \ue203quoted\ue204 word", [], "A quoted word"),
    ("broken references", f"A {CITE}.", [5, None, {"matched_text": 7}], "A."),
]


@pytest.mark.parametrize(("case", "words", "references", "expected"), CITED, ids=[row[0] for row in CITED])
def test_new_citations(case: str, words: str, references: list[Any], expected: str) -> None:
    """Private-use sequences become the link or the words they stand for, or go."""
    assert expected == cleaned(words, content_references=references)


SEARCHED = {
    "content_references": [{"items": [{**PAGE, "refs": [{"turn_index": 0, "ref_type": "search", "ref_index": 1}]}]}],
    "search_result_groups": [
        {"entries": [{"url": "https://n.org", "ref_id": {"turn_index": 12, "ref_type": "news", "ref_index": 0}}]}
    ],
}
COMPONENTS = [
    ('A. <Cite refs={["turn0search1"]}/>\nB', "A. ([Page](https://e.org))\nB"),
    ('A<Cite refs={["turn0search1","turn12news0"]}/>.', "A ([Page](https://e.org), [https://n.org](https://n.org))."),
    ('A <Cite ref="turn9search9"/>.', "A."),
    ('| <Link url="https://e.org" title="Page"/> |', "| [Page](https://e.org) |"),
    ('**<Entity category="idea" value="RAPTOR" disambig="Trees"/>**', "**RAPTOR**"),
    ('A\n<AsyncImage query="mill" aspectRatio="1:1" maxHeight=420/>\nB', "A\n\nB"),
    ('```jsx\n<Cite refs={["turn0search1"]}/>\n```', '```jsx\n<Cite refs={["turn0search1"]}/>\n```'),
    ('See `<Link url="https://e.org" title="Page"/>`', 'See `<Link url="https://e.org" title="Page"/>`'),
    (
        '<Cite refs={[1]}/> <Link to="/"/> <Entity value={p.title}/>',
        '<Cite refs={[1]}/> <Link to="/"/> <Entity value={p.title}/>',
    ),
]


@pytest.mark.parametrize(("words", "expected"), COMPONENTS)
def test_components(words: str, expected: str) -> None:
    """Components become what they show, outside code; others stay."""
    assert expected == cleaned(words, **SEARCHED)
    assert words == cleaned(words, role="user", **SEARCHED)


def test_components_without_what_was_found() -> None:
    """A message without the results of its search, or with broken ones, is read."""
    words = 'A <Cite refs={["turn0search1"]}/>.'
    assert "A." == cleaned(words)
    assert "A." == cleaned(words, content_references=[5, {"items": 7}], search_result_groups={"a": 1})


def test_citations_by_number_in_a_list() -> None:
    """An old marker is also resolved by its place in the message's own list of sources."""
    assert cleaned("A【0†source】.", _cite_metadata={"metadata_list": [PAGE]}) == "A ([Page](https://e.org))."


def test_quoted_markers_of_a_person_stay() -> None:
    """Old markers in what a person or a source wrote are their words."""
    assert cleaned("It says 【1†source】", role="user") == "It says 【1†source】"


def test_text_without_markers_is_untouched() -> None:
    """Other brackets and private-use characters are no markers."""
    assert cleaned("【重要】 \uf8ff † \ue5ff ") == "【重要】 \uf8ff † \ue5ff "


def test_real_citations_are_resolved() -> None:
    """Two-numbered markers are resolved to the results they name."""
    answer = messages(chatgpt.read(file_source(sample(REAL))))[1]
    shown = "([Fastly Completes Acquisition of Signal Sciences | Fastly](https://www.fastly.com/press/press-releases/"
    assert shown in answer.text
    assert "【" not in answer.text
    assert (answer.parts or ())[0]["content"].count("【3:") == 4
