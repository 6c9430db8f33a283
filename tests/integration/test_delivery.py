"""A stream of some 20,000 events through broker, worker and ClickHouse while one of them fails.

Afterwards nothing is lost and nothing is there twice: every line is stored under the digest of its bytes, and all
that users see, findings, states, dead letters, commands, equals what it is when nothing fails.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from watchkeeper.cli.stack.broker import broker_answers, broker_command, ensure_topics
from watchkeeper.cli.stack.child import Child, free_port
from watchkeeper.cli.stack.clickhouse_process import read_address
from watchkeeper.cli.stack.testing import running_broker, running_clickhouse, running_worker
from watchkeeper.schemas.topics import PARTITIONS, TOPICS
from watchkeeper.stream_processors.clickhouse import connect_to, parse_dsn
from watchkeeper.stream_processors.migrate import migrate

EVENTS_ENOUGH = 3_000
"""Stored when the failure comes: the worker is in the middle."""


@pytest.fixture(scope="module")
def sent(passage: ModuleType) -> Any:
    """What every test sends."""
    history = passage.history()
    assert len(history.digests) > 18_000
    return history


@pytest.fixture(scope="module")
def expected(
    sent: Any, passage: ModuleType, clickhouse: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What comes of it when nothing fails."""
    address = parse_dsn(clickhouse)
    dsn = clickhouse.removesuffix(address.database) + "undisturbed"
    migrate(dsn)
    with running_broker(TOPICS) as bootstrap:
        passage.send(bootstrap, sent.records)
        with running_worker(bootstrap, dsn, tmp_path_factory.mktemp("undisturbed")) as worker:
            passage.settled(dsn, sent, worker)
        passage.exact(dsn, sent)
        outcome: dict[str, Any] = passage.outcome(dsn, bootstrap)
    connect_to(address).command("DROP DATABASE undisturbed")
    for table in ("findings", "control_commands", "dead_letters", "contents", "sessions", "subjects"):
        assert outcome[table], f"the history shows nothing of {table}"
    return outcome


@pytest.fixture
def compare(sent: Any, expected: dict[str, Any], passage: ModuleType) -> Callable[[str, str], None]:
    """Compares all that came out with what comes out when nothing fails."""

    def same(dsn: str, bootstrap: str) -> None:
        passage.exact(dsn, sent)
        outcome = passage.outcome(dsn, bootstrap)
        assert outcome.keys() == expected.keys()
        for name, found in outcome.items():
            if found != expected[name]:
                pytest.fail(f"{name} differ, first: {_first_difference(found, expected[name])}")

    return same


def _first_difference(found: Any, expected: Any) -> str:
    if isinstance(found, dict):
        found, expected = list(found.items()), list(expected.items())
    if isinstance(found, set):
        return f"only found {sorted(found - expected)[:1]}, only expected {sorted(expected - found)[:1]}"
    different = next((pair for pair in zip(found, expected, strict=False) if pair[0] != pair[1]), None)
    return f"{len(found)} and {len(expected)}" if different is None else f"{different[0]}\nexpected {different[1]}"


@pytest.mark.long
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_a_worker_that_ends_in_the_middle_and_its_successor(
    end: signal.Signals,
    sent: Any,
    compare: Callable[[str, str], None],
    passage: ModuleType,
    own_broker: str,
    own_database: str,
    tmp_path: Path,
) -> None:
    passage.send(own_broker, sent.records)
    for stop_at in (EVENTS_ENOUGH, 2 * EVENTS_ENOUGH):
        with running_worker(own_broker, own_database, tmp_path) as worker:
            passage.wait_until(lambda at=stop_at: passage.counted(own_database) >= at, 60, worker)
            os.kill(worker.pid, end)
            passage.wait_until(lambda of=worker: of.exit_code is not None, 10)
            assert worker.exit_code == (-signal.SIGKILL if end == signal.SIGKILL else 0)
        assert passage.counted(own_database) < len(sent.digests), "it was not in the middle"
    with running_worker(own_broker, own_database, tmp_path) as worker:
        passage.settled(own_database, sent, worker)
    compare(own_database, own_broker)


