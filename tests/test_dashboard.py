"""The page of statistics, line by line, of measures that are made up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from chatlog.dashboard import page, plain, prometheus
from chatlog.output import Output, OutputSettings
from chatlog.stats import Compaction, Grown, Stats
from chatlog.store.measures import Group

TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
NOTHING: dict[str, float | None] = {"p50": None, "p90": None, "p99": None, "max": None}


def made(**changes: object) -> Stats:
    """Return the measures of twelve conversations, with changes."""
    days = ((0, 8), (1, 4), (4, 2), (5, 1), (29, 5), (30, 7), (364, 3))
    usual: dict[str, object] = {
        "conversations": 12, "messages": 1_234, "tokens": 56_789, "bytes": 150_000, "file_bytes": 2_000_000,
        "session_tokens": {"p50": 12, "p90": 12_345, "p99": 1_500_000, "max": 2e9},
        "session_messages": {"p50": 2, "p90": 10, "p99": 20, "max": 30},
        "tokens_per_turn": NOTHING,
        "window_share": {"p50": 0.004, "p90": 0.25, "p99": 0.5, "max": 1.4},
        "latency_ms": {"p50": 0.125, "p90": 0.5, "p99": 1.0, "max": 12.0},
        "compaction": Compaction(0, 0, 0),
        "days": tuple(Group((TODAY - timedelta(days=ago)).isoformat(), 1, count, 0, 0) for ago, count in days),
        "by": (Group("gpt-5", 10, 1_200, 50_000, 140_000), Group("", 2, 34, 6_789, 10_000)),
    }  # fmt: skip
    return Stats(**{**usual, **changes})  # type: ignore[arg-type]


def lines(stats: Stats, by: str = "model", width: int = 80, now: datetime = NOW) -> list[str]:
    return [*page(stats, by, Output(OutputSettings(no_color=True)), now, width)]


GROWN = Grown("abcdefghijkl", "Trip to Lisbon\nand back", 1_000, 12_345)
WAITING = Compaction(3, 200_000, 54_321)
PAGE = """\
12 conversations   1,234 messages   56.8 k tokens   150.0 kB text   2.0 MB file

                                   p50       p90       p99       max
messages in a conversation           2        10        20        30
tokens in a conversation            12    12.3 k     1.5 M     2.0 G
tokens of a turn                     -         -         -         -
share of the model's window        0 %      25 %      50 %     140 %
reading the last 50 messages   0.12 ms   0.50 ms   1.00 ms  12.00 ms
compaction due                       3   54.3 k tokens wait, the oldest 2.3 days

messages a day, 53 weeks to 2026-11-20; the darkest 8
Mon  ····················································░
     ·····················································
Wed  ················································█····
     ················································▓···▒
Fri  ▒···················································█
     ····················································
Sun  ···················································░
30 d ▅▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▂▃▁▁▅█ 20 messages

by model
gpt-5 ████████████████████████  1,200 messages  10 conv.  50.0 k tokens
-     █                            34 messages   2 conv.   6,789 tokens

turns that suddenly cost more tokens
abcdefgh  1,000 → 12,345  Trip to Lisbon and back
"""
NARROW_PAGE = """\
12 conversations   1,234 messages   56.8 k
tokens   150.0 kB text   2.0 MB file

                                 p50     p90
messages in a conversation         2      10
tokens in a conversation          12  12.3 k
tokens of a turn                   -       -
share of the model's window      0 %    25 %
reading the last 50 messages 0.12 ms 0.50 ms
compaction due                     3   54.3 k
                                tokens wait,
                                the oldest 2.3
                                days

messages a day, 40 weeks to 2026-11-20; the
darkest 8
Mon  ·······································░
     ········································
Wed  ···································█····
     ···································▓···▒
Fri  ·······································█
     ·······································
Sun  ······································░
24 d ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▂▃▁▁▅█ 15 messages

by model
gpt-5 ██████████████  1,200 messages  10 conv.
-     █                  34 messages   2 conv.

