"""An agent whose sessions were graded: good for 600 sessions, then worse in one intent. Without broker and worker.

What the worker makes of its scores is worked out by the worker's own rules, in process.
"""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from clickhouse_connect.driver import Client

from watchkeeper.schemas.rows import INSERT_SETTINGS
from watchkeeper.schemas.scores import Score, score_id_of, subject_of_scores
from watchkeeper.schemas.signals import Scored, quality_subject
from watchkeeper.stream_processors.detection.subjects import SubjectJudge, SubjectState

GRADER = "exact@1"
CHANGES_AT = 600
SCORES = 760


class ScoredAgent:
    """Scores of one agent, three an hour, and what the worker's rules make of them."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.tenant = f"t-{uuid.uuid4().hex[:12]}"
        self.agent = "clerk"
        self.first = (datetime.now(UTC) - timedelta(days=20)).replace(minute=0, second=0, microsecond=0)

    def at(self, number: int) -> datetime:
        return self.first + timedelta(minutes=20 * number)

    def score(self, number: int, **given: Any) -> Score:
        session, grader = f"s-{number:04d}", given.pop("grader", GRADER)
        fields: dict[str, Any] = {
            "score_id": score_id_of(tenant_id=self.tenant, source="live", session_id=session, grader=grader),
            "subject": subject_of_scores(self.tenant, "live", self.agent),
            "tenant_id": self.tenant,
            "origin": "live",
            "source": "live",
            "session_id": session,
            "agent_id": self.agent,
            "agent_version": "3.1",
            "model": "house-model",
            "prompt_version": "p-1" if number < CHANGES_AT else "p-2",
            "intent": "refund" if number % 2 else "track",
            "grader": grader,
            "result_type": "pass",
            "occurred_at": self.at(number),
            "graded_at": self.at(number) + timedelta(minutes=3),
            **given,
        }
        return Score(**fields)

    def history(self, count: int = SCORES) -> list[Score]:
        """Mostly good, then refunds fail every second time."""
        draw = random.Random(5)
        found = []
        for number in range(count):
            fails = 0.5 if number >= CHANGES_AT and number % 2 else 0.05
            passed = draw.random() >= fails
            found.append(self.score(number, passed=passed, value=float(passed)))
        return found

    def put(self, table: str, *rows: Any) -> None:
        """Stores models as rows."""
        lines = b"\n".join(row.model_dump_json().encode() for row in rows)
        self.client.raw_insert(table, insert_block=lines, fmt="JSONEachRow", settings=INSERT_SETTINGS)

    def store(self, scores: list[Score]) -> None:
        self.put("scores", *scores)

    def judge(self, scores: list[Score]) -> SubjectState:
        """What stage 2 makes of them, and writes."""
        judge, state = SubjectJudge(strict=True), None
        names = Scored.model_fields.keys() & Score.model_fields.keys() - {"subject", "schema_version", "criteria"}
        for place, score in enumerate(scores):
            signal = Scored(
                signal_id=score.score_id,
                subject=quality_subject(self.tenant, score.origin, self.agent),
                source_partition=0,
                source_offset=place,
                ordinal=0,
                **score.model_dump(include=set(names)),
            )
            state = state or judge.open(signal)
            judge.step(state, signal, clock_us=0)
        assert state is not None
        return state

    def watch(self, state: SubjectState) -> None:
        """Stores the subject as a worker does."""
        row = [[3, state.subject, 7, self.tenant, state.origin, state.dump().decode()]]
        columns = ["source_partition", "subject", "version", "tenant_id", "origin", "state"]
        self.client.insert("subjects", row, column_names=columns)
