"""What is looked for, by kind: expressions in the syntax of RE2, each with what must hold besides."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from watchkeeper.producers.masking import checks
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.policy import Masking

Check = Callable[[bytes, int, int], int]
"""The text, start and end of what an expression found; answers where it really ends, 0 where it is nothing."""

INSTALL: Final = "pip install 'watchkeeper[masking]'"


@dataclass(frozen=True, slots=True)
class Detector:
    """One expression.

    Attributes:
        kind: what it finds, as counted and as named in the replacement.
        pattern: the expression; its first group, where it has one, is what is masked.
        check: what must hold besides; None where the expression is enough.
    """

    kind: str
    pattern: bytes
    check: Check | None = None


_SECRETS: Final[Sequence[tuple[bytes, Check | None]]] = (
    (rb"\b((?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})\b", None),
    (rb"\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,}|glpat-[\w-]{20,})", None),
    (rb"\b(xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,})", None),
    (rb"hooks\.slack\.com/services/(T\w+/B\w+/\w{16,})", None),
    (rb"\b([rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9]{24,})", None),
    # A slug such as `sk-slovakia-2024-results` is none: words after dashes count for known prefixes only.
    (
        rb"\b(sk-(?:(?:proj|svcacct|admin|ant|or|lf)-[\w-]{20,}|[A-Za-z0-9]{20,})|gsk_[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{40,})",
        checks.mixed,
    ),
    (rb"\b(AIza[0-9A-Za-z_-]{35})", None),
    (
        rb"\b(hf_[A-Za-z0-9]{34,}|npm_[A-Za-z0-9]{36}|pypi-AgE[\w-]{50,}|dop_v1_[a-f0-9]{64}|shp(?:at|ss)_[a-f0-9]{32})",
        None,
    ),
    (rb"\b(SG\.[\w-]{22}\.[\w-]{43})", None),
    (rb"\b(eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})", None),
    (
        (
            rb"(-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)"
            rb"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\z))"
        ),
        None,
    ),
    (rb"(?i)\bbearer\s+([\w.~+/-]{16,}=*)", checks.mixed),
    (rb"(?i)\bauthorization[\"']?\s*[:=]\s*[\"']?basic\s+([A-Za-z0-9+/]{8,}=*)", None),
    (rb"(?i)\b[a-z][a-z0-9+.-]*://[^\s/:@\"']*:([^\s/@\"'\[]+)@", checks.url_password),
    (
        (
            rb"(?i)(?:password|passwd|pwd|[a-z0-9][_-]secret|secret[_-]?key|api[_-]?key|access[_-]?key|private[_-]?key"
            rb"|(?:auth|access|refresh)[_-]?token)[\"']?\s*(?:=>|=|:)\s*[\"']?([^\s\"'\[\],;<>{}()\\]{6,})"
        ),
        checks.assigned,
    ),
    # `The secret: 1960s-era furniture` tells none.
    (
        (
            rb"(?i)secret(?:[\"']?\s*(?:=>|=)\s*[\"']?|[\"']\s*:\s*[\"']|\s*:\s*[\"'])"
            rb"([^\s\"'\[\],;<>{}()\\]{6,})"
        ),
        checks.assigned,
    ),
)
_PERSONAL: Final[dict[str, Sequence[tuple[bytes, Check | None]]]] = {
    "email": (
        (rb"([\pL\pN][\pL\pN._%+'-]*(?:@|\\u0040|%40)(?:[\pL\pN][\pL\pN-]*\.)+\pL{2,})", checks.email),
    ),
    "card": ((rb"\b(\d(?:[ -]?\d){12,18})\b", checks.card),),
    "iban": ((rb"\b([A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,28})", checks.iban),),
    "ssn": ((rb"\b(\d{3}-\d{2}-\d{4})\b", checks.ssn),),
    "ip": (
        (rb"\b(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})\b", checks.ip),
        (rb"([0-9A-Fa-f]{1,4}:[0-9A-Fa-f:]+[0-9A-Fa-f])", checks.ip),
    ),
}  # fmt: skip


def detectors_of(masking: Masking) -> list[Detector]:
    """What a policy asks for, the surest first.

    Raises:
        ConfigurationError: it asks for telephone numbers, and what knows them is not installed.
    """
    found = [Detector(own.name, own.regex.encode()) for own in masking.patterns]
    if "secret" in masking.kinds:
        found += [Detector("secret", *one) for one in _SECRETS]
    found += [Detector(kind, *one) for kind, listed in _PERSONAL.items() if kind in masking.kinds for one in listed]
    if "phone" in masking.kinds:
        check = _phone(masking.phone_regions)
        found.append(Detector("phone", rb"((?:\+|\b00)[1-9][\d ().-]{5,20}\d)\b", check))
        if masking.phone_regions:
            found.append(Detector("phone", rb"(\(?\b\d{2,5}[ ).-][\d ().-]{4,18}\d)\b", check))
    return found


def _phone(regions: Sequence[str]) -> Check:
    try:
        numbers: Any = importlib.import_module("phonenumbers")
    except ImportError:
        raise ConfigurationError(
            f"the policy masks phone, which needs phonenumbers: {INSTALL}, or leave phone out of masking.kinds"
        ) from None
    if unknown := [region for region in regions if region not in numbers.SUPPORTED_REGIONS]:
        raise ConfigurationError(
            f"masking.phone_regions names {unknown[0]!r}, which is no region: use ISO codes such as US"
        )

    def check(raw: bytes, start: int, end: int) -> int:
        text = raw[start:end].decode()
        if not checks.stands_alone(raw, start, end):
            return 0
        if not text.startswith(("+", "00")) and not checks.national_number(raw[start:end]):
            return 0
        text = f"+{text[2:]}" if text.startswith("00") else text
        for region in [None] if text.startswith("+") else regions:
            try:
                if numbers.is_valid_number(numbers.parse(text, region)):
                    return end
            except numbers.NumberParseException:
                continue
        return 0

    return check
