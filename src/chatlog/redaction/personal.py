"""Personal data: mail addresses, telephone numbers, cards, accounts, network addresses, national ids.

Each candidate is a bounded pattern; a check digit, a form that is given, or a word before it decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from chatlog.redaction import checks
from chatlog.redaction.text import Found, Rule, Text, pattern

Check = Callable[[str], bool]


# mail

_LOCAL = r"[A-Za-z0-9._%+'\u00c0-\u024f-]{1,64}"
_DOMAIN = (
    r"(?:[A-Za-z0-9\u00c0-\u024f](?:[A-Za-z0-9\u00c0-\u024f-]{0,61}[A-Za-z0-9\u00c0-\u024f])?\.){1,8}[A-Za-z]{2,24}"
)
#: What ends a file's name, not a domain's.
_FILES = {"png", "jpg", "jpeg", "gif", "svg", "webp", "pdf", "css", "scss", "tsx", "jsx", "html", "json", "yaml", "yml"}


def _emails(text: Text) -> Found:
    raw = text.raw
    domain, local = pattern(_DOMAIN), pattern(_LOCAL)
    for at in text.places("@"):
        if not (raw[at + 1 : at + 2].isalnum() and (before := local.match(raw[max(at - 64, 0) : at][::-1]))):
            continue
        after = domain.match(raw, at + 1)
        if after is None or after[0].rpartition(".")[2].lower() in _FILES or not text.ends(after.end()):
            continue
        name = before[0][::-1].lstrip("'.-+%")
        start = at - len(name)
        is_remote = name == "git" and raw[after.end() : after.end() + 1] == ":"
        if name and not is_remote and not _in_url(raw, start):
            yield start, after.end()


def _in_url(raw: str, start: int) -> bool:
    """Whether ``name@`` is the user of a URL, as in ssh://git@host."""
    before = raw[max(start - 130, 0) : start]
    head, separator, rest = before.rpartition("://")
    return bool(separator and head and head[-1].isalnum() and re.fullmatch(r"[^\s/@]*", rest))


# telephone

#: What says that a number is one of a telephone, and words that also say other things.
_PHONES = (
    "phone", "mobile", "whatsapp", "telephone", "telefon", "teléfono", "téléphone", "tél", "fax", "tel", "handynummer",
    "móvil", "rufnummer", "portable", "celular", "cellulare", "telefoon",
    "电话", "手机", "電話", "携帯", "휴대폰", "전화", "телефон", "тел",
)  # fmt: skip
#: Of these so short a word also ends others.
_SHORT = 3
_CALLS = ("cell", "call", "text me", "sms", "dial", "handy", "gsm")
_NUMBER = r"\+?\(?\d[\d ().\-/]{5,20}\d"
_NORTH_AMERICAN = r"(?:1[ .\u00a0\u2011-]?)?(?:\(\d{3}\)[ .\u00a0\u2011-]?|\d{3}[.\u2011-])\d{3}[ .\u00a0\u2011-]\d{4}"
_INTERNATIONAL = r"\+\(?[1-9][\d ().\-/\u00a0\u202f\u2011]{6,24}\d"
_DATE = r"(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}"


def _phones(text: Text) -> Found:
    """Yield numbers in international or North American form, and others that a word says are telephone numbers."""
    if text.most_digits < 7:
        return
    if "+" in text.raw:
        yield from _international(text)
    for match in pattern(_NORTH_AMERICAN).finditer(text.raw if text.most_digits >= 10 else ""):
        area = checks.digits(match[0])[-10]
        if area >= "2" and _alone(text, match.start(), match.end()):
            yield match.span()
    for words, clear in ((_PHONES, True), (_CALLS, False)):
        for word in words:
            if word in text.low:
                yield from _told(text, word, clear=clear)


def _told(text: Text, word: str, *, clear: bool) -> Found:
    """Yield the numbers behind a word of telephones."""
    for at in text.low_places(word):
        after = at + len(word)
        if not clear and not (text.begins(at) and text.ends(after)):
            continue
        if len(word) <= _SHORT and not text.begins(at):  # no hotel
            continue
        match = pattern(_NUMBER).search(text.raw, after, after + 45)
        if match is None or pattern(_DATE).fullmatch(match[0]) or not _tells(text.raw[after : match.start()]):
            continue
        count = len(checks.digits(match[0]))
        written = clear or count >= 10 or count < len(match[0])
        if written and 7 <= count <= 15 and _alone(text, match.start(), match.end()):
            yield match.span()


