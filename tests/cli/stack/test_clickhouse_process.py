"""The endpoint as a process: its lock, its password, how it ends, and what outlives it."""

from __future__ import annotations

import contextlib
import signal
import stat
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from watchkeeper.cli.stack.child import Child, free_port, tail
from watchkeeper.cli.stack.clickhouse_process import LOCK_FILE, clickhouse_command, read_address
from watchkeeper.cli.stack.credentials import CREDENTIALS_FILE, DEFAULT_USER, load_credentials
from watchkeeper.cli.stack.testing import running_clickhouse
from watchkeeper.schemas.errors import ConfigurationError, StackError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINES = b"".join(b'{"n":%d,"s":"%s"}\n' % (number, b"x" * 500) for number in range(1_000))
SLOW = "SELECT sum(sleepEachRow(0.1)) FROM numbers(10)"


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Child]:
    started = _start(tmp_path)
    yield started
    started.kill()


def _start(directory: Path) -> Child:
    started = Child("ClickHouse", clickhouse_command(directory, stop_seconds=2), directory / "log")
    started.wait_until(lambda: read_address(directory, started.pid) is not None, 30)
    return started


def _port(directory: Path, pid: int) -> int:
    address = read_address(directory, pid)
    assert address is not None
    return address.port


def _client(directory: Path, child: Child) -> Any:
    dsn = load_credentials(directory).dsn(_port(directory, child.pid), "watchkeeper")
    return clickhouse_connect.get_client(dsn=dsn, autogenerate_session_id=False)


def test_acknowledged_rows_outlive_a_kill(tmp_path: Path, child: Child) -> None:
    with _client(tmp_path, child) as client:
        client.command("CREATE TABLE kept (n UInt32, s String) ENGINE = MergeTree ORDER BY n")
    acknowledged = [0, 0]
    enough = threading.Event()

    def insert(place: int) -> None:
        with _client(tmp_path, child) as client, contextlib.suppress(OperationalError, OSError):
            while True:
                acknowledged[place] += client.raw_insert("kept", None, LINES, fmt="JSONEachRow").written_rows
                if sum(acknowledged) >= 30_000:
                    enough.set()

    threads = [threading.Thread(target=insert, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    assert enough.wait(60)
    assert child.kill() == -signal.SIGKILL
    for thread in threads:
        thread.join(60)
    with running_clickhouse(tmp_path) as dsn, clickhouse_connect.get_client(dsn=dsn) as client:
        stored = client.query("SELECT count() FROM kept").result_rows[0][0]
    # What was written but not acknowledged, one batch for each client, may be there or not.
    assert sum(acknowledged) <= stored <= sum(acknowledged) + 2_000


def test_sigterm_lets_a_query_finish_and_ends_with_zero(tmp_path: Path, child: Child) -> None:
    answers: list[Any] = []

    def ask() -> None:
        with _client(tmp_path, child) as client:
            answers.append(client.query(SLOW).result_rows)

    with _client(tmp_path, child) as client:
        thread = threading.Thread(target=ask)
        thread.start()
        while client.command("SELECT count() FROM system.processes WHERE query LIKE '%sleepEachRow%'") < 2:
            pass
    assert child.stop(20) == 0
    thread.join()
    assert answers == [[(0,)]]
    assert read_address(tmp_path) is None


def test_sigterm_ends_what_would_run_on(tmp_path: Path, child: Child) -> None:
    failures: list[str] = []

    def ask() -> None:
        with _client(tmp_path, child) as client:
            try:
                client.query("SELECT count() FROM numbers(1000000000000)")
            except (DatabaseError, OperationalError) as error:
                failures.append(str(error))

    with _client(tmp_path, child) as client:
        thread = threading.Thread(target=ask)
        thread.start()
        while client.command("SELECT count() FROM system.processes WHERE query LIKE '%1000000000000%'") < 2:
            pass
    assert child.stop(20) == 0
    thread.join()
    assert len(failures) == 1


def test_a_directory_is_served_once(tmp_path: Path, child: Child) -> None:
    second = Child("ClickHouse", clickhouse_command(tmp_path), tmp_path / "second.log")
    with pytest.raises(StackError, match=f"already runs on .* as process {child.pid}; stop it"):
        second.wait_until(lambda: False, 30)
    assert second.exit_code == 1
    with _client(tmp_path, child) as client:
        assert client.command("SELECT 1") == 1


def test_the_lock_ends_with_its_process(tmp_path: Path, child: Child) -> None:
    child.kill()
    assert (tmp_path / LOCK_FILE).read_text().strip() == str(child.pid)
    with running_clickhouse(tmp_path) as dsn, clickhouse_connect.get_client(dsn=dsn) as client:
        assert client.command("SELECT 1") == 1


def test_a_port_in_use_is_named(tmp_path: Path, child: Child) -> None:
    port = _port(tmp_path, child.pid)
    other = Child("ClickHouse", clickhouse_command(tmp_path / "other", port), tmp_path / "other.log")
    with pytest.raises(StackError, match=f"port {port} of 127.0.0.1 cannot be used"):
        other.wait_until(lambda: False, 30)


def test_a_port_may_be_given(tmp_path: Path) -> None:
    port = free_port()
    with running_clickhouse(tmp_path, port=port, database="other") as dsn:
        assert (urlsplit(dsn).port, urlsplit(dsn).path) == (port, "/other")
        with clickhouse_connect.get_client(dsn=dsn) as client:
            assert client.command("SELECT currentDatabase()") == "other"


def test_the_password_is_made_once_and_only_its_owner_reads_it(tmp_path: Path, child: Child) -> None:
    path = tmp_path / CREDENTIALS_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = load_credentials(tmp_path)
    assert (first.user, len(first.password)) == (DEFAULT_USER, 32)
    assert load_credentials(tmp_path) == first
    assert first.password not in repr(first)
    assert first.password not in tail(tmp_path / "log", 1000)


def test_the_password_may_come_from_the_environment(tmp_path: Path) -> None:
    environment = {"WATCHKEEPER_CLICKHOUSE_USER": "me", "WATCHKEEPER_CLICKHOUSE_PASSWORD": "p@ss/w:rd"}
    found = load_credentials(tmp_path, environment)
    assert (found.user, found.password) == ("me", "p@ss/w:rd")
    assert found.dsn(1, "d") == "http://me:p%40ss%2Fw%3Ard@127.0.0.1:1/d"
    assert not (tmp_path / CREDENTIALS_FILE).exists()


def test_a_broken_password_file_is_named(tmp_path: Path) -> None:
    (tmp_path / CREDENTIALS_FILE).write_text("{")
    with pytest.raises(ConfigurationError, match=r"credentials.json cannot be read .*; delete it"):
        load_credentials(tmp_path, {})
