"""What tells a number or a name from one that only looks like it: checksums, ranges, and what stands beside it."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

_WORDLIKE: Final = re.compile(rb"[\w.\-]")
_CARDS: Final = re.compile(
    rb"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    rb"|6(?:011|4[4-9]\d|5\d\d)\d{12}|35\d{14}|3(?:0[0-5]|[68]\d)\d{11}|62\d{14,17}"
)
_GROUPED: Final = re.compile(rb"\d+|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5}")
_VERSION: Final = re.compile(rb"(?i)(?:\bv|version[\s:=\"']{0,4}|[<>=~!]=\s?|@|/v)$")
_QUAD: Final = re.compile(rb"\d{1,3}(?:\.\d{1,3}){3}")
_HOST_BEFORE: Final = re.compile(rb"(?i)(?:\bips?|address|addr|host|server|://|@|\bfrom|\bto)\b[^\d\w]{0,8}$|://$")
_HOST_AFTER: Final = re.compile(rb":\d{2,5}\b|/\d{1,2}\b")
_TWO_COLONS: Final = re.compile(
    rb"(?i)(?:2(?:00[13]|[4-9a-f][0-9a-f]{2})|f[cd][0-9a-f]{2}|fe[89ab][0-9a-f]|ff[0-9a-f]{2})::[0-9a-f]{1,4}"
)
"""`fe80::1`, within what is given out or local: no time of day, no `dead::beef` of a program, no year."""

_SMALL: Final = 32
"""Four numbers below it are mostly a section or a release (`3.1.3.1`), unless a private address or said to be one."""

_REFERENCE: Final = re.compile(
    rb"(?:os|process|self|this|config|cfg|settings|args|env|options|params|req|request)\.[A-Za-z_]\w*(?:\.\w+)*"
    rb"|\$[A-Z_][A-Z0-9_]*|%[A-Z_][A-Z0-9_]*%"
)
_NO_SECRET: Final = re.compile(rb"(?i)pk_.*|[a-z][a-z0-9+.-]*://.*")
_DATE: Final = re.compile(rb"\(?(?:19|20)\d\d[-. ](?:0[1-9]|1[0-2])[-. ][0-3]\d\b")
_SPACED: Final = re.compile(rb"(?:\(\d+\)[ .-]?)?\d{2,}(?:(?:[ -]\d{2,})*|(?:\.\d{2,})*)")
_FILES: Final = frozenset({b"png", b"jpg", b"jpeg", b"gif", b"svg", b"webp", b"css", b"js", b"py", b"html", b"json"})
_IBAN_LENGTHS: Final = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL", 19: "MK SI", 20: "AT BA EE KZ LT LU XK", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "PT", 26: "IS TR", 27: "FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB PL SV", 29: "BR EG PS QA UA",
        30: "JO KW MU", 31: "MT SC", 32: "LC",
    }.items()
    for country in countries.split()
}  # fmt: skip


def stands_alone(raw: bytes, start: int, end: int) -> bool:
    """Whether no letter, digit, dot or dash continues it: a part of an id or of a decimal is no number of its own."""
    before = raw[start - 1 : start] if start else b""
    after = raw[end : end + 2]
    if before and _WORDLIKE.match(before):
        return False
    return not re.match(rb"[\w\-]|\.\w", after)


def card(raw: bytes, start: int, end: int) -> int:
    """Where the card number ends; 0 where it is none: issuer's range and length, Luhn's checksum, usual groups."""
    text = raw[start:end]
    digits = re.sub(rb"[ -]", b"", text)
    good = _GROUPED.fullmatch(text) and _CARDS.fullmatch(digits) and len(set(digits)) > 1 and _luhn(digits)
    return end if good and stands_alone(raw, start, end) else 0


def _luhn(digits: bytes) -> bool:
    total = 0
    for place, byte in enumerate(reversed(digits)):
        digit = byte - 48
        total += digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4)
    return total % 10 == 0


def iban(raw: bytes, start: int, end: int) -> int:
    """Where the account number ends: its country's length and the checksum by ISO 7064."""
    wanted = _IBAN_LENGTHS.get(raw[start : start + 2].decode(), 0)
    kept, place = bytearray(), start
    while place < end and len(kept) < wanted:
        if raw[place] != 0x20:
            kept.append(raw[place])
        place += 1
    if not wanted or len(kept) != wanted or re.match(rb"\w", raw[place : place + 1]):
        return 0
    rotated = (kept[4:] + kept[:4]).decode()
    return place if int("".join(str(int(letter, 36)) for letter in rotated)) % 97 == 1 else 0


