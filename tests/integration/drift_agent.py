"""An agent of sixty simulated days: what it does, who grades it, and what people see of both."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from confluent_kafka import Producer

from watchkeeper.cli.store import ReadStore
from watchkeeper.evals.grading.registry import build_graders
from watchkeeper.evals.grading.running import Occasion, run_graders
from watchkeeper.evals.reading.reader import InteractionReader
from watchkeeper.producers import Watchkeeper
from watchkeeper.producers.fleet.pace import PastClock
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.scores import Score
from watchkeeper.schemas.topics import PARTITIONER, SCORES

PATIENCE_SECONDS = 180.0
INTENTS = ("exchange", "refund", "returns", "track")
POLICY = {
    "agent": "clerk",
    "version": "1",
    "quality": {"promise": 2000, "baseline": 500, "baseline_days": 14},
}


class Clerk:
    """An agent that looks orders up and says what they cost; a slip is an amount that stands nowhere.

    Args:
        a_day: sessions a day.
    """

    def __init__(self, bootstrap: str, store: ReadStore, *, a_day: int = 40, seed: int = 11) -> None:
        self.tenant = f"t-{uuid.uuid4().hex[:12]}"
        self.a_day = a_day
        self.first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=62)
        self._draw = random.Random(seed)
        self._store = store
        self._watch = Watchkeeper(
            "clerk", policy=POLICY, bootstrap=bootstrap, tenant=self.tenant, agent_version="3.1", origin="simulated",
            block=True,
        )  # fmt: skip
        self._producer = Producer({"bootstrap.servers": bootstrap, "partitioner": PARTITIONER, "acks": "all"})
        self._graders = build_graders(["groundedness"])

    def day(self, number: int) -> datetime:
        """When a day begins."""
        return self.first + timedelta(days=number)

    def work(self, days: Iterable[int], *, prompt_version: str, slips: dict[str, float]) -> None:
        """Sessions of these days, each slipping by the chance of its intent (`*` for all others)."""
        for day in days:
            for number in range(self.a_day):
                at_us = to_us(self.day(day)) + number * (86_400_000_000 // self.a_day)
                intent = INTENTS[self._draw.randrange(len(INTENTS))]
                self._serve(at_us, intent, prompt_version, slip=self._draw.random() < slips.get(intent, slips["*"]))
        assert self._watch.flush(60)

    def _serve(self, at_us: int, intent: str, prompt_version: str, *, slip: bool) -> None:
        number, amount = self._draw.randrange(10_000, 99_999), self._draw.randrange(2_000, 90_000) / 100
        said = amount + self._draw.randrange(1_000, 5_000) / 100 if slip else amount
        clock = PastClock(at_us)
        told: dict[str, Any] = {"intent": intent, "model": "house-model", "prompt_version": prompt_version}
        with self._watch.session(clock=clock, goal=f"{intent} of an order", **told) as session:
            session.prompt([{"role": "user", "content": f"What about order {number}?"}])
            call = session.tool_call("lookup_order", {"order": number})
            session.tool_result(call, {"order": number, "amount": f"{amount:.2f} USD"})
            session.response(f"Your order {number} comes to {said:.2f} USD.", answer=True)

    def grade(self, since: datetime, until: datetime, *, twice: bool = False) -> list[Score]:
        """Grades the sessions that ended between two moments, in their order, and publishes the scores."""
        reader = InteractionReader(self._store)
        refs = list(reader.ended_between(self.tenant, since, until, agent="clerk"))
        scores: list[Score] = []
        for start in range(0, len(refs), 200):
            batch = [ref.session_id for ref in refs[start : start + 200]]
            for interaction in reader.by_ids(self.tenant, batch):
                scores += run_graders(self._graders, interaction, occasion=Occasion("live", datetime.now(UTC)))
        for _ in range(1 + twice):
            self.publish(scores)
        return scores

    def publish(self, scores: Iterable[Score]) -> None:
        """Puts scores on `agent.scores`."""
        for score in scores:
            self._producer.produce(SCORES.name, key=score.subject.encode(), value=score.model_dump_json().encode())
        assert self._producer.flush(60) == 0

    def counted(self) -> int:
        """How many scores drift has taken in."""
        rows = self._rows(
            "SELECT state FROM subjects FINAL WHERE tenant_id = {tenant:String} AND subject LIKE 'quality:%'"
        )
        if not rows:
            return 0
        counts = orjson.loads(rows[0]["state"])["s"]["folds"]["quality_drift"][1]["counts"]
        return sum(number for name, number in counts.items() if name.startswith("graders/"))

    def sessions(self) -> int:
        """How many sessions are stored with their end."""
        query = "SELECT count() AS n FROM sessions FINAL WHERE tenant_id = {tenant:String} AND status != 'open'"
        return int(self._rows(query)[0]["n"])

    def stored(self) -> list[str]:
        """The ids of all scores that are stored."""
        return [
            row["score_id"] for row in self._rows("SELECT score_id FROM scores FINAL WHERE tenant_id = {tenant:String}")
        ]

    def findings(self, mode: str = "quality_drift") -> list[dict[str, Any]]:
        """Findings of a mode, of each the latest revision."""
        query = (
            "SELECT * FROM findings FINAL WHERE tenant_id = {tenant:String} AND failure_mode = {mode:String}"
            " ORDER BY detected_at"
        )
        rows = self._rows(query, mode=mode)
        return [row | {"evidence": orjson.loads(row["evidence"])} for row in rows]

    def until(self, ready: Callable[[], bool], what: str) -> None:
        """Waits for a condition."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not ready():
            assert time.monotonic() < deadline, what
            time.sleep(0.1)

    def close(self) -> None:
        """Lets go of the clients."""
        self._watch.close()
        del self._producer

    def _rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        return self._store.rows(query, tenant=self.tenant, **parameters)
