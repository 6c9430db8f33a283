"""A run through the real pipeline: a local stack, the recorder's Kafka transport, findings out of ClickHouse."""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson
from clickhouse_connect.driver import Client

from scorecard.bundles import Bundle
from scorecard.issuing import KEY as GRANT_KEY
from scorecard.seen import Seen
from scorecard.tally import Performed
from watchkeeper.cli.stack.settings import CLICKHOUSE, KAFKA, StackSettings
from watchkeeper.cli.stack.testing import running_stack
from watchkeeper.producers import Delivery, Record, Settings
from watchkeeper.producers.importers import Choices, Importer
from watchkeeper.producers.transport.kafka import KafkaTransport
from watchkeeper.stream_processors.clickhouse import connect

PATIENCE_SECONDS: Final = 180.0
QUIET_SECONDS: Final = 6.0
LOOK_SECONDS: Final = 1.0

FINDINGS: Final = """
SELECT tenant_id, finding_id, any(tuple(revision, status, session_id, subject, agent_id, failure_mode, kind,
    severity, summary, evidence, toUnixTimestamp64Micro(last_event_at))) AS shown,
    toUnixTimestamp64Milli(min(stored_at)) AS visible_ms
FROM findings GROUP BY tenant_id, finding_id, revision
"""

LAST_WRITTEN: Final = """
SELECT toUnixTimestamp64Milli(max(latest)) FROM (
    SELECT max(stored_at) AS latest FROM subjects
    UNION ALL SELECT max(stored_at) AS latest FROM sessions
    UNION ALL SELECT max(stored_at) AS latest FROM findings
)
"""


