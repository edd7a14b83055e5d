"""Tests of what is looked for in place of a name that no message has whole."""

from __future__ import annotations

import pytest

from chatlog.models import Term
from chatlog.names import is_name, looser, parts_of


def told(name: str) -> list[str]:
    """Return what else is looked for, as it would be typed."""
    return [" ".join(f'"{term.text}"' if term.phrase else term.text + "*" * term.prefix for term in terms)
            for terms in looser(name)]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("src/auth/login.ts", ["auth/login.ts", "login.ts", "src auth login.ts", "login.ts*"]),
        ("C:\\work\\login.ts", ["work/login.ts", "login.ts", "C: work login.ts", "login.ts*"]),
        ("lunch/dinner", ["lunch dinner", "dinner*"]),
        ("handlePostCommit", ['"handle post commit"', "handlePostCommit*", "handle post commit"]),
        ("strategy.FindRecent()", ["strategy.FindRecent*", "FindRecent", '"find recent"', "find recent"]),
        ("HTTPServerError", ['"http server error"', "HTTPServerError*", "http server error"]),
        ("get_user_name", ["getusername", "get_user_name*", "user name"]),
        ("MAX_SIZE", ["MAXSIZE", "MAX_SIZE*", "max size"]),
        ("user-message-selector", ["usermessageselector", "user-message-selector*"]),
        ("login.ts:12", ["login.ts", "login.ts*"]),
        ("auth/login.ts(12,4):", ["auth/login.ts", "login.ts", "auth login.ts", "login.ts*"]),
        ("login.ts:12:4)", ["login.ts", "login.ts*"]),
        ("login.ts#L12-L14", ["login.ts", "login.ts*"]),
        ("Makefile:12", ["Makefile", "Makefile*"]),
        ("6d61daaa7eb206cec27768c6bbd250c25c5b36e1", ["6d61daaa7eb206ce", "6d61daaa7eb2", "6d61daaa7eb", "6d61daaa7e",
                                                      "6d61daaa7", "6d61daaa", "6d61daa"]),
        ("https://example.org/a/b.html", []),
        ("12:30", []),
        ("it's", []),
    ],
)  # fmt: skip
def test_the_closest_comes_first(name: str, expected: list[str]) -> None:
    """A place in a file is looked for by its file, a path from its end, a commit by its short hash.

    An identifier as others spell it, by its beginning and by its parts.
    """
    assert expected == told(name)


def test_small_words_are_no_part_of_a_name() -> None:
    """The `With` of a name says as little as it does in a question."""
    assert ("git", "commit", "shadow") == parts_of("GitCommitWithShadow")
    assert ("user", "name") == parts_of("get_user_name")
    assert () == parts_of("plain") == parts_of("re-use") == parts_of("SHOUTED")


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
    assert (Term("get user name", phrase=True),) == next(looser("getUserName"))