@pytest.mark.parametrize("kind", ["refused", "answers lost", "answers cut", "busy"])
def test_a_store_that_fails_now_and_then(
    kind: str,
    sent: Any,
    compare: Callable[[str, str], None],
    passage: ModuleType,
    proxies: ModuleType,
    own_broker: str,
    own_database: str,
    tmp_path: Path,
) -> None:
    """Before and after it did what it was asked, inserts and queries."""
    act = {
        "refused": proxies.Act.REFUSE,
        "answers lost": proxies.Act.LOSE_ANSWER,
        "answers cut": proxies.Act.CUT_ANSWER,
        "busy": proxies.Act.BUSY,
    }[kind]
    with proxies.StoreProxy(own_database).running() as proxy:
        proxy.plan = proxies.now_and_then(7, 0.25, {"INSERT": [act], "SELECT": [act]})
        with running_worker(own_broker, proxy.dsn, tmp_path, ready=False) as worker:
            passage.send(own_broker, sent.records)
            passage.settled(own_database, sent, worker, seconds=90)
        assert proxy.done[act, "INSERT"] > 5
        assert proxy.done[act, "SELECT"] > 0
    compare(own_database, own_broker)


@pytest.mark.long
def test_a_store_that_is_away_from_the_start_and_comes_later(
    sent: Any, compare: Callable[[str, str], None], passage: ModuleType, own_broker: str, tmp_path: Path
) -> None:
    """First nobody listens, then there is no database, then it has no tables, then it is there."""
    port = free_port()
    with running_clickhouse(tmp_path / "store", port=port, database="other") as there:
        dsn = there.removesuffix("other") + "watchkeeper"
    with ExitStack() as stack:
        worker = stack.enter_context(running_worker(own_broker, dsn, tmp_path / "worker", ready=False))
        passage.send(own_broker, sent.records)
        passage.wait_until(lambda: "does not answer" in worker.log.read_text(), 30, worker)
        stack.enter_context(running_clickhouse(tmp_path / "store", port=port, database="other"))
        passage.wait_until(lambda: "run `watchkeeper migrate`" in worker.log.read_text(), 30, worker)
        connect_to(parse_dsn(there)).command("CREATE DATABASE watchkeeper")
        # Long enough that everything that can be fetched was fetched.
        time.sleep(3)
        migrate(dsn)
        passage.settled(dsn, sent, worker, seconds=60)
        assert "ready" in worker.log.read_text()
        worker.stop(10)
        compare(dsn, own_broker)


@pytest.mark.long
def test_a_store_that_goes_away_in_the_middle(
    sent: Any, compare: Callable[[str, str], None], passage: ModuleType, own_broker: str, tmp_path: Path
) -> None:
    port = free_port()
    with ExitStack() as stack:
        with running_clickhouse(tmp_path / "store", port=port) as dsn:
            migrate(dsn)
            worker = stack.enter_context(running_worker(own_broker, dsn, tmp_path / "worker"))
            passage.send(own_broker, sent.records)
            passage.wait_until(lambda: passage.counted(dsn) >= EVENTS_ENOUGH, 60, worker)
        passage.wait_until(lambda: "trying again" in worker.log.read_text(), 30, worker)
        with running_clickhouse(tmp_path / "store", port=port):
            passage.settled(dsn, sent, worker, seconds=60)
            worker.stop(10)
            compare(dsn, own_broker)


@pytest.mark.long
def test_a_worker_that_is_stopped_while_its_store_hangs_ends_in_time(
    sent: Any, compare: Callable[[str, str], None], passage: ModuleType, own_broker: str, tmp_path: Path
) -> None:
    """Nothing that is on its way then is committed; the supervisor would kill it after ten seconds."""
    with ExitStack() as stack:
        data = tmp_path / "store"
        dsn = stack.enter_context(running_clickhouse(data))
        migrate(dsn)
        pid = _pid_of(data)
        worker = stack.enter_context(running_worker(own_broker, dsn, tmp_path / "worker"))
        passage.send(own_broker, sent.records)
        passage.wait_until(lambda: passage.counted(dsn) >= EVENTS_ENOUGH, 60, worker)
        os.kill(pid, signal.SIGSTOP)
        try:
            before = time.monotonic()
            os.kill(worker.pid, signal.SIGTERM)
            passage.wait_until(lambda: worker.exit_code is not None, 10)
            assert worker.exit_code == 0
            assert time.monotonic() - before < 10
        finally:
            os.kill(pid, signal.SIGCONT)
        successor = stack.enter_context(running_worker(own_broker, dsn, tmp_path / "successor"))
        passage.settled(dsn, sent, successor)
        successor.stop(10)
        compare(dsn, own_broker)


def _pid_of(data: Path) -> int:
    address = read_address(data)
    assert address is not None
    return address.pid


