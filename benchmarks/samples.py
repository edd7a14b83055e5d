"""`python -m benchmarks.samples [FOLDER]`: all samples as one folder, imported, imported again, exported and back.

Without a folder, the project's samples.  A second import may write nothing and takes a fifth of the time at most.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import chatlog
from benchmarks.common import Stopwatch, Usage, header, options, table, verdict, workplace
from chatlog.export import Exporter, select
from chatlog.models import Filters
from chatlog.transfer import ImportReport

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"
BAR = 5.0


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__, quick="the same")
    parser.add_argument("history", nargs="?", type=Path, default=SAMPLES, metavar="FOLDER", help="histories")
    asked = parser.parse_args(arguments)
    if not asked.history.is_dir():
        print(f"{asked.history} is not there, so this is left out")
        return
    header("All samples as one folder")
    with workplace(asked.folder) as folder:
        (folder / "samples.db").unlink(missing_ok=True)
        (folder / "back.db").unlink(missing_ok=True)
        with chatlog.open(folder / "samples.db") as store:
            first, report = _timed(store, asked.history)
            second, again = _timed(store, asked.history)
            out = _exported(store)
        with chatlog.open(folder / "back.db") as store:
            chatlog.import_history(store, [io.BytesIO(out.encode())])
            same = out == _exported(store)
    table(
        ("import", "files", "conversations", "messages", "new", "updated", "s", "cpu s"),
        [_row("first", report, first), _row("second", again, second)],
    )
    written = again.total["new"] + again.total["updated"]
    verdict(f"a second import writes 0 rows: {written}", met=written == 0)
    ratio = first.cpu / second.cpu
    verdict(f"a second import is ≥ {BAR:.0f} × as quick: {ratio:.1f} of processor time", met=ratio >= BAR)
    verdict(f"export, import, export: {'the same' if same else 'NOT the same'} {len(out) / 1e6:.1f} MB", met=same)


def _timed(store: chatlog.Store, history: Path) -> tuple[Usage, ImportReport]:
    watch = Stopwatch()
    report = chatlog.import_history(store, [history])
    return watch.stop(), report


def _row(name: str, report: ImportReport, used: Usage) -> tuple[str, ...]:
    total = report.total
    counts = (f"{total[count]:,}" for count in ("files", "conversations", "messages", "new", "updated"))
    return (name, *counts, f"{used.wall:.2f}", f"{used.cpu:.2f}")


def _exported(store: chatlog.Store) -> str:
    out = io.StringIO()
    Exporter(store, "jsonl").write(select(store, Filters()), out, everything=True)
    return out.getvalue()


if __name__ == "__main__":
    main()
