"""Tests of aider's chat history: whose line is whose, what a session tells, and damage."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatlog.formats import aider
from chatlog.formats.source import Source, file_source
from chatlog.models import MessageDraft, Record

from .making import DATA, conversations, head_of, messages, said, sample, source_of

FIXTURE = DATA / "aider" / "every_feature.md"
REAL = "aider/AFI-Protocol__afi-core__.aider.chat.history.md"
COMMANDS = "aider/BeehiveInnovations__zen-mcp-server__.aider.chat.history.md"
START = "\n# aider chat started at 2026-01-31 10:00:00\n\n> Aider v0.86.1  \n"
TOKENS = "> Tokens: 1k sent, 2 received.  \n"

Event = tuple[str, str]


def source(text: str) -> Source:
    return source_of(text, ".aider.chat.history.md")


def read(text: str) -> list[Record]:
    return list(aider.read(source(text)))


def typed(text: str) -> str:
    """Return an input as aider writes it."""
    return "\n#### " + "  \n#### ".join(text.split("\n")) + "  \n"


def answered(text: str) -> str:
    """Return an answer as aider writes it."""
    return f"\n{text.strip()}\n\n"


def output(text: str) -> str:
    """Return what aider says of itself as it writes it."""
    return f"> {text.strip()}".rstrip() + "  \n"


def exchange(question: str, answer: str) -> list[Record]:
    """Read a session of one question and its answer."""
    return read(START + typed(question) + answered(answer) + TOKENS)


def dialog(records: list[Record]) -> list[Event]:
    """Return what is said, without aider's own words."""
    return [(role, text) for role, text in said(records) if role != "tool"]


# The fixture, feature by feature


def fixture() -> list[Record]:
    return list(aider.read(file_source(FIXTURE)))


def amid(number: int) -> MessageDraft:
    """Return a message of the fixture's second session."""
    records = fixture()
    begun = [at for at, record in enumerate(records) if record in conversations(fixture())]
    return messages(records[begun[2] : begun[3]])[number - 1]


def test_sessions() -> None:
    """Each heading begins a conversation, what stands before the first is one too."""
    assert {
        "h-9cf28d0238d0bdcfa630519a7e38eb5a": None,
        "2026-01-31T10:00:00-33b0fdc832dd": "2026-01-31T10:00:00.000Z",
        "2026-01-31T10:05:00-d576de16bfd6": "2026-01-31T10:05:00.000Z",
    } == {draft.source_id: draft.created_at for draft in conversations(fixture())}


def test_what_a_session_tells() -> None:
    """The first prompt is the title, not a command; the last model named is the model; the time has no zone."""
    draft = conversations(fixture())[3]
    assert ("Make the title bold", "anthropic/sonnet") == (draft.title, draft.model)
    assert {"started": "2026-01-31 10:00:00", "time_zone": "unknown"} == draft.metadata


@pytest.mark.parametrize(
    ("number", "role", "text"),
    [
        (2, "user", "/add src/app.py"),
        (3, "tool", "Added src/app.py to the chat"),
        (4, "user", "Make the title bold\n\n- in **every** view"),
        (7, "user", "/model sonnet"),
        (8, "tool", "Main model: anthropic/sonnet with diff edit format"),
        (10, "assistant", "Because."),
    ],
)
def test_whose_line(number: int, role: str, text: str) -> None:
    """Inputs, aider's own words and answers become messages, marks and blanks at line ends gone."""
    message = amid(number)
    assert (role, text) == (message.role, message.text)
    assert (str(number), str(number - 1)) == (message.source_id, message.parent)


def test_an_answer_keeps_its_markdown() -> None:
    """Headings, quotes and a fenced history inside an answer stay in the answer."""
    text = amid(5).text
    assert text.startswith("Here is the plan.\n\n#### Step 1: change the view\n\n> A quote of mine\n> over two lines\n")
    assert text.endswith(
        "# aider chat started at 2020-01-01 00:00:00\n\n#### no input  \n\n> no output  \n```\n\n# A heading"
    )