class Pipeline:
    """See the module. Made by `running_pipeline`.

    Args:
        kafka: the broker's address.
        dsn: ClickHouse's.
        rate: events a second that are published at most. A backlog would tell nothing of the time to a finding.
    """

    def __init__(self, kafka: str, dsn: str, rate: float) -> None:
        self._kafka = kafka
        self._client: Client = connect(dsn)
        # Revisions stay, but for those that came in one insert with a later one.
        self._client.command("SYSTEM STOP MERGES findings")
        self._rate = rate
        self._events = 0
        self._silence = 0.0

    def publish(self, bundles: Iterable[Bundle], on_progress: Callable[[], None]) -> list[Performed]:
        """Sends all bundles, each in the order of its times, several at once.

        Args:
            bundles: composed as they are taken.
            on_progress: called for each bundle that was begun.

        Raises:
            RuntimeError: the broker did not take a record.
        """
        transport = KafkaTransport(self._kafka, Settings(), {}, patient=True)
        publisher = _Publisher(transport, self._rate)
        for bundle in bundles:
            self._silence = max(self._silence, bundle.silence_seconds)
            publisher.begin(bundle)
            on_progress()
        publisher.finish()
        transport.close(PATIENCE_SECONDS)
        self._events += publisher.events
        return publisher.performed()

    def import_recording(self, path: Path, tenant: str) -> int:
        """Imports a recording untouched; answers how many sessions it has."""
        importer = Importer(lambda: KafkaTransport(self._kafka, Settings(), {}, patient=True), Choices(tenant=tenant))
        report = importer.run([path])
        self._events += report.ledger.produced
        return report.sessions

    def settle(self) -> None:
        """Waits until everything sent is stored and judged, and the silences have passed.

        Raises:
            TimeoutError: not all of it came into the store.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (stored := self._count("SELECT uniqExact(event_id) FROM events")) < self._events:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{stored:,} of {self._events:,} events stored after {PATIENCE_SECONDS:.0f} s")
            time.sleep(LOOK_SECONDS)
        time.sleep(self._silence)
        # Stage 2 writes a subject whenever it has heard something of it.
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.time() - self._count(LAST_WRITTEN) / 1000 < QUIET_SECONDS and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)

    def findings(self) -> list[Seen]:
        """All that was found so far: every revision that the store was given apart."""
        return [_seen(*row) for row in self._client.query(FINDINGS).result_rows]

    def _count(self, sql: str) -> int:
        return int(self._client.query(sql).result_rows[0][0] or 0)


@contextmanager
def running_pipeline(rate: float) -> Iterator[Pipeline]:
    """A stack of its own, whose worker acts on simulated sessions; it ends with the block."""
    with TemporaryDirectory(prefix="watchkeeper-scorecard-") as home:
        settings = StackSettings(
            data_dir=Path(home),
            rollups_command=(),
            scheduler_command=(),
            alerts_command=(),
            environment={"WATCHKEEPER_SIMULATED_ACTS": "1", "WATCHKEEPER_GRANT_KEY": GRANT_KEY.decode()},
        )
        with running_stack(settings) as variables:
            yield Pipeline(variables[KAFKA], variables[CLICKHOUSE], rate)


class _Publisher:
    """Sends records when they are due, at no more than `rate` events a second."""

    def __init__(self, transport: KafkaTransport, rate: float) -> None:
        self.events = 0
        self._transport = transport
        self._rate = rate
        self._began = time.monotonic()
        self._numbers = itertools.count()
        self._due: list[tuple[float, int, _Cursor]] = []
        self._all: list[_Cursor] = []
        self._refused = ""

    def begin(self, bundle: Bundle) -> None:
        """Begins a bundle, when the rate allows it; sends meanwhile what is due of others."""
        while (ahead := self.events / self._rate - (time.monotonic() - self._began)) > 0:
            self._send_due()
            time.sleep(min(ahead, 0.02))
        cursor = _Cursor(bundle)
        self._all.append(cursor)
        self._push(cursor, time.monotonic())
        self._send_due()

    def finish(self) -> None:
        """Sends all that is left."""
        while self._due:
            self._send_due()
            time.sleep(0.02)
        if left := self._transport.flush(PATIENCE_SECONDS):
            raise RuntimeError(f"the broker did not acknowledge {left} records in {PATIENCE_SECONDS:.0f} s")
        if self._refused:
            raise RuntimeError(f"the broker did not take a record: {self._refused}")

    def performed(self) -> list[Performed]:
        """What was sent, and when."""
        return [dataclasses.replace(cursor.performed, sent=cursor.sent) for cursor in self._all]

    def _push(self, cursor: _Cursor, due: float) -> None:
        heapq.heappush(self._due, (due, next(self._numbers), cursor))

    def _send_due(self) -> None:
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            cursor = heapq.heappop(self._due)[2]
            self.events += self._send_run(cursor)
            if not cursor.is_done:
                self._push(cursor, now + cursor.step_seconds)
        self._transport.poll()

    def _send_run(self, cursor: _Cursor) -> int:
        """Sends the records of one session up to the next one of another."""
        events = 0
        session = cursor.session
        while not cursor.is_done and cursor.session == session:
            record = cursor.take()

            def done(delivery: Delivery, cursor: _Cursor = cursor, place: int = cursor.taken - 1) -> None:
                if delivery.error:
                    self._refused = delivery.error
                cursor.acknowledged(place)

            self._transport.send(record, done, lambda: False)
            events += record.events
        return events


class _Cursor:
    """How far a bundle is sent."""

    def __init__(self, bundle: Bundle) -> None:
        self._records = deque(bundle.records)
        self._sent_us = [0] * len(self._records)
        self._about = [(one.session_id, one.first_us, one.last_us) for one in self._records]
        self.taken = 0
        self.step_seconds = bundle.step_seconds
        self.performed = Performed.of(bundle)

    @property
    def is_done(self) -> bool:
        return self.taken >= len(self._about)

    @property
    def session(self) -> str:
        return self._about[self.taken][0]

    def take(self) -> Record:
        # Let go of when it was taken: a run's records together would fill the memory.
        self.taken += 1
        return self._records.popleft().record

    def acknowledged(self, place: int) -> None:
        self._sent_us[place] = time.time_ns() // 1000

    @property
    def sent(self) -> Sequence[tuple[str, int, int, int]]:
        return [(*about, at_us) for about, at_us in zip(self._about, self._sent_us, strict=True)]


def _seen(tenant: str, finding_id: str, shown: Sequence[Any], visible_ms: int) -> Seen:
    revision, status, session_id, subject, agent_id, mode, kind, severity, summary, evidence, at_us = shown
    return Seen(
        tenant=tenant,
        finding_id=finding_id,
        revision=revision,
        is_open=status == "open",
        session_id=session_id,
        subject=subject,
        agent_id=agent_id,
        mode=mode,
        kind=kind,
        severity=severity,
        summary=summary,
        evidence=orjson.loads(evidence),
        at_us=at_us,
        visible_us=visible_ms * 1000,
    )
