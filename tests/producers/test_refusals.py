"""What becomes of records that a transport gives up: a reason, a line in the log, and no second one for a minute."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pytest

from watchkeeper.producers import Settings, Watchkeeper
from watchkeeper.producers.losses import LossReason
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.producers.transport import Delivery, OnDelivery, Record
from watchkeeper.producers.transport.refusals import reason_of
from watchkeeper.producers.writing import sender

Make = Callable[..., Watchkeeper]


class Refusing(MemoryTransport):
    """Answers each record with an error; with none, never answers."""

    def __init__(self, error: str) -> None:
        super().__init__()
        self.error = error
        self.waiting = 0

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:
        if self.error:
            on_delivery(Delivery(record, self.error))
        else:
            self.waiting += 1
        return True

    def flush(self, seconds: float) -> int:
        return self.waiting


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("MSG_SIZE_TOO_LARGE", "too_large"),
        ("UNKNOWN_TOPIC_OR_PART", "refused"),
        ("TOPIC_AUTHORIZATION_FAILED", "refused"),
        ("_MSG_TIMED_OUT", "delivery_failed"),
        ("_DESTROY", "delivery_failed"),
        ("spool_full", "spool_full"),
        ("spool_failed", "spool_failed"),
        ("spool_damaged", "spool_damaged"),
    ],
)
def test_each_error_is_counted_by_its_reason_and_told_once(
    error: str, reason: LossReason, make_watch: Make, caplog: pytest.LogCaptureFixture
) -> None:
    assert reason_of(error) == reason
    watch = make_watch(transport=Refusing(error), settings=Settings(record_events=1))
    with watch.session() as s:
        for number in range(50):
            s.outcome("n", number)
    assert not watch.flush(20)
    assert watch.losses() == {reason: 52}
    (told,) = [record for record in caplog.records if "given up" in record.message]
    assert told.levelno == logging.WARNING
    assert f"A record of 1 events was given up, {error}" in told.message
    assert f"counted as `{reason}`" in told.message


def test_that_nothing_arrives_is_told_once(
    make_watch: Make, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, until: Callable[..., None]
) -> None:
    monkeypatch.setattr(sender, "STALL_SECONDS", 0.2)
    transport = Refusing("")
    watch = make_watch(transport=transport)
    with watch.session():
        pass
    until(lambda: [record for record in caplog.records if "acknowledged nothing" in record.message])
    # Looked at again, several times over, while everything still waits.
    looked = time.monotonic() + 1.0
    until(lambda: time.monotonic() > looked)
    assert len([record for record in caplog.records if "acknowledged nothing" in record.message]) == 1
    assert watch.losses() == {}
