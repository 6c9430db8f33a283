"""Suite creation, scheduled runs, and parts that are killed: no session is scored twice, none is forgotten.

The whole stack as `watchkeeper up` starts it. Its worker and its scheduler are killed (SIGKILL) between and during what
they do, and its supervisor starts them again. What should have come of it is worked out apart, from the sessions that
were recorded and the sampler alone.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from watchkeeper.cli.stack.lifecycle import stack_status
from watchkeeper.cli.stack.settings import CLICKHOUSE, KAFKA, StackSettings
from watchkeeper.cli.stack.testing import running_stack
from watchkeeper.cli.store import ReadStore, open_store
from watchkeeper.evals.sampling import Rates, Traits, decide
from watchkeeper.evals.scheduling.comparing import COMPARISON_GRADER
from watchkeeper.producers import Watchkeeper
from watchkeeper.schemas.evaluations import SuiteRunRow
from watchkeeper.schemas.scores import SCORE_ADAPTER, Score, score_id_of
from watchkeeper.schemas.topics import SCORES

PATIENCE_SECONDS = 120.0
RATE = 0.6
GRADERS = ("slow_look@1", "policy_findings@1")
WORDS = ("parcel", "refund", "invoice", "voucher", "address", "colour", "size", "guarantee", "password", "appointment")

AGENT = '''
import pathlib, time
from watchkeeper.evals.grading.grade import passed

def answer(messages):
    time.sleep(0.2)
    if pathlib.Path(__file__).with_name("worse").exists():
        return "Who knows."
    return "It is done: " + messages[-1]["content"]

class SlowLook:
    """Slow enough to be killed at it."""
    name, version = "slow_look", "1"
    def applies(self, interaction, case):
        return True
    def grade(self, interaction, case):
        time.sleep(0.03)
        return passed(bool(interaction.answer))
'''

LIVE = {
    "rate": RATE,
    "risks": {"critical_finding": RATE},
    "every_seconds": 1,
    "settle_seconds": 1,
    "graders": [{"name": "desk_agent:SlowLook"}, "policy_findings"],
    "budget": {"sessions_a_day": 1_000_000, "usd_a_day": None},
}


@dataclass
class Street:
    """A stack, the agent whose sessions it sees, and its parts.

    Attributes:
        told: the ids of all sessions that were recorded.
    """

    home: Path
    environment: dict[str, str]
    store: ReadStore
    tenant: str = field(default_factory=lambda: f"street-{uuid.uuid4().hex[:8]}")
    told: list[str] = field(default_factory=list)

    def configure(self, **more: Any) -> None:
        (self.home / "evals.yaml").write_text(json.dumps({"live": LIVE, **more}))

    def work(self, sessions: int) -> None:
        """Records sessions that end, no two alike."""
        watch = Watchkeeper(
            "desk", bootstrap=self.environment[KAFKA], tenant=self.tenant, agent_version="1", block=True
        )
        for _ in range(sessions):
            number = len(self.told)
            word, other = WORDS[number % 10], WORDS[number // 10 % 10]
            with watch.session(intent=f"about {word}", prompt_version="p1") as session:
                self.told.append(session.session_id)
                asked = f"What becomes of my {word} number {number * 7919 % 9973}, and of the {other} that I wrote of?"
                session.prompt([{"role": "user", "content": asked}], model="m")
                session.response(f"Your {word} comes on day {number % 28 + 1}; the {other} is settled.", answer=True)
        assert watch.close(60)

    def kill(self, part: str) -> None:
        """Ends a part as the kernel does when memory is short."""
        status = stack_status(self.home).part(part)
        assert status is not None
        assert status.pid is not None
        os.kill(status.pid, signal.SIGKILL)
        self.until(lambda: self._pid(part) not in {None, status.pid}, f"{part} is started again")

    def _pid(self, part: str) -> int | None:
        status = stack_status(self.home).part(part)
        return status.pid if status is not None and status.state == "running" else None

    def until(self, true: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s\n{self.log()}"
            time.sleep(0.1)

    def log(self) -> str:
        return (self.home / "logs" / "scheduler.log").read_text()[-3000:]

    def count(self, sql: str, **parameters: Any) -> int:
        return int(self.store.rows(f"SELECT count() AS n FROM {sql}", **parameters)[0]["n"])

    def in_state(self, *states: str) -> int:
        return self.count("eval_samples FINAL WHERE state IN {states:Array(String)}", states=list(states))

    def runs(self) -> list[SuiteRunRow]:
        found = self.store.rows("SELECT * EXCEPT stored_at FROM eval_runs FINAL ORDER BY started_at")
        return [SuiteRunRow(**row) for row in found]

    def command(self, *args: str) -> str:
        command = [sys.executable, "-m", "watchkeeper.cli.main", *args]
        environment = {**os.environ, **self.environment, "PYTHONPATH": str(self.home.parent)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=self.home, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def delivered(self) -> list[Score]:
        """Every score on the topic, as often as it stands there."""
        settings = {"bootstrap.servers": self.environment[KAFKA], "group.id": uuid.uuid4().hex}
        consumer = Consumer({**settings, "enable.auto.commit": False})
        consumer.assign([TopicPartition(SCORES.name, number, 0) for number in range(SCORES.partitions)])
        found, silent = [], 0
        while silent < 4:
            records = consumer.consume(500, timeout=1.0)
            silent = 0 if records else silent + 1
            found += [SCORE_ADAPTER.validate_json(record.value() or b"") for record in records]
        consumer.close()
        return found


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "desk_agent.py").write_text(AGENT)
    (home / "evals.yaml").write_text(json.dumps({"live": LIVE}))
    settings = StackSettings(data_dir=home, rollups_command=(), environment={"PYTHONPATH": str(tmp_path)})
    with running_stack(settings) as environment, open_store(environment[CLICKHOUSE]) as store:
        yield Street(home, environment, store)


def expected_ids(street: Street) -> set[str]:
    """What should have been scored, by the sampler alone: every session had the same chance."""
    drawn = [one for one in street.told if decide(Rates(RATE), street.tenant, one, Traits()).drawn]
    assert 0.4 * len(street.told) < len(drawn) < 0.8 * len(street.told)
    return {
        score_id_of(tenant_id=street.tenant, source="live", session_id=session, grader=grader)
        for session in drawn
        for grader in GRADERS
    }


@pytest.mark.long
@pytest.mark.timeout(900)
def test_no_session_is_scored_twice_and_none_is_forgotten(street: Street) -> None:
    street.work(80)
    street.until(lambda: street.count("sessions FINAL WHERE status != 'open'") == 80, "the sessions are stored")
    suite = ("evals", "suite", "create", "desk", "--agent", "desk", "--tenant", street.tenant, "--size", "30")
    street.command(*suite, "--out", "suites", "--json")
    street.configure(
        targets={"desk": {"candidate": "desk_agent:answer", "agent": "desk", "tenant": street.tenant}},
        suites={
            "minutely": {
                "suite": "suites/desk",
                "target": "desk",
                "schedule": "* * * * *",
                "graders": ["contains:{any_of: [done]}"],
            }
        },
    )
    street.command("evals", "schedule", "--check")
    # Between: the new scheduler reads the new file.
    street.kill("scheduler")

    # During a run of the suite.
    street.until(lambda: street.count("eval_cases FINAL") > 4, "a run of the suite is under way")
    street.kill("scheduler")

    # While live sessions are graded.
    scored = street.in_state("scored")
    street.work(120)
    street.until(lambda: street.in_state("scored") > scored and street.in_state("drawn") > 0, "sessions are graded")
    street.kill("scheduler")

    # A worker that is away: sessions end, and are stored later.
    street.kill("worker")
    street.work(60)

    def scheduled() -> list[SuiteRunRow]:
        return [run for run in street.runs() if run.trigger == "schedule" and run.state in {"done", "fell"}]

    street.until(lambda: len(scheduled()) >= 1, "the first scheduled run")
    # Between two scheduled runs.
    street.kill("worker")
    street.kill("scheduler")
    street.until(lambda: len(scheduled()) >= 2, "the second scheduled run", 240)
    street.until(lambda: street.count("eval_samples FINAL") == len(street.told), "every session is decided")
    street.until(lambda: street.in_state("drawn") == 0, "all that was drawn is graded")

    _live_is_exact(street)
    _suites_are_exact(street)
    _the_command_tells_it(street)
    _a_fall_is_a_finding(street)


def _live_is_exact(street: Street) -> None:
    expected = expected_ids(street)
    delivered = {score.score_id for score in street.delivered() if score.source == "live"}
    assert delivered == expected
    stored = "scores FINAL WHERE source = 'live' AND tenant_id = {tenant:String}"
    street.until(lambda: street.count(stored, tenant=street.tenant) >= len(expected), "the worker stores the scores")
    rows = street.store.rows(f"SELECT score_id, inclusion FROM {stored}", tenant=street.tenant)
    assert Counter(row["score_id"] for row in rows) == Counter(dict.fromkeys(expected, 1))
    assert {row["inclusion"] for row in rows} == {RATE}
    assert street.in_state("unreadable", "cut") == 0


def _suites_are_exact(street: Street) -> None:
    ended = [run for run in street.runs() if run.state in {"done", "fell"}]
    assert len({run.due_at for run in ended if run.trigger == "schedule"}) >= 2
    assert [run.trigger for run in ended].count("first") == 1
    stored = "SELECT run_id, case_id, grader FROM scores FINAL WHERE source = 'suite'"
    cases = sum(run.total for run in ended)

    def rows() -> list[tuple[str, str]]:
        known = {run.run_id for run in ended}
        found = street.store.rows(stored)
        return [
            (row["run_id"], row["case_id"])
            for row in found
            if row["run_id"] in known and row["grader"] != COMPARISON_GRADER
        ]

    street.until(lambda: len(rows()) >= cases, "the worker stores the suites' scores")
    found = Counter(rows())
    assert set(found.values()) == {1}
    assert Counter(run for run, _ in found) == {run.run_id: run.total for run in ended}


def _the_command_tells_it(street: Street) -> None:
    told = json.loads(street.command("evals", "schedule", "--json"))
    # Before midnight some may have been decided on the day before.
    assert 0 <= told["today"]["considered"] <= len(street.told)
    assert {"live", "versions", "suite:minutely"} <= {job["job"] for job in told["jobs"]}
    assert len(told["runs"]) >= 3
    assert "sessions ended" in street.command("evals", "schedule")


def _a_fall_is_a_finding(street: Street) -> None:
    found = "findings FINAL WHERE tenant_id = {tenant:String} AND kind = 'fell_suite'"
    assert street.count(found, tenant=street.tenant) == 0
    (street.home.parent / "worse").touch()
    street.until(lambda: any(run.state == "fell" for run in street.runs()), "a run that is worse", 240)
    street.until(lambda: street.count(found, tenant=street.tenant) > 0, "its finding")
    (row,) = street.store.rows(f"SELECT failure_mode, severity, evidence FROM {found} LIMIT 1", tenant=street.tenant)
    assert (row["failure_mode"], row["severity"]) == ("quality_drift", "high")
    assert json.loads(row["evidence"])["suite"].startswith("desk@1")
