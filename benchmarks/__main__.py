"""`python -m benchmarks [NAME...] [--quick]`: run the benchmarks named, or all of them, one after another."""

from __future__ import annotations

import argparse
from importlib import import_module

NAMES = (
    "startup", "append", "tail", "import_rate", "import_auto", "import_size", "samples", "retrieval", "search_scale",
    "context", "redaction", "forget",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of: {', '.join(NAMES)}; all by default")
    parser.add_argument("--quick", action="store_true", help="smaller sizes and fewer rounds")
    options = parser.parse_args()
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no benchmark '{min(unknown)}'; there are: {', '.join(NAMES)}")
    for name in options.names or NAMES:
        import_module(f"benchmarks.{name}").main(["--quick"] if options.quick else [])


if __name__ == "__main__":
    main()
