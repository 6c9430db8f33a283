"""What tests of alerts share: findings, a topic, a clock that they move, and a router over a real store."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from webhook_receiver import Hook, Receiver

from watchkeeper.cli.alerts.people import People
from watchkeeper.cli.store import ReadStore
from watchkeeper.dashboards.alerting.channels.making import make_channel
from watchkeeper.dashboards.alerting.config_file import read_alerts
from watchkeeper.dashboards.alerting.delivery import Delivery
from watchkeeper.dashboards.alerting.ledger import Ledger
from watchkeeper.dashboards.alerting.router import Router, World
from watchkeeper.dashboards.alerting.secrets import Secrets
from watchkeeper.dashboards.alerting.totals import Totals
from watchkeeper.schemas.evidence import UnknownTool
from watchkeeper.schemas.evidence.incident import Compounded
from watchkeeper.schemas.findings import Finding

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
SENT_SECONDS = 30.0


def make_finding(**given: Any) -> Finding:
    """A finding, about a session of its own unless it is given one."""
    at = given.pop("at", NOON)
    session = given.setdefault("session_id", f"session-{uuid.uuid4().hex[:12]}")
    mode = given.setdefault("failure_mode", "hallucinated_tool")
    if mode == "incident":
        evidence: Any = Compounded(
            first_cause="hallucinated_tool",
            first_session=session or "s",
            steps=[],
            modes=["hallucinated_tool", "cost_runaway"],
            sessions=[session or "s"],
        )
    else:
        evidence = UnknownTool(
            tool_name=given.pop("tool", "refund_all"), tool_call_id="c-1", registered=1, nearest=["refund"]
        )
    values: dict[str, Any] = {
        "finding_id": f"finding-{uuid.uuid4().hex}",
        "tenant_id": "acme",
        "root_session_id": session,
        "agent_id": "support",
        "origin": "live",
        "kind": evidence.kind,
        "severity": "high",
        "rule_id": mode,
        "rule_version": 1,
        "summary": f"{mode} in {session}",
        "evidence": evidence,
        "first_event_at": at,
        "last_event_at": at,
        "detected_at": at + timedelta(milliseconds=100),
        "runbook": f"docs/runbooks/{mode}.md",
        **given,
    }
    return Finding(**values)


@dataclass
class Topic:
    """`agent.findings` with the group's offset.

    Attributes:
        batch: how many records come at once.
    """

    records: list[bytes] = field(default_factory=list)
    taken: int = 0
    acknowledged: int = 0
    batch: int = 3

    def take(self, seconds: float) -> list[bytes]:
        del seconds
        some = self.records[self.taken : self.taken + self.batch]
        self.taken += len(some)
        return some

    def acknowledge(self) -> None:
        self.acknowledged = self.taken


@dataclass
class Clock:
    at: datetime

    def now(self) -> datetime:
        return self.at


@dataclass
class Pipeline:
    """How the pipeline is said to be."""

    why: str = ""

    def trouble(self, stale_seconds: float, max_lag: int) -> str:
        del stale_seconds, max_lag
        return self.why


class Desk:
    """One tenant's findings and a router that tells of them: a real store, real people's verdicts, a real receiver.

    Attributes:
        tenant: whose findings are made.
        clock: the router's.
    """

    def __init__(self, store: ReadStore, receiver: Receiver, **config: Any) -> None:
        self.tenant = f"tenant-{uuid.uuid4().hex[:12]}"
        self.clock, self.topic, self.totals = Clock(datetime.now(UTC)), Topic(), Totals()
        self.store, self.receiver = store, receiver
        values = {
            "channels": {"hook": {"kind": "webhook", "url": receiver.url}},
            "routes": [{"match": {"tenants": [self.tenant]}, "channels": list(config.get("channels", {"hook": 0}))}],
            **config,
        }
        self._config = read_alerts(orjson.dumps(values), "alerts.yaml")
        channels = {name: make_channel(name, one, Secrets(Path())) for name, one in self._config.channels.items()}
        self._delivery = Delivery(channels)
        self._pipeline = Pipeline()
        self.router = self.restarted()

    def restarted(self) -> Router:
        """Another router, which goes on from what is kept."""
        world = World(
            Ledger(self.store), self.topic, People(self.store), self._pipeline, self._delivery, self.clock, self.totals
        )
        self.router = Router(self._config, world)
        return self.router

    def found(self, **given: Any) -> Finding:
        """A finding that the worker kept; the router hears of it by `hear`."""
        one = make_finding(**{"tenant_id": self.tenant, "at": self.clock.at, **given})
        self.store.insert("findings", [one.model_dump_json().encode()])
        return one

    def hear(self, *findings: Finding) -> None:
        """Puts findings into the topic."""
        self.topic.records += [one.model_dump_json().encode() for one in findings]

    def passes(self, seconds: float, times: int = 4) -> list[Hook]:
        """Lets the router work while so much time passes; what arrived meanwhile."""
        before = len(self.receiver.hooks)
        for _ in range(times):
            self.router.run_pass(0.0)
            assert self._delivery.drain(SENT_SECONDS)
            self.clock.at += timedelta(seconds=seconds / times)
        self.router.run_pass(0.0)
        assert self._delivery.drain(SENT_SECONDS)
        self.router.run_pass(0.0)
        return self.receiver.hooks[before:]

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Rows of the tenant."""
        return self.store.rows(sql, tenant=self.tenant)

    def close(self) -> None:
        """Ends its threads."""
        self._delivery.close()
