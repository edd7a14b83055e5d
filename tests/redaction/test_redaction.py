"""Detectors find eighteen kinds less one, leave everyday numbers alone, and never choke; own patterns have limits."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatlog.errors import UsageError
from chatlog.redaction import GROUPS, Redactor, Span, settled
from chatlog.redaction.checks import mixed
from chatlog.redaction.detectors import groups
from chatlog.redaction.tokens import COMMON, DISTINCT, HASHED, SIGNED, Token
from tests.redaction.samples import AROUND, BENIGN, HASH, HOSTILE, JWT, KINDS, MORE, NAMED_KEYS, PASSWORDS, WAYS

LETTERS = string.ascii_letters + string.digits + string.punctuation


def test_seventeen_of_eighteen_kinds_are_found() -> None:
    """All but a person's name, which no table knows: the words are gone, the kind stands there."""
    found = [
        secret not in (clean := Redactor().text(text)) and f"[REDACTED:{kind}]" in clean for text, secret, kind in KINDS
    ]
    assert [kind is not None for *_, kind in KINDS] == found
    assert 17 == sum(found)


@pytest.mark.parametrize(("text", "secret", "kind"), MORE, ids=[text[:24] for text, *_ in MORE])
def test_other_forms_are_found(text: str, secret: str, kind: str) -> None:
    """The same kinds in other countries, formats and quotings."""
    clean = Redactor().text(text)
    assert (True, True) == (secret not in clean, f"[REDACTED:{kind}]" in clean)


@pytest.mark.parametrize("around", AROUND, ids=ascii)
@pytest.mark.parametrize("kind", ["github_token", "jwt", "ip_address", "email", "aws_key"])
def test_what_stands_beside_a_secret_does_not_hide_it(around: str, kind: str) -> None:
    """Escapes of JSON and URLs, a terminal's colours and emphasis are no part of its word."""
    secret = next(secret for _, secret, of in KINDS if of == kind)
    secret = "ghp_" + secret if kind == "github_token" else secret
    assert secret not in Redactor().text(around.format(secret))


def made(form: Any, chance: Random) -> str:
    """Return a text that a parsed pattern matches."""
    found = ""
    for kind, value in form:
        match str(kind):
            case "LITERAL":
                found += chr(value)
            case "IN":
                found += chance.choice([char for char in LETTERS if re.fullmatch(charset(value), char)])
            case "MAX_REPEAT":
                least, most, what = value
                found += "".join(made(what, chance) for _ in range(chance.randint(least, min(most, least + 40))))
            case "SUBPATTERN":
                found += made(value[-1], chance)
            case "BRANCH":
                found += made(chance.choice(value[1]), chance)
            case other:
                assert other == "ASSERT_NOT"
    return found


def charset(items: Any) -> str:
    classes = {"CATEGORY_WORD": r"\w", "CATEGORY_DIGIT": r"\d"}
    pieces = [
        classes[str(value)] if str(kind) == "CATEGORY"
        else "-".join(re.escape(chr(code)) for code in value) if str(kind) == "RANGE" else re.escape(chr(value))
        for kind, value in items
    ]  # fmt: skip
    return f"[{''.join(pieces)}]"


@pytest.mark.parametrize("token", [*DISTINCT, *HASHED, *COMMON, *SIGNED], ids=lambda token: token.hint)
def test_every_token_of_the_table_is_found(token: Token) -> None:
    """In a sentence, quotes, an assignment or a request: all of it, to its last character."""
    chance, form = Random(token.hint), re._parser.parse(token.rest)  # type: ignore[attr-defined]
    for around in ("use {} today", '"{}"', "({})", "KEY={}\n", "x: {},", "\u5bc6 {}"):
        value = token.hint + next(rest for rest in iter(lambda: made(form, chance), "") if mixed(rest))
        clean = Redactor(["secrets"]).text(around.format(value))
        assert (True, True) == (value[-12:] not in clean, f"[REDACTED:{token.kind}]" in clean)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way[:24])
@pytest.mark.parametrize("password", PASSWORDS)
def test_passwords_are_found_however_they_are_told(way: str, password: str) -> None:
    """In code, settings, commands, markup, URLs and talk."""
    assert password[:-1] not in Redactor(["secrets"]).text(way.format(password))