def ssn(raw: bytes, start: int, end: int) -> int:
    """A number that the United States could have issued."""
    area, group, serial = raw[start:end].split(b"-")
    never = area in {b"000", b"666"} or area[:1] == b"9" or group == b"00" or serial == b"0000"
    return 0 if never or not stands_alone(raw, start, end) else end


def ip(raw: bytes, start: int, end: int) -> int:
    """An address of some machine: no version, no loopback, nothing unspecified."""
    text = raw[start:end]
    if _VERSION.search(raw[max(0, start - 16) : start]) or not stands_alone(raw, start, end):
        return 0
    if b":" in text and not (_TWO_COLONS.fullmatch(text) or (text.count(b":") > 2 and re.search(rb"\d", text))):
        return 0
    try:
        address = ipaddress.ip_address(text.decode())
    except ValueError:
        return 0
    if address.is_loopback or address.is_unspecified:
        return 0
    small = address.version == 4 and not address.is_private and max(address.packed) < _SMALL
    return 0 if small and not _is_said_to_be_a_host(raw, start, end) else end


def _is_said_to_be_a_host(raw: bytes, start: int, end: int) -> bool:
    before = raw[max(0, start - 24) : start]
    return _HOST_BEFORE.search(before) is not None or _HOST_AFTER.match(raw, end, end + 8) is not None


def email(raw: bytes, start: int, end: int) -> int:
    """An address of a person: no file (`icon@2x.png`), no remote of git, no user of a URL (`https://key@host.com`)."""
    text = raw[start:end].lower()
    is_user = raw[max(0, start - 2) : start] == b"//"
    return 0 if is_user or text.rpartition(b".")[2] in _FILES or text.startswith(b"git@") else end


def mixed(raw: bytes, start: int, end: int) -> int:
    """Letters and digits: `password: required` tells no password."""
    text = raw[start:end]
    return end if re.search(rb"\d", text) and re.search(rb"[A-Za-z]", text) else 0


def assigned(raw: bytes, start: int, end: int) -> int:
    """A value and no name of one: no `config.key2`, `$PASSWORD1`, call, URL or publishable key (`pk_…`)."""
    if _NO_SECRET.fullmatch(raw, start, end):
        return 0
    # Between quotes `$ecret12` is a value; without them `$SECRET12` is a variable.
    quoted = raw[start - 1 : start] in {b'"', b"'"}
    if not quoted and (raw[end : end + 1] in {b"(", b"["} or _REFERENCE.fullmatch(raw, start, end)):
        return 0
    if quoted and (rest := re.compile(rb"[^\s\"'\\]{1,256}(?=[\"'])").match(raw, end)):
        end = rest.end()
    return mixed(raw, start, end)


def url_password(raw: bytes, start: int, end: int) -> int:
    """What stands in a URL as the password, where it is no placeholder (`${PASSWORD}`, `<password>`, `***`)."""
    return 0 if re.fullmatch(rb"\$\{.*\}|\$[A-Z_]+|<.*>|\{.*\}|\*+", raw[start:end]) else end


def national_number(text: bytes) -> bool:
    """Whether digits are grouped as in a telephone number: no date, no address of a machine, no row of decimals."""
    return not (_DATE.match(text) or _QUAD.fullmatch(text)) and _SPACED.fullmatch(text) is not None
