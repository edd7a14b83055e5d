"""`chatlog import` and `chatlog export`: what they say, which files they write, what they never repeat or overwrite."""

from __future__ import annotations

import json
import re
import signal
import stat
import zipfile
from pathlib import Path
from typing import IO
from urllib.parse import unquote

import pytest

from chatlog.export import Exporter
from tests.conftest import Run

from .helpers import DATABASE, LISBON, everything, on_terminal, refused

GOOD = [
    {"type": "chatlog", "version": 1},
    {"type": "conversation", "id": "trip", "title": "Trip"},
    {"type": "message", "conversation": "trip", "role": "user", "text": "Where to?"},
    {"type": "message", "conversation": "trip", "role": "assistant", "text": "To Porto."},
]
BROKEN = [
    '{"type": "message", "conversation": "trip", "role": "user", "text": "SECRETWORD broken',
    '{"type": "message", "conversation": "trip", "role": "SECRETWORD", "text": "x"}',
    '{"type": "SECRETWORD"}',
]


def jsonl(lines: list[dict[str, object]], *more: str) -> str:
    return "".join(line + "\n" for line in [*map(json.dumps, lines[:3]), *more, *map(json.dumps, lines[3:])])


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A history with three lines that hold nothing chatlog knows."""
    path = tmp_path / "broken.jsonl"
    path.write_text(jsonl(GOOD, *BROKEN))
    return path


# import


def test_an_import_says_what_came_in(run: Run, tmp_path: Path) -> None:
    """A line for each file: its format, conversations, messages, and how many of them are new."""
    (tmp_path / "good.jsonl").write_text(jsonl(GOOD))
    ran = run("import", "good.jsonl")
    assert (0, "good.jsonl (chatlog): 1 conversation, 2 messages, 2 new\n", "") == (ran.code, ran.out, ran.err)
    again = run("import", "good.jsonl")
    assert "good.jsonl (chatlog): 1 conversation, 2 messages, 2 unchanged\n" == again.out


def test_an_import_of_many_files_fits_on_a_screen(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line for each format, problems by file, and once what was left out; a pipe has a line for each file."""
    (tmp_path / "sessions").mkdir()
    for number in range(21):
        said = {"sessionId": f"s{number}", "timestamp": "2026-11-20T21:44:00.000Z"}
        lines = [
            {"type": "user", "uuid": f"u{number}", **said, "message": {"role": "user", "content": f"Hello {number}"}},
            {"type": "file-history-snapshot", "messageId": "m", "snapshot": {}},
        ]
        (tmp_path / "sessions" / f"s{number}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "sessions" / "broken.jsonl").write_text(jsonl(GOOD, *BROKEN))
    piped = run("import", "sessions", "--dry-run")
    assert (22, 1) == (piped.out.count("1 conversation, "), piped.err.count("left out: "))
    on_terminal(monkeypatch)
    ran = run("import", "sessions", "-q")
    assert [
        "chatlog: 1 file, 1 conversation, 2 messages, 2 new",
        "claude_code: 21 files, 21 conversations, 21 messages, 21 new",
        "total: 22 conversations, 23 messages, 23 new",
    ] == ran.lines
    assert (4, 3) == (ran.code, ran.err.count("broken.jsonl: line"))
    assert "left out: 21 file-history-snapshot" in run("import", "sessions").err


def test_a_broken_file_is_imported_as_far_as_it_goes(run: Run, broken: Path) -> None:
    """Exit code 4; each problem by file, place and reason, never with a word of the source; the rest is there."""
    ran = run("import", "broken.jsonl")
    assert 4 == ran.code
    problems = [line for line in ran.err.splitlines() if line.startswith("warning: broken.jsonl: line ")]
    assert ["4", "5", "6"] == [line.split(": line ")[1].partition(":")[0] for line in problems]
    assert all(len(line.partition(": line ")[2].split(": ")[1]) > 10 for line in problems)
    assert "SECRETWORD" not in ran.out + ran.err
    assert ["Where to?", "To Porto."] == [
        message["text"] for message in run("show", "@last", "--json").json["messages"]
    ]


def test_of_many_problems_the_first_are_named(run: Run) -> None:
    """The last line says how many more there are, and where all of them stand."""
    Path("broken.jsonl").write_text(jsonl(GOOD) + "{\n" * 8 + "{}\n")
    said = run("import", "broken.jsonl").err.splitlines()
    assert "warning: broken.jsonl: and 4 more problems; --json names them all" in said
    assert 5 == sum("broken.jsonl: line" in line for line in said)
    assert 9 == len(run("import", "broken.jsonl", "--json").json["files"][0]["errors"])


def test_the_report_in_json_names_every_problem(run: Run, broken: Path) -> None:
    """The report goes to stdout also where the exit code is 4, with place and reason, without the words."""
    ran = run("import", "broken.jsonl", "--json")
    errors = ran.json["files"][0]["errors"]
    assert (4, "") == (ran.code, ran.err)
    assert ["line 4", "line 5", "line 6"] == [error["place"] for error in errors]
    assert all(error["reason"] for error in errors)
    assert 3 == ran.json["total"]["errors"]
    assert "SECRETWORD" not in ran.out


def test_one_bad_input_does_not_stop_the_others(run: Run, tmp_path: Path) -> None:
    """A missing file and one of no known format are named, and the good one comes in."""
    (tmp_path / "good.jsonl").write_text(jsonl(GOOD))
    (tmp_path / "poem.txt").write_text("SECRETWORD by the sea")
    ran = run("import", "missing.zip", "poem.txt", "good.jsonl")
    assert 4 == ran.code
    assert "warning: missing.zip: " in ran.err
    assert "warning: poem.txt: not a history format chatlog knows" in ran.err
    assert "chatlog import --help names the formats" in ran.err
    assert "total: 1 conversation, 2 messages, 2 new" == ran.lines[-1]
    assert "SECRETWORD" not in ran.out + ran.err


def test_a_history_comes_from_stdin(run: Run) -> None:
    """`import -` reads one, tags it, and recognises its format, or is told."""
    report = run("import", "-", "--tag", "new", "--from", "chatlog", "--json", stdin=jsonl(GOOD)).json
    assert ("-", "chatlog", 2) == tuple(report["files"][0][key] for key in ("path", "format", "new"))
    assert ["new"] == run("show", "@last", "--json").json["conversation"]["tags"]


def test_an_archive_on_stdin_is_imported_as_a_file_is(run: Run, tmp_path: Path) -> None:
    """What in it is no history is counted and no problem; where nothing in it is, that is one."""
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("conversations.jsonl", '{"role": "user", "content": "hello"}\n')
        archive.writestr("chat.html", "<p>hello</p>")
        archive.writestr("user.json", "{}")
    packed = (tmp_path / "export.zip").read_bytes()
    ran = run("import", "-", "--json", stdin=packed)
    assert (0, 1, 2) == (ran.code, len(ran.json["files"]), ran.json["ignored"])
    named = run("import", "export.zip", "--json").json
    assert (named["total"], named["ignored"]) == (ran.json["total"], ran.json["ignored"])
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("chat.html", "<p>hello</p>")
    ran = run("import", "-", stdin=(tmp_path / "other.zip").read_bytes())
    assert (4, True) == (ran.code, "no history of a format chatlog knows is in it" in ran.err)


def test_a_first_dry_run_counts_what_several_files_hold_once(run: Run, tmp_path: Path) -> None:
    """Exports of several years hold the same conversations: the dry run reports what the import then does."""
    line = '{"type": "message", "conversation": "a", "source_id": "%d", "role": "user", "text": "hello %d"}\n'
    for name, count in (("2023.jsonl", 2), ("2024.jsonl", 5)):
        (tmp_path / name).write_text("".join(line % (number, number) for number in range(count)))
    planned = run("import", "2023.jsonl", "2024.jsonl", "--dry-run", "--json")
    assert (0, True, 5) == (planned.code, planned.json["dry_run"], planned.json["total"]["new"])
    assert not (tmp_path / "chatlog.db").exists()
    assert {**planned.json, "dry_run": False} == run("import", "2023.jsonl", "2024.jsonl", "--json").json
    assert "what several of the files hold" in run("import", "2023.jsonl", "2024.jsonl", "--dry-run").err


def test_who_imports_what_was_deleted_is_told_how_to_have_it_back(run: Run, tmp_path: Path) -> None:
    """A count of what was skipped says nothing by itself."""
    (tmp_path / "a.jsonl").write_text('{"role": "user", "content": "hello"}\n')
    run("import", "a.jsonl")
    run("delete", "@last", "--yes")
    assert "1 message skipped: deleted here (--undelete brings it back) or on hold" in run("import", "a.jsonl").err


def test_a_dry_run_writes_nothing_not_even_a_database(run: Run, tmp_path: Path) -> None:
    """It reports what would come in; the folder is as it was."""
    (tmp_path / "good.jsonl").write_text(jsonl(GOOD))
    report = run("import", "good.jsonl", "--dry-run", "--json").json
    assert (True, 2) == (report["dry_run"], report["total"]["new"])
    assert ["good.jsonl"] == [path.name for path in tmp_path.iterdir()]


def test_a_mistyped_input_makes_no_database(run: Run, tmp_path: Path) -> None:
    """Where nothing was there to import, nothing is left behind."""
    assert 3 == run("import", "mistyped.zip").code
    assert [] == [*tmp_path.iterdir()]


# export


def test_an_export_goes_to_stdout(trip: Run) -> None:
    """Without -o, and with `-o -`, the history is printed: the oldest conversation first."""
    lines = [json.loads(line) for line in trip("export").lines]
    assert trip("export").out == trip("export", "-o", "-").out
    kinds = ["chatlog", "conversation", "message", "conversation", "message", "message"]
    assert kinds == [line["type"] for line in lines]
    assert [DATABASE, LISBON] == [line["id"] for line in lines if line["type"] == "conversation"]


def test_an_export_is_the_same_after_an_import(trip: Run) -> None:
    """Exporting, importing into an empty file and exporting again gives the same bytes."""
    first = everything(trip)
    trip("--db", "copy.db", "import", "-", stdin=first)
    assert first == trip("--db", "copy.db", "export").out


def test_an_export_to_a_file_is_private_and_never_overwrites(trip: Run, tmp_path: Path) -> None:
    """The file is 0600 and appears whole; a second call refuses and leaves it, unless told --force."""
    assert 0 == trip("export", "-o", "out.jsonl").code
    path = tmp_path / "out.jsonl"
    before = path.read_bytes()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    trip("new", "--title", "Third")
    refused(trip("export", "-o", "out.jsonl", "--json"), 2, "refused")
    assert before == path.read_bytes()
    assert 0 == trip("export", "-o", "out.jsonl", "--force").code
    assert before != path.read_bytes()


@pytest.mark.parametrize("target", ["site/", "site"])
def test_pages_in_a_folder_are_a_site(target: str, trip: Run, tmp_path: Path) -> None:
    """A page for each conversation and an index that leads to them, private, and never overwritten."""
    assert 0 == trip("export", "--to", "html", "-o", target).code
    pages = {path.name: path.read_text("utf-8") for path in (tmp_path / "site").iterdir()}
    names = {f"Trip to Lisbon-{LISBON[:8]}.html", *(name for name in pages if DATABASE[:8] in name)}
    assert {"index.html", *names} == {*pages}
    assert names == {unquote(name) for name in re.findall(r'<a href="(.*?)"', pages["index.html"])}
    assert all('<a href="index.html">' in pages[name] for name in names)
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "site").iterdir()}
    refused(trip("export", "--to", "html", "-o", target, "--json"), 2, "refused")
    assert 0 == trip("export", "--to", "html", "-o", target, "--force").code


