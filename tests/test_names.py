"""Tests of what is looked for in place of a name that no message has whole."""

from __future__ import annotations

import pytest

from chatlog.models import Term
from chatlog.names import is_name, looser, parts_of


def told(name: str) -> list[str]:
    return [" ".join(term.text + "*" * term.prefix for term in terms) for terms in looser(name)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("src/auth/login.ts", ["auth/login.ts", "login.ts", "src auth login.ts", "login.ts*"]),
        ("C:\\work\\login.ts", ["work/login.ts", "login.ts", "C: work login.ts", "login.ts*"]),
        ("lunch/dinner", ["lunch dinner", "dinner*"]),
        ("handlePostCommit", ["handlePostCommit*", "handle post commit"]),
        ("strategy.FindRecent()", ["strategy.FindRecent*", "FindRecent", "find recent"]),
        ("HTTPServerError", ["HTTPServerError*", "http server error"]),
        ("6d61daaa7eb206cec27768c6bbd250c25c5b36e1", ["6d61daaa7eb206ce", "6d61daaa7eb2", "6d61daaa7eb", "6d61daaa7e",
                                                      "6d61daaa7", "6d61daaa", "6d61daa"]),
        ("https://example.org/a/b.html", []),
        ("12:30", []),
        ("it's", []),
    ],
)  # fmt: skip
def test_the_closest_comes_first(name: str, expected: list[str]) -> None:
    """A path is looked for from its end, an identifier by its beginning and its parts, a commit by its short hash."""
    assert expected == told(name)


def test_small_words_are_no_part_of_a_name() -> None:
    """The `With` of a name says as little as it does in a question."""
    assert ("git", "commit", "shadow") == parts_of("GitCommitWithShadow")
    assert () == parts_of("plain") == parts_of("snake_case") == parts_of("SHOUTED")


@pytest.mark.parametrize("word", ["getUser", "a.b", "src/x", "v2", "6d61daa", "std::move", "(getUser)"])
def test_a_name_is_known_by_how_it_is_made(word: str) -> None:
    """Humps, digits among letters, and marks within are what words of a language do not have."""
    assert is_name(word)


@pytest.mark.parametrize("word", ["word", "Word", "WORD", "re-use", "it's", "2023", "3", "東京", "naïve.é", "end."])
def test_a_word_is_no_name(word: str) -> None:
    """What people say may be meant otherwise."""
    assert not is_name(word)


def test_the_parts_are_terms() -> None:
    """What is yielded can be searched for as it is."""
    assert (Term("getUserName", prefix=True),) == next(looser("getUserName"))
