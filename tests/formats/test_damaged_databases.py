"""What every reader of a database must bear: nonsense in its tables, and an end that comes too early."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chatlog.formats import reader
from chatlog.formats.source import Source, file_source
from chatlog.models import Problem

from . import test_cursor as cursor
from . import test_goose as goose
from . import test_hermes as hermes
from . import test_langchain as langchain
from . import test_opencode as opencode
from . import test_opencode_v2 as opencode_v2
from . import test_openwebui as openwebui
from . import test_simonw_llm as simonw_llm
from .damage import checked
from .sqlite_making import cut_off, damage, database

Maker = Callable[[Path], Source | Path]

#: Databases with everything that is known of them; a format's several are called by what is behind the blank.
MAKERS: dict[str, Maker] = {
    "cursor": cursor.state,
    "cursor cli": cursor.store,
    "goose": goose.sessions,
    "hermes": lambda path: database(path, hermes.SCRIPT),
    "langchain": lambda path: langchain.store(
        path, *((f"session-{number // 4}", value) for number, value in enumerate(langchain.EVERYTHING))
    ),
    "opencode": opencode.tables,
    "opencode v2": lambda path: opencode_v2.made(
        path, *(opencode_v2.message(number, *row) for number, row in enumerate(opencode_v2.ROWS))
    ),
    "openwebui": openwebui.webui,
    "simonw_llm": lambda path: database(path, simonw_llm.SCRIPT),
}
#: So large that an end of it can be missed.
LARGE: dict[str, Maker] = {
    **MAKERS,
    "goose": lambda path: goose.sessions(path, goose.LINES * 30),
    "langchain": lambda path: langchain.store(path, *(("abcdefgh", langchain.human("x" * 500)) for _ in range(200))),
    "opencode v2": lambda path: opencode_v2.made(
        path, *(opencode_v2.message(number, "user", {"text": "x" * 500}) for number in range(200))
    ),
}


def source(made: Source | Path) -> Source:
    return made if isinstance(made, Source) else file_source(made)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("name", MAKERS)
def test_nonsense_in_the_tables(tmp_path: Path, name: str, seed: int) -> None:
    """Whatever stands in the place of values, reading ends well."""
    path = source(MAKERS[name](tmp_path / "a.db")).path
    assert path is not None
    checked(reader(name.partition(" ")[0]).read(file_source(damage(path, seed))))


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("name", LARGE)
def test_cut_off(tmp_path: Path, name: str, keep: float) -> None:
    """What is lost of a truncated database is told."""
    held = cut_off(source(LARGE[name](tmp_path / "a.db")), keep)
    assert [record for record in reader(name.partition(" ")[0]).read(held) if isinstance(record, Problem)]
