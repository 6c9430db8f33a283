"""A router while the store goes away and comes back, then the broker, then the workers: real processes, all of them."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from alerting_desk import make_finding
from confluent_kafka import Producer
from webhook_receiver import Hook, Receiver, receiving

from watchkeeper.cli.alerts.running import Engine, Place, keep_routing, make_engine
from watchkeeper.cli.stack.child import free_port
from watchkeeper.cli.stack.testing import running_broker, running_clickhouse, running_worker
from watchkeeper.cli.store import open_store
from watchkeeper.dashboards.alerting.config_file import WrittenAlerts, read_alerts
from watchkeeper.dashboards.alerting.totals import Totals
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.topics import FINDINGS, PARTITIONER, TOPICS
from watchkeeper.stream_processors.migrate import migrate

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
PATIENCE_SECONDS = 120.0
Start = Callable[[], str]


@contextmanager
def routing(bootstrap: str, dsn: str, receiver: Receiver, **pipeline: object) -> Iterator[Engine]:
    """A router in threads of this process, with a heartbeat every second."""
    values = {
        "channels": {"hook": {"kind": "webhook", "url": f"{receiver.url}/hook"}},
        "routes": [{"channels": ["hook"]}],
        "timing": {"gather_seconds": 0.3, "update_seconds": 1, "longest_update_seconds": 2},
        "pipeline": pipeline,
        "heartbeat": {"url": f"{receiver.url}/beat", "every_seconds": 1},
    }
    written = WrittenAlerts(read_alerts(orjson.dumps(values), "alerts.yaml"), Path())
    stop = threading.Event()
    engine = make_engine(written, Place(dsn, bootstrap, f"outage-{uuid.uuid4().hex[:8]}"), Totals(), lambda: None)
    thread = threading.Thread(target=keep_routing, args=(stop, engine))
    thread.start()
    try:
        yield engine
    finally:
        stop.set()
        thread.join(60)
        assert not thread.is_alive()


def publish(bootstrap: str, agent: str) -> Finding:
    one = make_finding(agent_id=agent, at=datetime.now(UTC))
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": PARTITIONER})
    producer.produce(FINDINGS.name, key=one.key, value=one.model_dump_json().encode())
    assert producer.flush(60) == 0
    return one


def documents(hooks: list[Hook]) -> list[dict[str, Any]]:
    return [hook.document for hook in hooks if hook.path == "/hook"]


def told_of(receiver: Receiver, one: Finding) -> None:
    receiver.wait_for(
        lambda hooks: any(one.finding_id in hook["ids"] for hook in documents(hooks)),
        PATIENCE_SECONDS,
    )


def is_outage(hook: dict[str, Any]) -> bool:
    """Whether it is told past the ledger."""
    return "keeps no record of this" in str(hook["why"]) or "are back after" in str(hook["why"])


def outages(receiver: Receiver, kind: str, times: int) -> None:
    """Waits until the outage was told so often."""
    receiver.wait_for(
        lambda hooks: sum(hook["kind"] == kind and is_outage(hook) for hook in documents(hooks)) >= times,
        PATIENCE_SECONDS,
    )


def test_a_store_and_a_broker_that_go_away_lose_nothing_and_page_nobody_twice(tmp_path: Path) -> None:
    store_port, broker_port = free_port(), free_port()
    data = tmp_path / "clickhouse"
    with ExitStack() as broker, ExitStack() as store, receiving() as receiver:
        bootstrap = broker.enter_context(running_broker(TOPICS, port=broker_port))
        dsn = store.enter_context(running_clickhouse(data, port=store_port))
        migrate(dsn)
        # Without a worker the pipeline itself is in trouble too: that is the other test's matter.
        with routing(bootstrap, dsn, receiver, after_seconds=3, stale_seconds=86_400, max_lag=10**9) as engine:
            first = publish(bootstrap, "before")
            told_of(receiver, first)
            store.close()
            during = publish(bootstrap, "during")
            outages(receiver, "page", 1)
            assert engine.totals.trouble
            store.enter_context(running_clickhouse(data, port=store_port))
            outages(receiver, "resolved", 1)
            told_of(receiver, during)
            # The embedded broker's records end with it: what was told before stays told.
            broker.close()
            outages(receiver, "page", 2)
            broker.enter_context(running_broker(TOPICS, port=broker_port))
            outages(receiver, "resolved", 2)
            after = publish(bootstrap, "after")
            told_of(receiver, after)
        told = documents(receiver.taken())
        with open_store(dsn) as ledger:
            rows = ledger.rows("SELECT finding_id, count() AS n FROM alert_findings FINAL GROUP BY finding_id")
    ids = Counter(one for hook in told for one in hook["ids"])
    assert ids == {one.finding_id: 1 for one in (first, during, after)}
    assert {row["finding_id"]: row["n"] for row in rows} == dict(ids)
    pages = Counter(hook["alert_id"] for hook in told if hook["kind"] == "page")
    assert set(pages.values()) == {1}
    assert sum(is_outage(hook) for hook in told) == 4


def test_the_heartbeat_ends_with_the_workers_and_comes_back_with_them() -> None:
    with running_broker(TOPICS) as bootstrap, running_clickhouse() as dsn, receiving() as receiver:
        migrate(dsn)

        def beats() -> int:
            return sum(hook.path == "/beat" for hook in receiver.hooks)

        with routing(bootstrap, dsn, receiver, after_seconds=1, stale_seconds=35, max_lag=10**9) as engine:
            with running_worker(bootstrap, dsn):
                receiver.wait_for(lambda _: beats() >= 3, PATIENCE_SECONDS)
            receiver.wait_for(
                lambda hooks: any("no worker" in str(hook["title"]) for hook in documents(hooks)[-1:]), PATIENCE_SECONDS
            )
            _withheld(engine, 3)
            before = beats()
            _withheld(engine, 5)
            assert beats() == before
            with running_worker(bootstrap, dsn):
                receiver.wait_for(lambda _: beats() > before, PATIENCE_SECONDS)
                receiver.wait_for(
                    lambda hooks: "well again" in str([hook["why"] for hook in documents(hooks)]), PATIENCE_SECONDS
                )


def _withheld(engine: Engine, more: int) -> None:
    """Waits until so many further heartbeats were withheld."""
    deadline, wanted = time.monotonic() + PATIENCE_SECONDS, engine.totals.heartbeats["withheld"] + more
    while engine.totals.heartbeats["withheld"] < wanted:
        assert time.monotonic() < deadline
        time.sleep(0.1)
