"""`python -m benchmarks [NAME...] [--quick] [--write FILE]`: every figure chatlog promises, measured beside its peers.

Each benchmark is a process of its own, so that one that fails or takes too long leaves the others standing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
#: The benchmarks in their order, and with what they are run here: sizes at which all of them take half an hour.
RUNS: dict[str, tuple[str, ...]] = {
    "startup": (),
    "append": ("--appends", "1500", "--each", "250"),
    "tail": (),
    "scale": (),
    "import_rate": ("--runs", "3"),
    "import_auto": (),
    "import_size": ("--mb", "50", "--message", "20", "--files", "2000"),
    "samples": (),
    "retrieval": (),
    "search_scale": (),
    "context": ("--quick",),
    "redaction": (),
    "forget": ("--messages", "200000"),
    "floors": (),
}
#: No benchmark may take longer, in seconds; the whole run stops beginning new ones after this.
LIMIT, WHOLE = 420, 40 * 60
VERDICTS = ("met   ", "MISSED")


class Ran(NamedTuple):
    """What a benchmark said, how it ended, and how long it took."""

    name: str
    said: str
    problem: str
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of: {', '.join(RUNS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="smaller sizes and fewer rounds")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write what was measured there too, as Markdown")
    parser.add_argument("--resume", action="store_true", help="keep what an interrupted run measured; run the rest")
    options = parser.parse_args()
    unknown = set(options.names) - set(RUNS)
    if unknown:
        parser.error(f"there is no benchmark '{min(unknown)}'; there are: {', '.join(RUNS)}")
    kept = ROOT / "build" / "benchmarks" / ("quick" if options.quick else "full")
    kept.mkdir(parents=True, exist_ok=True)
    ran, started = [], time.monotonic()
    for name in options.names or RUNS:
        if time.monotonic() - started > WHOLE:
            ran.append(Ran(name, "", "left out: the time is over", 0))
            continue
        ran.append(_run(name, kept / f"{name}.md", quick=options.quick, resume=options.resume))
        print(ran[-1].said + (f"\n{ran[-1].problem}" if ran[-1].problem else ""), flush=True)
    page = _page(ran, quick=options.quick)
    print(_summary(ran))
    if options.write:
        options.write.write_text(page, "utf-8")
    sys.exit(1 if any(one.problem for one in ran) else 0)


def _run(name: str, kept: Path, *, quick: bool, resume: bool) -> Ran:
    """Run a benchmark, or take what an earlier run of it said; what it said is kept once it is whole."""
    if resume and kept.exists():
        seconds, _, said = kept.read_text("utf-8").partition("\n")
        return Ran(name, said, "", float(seconds))
    arguments = ("--quick",) if quick else RUNS[name]
    print(f"{name} {' '.join(arguments)} …", file=sys.stderr, flush=True)
    start = time.monotonic()
    code = f"import benchmarks.{name} as b; b.main({[*arguments]!r})"
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        said, errors = process.communicate(timeout=LIMIT)
        problem = _last(errors) if process.returncode else ""
    except subprocess.TimeoutExpired:
        process.kill()
        said, errors = process.communicate()
        problem = f"stopped after {LIMIT} s"
    ran = Ran(name, said.strip("\n"), problem and f"{name} failed: {problem}", time.monotonic() - start)
    if not problem:
        kept.write_text(f"{ran.seconds:.0f}\n{ran.said}", "utf-8")
    return ran


def _last(errors: str) -> str:
    lines = errors.strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _figures(ran: Sequence[Ran]) -> list[tuple[str, str, str]]:
    """Return every bar: the benchmark, what was measured against it, and whether it is met."""
    found = []
    for one in ran:
        verdicts = [line for line in one.said.splitlines() if line.startswith(VERDICTS)]
        found += [(one.name, line[6:].strip(), line[:6].strip()) for line in verdicts]
        if one.problem:
            found.append((one.name, one.problem, "-"))
    return found


def _summary(ran: Sequence[Ran]) -> str:
    """Return the table of every bar."""
    figures = _figures(ran)
    met = sum(verdict == "met" for *_, verdict in figures)
    rows = [f"| {name} | {_cell(what)} | {verdict} |" for name, what, verdict in figures]
    head = [f"\n## {met} of {len(figures)} bars are met\n", "| benchmark | bar and figure | |", "|---|---|---|"]
    return "\n".join([*head, *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PAGE = """# Benchmarks

<!-- Written by: python -m benchmarks --write docs/benchmarks.md -->

Every figure that chatlog promises, and its peers in the same run on the same machine, so that only ratios matter.
`python -m benchmarks` does it again; what each script measures, and how to read it, is in benchmarks/README.md. {how}
"""


def _page(ran: Sequence[Ran], *, quick: bool) -> str:
    """Return everything that was measured as a page."""
    minutes = sum(one.seconds for one in ran) / 60
    how = f"This {'quick ' if quick else ''}run took {minutes:.0f} minutes."
    parts = [PAGE.format(how=how), _summary(ran).lstrip("\n"), *(_section(one) for one in ran)]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _section(one: Ran) -> str:
    """Return what a benchmark said, its verdicts as a list."""
    lines = [
        f"- **{line[:6].strip()}** {line[6:].strip()}" if line.startswith(VERDICTS) else line
        for line in one.said.splitlines()
    ]
    spaced = []
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("- **") and not before.startswith("- **"):
            spaced.append("")
        spaced.append(line)
    return "\n".join(spaced) + (f"\n\n{one.problem}" if one.problem else "")


if __name__ == "__main__":
    main()
