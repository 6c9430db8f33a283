"""All worlds of a run."""

from __future__ import annotations

from typing import Final

from watchkeeper.producers.fleet.pace import Pace
from watchkeeper.producers.fleet.worlds.books import Books
from watchkeeper.producers.fleet.worlds.calendars import Calendars
from watchkeeper.producers.fleet.worlds.claims import ClaimsOffice
from watchkeeper.producers.fleet.worlds.codebase import Codebase
from watchkeeper.producers.fleet.worlds.credit import CreditDesk
from watchkeeper.producers.fleet.worlds.diary import Diary
from watchkeeper.producers.fleet.worlds.handbook import Handbook
from watchkeeper.producers.fleet.worlds.library import Library
from watchkeeper.producers.fleet.worlds.mailroom import Mailroom
from watchkeeper.producers.fleet.worlds.market import Market
from watchkeeper.producers.fleet.worlds.night_shift import NightShift
from watchkeeper.producers.fleet.worlds.parcels import Parcels
from watchkeeper.producers.fleet.worlds.payments import PaymentsDesk
from watchkeeper.producers.fleet.worlds.recordings import Recordings
from watchkeeper.producers.fleet.worlds.refunds import RefundDesk
from watchkeeper.producers.fleet.worlds.retention import RetentionOffice
from watchkeeper.producers.fleet.worlds.travel import TravelDesk

QUEUED_SECONDS: Final = 90.0
"""How long a recording that is queued takes: half as long again as is promised of a whole session."""

COLD_SECONDS: Final = 300.0
"""How long a cold shard takes: longer than the night batch may run in all."""


class Worlds:
    """One of each world, shared by all sessions of a run."""

    def __init__(self, pace: Pace) -> None:
        self.refunds = RefundDesk()
        self.library = Library()
        self.diary = Diary()
        self.codebase = Codebase()
        self.books = Books()
        self.market = Market()
        self.night_shift = NightShift(pace.wait, COLD_SECONDS)
        self.retention = RetentionOffice()
        self.claims = ClaimsOffice()
        self.credit = CreditDesk()
        self.payments = PaymentsDesk()
        self.handbook = Handbook()
        self.mailroom = Mailroom()
        self.travel = TravelDesk()
        self.calendars = Calendars()
        self.parcels = Parcels()
        self.recordings = Recordings(pace.wait, QUEUED_SECONDS)
