"""The router ended at each of its steps: at most one page for one incident, and nothing is lost.

The store and the receiver are real; the topic is a list with an offset, so that hundreds of ends take seconds.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from alerting_desk import Clock, Topic
from webhook_receiver import Receiver, receiving

from watchkeeper.cli.store import ReadStore, open_store
from watchkeeper.dashboards.alerting.channels.making import make_channel
from watchkeeper.dashboards.alerting.config_file import read_alerts
from watchkeeper.dashboards.alerting.delivery import Delivery
from watchkeeper.dashboards.alerting.holding import Mute
from watchkeeper.dashboards.alerting.ledger import Ledger
from watchkeeper.dashboards.alerting.router import Router, World
from watchkeeper.dashboards.alerting.secrets import Secrets
from watchkeeper.dashboards.alerting.totals import Totals
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.verdicts import VerdictRow

Make = Callable[..., Finding]


class EndedError(BaseException):
    """The process ends here."""


@dataclass
class Ending:
    """Ends the process before or after the step with a number."""

    at: int
    steps: int = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.at:
            raise EndedError


class Hooked:
    """The store and the topic, with an end before and after everything that changes the world."""

    def __init__(self, store: ReadStore, topic: Topic, ending: Ending) -> None:
        self._store, self._topic, self._ending = store, topic, ending

    def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        return self._store.rows(sql, **parameters)

    def insert(self, table: str, rows: Sequence[bytes]) -> None:
        self._ending.step()
        self._store.insert(table, rows)
        self._ending.step()

    def take(self, seconds: float) -> list[bytes]:
        return self._topic.take(seconds)

    def acknowledge(self) -> None:
        self._ending.step()
        self._topic.acknowledged = self._topic.taken
        self._ending.step()


class HookedDelivery(Delivery):
    """Sends, with an end before; the message itself may still go out, as a packet on the wire does."""

    ending: Ending

    def submit(self, channel: str, message: Any, answered: Any = None) -> None:
        self.ending.step()
        super().submit(channel, message, answered)
        self.ending.step()


class Nobody:
    """Nobody says anything, and the pipeline is well."""

    def mutes(self) -> list[Mute]:
        return []

    def verdicts(self, stored_since: datetime) -> list[VerdictRow]:
        del stored_since
        return []

    def trouble(self, stale_seconds: float, max_lag: int) -> str:
        del stale_seconds, max_lag
        return ""


@pytest.fixture(scope="module")
def store(own_database: str) -> Iterator[ReadStore]:
    with open_store(own_database) as opened:
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


class Case:
    """One tenant's findings and the routers that come one after another."""

    def __init__(self, store: ReadStore, receiver: Receiver, make: Make) -> None:
        self.tenant = f"t-{uuid.uuid4().hex[:12]}"
        self.clock = Clock(datetime.now(UTC))
        self.store, self.receiver = store, receiver
        made = [
            make(tenant_id=self.tenant, at=self.clock.at, root_session_id=f"root-{number % 2}", agent_id=agent,
                 failure_mode=mode, severity=severity)
            for number, (agent, mode, severity) in enumerate([
                ("a", "hallucinated_tool", "medium"), ("b", "cost_runaway", "high"), ("a", "cost_runaway", "medium"),
                ("a", "incident", "high"), ("b", "incident", "critical"), ("c", "scope_creep", "medium"),
            ])
        ]  # fmt: skip
        self.findings = made
        self.topic = Topic([one.model_dump_json().encode() for one in made])
        self.config = read_alerts(
            orjson.dumps(
                {
                    "channels": {"hook": {"kind": "webhook", "url": receiver.url}},
                    "routes": [{"match": {"tenants": [self.tenant]}, "channels": ["hook"]}],
                }
            ),
            "alerts.yaml",
        )

    def live(self, ending: Ending) -> bool:
        """One process; False where it was ended."""
        self.topic.taken = self.topic.acknowledged
        hooked = Hooked(self.store, self.topic, ending)
        delivery = HookedDelivery({"hook": make_channel("hook", self.config.channels["hook"], Secrets(Path()))})
        delivery.ending = ending
        nobody = Nobody()
        try:
            world = World(Ledger(hooked), hooked, nobody, nobody, delivery, self.clock, Totals())
            router = Router(self.config, world)
            for _ in range(14):
                router.run_pass(0.0)
                assert delivery.drain(20)
                self.clock.at += timedelta(seconds=400)
            return True
        except EndedError:
            return False
        finally:
            # What was handed to the network before the end arrives all the same.
            delivery.drain(20)
            delivery.close()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_wherever_it_ends_no_incident_is_paged_twice_and_no_finding_is_untold(
    store: ReadStore, receiver: Receiver, finding: Make, ledger_emptied: Callable[[], None]
) -> None:
    whole = Case(store, receiver, finding)
    counting = Ending(0)
    assert whole.live(counting)
    assert counting.steps > 20
    check(whole, repeats=0)
    for at in range(1, counting.steps + 1):
        ledger_emptied()
        case = Case(store, receiver, finding)
        assert not case.live(Ending(at))
        assert case.live(Ending(0))
        check(case, repeats=1)


def check(case: Case, *, repeats: int) -> None:
    """What the receiver has of a case, once each notice is taken once by its id, as docs/alerts.md tells receivers."""
    hooks = [hook for hook in case.receiver.taken() if hook.document["tenant_id"] == case.tenant]
    told = {hook.document["notice_id"]: hook.document for hook in hooks}
    # Only the one message that was on its way when the process ended may come twice, and says so.
    again = [hook for hook in hooks if hook.document["repeated"]]
    assert len(hooks) - len(told) <= len(again) <= repeats
    pages: dict[str, int] = {}
    for document in told.values():
        if document["kind"] == "page":
            pages[document["alert_id"]] = pages.get(document["alert_id"], 0) + 1
    assert set(pages.values()) == {1}
    ids = [one for document in told.values() for one in document["ids"]]
    assert sorted(ids) == sorted(one.finding_id for one in case.findings)
    # The findings of one tree, its incident among them, are in one alert.
    rows = case.store.rows(
        "SELECT tree, uniqExact(alert_id) AS alerts FROM alert_findings FINAL WHERE tenant_id = {t:String}"
        " GROUP BY tree", t=case.tenant,
    )  # fmt: skip
    assert {row["alerts"] for row in rows} == {1}
