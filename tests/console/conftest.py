"""What the browser tests share: Chromium, a worker, an agent that misbehaves, and the console's own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from console_browser import REQUIRE_BROWSER, browser_problem, is_required, running_chromium
from playwright.sync_api import Browser

from watchkeeper.cli.stack.child import Child, tail
from watchkeeper.cli.stack.testing import running_worker
from watchkeeper.cli.store import open_store
from watchkeeper.schemas.ids import uuid7

HERE = Path(__file__).parent
ANSWER_SECONDS = 60.0
_FOUND = "SELECT 1 FROM sessions FINAL WHERE tenant_id = {tenant:String} AND findings > 0"


@pytest.fixture(scope="session")
def chromium_here() -> None:
    """Skips what needs a browser where there is none."""
    problem = browser_problem()
    if problem and is_required():
        pytest.fail(f"{problem} ({REQUIRE_BROWSER} is set)")
    if problem:
        pytest.skip(problem)


@pytest.fixture(scope="module")
def browser(chromium_here: None) -> Iterator[Browser]:
    """One Chromium for a file: Playwright's loop occupies the thread, and later files may need one of their own."""
    with running_chromium() as running:
        yield running


@dataclass(slots=True)
class RunningAgent:
    """An agent's process and what it tells.

    Attributes:
        tenant: whose it is.
        agent: its name.
        process: Python, running `refund_agent.py`.
        said: what it told, the earliest first.
    """

    tenant: str
    agent: str
    process: subprocess.Popen[str]
    said: list[dict[str, str]] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        threading.Thread(target=self._read, name="agent-output", daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.said.append(json.loads(line))
                self._news.notify_all()

    def told(self, what: str, seconds: float = ANSWER_SECONDS) -> str:
        """What it told of this; waits for it."""

        def found() -> str | None:
            return next((line[what] for line in self.said if what in line), None)

        with self._news:
            value = self._news.wait_for(found, seconds)
        assert value is not None, f"the agent told nothing of {what} in {seconds:g} s: {self.said}"
        return value


@pytest.fixture(scope="session")
def worker(broker: str, clickhouse: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A worker between broker and store."""
    with running_worker(broker, clickhouse, tmp_path_factory.mktemp("worker"), WATCHKEEPER_GROUP=uuid7()):
        yield


@pytest.fixture(scope="session")
def console(broker: str, clickhouse: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The console in a process of its own; its address with the token, as `watchkeeper console` prints it."""
    home = tmp_path_factory.mktemp("console")
    command = [sys.executable, "-m", "watchkeeper.cli.main", "console", "--home", str(home), "--port", "0"]
    variables = {"WATCHKEEPER_CLICKHOUSE_DSN": clickhouse, "WATCHKEEPER_KAFKA_BOOTSTRAP": broker}
    child = Child("the console", command, home / "console.log", {**os.environ, **variables})
    try:
        child.wait_until(lambda: "token=" in tail(child.log), ANSWER_SECONDS)
        yield next(line for line in tail(child.log).splitlines() if "token=" in line).strip()
    finally:
        child.stop(ANSWER_SECONDS)


@contextmanager
def running_agent(bootstrap: str) -> Iterator[RunningAgent]:
    """A real agent in a process of its own, whose session has begun."""
    tenant, name = f"t-{uuid7()[-12:]}", f"refunds-{uuid7()[-6:]}"
    process = subprocess.Popen(
        [sys.executable, str(HERE / "refund_agent.py"), tenant, name],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "WATCHKEEPER_KAFKA_BOOTSTRAP": bootstrap},
    )
    try:
        started = RunningAgent(tenant, name, process)
        started.told("session")
        yield started
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def failing_agent(bootstrap: str, clickhouse: str) -> Iterator[RunningAgent]:
    """An agent in whose session something was found, which is stored."""
    with running_agent(bootstrap) as running, open_store(clickhouse) as store:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not store.rows(_FOUND, tenant=running.tenant):
            assert time.monotonic() < deadline, "nothing was found in the agent's session"
            time.sleep(0.1)
        yield running


@pytest.fixture
def stoppable(broker: str, worker: None, clickhouse: str) -> Iterator[RunningAgent]:
    """A failing agent of a test's own, which may be stopped."""
    with failing_agent(broker, clickhouse) as running:
        yield running


@pytest.fixture(scope="module")
def failing(broker: str, worker: None, clickhouse: str) -> Iterator[RunningAgent]:
    """A failing agent that runs on, and nobody stops it."""
    with failing_agent(broker, clickhouse) as running:
        yield running
