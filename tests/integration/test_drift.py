"""Drift from end to end: an agent works for sixty days, is graded, and on the thirtieth a prompt makes it worse."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from watchkeeper.cli.stack.testing import running_broker, running_worker
from watchkeeper.cli.store import ReadStore, open_store
from watchkeeper.schemas.topics import TOPICS

USUAL = {"*": 0.05}
HASTY = {"refund", "returns"}
"""The intents that the second version of the prompt serves worse."""
WORSE = dict.fromkeys(HASTY, 0.3) | USUAL


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """One of these tests' own."""
    with running_broker(TOPICS) as bootstrap:
        yield bootstrap


@pytest.fixture
def store(own_database: str) -> Iterator[ReadStore]:
    with open_store(own_database) as opened:
        yield opened


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_thirtieth_day_is_told_with_its_intents_and_its_version_and_before_it_nothing(
    broker: str, own_database: str, store: ReadStore, drift_agent: ModuleType
) -> None:
    with running_worker(broker, own_database, WATCHKEEPER_SIMULATED_ACTS="1"):
        clerk = drift_agent.Clerk(broker, store)
        clerk.work(range(30), prompt_version="p-1", slips=USUAL)
        clerk.until(lambda: clerk.sessions() == 30 * clerk.a_day, "not all sessions of the first month are stored")
        before = clerk.grade(clerk.day(0), clerk.day(30))
        assert len(before) == 30 * clerk.a_day
        clerk.until(lambda: clerk.counted() == len(before), "not all scores were counted")
        assert clerk.findings() == []

        clerk.work(range(30, 60), prompt_version="p-2", slips=WORSE)
        clerk.until(lambda: clerk.sessions() == 60 * clerk.a_day, "not all sessions of the second month are stored")
        after = clerk.grade(clerk.day(30), clerk.day(60))
        clerk.until(lambda: clerk.counted() == len(before) + len(after), "not all scores were counted")
        clerk.until(lambda: bool(clerk.findings()), "the fall was not told")
        clerk.close()
        (finding,) = [one for one in clerk.findings() if one["evidence"]["family"] == "graders"]
    told = finding["evidence"]
    assert finding["severity"] == "high"
    since = datetime.fromisoformat(told["since"])
    assert abs(since - clerk.day(30)) < timedelta(days=4)
    assert {one["name"] for one in told["segments"] if one["dimension"] == "intent"} == HASTY
    assert [one["name"] for one in told["versions"]] == ["p-2"]
    assert told["before"] > 0.95
    assert told["change_high"] < 0
    assert set(told["examples"]) <= {score.session_id for score in after if score.value is not None and score.value < 1}
    assert told["stream"].startswith("groundedness@")


@pytest.mark.long
@pytest.mark.timeout(600)
def test_no_score_is_lost_or_counted_twice_when_workers_are_killed_and_scores_published_twice(
    broker: str, own_database: str, store: ReadStore, drift_agent: ModuleType, tmp_path: Path
) -> None:
    clerk = drift_agent.Clerk(broker, store, a_day=60)
    published: list[Any] = []

    def work(part: int) -> None:
        """Three days, graded and published twice."""
        clerk.work(range(part * 3, part * 3 + 3), prompt_version="p-1", slips=USUAL)
        clerk.until(lambda: clerk.sessions() == (part + 1) * 3 * clerk.a_day, "not all sessions are stored")
        published.extend(clerk.grade(clerk.day(part * 3), clerk.day(part * 3 + 3), twice=True))

    for part in range(2):
        with running_worker(broker, own_database, tmp_path / f"worker-{part}") as worker:
            work(part)
            least = part * 3 * clerk.a_day
            clerk.until(lambda least=least: len(clerk.stored()) > least, "no score of this part is stored")
            os.kill(worker.pid, signal.SIGKILL)
    with running_worker(broker, own_database, tmp_path / "the-last-worker"):
        work(2)
        clerk.until(lambda: clerk.counted() >= len(published), "not all scores were counted")
        # Long told and stored; behind them one that is new, so that it is seen when they were read.
        clerk.publish([*published[:50], published[0].model_copy(update={"score_id": "the-last-one"})])
        clerk.until(lambda: clerk.counted() > len(published), "the last score was not counted")
    clerk.close()
    assert clerk.counted() == len(published) + 1
    assert sorted(clerk.stored()) == sorted([*{score.score_id for score in published}, "the-last-one"])
