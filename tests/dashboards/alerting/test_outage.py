"""What is told past the ledger, and the dead man's switch: real channels and receivers, a time that tests move."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from webhook_receiver import Receiver, receiving

from watchkeeper.dashboards.alerting import heartbeat
from watchkeeper.dashboards.alerting.channels.http import Poster
from watchkeeper.dashboards.alerting.channels.making import make_channel
from watchkeeper.dashboards.alerting.config_file import read_alerts
from watchkeeper.dashboards.alerting.delivery import Delivery
from watchkeeper.dashboards.alerting.heartbeat import Heartbeat
from watchkeeper.dashboards.alerting.outage import Outage
from watchkeeper.dashboards.alerting.secrets import Secrets
from watchkeeper.dashboards.alerting.totals import Totals

PATIENCE_SECONDS = 30.0
TROUBLE = "ClickHouse at x does not answer"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


class Told:
    """An outage and the channels that it is told to."""

    def __init__(self, receiver: Receiver, **pipeline: Any) -> None:
        values = {
            "channels": {"hook": {"kind": "webhook", "url": receiver.url}, "log": {"kind": "log"}},
            "pipeline": {"channels": ["hook"], "after_seconds": 60, **pipeline},
        }
        config = read_alerts(orjson.dumps(values), "alerts.yaml")
        self.delivery = Delivery(
            {name: make_channel(name, one, Secrets(Path())) for name, one in config.channels.items()}
        )
        self.outage, self._receiver = Outage(config, self.delivery), receiver

    def lasts(self, *moments: float) -> list[Any]:
        return self._at(moments, lambda now: self.outage.lasts(TROUBLE, now))

    def over(self, *moments: float) -> list[Any]:
        return self._at(moments, self.outage.over)

    def _at(self, moments: tuple[float, ...], do: Callable[[float], None]) -> list[Any]:
        before = len(self._receiver.hooks)
        for now in moments:
            do(now)
            assert self.delivery.drain(PATIENCE_SECONDS)
        return [hook.document for hook in self._receiver.hooks[before:]]


@pytest.fixture
def told(receiver: Receiver) -> Iterator[Told]:
    made = Told(receiver)
    yield made
    made.delivery.close()


def test_an_outage_is_told_once_when_it_is_long_and_when_it_is_over(told: Told) -> None:
    assert told.lasts(0, 30, 59) == []
    (page,) = told.lasts(60, 62, 500, 5000)
    assert (page["kind"], page["severity"], page["runbook"]) == ("page", "critical", "docs/runbooks/store-away.md")
    assert TROUBLE in page["title"]
    (over,) = told.over(5001, 5002, 6000)
    assert (over["kind"], over["alert_id"]) == ("resolved", page["alert_id"])
    assert "back after 5001 s" in over["why"]


def test_a_short_one_is_told_to_nobody(told: Told) -> None:
    assert told.lasts(0, 50) + told.over(55) + told.lasts(70, 100) + told.over(110) == []


def test_a_channel_that_does_not_take_it_is_tried_again_with_the_same_id(told: Told, receiver: Receiver) -> None:
    receiver.answer = lambda number: (503, {}, b"") if number < 2 else (200, {}, b"ok")
    hooks = told.lasts(0, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 90, 400)
    assert [hook["attempt"] for hook in hooks] == [1, 2, 3]
    assert len({hook["notice_id"] for hook in hooks}) == 1


def test_what_was_not_taken_before_it_was_over_is_not_paged_after(told: Told, receiver: Receiver) -> None:
    receiver.answer = lambda number: (503, {}, b"") if number < 2 else (200, {}, b"ok")
    first = told.lasts(0, 60)
    assert [one["kind"] for one in [*first, *told.over(61, 62, 63, 64, 65, 66, 90)]] == ["page", "resolved", "resolved"]


def test_a_channel_that_refuses_for_good_is_not_asked_for_ever(told: Told, receiver: Receiver) -> None:
    receiver.answer = lambda _: (403, {}, b"")
    assert len(told.lasts(*range(0, 4000, 20))) == 3


def test_a_second_one_in_the_same_hour_is_another_alert(told: Told) -> None:
    (first,) = told.lasts(0, 60)
    told.over(70)
    (second,) = told.lasts(80, 150)
    told.over(160)
    assert first["since"][:13] != second["since"][:13] or first["notice_id"] != second["notice_id"]


def test_the_same_outage_told_by_a_router_that_was_started_again_has_the_same_id(receiver: Receiver) -> None:
    hooks = []
    for _ in range(2):
        told = Told(receiver)
        hooks += told.lasts(0, 60)
        told.delivery.close()
    first, second = hooks
    assert first["since"][:13] != second["since"][:13] or first["notice_id"] == second["notice_id"]


def test_where_it_is_turned_off_nobody_is_told(receiver: Receiver) -> None:
    told = Told(receiver, enabled=False)
    assert told.lasts(0, 60, 600) + told.over(700) == []
    told.delivery.close()


def test_the_heartbeat_is_sent_while_all_is_well_and_by_nobody_who_stands_still(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    totals = Totals()
    beat = Heartbeat(Poster(receiver.url, 5), 0.02, totals)
    beat.start()
    try:
        _until(lambda: totals.heartbeats["withheld"] >= 2)
        assert receiver.hooks == []
        beat.well()
        hooks = receiver.wait_for(lambda found: len(found) >= 3, PATIENCE_SECONDS)
        assert {hook.method for hook in hooks} == {"GET"}
        beat.ill()
        _still(totals, receiver)
        beat.well()
        before = len(receiver.hooks)
        receiver.wait_for(lambda found: len(found) > before, PATIENCE_SECONDS)
        # The router says nothing any more: its last word grows old.
        monkeypatch.setattr(heartbeat, "FRESH_SECONDS", 0.05)
        _still(totals, receiver)
    finally:
        beat.stop()


def test_a_heartbeat_that_is_not_taken_is_counted_and_sent_again(receiver: Receiver) -> None:
    receiver.answer = lambda number: (500, {}, b"") if number == 0 else (200, {}, b"")
    totals = Totals()
    beat = Heartbeat(Poster(receiver.url, 5), 0.02, totals)
    beat.well()
    beat.start()
    try:
        _until(lambda: totals.heartbeats["sent"] > 0)
    finally:
        beat.stop()
    assert totals.heartbeats["failed"] == 1


def _still(totals: Totals, receiver: Receiver) -> None:
    """Waits until heartbeats are withheld, and sees that none comes while several are."""
    # One may be under way when it is told to stop.
    _withheld(totals)
    before = len(receiver.hooks)
    _withheld(totals)
    assert len(receiver.hooks) == before


def _withheld(totals: Totals) -> None:
    before = totals.heartbeats["withheld"]
    _until(lambda: totals.heartbeats["withheld"] >= before + 3)


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)
