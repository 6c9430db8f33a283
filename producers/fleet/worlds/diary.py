"""A team's calendar and its notes."""

from __future__ import annotations

import threading
from typing import Any, Final

from watchkeeper.producers.fleet.worlds import chance_for

OPENS: Final = 9
CLOSES: Final = 17
_TITLES = ("stand-up", "design review", "one to one", "interview", "customer call", "planning")


class Diary:
    """Busy hours by owner and day, meetings booked, notes kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._booked: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._notes: dict[str, dict[str, Any]] = {}

    def list_events(self, owner: str, day: str) -> list[dict[str, Any]]:
        """List what a person has on a day (year-month-day), by hour."""
        chance = chance_for("diary", owner, day)
        hours = sorted(chance.sample(range(OPENS, CLOSES), 4))
        standing = [{"hour": hour, "title": chance.choice(_TITLES)} for hour in hours]
        with self._lock:
            return standing + list(self._booked.get((owner, day), ()))

    def find_free_hour(self, owner: str, day: str) -> dict[str, Any]:
        """Find the first hour of a day at which a person is free."""
        busy = {event["hour"] for event in self.list_events(owner, day)}
        free = [hour for hour in range(OPENS, CLOSES) if hour not in busy]
        return {"owner": owner, "day": day, "hour": free[0] if free else None}

    def book_meeting(self, owner: str, day: str, hour: int, title: str) -> dict[str, Any]:
        """Book an hour for a meeting."""
        if any(event["hour"] == hour for event in self.list_events(owner, day)):
            raise ValueError(f"{owner} is busy on {day} at {hour}: ask for a free hour first")
        with self._lock:
            self._booked.setdefault((owner, day), []).append({"hour": hour, "title": title})
        return {"owner": owner, "day": day, "hour": hour, "title": title, "status": "booked"}

    def save_note(self, title: str, body: str = "", tags: list[str] | None = None, **fields: Any) -> dict[str, Any]:
        """Keep a note. Fields beyond the usual ones are kept as they are."""
        with self._lock:
            self._notes[title] = {"body": body, "tags": tags or [], **fields}
            return {"title": title, "fields": sorted(self._notes[title]), "notes": len(self._notes)}
