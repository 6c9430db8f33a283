"""Real parts for tests, on free ports of 127.0.0.1: a broker, and ClickHouse's engine behind its HTTP interface.

In a `conftest.py`::

    @pytest.fixture(scope="session")
    def broker() -> Iterator[str]:
        with running_broker() as bootstrap:
            yield bootstrap

    @pytest.fixture(scope="session")
    def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
        with running_clickhouse(tmp_path_factory.mktemp("clickhouse")) as dsn:
            yield dsn

`running_kafka` is Apache Kafka itself, of one or three nodes; `running_worker` is a worker between broker and store,
`running_stack` a whole one; `separate_database` is an empty one on a server that runs; `commit_places` commits for a
group without members. All end when the block ends, and on Linux also when the process that uses them is killed.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from watchkeeper.cli.stack.apache.cluster import KafkaCluster
from watchkeeper.cli.stack.broker import START_SECONDS, TopicLike, broker_answers, broker_command, ensure_topics
from watchkeeper.cli.stack.child import Child, free_port
from watchkeeper.cli.stack.clickhouse_process import DEFAULT_DATABASE, clickhouse_command, read_address
from watchkeeper.cli.stack.credentials import load_credentials
from watchkeeper.cli.stack.lifecycle import stack_environment, start_stack, stop_stack
from watchkeeper.cli.stack.settings import CLICKHOUSE, HOME, KAFKA, READY_FILE, StackSettings
from watchkeeper.stream_processors.clickhouse import connect_to, parse_dsn
from watchkeeper.stream_processors.migrate import migrate

STOP_SECONDS = 10.0


@contextmanager
def running_broker(topics: Sequence[TopicLike] = (), *, port: int = 0, log_dir: Path | None = None) -> Iterator[str]:
    """A broker with everything in memory.

    Args:
        topics: created before the block begins; by default none.
        port: where it listens; 0 takes a free one.
        log_dir: where its log goes; by default a directory that ends with the block.

    Yields:
        The bootstrap address, `127.0.0.1:port`.

    Raises:
        StackError: it cannot be started; the message holds the end of its log.
    """
    with tempfile.TemporaryDirectory(prefix="watchkeeper-broker-") as own:
        chosen = port or free_port()
        bootstrap = f"127.0.0.1:{chosen}"
        child = Child("the broker", broker_command(chosen), (log_dir or Path(own)) / "broker.log")
        try:
            child.wait_until(lambda: broker_answers(bootstrap, 1.0), START_SECONDS)
            ensure_topics(bootstrap, topics)
            yield bootstrap
        finally:
            child.stop(STOP_SECONDS)


@contextmanager
def running_kafka(
    nodes: int = 1, topics: Sequence[TopicLike] = (), *, data_dir: Path | None = None, port: int = 0
) -> Iterator[KafkaCluster]:
    """Apache Kafka itself, of one node or three, which tests may stop, kill, pause and start again with their data.

    Args:
        nodes: 1 or 3.
        topics: created before the block begins, with a copy on each node.
        data_dir: where data and logs live; used again, it brings the same cluster back. By default a directory that
            ends with the block.
        port: where the first node listens; 0 takes a free one.

    Yields:
        The cluster: `.bootstrap`, `.cluster_id`, and `.nodes[i]` with `stop()`, `kill()`, `pause()`, `resume()`,
        `start()`.

    Raises:
        ApacheKafkaUnavailableError: Java or Maven is missing.
        StackError: a node cannot be started; the message holds the end of its log.
    """
    with tempfile.TemporaryDirectory(prefix="watchkeeper-kafka-") as own:
        cluster = KafkaCluster(data_dir or Path(own), nodes, port)
        try:
            cluster.start()
            cluster.ensure_topics(topics)
            yield cluster
        finally:
            cluster.stop(STOP_SECONDS)


@contextmanager
def running_clickhouse(
    data_dir: Path | None = None, *, port: int = 0, database: str = DEFAULT_DATABASE
) -> Iterator[str]:
    """ClickHouse's engine as a server process with an empty database.

    Args:
        data_dir: where data, password and log live; used again, it brings the data back. By default a directory
            that ends with the block.
        port: where it listens; 0 takes a free one.
        database: made when missing, and named in the address.

    Yields:
        The address for clickhouse-connect's `get_client(dsn=...)`: `http://user:password@127.0.0.1:port/database`.

    Raises:
        StackError: it cannot be started; the message holds the end of its log.
    """
    with tempfile.TemporaryDirectory(prefix="watchkeeper-clickhouse-") as own:
        directory = data_dir or Path(own)
        child = Child("ClickHouse", clickhouse_command(directory, port, database), directory / "clickhouse.log")
        try:
            child.wait_until(lambda: read_address(directory, child.pid) is not None, START_SECONDS)
            address = read_address(directory, child.pid)
            assert address is not None
            yield load_credentials(directory).dsn(address.port, database)
        finally:
            child.stop(STOP_SECONDS)


@contextmanager
def separate_database(dsn: str, called: str = "own") -> Iterator[str]:
    """A migrated database beside the one of an address, gone at the end: nothing of other tests is in it.

    Args:
        dsn: of a database on the same server.
        called: how its name begins.

    Yields:
        Its address.
    """
    address = parse_dsn(dsn)
    name = f"{called}_{uuid.uuid4().hex}"
    fresh = dsn.removesuffix(address.database) + name
    migrate(fresh)
    try:
        yield fresh
    finally:
        connect_to(address).command(f"DROP DATABASE {name}")


@contextmanager
def running_worker(
    bootstrap: str, dsn: str, home: Path | None = None, *, ready: bool = True, **environment: str
) -> Iterator[Child]:
    """A worker.

    Args:
        bootstrap: address of the broker.
        dsn: address of ClickHouse.
        home: where it may write, and where its log `worker.log` goes; by default a directory that ends with the block.
        ready: wait until it has partitions of every topic.
        **environment: more variables, such as `WATCHKEEPER_GROUP`; workers share the work of one group.

    Yields:
        The process: `stop` it with SIGTERM or `kill` it, read its `log`.

    Raises:
        StackError: it ended, or did not become ready; the message holds the end of its log.
    """
    with tempfile.TemporaryDirectory(prefix="watchkeeper-worker-") as own:
        directory = home or Path(own)
        told = directory / f"ready-{uuid.uuid4().hex}"
        variables = {KAFKA: bootstrap, CLICKHOUSE: dsn, HOME: str(directory), READY_FILE: str(told)}
        command = [sys.executable, "-m", "watchkeeper.stream_processors.worker"]
        child = Child("the worker", command, directory / "worker.log", {**os.environ, **variables, **environment})
        try:
            if ready:
                child.wait_until(told.exists, START_SECONDS)
            yield child
        finally:
            child.stop(STOP_SECONDS)


@contextmanager
def running_stack(settings: StackSettings | None = None) -> Iterator[dict[str, str]]:
    """Broker, engine with all tables, and worker.

    Args:
        settings: the stack; by default one in a directory that ends with the block, which the environment does not
            change.

    Yields:
        The variables with which a program uses it, as `watchkeeper.cli.stack.lifecycle.stack_environment` gives them.

    Raises:
        StackError: a part cannot be started; the message holds the end of its log.
    """
    with tempfile.TemporaryDirectory(prefix="watchkeeper-stack-") as own:
        chosen = settings or StackSettings(data_dir=Path(own))
        start_stack(chosen, tether=True)
        try:
            yield stack_environment(chosen)
        finally:
            stop_stack(chosen.data_dir)


def commit_places(consumer: Consumer, places: list[TopicPartition], seconds: float = 60) -> None:
    """Commits; a node that has just started may still be reading what its groups committed, and says so.

    Raises:
        KafkaException: another error, or it still reads after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            consumer.commit(offsets=places, asynchronous=False)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.COORDINATOR_LOAD_IN_PROGRESS or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
