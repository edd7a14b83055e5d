"""Tests of what a turn is worth: each rule on what people say, and what its owner said above all rules."""

from __future__ import annotations

import pytest

from chatlog.importance import importance_of, key_sentences, sentences

from .context_rules import message

CALL = {"type": "tool_call", "id": "1", "name": "read", "arguments": {}}


@pytest.mark.parametrize(
    ("role", "text", "expected"),
    [
        ("user", "I prefer tabs over spaces.", ("keep", "preference")),
        ("user", "Always answer in French.", ("keep", "preference")),
        ("user", "I'm allergic to nuts", ("keep", "preference")),
        ("user", "我喜欢简短的回答", ("keep", "preference")),
        ("user", "Let's go with SQLite.", ("keep", "decision")),
        ("assistant", "We agreed on the blue one.", ("keep", "decision")),
        ("user", "我们最后决定坐夜车", ("keep", "decision")),
        ("assistant", "在决定是否使用胶水时，要考虑各种因素", ("summarize", "no rule")),
        ("user", "以后请用中文回答", ("keep", "preference")),
        ("user", "三天以后会下雨吗？", ("summarize", "no rule")),
        ("user", "No, the other file.", ("keep", "correction")),
        ("user", "Actually I meant Porto", ("keep", "correction")),
        ("user", "I'll send the report by Friday", ("keep", "commitment")),
        ("user", "The deadline moved.", ("keep", "commitment")),
        ("user", "Yes, the budget is 1200 euros.", ("keep", "agreed figures")),
        ("user", "invalid themes must NEVER explode", ("keep", "preference")),
        ("user", "every line must not be wider than the width", ("keep", "preference")),
        ("user", "I'd like to adjust my return flight.", ("summarize", "no rule")),
        ("user", "I really like window seats.", ("keep", "preference")),
        ("user", "I found the number in my email.", ("summarize", "no rule")),
        ("user", "My email address is ana@example.org", ("keep", "preference")),
        ("user", "那我是否有心理创伤？", ("summarize", "no rule")),
        ("user", "No, that's all for now. Bye", ("summarize", "no rule")),
        ("user", "No, thanks for asking", ("summarize", "no rule")),
        ("user", "No, that is wrong.", ("keep", "correction")),
        ("user", "如果不对旧网络进行减值会怎样", ("summarize", "no rule")),
        ("user", "这也不对。", ("keep", "correction")),
        ("assistant", "I'll add it just before the cleanup.", ("summarize", "no rule")),
        ("assistant", "I will send the plan before the end of June.", ("keep", "commitment")),
        ("user", "I will call you by 17:00", ("keep", "commitment")),
        ("user", "I will call you by 5pm.", ("keep", "commitment")),
        ("user", "I will be playing on large screens", ("summarize", "no rule")),
        ("assistant", "我的知识截止日期是2021年9月", ("summarize", "no rule")),
        ("user", "报名截止日期是五月一日", ("keep", "commitment")),
        ("assistant", "I prefer tabs over spaces.", ("summarize", "no rule")),
        ("assistant", "No, the other file.", ("summarize", "no rule")),
        ("assistant", "Yes, the budget is 1200 euros.", ("summarize", "no rule")),
        ("assistant", "/mode", ("summarize", "no rule")),
        ("user", "I have 3 days in May 2026", ("summarize", "no rule")),
        ("user", f"Yes, it is 1200 euros. {'So it goes. ' * 60}", ("summarize", "no rule")),
        ("assistant", f"We agreed on the blue one. {'So it goes. ' * 60}", ("summarize", "no rule")),
        ("user", f"We agreed on the blue one. {'So it goes. ' * 60}", ("keep", "decision")),
        ("user", "ok " * 40, ("summarize", "no rule")),
        ("user", "'/tmp/Screenshot 2025-11-21 at 01.48.00.png' this is what we had", ("summarize", "no rule")),
        ("user", "[Request interrupted by user for tool use]", ("discard", "said to the client")),
        ("user", "/review-pr", ("discard", "said to the client")),
        ("user", "/tmp/a.log", ("summarize", "no rule")),
        ("user", "ok thanks!", ("discard", "acknowledgement")),
        ("assistant", "You're welcome!", ("discard", "acknowledgement")),
        ("user", "👍", ("discard", "acknowledgement")),
        ("user", "好的，谢谢", ("discard", "acknowledgement")),
        ("tool", "contents of a file", ("discard", "tool payload")),
        ("user", "How does a write-ahead log work?", ("summarize", "no rule")),
        ("assistant", "It appends changes before they are applied.", ("summarize", "no rule")),
        ("system", "Be terse.", ("keep", "instructions")),
    ],
)  # fmt: skip
def test_each_rule_knows_its_turns(role: str, text: str, expected: tuple[str, str]) -> None:
    """What must not have to be said twice is kept, what says nothing goes, the rest is summarised."""
    assert expected == importance_of(message(1, role, text))


