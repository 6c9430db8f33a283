"""What takes minutes: drift through the real worker to a webhook, and a router that is killed again and again."""

from __future__ import annotations

import os
import signal
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial

import pytest
from alert_latency import drift_alarm_to_webhook, running_router
from confluent_kafka import Producer
from webhook_receiver import Hook, receiving

from watchkeeper.cli.stack.testing import running_broker, running_worker
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.topics import FINDINGS, PARTITIONER, TOPICS

Make = Callable[..., Finding]
PATIENCE_SECONDS = 120.0


@pytest.fixture(scope="module")
def own_broker() -> Iterator[str]:
    with running_broker(TOPICS) as bootstrap:
        yield bootstrap


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_drift_alarm_is_a_delivered_webhook_within_five_seconds(own_broker: str, own_database: str) -> None:
    with running_worker(own_broker, own_database):
        latency = drift_alarm_to_webhook(own_broker, own_database)
    assert 0 < latency.alarm_to_webhook < 5


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_router_that_is_killed_pages_nobody_twice_and_loses_nothing(
    own_broker: str, own_database: str, finding: Make, ledger_emptied: Callable[[], None]
) -> None:
    ledger_emptied()
    tenant = f"tenant-{uuid.uuid4().hex[:12]}"
    producer = Producer({"bootstrap.servers": own_broker, "partitioner": PARTITIONER})
    found: list[Finding] = []

    def publish(part: int) -> None:
        for number in range(40):
            one = finding(
                tenant_id=tenant,
                at=datetime.now(UTC),
                agent_id=f"agent-{(part * 40 + number) % 5}",
                root_session_id=f"root-{part}-{number % 8}",
                failure_mode="incident" if number % 8 == 7 else "hallucinated_tool",
            )
            found.append(one)
            producer.produce(FINDINGS.name, key=one.key, value=one.model_dump_json().encode())
        assert producer.flush(30) == 0

    # An alert keeps the timing with which it was opened.
    timing = {"gather_seconds": 1, "update_seconds": 1, "longest_update_seconds": 5}
    with receiving() as receiver:
        for part in range(4):
            with running_router(own_broker, own_database, receiver, tenant, timing=timing) as router:
                publish(part)
                before = len(receiver.hooks)
                receiver.wait_for(partial(_more, before), PATIENCE_SECONDS)
                os.kill(router.pid, signal.SIGKILL)
        wanted = {one.finding_id for one in found}
        with running_router(own_broker, own_database, receiver, tenant, timing=timing):
            receiver.wait_for(
                lambda hooks: {one for hook in hooks for one in hook.document["ids"]} >= wanted, PATIENCE_SECONDS
            )
        hooks = receiver.taken()
    told = {hook.document["notice_id"]: hook.document for hook in hooks}
    assert all(hook.document["repeated"] for hook in hooks[1:] if _came_before(hook, hooks))
    pages = Counter(document["alert_id"] for document in told.values() if document["kind"] == "page")
    assert set(pages.values()) == {1}
    ids = [one for document in told.values() for one in document["ids"]]
    assert Counter(ids) == Counter(dict.fromkeys(wanted, 1))


def _more(before: int, hooks: list[Hook]) -> bool:
    return len(hooks) > before


def _came_before(hook: Hook, hooks: list[Hook]) -> bool:
    number = hooks.index(hook)
    return any(one.document["notice_id"] == hook.document["notice_id"] for one in hooks[:number])