def test_output_over_several_lines() -> None:
    """What aider says over lines without its mark stays what aider says, up to the blanks at its end."""
    assert amid(6).text.endswith("\n\n# Not a heading of the answer\n\nsrc/app.py")


def test_what_aider_says_is_hidden() -> None:
    """Aider's own words are kept, hidden and under its name, for no model was told them."""
    message = amid(3)
    assert (True, "aider", {"hidden_reason": "aider_output"}) == (message.hidden, message.author, message.metadata)


def test_models_change() -> None:
    """An answer has the model that was named last before it."""
    assert ("openrouter/openai/gpt-4o", "anthropic/sonnet") == (amid(5).model, amid(10).model)


def test_usage() -> None:
    """The tokens and dollars that aider counts behind an answer are the answer's usage."""
    counts = {"sent": 3200, "cache_write": 1500, "cache_hit": 2048, "received": 1_100_000}
    assert {"usage": {**counts, "message_cost": 0.0082, "session_cost": 0.02}} == amid(5).metadata
    assert {} == amid(10).metadata


def test_a_count_that_is_none() -> None:
    """A number that nobody can have sent is no usage, and stops no import."""
    told = (
        f"# aider chat started at 2026-01-31 10:00:00\n\n#### a  \n\nb\n\n> Tokens: {'9' * 400} sent, 2 received.  \n"
    )
    records = list(aider.read(source_of(told)))
    assert {"received": 2} == messages(records)[1].metadata["usage"]


def test_commands() -> None:
    """An input that begins with a command says which."""
    assert ({"command": "/add"}, {}, {"command": "/ask"}) == (amid(2).metadata, amid(4).metadata, amid(9).metadata)


def test_an_input_of_nothing() -> None:
    """An empty input is a message, and no title."""
    records = read(START + typed("<blank>") + typed("now") + "> ^C KeyboardInterrupt  \n")
    assert [("user", "<blank>"), ("user", "now")] == dialog(records)
    assert conversations(records)[-1].title == "now"


# Whose line is whose


@pytest.mark.parametrize(
    "answer",
    [
        "> a quote at the start\n\nand text",
        "text\n\n> a quote  \n> whose last line has no blanks",
        "text\n> right below a line  ",
        "text\n\n#### A heading  \n\nmore",
        "#### A heading first",
        "text\n\n\n#### A heading behind two empty lines",
        "```\nopen",
        "````md\n```\n\n> quoted  \n```\n````",
        "```diff\n- a\n```\n\n~~~\n\n> b  \n~~~",
        "# aider chat started",
        "```\n> x  \n\n# aider chat started at 2026-01-31 10:00:00\n```",
        "one\n\n\n\ntwo",
    ],
)
def test_answers_that_look_like_marks(answer: str) -> None:
    """An answer is one message whatever headings, quotes and fences it holds."""
    assert [("user", "q"), ("assistant", answer.strip())] == dialog(exchange("q", answer))


@pytest.mark.parametrize("question", ["> quoted", "#### heading", "", "a\n\n\nb", "  indented\n\ttab", "```", "a  "])
def test_inputs_that_look_like_marks(question: str) -> None:
    """An input keeps its lines, empty and indented ones, marks and blanks included."""
    assert [("user", question), ("assistant", "ok")] == dialog(exchange(question, "ok"))


def test_an_answer_cut_off_within_a_fence() -> None:
    """A fence left open hides neither what aider says nor the next input or session."""
    records = read(START + typed("a") + answered("```py\nx = 1") + typed("b") + answered("```\ny") + TOKENS + START)
    assert [("user", "a"), ("assistant", "```py\nx = 1"), ("user", "b"), ("assistant", "```\ny")] == dialog(records)
    assert len({draft.source_id for draft in conversations(records)}) == 2


def test_an_answer_behind_output_that_never_ends() -> None:
    """Where the blanks behind aider's words are gone, an answer is still found by the tokens behind it."""
    records = read(START + typed("q") + "> No blanks here\n\nAn answer.\n\n" + TOKENS)
    assert [("user", "q"), ("tool", "No blanks here"), ("assistant", "An answer."), ("tool", TOKENS[2:].strip())] == (
        said(records)[1:]
    )


