"""Trips: trains by day, bookings, payments, and other people's trips."""

from __future__ import annotations

from typing import Any, Final

from watchkeeper.producers.fleet.worlds import chance_for

_CARRIERS: Final = ("Blue Rail", "Northern Line", "Coast Express")


class TravelDesk:
    """Trains are the same at every run; bookings are named by who travels."""

    def find_trains(self, origin: str, destination: str, day: str) -> list[dict[str, Any]]:
        """Find trains of a day between two places, with prices in euros and what a ticket may be changed for."""
        chance = chance_for("trains", origin, destination, day)
        return [
            {
                "train": f"{chance.choice(_CARRIERS)} {chance.randrange(100, 999)}",
                "leaves": f"{day}T{hour:02d}:{chance.choice((5, 20, 50)):02d}",
                "minutes": chance.randrange(90, 320),
                "price": round(chance.uniform(29, 140), 2),
                "change": "free until the day before" if chance.random() < 0.5 else "19 euros",
            }
            for hour in (7, 9, 13, 17)
        ]

    def book_train(self, train: str, traveller: str) -> dict[str, Any]:
        """Book a seat on a train. It has to be paid within the hour."""
        return {"booking": f"{traveller}/{train}", "seat": "window", "state": "to be paid"}

    def pay_booking(self, booking: str, amount: float) -> dict[str, Any]:
        """Pay a booking, in euros."""
        return {"booking": booking, "amount": amount, "state": "paid"}

    def cancel_trip(self, traveller: str) -> dict[str, Any]:
        """Cancel all that is booked for a traveller."""
        return {"traveller": traveller, "cancelled": 3}
