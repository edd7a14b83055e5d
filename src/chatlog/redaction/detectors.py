"""The table of detectors, and three that stand here: private keys, credentials in URLs, bearer tokens.

What is found is bounded in length.
"""

from __future__ import annotations

import base64
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


_USERINFO = r"://([^\s:/@'\"<>]{0,100}:[^\s@/'\"<>]{1,200}(?:@[^\s@/'\"<>(),?]{1,60}){0,2})@(?=[A-Za-z0-9\[])"
#: A token in the place of a user.
_USER = r"://([A-Za-z0-9_-]{20,200})@(?=[A-Za-z0-9\[])"


def _credentials(text: Text) -> Found:
    for at in text.places("://"):
        if not text.raw[at - 1 : at].isalnum():
            continue
        if match := pattern(_USERINFO).match(text.raw, at):
            if not passwords.is_placeholder(match[1].partition(":")[2]):
                yield match.span(1)
        elif (match := pattern(_USER).match(text.raw, at)) and mixed(match[1]):
            yield match.span(1)


#: What stands between the name of a header and its value, in a header, in JSON and in code.
_HEADER = r"""(?:\\?["'`])?\s{0,2}[:=,]\s{0,2}(?:\\?["'`])?"""
_AUTHORIZATION = _HEADER + r"(?:[A-Za-z-]{2,20} )?([A-Za-z0-9._~+/-]{12,4000}+={0,2})(?!\()"
_COOKIES = r"""(?:[^=;\s"']{1,100}=[^;\s"'\\]{0,4096}(?:; ?)?){1,100}"""


def _bearers(text: Text) -> Found:
    for hint, value in (("bearer ", r"([A-Za-z0-9._~+/-]{12,4000}={0,2})"), ("authorization", _AUTHORIZATION)):
        for at in text.low_places(hint):
            match = pattern(value).match(text.raw, at + len(hint))
            if match and mixed(match[1][:200]):
                yield match.span(1)


def _cookies(text: Text) -> Found:
    """Yield the values of cookies that are as long and random as those of a session."""
    for hint, between in (("cookie", rf"(?:{_HEADER}|[ =]['\"]?)"), (" -b ", r"\$?['\"]")):
        for at in text.low_places(hint):
            head = pattern(between).match(text.raw, at + len(hint))
            if head is None or (hint == " -b " and not passwords.is_curl(text, at)):
                continue
            if found := pattern(_COOKIES).match(text.raw, head.end()):
                for cookie in pattern(r"=([^;]{16,4096})").finditer(text.raw, head.end(), found.end()):
                    if mixed(cookie[1][:200]):
                        yield cookie.span(1)


def _encoded_keys(text: Text) -> Found:
    """Yield private keys in PEM in base64, as a kubeconfig has them."""
    past = 0
    for at in text.places(_PEM64):
        match = pattern(r"[A-Za-z0-9+/]{48,40000}={0,2}").match(text.raw, at) if at >= past else None
        past = match.end() if match else past
        if match and b"PRIVATE KEY" in base64.b64decode(match[0][:48]):
            yield at, past


#: How ``-----BEGIN `` begins in base64.
_PEM64 = "LS0tLS1CRUdJTi"


#: The two parts of a key of AWS are pasted together; the second has no form but its length.
_AWS_SECRET = r"(?<![\w/+=-])(?=[^\s]{0,39}\d)(?=[^\s]{0,39}[a-z])(?=[^\s]{0,39}[A-Z])[A-Za-z0-9/+]{40}(?![\w/+=-])"
AWS_NEAR = 160


def _aws_secrets(text: Text) -> Found:
    """Yield what is as long as the secret of an AWS key and stands soon behind its id."""
    for prefix in ("AKIA", "ASIA"):
        for at in text.places(prefix):
            key = pattern(r"[A-Z2-7]{16}(?![A-Za-z0-9])").match(text.raw, at + 4)
            if key and (match := pattern(_AWS_SECRET).search(text.raw, key.end(), key.end() + AWS_NEAR)):
                yield match.span()


@cache
def table(region: str | None = None) -> tuple[Rule, ...]:
    """Return every rule."""
    return (
        Rule("private_key", "secrets", _private_keys, "-----BEGIN "),
        Rule("private_key", "secrets", _putty_keys, "Private-Lines: "),
        Rule("private_key", "secrets", _encoded_keys, _PEM64),
        *tokens.rules(),
        Rule("aws_key", "secrets", _aws_secrets, "IA"),
        Rule("url_credentials", "secrets", _credentials, "://"),
        Rule("password", "secrets", passwords.find),
        Rule("bearer_token", "secrets", _bearers),
        Rule("cookie", "secrets", _cookies),
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
