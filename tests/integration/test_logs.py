"""What agents said is in no log: a canary in every field, through a real worker, endpoint and recorder, at DEBUG."""

from __future__ import annotations

import io
import json
import logging
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest
from confluent_kafka import Producer

from watchkeeper.cli.stack.testing import running_broker, running_clickhouse, running_worker
from watchkeeper.producers import Watchkeeper
from watchkeeper.schemas.contents import MAX_LINE_BYTES
from watchkeeper.schemas.topics import EVENTS, PARTITIONER, TOPICS
from watchkeeper.stream_processors.clickhouse import connect
from watchkeeper.stream_processors.migrate import migrate

CANARY = "kanarienvogel4711"


def changed(line: bytes, **values: object) -> bytes:
    return orjson.dumps(orjson.loads(line) | values)


def _conflict(teller: Any) -> bytes:
    line: bytes = teller.call(q=CANARY)
    return line + b"\n" + line.replace(b'"q":"', b'"q":"other ')


SENT: dict[str, tuple[Callable[[Any], bytes], str]] = {
    "no JSON": (lambda _: b'{"q":' + CANARY.encode(), "not_json"),
    "no UTF-8": (lambda _: CANARY.encode() + b"\xff", "not_utf8"),
    "no object": (lambda _: orjson.dumps([CANARY]), "not_an_object"),
    "a wrong type": (lambda teller: changed(teller.call(), seq=CANARY), "invalid_field"),
    "wrong data": (lambda teller: changed(teller.call(), data={"arguments": CANARY}), "invalid_field"),
    "a field of no event": (lambda teller: changed(teller.call(), **{CANARY: CANARY}), "invalid_field"),
    "a wrong time": (lambda teller: changed(teller.call(), occurred_at=CANARY), "invalid_field"),
    "an unknown type": (lambda teller: changed(teller.call(), type=CANARY), "unknown_type"),
    "another session": (lambda teller: changed(teller.call(), session_id=CANARY), "wrong_key"),
    "too large": (lambda _: CANARY.encode() * (MAX_LINE_BYTES // 16), "too_large"),
    "a conflict": (_conflict, "store_refused"),
    "refused by the store": (lambda teller: teller.call(tool=CANARY, q=CANARY), "store_refused"),
}


def _tell(bootstrap: str, telling: ModuleType) -> None:
    settings = {"bootstrap.servers": bootstrap, "partitioner": PARTITIONER, "message.max.bytes": 16_000_000}
    producer = Producer(settings)
    for spoil, _ in SENT.values():
        teller = telling.Teller(uuid.uuid4().hex)
        producer.produce(EVENTS.name, spoil(teller), teller.key)
        producer.produce(EVENTS.name, CANARY.encode(), CANARY.encode(), headers={CANARY: CANARY.encode()})
    assert producer.flush(30) == 0


def _record(bootstrap: str, log: io.StringIO) -> None:
    """A session of the recorder whose host fails with the canary."""
    handler = logging.StreamHandler(log)
    ours = logging.getLogger("watchkeeper")
    level = ours.level
    ours.addHandler(handler)
    ours.setLevel(logging.DEBUG)
    watch = Watchkeeper(agent="archivist", bootstrap=bootstrap)
    try:
        with pytest.raises(ValueError, match=CANARY):
            _fail_in_a_session(watch)
        assert watch.close(30)
    finally:
        ours.setLevel(level)
        ours.removeHandler(handler)


def _fail_in_a_session(watch: Watchkeeper) -> None:
    with watch.session(goal=CANARY) as session:
        session.prompt([{"role": "user", "content": CANARY}], model="gpt-4.1")
        # What cannot be written is told by the recorder, without saying what it was.
        session.prompt([{"role": "user", "content": {CANARY: {CANARY, object()}}}], model="gpt-4.1")
        raise ValueError(CANARY)


@pytest.mark.long
def test_no_log_holds_what_agents_said(tmp_path: Path, telling: ModuleType, passage: ModuleType) -> None:
    recorder = io.StringIO()
    with running_broker(TOPICS) as bootstrap, running_clickhouse(tmp_path / "store") as dsn:
        migrate(dsn)
        client = connect(dsn)
        # No event that is valid is refused by our own table.
        client.command("ALTER TABLE events MODIFY COLUMN tool_name UInt64 DEFAULT 0")
        with running_worker(bootstrap, dsn, tmp_path / "worker", WATCHKEEPER_LOG_LEVEL="DEBUG") as worker:
            _tell(bootstrap, telling)
            _record(bootstrap, recorder)

            def reasons() -> set[str]:
                return {row[0] for row in client.query("SELECT DISTINCT reason FROM dead_letters").result_rows}

            expected = {reason for _, reason in SENT.values()}
            passage.wait_until(lambda: expected <= reasons(), 30, worker)
            details = client.query("SELECT detail FROM dead_letters WHERE reason = 'store_refused'").result_rows
            assert worker.stop(10) == 0
        client.close()
    lines = worker.log.read_text().splitlines()
    assert lines
    for line in lines:
        assert {"time", "level", "logger", "event", "worker", "message"} <= set(json.loads(line))
    refused = [json.loads(line) for line in lines if "the store refused a row" in line]
    assert refused
    assert all({"topic", "partition", "offset"} <= set(line) for line in refused)
    store = (tmp_path / "store" / "clickhouse.log").read_text()
    assert "serving" in store
    for log in ("\n".join(lines), store, recorder.getvalue()):
        assert CANARY not in log
    # Nor do the letters' own explanations, where the store gave them.
    assert details
    assert all(CANARY not in detail for (detail,) in details)
