"""A carrier's parcels, and an interface to it that is down now and then."""

from __future__ import annotations

import threading
from typing import Any, Final

from watchkeeper.producers.fleet.worlds import chance_for

_PLACES: Final = ("Leipzig", "Porto", "Lyon", "Gdansk", "Graz")


class Parcels:
    """Parcels by number. Numbers that begin with `down` are asked for while the interface is down.

    Numbers that begin with `blip` are found at the second request.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: set[str] = set()

    def track_parcel(self, parcel: str) -> dict[str, Any]:
        """Where a parcel is, with the stations of its way."""
        with self._lock:
            first = parcel not in self._asked
            self._asked.add(parcel)
        if parcel.startswith("down") or (first and parcel.startswith("blip")):
            raise ConnectionError("503 from the carrier: the service is not available, try again later")
        chance = chance_for("parcel", parcel)
        stations = [
            {"place": place, "at": f"2025-06-0{number}T{chance.randrange(6, 22):02d}:15", "state": "passed on"}
            for number, place in enumerate(chance.sample(_PLACES, 3), 1)
        ]
        return {"parcel": parcel, "in": stations[-1]["place"], "stations": stations, "weight_kg": 2.4}
