"""Passwords and keys that a name tells: `password: …`, `API_KEY=…`, `--password …`, and what says it otherwise.

What only looks like a value (a type, a call, a placeholder) is let be; a key must look as random as one.
"""

from __future__ import annotations

import re
from itertools import pairwise

from chatlog.redaction.checks import mixed
from chatlog.redaction.text import Found, Text, pattern

#: A value of so many characters may be longer than what was looked at; one that goes so often from letters to digits
#: is no name.
LONG, RANDOM, MOST_NAMES = 200, 4, 3


#: What documentation writes where a name and a password go.
_PLACEHOLDERS = re.compile(
    r"[<{(]|\$[{(A-Z_]|%[{(A-Z]|\*{2}|\.{2}|x{3}|\[REDACTED|(?:your|my|the)[_ -]?(?:password|token|key|secret|api)"
    r"|example|changeme|placeholder|redacted|none$|null$|true$|false$|undefined$|required|optional",
    re.IGNORECASE,
)


def is_placeholder(value: str) -> bool:
    """Whether it is what documentation writes in the place of a password."""
    return _PLACEHOLDERS.match(value) is not None


#: Names of what is secret, in lower case as they are looked for; the longer of two that begin alike first.
_PASSWORDS = (
    "password", "passwd", "passphrase", "passcode", "pwd", "contraseña", "passwort", "kennwort", "mot de passe",
    "senha", "wachtwoord", "пароль", "密码", "密碼", "パスワード", "비밀번호",
)  # fmt: skip
_SECRETS = (
    "secret", "token", "api_key", "apikey", "api-key", "api key", "access_key", "accesskey", "access-key", "access key",
    "auth_key", "private_key", "privatekey", "private key", "presharedkey", "account_key", "client_secret",
    "credential", "encryption_key", "signing_key", "phpsessid", "jsessionid",
)  # fmt: skip
#: Short names of passwords, which are also parts of other words: the whole of a name, or its end behind _ . or -
_SHORT = ("pass", "pw", "psk")
#: Between a name and its value: = : => is, quotes that JSON may have escaped, the name of a value (as in
#: ``name: DB_PASSWORD``, ``value: …``), the old value that a prompt shows; as an option, a blank.
_BETWEEN = r"""(?:[A-Za-z0-9_-]{0,20}(?:\\?["'`]\]?|\*{1,2})?\s{0,4}(?:\[[^\]\n]{0,40}\])?"""
_BETWEEN += r"""(?::=|=>|->|[=:：]|\b(?:is|ist|lautet|es|est|was)\b:?)[ \t]{0,4}(?:[*`]{1,3}[ \t]?)?"""
_BETWEEN += r"""|[A-Za-z0-9_-]{0,20}(?:\\?["'])?,?\s{1,40}(?:\\?["'])?value(?:\\?["'])?\s{0,4}[=:]\s{0,4})"""
_VALUE = r"""(?:(["'`])(?P<whole>(?:\\["'`\\/]|(?!\1)[^\s\\]){1,200})(?=\1)|"""
_VALUE += r"""(["'])(?P<closed>(?![\s+,.)])(?:(?!\3)[^\n\\]){4,200})(?=\3\s{0,4}(?:[,;)}\]#\n]|\Z))"""
_VALUE += r"""|\\?(["'`])(?P<quoted>(?!\s)[^"'`\n\\]{1,200})"""
_VALUE += r"""|(?P<bare>[^\s"'`,;<>\\]{4,200}))"""
_OPTION = r"""[ \t=](?:["'])?(?P<bare>[^\s"'`;<>|&]{6,200})"""
#: In an environment the value is what is left of the line.
_LINE = r"[A-Z0-9_]{0,30}=(?P<bare>[^\s\"'`\\]{4,200})(?!\S)"
_CELL = r"[ *]{0,3}\|[ *`]{0,3}(?P<bare>[^\s|*`]{4,200})[ *`]{0,3}\|"
#: A key that stands behind its name, and no more between them: it goes from letters to digits and back, and again.
_BEHIND = (
    r"""[ \t]{1,2}(?:[`"'])?(?=(?:[^\d\s]{0,60}\d{1,60}[^\d\s]){2})(?P<bare>[A-Za-z0-9][\w+/=-]{19,200})(?![\w(])"""
)
#: What follows a value that is longer: no session token is left by half.
_REST = r"[^\s\"'`,;<>\\]{0,8000}"
_XML = r"(?:\s[^<>]{0,100})?>(?P<bare>[^<>\s]{4,200})</"
_DEFINED = r"""['"]\s{0,4},\s{0,4}(?:['"])(?P<quoted>[^"'\n]{1,200})"""
#: What stands before a name, and the pattern of its value then.
_FORMS = (
    (r"(?:^|\n)(?:export )?[A-Z][A-Z0-9_]*[_-]\Z", _LINE),
    ("", _BETWEEN + _VALUE),
    ("", _XML),
    (r"--(?:[a-z]{1,10}-)?\Z", _OPTION),
    (r"\|[ *]{0,3}\Z", _CELL),
    (r"(?:define|setdefault|putenv|setenv)\([^\n]{0,50}\Z", _DEFINED),
    ("", _BEHIND),
)
_CODE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|[A-Za-z_][\w.]*[(\[].*|[A-Za-z_]+|[A-Z_]+[A-Z_0-9]*|\d{1,3}|\W+")
_KEY_VALUE = r"(?:[\"']\s{0,4})?[=:]\s{0,4}['\"]?([^\s\"'`,;<>\\]{16,200})"
_CONSTANT = re.compile(r"[A-Z]+(?:_[A-Z]+)+")
#: What goes on with a list, before the word token.
_CURSORS = re.compile(r"(?:page|next|continuation|sync|cursor)[_-]?$")
#: A value on the line below, and nothing else in it.
_BELOW = r"\*{0,2} ?\n(?:```\w{0,10}\n)?[ \t]{0,4}((?=\S{0,30}\d)(?=\S{0,30}[A-Za-z])[^\s:=(){}<>]{6,60})"
_BELOW += r"(?=[ \t\r]{0,4}(?:\n|\Z))"
#: Other ways to say it, looked for in lower case, and the pattern of the value behind.
_SAID = (
    (
        "password for ",
        r"[^\n:=.\"']{1,30}?(?:\bis\b|:|=)[ \t]{0,3}[\"'`*]{0,2}((?=[^\s\"'`]{0,30}\d)[^\s\"'`<>]{6,200})",
    ),
    ("password:", _BELOW),
    ("password to ", r"[\"'`]([^\s\"'`]{6,200})[\"'`]"),
    ('"auth":', r"\s?\"((?=[^\"]{0,99}\d)[A-Za-z0-9+/]{16,4000}={0,2})\""),
    ("_auth=", r"\"?((?=\S{0,99}\d)[A-Za-z0-9+/]{16,4000}={0,2})(?![\w.(])"),
    ("identified by ", r"(?:password )?['\"]([^'\"\n]{1,200})['\"]"),
    ("with password ", r"['\"]([^'\"\n]{1,200})['\"]"),
    ("encrypted password ", r"['\"]([^'\"\n]{1,200})['\"]"),
    ("requirepass ", r"([^\s#]{4,200})"),
    ("sshpass -p", r" ?['\"]?([^\s'\"]{4,200})"),
    (" login ", r"\S{1,100}\s{1,4}password\s{1,4}(\S{4,200})"),
    ("mysql", r"(?:dump|admin)?\s[^\n|;]{0,200}?\s-p['\"]?([^\s'\"|;]{4,200})"),
    ("docker login ", r"[^\n|;]{0,200}?-p ['\"]?([^\s'\"|;]{4,200})"),
    ("redis-cli ", r"[^\n|;]{0,200}?-a ['\"]?([^\s'\"|;]{4,200})"),
    *(
        (phrase, r"[\"'*]{0,3}(?: is)?\s{0,2}[:=]?\s{0,3}[\"'`*]{0,3}((?:[a-z]{3,8}[ \t\n]){11,23}[a-z]{3,8})")
        for phrase in ("mnemonic", "seed phrase", "recovery phrase", "seed words", "recovery words")
    ),
)
#: A name and a password for curl, which may stand far behind its name.
_USERS, CURL_CHARS = (" -u", " --user"), 500
_USER = r"""[ =]{0,2}(?:'[^:'\n]{1,100}:([^'\n]{4,200})'|"[^:"\n]{1,100}:([^"\n]{4,200})"|"""
_USER += r"""[^\s:'"/]{1,100}:([^\s'"]{4,200}))"""


def find(text: Text) -> Found:
    """Yield the values that a name, or the way of saying it, tells to be secret."""
    for names, strict in ((_PASSWORDS, False), (_SHORT, False), (_SECRETS, True)):
        for name in names:
            if name in text.low:
                yield from _assigned(text, name, strict=strict)
    yield from _keys(text)
    yield from _phrases(text)
    if "curl" in text.low:
        yield from _users(text)


def _keys(text: Text) -> Found:
    """Yield the values of ..._KEY, as an environment has them: only what looks like no word at all."""
    past = 0
    for at in text.places("_KEY"):
        match = pattern(_KEY_VALUE).match(text.raw, at + 4) if at >= past else None
        past = match.end() if match else past
        if match and _changes(match[1]) >= RANDOM and _is_secret(match[1], quoted=False, strict=True):
            yield match.span(1)


def _phrases(text: Text) -> Found:
    for hint, value in _SAID:
        for at in text.low_places(hint):
            if (match := pattern(value).match(text.raw, at + len(hint))) and not is_placeholder(match[1]):
                yield match.span(1)


def _users(text: Text) -> Found:
    for hint in _USERS:
        for at in text.low_places(hint):
            match = pattern(_USER).match(text.raw, at + len(hint))
            if match and is_curl(text, at) and not is_placeholder(match[match.lastindex or 0]):
                yield match.span(match.lastindex or 0)


def is_curl(text: Text, at: int) -> bool:
    """Whether an option may be one of curl."""
    return text.low.rfind("curl", max(at - CURL_CHARS, 0), at) >= 0


def _assigned(text: Text, name: str, *, strict: bool) -> Found:
    """Yield the values given to a name, which for `strict` ones must be as random as a key."""
    past = 0
    for at in text.low_places(name):
        end = at + len(name)
        if end < past or (name in _SHORT and not _is_name(text, at, end)) or not (match := _value(text, at, end)):
            continue
        if name == "token" and _CURSORS.search(text.low[max(at - 14, 0) : at]):
            continue
        found = match.lastgroup or ""
        value = match[found].rstrip(".:)]}*") if found == "bare" else match[found]
        if name in _SHORT and value.isdigit() and text.raw[at - 1 : at] not in ("_", ".", "-"):
            continue  # a word in a table of them
        if value.lower().count(name) > MOST_NAMES:  # no value, but more of the same
            past = match.start(found) + len(value) - len(name)
            continue
        said = not strict and _is_said(text, value, match.end())
        if said or _is_secret(value, quoted=found != "bare", strict=strict):
            start = match.start(found)
            past = start + len(value)
            if len(value) >= LONG:
                past = pattern(_REST).match(text.raw, past).end()  # type: ignore[union-attr]  # it always matches
            yield start, past


def _value(text: Text, at: int, end: int) -> re.Match[str] | None:
    """Return what stands behind a name as its value: assigned, in an element or a cell, as an option, and so on."""
    for before, value in _FORMS:
        stands = not before or pattern(before).search(text.raw, max(at - 60, 0), at)
        if stands and (match := pattern(value).match(text.raw, end)):
            return match
    return None


def _is_name(text: Text, at: int, end: int) -> bool:
    """Whether a short name is the last word of a name, or a name by itself: quoted, or first in its line."""
    if text.low[end : end + 1].isalnum() or text.low[end : end + 1] in ("_", "-"):
        return False
    before = text.low[max(at - 40, 0) : at]
    line = before.rpartition("\n")[2]
    return bool(re.search(r"[a-z0-9][_.-]\Z|[$\"']\Z", before)) or (
        not text.raw[at:end].isupper() and not line.strip(" \t-*") and len(line) < 40
    )


def _changes(value: str) -> int:
    """Return how often a value goes from letters to digits or back: names do so once or twice."""
    kinds = [char.isdigit() for char in value if char.isalnum()]
    return sum(one != next_ for one, next_ in pairwise(kinds))


#: Types, and what code and forms put behind the name of a password.
_NO_PASSWORDS = frozenset((
    "password", "passwd", "string", "text", "optional", "required", "number", "boolean", "varchar", "bytes", "hidden",
    "input", "secret", "getpass", "default", "invalid", "correct", "incorrect", "missing", "forgotten", "expired",
    "changed", "reset", "unknown", "nothing", "plaintext", "encrypted", "hashed", "disabled", "enabled", "protected",
))  # fmt: skip


def _is_said(text: Text, value: str, end: int) -> bool:
    """Whether it is a plain word that ends a line: a password as people write it down."""
    plain = len(value) >= 6 and value.isalpha() and value.isascii() and value.islower() and value not in _NO_PASSWORDS
    return plain and text.raw[end : end + 2].strip(" .\r")[:1] in ("", "\n")


def _is_secret(value: str, *, quoted: bool, strict: bool) -> bool:
    if len(value) < 4 or is_placeholder(value):
        return False
    if strict:
        if "://" in value or value.startswith("urn:"):
            return False
        is_code = _CODE.fullmatch(value) is not None and _changes(value) < RANDOM
        return len(value) >= 12 and " " not in value and mixed(value) and not is_code
    if quoted and _CONSTANT.fullmatch(value):
        return False
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
        and not is_placeholder(value)
    )