def test_a_page_is_a_file_where_one_is_named(trip: Run, tmp_path: Path) -> None:
    """`-o trip.html` is one page of one conversation or of several."""
    assert 0 == trip("export", LISBON, "--to", "html", "-o", "trip.html").code
    assert 1 == (tmp_path / "trip.html").read_text("utf-8").count("<h1")
    assert 0 == trip("export", "--to", "html", "-o", "all.html").code
    assert 2 == (tmp_path / "all.html").read_text("utf-8").count("<h1")


def test_a_document_is_the_same_after_an_import(trip: Run) -> None:
    """JSON is recognised by its content and loses nothing."""
    first = trip("export", "--to", "json").out
    report = trip("--db", "copy.db", "import", "-", "--json", stdin=first).json
    assert ("chatlog", []) == (report["files"][0]["format"], report["files"][0]["errors"])
    assert first == trip("--db", "copy.db", "export", "--to", "json").out
    assert everything(trip) == trip("--db", "copy.db", "export").out


def test_an_export_to_a_folder_is_a_file_for_each(trip: Run, tmp_path: Path) -> None:
    """Files are named after titles and ids, stay inside the folder, and are not overwritten either."""
    trip("set", DATABASE, "--title", "../../etc/pass\u202ewd")
    ran = trip("export", "--to", "markdown", "-o", "notes/")
    assert (0, "") == (ran.code, ran.out)
    assert "2 conversations, 3 messages → notes/\n" == ran.err
    names = sorted(path.name for path in (tmp_path / "notes").iterdir())
    assert [f"Trip to Lisbon-{LISBON[:8]}.md", f"etc pass wd-{DATABASE[:8]}.md"] == names
    assert 0o700 == stat.S_IMODE((tmp_path / "notes").stat().st_mode)
    assert ["chatlog.db", "notes"] == sorted(path.name for path in tmp_path.iterdir())
    refused(trip("export", "--to", "markdown", "-o", "notes/", "--json"), 2, "refused")


