"""Check digits and plausibility: what tells a card, an account or an id from a number that only looks like one.

Pure functions on short strings; nothing here searches.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

#: The length of an IBAN by its country (SWIFT's registry).
_IBANS = """AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20
EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28
LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29
RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"""
IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _IBANS.split()}

#: Groups that cards are written in; any other grouping is a list of numbers.
_CARD_GROUPS = {(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (4, 4, 4, 1)}


def digits(text: str) -> str:
    """Return the ASCII digits of a text."""
    return "".join(char for char in text if "0" <= char <= "9")


def luhn(number: str) -> bool:
    """Whether a number's last digit is right by Luhn's formula (ISO/IEC 7812)."""
    total = sum(map(int, number[-1::-2]))
    return (total + sum(sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])) % 10 == 0


def luhn_of_digits(text: str) -> bool:
    """Whether the digits of a text pass Luhn's formula."""
    return luhn(digits(text))


def card(text: str) -> bool:
    """Whether it is a payment card: a network's prefix and length, usual groups, Luhn."""
    number = digits(text)
    groups = tuple(len(group) for group in text.replace("-", " ").split())
    return (
        13 <= len(number) <= 19
        and (len(groups) == 1 or groups in _CARD_GROUPS)
        and _issued(number)
        and len(set(number)) > 1
        and luhn(number)
    )


def _issued(number: str) -> bool:
    two, four = int(number[:2]), int(number[:4])
    size = len(number)
    return (
        (number[0] == "4" and size in (13, 16, 19))
        or ((51 <= two <= 55 or 2221 <= four <= 2720) and size == 16)
        or (two in (34, 37) and size == 15)
        or (two in (30, 36, 38, 39) and size in (14, 16))
        or (two in (35, 60, 62, 64, 65, 81) and 16 <= size <= 19)
        or (two in (50, 56, 57, 58, 63, 67) and 16 <= size <= 19)
    )


def iban(text: str) -> bool:
    """Whether it is an international bank account number: its country's length and mod-97 (ISO 13616)."""
    number = "".join(filter(str.isalnum, text)).upper()
    if IBAN_LENGTHS.get(number[:2]) != len(number):
        return False
    return int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1


def us_ssn(text: str) -> bool:
    """Whether it may be a US social security number: no area, group or serial that is never given."""
    number = digits(text)
    return number[:3] not in ("000", "666") and number[0] != "9" and number[3:5] != "00" and number[5:] != "0000"


def uk_nino(text: str) -> bool:
    """Whether it may be a UK national insurance number: a prefix that is given."""
    return text[:2] not in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ")


def es_dni(text: str) -> bool:
    """Whether the letter of a Spanish DNI or NIE is right."""
    number = text.replace("-", "").replace(" ", "")
    lead = str("XYZ".index(number[0])) if number[0] in "XYZ" else number[0]
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(lead + number[1:-1]) % 23] == number[-1]


def it_fiscal_code(text: str) -> bool:
    """Whether the last letter of an Italian codice fiscale is right."""
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
    values = [int(char) if char.isdigit() else ord(char) - 65 for char in text]
    total = sum(odd[value] if place % 2 == 0 else value for place, value in enumerate(values[:15]))
    return total % 26 == values[15]


def fr_nir(text: str) -> bool:
    """Whether the key of a French social security number is right."""
    number = "".join(text.split()).replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number[:13]) % 97 == int(number[13:])


def br_cpf(text: str) -> bool:
    """Whether both check digits of a Brazilian CPF are right."""
    number = digits(text)
    return len(set(number)) > 1 and all(
        sum(int(digit) * weight for digit, weight in zip(number, range(size + 1, 1, -1), strict=False)) * 10 % 11 % 10
        == int(number[size])
        for size in (9, 10)
    )


def cn_id(text: str) -> bool:
    """Whether a Chinese resident id has a date and its check character is right (ISO 7064 mod 11-2)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(text, weights, strict=False))
    return _is_day(text[10:12], text[12:14]) and "10X98765432"[total % 11] == text[17].upper()


def _is_day(month: str, day: str) -> bool:
    return 1 <= int(month) <= 12 and 1 <= int(day) <= 31


_DIHEDRAL = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_TURNS = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870",
    "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def in_aadhaar(text: str) -> bool:
    """Whether the last digit of an Indian Aadhaar number is right (Verhoeff)."""
    state = 0
    for place, digit in enumerate(reversed(digits(text))):
        state = int(_DIHEDRAL[state][int(_TURNS[place % 8][int(digit)])])
    return state == 0


def se_personal_number(text: str) -> bool:
    """Whether a Swedish personal number has a date and its Luhn digit is right."""
    number = digits(text)[-10:]
    return _is_day(number[2:4], str(int(number[4:6]) % 60 or 99)) and luhn(number)


def pl_pesel(text: str) -> bool:
    """Whether a Polish PESEL has a date and its check digit is right."""
    number = digits(text)
    total = sum(int(digit) * weight for digit, weight in zip(number, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3), strict=False))
    return _is_day(str(int(number[2:4]) % 20 or 99), number[4:6]) and (10 - total % 10) % 10 == int(number[10])


def nl_bsn(text: str) -> bool:
    """Whether a Dutch citizen service number passes the eleven test."""
    number = digits(text)
    return (sum(int(digit) * (9 - place) for place, digit in enumerate(number[:8])) - int(number[8])) % 11 == 0


def de_tax_id(text: str) -> bool:
    """Whether the check digit of a German tax id is right (ISO 7064 mod 11,10)."""
    number = digits(text)
    product = 10
    for digit in number[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return number[0] != "0" and (11 - product) % 10 == int(number[10])


def jwt(text: str) -> bool:
    """Whether the first piece of a token is a JOSE header."""
    head = text.partition(".")[0]
    try:
        return b'"' in base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))
    except (binascii.Error, ValueError):
        return False


def mixed(text: str) -> bool:
    """Whether it is as random as a key: a digit, a letter, and no few characters over and over."""
    return any(map(str.isdigit, text)) and any(map(str.isalpha, text)) and len(set(text)) >= min(10, len(text) // 2)


def ipv4(text: str) -> bool:
    """Whether it is an address of somebody's machine: no loopback, no mask, no number of a chapter, as 1.2.3.4 is."""
    parts = [int(part) for part in text.split(".")]
    own = parts[0] in (0, 127, 255) or parts[1:] == [0, 0, 0] or max(parts) <= 9
    padded = any(len(part) > 1 and part[0] == "0" for part in text.split("."))
    return max(parts) <= 255 and not own and not padded


def ipv6(text: str) -> bool:
    """Whether it is a global, link-local or unique local address of version 6."""
    head = text[:4].lower()
    if not (head[:1] in ("2", "3") or head == "fe80" or head[:2] in ("fc", "fd")) or text.find(":") != 4:
        return False
    import ipaddress

    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def shrinking(text: str) -> Iterator[str]:
    """Yield a run of groups, then the same without its last group, and so on."""
    while text:
        yield text
        text = text.rstrip("0123456789").rstrip(" .-/()\u00a0\u202f\u2011") if text[-1:].isdigit() else text[:-1]