@contextmanager
def broker_behind_a_proxy(proxies: ModuleType, log: Path) -> Iterator[tuple[str, Any, Child]]:
    """Its address, the proxy, and its process."""
    port, behind = free_port(), free_port()
    advertised = f"tcp://127.0.0.1:{port}"
    command = broker_command(behind)
    command[command.index("--advertised-listener-url") + 1] = advertised
    broker = Child("the broker", command, log)
    proxy = proxies.BrokerProxy(port, behind)
    proxy.open()
    try:
        bootstrap = f"127.0.0.1:{port}"
        broker.wait_until(lambda: broker_answers(bootstrap, 1.0), 30)
        ensure_topics(bootstrap, TOPICS)
        yield bootstrap, proxy, broker
    finally:
        proxy.cut()
        broker.stop(10)


@pytest.mark.long
@pytest.mark.parametrize("how", ["connections refused", "no answers"])
def test_a_broker_that_is_unreachable_for_some_seconds(
    how: str,
    sent: Any,
    compare: Callable[[str, str], None],
    passage: ModuleType,
    proxies: ModuleType,
    own_database: str,
    tmp_path: Path,
) -> None:
    """Twice: for shorter and for longer than the session of the consumer group lasts."""
    with broker_behind_a_proxy(proxies, tmp_path / "broker.log") as (bootstrap, proxy, broker):
        with running_worker(bootstrap, own_database, tmp_path) as worker:
            half = len(sent.records) // 2
            passage.send(bootstrap, sent.records[:half])
            for seconds in (2, 9):
                passage.wait_until(lambda: passage.counted(own_database) >= 1000, 60, worker)
                if how == "no answers":
                    os.kill(broker.pid, signal.SIGSTOP)
                    time.sleep(seconds)
                    os.kill(broker.pid, signal.SIGCONT)
                else:
                    proxy.cut()
                    time.sleep(seconds)
                    proxy.open()
            passage.send(bootstrap, sent.records[half:])
            passage.settled(own_database, sent, worker)
        compare(own_database, bootstrap)


@pytest.mark.long
def test_workers_that_come_and_go(
    sent: Any,
    compare: Callable[[str, str], None],
    passage: ModuleType,
    own_broker: str,
    own_database: str,
    tmp_path: Path,
) -> None:
    """Two share the partitions under load; one is killed, another comes, one is told to stop."""
    third = len(sent.records) // 3

    def worker(name: str) -> Any:
        return running_worker(own_broker, own_database, tmp_path / name)

    def in_hand(*workers: Child) -> bool:
        return sum(map(passage.partitions, workers)) == PARTITIONS and all(map(passage.partitions, workers))

    with ExitStack() as stack:
        one = stack.enter_context(worker("one"))
        passage.send(own_broker, sent.records[:third])
        passage.wait_until(lambda: passage.counted(own_database) >= 1000, 60, one)
        # The second joins while the first has work in hand.
        two = stack.enter_context(worker("two"))
        passage.wait_until(lambda: in_hand(one, two), 60, one, two)
        passage.send(own_broker, sent.records[third : 2 * third])
        before = passage.counted(own_database)
        passage.wait_until(lambda: passage.counted(own_database) > before, 60, one, two)
        os.kill(one.pid, signal.SIGKILL)
        three = stack.enter_context(worker("three"))
        passage.wait_until(lambda: in_hand(two, three), 60, two, three)
        passage.send(own_broker, sent.records[2 * third :])
        before = passage.counted(own_database)
        passage.wait_until(lambda: passage.counted(own_database) > before, 60, two, three)
        os.kill(two.pid, signal.SIGTERM)
        passage.settled(own_database, sent, three, seconds=90)
        three.stop(10)
    compare(own_database, own_broker)


@pytest.mark.long
def test_a_worker_that_was_stopped_for_a_while_and_goes_on_beside_its_successor(
    sent: Any,
    compare: Callable[[str, str], None],
    passage: ModuleType,
    own_broker: str,
    own_database: str,
    tmp_path: Path,
) -> None:
    """A machine that hangs: the group has given its partitions away, and it does not know when it goes on."""
    with ExitStack() as stack:
        one = stack.enter_context(running_worker(own_broker, own_database, tmp_path / "one"))
        passage.send(own_broker, sent.records)
        passage.wait_until(lambda: passage.counted(own_database) >= EVENTS_ENOUGH, 60, one)
        os.kill(one.pid, signal.SIGSTOP)
        try:
            two = stack.enter_context(running_worker(own_broker, own_database, tmp_path / "two"))
            before = passage.counted(own_database)
            passage.wait_until(lambda: passage.counted(own_database) > before, 60, two)
        finally:
            os.kill(one.pid, signal.SIGCONT)
        passage.settled(own_database, sent, two, seconds=90)
        passage.wait_until(lambda: passage.partitions(one) + passage.partitions(two) == PARTITIONS, 60)
        one.stop(10)
        two.stop(10)
    compare(own_database, own_broker)
