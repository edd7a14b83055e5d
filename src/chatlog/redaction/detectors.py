"""The table of detectors, and three that stand here: private keys, credentials in URLs, passwords told by a name.

What is found is bounded in length, and what only looks like a value (a type, a call, a placeholder) is let be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

from chatlog.errors import UsageError
from chatlog.redaction import personal, tokens
from chatlog.redaction.checks import mixed
from chatlog.redaction.text import Found, Rule, Text

#: A private key without an end is taken to go on for so long.
MAX_KEY_CHARS = 20_000
_KEY_BODY = rf"[A-Za-z0-9+/=\s\\:,]{{0,{MAX_KEY_CHARS}}}"


@lru_cache(64)
def _pattern(source: str) -> re.Pattern[str]:
    return re.compile(source)


def _private_keys(text: Text) -> Found:
    """Yield private keys in PEM: from BEGIN to END, or as far as base64 goes where the end was cut off."""
    raw = text.raw
    past, no_end = 0, False
    for at in text.places("-----BEGIN "):
        head = _pattern(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----").match(raw, at) if at >= past else None
        if head is None:
            continue
        end = -1 if no_end else raw.find("-----END ", head.end())
        no_end = end < 0
        if 0 <= end - head.end() <= MAX_KEY_CHARS:
            closing = _pattern(r"-----END [A-Z0-9 ]{0,60}-----").match(raw, end)
            past = closing.end() if closing else end
        else:
            body = _pattern(_KEY_BODY).match(raw, head.end())
            past = len(raw[: body.end()].rstrip()) if body else head.end()
        yield at, past


def _putty_keys(text: Text) -> Found:
    for at in text.places("Private-Lines: "):
        match = _pattern(r"Private-Lines: \d{1,3}\r?\n(?:[A-Za-z0-9+/=]{1,80}\r?\n?){1,200}").match(text.raw, at)
        if match:
            yield match.span()


_USERINFO = r"://([^\s:/@'\"<>]{0,100}:[^\s@/'\"<>]{1,200})@(?=[A-Za-z0-9\[])"
#: What documentation writes where a name and a password go.
_PLACEHOLDERS = re.compile(
    r"[<{(]|\$[{(A-Z_]|%[{(A-Z]|\*{2}|\.{2}|x{3}|\[REDACTED|(?:your|my|the)[_ -]?(?:password|token|key|secret|api)"
    r"|example|changeme|placeholder|redacted|none$|null$|true$|false$|undefined$|required|optional",
    re.IGNORECASE,
)


def _credentials(text: Text) -> Found:
    for at in text.places("://"):
        match = _pattern(_USERINFO).match(text.raw, at)
        if match and text.raw[at - 1 : at].isalnum() and not _is_placeholder(match[1].partition(":")[2]):
            yield match.span(1)


def _is_placeholder(value: str) -> bool:
    return _PLACEHOLDERS.match(value) is not None


#: Names of what is secret, in lower case as they are looked for; the longer of two that begin alike first.
_PASSWORDS = (
    "password", "passwd", "passphrase", "passcode", "pwd", "contraseña", "passwort", "kennwort", "mot de passe",
    "senha", "wachtwoord", "пароль", "密码", "密碼", "パスワード", "비밀번호",
)  # fmt: skip
_SECRETS = (
    "secret", "token", "api_key", "apikey", "api-key", "api key", "access_key", "accesskey", "access-key", "access key",
    "auth_key", "private_key", "account_key", "client_secret", "credential", "encryption_key", "signing_key",
)  # fmt: skip
#: Between a name and its value: = : => is, quotes that JSON may have escaped; as an option, a blank.
_BETWEEN = r"""[A-Za-z0-9_-]{0,20}(?:\\?["'`*])?\s{0,4}"""
_BETWEEN += r"""(?::=|=>|[=:：]|\b(?:is|ist|es|est)\b)[ \t]{0,4}(?:[*`]{1,3}[ \t]?)?"""
_VALUE = r"""(?:\\?(["'`])(?P<quoted>[^"'`\n\\]{1,200})|(?P<bare>[^\s"'`,;<>\\]{4,200}))"""
_OPTION = r"""[ \t=](?:["'])?(?P<bare>[^\s"'`;<>|&]{6,200})"""
_CODE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|[A-Za-z_][\w.]*[(\[].*|[A-Za-z_]+|[A-Z_]+[A-Z_0-9]*|\d{1,3}|\W+")


def _passwords(text: Text) -> Found:
    for names, strict in ((_PASSWORDS, False), (_SECRETS, True)):
        for name in names:
            if name in text.low:
                yield from _assigned(text, name, strict=strict)


def _assigned(text: Text, name: str, *, strict: bool) -> Found:
    """Yield the values given to a name, which for `strict` ones must be as random as a key."""
    past = 0
    for at in text.low_places(name):
        end = at + len(name)
        if end < past:
            continue
        match = _pattern(_BETWEEN + _VALUE).match(text.raw, end)
        if match is None and text.raw[at - 2 : at] == "--":
            match = _pattern(_OPTION).match(text.raw, end)
        if match is None:
            continue
        found = "bare" if match["bare"] is not None else "quoted"
        value = match[found].rstrip(".)]}*") if found == "bare" else match[found]
        said = not strict and _is_said(text, value, match.end())
        if said or _is_secret(value, quoted=found == "quoted", strict=strict):
            past = match.start(found) + len(value)
            yield match.start(found), past


#: Types, and what code and forms put behind the name of a password.
_NO_PASSWORDS = frozenset(
    [
        "password",
        "passwd",
        "string",
        "text",
        "optional",
        "required",
        "number",
        "boolean",
        "varchar",
        "bytes",
        "hidden",
        "input",
        "secret",
        "getpass",
        "default",
        "invalid",
        "correct",
        "incorrect",
        "missing",
        "forgotten",
        "expired",
        "changed",
        "reset",
        "unknown",
        "nothing",
        "plaintext",
        "encrypted",
        "hashed",
        "disabled",
        "enabled",
        "protected",
    ]
)


def _is_said(text: Text, value: str, end: int) -> bool:
    """Whether it is a plain word that ends a line: a password as people write it down."""
    plain = len(value) >= 6 and value.isalpha() and value.isascii() and value.islower() and value not in _NO_PASSWORDS
    return plain and text.raw[end : end + 2].strip(" .\r")[:1] in ("", "\n")


def _is_secret(value: str, *, quoted: bool, strict: bool) -> bool:
    if len(value) < 4 or _is_placeholder(value):
        return False
    if strict:
        return len(value) >= 12 and " " not in value and mixed(value) and not _CODE.fullmatch(value)
    if quoted:
        return " " not in value or any(map(str.isdigit, value))
    return not _CODE.fullmatch(value)


_SECRET_KEY = re.compile(
    r"(?i).*password|(?:.*[_.\- ])?(?:passwd|passphrase|pwd|secret|api_?key|access_?key|private_?key|auth_?token)"
)


def is_password(key: str, value: str) -> bool:
    """Whether a JSON value is secret for the name it has."""
    return (
        len(key) < 100
        and _SECRET_KEY.fullmatch(key) is not None
        and 4 <= len(value) <= 4_000
        and not _is_placeholder(value)
    )


def _bearers(text: Text) -> Found:
    for hint in ("bearer ", "authorization: basic ", "authorization: token "):
        for at in text.low_places(hint):
            match = _pattern(r"[A-Za-z0-9._~+/-]{12,4000}={0,2}").match(text.raw, at + len(hint))
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
        Rule("password", "secrets", _passwords),
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