turns that suddenly cost more tokens
abcdefgh  1,000 → 12,345  Trip to Lisbon and…
"""


@pytest.mark.parametrize(("width", "expected"), [(80, PAGE), (46, NARROW_PAGE)])
def test_a_page_line_by_line(width: int, expected: str) -> None:
    """Totals, percentiles, what waits, a calendar to the day that it is in UTC, bars, and what has grown."""
    stats = made(
        compaction=WAITING, grown=(GROWN._replace(title="Trip to Lisbon\nand back" + " again" * (width < 80)),)
    )
    for now in (NOW, NOW.astimezone(timezone(timedelta(hours=14)))):
        assert expected.splitlines() == lines(stats, width=width, now=now)


def test_a_page_has_no_more_than_there_is_to_say() -> None:
    """Nothing but the totals of no messages, no bars of days, which the calendar shows, and nothing that has grown."""
    totals, *rest = PAGE.splitlines()
    assert ["12 conversations   0 messages   56.8 k tokens   150.0 kB text   2.0 MB file"] == lines(made(messages=0))
    assert [totals, *rest[:7], *rest[8:18]] == lines(made(), by="day")


@pytest.mark.parametrize(("number", "last"), [(15, "model-14 █"), (16, "and 1 more; --json lists them")])
def test_of_many_groups_the_first_are_shown(number: int, last: str) -> None:
    """Fifteen bars, and how many more there are; none is shorter than a block."""
    groups = tuple(Group(f"model-{at}", 1, 100 if at == 0 else 1, 1, 1) for at in range(number))
    bars = lines(made(by=groups))[-17 if number == 16 else -16 :]
    assert ("by model", True) == (bars[0], bars[-1].startswith(last))
    assert ["█" * 24, *["█"] * 14] == [line.split()[1] for line in bars[1:16]]


def test_of_much_that_has_grown_the_first_are_shown() -> None:
    """Five conversations; one without a title is called untitled."""
    stats = made(grown=(GROWN._replace(title=None), *[GROWN] * 6))
    assert ["abcdefgh  1,000 → 12,345  untitled", *["abcdefgh  1,000 → 12,345  Trip to Lisbon and back"] * 4] == (
        lines(stats)[-5:]
    )


def test_a_long_name_of_a_group_is_cut_and_its_bar_short() -> None:
    """Wide characters take two columns each, and the last counts give way to the name."""
    groups = (Group("学习机器学习的模型和更多的模型", 1, 10, 1, 1), Group("a\nb", 1, 5, 1, 1))
    assert ["学习机器学习的模…  ██████  10 messages", "a b                ███      5 messages"] == lines(
        made(by=groups), width=38
    )[-2:]


@pytest.mark.parametrize(
    ("counts", "shades"), [((8, 7, 6, 5, 4, 3, 2, 1, 0), "██▓▓▒▒░░·"), ((1, 0), "░·"), ((3, 2, 1, 0), "▓▒░·")]
)
def test_a_day_is_the_darker_the_more_was_said(counts: tuple[int, ...], shades: str) -> None:
    """In four steps up to the most of a day; one on which nothing was said is a dot."""
    days = tuple(
        Group((TODAY - timedelta(weeks=ago)).isoformat(), 1, count, 0, 0) for ago, count in enumerate(counts) if count
    )
    (friday,) = [line for line in lines(made(days=days)) if line.startswith("Fri")]
    assert shades == friday[::-1][: len(shades)]


def test_a_page_of_next_to_no_width() -> None:
    """Names, bars and what they count stay, however narrow the terminal is."""
    assert ["gpt-5 █  1,200 messages", "-     █     34 messages"] == lines(made(), width=1)[-2:]


def test_measures_for_a_pipe() -> None:
    """A line for each number, whole ones in full; what is not measured has none."""
    stats = made(compaction=WAITING, tokens=123_456_789, by=(Group("a\tb", 1, 2, 3, 4),))
    assert (
        """\
conversations 12
messages 1234
tokens 123456789
bytes 150000
file_bytes 2000000
session_tokens_p50 12
session_tokens_p90 12345
session_tokens_p99 1500000
session_tokens_max 2e+09
session_messages_p50 2
session_messages_p90 10
session_messages_p99 20
session_messages_max 30
window_share_p50 0.004
window_share_p90 0.25
window_share_p99 0.5
window_share_max 1.4
latency_ms_p50 0.125
latency_ms_p90 0.5
latency_ms_p99 1
latency_ms_max 12
compaction_due 3
compaction_lag_seconds 200000
compaction_lag_tokens 54321
by a b 1 2 3 4
""".splitlines()
        == [line.replace("\t", " ") for line in plain(stats)]
    )


def test_measures_for_prometheus() -> None:
    """Each with its help, its type and whose it is, percentiles told apart by a label; nothing is not measured as 0."""
    found = [*prometheus(made(), 'a"b\\c\nd')]
    assert [
        "# HELP chatlog_conversations Conversations, archived ones included.",
        "# TYPE chatlog_conversations gauge",
        r'chatlog_conversations{user="a\"b\\c\nd"} 12',
    ] == found[:3]
    assert [
        "# HELP chatlog_session_messages Messages of a conversation.",
        "# TYPE chatlog_session_messages gauge",
        r'chatlog_session_messages{user="a\"b\\c\nd",stat="p50"} 2',
    ] == found[21:24]
    assert [] == [line for line in found if "tokens_per_turn" in line]
