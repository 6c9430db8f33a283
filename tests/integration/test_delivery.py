"""A stream of some 20,000 events through broker, worker and ClickHouse while one of them fails, on both brokers.

Afterwards nothing is lost and nothing is there twice: every line is stored under the digest of its bytes, and all
that users see, findings, states, dead letters, commands, equals what it is when nothing fails.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from watchkeeper.cli.stack.child import Child, free_port
from watchkeeper.cli.stack.clickhouse_process import read_address
from watchkeeper.cli.stack.testing import running_clickhouse
from watchkeeper.schemas.topics import PARTITIONS
from watchkeeper.stream_processors.clickhouse import connect_to, parse_dsn
from watchkeeper.stream_processors.migrate import migrate


@pytest.fixture(scope="module")
def sent(passage: ModuleType) -> Any:
    """What every test sends."""
    history = passage.history()
    assert len(history.digests) > 18_000
    return history


@pytest.fixture(scope="module")
def expected(sent: Any, ways: ModuleType, clickhouse: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What comes of it when nothing fails: the same on both brokers."""
    address = parse_dsn(clickhouse)
    dsn = clickhouse.removesuffix(address.database) + "undisturbed"
    migrate(dsn)
    outcome: dict[str, Any] = ways.undisturbed(sent, dsn, tmp_path_factory.mktemp("undisturbed"))
    connect_to(address).command("DROP DATABASE undisturbed")
    return outcome


@pytest.fixture(params=["embedded", pytest.param("apache", marks=pytest.mark.long)])
def kind(request: pytest.FixtureRequest) -> str:
    """The broker's."""
    if request.param == "apache":
        request.getfixturevalue("apache")
    return str(request.param)


