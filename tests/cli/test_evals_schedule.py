"""`watchkeeper evals schedule` and `evals scheduler`: what they tell, and how the process lives and ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import Result

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.stack.child import Child
from watchkeeper.cli.stack.health import health_problem, ready_problem
from watchkeeper.cli.stack.testing import separate_database
from watchkeeper.cli.store import ReadStore, open_store
from watchkeeper.evals.scheduling.lease import Lease
from watchkeeper.evals.scheduling.ledger import Ledger
from watchkeeper.schemas.evaluations import JobRow, SampleRow, SampleState, SuiteRunRow
from watchkeeper.stream_processors.clickhouse import connect_to, parse_dsn
from watchkeeper.stream_processors.watching.place import watch_file

Run = Callable[..., Result]

EVERYBODY = """\
live:
  {{rate: 1.0, settle_seconds: 0, graders: [policy_findings], budget: {{sessions_a_day: 1000000, usd_a_day: null}}{}}}
"""


@pytest.fixture(scope="module")
def clickhouse(clickhouse: str) -> Iterator[str]:
    """A database of this file's own: a scheduler looks at all that is there, other tests' sessions and dollars too."""
    with separate_database(clickhouse) as fresh:
        yield fresh


@pytest.fixture
def store(clickhouse: str) -> Iterator[ReadStore]:
    with open_store(clickhouse) as opened:
        yield opened


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_check_says_what_a_file_does(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "evals.yaml"
    file.write_text("live: {rate: 0.2}\n")
    told = run("evals", "schedule", "--check", "--config", str(file))
    assert (told.exit_code, told.output) == (0, f"{file}: live sessions at a rate of 0.2, 0 suites\n")
    assert (
        run("evals", "schedule", "--check").output
        == "no file: the defaults: live sessions at a rate of 0.05, 0 suites\n"
    )


def test_check_says_every_mistake(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "evals.yaml"
    file.write_text("live:\n  rate: 2\n  rates: 1\n")
    told = run("evals", "schedule", "--check", "--config", str(file))
    assert told.exit_code == ExitCode.CONFIGURATION
    assert f"{file}:2: live.rate: 2 is out of range" in told.stderr
    assert f"{file}:3: live.rates: unknown field; did you mean `rate`?" in told.stderr


def test_check_opens_suites_and_targets(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "evals.yaml"
    target = "targets: {desk: {candidate: 'nowhere_at_all:answer', agent: a}}\n"
    file.write_text(target + "suites: {nightly: {suite: suites/none, target: desk}}\n")
    told = run("evals", "schedule", "--check", "--config", str(file))
    assert told.exit_code == ExitCode.CONFIGURATION
    assert f"{file}: suites.nightly: {tmp_path}/suites/none/suite.yaml: cannot be read" in told.stderr


def test_what_was_graded_and_what_comes_next_is_told(run: Run, store: ReadStore) -> None:
    now = datetime.now(UTC)
    ledger = Ledger(store)
    ledger.put_job(
        JobRow(job="live", state="running", done=3, total=9, next_at=now, note="why it waits", updated_at=now)
    )
    old = now - timedelta(days=2)
    ledger.put_job(JobRow(job="suite:gone", state="idle", next_at=old, updated_at=old))
    sample: dict[str, Any] = {
        "agent_id": "a",
        "agent_version": "",
        "intent": "",
        "origin": "live",
        "ended_at": now,
        "decided_at": now,
    }
    states: tuple[SampleState, ...] = ("passed_over", "cut", "scored", "unreadable")
    for state in states:
        row = SampleRow(
            tenant_id="told", session_id=f"told-{state}", stratum="uniform", place=0.5, inclusion=0.5, state=state,
            scores=2 if state == "scored" else 0, cost_usd=0.25 if state == "scored" else None,
            graded_at=now if state == "scored" else None, **sample,
        )  # fmt: skip
        ledger.put_samples([row])
    run_row = SuiteRunRow(
        run_id="r-1", job="suite:nightly", suite="refunds@3", target="desk@1", tenant_id="told", agent_id="a",
        trigger="new_version", what="model m2", due_at=now, missed=2, started_at=now, ended_at=now, state="fell",
        done=300, total=300, failures=1, mean=0.83, note="it fell by 12 points",
    )  # fmt: skip
    ledger.put("eval_runs", [run_row])
    told = run("evals", "schedule").output
    assert "3 of 9" in told
    assert "why it waits" in told
    assert "silent" in next(line for line in told.splitlines() if line.startswith("suite:gone"))
    assert "the budget had no room for" in told
    assert "new_version (model m2), 2 missed" in told
    assert "0.830" in told
    document = orjson.loads(run("evals", "schedule", "--json").output)
    assert (document["today"]["scores"], document["today"]["usd"]) == (2, 0.25)
    assert document["runs"][0]["state"] == "fell"
    assert {job["job"] for job in document["jobs"]} == {"live", "suite:gone"}


def test_once_grades_what_waits_and_ends(run: Run, broker: str, shelf: Any, store: ReadStore, tmp_path: Path) -> None:
    file = tmp_path / "evals.yaml"
    file.write_text(EVERYBODY.format(""))
    shelf.event("session_started", 0, {"intent": "refund"})
    shelf.event("session_ended", 1, {"status": "completed"})
    shelf.state()
    told = run("evals", "scheduler", "--once", "--config", str(file), kafka=broker)
    assert told.exit_code == 0, told.output
    assert "graded" in told.output
    asked = "SELECT state FROM eval_samples FINAL WHERE tenant_id = {tenant:String}"
    assert [row["state"] for row in store.rows(asked, tenant=shelf.tenant)] == ["scored"]


def test_the_process_tells_its_figures_and_ends_on_sigterm(
    broker: str, shelf: Any, store: ReadStore, clickhouse: str, tmp_path: Path
) -> None:
    (tmp_path / "evals.yaml").write_text(EVERYBODY.format(", every_seconds: 1"))
    shelf.event("session_started", 0, {"goal": shelf.text("a canary that no log may hold")})
    shelf.event("session_ended", 1, {"status": "completed"})
    shelf.state()
    variables = {"WATCHKEEPER_KAFKA_BOOTSTRAP": broker, "WATCHKEEPER_CLICKHOUSE_DSN": clickhouse}
    environment = {**os.environ, **variables, "WATCHKEEPER_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "watchkeeper.cli.main", "evals", "scheduler"]
    child = Child("the scheduler", command, tmp_path / "scheduler.log", environment)
    try:
        home = tmp_path / "scheduler"
        child.wait_until(lambda: ready_problem(home, child.pid) == "", 60)
        asked = "SELECT state FROM eval_samples FINAL WHERE tenant_id = {tenant:String}"
        until(lambda: [row["state"] for row in store.rows(asked, tenant=shelf.tenant)] == ["scored"])
        assert health_problem(home, child.pid) == ""
        port = orjson.loads(watch_file(home, child.pid).read_bytes())["port"]

        def figures() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
                return str(page.read().decode())

        # A round tells its figures when it ends, which is after its last row; other tests' sessions may wait as well.
        until(lambda: f"waiting_sessions {len(Ledger(store).pending(datetime.now(UTC)))}.0" in figures())
        assert 'watchkeeper_evals_sessions_total{outcome="scored"}' in figures()
        assert child.stop(30) == 0
    finally:
        child.kill()
    log = child.log.read_text()
    assert "canary" not in log
    assert all(orjson.loads(line)["level"] in {"INFO", "WARNING"} for line in log.splitlines())


SLOW = """
import os, time
from watchkeeper.evals.grading.grade import Grade

