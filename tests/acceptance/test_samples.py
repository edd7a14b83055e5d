"""All of the shared samples as one folder: what the manifest counts is there, nothing comes twice, nothing is lost."""

from __future__ import annotations

import csv
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chatlog.transfer import import_history

from ..store.making import assert_sound, exported, fresh, imported, opened, unwritten

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not here")

#: Files in which we find another number of conversations than the manifest: it does not count sub-agents,
#: a resumed session, and prompts without replies; of OASST's seed it counts messages.
OTHERWISE = {
    "entireio__cli__ckpt_0d_bd56975036_0_full.jsonl", "entireio__cli__ckpt_36_aa8108d372_0_full.jsonl",
    "entireio__cli__ckpt_c8_b6cdd373a2_0_full.jsonl",
    "jazzyalex__agent-sessions__Resources_Fixtures_stage0_agents_copilot_small.jsonl",
    "LAION-AI__Open-Assistant__backend_test_data_realistic_realistic_seed_data.json",
}  # fmt: skip


def conversations_told() -> dict[str, int]:
    """Return the manifest's number of conversations for each file that it counts."""
    path = SAMPLES / "MANIFEST.tsv"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    rows = csv.DictReader(lines, delimiter="\t")
    return {row["path"]: int(row["conversations"]) for row in rows if row["conversations"]}


def folder_of(target: Path, largest: int) -> Path:
    """Copy the samples up to a size."""
    for path in sorted(SAMPLES.rglob("*")):
        if path.is_file() and path.stat().st_size <= largest:
            copy = target / path.relative_to(SAMPLES)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
    return target


@pytest.mark.parametrize("largest", [30_000, pytest.param(10**9, marks=pytest.mark.slow)])
def test_the_samples_as_one_folder(tmp_path: Path, largest: int) -> None:
    """Counted as the manifest counts; again: nothing is written; out, in and out again: the same bytes."""
    folder = folder_of(tmp_path / "samples", largest)
    told = {name: count for name, count in conversations_told().items() if Path(name).name not in OTHERWISE}
    later = datetime.now(UTC) + timedelta(hours=1)  # a file that changes as it is read is read again
    with opened(tmp_path / "chats.db", clock=lambda: later) as store:
        report = import_history(store, [folder])
        found = {file.path.removeprefix(f"{folder}/"): file.counts["conversations"] for file in report.files}
        assert len(found.keys() & told) > 30
        assert {name: told[name] for name in found if name in told} == {
            name: count for name, count in found.items() if name in told
        }
        with unwritten(store):
            again = import_history(store, [folder])
        assert (0, 0, report.total["messages"]) == tuple(again.total[name] for name in ("new", "updated", "unchanged"))
        assert_sound(store)
        out = exported(store)
    with fresh() as other:
        imported(other, out)
        assert out == exported(other)
