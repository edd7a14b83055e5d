"""Takeout's page of the Gemini apps' activity: cells, times as accounts write them, and damage."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from chatlog.formats import build, detect, gemini_takeout
from chatlog.formats.gemini_takeout_html import _CHUNK
from chatlog.formats.source import file_source, stream_source

from .making import source_of
from .reading import Read, read

NOON = "Apr 19, 2026, 12:00:00\u202fPM GMT+05:30"
WIDE = "content-cell mdl-cell mdl-cell--6-col mdl-typography--body-1"


CHAT = "https://gemini.google.com/app/7b0000000000aaaa"


def cell(body: str, product: str = "Gemini Apps", chat: str = "") -> str:
    """Return an activity as Takeout lays it out."""
    return (
        '<div class="outer-cell mdl-cell mdl-cell--12-col mdl-shadow--2dp"><div class="mdl-grid">'
        f'<div class="header-cell mdl-cell"><p class="mdl-typography--title">{product}<br></p></div>'
        f'<div class="{WIDE}">{body}</div><div class="{WIDE} mdl-typography--text-right"></div>'
        '<div class="content-cell mdl-cell mdl-typography--caption"><b>Products:</b><br>&emsp;Gemini<br>'
        f"<b>Details:</b><br>&emsp;{chat}</div></div></div>"
    )


def page(*cells: str, style: str = ".mdl-grid{}") -> str:
    """Return a page of activities behind a style sheet."""
    return f'<html><head><style>{style}</style></head><body><div class="mdl-grid">{"".join(cells)}</div></body></html>'


def told(*bodies: str) -> Read:
    return read(gemini_takeout, source_of(page(*map(cell, bodies)), "MyActivity.html"))


def test_a_cell_is_a_prompt_with_its_answer() -> None:
    """What stands before the time is the prompt, without its verb; what follows is the answer, as text."""
    found = told(f"Prompted&nbsp;Why is the sky &lt;blue&gt;?<br>And the sea?<br>{NOON}<br><p>It <b>scatters</b>.</p>")
    assert [("user", "Why is the sky <blue>?\nAnd the sea?"), ("assistant", "It scatters.")] == found.said
    assert {"2026-04-19T06:30:00.000Z"} == {message.created_at for message in found.only}


def test_a_cell_names_its_chat() -> None:
    """The link below a cell, or around its prompt, tells its chat, which joins what is far apart."""
    later = NOON.replace("19", "20")
    cells = (
        cell(f'Prompted <a href="{CHAT}">And then?</a><br>{later}<br><p>Two</p>'),
        cell(f"Prompted Tell<br>{NOON}<br><p>One</p>", chat=f'{CHAT}: <a href="{CHAT}">{CHAT}</a><br>'),
    )
    found = read(gemini_takeout, source_of(page(*cells), "MyActivity.html"))
    assert [("user", "Tell"), ("assistant", "One"), ("user", "And then?"), ("assistant", "Two")] == found.said
    assert ["7b0000000000aaaa"] == list(found.conversations)


def test_what_gemini_writes_into_a_canvas_is_its_own() -> None:
    """It stands between what was done and the time."""
    canvas = f"Created Gemini Canvas titled&nbsp;Chairs<br># Chairs<br>One is good.<br>{NOON}<br>"
    found = told(f"Prompted Hi<br>{NOON}<br><p>Hello</p>", canvas)
    assert ("assistant", "# Chairs\nOne is good.") in found.said
    assert [("user", "activity", "Created Gemini Canvas titled Chairs")] == found.hidden


def test_files_of_a_cell_are_attached() -> None:
    """They are listed between the prompt and the time, under a line that counts them."""
    files = 'Attached 2 files.<br>-&nbsp; <a href="a-1e98.png">a.png</a><br>- <a href="b%20c.txt">b &amp; c.txt</a>'
    asked = told(f"Prompted See<br>these<br>{files}<br>{NOON}<br><p>Two</p>").only[0]
    expected = (
        build.text("See\nthese"),
        build.file("a-1e98.png", "a.png"),
        build.file("b%20c.txt", "b & c.txt"),
    )
    assert expected == asked.parts
    assert {"name": "Attached 2 files."} == asked.metadata["subtitles"][0]
    assert [""] == [message.text for message in told(f"Prompted&nbsp;<br>{files}<br>{NOON}<br>").only]


def test_what_is_no_prompt_is_hidden() -> None:
    """A deed has no answer and does not begin as prompts do."""
    found = told(f"Prompted Hi<br>{NOON}<br><p>Hello</p>", f"Created a Canvas<br>{NOON}<br>")
    assert [("user", "activity", "Created a Canvas")] == found.hidden


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("Jan 5, 2025, 12:22:33 AM EST", "2025-01-05T05:22:33.000Z"),
        ("5 Jan 2025, 13:22:33 GMT", "2025-01-05T13:22:33.000Z"),
        ("19.04.2026, 08:31:30 MESZ", "2026-04-19T06:31:30.000Z"),
        ("19 avr. 2026, 08:31:30 CEST", "2026-04-19T06:31:30.000Z"),
        ("19 de abr. de 2026, 08:31:30 BRT", "2026-04-19T11:31:30.000Z"),
        ("2026. 4. 19. 오후 8:31:30 KST", "2026-04-19T11:31:30.000Z"),
        ("2026/04/19 8:31:30 JST", "2026-04-18T23:31:30.000Z"),
        ("Apr 19, 2026, 8:31:30 PM GMT\u22123", "2026-04-19T23:31:30.000Z"),
        ("Apr 19, 2026, 8:31:30 AM XYZT", "2026-04-19T08:31:30.000Z"),
    ],
)
def test_times_are_read_as_accounts_write_them(written: str, moment: str) -> None:
    """Months by name or number, noon by its mark, zones by name or distance; one that is not known is UTC."""
    assert moment == told(f"Prompted x<br>{written}<br><p>y</p>").only[0].created_at


@pytest.mark.parametrize("body", ["", "Prompted x", "Prompted x<br>soon<br>y", "x<br>Apr 99, 2026, 8:31:30 AM<br>y"])
def test_a_cell_without_a_time_is_a_problem(body: str) -> None:
    """It is named by its number, and the next one is read."""
    found = told(body, f"Prompted Hi<br>{NOON}<br><p>Hello</p>")
    assert ["cell 1"] == [problem.place for problem in found.problems]
    assert [("user", "Hi"), ("assistant", "Hello")] == found.said


def test_a_page_is_recognised_behind_its_style_sheet(tmp_path: Path) -> None:
    """Takeout's style sheet is longer than what a sniffer sees; a stream is not read further for that."""
    text = page(cell(f"Prompted Hi<br>{NOON}<br>"), style=".mdl-grid{}" * 10_000)
    path = tmp_path / "MyActivity.html"
    path.write_text(text)
    assert "gemini_takeout" == detect(file_source(path))
    assert "gemini_takeout" == detect(source_of(page(cell(f"Gav instruktionen Hej<br>{NOON}<br>", "Gemini-appar"))))
    assert "gemini_takeout" == detect(source_of(page(cell(f"Solicitou Oi<br>{NOON}<br>", "Apps do Gemini"))))
    assert None is detect(stream_source(io.BytesIO(text.encode())))
    assert None is detect(source_of(page(cell("Watched x", product="YouTube"))))
    assert None is detect(source_of("<html><body>Gemini</body></html>"))


def test_a_cell_may_lie_across_what_is_read_at_once() -> None:
    """However long a page is, it is read in pieces and no cell is lost between them."""
    bodies = [f"Prompted {number}<br>{NOON}<br><p>{'y' * (_CHUNK // 3)}</p>" for number in range(7)]
    assert [str(number) for number in range(7)] == [text for role, text in told(*bodies).said if role == "user"]


def test_a_page_that_is_cut_off_gives_what_there_is() -> None:
    """Wherever it ends, nothing but problems comes of it."""
    text = page(*(cell(f"Prompted {number}<br>{NOON}<br><p>y</p>") for number in range(3)))
    counts = [len(list(read(gemini_takeout, source_of(text[:end])).all())) for end in range(0, len(text), 37)]
    assert 6 == max(counts)
