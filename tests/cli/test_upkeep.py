"""db, doctor and demo: where the file is, copies of it, proof that it is sound, and a show that leaves no trace."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.conftest import Run

from .helpers import everything, refused


def test_db_path_says_where_the_file_is_or_would_be(run: Run) -> None:
    """It needs no database."""
    assert "chatlog.db\n" == run("db", "path").out
    assert {"path": "chatlog.db", "exists": False} == run("db", "path", "--json").json["path"]
    run("new")
    assert run("db", "path", "--json").json["path"]["exists"] is True


@pytest.mark.parametrize("named", ["sqlite://{home}/chatlog.db", "sqlite:chatlog.db", "~/chatlog.db"])
def test_db_path_is_a_path(run: Run, tmp_path: Path, named: str) -> None:
    """However the database is named, what is printed can be given to another program."""
    run("new")
    found = run("--db", named.format(home=tmp_path), "db", "path", "--json").json["path"]
    assert (True, True) == (found["exists"], Path(found["path"]).samefile("chatlog.db"))


def test_db_info_counts_what_is_there(trip: Run) -> None:
    """Conversations, messages, size, schema and mode of the file."""
    found = trip("db", "info", "--json").json["db"]
    assert (2, 3, "0600", False) == tuple(found[key] for key in ("conversations", "messages", "mode", "encrypted"))
    assert {f"{key.replace('_', ' ')}: {value}" for key, value in found.items()} == {*trip("db", "info").lines}


def test_a_backup_is_a_private_whole_copy(trip: Run, tmp_path: Path) -> None:
    """A dated one beside the original, or the file that was named; an existing one is left alone."""
    dated = trip("db", "backup").out.strip()
    assert "chatlog-20261120T214401Z.db" == dated
    named = trip("db", "backup", "copy.db", "--json").json["backup"]
    assert ("copy.db", (tmp_path / "copy.db").stat().st_size) == (named["path"], named["bytes"])
    assert 0o600 == stat.S_IMODE((tmp_path / "copy.db").stat().st_mode)
    assert everything(trip) == trip("--db", "copy.db", "export").out
    refused(trip("db", "backup", "copy.db", "--json"), 2, "refused")


def test_migrate_has_nothing_to_do_with_a_current_file(trip: Run) -> None:
    """It says so and takes no backup."""
    found = trip("db", "migrate", "--json").json["migration"]
    assert found["backup"] is None
    assert f"schema {found['schema']}: up to date\n" == trip("db", "migrate").out


def test_doctor_finds_a_sound_file_sound(trip: Run) -> None:
    """A line for each check, and exit code 0, with --deep and --rebuild as well."""
    ran = trip("doctor")
    assert 0 == ran.code
    assert all(line.startswith("ok ") for line in ran.lines)
    assert 0 == trip("doctor", "--deep").code
    assert 0 == trip("doctor", "--rebuild").code
    assert len(trip("doctor", "--deep", "--json").json["checks"]) > len(trip("doctor", "--json").json["checks"])


def test_doctor_says_what_is_wrong(trip: Run, tmp_path: Path) -> None:
    """Exit code 1 and the failing check, in JSON on stdout too."""
    (tmp_path / "chatlog.db").chmod(0o644)
    ran = trip("doctor", "--json")
    failed = [check["name"] for check in ran.json["checks"] if not check["ok"]]
    assert (1, False, ["permissions"]) == (ran.code, ran.json["ok"], failed)
    assert "0644" in ran.err
    assert any(line.startswith("FAIL permissions: ") for line in trip("doctor").lines)


def test_the_demo_shows_the_verbs_and_leaves_nothing(run: Run, tmp_path: Path) -> None:
    """Each step with its command line, then what to type next; the folder and the own database are as before."""
    ran = run("demo")
    commands = [line.split()[2] for line in ran.lines if line.startswith("$ chatlog ")]
    assert (0, "") == (ran.code, ran.err)
    assert {"import", "list", "search", "show", "add", "export"} <= {*commands}
    assert 3 == sum(line.startswith("  chatlog ") for line in ran.lines[-3:])
    assert [] == [*tmp_path.iterdir()]


def test_the_demo_s_database_can_be_kept(run: Run, tmp_path: Path) -> None:
    """--keep says where, and it is a database like any other."""
    assert 0 == run("demo", "--keep", "demo.db").code
    assert ["demo.db"] == [path.name for path in tmp_path.iterdir()]
    assert run("list", "--db", "demo.db", "--json").json["total"] > 3
    assert 0 == run("doctor", "--db", "demo.db").code


def test_the_demo_keeps_no_file_that_exists(run: Run) -> None:
    """A second --keep of the same name does not write into the first one's database."""
    run("demo", "--keep", "demo.db")
    before = run("export", "--db", "demo.db").out
    assert 2 == run("demo", "--keep", "demo.db").code
    assert before == run("export", "--db", "demo.db").out