def _tells(between: str) -> bool:
    """Whether a word belongs to the number behind it: few words between them, and no other sentence."""
    return len(between.split()) <= 4 and not re.search(r"[.;\n]\s", between) and not re.search(r"[(\[{=]", between[:1])


def _international(text: Text) -> Found:
    raw = text.raw
    for match in pattern(_INTERNATIONAL).finditer(raw):
        before = raw[match.start() - 1 : match.start()]
        if before.isalnum() or before in ("+", ")", "_"):
            continue
        for number in checks.shrinking(match[0]):
            count = len(checks.digits(number))
            if count <= 15:
                break
        head = checks.digits(number)[:1]
        grouped = count < len(number) - 1
        plausible = count == 11 if head in ("1", "7") else count >= 8 if grouped else count >= 10
        end = match.start() + len(number)
        if plausible and text.ends(end):
            yield match.start(), end


def _alone(text: Text, start: int, end: int) -> bool:
    """Whether a number is no piece of a longer one, of a version or of an identifier."""
    before, after = text.raw[max(start - 2, 0) : start], text.raw[end : end + 2]
    joined = before[-1:] in (".", "-", "/", "+") and before[:1].isalnum()
    return text.begins(start) and text.ends(end) and not joined and not (after[:1] in ".-/" and after[1:].isdigit())


class _Region:
    """Finds numbers in the national form of a region, with the library that knows them all."""

    def __init__(self, region: str) -> None:
        self.region = region

    def __call__(self, text: Text) -> Found:
        from phonenumbers import PhoneNumberMatcher

        if text.most_digits >= 6:
            for match in PhoneNumberMatcher(text.raw, self.region):
                yield match.start, match.end


# numbers with check digits


class _Checked:
    """Finds a pattern that stands alone and passes a check, with a word before it where some are named."""

    def __init__(self, least: int, source: str, check: Check, *words: str) -> None:
        self.least = least
        self.source = source
        self.check = check
        self.words = words

    def __call__(self, text: Text) -> Found:
        if text.most_digits < self.least or (self.words and not any(word in text.low for word in self.words)):
            return
        for match in pattern(self.source).finditer(text.raw):
            start, end = match.span()
            before = text.low[max(start - 60, 0) : start] if self.words else ""
            told = not self.words or any(word in before for word in self.words)
            if told and _alone(text, start, end) and self.check(match[0]):
                yield start, end


def _any(_text: str) -> bool:
    return True


def _ibans(text: Text) -> Found:
    if text.most_digits < 6:
        return
    raw = text.raw
    for match in pattern(r"[A-Z]{2}\d\d").finditer(raw):
        size = checks.IBAN_LENGTHS.get(match[0][:2])
        found = size and pattern(rf"[A-Z0-9](?:[ \u00a0\u202f-]?[A-Z0-9]){{{size - 1}}}").match(raw, match.start())
        if found and text.begins(found.start()) and text.ends(found.end()) and checks.iban(found[0]):
            yield found.span()


_CARD = r"[2-68]\d{3}(?:([ \u00a0\u202f-])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{3})?|([ \u00a0\u202f-])\d{6}\2\d{4,5}|\d{9,15})"


def _cards(text: Text) -> Found:
    if text.most_digits < 13:
        return
    for match in pattern(_CARD).finditer(text.raw):
        whole = match[0]
        for number in (whole, whole.rstrip("0123456789")[:-1]):  # the last group may be something else
            end = match.start() + len(number)
            if number and checks.card(number) and _alone(text, match.start(), end):
                yield match.start(), end
                break


_VERSION = r"(?:version|ver\.?|v|release|build|firmware|driver|[a-z]/|[=~<>!]=)[ :=]{0,2}$"


