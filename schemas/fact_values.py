"""Reads a value as the fact that it is declared to be: as it stands, or by a declared rule, or not at all."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, Literal, TypeAlias

from watchkeeper.schemas.policy_facts import Fact, Normalization, day_of, is_of_type, moment_of

FactFault: TypeAlias = Literal[
    "missing", "null", "undeclared", "wrong_type", "not_finite", "not_one_of", "below_minimum", "above_maximum"
]

MAX_TEXT = 10_000
"""A longer text is not tried for other spellings of a number or a date."""

_LARGEST = 2**63 - 1

_GROUPED = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,9}|[0-9]{1,30})(?:\.[0-9]{1,10})?"
_GROUPED_COMMA = r"(?:[0-9]{1,3}(?:[. \u00a0][0-9]{3}){1,9}|[0-9]{1,30})(?:,[0-9]{1,10})?"
_UNIT = r"(?:[$€£¥₹]|[A-Z]{3})"


def _money_of(number: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?P<open>\()?(?P<sign>[+-])?\s?{_UNIT}?\s?(?P<inner>[+-])?(?P<number>{number})\s?{_UNIT}?(?P<close>\))?"
    )


_MONEY = _money_of(_GROUPED)
_MONEY_COMMA = _money_of(_GROUPED_COMMA)
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?")
_PERCENT = re.compile(r"([+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?)\s?%")
_WORDS = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}
_PACKED_DAY = re.compile(r"([0-9]{4})([/.]?)([0-9]{2})\2([0-9]{2})")
_US_DAY = re.compile(r"(?P<month>[0-9]{1,2})[/-](?P<day>[0-9]{1,2})[/-](?P<year>[0-9]{4})")
_EU_DAY = re.compile(r"(?P<day>[0-9]{1,2})[./-](?P<month>[0-9]{1,2})[./-](?P<year>[0-9]{4})")


@dataclass(frozen=True, slots=True)
class Reading:
    """A value, read.

    Attributes:
        value: of the declared type; None where it could not be read.
        fault: why it could not be read, or what limit it breaks; None where all is right.
        rule: the rule that changed it; None where it stood as declared.
    """

    value: Any = None
    fault: FactFault | None = None
    rule: Normalization | None = None


def read_fact(value: Any, fact: Fact) -> Reading:
    """The value as the fact that it is declared to be. Nothing is coerced but by a declared rule."""
    if value is None:
        return Reading() if fact.nullable else Reading(fault="null")
    rule: Normalization | None = None
    if isinstance(value, str) and len(value) <= MAX_TEXT:
        value, rule = _normalized(value, fact)
    if isinstance(value, float) and not math.isfinite(value):
        return Reading(fault="not_finite", rule=rule)
    if not is_of_type(value, fact.type):
        return Reading(fault="not_finite" if _says_nan(value, fact) else "wrong_type", rule=rule)
    return Reading(value=_plain(value, fact), fault=_limit(value, fact), rule=rule)


def as_cel(value: Any, fact: Fact) -> Any:
    """A value that was read, as conditions take it: days and moments are moments."""
    if value is None:
        return None
    if fact.type == "date" and (day := day_of(value)) is not None:
        return datetime.combine(day, time(), UTC)
    if fact.type == "timestamp":
        return moment_of(value)
    return value


def read_number(text: str) -> float | None:
    """A number out of any of the spellings of numbers, amounts and percentages that are not ambiguous."""
    for read in (_number, _money, _percent):
        if (number := read(text.strip())) is not None:
            return float(number)
    return None


def _normalized(text: str, fact: Fact) -> tuple[Any, Normalization | None]:
    value: Any = text
    applied: Normalization | None = None
    for rule in fact.normalize:
        # A date or a number that stands as declared needs no other reading.
        if not isinstance(value, str) or (rule not in {"trim", "lower"} and is_of_type(value, fact.type)):
            break
        changed = _READERS[rule](value)
        if changed is not None and changed != value:
            value, applied = changed, rule
    return value, applied


def _says_nan(value: Any, fact: Fact) -> bool:
    if fact.type not in {"number", "integer"} or not isinstance(value, str):
        return False
    return value.strip().lower().lstrip("+-") in {"nan", "inf", "infinity"}


def _plain(value: Any, fact: Fact) -> Any:
    """5 and 5.0 are one number: a number is a float and an integer an int, so that conditions find their type."""
    if fact.type == "integer":
        return int(value)
    if fact.type == "number":
        try:
            return float(value)
        except OverflowError:
            return None
    return value


def _limit(value: Any, fact: Fact) -> FactFault | None:
    if fact.type in {"number", "integer"}:
        if (isinstance(value, int) or fact.type == "integer") and abs(value) > _LARGEST:
            return "above_maximum" if value > 0 else "below_minimum"
        if fact.minimum is not None and value < fact.minimum:
            return "below_minimum"
        if fact.maximum is not None and value > fact.maximum:
            return "above_maximum"
    if fact.one_of is not None and value not in fact.one_of:
        return "not_one_of"
    return None


def _number(text: str) -> float | None:
    return _finite(text) if _NUMBER.fullmatch(text) else None


def _money(text: str) -> float | None:
    return _amount(_MONEY.fullmatch(text), lambda number: number.replace(",", ""))


def _money_comma(text: str) -> float | None:
    return _amount(_MONEY_COMMA.fullmatch(text), lambda number: re.sub(r"[. \u00a0]", "", number).replace(",", "."))


def _amount(found: re.Match[str] | None, digits: Callable[[str], str]) -> float | None:
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    signs = [sign for sign in (found["open"] and "-", found["sign"], found["inner"]) if sign]
    if len(signs) > 1:
        return None
    return _finite(digits(found["number"])) * (-1 if signs == ["-"] else 1)


def _finite(text: str) -> float:
    number = float(text)
    return int(text) if text.lstrip("+-").isdigit() and abs(number) >= 2**53 else number


def _percent(text: str) -> float | None:
    found = _PERCENT.fullmatch(text)
    # Divided as a decimal: 0.15, and not 0.15000000000000002.
    return float(f"{found[1]}e-2") if found else None


def _yes_no(text: str) -> bool | None:
    return _WORDS.get(text.strip().lower())


def _iso_date(text: str) -> str | None:
    moment = moment_of(text)
    if moment is not None:
        return moment.date().isoformat()
    found = _PACKED_DAY.fullmatch(text)
    return _day(found[1], found[3], found[4]) if found else None


def _us_date(text: str) -> str | None:
    found = _US_DAY.fullmatch(text)
    return _day(found["year"], found["month"], found["day"]) if found else None


def _eu_date(text: str) -> str | None:
    found = _EU_DAY.fullmatch(text)
    return _day(found["year"], found["month"], found["day"]) if found else None


def _day(year: str, month: str, day: str) -> str | None:
    text = f"{year}-{int(month):02}-{int(day):02}"
    return text if day_of(text) else None


_READERS: dict[Normalization, Callable[[str], Any]] = {
    "trim": str.strip,
    "lower": str.lower,
    "number": _number,
    "money": _money,
    "money_comma": _money_comma,
    "percent": _percent,
    "yes_no": _yes_no,
    "iso_date": _iso_date,
    "us_date": _us_date,
    "eu_date": _eu_date,
}