class Slow:
    name, version = "slow", "1"

    def applies(self, interaction, case):
        return True

    def grade(self, interaction, case):
        time.sleep(0.2)
        with open({asked!r}, "a") as file:
            file.write(f"{{os.getpid()}} {{interaction.interaction_id}}\\n")
        return Grade("number", value=1.0, cost_usd=1.0)
"""


def test_of_two_processes_one_grades_and_the_other_follows_when_it_dies(
    broker: str, new_shelf: Callable[..., Any], store: ReadStore, clickhouse: str, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    (tmp_path / "slow_grader.py").write_text(SLOW.format(asked=str(asked)))
    (tmp_path / "evals.yaml").write_text(
        "live: {rate: 1.0, every_seconds: 1, settle_seconds: 0, graders: [{name: 'slow_grader:Slow'}],"
        " budget: {sessions_a_day: 1000000, usd_a_day: null}}\n"
    )
    variables = {"WATCHKEEPER_KAFKA_BOOTSTRAP": broker, "WATCHKEEPER_CLICKHOUSE_DSN": clickhouse}
    environment = {**os.environ, **variables, "WATCHKEEPER_HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "watchkeeper.cli.main", "evals", "scheduler"]
    tenant = new_shelf().tenant

    def sessions(count: int) -> set[str]:
        names = set()
        for _ in range(count):
            shelf = new_shelf()
            shelf.tenant = tenant
            shelf.event("session_started", 0, {"intent": "refund"})
            shelf.event("session_ended", 1, {"status": "completed"})
            shelf.state()
            names.add(shelf.session)
        return names

    def graded() -> list[tuple[int, str]]:
        lines = asked.read_text().splitlines() if asked.exists() else []
        found = [(int(pid), session) for pid, _, session in (line.partition(" ") for line in lines)]
        return [one for one in found if one[1] in names]

    names = sessions(10)
    first, second = (Child("a scheduler", command, tmp_path / f"{n}.log", environment) for n in range(2))
    try:
        until(lambda: len(graded()) >= 10)
        # A second time would have come by now, had the other one graded too: it began when the first one did.
        until(lambda: [ready_problem(tmp_path / "scheduler", one.pid) for one in (first, second)] == ["", ""])
        assert sorted(session for _, session in graded()) == sorted(names)
        ((worker, _), *_) = graded()
        assert {pid for pid, _ in graded()} == {worker}
        dies, follows = (first, second) if worker == first.pid else (second, first)
        assert "stands by" in follows.log.read_text()
        dies.kill()
        names |= sessions(3)
        until(lambda: len(graded()) == 13)
        assert {pid for pid, _ in graded()[10:]} == {follows.pid}
        assert follows.stop(30) == 0
    finally:
        first.kill()
        second.kill()


def test_once_leaves_it_to_the_scheduler_that_works(run: Run, broker: str, clickhouse: str) -> None:
    # A lease that cannot tell whose process is gone would wait half a minute for those that other tests killed.
    connect_to(parse_dsn(clickhouse)).command("TRUNCATE TABLE eval_jobs")
    lease = Lease(lambda: open_store(clickhouse), process="", settle=lambda _: None)
    with open_store(clickhouse) as opened:
        assert lease.take(opened) == ""
        with lease.kept():
            told = run("evals", "scheduler", "--once", kafka=broker)
    assert told.exit_code == ExitCode.CONFIGURATION
    assert "another scheduler works" in told.stderr


def test_a_store_that_is_away_at_the_start_is_waited_for(broker: str, tmp_path: Path) -> None:
    variables = {"WATCHKEEPER_KAFKA_BOOTSTRAP": broker, "WATCHKEEPER_CLICKHOUSE_DSN": "http://u:secret@127.0.0.1:1/x"}
    environment = {**os.environ, **variables, "WATCHKEEPER_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "watchkeeper.cli.main", "evals", "scheduler"]
    child = Child("the scheduler", command, tmp_path / "scheduler.log", environment)
    try:
        child.wait_until(lambda: "grading waits" in child.log.read_text(), 60)
        assert ready_problem(tmp_path / "scheduler", child.pid) != ""
        assert child.stop(30) == 0
    finally:
        child.kill()
    assert "secret" not in child.log.read_text()


def test_a_file_with_a_mistake_ends_the_process_for_good(tmp_path: Path) -> None:
    (tmp_path / "evals.yaml").write_text("live: {rate: often}\n")
    command = [sys.executable, "-m", "watchkeeper.cli.main", "evals", "scheduler", "--home", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == ExitCode.CONFIGURATION
    assert "evals.yaml:1: live.rate" in ended.stderr
