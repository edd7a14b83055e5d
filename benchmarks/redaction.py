"""`python -m benchmarks.redaction`: what redaction finds, what it takes for something it is not, and how fast it reads.

Beside it detect-secrets and scrubadub, where they are installed, on the same texts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from tests.redaction.samples import BENIGN, HOSTILE, KINDS

from benchmarks.common import Texts, header, missing, options, table, verdict
from chatlog.redaction import Redactor
from chatlog.redaction.text import Text

KINDS_BAR, RATE_BAR, HOSTILE_BAR = 17, 2.0, 0.2
#: What stands in chats beside words.
DETAILS = " see page 12, 2024-01-15 at 10:30, it costs 12.50 (call it 3x); path/to/file.py:42 `get_token()` key: value"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = options(__doc__, quick="a tenth of the text")
    asked = parser.parse_args(arguments)
    header("Redaction")
    words = Texts()
    texts = [f"{words()} {words()} {DETAILS}" for _ in range(200 if asked.quick else 2_000)]
    redactor = Redactor()
    clean = [redactor.text(text) for text, *_ in KINDS]
    found = sum(secret not in text for text, (_, secret, _) in zip(clean, KINDS, strict=True))
    wrong = sum(bool(redactor.spans(text)) for text in BENIGN)
    rates = {"chatlog": rate(redactor.spans, texts), **{name: rate(scan, texts[:50]) for name, scan in peers()}}
    table(("tool", "MB/s"), [(name, f"{value:.2f}") for name, value in rates.items()])
    slowest = max(hostile(redactor), key=lambda row: row[0])
    verdict(f"kinds found ≥ {KINDS_BAR} of {len(KINDS)}: {found}", met=found >= KINDS_BAR)
    verdict(f"false positives in {len(BENIGN)} benign texts = 0: {wrong}", met=wrong == 0)
    verdict(f"≥ {RATE_BAR} MB/s: {rates['chatlog']:.2f}", met=rates["chatlog"] >= RATE_BAR)
    verdict(
        f"100,000 hostile characters ≤ {HOSTILE_BAR} s per rule: {slowest[0]:.3f} s ({slowest[1]})",
        met=slowest[0] <= HOSTILE_BAR,
    )


def rate(scan: Callable[[str], object], texts: Sequence[str]) -> float:
    """Return the best of five, in million characters per second of processor time."""
    times = []
    for _ in range(5):
        start = time.process_time()
        for text in texts:
            scan(text)
        times.append(time.process_time() - start)
    return sum(map(len, texts)) / min(times) / 1e6


def hostile(redactor: Redactor) -> Iterable[tuple[float, str]]:
    """Yield how long each rule takes for each hostile text, the better of two."""
    for raw in HOSTILE:
        for rule in redactor.rules:
            times = []
            for _ in range(2):
                text = Text(raw)
                start = time.process_time()
                for _ in rule.find(text) if rule.hint in raw else ():
                    pass
                times.append(time.process_time() - start)
            yield min(times), rule.kind


def peers() -> Iterable[tuple[str, Callable[[str], object]]]:
    """Yield the tools that are installed."""
    if not missing("detect_secrets"):
        from detect_secrets.core.scan import scan_line
        from detect_secrets.settings import default_settings

        def lines(text: str) -> int:
            with default_settings():
                return sum(len([*scan_line(line)]) for line in text.splitlines())

        yield "detect-secrets", lines
    if not missing("scrubadub"):
        import scrubadub

        yield "scrubadub", scrubadub.Scrubber().clean


if __name__ == "__main__":
    main()