@pytest.fixture
def way(
    kind: str, sent: Any, expected: dict[str, Any], ways: ModuleType, own_database: str, tmp_path: Path
) -> Iterator[Any]:
    """A way of the test's own."""
    with ways.own_bootstrap(kind) as bootstrap:
        yield ways.Way(sent, expected, bootstrap, own_database, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_a_worker_that_ends_in_the_middle_and_its_successor(end: signal.Signals, way: Any) -> None:
    for part in (0, 1):
        with way.worker() as worker:
            way.begins_with(part, 3, worker)
            os.kill(worker.pid, end)
            way.until(lambda of=worker: of.exit_code is not None, seconds=10)
            assert worker.exit_code == (-signal.SIGKILL if end == signal.SIGKILL else 0)
    way.send(2, 3)
    with way.worker() as worker:
        way.settled(worker)
    way.compare()


@pytest.mark.long
@pytest.mark.parametrize(
    "act", ["REFUSE", *(pytest.param(act, marks=pytest.mark.long) for act in ("LOSE_ANSWER", "CUT_ANSWER", "BUSY"))]
)
def test_a_store_that_fails_now_and_then(act: str, way: Any, proxies: ModuleType) -> None:
    """Before and after it did what it was asked, inserts and queries."""
    chosen = proxies.Act[act]
    with proxies.StoreProxy(way.dsn).running() as proxy:
        proxy.plan = proxies.now_and_then(7, 0.4, {"INSERT": [chosen], "SELECT": [chosen]})
        with way.worker(ready=False, dsn=proxy.dsn) as worker:
            way.send()
            way.settled(worker)
        # How many inserts there are depends on how far the worker is behind: batches grow.
        assert proxy.done[chosen, "INSERT"] > 1
        assert proxy.done[chosen, "SELECT"] > 0
    way.compare()


@pytest.mark.long
def test_a_store_that_is_away_from_the_start_and_comes_later(way: Any, tmp_path: Path) -> None:
    """First nobody listens, then there is no database, then it has no tables, then it is there."""
    port = free_port()
    with running_clickhouse(tmp_path / "store", port=port, database="other") as there:
        way = way.to(there.removesuffix("other") + "watchkeeper")
    with ExitStack() as stack:
        worker = stack.enter_context(way.worker(ready=False))
        way.send()
        way.until(lambda: "does not answer" in worker.log.read_text(), worker)
        stack.enter_context(running_clickhouse(tmp_path / "store", port=port, database="other"))
        way.until(lambda: "run `watchkeeper migrate`" in worker.log.read_text(), worker)
        connect_to(parse_dsn(there)).command("CREATE DATABASE watchkeeper")
        # Long enough that everything that can be fetched was fetched.
        time.sleep(3)
        migrate(way.dsn)
        way.settled(worker)
        assert "ready" in worker.log.read_text()
        worker.stop(10)
        way.compare()


@pytest.mark.long
def test_a_store_that_goes_away_in_the_middle(way: Any, tmp_path: Path) -> None:
    port = free_port()
    with ExitStack() as stack:
        with running_clickhouse(tmp_path / "store", port=port) as dsn:
            migrate(dsn)
            way = way.to(dsn)
            worker = stack.enter_context(way.worker())
            way.begins_with(0, 2, worker)
        way.send(1, 2)
        way.until(lambda: "trying again" in worker.log.read_text(), worker)
        with running_clickhouse(tmp_path / "store", port=port):
            way.settled(worker)
            worker.stop(10)
            way.compare()


@pytest.mark.long
def test_a_worker_that_is_stopped_while_its_store_hangs_ends_in_time(way: Any, tmp_path: Path) -> None:
    """Nothing that is on its way then is committed; the supervisor would kill it after ten seconds."""
    with ExitStack() as stack:
        data = tmp_path / "store"
        way = way.to(stack.enter_context(running_clickhouse(data)))
        migrate(way.dsn)
        address = read_address(data)
        assert address is not None
        worker = stack.enter_context(way.worker())
        way.begins_with(0, 2, worker)
        os.kill(address.pid, signal.SIGSTOP)
        try:
            way.send(1, 2)
            os.kill(worker.pid, signal.SIGTERM)
            way.until(lambda: worker.exit_code is not None, seconds=10)
            assert worker.exit_code == 0
        finally:
            os.kill(address.pid, signal.SIGCONT)
        successor = stack.enter_context(way.worker("successor"))
        way.settled(successor)
        successor.stop(10)
        way.compare()


@pytest.mark.long
@pytest.mark.parametrize("how", ["unreachable", "silent"])
def test_a_broker_that_is_away_for_some_seconds(
    how: str, kind: str, sent: Any, expected: dict[str, Any], ways: ModuleType, own_database: str, tmp_path: Path
) -> None:
    """Twice: for shorter and for longer than the session of the consumer group lasts."""
    with ways.failing_broker(kind, tmp_path / "broker.log") as broker:
        way = ways.Way(sent, expected, broker.bootstrap, own_database, tmp_path)
        with way.worker() as worker:
            for number, seconds in enumerate((2, 9)):
                way.begins_with(number, 3, worker)
                with getattr(broker, how)():
                    time.sleep(seconds)
            way.send(2, 3)
            way.settled(worker)
        way.compare()


@pytest.mark.long
def test_workers_that_come_and_go(way: Any, passage: ModuleType) -> None:
    """Two share the partitions under load; one is killed, another comes, one is told to stop."""

    def in_hand(*workers: Child) -> bool:
        return sum(map(passage.partitions, workers)) == PARTITIONS and all(map(passage.partitions, workers))

    with ExitStack() as stack:
        one = stack.enter_context(way.worker("one"))
        way.begins_with(0, 3, one)
        # The second joins while the first has work in hand.
        two = stack.enter_context(way.worker("two"))
        way.until(lambda: in_hand(one, two), one, two)
        way.begins_with(1, 3, one, two)
        os.kill(one.pid, signal.SIGKILL)
        three = stack.enter_context(way.worker("three"))
        way.until(lambda: in_hand(two, three), two, three)
        way.begins_with(2, 3, two, three)
        os.kill(two.pid, signal.SIGTERM)
        way.settled(three)
        three.stop(10)
    way.compare()


@pytest.mark.long
def test_a_worker_that_was_stopped_for_a_while_and_goes_on_beside_its_successor(way: Any, passage: ModuleType) -> None:
    """A machine that hangs: the group has given its partitions away, and it does not know when it goes on."""
    with ExitStack() as stack:
        one = stack.enter_context(way.worker("one"))
        way.begins_with(0, 2, one)
        os.kill(one.pid, signal.SIGSTOP)
        try:
            way.send(1, 2)
            two = stack.enter_context(way.worker("two"))
            way.goes_on(two)
        finally:
            os.kill(one.pid, signal.SIGCONT)
        way.settled(two)
        way.until(lambda: passage.partitions(one) + passage.partitions(two) == PARTITIONS)
        one.stop(10)
        two.stop(10)
    way.compare()
