"""Figures as people read them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

_KIB: Final = 1024


def at(moment: datetime) -> str:
    """A moment in UTC, to the second: `2025-11-21 10:12:16`."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def duration(seconds: float) -> str:
    """A length of time: `120 ms`, `12.3 s`, `4 min 5 s`, `2 h 3 min`, `3 d 4 h`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, size, below, part in (("d", 86_400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit}" + (f" {rest} {below}" if rest else "")
    return f"{whole} s"


def offset(micros: int) -> str:
    """How long after the beginning: `+0.012 s`, `+12.3 s`, `+1 min 3 s`."""
    sign = "-" if micros < 0 else "+"
    seconds = abs(micros) / 1_000_000
    if seconds < 1:
        return f"{sign}{seconds:.3f} s"
    if seconds < 60:
        return f"{sign}{seconds:.1f} s"
    return f"{sign}{duration(seconds)}"


def money(usd: Decimal | float) -> str:
    """US dollars, with as many decimals as small sums need: `$12.40`, `$0.0031`."""
    value = Decimal(str(usd))
    if value == 0:
        return "$0"
    if abs(value) >= 1:
        return f"${value:,.2f}"
    return f"${value:.4f}" if abs(value) >= Decimal("0.0001") else f"${value:.7f}".rstrip("0")


def cost(usd: Decimal | float, unpriced: int) -> str:
    """What was spent, and whether that is all of it: `unpriced`, or `≥ $0.0031` where a part has no price."""
    if unpriced and not usd:
        return "unpriced"
    return f"≥ {money(usd)}" if unpriced else money(usd)


def count(number: int) -> str:
    """A whole number: `12,310`."""
    return f"{number:,}"


def size(number: int) -> str:
    """Bytes: `512 B`, `1.2 KiB`, `5.0 MiB`."""
    if number < _KIB:
        return f"{number} B"
    if number < _KIB * _KIB:
        return f"{number / _KIB:.1f} KiB"
    return f"{number / _KIB / _KIB:.1f} MiB"


def plural(number: int, noun: str) -> str:
    """A count with its noun: `1 finding`, `2 findings`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def bar(share: float, width: int = 20) -> str:
    """A share of a whole as a bar; one that is over stays full."""
    filled = min(width, max(0, round(share * width)))
    return "█" * filled + "░" * (width - filled)
