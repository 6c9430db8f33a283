"""A grader of the runs: scores of a host's sessions on `agent.scores`, the same in each run; some come twice."""

from __future__ import annotations

from datetime import timedelta

from confluent_kafka import Producer

from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.scores import Score, score_id_of, subject_of_scores
from watchkeeper.schemas.topics import PARTITIONER, SCORES

AGAIN = 5
"""One score in so many is published twice."""


class ChaosGrader:
    """Says of each session whether it was good."""

    def __init__(self, bootstrap: str, name: str, start_us: int) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap, "partitioner": PARTITIONER, "acks": "all"})
        self._name, self._at = name, from_us(start_us)

    def grade(self, index: int) -> None:
        """Publishes the score of a session."""
        session = f"{self._name}-{index:05d}"
        good = index % 7 != 0
        score = Score(
            score_id=score_id_of(tenant_id="default", source="live", session_id=session, grader="chaos@1"),
            subject=subject_of_scores("default", "live", "chaos"),
            tenant_id="default",
            origin="live",
            source="live",
            session_id=session,
            agent_id="chaos",
            grader="chaos@1",
            result_type="pass",
            passed=good,
            value=float(good),
            occurred_at=self._at + timedelta(seconds=index % 50),
            graded_at=self._at + timedelta(hours=1),
        )
        for _ in range(1 + (index % AGAIN == 0)):
            self._producer.produce(SCORES.name, key=score.subject.encode(), value=score.model_dump_json().encode())
        self._producer.poll(0)

    def close(self, seconds: float) -> bool:
        """Whether all of it was acknowledged."""
        return self._producer.flush(seconds) == 0
