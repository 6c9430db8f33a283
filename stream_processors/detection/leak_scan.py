"""Secrets and numbers of persons in a text: what the stream still finds where the producer did not mask.

What tells itself by its form and checksum, passwords in URLs, and what is assigned to the name of a password or key.
Published examples and placeholders (`AKIAIOSFODNN7EXAMPLE`, `sk-xxxx`, test cards) are none, nor are variables
(`password=config.key2`). What the producer masked (`[card:3f2a90c1]`) is for `masked_in`.
A host may hand in another `SecretScanner`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple, Protocol, get_args

from watchkeeper.schemas.policy_masking import MaskKind
from watchkeeper.stream_processors.detection.pattern_set import PatternSet
from watchkeeper.stream_processors.detection.word_lists import listed

MAX_PLACES: Final = 16
"""Places of each form that are looked at."""


class Spotted(NamedTuple):
    """A place in a text, in characters, and the value in one spelling."""

    kind: MaskKind
    start: int
    end: int
    value: str


class SecretScanner(Protocol):
    """Finds secrets and personal data."""

    def find(self, text: str) -> Sequence[Spotted]:
        """What stands in the text."""


_FORMS: Final[tuple[tuple[MaskKind, str], ...]] = (
    ("secret", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("secret", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,}|glpat-[\w-]{20,})"),
    ("secret", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("secret", r"\b(?:[rs]k_live_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9]{24,})"),
    ("secret", r"\b(?:sk-(?:proj|svcacct|admin|ant|or)-[\w-]{20,}|sk-[A-Za-z0-9]{32,})"),
    ("secret", r"\bAIza[0-9A-Za-z_-]{35}"),
    ("secret", r"\b(?:hf_[A-Za-z0-9]{34,}|npm_[A-Za-z0-9]{36})\b"),
    ("secret", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    ("secret", r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s]{16,64}"),
    ("card", r"\b\d(?:[ -]?\d){12,18}\b"),
    ("iban", r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b"),
    ("ssn", r"\b\d{3}-\d{2}-\d{4}\b"),
    ("email", r"\b[A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}\b"),
)
_NAMED: Final[tuple[tuple[str, tuple[bytes, ...]], ...]] = (
    (r"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"']{0,64}:([^\s/@\"'\[\]<>{}$*]{6,200})@", (b"://",)),
    (
        (
            r"(?i)(?:password|passwd|passphrase|(?:secret|api|access)[_-]?key|(?:auth|access|refresh)[_-]?token)"
            r"[\"']?\s{0,2}(?:=>|=|:)\s{0,2}[\"']?([^\s\"'\[\],;<>{}()\\$*]{6,200})(?:[\"'\s,;&}\]]|$)"
        ),
        (b"assw", b"ASSW", b"assphrase", b"ecret", b"ECRET", b"key", b"Key", b"KEY", b"oken", b"OKEN"),
    ),
)
"""Secrets that what stands beside them names, and the marks of which such a text holds one."""

_KINDS: Final = "|".join(get_args(MaskKind))
_MASKED: Final = re.compile(rf"\[({_KINDS})(?::[0-9a-f]{{8}})?\]")
_PLACEHOLDER: Final = re.compile(
    r"(?i)example|placeholder|your|dummy|sample|changeme|redacted|x{4}|\*{3}|0{6}|1234567|abcdef|deadbeef|test_?key"
)
_REFERENCE: Final = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+|(?:[a-z]+_)+[a-z0-9]+|[A-Z][A-Z0-9_]+|[rs]?pk_\w+")
"""A variable, not a value: `config.key2`, `db_password2`, `PASSWORD1`."""

_MIN_VARIETY: Final = 8
_SPACING: Final = re.compile(r"[ -]")
_TEST_CARDS: Final = listed(
    "4111111111111111 4242424242424242 4012888888881881 4000056655665556 4000000000000002 4222222222222",
    "5555555555554444 5105105105105100 2223003122003222 378282246310005 371449635398431 6011111111111117",
    "6011000990139424 3530111333300000 3566002020360505 30569309025904 38520000023237",
)
_EXAMPLE_NUMBERS: Final = frozenset(
    {"078-05-1120", "123-45-6789", "219-09-9999", "GB82WEST12345698765432", "DE89370400440532013000"}
)
_CARD: Final = re.compile(r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|6(?:011|4[4-9]\d|5\d\d)\d{12}")


class KnownForms:
    """The scanner that is used where none is handed in."""

    def find(self, text: str) -> Sequence[Spotted]:
        """See `SecretScanner.find`."""
        raw = text.encode(errors="replace")
        patterns = _patterns()
        occurring = patterns.occurring(raw)
        if not occurring:
            return ()
        found, plain = [], len(raw) == len(text)
        for index in occurring:
            named = index >= len(_FORMS)
            kind = "secret" if named else _FORMS[index][0]
            for start, end in patterns.places(index, raw, MAX_PLACES):
                shown = raw[start:end].decode(errors="replace")
                value = _named_value(shown) if named else _value(kind, shown)
                if value:
                    first = start if plain else len(raw[:start].decode(errors="replace"))
                    found.append(Spotted(kind, first, first + len(shown), value))
        return found


def masked_in(text: str) -> list[Spotted]:
    """The values that the producer masked; one without a pseudonym is like any other of its kind."""
    return [
        Spotted(kind, match.start(), match.end(), match.group())
        for match in _MASKED.finditer(text)
        for kind in get_args(MaskKind)
        if kind == match[1]
    ]


def _value(kind: MaskKind, found: str) -> str:
    """The value in one spelling; empty where it is none."""
    if kind == "secret":
        return "" if _PLACEHOLDER.search(found) or len(set(found)) < _MIN_VARIETY else found
    if kind == "email":
        return found.casefold()
    if found in _EXAMPLE_NUMBERS:
        return ""
    plain = _SPACING.sub("", found)
    if kind == "card":
        return plain if plain not in _TEST_CARDS and _CARD.fullmatch(plain) and _luhn(plain) else ""
    if kind == "iban":
        return plain if plain not in _EXAMPLE_NUMBERS and _is_iban(plain) else ""
    area, group, serial = found.split("-")
    never = area in {"000", "666"} or area[0] == "9" or group == "00" or serial == "0000"
    return "" if never else found


def _named_value(found: str) -> str:
    """A password has letters and digits: `password: required` tells none."""
    mixed = any(map(str.isdigit, found)) and any(map(str.isalpha, found))
    return "" if not mixed or _PLACEHOLDER.search(found) or _REFERENCE.fullmatch(found) else found


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        total += digit if place % 2 == 0 else digit * 2 - 9 * (digit > 4)
    return total % 10 == 0 and len(set(digits)) > 2


def _is_iban(plain: str) -> bool:
    rotated = plain[4:] + plain[:4]
    return 15 <= len(plain) <= 34 and int("".join(str(int(letter, 36)) for letter in rotated)) % 97 == 1


@cache
def _patterns() -> PatternSet:
    screens = {len(_FORMS) + number: marks for number, (_, marks) in enumerate(_NAMED)}
    return PatternSet([pattern.encode() for _, pattern in _FORMS] + [one.encode() for one, _ in _NAMED], screens)
