"""gunicorn with preload: workers forked from a master in which the recorder was made and has already told something."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.cli.stack.child import free_port

PATIENCE_SECONDS = 60.0
WORKERS = 2
REQUESTS = 40

APPLICATION = """
import os, time
from watchkeeper.producers import Settings, Watchkeeper

settings = Settings(exit_seconds=20)  # a busy machine may need longer than the usual two
watch = Watchkeeper("web", bootstrap={bootstrap!r}, tenant={tenant!r}, settings=settings)
with watch.session(session_id="master") as s:
    s.outcome("n", 0)

def app(environ, start_response):
    number = environ["QUERY_STRING"]
    with watch.session(session_id=f"request-{{number}}") as s:
        s.outcome("n", int(number))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{{os.getpid()}} {{time.time_ns() // 1_000_000}}".encode()]
"""


class Served:
    """A gunicorn that serves the application."""

    def __init__(self, folder: Path, bootstrap: str, tenant: str, **variables: str) -> None:
        (folder / "application.py").write_text(APPLICATION.format(bootstrap=bootstrap, tenant=tenant))
        self.port = free_port()
        command = [sys.executable, "-m", "gunicorn", "--preload", f"--workers={WORKERS}", "--no-control-socket"]
        command += [f"--bind=127.0.0.1:{self.port}", f"--chdir={folder}", "application:app"]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WATCHKEEPER_")}
        self._log = (folder / "gunicorn.log").open("w+")
        self.process = subprocess.Popen(
            command, env=inherited | variables, stdout=self._log, stderr=self._log, start_new_session=True
        )

    def ask(self, number: int) -> tuple[int, int]:
        """Answers the worker's process id and the time in milliseconds at which the session had been told."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
            try:
                connection.request("GET", f"/?{number}")
                answer = connection.getresponse()
                assert answer.status == http.client.OK
                process, at_ms = answer.read().split()
                return int(process), int(at_ms)
            except (ConnectionError, http.client.BadStatusLine):
                assert self.process.poll() is None, self.log()
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.05)
            finally:
                connection.close()

    def log(self) -> str:
        return Path(self._log.name).read_text()

    def stop(self) -> int:
        """Asks for a graceful end; answers the master's exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)
        self._log.close()


@pytest.fixture
def served(tmp_path: Path, broker: str, tenant: str) -> Iterator[Callable[..., Served]]:
    made: list[Served] = []

    def start(bootstrap: str = "", **variables: str) -> Served:
        made.append(Served(tmp_path, bootstrap or broker, tenant, **variables))
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.mark.parametrize("spool", [True, False], ids=["with a spool", "without"])
def test_what_preloaded_workers_tell_arrives_once(
    spool: bool, served: Callable[..., Served], broker: str, tenant: str, read: Callable[..., Any], tmp_path: Path
) -> None:
    host = served(**({"WATCHKEEPER_SPOOL_DIR": str(tmp_path / "spool")} if spool else {}))
    workers = {host.ask(number)[0] for number in range(REQUESTS)}
    assert host.process.pid not in workers
    assert host.stop() == 0, host.log()
    assert "watchkeeper" not in host.log(), "a complaint"
    assert "was sent" not in host.log(), "a worker died of a signal"
    wanted = 3 * (REQUESTS + 1)
    events = read(broker, tenant, lambda found: len(found) >= wanted)
    told = sorted((event.session_id, event.seq) for event in events)
    sessions = ["master", *(f"request-{number}" for number in range(REQUESTS))]
    assert told == sorted((session, number) for session in sessions for number in range(3))
    assert len({(event.session_id, event.writer_id) for event in events}) == len(sessions)


@pytest.mark.long
@pytest.mark.parametrize("spool", [True, False], ids=["with a spool", "without"])
def test_a_killed_worker_loses_at_most_what_is_documented(
    spool: bool,
    served: Callable[..., Served],
    documented: Callable[[str, int], Any],
    broker: str,
    tenant: str,
    read: Any,
    tmp_path: Path,
) -> None:
    host = served(**({"WATCHKEEPER_SPOOL_DIR": str(tmp_path / "spool")} if spool else {}))
    told: dict[int, tuple[int, int]] = {}
    allowed = documented("with a spool" if spool else "without", 1).ms
    victim, began_ms = told[0] = host.ask(0)
    while told[len(told) - 1][1] <= began_ms + allowed + 500 or told[len(told) - 1][0] != victim:
        told[len(told)] = host.ask(len(told))
        time.sleep(0.005)
    killed_ms = time.time_ns() // 1_000_000
    os.kill(victim, signal.SIGKILL)
    for _ in range(REQUESTS):
        told[len(told)] = host.ask(len(told))
    assert host.stop() == 0, host.log()
    assert host.log().count("was sent") == 1, "only the victim died of a signal"
    owed = {number for number, (worker, at_ms) in told.items() if worker != victim or at_ms < killed_ms - allowed}
    assert any(told[number][0] == victim for number in owed)
    assert any(told[number][0] != victim for number in owed)

    def arrived(events: list[Any]) -> list[int]:
        return [int(event.data.value) for event in events if event.type == "outcome" and event.session_id != "master"]

    numbers = arrived(read(broker, tenant, lambda events: owed <= set(arrived(events))))
    assert owed <= set(numbers)
    assert spool or len(numbers) == len(set(numbers))


def test_what_a_killed_worker_left_in_its_spool_is_sent_by_the_next_one(
    served: Callable[..., Served],
    documented: Callable[[str, int], Any],
    proxied: Any,
    tenant: str,
    read: Any,
    tmp_path: Path,
) -> None:
    host = served(proxied.bootstrap, WATCHKEEPER_SPOOL_DIR=str(tmp_path / "spool"))
    host.ask(0)
    proxied.proxy.cut()
    told: dict[int, tuple[int, int]] = {}
    allowed = documented("with a spool", 2).ms
    victim, began_ms = told[1] = host.ask(1)
    while told[len(told)][1] <= began_ms + allowed + 500 or told[len(told)][0] != victim:
        number = len(told) + 1
        told[number] = host.ask(number)
        time.sleep(0.01)
    killed_ms = time.time_ns() // 1_000_000
    os.kill(victim, signal.SIGKILL)
    proxied.proxy.open()
    last = max(told)
    known = {worker for worker, _ in told.values()}
    while (newest := host.ask(last := last + 1)[0]) in known:
        time.sleep(0.01)
    assert newest != victim
    owed = {number for number, (worker, at_ms) in told.items() if worker == victim and at_ms < killed_ms - allowed}
    assert owed

    def arrived(events: list[Any]) -> list[int]:
        return [int(event.data.value) for event in events if event.type == "outcome" and event.session_id != "master"]

    # Before the host is stopped: the worker that gunicorn put in the killed one's place has taken its spool over.
    assert owed <= set(arrived(read(proxied.bootstrap, tenant, lambda events: owed <= set(arrived(events)))))
    assert host.stop() == 0, host.log()