def test_a_picture_says_something_and_a_thought_alone_does_not() -> None:
    """With no words beside it, or with no more than an acknowledgement; what is hidden is as if not said."""
    picture = {"type": "uri", "uri": "https://a.org/b.png", "modality": "image"}
    for words in ("", "ok"):
        found = message(1, "user", words, [{"type": "text", "content": words}, picture])
        assert ("summarize", "no rule") == importance_of(found)
    assert ("discard", "empty") == importance_of(message(1, "assistant", " ", [{"type": "reasoning", "content": "hm"}]))
    assert ("discard", "hidden") == importance_of(message(1, "user", "I prefer tea.", hidden=True))


@pytest.mark.parametrize(("at", "expected"), [(0, "keep"), (1_000, "keep"), (5_000, "summarize"), (9_100, "keep")])
def test_a_long_text_is_looked_through_at_both_ends(at: int, expected: str) -> None:
    """What matters stands there."""
    text = "and so on " * 1_000
    assert expected == importance_of(message(1, "user", f"{text[:at]}. Let's use Rust. {text[at:]}")).importance


def test_what_its_owner_said_comes_first() -> None:
    """A mark by hand beats every rule."""
    assert ("discard", "set by hand") == importance_of(message(1, "user", "I prefer tea", importance="discard"))
    assert ("keep", "set by hand") == importance_of(message(1, "user", "ok", importance="keep"))


def test_a_call_without_words_is_a_payload() -> None:
    """What a tool was asked is as good as gone once its answer is known."""
    assert ("discard", "tool payload") == importance_of(message(1, "assistant", "", [CALL]))
    assert "summarize" == importance_of(message(1, "assistant", "Let me look.", [CALL])).importance


def test_a_long_hostile_text_is_judged_quickly_by_its_ends() -> None:
    """A megabyte of one letter has a verdict."""
    assert "summarize" == importance_of(message(1, "user", "a" * 1_000_000)).importance


def test_sentences_leave_code_out() -> None:
    """Prose is cut at its ends and lines, those of other scripts too; code blocks are no sentences."""
    assert ["أين الفندق؟", "هنا۔", "बारिश हुई।", "हाँ"] == sentences("أين الفندق؟ هنا۔ बारिश हुई। हाँ")
    assert ["One.", "Two!", "三。", "Four"] == sentences("One. Two!\n```\nx = 1.\n```\n三。Four")


def test_sentences_leave_out_what_is_no_prose() -> None:
    """A stack, a terminal, a table and a path alone say nothing by themselves; marks of bold are no words."""
    pasted = """It broke:
➜  repo git:(main) ✗ npm test
    at hexToRgb (/repo/theme.ts:12:3)
  File "/repo/app.py", line 3, in main
| **a** | b |
'/tmp/Screenshot 1.png'
/repo/src/theme.ts
**Fixed** it. / was wrong"""
    assert ["It broke:", "Fixed it.", "/ was wrong"] == sentences(pasted)


def test_key_sentences_come_with_their_messages() -> None:
    """The latest first, as many as asked for."""
    said = [message(1, "user", "Hello. I prefer tea."), message(2, "user", "ok"), message(3, "user", "Let's use Rust.")]
    found = [(made.seq, sentence) for made, sentence in key_sentences(reversed(said), 5)]
    assert [(3, "Let's use Rust."), (1, "I prefer tea.")] == found


def test_key_sentences_are_up_to_two_of_a_turn_and_its_first_where_no_rule_fits() -> None:
    """Of what people say: instructions and tools have none, whatever is pinned."""
    said = [
        message(1, "system", "Always be terse."), message(2, "tool", "Let's use Go.", importance="keep"),
        message(3, "user", "See the plan. It is long.", importance="keep"),
        message(4, "user", "Hello. I prefer tea. I love cake. Let's use Rust."),
    ]  # fmt: skip
    found = [sentence for _, sentence in key_sentences(reversed(said), 5)]
    assert ["I prefer tea.", "I love cake.", "See the plan."] == found
    assert found[:1] == [sentence for _, sentence in key_sentences(reversed(said), 1)]
    assert found[:2] == [sentence for _, sentence in key_sentences(iter([said[3], *said]), 2)]