@pytest.mark.parametrize("form", ["{}={}", "export {}='{}'", '"{}": "{}"', "{}: {}\nnext: line", "-e {}={} image"])
@pytest.mark.parametrize(("name", "value"), NAMED_KEYS)
def test_keys_without_a_form_are_found_by_their_names(form: str, name: str, value: str) -> None:
    """To their last character, however long."""
    clean = Redactor(["secrets"]).text(form.format(name, value))
    assert (True, True) == (value[-16:] not in clean, value[:16] not in clean)


@pytest.mark.parametrize("text", BENIGN, ids=[text[:24] for text in BENIGN])
def test_everyday_numbers_and_code_are_left_alone(text: str) -> None:
    """No false positive: a wrong check digit, a date, a version, an expression."""
    assert [] == [(span.kind, text[span.start : span.end]) for span in Redactor().spans(text)]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_texts_come_to_an_end(number: str) -> None:
    """A hundred thousand characters made to choke a pattern: spans in order, none over another."""
    spans = Redactor().spans(HOSTILE[int(number)])
    assert all(first.end <= second.start for first, second in pairwise(spans))


@pytest.mark.parametrize("text", [text for text, *_ in (*KINDS, *MORE)], ids=lambda text: text[:24])
def test_what_was_redacted_is_not_redacted_again(text: str) -> None:
    """The mark itself is no secret."""
    clean = Redactor().text(text)
    assert clean == Redactor().text(clean)


def test_what_is_counted_is_the_kind() -> None:
    """The report says how many of each, and nothing of what they were."""
    redactor = Redactor()
    redactor.text("a@b.example and c@d.example, 203.0.113.7")
    assert {"email": 2, "ip_address": 1} == redactor.counts


def test_kinds_and_groups_can_be_chosen() -> None:
    """Only what was named is looked for; a name that is none is refused."""
    text = "a@b.example from 203.0.113.7"
    assert "[REDACTED:email] from 203.0.113.7" == Redactor(["email"]).text(text)
    assert "a@b.example from [REDACTED:ip_address]" == Redactor(["network"]).text(text)
    assert {*GROUPS} == {*groups()}
    with pytest.raises(UsageError, match="no detector 'mail'"):
        Redactor(["mail"])


def test_overlapping_finds_are_one_of_the_longest_kind() -> None:
    """Nothing of either is left."""
    found = settled([Span(3, 8, "short"), Span(5, 20, "long"), Span(20, 25, "next"), Span(6, 7, "inner")])
    assert [Span(3, 20, "long"), Span(20, 25, "next")] == found


def test_json_values_are_redacted_where_they_stand() -> None:
    """Strings in objects and lists, keys too; one below a telling key goes whole; what is clean is the same object."""
    redactor = Redactor()
    value = {"to": ["a@b.example", 7, None], "db_password": "swordfish", "id": "a@b.example", "a@b.example": True}
    mark = "[REDACTED:email]"
    expected = {"to": [mark, 7, None], "db_password": "[REDACTED:password]", "id": mark, mark: True}
    assert expected == redactor.value(value)
    clean = {"a": ["b", {"c": 1.5}], "tokens": 12}
    assert clean is redactor.value(clean)


def test_the_key_of_a_value_says_what_it_is() -> None:
    """What a text `key: value` would be found by is found in an object, too, but not by the key of plain words."""
    value = {
        "headers": {"Authorization": f"Basic {HASH}", "Cookie": f"a=b; sid={HASH}", "x-api-key": HASH},
        "access_token": HASH,
        "phone": "030 1234567",
        "ssn": "123456789",
        "db": {"pass": "hunter22"},
        "env": [{"name": "DB_PASSWORD", "value": "hunter22"}],
    }
    found = Redactor()
    assert HASH not in str(clean := found.value(value))
    assert ("[REDACTED:phone]", "[REDACTED:national_id]") == (clean["phone"], clean["ssn"])
    assert {"password": 4, "bearer_token": 1, "cookie": 1, "phone": 1, "national_id": 1} == found.counts
    plain = {"max_tokens": "4096", "commit": HASH, "next_page_token": "synthetic-90964", "text": "030 1234567"}
    assert plain is Redactor().value(plain)