def test_a_history_whose_line_ends_were_stripped() -> None:
    """Where an editor took the blanks at line ends away, marks behind empty lines tell whose line is whose."""
    text = START + typed("q\n\nr") + answered("text\n\n#### Heading\n\n> quote") + TOKENS + output("Applied edit to a")
    stripped = "\n".join(line.rstrip() for line in text.split("\n"))
    assert [("user", "q\n\nr"), ("assistant", "text\n\n#### Heading\n\n> quote")] == dialog(read(stripped))


def test_windows_line_ends() -> None:
    """Lines that end in CR LF read like others."""
    text = START + typed("q\nr") + answered("a\n\n#### b") + TOKENS
    assert said(read(text)) == said(read(text.replace("\n", "\r\n")))


_SPEECH = st.lists(
    st.sampled_from(
        [
            "text",
            "#### Heading",
            "> quote",
            "> ",
            ">",
            "####",
            "```py",
            "```",
            "~~~",
            "",
            "",
            "# Title",
            "    code",
            "- a\t",
        ]
    ),
    min_size=1,
    max_size=8,
).map("\n".join)
_ANSWERS = _SPEECH.filter(lambda text: text.strip() != "")
_OUTPUTS = st.sampled_from(["Added a.py", "Summaries:\n\n# a.py\n#### b\nend", "", "Error\n> x\n  y"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(_SPEECH, st.lists(_OUTPUTS, max_size=2), _ANSWERS, st.booleans()), min_size=1, max_size=4))
@example([("a", [], "```", True), ("b", [], "```", True)])
def test_what_aider_writes_is_read_back(turns: list[tuple[str, list[str], str, bool]]) -> None:
    """Inputs and answers come back as they were, whatever they look like."""
    text, expected = START, list[Event]()
    for question, outputs, answer, counted in turns:
        text += typed(question) + "".join(map(output, outputs)) + answered(answer) + (TOKENS if counted else "")
        expected += [("user", question.rstrip()), ("assistant", answer.strip())]
    assert expected == [(role, said.rstrip() if role == "user" else said) for role, said in dialog(read(text))]


# Recognising


def test_sniff() -> None:
    """A history is known by its first session, or by its name and an input; other Markdown is none."""
    named = source_of("#### q  \n\na\n", "x/.aider.chat.history.md")
    assert aider.sniff(head_of(named))
    assert aider.sniff(head_of(source_of(START, "notes.md")))
    assert aider.sniff(head_of(file_source(FIXTURE)))
    for text in (
        "# Notes\n\n> a quote  \n\n#### Heading\n",
        "See:\n\n# aider chat started at 2026-01-31 10:00:00\ntext\n",
        "",
        "{}",
    ):
        assert not aider.sniff(head_of(source_of(text, "README.md")))


def test_same_sessions_again() -> None:
    """A history that grew keeps the ids of its conversations and messages."""
    text = START + typed("a") + answered("b") + TOKENS
    first, later = read(text), read(text + "> Applied edit to a  \n" + typed("c"))
    assert conversations(first)[0].source_id == conversations(later)[0].source_id
    assert ["1", "2", "3", "4", "5"] == [message.source_id for message in messages(later)]
    assert ["1", "2", "3", "4"] == [message.source_id for message in messages(first)]


