"""Calendars that several agents keep."""

from __future__ import annotations

import threading
from typing import Any, Final

from watchkeeper.producers.fleet.worlds import chance_for

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday")
_TITLES: Final = ("stand-up in the large room", "review with the customer", "interview, second round", "planning")


class Calendars:
    """A week by calendar. Who writes a day replaces what stood there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._written: dict[str, dict[str, str]] = {}

    def read_calendar(self, calendar: str) -> dict[str, Any]:
        """Read the week of a calendar, day by day."""
        chance = chance_for("calendar", calendar)
        week = {day: chance.choice(_TITLES) for day in _DAYS}
        with self._lock:
            return {"calendar": calendar, "week": week | self._written.get(calendar, {})}

    def write_day(self, calendar: str, day: str, text: str) -> dict[str, Any]:
        """Write what is planned on a day; it replaces what stood there."""
        with self._lock:
            self._written.setdefault(calendar, {})[day] = text
        return {"calendar": calendar, "day": day, "saved": True}
