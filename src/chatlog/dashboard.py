"""A page of statistics for a terminal, and the same for Prometheus.

Turns measures into lines; decides no number and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from chatlog.output import Output, one_line, size_text
from chatlog.stats import Stats
from chatlog.store.measures import Group
from chatlog.terminal import broken, cells, cut

_BAR, _LEAST_BAR, _LEAST_NAME, _SPARKS, _SHADES = 24, 6, 10, "▁▂▃▄▅▆▇█", "·░▒▓█"
#: So many groups are shown; JSON holds all.
MOST_GROUPS = 15
MOST_GROWN = 5
#: Weeks of the calendar, on a terminal that is wide enough.
MOST_WEEKS, LABEL = 53, 5
#: What the line of the last days says beside them.
SUM = LABEL + len(" 100,000 messages")
_DAYS = ("Mon", "", "Wed", "", "Fri", "", "Sun")
_NAMES = ("p50", "p90", "p99", "max")


def page(stats: Stats, by: str, output: Output, now: datetime, width: int) -> Iterator[str]:
    """Yield the lines of a page: totals, percentiles, a calendar, sums, what has grown."""
    yield from broken(_totals(stats, output), width)
    if not stats.messages:
        return
    yield ""
    yield from _percentiles(stats, output, width)
    yield ""
    yield from _calendar(stats.days, output, now.astimezone(UTC).date(), width)  # the days are UTC's
    if by != "day":
        yield ""
        yield from _bars(stats.by, by, output, width)
    if stats.grown:
        yield ""
        yield output.paint("turns that suddenly cost more tokens", "bold")
    for grown in stats.grown[:MOST_GROWN]:
        change = f"{grown.before:,} → {grown.after:,}"
        title = cut(one_line(grown.title or "untitled"), width - len(change) - 12)
        yield f"{output.paint(grown.conversation[:8], 'yellow')}  {change}  {title}"


def plain(stats: Stats) -> Iterator[str]:
    """Yield every measure as a line of name and value, for a pipe."""
    for name, value in _flat(stats):
        yield f"{name}\t{_number(value)}"
    for group in stats.by:
        yield "\t".join(["by", one_line(group.name), *map(str, group[1:])])


def _number(value: float) -> str:
    """Return a number as a pipe and Prometheus have it: whole ones in full, whatever their size."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _flat(stats: Stats) -> Iterator[tuple[str, float]]:
    """Yield the names and values of what is a number."""
    for name, value in stats.record().items():
        if isinstance(value, Mapping):
            yield from ((f"{name}_{inner}", number) for inner, number in value.items() if number is not None)
        elif isinstance(value, (int, float)):
            yield name, value


def _totals(stats: Stats, output: Output) -> str:
    totals = (
        ("conversations", f"{stats.conversations:,}"), ("messages", f"{stats.messages:,}"),
        ("tokens", short(stats.tokens)), ("text", size_text(stats.bytes)), ("file", size_text(stats.file_bytes)),
    )  # fmt: skip
    return "   ".join(f"{output.paint(value, 'bold')} {name}" for name, value in totals)