@pytest.mark.parametrize("wrap", [lambda value: {"a": value}, lambda value: [value]], ids=["objects", "arrays"])
def test_however_deep_a_value_is(wrap: Callable[[Any], Any]) -> None:
    """What is nested more deeply than Python calls is redacted all the same, and the same object where nothing is."""
    deep: Any = "write to ana@example.com"
    plain: Any = "write to nobody"
    for _ in range(5_000):
        deep, plain = wrap(deep), wrap(plain)
    redactor = Redactor()
    found = redactor.value(deep)
    while not isinstance(found, str):
        (found,) = found.values() if isinstance(found, dict) else found
    assert ("write to [REDACTED:email]", {"email": 1}) == (found, dict(redactor.counts))
    assert redactor.value(plain) is plain


def test_the_ids_and_bytes_of_a_part_are_no_words() -> None:
    """They stay, wherever they are in it, but not among the arguments of a tool, which are anything."""
    call = {"type": "tool_call", "id": "a@b.example", "arguments": {"data": "a@b.example"}, "of": {"id": "a@b.example"}}
    assert {**call, "arguments": {"data": "[REDACTED:email]"}} == Redactor().part(call)


def test_own_patterns_stand_beside_the_table() -> None:
    """With names of their own; given alone, the table is not asked."""
    assert "[REDACTED:badge] a@b.example" == Redactor(patterns={"badge": r"EMP-\d{4}"}).text("EMP-1234 a@b.example")
    both = Redactor(["email"], ["EMP-[0-9]{4}"])
    assert "[REDACTED:pattern] [REDACTED:email]" == both.text("EMP-1234 a@b.example")


@pytest.mark.parametrize(
    "patterns",
    [["("], ["a*"], [""], ["x" * 1_001], {"": "x"}, {"two words": "x"}, {"x": 7}, ["x"] * 101, [r"(?P<a>x)(?P<a>y)"]],
)
def test_a_pattern_that_cannot_be_used_is_refused(patterns: list[str] | dict[str, str]) -> None:
    """No expression, an empty match, too long, too many, no name."""
    with pytest.raises(UsageError):
        Redactor(patterns=patterns)


@pytest.mark.parametrize("threaded", [False, True])
def test_a_pattern_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch, *, threaded: bool) -> None:
    """Catastrophic backtracking ends, in any thread, with a sentence that names the pattern, not the text."""
    monkeypatch.setattr("chatlog.redaction.PATTERN_SECONDS", 0.05)
    slow = Redactor(patterns={"slow": "(a|aa)+$"})

    def find() -> str:
        with pytest.raises(UsageError) as raised:
            slow.text("a" * 64 + "!")
        return raised.value.message

    with ThreadPoolExecutor(1) as pool:
        assert "the pattern 'slow' takes too long" == (pool.submit(find).result() if threaded else find())
    assert "! [REDACTED:slow]" == slow.text("! aaa")


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_secret_is_found_among_any_words(before: str, after: str) -> None:
    """Whatever stands around it, where it is a word of its own."""
    assert JWT not in Redactor(["jwt"]).text(f"{before} {JWT} {after}")


@given(st.text(alphabet="a1@.-+ :/=(){}\"'\\\n密skeyJ_", max_size=200))
def test_any_text_survives(text: str) -> None:
    """Spans lie in the text, in order, and what is between them stays."""
    redactor = Redactor()
    spans = redactor.spans(text)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    kept = [
        text[end:start]
        for end, start in zip([0, *(s.end for s in spans)], [*(s.start for s in spans), len(text)], strict=True)
    ]
    assert all(piece in redactor.text(text) for piece in kept)


def test_names_that_become_the_same_are_numbered() -> None:
    """No value of an object is lost, and a name that nothing was found in stays what it is."""
    found = Redactor(["email"]).value({"a@x.com": 1, "b@x.com": 2, "[REDACTED:email] 2": 3, "n": {"c@x.com": 4}})
    mark = "[REDACTED:email]"
    assert {mark: 1, f"{mark} 3": 2, f"{mark} 2": 3, "n": {mark: 4}} == found