@pytest.mark.parametrize("tag", ["thinking-content-7bbeb8e1441453ad999a0bbba8a46d4b", "think"])
@pytest.mark.parametrize(
    ("answer", "thoughts", "text"),
    [
        ("<{0}>\n\nHm.\n\n#### so\n\n</{0}>\n\nYes.", ["Hm.\n\n#### so"], "Yes."),
        ("<{0}>\nHm.\n</{0}>\n\nYes.\n\n<{0}>\nAh.\n</{0}>\n\nNo.", ["Hm.", "Ah."], "Yes.\n\nNo."),
        ("<{0}>\n\nHm, and", ["Hm, and"], ""),
        ("The tag `<{0}>` and </{0}>.", [], "The tag `<{0}>` and </{0}>."),
    ],
)
def test_what_a_model_thought(tag: str, answer: str, thoughts: list[str], text: str) -> None:
    """Thoughts before an answer are reasoning; one that was broken off is all there is, and other tags are words."""
    history = START + f"\n#### why?  \n\n{answer.format(tag)}\n"
    made = messages(read(history))[-1]

    assert ("assistant", text.format(tag)) == (made.role, made.text)
    assert thoughts == [part["content"] for part in made.parts or () if part["type"] == "reasoning"]


def test_two_sessions_of_one_second() -> None:
    """Sessions that begin alike are two conversations."""
    assert len({draft.source_id for draft in conversations(read(START + START))}) == 2


def test_the_project() -> None:
    """The folder of a history under its own name is the project."""
    path = FIXTURE.parent / ".aider.chat.history.md"
    held = Source(name=str(path), opener=lambda: io.BytesIO(START.encode()), path=path)
    assert str(FIXTURE.parent) == conversations(aider.read(held))[0].project
    assert conversations(read(START))[0].project is None


# Real files and damage


@pytest.mark.parametrize(("name", "sessions", "lines", "prompts"), [(REAL, 9, 350, 49), (COMMANDS, 4, 25, 8)])
def test_real_files(name: str, sessions: int, lines: int, prompts: int) -> None:
    """Real histories have the sessions and input lines that the manifest counts, a prompt being one or more lines."""
    records = list(aider.read(file_source(sample(name))))
    inputs = [message.text for message in messages(records) if message.role == "user"]
    assert (sessions, lines) == (
        len({draft.source_id for draft in conversations(records)}),
        sum(text.count("\n") + 1 for text in inputs),
    )
    assert prompts == len(inputs)


def test_real_answers() -> None:
    """Every answer of a real history is followed by the tokens it took."""
    answers = [message for message in messages(aider.read(file_source(sample(REAL)))) if message.role == "assistant"]
    assert len(answers) == 39
    assert all(message.metadata["usage"]["sent"] >= 3200 for message in answers)
    assert {"gpt-4o": 25, "gpt-4.1": 14} == Counter(message.model for message in answers)


@pytest.mark.parametrize("cut", range(0, 1400, 37))
def test_cut_off(cut: int) -> None:
    """A history cut anywhere, amid a character too, reads as far as it goes."""
    data = FIXTURE.read_bytes()[:cut] + b"\xe2\x94"
    assert all(made.text or made.parts or made.role == "user" for made in messages(aider.read(source_of(data))))


def test_nothing() -> None:
    """An empty history holds no conversation."""
    assert read("") == []
    assert read("\n\n") == []


# Histories that were tidied up, or written by another hand


@pytest.mark.parametrize("end", ["", "  "])
def test_one_empty_line_between_an_answer_and_the_next_input(end: str) -> None:
    """Where nothing else parts them in all of a session, one empty line does; a fence holds what looks like it."""
    answer = "answer one\n\n```md\n\n#### A heading\n\n```"
    text = f"# aider chat started at 2024-05-01 10:00:00\n\n#### q1{end}\n\n{answer}\n\n#### q2{end}\n\nanswer two\n"
    assert [("user", "q1"), ("assistant", answer), ("user", "q2"), ("assistant", "answer two")] == dialog(read(text))


@pytest.mark.parametrize("told", ["\n> Tokens: 1k sent, 2 received.\n", "\n\n#### q2\n"])
def test_a_heading_in_an_answer_that_something_else_ends(told: str) -> None:
    """Where the session shows how answers end, a heading after one empty line is the answer's own."""
    answer = "answer\n\n#### A heading\n\nmore"
    text = f"# aider chat started at 2024-05-01 10:00:00\n\n#### q1\n\n{answer}\n{told}"
    assert ("assistant", answer) == dialog(read(text))[1]