def _percentiles(stats: Stats, output: Output, width: int) -> Iterator[str]:
    rows: tuple[tuple[str, Mapping[str, float | None], Callable[[float], str]], ...] = (
        ("messages in a conversation", stats.session_messages, short),
        ("tokens in a conversation", stats.session_tokens, short),
        ("tokens of a turn", stats.tokens_per_turn, short),
        ("share of the model's window", stats.window_share, lambda value: f"{value * 100:.0f} %"),
        ("reading the last 50 messages", stats.latency_ms, lambda value: f"{value:.2f} ms"),
    )
    room = max(min(10, (width - 28) // len(_NAMES)), 8)
    names = _NAMES[: max((width - 28) // room, 1)]
    yield output.paint(f"{'':28}" + "".join(f"{name:>{room}}" for name in names), "dim")
    for name, values, form in rows:
        yield f"{name:28}" + "".join(
            f"{'-' if (value := values[rank]) is None else form(value):>{room}}" for rank in names
        )
    waiting = stats.compaction
    if waiting.due:
        days = f"{waiting.lag_seconds / 86_400:,.1f} days"
        said = (
            f"{'compaction due':28}{waiting.due:>{room}}   {short(waiting.lag_tokens)} tokens wait, the oldest {days}"
        )
        yield from broken(said, width, 28 + room + 3)


def _calendar(days: Sequence[Group], output: Output, today: date, width: int) -> Iterator[str]:
    """Yield a calendar of the last weeks, a column each, and a line of the last days."""
    counts = {group.name: group.messages for group in days}
    weeks = max(min(MOST_WEEKS, width - LABEL - 1), 4)
    monday = today - timedelta(days=today.weekday(), weeks=weeks - 1)
    shown = [counts.get((monday + timedelta(days=at)).isoformat(), 0) for at in range(7 * weeks)]
    most = max(shown, default=0)
    heading = f"messages a day, {weeks} weeks to {today.isoformat()}; the darkest {most:,}"
    yield from broken(output.paint(heading, "bold"), width)
    for weekday, name in enumerate(_DAYS):
        row = "".join(
            _shade(shown[7 * week + weekday], most) if monday + timedelta(days=7 * week + weekday) <= today else " "
            for week in range(weeks)
        )
        yield f"{name:{LABEL}}{output.paint(row, 'green')}".rstrip()
    shown_days = max(min(30, width - SUM), 7)
    last = [counts.get((today - timedelta(days=ago)).isoformat(), 0) for ago in reversed(range(shown_days))]
    yield f"{f'{shown_days} d':{LABEL}}{output.paint(sparkline(last), 'cyan')} {sum(last):,} messages"


def _shade(count: int, most: int) -> str:
    return _SHADES[0] if not count else _SHADES[1 + min(3, 4 * (count - 1) // max(most, 1))]


def sparkline(values: Sequence[int]) -> str:
    """Return values as a line of blocks, the largest the highest."""
    most = max(values, default=0)
    return "".join(_SPARKS[round((len(_SPARKS) - 1) * value / (most or 1))] for value in values)


def _bars(groups: Sequence[Group], by: str, output: Output, width: int) -> Iterator[str]:
    shown = groups[:MOST_GROUPS]
    names = [one_line(group.name) or "-" for group in shown]
    counts = _counts(shown, width)
    free = width - max(map(len, counts), default=0) - 3
    room = min(max(map(cells, names), default=0), max(free - _LEAST_BAR, _LEAST_NAME))
    longest = max(min(_BAR, free - room), 1)
    most = max((group.messages for group in shown), default=1)
    yield output.paint(f"by {by}", "bold")
    for name, group, count in zip(names, shown, counts, strict=True):
        bar = "█" * max(1, longest * group.messages // most)
        label = cut(name, room)
        yield f"{label}{' ' * (room - cells(label))} {output.paint(f'{bar:{longest}}', 'blue')}  {count}"
    if len(groups) > len(shown):
        yield output.paint(f"and {len(groups) - len(shown)} more; --json lists them", "dim")


def _counts(groups: Sequence[Group], width: int) -> list[str]:
    """Return what each group counts, in columns; the last ones are left out where a name and a bar need their room."""
    columns = [
        [f"{group.messages:,} messages" for group in groups],
        [f"{group.conversations:,} conv." for group in groups],
        [f"{short(group.tokens)} tokens" for group in groups],
    ]
    rooms = [max(map(len, column), default=0) + 2 for column in columns]
    while len(rooms) > 1 and sum(rooms) > width - _LEAST_NAME - _LEAST_BAR - 1:
        rooms.pop()
    rows = zip(*columns[: len(rooms)], strict=True)
    return ["".join(f"{cell:>{room}}" for cell, room in zip(row, rooms, strict=True))[2:] for row in rows]


def short(number: float) -> str:
    """Return a number of four digits or fewer as it is, a larger one in thousands, millions or billions."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if number >= unit:
            return f"{number / (1e3 if unit == 1e4 else unit):.1f}{name}"
    return f"{number:,.0f}"


# Prometheus

_HELP = {
    "conversations": "Conversations, archived ones included.",
    "messages": "Messages on all branches.",
    "tokens": "Tokens on active paths (cl100k).",
    "bytes": "Bytes of what was said.",
    "file_bytes": "Bytes of the database file.",
    "session_tokens": "Tokens of a conversation.",
    "session_messages": "Messages of a conversation.",
    "tokens_per_turn": "Tokens of a turn.",
    "window_share": "Share of its model's window that a conversation fills.",
    "latency_ms": "Milliseconds to read the last 50 messages of a conversation.",
    "compaction": "Conversations due for compaction, and by how much they lag.",
}


def prometheus(stats: Stats, user: str) -> Iterator[str]:
    """Yield the measures in Prometheus' text form, version 0.0.4."""
    whose = user.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    record = stats.record()
    for name, text in _HELP.items():
        value = record[name]
        samples = value if isinstance(value, Mapping) else {"": value}
        if not any(number is not None for number in samples.values()):
            continue
        yield f"# HELP chatlog_{name} {text}"
        yield f"# TYPE chatlog_{name} gauge"
        for rank, number in samples.items():
            label = f',stat="{rank}"' if rank else ""
            if number is not None:
                yield f'chatlog_{name}{{user="{whose}"{label}}} {_number(number)}'
