"""The table of detectors, and three that stand here: private keys, credentials in URLs, bearer tokens.

What is found is bounded in length.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from chatlog.errors import UsageError
from chatlog.redaction import passwords, personal, tokens
from chatlog.redaction.checks import mixed
from chatlog.redaction.text import Found, Rule, Text, pattern

#: A private key without an end is taken to go on for so long.
MAX_KEY_CHARS = 20_000
_KEY_BODY = rf"[A-Za-z0-9+/=\s\\:,]{{0,{MAX_KEY_CHARS}}}"


def _private_keys(text: Text) -> Found:
    """Yield private keys in PEM: from BEGIN to END, or as far as base64 goes where the end was cut off."""
    raw = text.raw
    past, no_end = 0, False
    for at in text.places("-----BEGIN "):
        head = pattern(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----").match(raw, at) if at >= past else None
        if head is None:
            continue
        end = -1 if no_end else raw.find("-----END ", head.end())
        no_end = end < 0
        if 0 <= end - head.end() <= MAX_KEY_CHARS:
            closing = pattern(r"-----END [A-Z0-9 ]{0,60}-----").match(raw, end)
            past = closing.end() if closing else end
        else:
            body = pattern(_KEY_BODY).match(raw, head.end())
            past = len(raw[: body.end()].rstrip()) if body else head.end()
        yield at, past


def _putty_keys(text: Text) -> Found:
    for at in text.places("Private-Lines: "):
        match = pattern(r"Private-Lines: \d{1,3}\r?\n(?:[A-Za-z0-9+/=]{1,80}\r?\n?){1,200}").match(text.raw, at)
        if match:
            yield match.span()


_USERINFO = r"://([^\s:/@'\"<>]{0,100}:[^\s@/'\"<>]{1,200})@(?=[A-Za-z0-9\[])"


def _credentials(text: Text) -> Found:
    for at in text.places("://"):
        match = pattern(_USERINFO).match(text.raw, at)
        if match and text.raw[at - 1 : at].isalnum() and not passwords.is_placeholder(match[1].partition(":")[2]):
            yield match.span(1)


def _bearers(text: Text) -> Found:
    for hint in ("bearer ", "authorization: basic ", "authorization: token "):
        for at in text.low_places(hint):
            match = pattern(r"[A-Za-z0-9._~+/-]{12,4000}={0,2}").match(text.raw, at + len(hint))
            if match and mixed(match[0][:200]):
                yield match.span()


@cache
def table(region: str | None = None) -> tuple[Rule, ...]:
    """Return every rule."""
    return (
        Rule("private_key", "secrets", _private_keys, "-----BEGIN "),
        Rule("private_key", "secrets", _putty_keys, "Private-Lines: "),
        *tokens.rules(),
        Rule("url_credentials", "secrets", _credentials, "://"),
        Rule("password", "secrets", passwords.find),
        Rule("bearer_token", "secrets", _bearers),
        *personal.rules(region),
    )


def groups() -> dict[str, tuple[str, ...]]:
    """Return the kinds that can be found, by group."""
    found: dict[str, dict[str, None]] = {}
    for rule in table():
        found.setdefault(rule.group, {})[rule.kind] = None
    return {group: tuple(kinds) for group, kinds in found.items()}


def chosen(names: Sequence[str], region: str | None) -> tuple[Rule, ...]:
    """Return the rules of some kinds and groups, all where none is named.  Raises UsageError for an unknown name."""
    _check(names)
    return tuple(rule for rule in table(region) if not names or rule.kind in names or rule.group in names)


def _check(names: Iterable[str]) -> None:
    known = groups()
    for name in names:
        if name not in known and not any(name in kinds for kinds in known.values()):
            raise UsageError(
                f"there is no detector '{name}'", f"a group ({', '.join(known)}) or a kind: chatlog redact --help"
            )