def test_a_conversation_that_a_form_has_no_use_for_gets_no_file(trip: Run, tmp_path: Path) -> None:
    """A question that nobody answered is no example to learn from, nor an empty file in the folder."""
    assert "1 conversation, 2 messages" in trip("export", "--to", "openai-finetune", "-o", "examples/").err
    assert [f"Trip to Lisbon-{LISBON[:8]}.jsonl"] == [path.name for path in (tmp_path / "examples").iterdir()]


def test_a_symbolic_link_is_not_followed(trip: Run, tmp_path: Path) -> None:
    """A link where the file should go counts as a file that exists."""
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "elsewhere")
    refused(trip("export", "-o", "link.jsonl", "--json"), 2, "refused")
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_cannot_be_written_is_named(trip: Run) -> None:
    """A missing folder is an error with the reason, not a traceback."""
    ran = trip("export", "-o", "nowhere/out.jsonl", "--json")
    refused(ran, 3, "not_found")
    assert "nowhere/out.jsonl" in ran.error["message"]


def test_an_export_that_fails_leaves_no_file(trip: Run, tmp_path: Path) -> None:
    """An unknown conversation is found out before a file is made."""
    assert 3 == trip("export", "nope", "-o", "out.jsonl").code
    assert ["chatlog.db"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_an_export_that_is_ended_leaves_no_file(
    trip: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Neither a closed terminal nor a shutdown leaves half of a history beside its name."""
    if (number := getattr(signal, name, None)) is None or signal.getsignal(number) is not signal.SIG_DFL:
        pytest.skip("a signal of POSIX")

    def ended(_: Exporter, __: object, out: IO[str], **___: object) -> None:
        out.write("half")
        signal.raise_signal(number)

    monkeypatch.setattr(Exporter, "write", ended)
    assert 128 + number == trip("export", "-o", "out.jsonl").code
    assert ["chatlog.db"] == [path.name for path in tmp_path.iterdir()]


def test_a_site_leaves_a_page_of_somebody_else_alone(trip: Run) -> None:
    """A folder whose index is there already is refused before any page is in it, but for --force."""
    index = Path("site/index.html")
    index.parent.mkdir()
    index.write_text("mine")
    refused(trip("export", "--to", "html", "-o", "site/", "--json"), 2, "refused")
    assert ([index], "mine") == ([*index.parent.iterdir()], index.read_text())
    assert 0 == trip("export", "--to", "html", "-o", "site/", "--force").code
    assert (3, True) == (len([*index.parent.iterdir()]), "Trip to Lisbon" in index.read_text())


def test_pages_of_an_earlier_export_are_named(trip: Run, tmp_path: Path) -> None:
    """What was deleted since is in the folder still, and nobody would find it by the index."""
    trip("export", "--to", "html", "-o", "site/")
    trip("delete", LISBON, "--yes")
    told = trip("export", "--to", "html", "-o", "site/", "--force").err
    name = f"Trip to Lisbon-{LISBON[:8]}.html"
    assert f"warning: 1 page of an earlier export in site/, not in the new index: {name}\n" in told
    assert (tmp_path / "site" / name).exists()


@pytest.mark.parametrize(
    ("arguments", "conversations"),
    [((LISBON,), 1), (("--tag", "work"), 1), (("--title", "lisbon", "--model", "gpt"), 1), (("--tag", "none"), 0)],
)
def test_ids_and_filters_choose_what_is_exported(arguments: tuple[str, ...], conversations: int, trip: Run) -> None:
    """One line of OpenAI messages for each conversation that was named or let through."""
    assert conversations == len(trip("export", *arguments, "--to", "openai").lines)


@pytest.mark.parametrize(
    ("target", "begins"),
    [
        ("trip.md", "---"),
        ("trip.HTML", "<!DOCTYPE html>"),
        ("trip.csv", "ref,"),
        ("trip.json", '{"type": "chatlog"'),
        ("trip.jsonl", '{"type":"chatlog"'),
        ("trip.txt", '{"type":"chatlog"'),
    ],
)
def test_a_file_s_name_says_its_form(target: str, begins: str, trip: Run, tmp_path: Path) -> None:
    """Without --to nobody finds JSON lines in a file that is called a page; what --to names comes first."""
    assert 0 == trip("export", "@last", "-o", target).code
    assert begins == (tmp_path / target).read_text()[: len(begins)]
    assert 0 == trip("export", "@last", "-o", target, "--force", "--to", "jsonl").code
    assert '{"type":"chatlog"' == (tmp_path / target).read_text()[:17]


def test_a_form_is_named_once(trip: Run) -> None:
    """--json and --format are as good as --to, which goes before them; one that is none is refused."""
    plain = trip("export", LISBON, "--to", "json").out
    assert plain == trip("export", LISBON, "--json").out == trip("export", LISBON, "--to", "json", "--json").out
    assert trip("export", LISBON, "--to", "markdown").out == trip("export", LISBON, "--format", "markdown").out
    assert trip("export", LISBON, "--to", "csv").out == trip("export", LISBON, "--to", "csv", "--json").out
    ran = trip("export", LISBON, "--format", "table")
    assert (2, "") == (ran.code, ran.out)


def test_the_report_is_of_what_was_written(trip: Run, tmp_path: Path) -> None:
    """A conversation that a form can say nothing of is not in the file, nor is what is hidden."""
    hidden = '{"role": "user", "text": "injected", "hidden": true}'
    trip("new", "--title", "empty")
    assert 0 == trip("add", "--new", "--json", "-", stdin=hidden).code
    ran = trip("export", "--to", "openai", "-o", "out.jsonl")
    assert 2 == len((tmp_path / "out.jsonl").read_text("utf-8").splitlines())
    assert "2 conversations, 3 messages → out.jsonl\n" == ran.err
    assert "4 conversations, 4 messages → out.csv" in trip("export", "--to", "jsonl", "-o", "out.csv").err
