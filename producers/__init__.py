"""What agent code uses: the recorder, its sessions and tools, and the commands that reach them.

    from watchkeeper.producers import Watchkeeper

    watch = Watchkeeper(agent="support", policy="support.yaml")
    with watch.session(user_id="u1", goal="Where is order 7?") as s:
        request = s.prompt(messages, model="gpt-4.1")
        ...

Everything is recorded in the host's thread by taking a copy, and sent from a thread of the recorder's own: emitting
never blocks, and raises nothing but `SessionStoppedError`. What is lost is counted (`Watchkeeper.losses`).
"""

from __future__ import annotations

from watchkeeper.producers.context import bind
from watchkeeper.producers.identity import Clock, Identity, LiveIdentity, ManualClock, RecordedIdentity
from watchkeeper.producers.losses import LOSS_REASONS, LossReason
from watchkeeper.producers.masking import Masked, Masker
from watchkeeper.producers.options import SessionOptions
from watchkeeper.producers.session import Session
from watchkeeper.producers.settings import Settings
from watchkeeper.producers.stops import OnStop, StopOrder
from watchkeeper.producers.transport import Delivery, Record, Transport
from watchkeeper.producers.watch import Watchkeeper
from watchkeeper.producers.writing.sender import Traffic
from watchkeeper.schemas.errors import ConfigurationError, PolicyError, SessionStoppedError, WatchkeeperError

__all__ = [
    "LOSS_REASONS",
    "Clock",
    "ConfigurationError",
    "Delivery",
    "Identity",
    "LiveIdentity",
    "LossReason",
    "ManualClock",
    "Masked",
    "Masker",
    "OnStop",
    "PolicyError",
    "Record",
    "RecordedIdentity",
    "Session",
    "SessionOptions",
    "SessionStoppedError",
    "Settings",
    "StopOrder",
    "Traffic",
    "Transport",
    "Watchkeeper",
    "WatchkeeperError",
    "bind",
]
