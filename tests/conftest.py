"""Real parts, shared by all tests of a run: a broker with all topics, and ClickHouse's engine with all tables.

Tests that use them keep apart by names of their own: a tenant, a session, a consumer group.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest

from watchkeeper.cli.stack.apache.cluster import KafkaCluster
from watchkeeper.cli.stack.apache.jars import kafka_jars
from watchkeeper.cli.stack.apache.programs import ApacheKafkaUnavailableError, java_program
from watchkeeper.cli.stack.testing import running_broker, running_clickhouse, running_kafka
from watchkeeper.schemas.topics import TOPICS
from watchkeeper.stream_processors.migrate import migrate


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Makes all cases of a test but the first few long, where it is marked `few`."""
    seen: Counter[tuple[object, ...]] = Counter()
    for item in items:
        mark = item.get_closest_marker("few")
        if mark is None:
            continue
        test = (item.path, getattr(item, "originalname", item.name))
        seen[test] += 1
        if seen[test] > mark.args[0]:
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """The broker's bootstrap address, `127.0.0.1:port`."""
    with running_broker(TOPICS) as bootstrap:
        yield bootstrap


REQUIRE_KAFKA = "WATCHKEEPER_TEST_REQUIRE_KAFKA"
"""Set to 1, as CI does, it makes a missing Java or Maven a failure."""


@pytest.fixture(scope="session")
def apache() -> None:
    """Skips a test where Apache Kafka cannot run; one that starts nodes of its own asks for it."""
    try:
        java_program()
        kafka_jars()
    except ApacheKafkaUnavailableError as error:
        if os.environ.get(REQUIRE_KAFKA) == "1":
            pytest.fail(f"Apache Kafka: {error} ({REQUIRE_KAFKA} is set)")
        pytest.skip(f"Apache Kafka: {error}")


@pytest.fixture(scope="session")
def kafka(apache: None) -> Iterator[KafkaCluster]:
    """One node of Apache Kafka with all topics. Tests that end it start one of their own by `running_kafka`."""
    del apache
    with running_kafka(topics=TOPICS) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def clickhouse() -> Iterator[str]:
    """The address of a migrated database, `http://user:password@127.0.0.1:port/database`."""
    with running_clickhouse() as dsn:
        migrate(dsn)
        yield dsn


@pytest.fixture(params=["embedded", pytest.param("apache", marks=pytest.mark.long)])
def bootstrap(request: pytest.FixtureRequest) -> str:
    """Each broker in turn, shared by all tests: they keep apart by topics of their own."""
    if request.param == "embedded":
        return str(request.getfixturevalue("broker"))
    cluster: KafkaCluster = request.getfixturevalue("kafka")
    return cluster.bootstrap
