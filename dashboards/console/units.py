"""Figures of panels with their unit, by Grafana's names of units."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from watchkeeper.dashboards.console.sources import Formats

NOTHING: Final = "no data"
"""Undefined is not zero."""

_A_SECOND: Final = frozenset({"eps", "ops", "reqps", "cps", "wps", "rps", "iops"})
_SECONDS: Final = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_BYTES: Final = frozenset({"bytes", "decbytes"})


def number_of(value: Any) -> float | None:
    """A value as a number to be drawn; None where it is none, or has no value."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    found = float(value)
    return found if math.isfinite(found) else None


def written(value: Any, unit: str, formats: Formats, decimals: int | None = None) -> str:
    """A value as people read it.

    Args:
        value: of ClickHouse.
        unit: Grafana's name of it.
        formats: how money and times are written.
        decimals: how many are shown; None for as many as it takes.
    """
    if isinstance(value, datetime):
        return formats.at(value)
    found = number_of(value)
    if found is not None:
        return _figure(found, unit, formats, decimals)
    return NOTHING if value is None or isinstance(value, float) else str(value)


def _figure(found: float, unit: str, formats: Formats, decimals: int | None) -> str:
    if unit in {"percentunit", "percent"}:
        return f"{found * (100 if unit == 'percentunit' else 1):.{1 if decimals is None else decimals}f} %"
    if unit == "currencyUSD":
        return formats.money(round(found, 9))
    if unit in _SECONDS:
        return formats.duration(found * _SECONDS[unit])
    if unit in _BYTES:
        return formats.size(round(found))
    return _plain(found, decimals) + ("/s" if unit in _A_SECOND else "")


def _plain(value: float, decimals: int | None) -> str:
    if decimals is not None:
        return f"{value:,.{decimals}f}"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.3g}"