def _ipv4s(text: Text) -> Found:
    if text.most_digits < 4 or text.raw.count(".") < 3:
        return
    for match in pattern(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}").finditer(text.raw):
        start, end = match.span()
        dotted = text.raw[end : end + 1] == "." and text.raw[end + 1 : end + 2].isdigit()
        is_version = pattern(_VERSION).search(text.low[max(start - 12, 0) : start])
        joined = text.raw[start - 1 : start] in (".", "-", "+") and start > 0
        if text.begins(start) and text.ends(end) and not (dotted or joined or is_version) and checks.ipv4(match[0]):
            yield start, end


def _ipv6s(text: Text) -> Found:
    if text.raw.count(":") < 2:
        return
    for match in pattern(r"[23f][0-9a-f]{3}:[0-9a-f:]{2,34}").finditer(text.low):
        start, end = match.span()
        address = text.raw[start:end].rstrip(":")
        alone = text.begins(start) and text.ends(start + len(address)) and text.raw[start - 1 : start] != ":"
        if (alone or start == 0) and checks.ipv6(address):
            yield start, start + len(address)


#: National ids: digits at least, the pattern, its check, and words of which one must stand before a common form.
_IDS = (
    _Checked(9, r"\d{3}-\d{2}-\d{4}", checks.us_ssn),
    _Checked(9, r"\d{3} ?\d{2} ?\d{4}", checks.us_ssn, "ssn", "social security", "itin"),
    _Checked(6, r"(?:QQ|[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]) ?\d{2} ?\d{2} ?\d{2} ?[A-D]", checks.uk_nino),
    _Checked(8, r"\d{8}-?[A-HJ-NP-TV-Z]", checks.es_dni),
    _Checked(7, r"[XYZ]-?\d{7}-?[A-HJ-NP-TV-Z]", checks.es_dni),
    _Checked(0, r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", checks.it_fiscal_code),
    _Checked(13, r"[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}", checks.fr_nir),
    _Checked(11, r"\d{3}\.\d{3}\.\d{3}-\d{2}", checks.br_cpf),
    _Checked(11, r"\d{11}", checks.br_cpf, "cpf"),
    _Checked(17, r"[1-9]\d{5}(?:19|20)\d{2}[01]\d[0-3]\d{4}[\dXx]", checks.cn_id),
    _Checked(12, r"[2-9]\d{3}[ -]\d{4}[ -]\d{4}", checks.in_aadhaar),
    _Checked(12, r"[2-9]\d{11}", checks.in_aadhaar, "aadhaar"),
    _Checked(4, r"[A-Z]{3}[PCHFATBLJG][A-Z]\d{4}[A-Z]", _any, "pan ", "pan:", "permanent account", "income tax"),
    _Checked(10, r"\d{6}[-+]\d{4}", checks.se_personal_number),
    _Checked(12, r"(?:19|20)\d{6}-?\d{4}", checks.se_personal_number, "personnummer"),
    _Checked(9, r"\d{3}[ -]?\d{3}[ -]?\d{3}", checks.luhn_of_digits, "sin ", "sin:", "social insurance"),
    _Checked(11, r"\d{11}", checks.pl_pesel, "pesel"),
    _Checked(11, r"\d{2} ?\d{3} ?\d{3} ?\d{3}", checks.de_tax_id, "steuer", "tax id", "idnr"),
    _Checked(9, r"\d{9}", checks.nl_bsn, "bsn", "burgerservice"),
    _Checked(6, r"[A-Z]{1,2}\d{6,8}|\d{9}", _any, "passport", "reisepass", "passeport", "pasaporte"),
)


def rules(region: str | None) -> tuple[Rule, ...]:
    """Return the rules; with a region, telephone numbers in its national form too (needs phonenumbers)."""
    more = (Rule("phone", "contact", _Region(region)),) if region else ()
    return (
        Rule("email", "contact", _emails, "@"),
        Rule("phone", "contact", _phones),
        *more,
        Rule("card", "money", _cards),
        Rule("iban", "money", _ibans),
        Rule("ip_address", "network", _ipv4s),
        Rule("ip_address", "network", _ipv6s),
        *(Rule("national_id", "identity", checked) for checked in _IDS),
    )
