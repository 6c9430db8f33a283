"""The router over a real broker and a real store, with receivers on loopback."""

from __future__ import annotations

import shlex
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson
import pytest
from confluent_kafka import Producer
from webhook_receiver import Receiver, receiving

from watchkeeper.cli.alerts.running import Engine, Place, keep_routing, make_engine
from watchkeeper.cli.root import watchkeeper
from watchkeeper.cli.store import ReadStore, open_store
from watchkeeper.dashboards.alerting.config_file import WrittenAlerts, read_alerts
from watchkeeper.dashboards.alerting.totals import Totals
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.topics import FINDINGS, PARTITIONER

Make = Callable[..., Finding]
PATIENCE_SECONDS = 60.0


class Bench:
    """A tenant's findings, a receiver, and routers that tell it of them."""

    def __init__(self, bootstrap: str, dsn: str, receiver: Receiver, make: Make, store: ReadStore) -> None:
        self.bootstrap, self.dsn, self.receiver, self.store = bootstrap, dsn, receiver, store
        self._make = make
        self.tenant = f"tenant-{uuid.uuid4().hex[:12]}"
        self.group = f"alerts-{uuid.uuid4().hex[:12]}"
        self._producer = Producer({"bootstrap.servers": bootstrap, "partitioner": PARTITIONER, "linger.ms": 5})

    def finding(self, **given: Any) -> Finding:
        return self._make(**{"tenant_id": self.tenant, "at": datetime.now(UTC), **given})

    def publish(self, *findings: Finding) -> None:
        for one in findings:
            self._producer.produce(FINDINGS.name, key=one.key, value=one.model_dump_json().encode())
        assert self._producer.flush(30) == 0

    def config(self, **given: Any) -> WrittenAlerts:
        values = {
            "channels": {"hook": {"kind": "webhook", "url": f"{self.receiver.url}/hook"}},
            "routes": [{"match": {"tenants": [self.tenant]}, "channels": ["hook"]}],
            "pipeline": {"enabled": False},
            "timing": {"gather_seconds": 0.3},
            **given,
        }
        return WrittenAlerts(read_alerts(orjson.dumps(values), "alerts.yaml"), Path())

    @contextmanager
    def running(self, **given: Any) -> Iterator[Engine]:
        stop = threading.Event()
        engine = make_engine(self.config(**given), Place(self.dsn, self.bootstrap, self.group), Totals(), lambda: None)
        thread = threading.Thread(target=keep_routing, args=(stop, engine))
        thread.start()
        try:
            yield engine
        finally:
            stop.set()
            thread.join(30)
            assert not thread.is_alive()

    def until(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not true():
            assert time.monotonic() < deadline, what
            time.sleep(0.05)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return self.store.rows(sql, tenant=self.tenant)


@pytest.fixture(scope="module")
def store(own_database: str) -> Iterator[ReadStore]:
    with open_store(own_database) as opened:
        yield opened


@pytest.fixture
def bench(
    broker: str, own_database: str, store: ReadStore, finding: Make, ledger_emptied: Callable[[], None]
) -> Iterator[Bench]:
    del ledger_emptied
    with receiving() as receiver:
        yield Bench(broker, own_database, receiver, finding, store)


def assert_is_command(line: str) -> None:
    """Whether the command line tool takes it: the command is there, and its arguments can be read."""
    program, *words = shlex.split(line)
    assert program == "watchkeeper"
    command: click.Command = watchkeeper
    name: str | None = program
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(click.Context(command), words)
        assert found is not None
        command = found
    command.make_context(name, words)


def test_a_finding_reaches_a_webhook_with_all_that_an_alert_says(bench: Bench) -> None:
    one = bench.finding(session_id="s-1; reboot")
    bench.publish(one)
    with bench.running(console="http://127.0.0.1:8090/"):
        (hook,) = bench.receiver.wait_for(lambda hooks: len(hooks) == 1, PATIENCE_SECONDS)
    told = hook.document
    assert told["kind"] == "page"
    assert told["link"] == f"http://127.0.0.1:8090/findings/{one.finding_id}"
    for line in told["commands"].values():
        assert_is_command(line)
    # What an agent called its session cannot become a command of whoever was woken.
    assert told["commands"]["the session's record"].startswith("watchkeeper session show 's-1; reboot' ")
    assert told["severity"] == "high"
    assert told["title"] == one.summary
    assert told["ids"] == [one.finding_id]
    assert told["evidence"]["tool_name"] == "refund_all"
    assert told["runbook"] == "docs/runbooks/hallucinated_tool.md"
    assert told["commands"]["what was found"] == f"watchkeeper finding show {one.finding_id}"
    assert hook.headers["Watchkeeper-Notice-Id"] == told["notice_id"]
    (row,) = bench.rows("SELECT status, findings, delivered FROM alerts FINAL WHERE tenant_id = {tenant:String}")
    assert row == {"status": "open", "findings": 1, "delivered": 1}


@pytest.mark.long
def test_a_storm_of_ten_thousand_findings_is_few_messages_and_each_finding_is_in_one(bench: Bench) -> None:
    found = [bench.finding(agent_id=f"agent-{number % 4000}", severity="medium") for number in range(10_000)]
    bench.publish(*found)
    wanted = {one.finding_id for one in found}

    def told() -> set[str]:
        return {one for hook in bench.receiver.hooks for one in hook.document["ids"]}

    timing = {"gather_seconds": 0.3, "update_seconds": 1, "longest_update_seconds": 4}
    with bench.running(timing=timing):
        bench.receiver.wait_for(lambda _: told() >= wanted, PATIENCE_SECONDS)
    ids = [one for hook in bench.receiver.taken() for one in hook.document["ids"]]
    assert len(ids) == len(wanted) == 10_000
    # Ten pages, the storm's own, and updates that double from a second on.
    assert len(bench.receiver.hooks) <= 10 + 10 * 6 + 8
    storm = [hook.document for hook in bench.receiver.hooks if hook.document["sort"] == "storm"]
    assert sum(group["findings"] for group in storm[0]["groups"]) <= storm[0]["new"]
    (row,) = bench.rows("SELECT count() AS n FROM alert_findings FINAL WHERE tenant_id = {tenant:String}")
    assert row["n"] == 10_000


def test_a_channel_that_is_down_is_tried_again_and_given_up_is_told_elsewhere(bench: Bench) -> None:
    bench.publish(bench.finding())
    other = {"kind": "webhook", "url": f"{bench.receiver.url}/other"}
    down = {"kind": "webhook", "url": f"{bench.receiver.url}/hook", "attempts": 2}
    bench.receiver.answer = lambda number: (503, {}, b"") if number < 2 else (200, {}, b"ok")
    with bench.running(channels={"hook": down, "other": other}) as engine:
        hooks = bench.receiver.wait_for(lambda found: len(found) == 3, PATIENCE_SECONDS)
        bench.until(lambda: engine.totals.notices["other", "undelivered", "delivered"] == 1, "it is counted")
    assert [hook.path for hook in hooks] == ["/hook", "/hook", "/other"]
    assert [hook.headers["Watchkeeper-Attempt"] for hook in hooks] == ["1", "2", "1"]
    assert hooks[0].headers["Watchkeeper-Notice-Id"] == hooks[1].headers["Watchkeeper-Notice-Id"]
    assert hooks[2].document["kind"] == "undelivered"
    assert "hook did not take the page in 2 attempts (HTTP 503" in hooks[2].document["why"]
    assert engine.totals.notices["hook", "page", "dead"] == 1


def test_a_pipeline_without_workers_is_told_and_sends_no_heartbeat(bench: Bench) -> None:
    beat = {"url": f"{bench.receiver.url}/beat", "every_seconds": 1}
    with bench.running(pipeline={"after_seconds": 1, "stale_seconds": 5}, heartbeat=beat):
        hooks = bench.receiver.wait_for(lambda found: len(found) == 1, PATIENCE_SECONDS)
    assert hooks[0].path == "/hook"
    assert "no worker has told anything" in hooks[0].document["title"]
    assert hooks[0].document["commands"]["what is wrong with the pipeline"] == "watchkeeper status"
