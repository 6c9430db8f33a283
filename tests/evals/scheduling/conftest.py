"""What tests of the scheduler share: a database of their own, sessions in it, a clock that moves when told."""

from __future__ import annotations

import importlib.util
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest
from clickhouse_connect.driver import Client
from confluent_kafka import Consumer, TopicPartition

from watchkeeper.cli.score_sending import ScorePublisher
from watchkeeper.cli.stack.testing import separate_database
from watchkeeper.cli.store import ReadStore, open_store
from watchkeeper.evals.grading.grade import Grade, passed
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.reading.reader import InteractionReader
from watchkeeper.evals.scheduling.config import Live
from watchkeeper.evals.scheduling.ledger import Ledger
from watchkeeper.evals.scheduling.live import LiveScoring
from watchkeeper.evals.scheduling.scheduler import Scheduler
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.model import format_utc
from watchkeeper.schemas.rows import INSERT_SETTINGS
from watchkeeper.schemas.scores import SCORE_ADAPTER, Score
from watchkeeper.schemas.topics import SCORES
from watchkeeper.stream_processors.clickhouse import connect

HERE = Path(__file__).parent
QUESTION = "Where is my refund?"
# Rows live from the time of their storage: long ago is gone at the first merge.
NOON = (datetime.now(UTC) - timedelta(days=3)).replace(hour=12, minute=0, second=0, microsecond=0)


def _commands() -> ModuleType:
    """Tests are no package: `Shelf`, which puts rows in through the models, is loaded by its path, once."""
    name = "watchkeeper_cli_conftest"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE.parents[1] / "cli" / "conftest.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


class Hands:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.moment = NOON

    def now(self) -> datetime:
        return self.moment

    def pass_by(self, **time: float) -> None:
        self.moment += timedelta(**time)


class Town:
    """Sessions of one tenant, stored when the clock says.

    Attributes:
        tenant: whose.
    """

    def __init__(self, client: Client, hands: Hands) -> None:
        self.client, self.hands = client, hands
        self.tenant = f"tenant-{uuid.uuid4().hex[:12]}"

    def shelf(self, name: str) -> Any:
        """A place for the rows of a session that began eleven seconds ago."""
        stored = self.hands.now()
        shelf = _commands().Shelf(self.client, stored - timedelta(seconds=11))
        shelf.tenant, shelf.session, shelf.agent = self.tenant, name, "desk"
        shelf.put = self.put
        return shelf

    def put(self, table: str, *rows: bytes) -> None:
        """Stores rows now, by the clock."""
        stamp = format_utc(self.hands.now())
        stamped = [orjson.dumps({**orjson.loads(row), "stored_at": stamp}) for row in rows]
        self.client.raw_insert(table, insert_block=b"\n".join(stamped), fmt="JSONEachRow", settings=INSERT_SETTINGS)

    def session(self, name: str, *, answer: str = "It is paid.", **state: Any) -> Any:
        """A session that just ended: what was asked and answered, and its row."""
        shelf, rows = self._written(name, answer, state)
        for table, made in rows.items():
            self.put(table, *made)
        return shelf

    def crowd(self, count: int, prefix: str = "s", ask: Callable[[int], str] = lambda _: QUESTION) -> list[str]:
        """As many of them, `s-0` and on, in few inserts; `ask` says what each was asked."""
        names = [f"{prefix}-{number}" for number in range(count)]
        together: dict[str, list[bytes]] = {}
        for number, name in enumerate(names):
            for table, made in self._written(name, "It is paid.", {}, ask(number))[1].items():
                together.setdefault(table, []).extend(made)
        for table, made in together.items():
            self.put(table, *made)
        return names

    def _written(
        self, name: str, answer: str, state: dict[str, Any], question: str = QUESTION
    ) -> tuple[Any, dict[str, list[bytes]]]:
        shelf = self.shelf(name)
        rows: dict[str, list[bytes]] = {}
        shelf.put = lambda table, row: rows.setdefault(table, []).append(row)
        asked = {"request_id": "r1", "model": "m", "messages": [shelf.message("user", question)]}
        said = {"request_id": "r1", "model": "m", "text": shelf.text(answer), "answer": True}
        shelf.event("session_started", 0, {"intent": "refund", "prompt_version": "p1"})
        shelf.event("prompt", 1, asked)
        shelf.event("response", 2, said)
        shelf.event("session_ended", 10, {"status": "completed"})
        shelf.state(**({"last_event_at": shelf.at(10), "agent_version": "1", "cost_usd": 0.01} | state))
        shelf.put = self.put
        return shelf, rows

    def sessions(self, count: int, prefix: str, **state: Any) -> list[str]:
        """Many sessions' rows without events: enough to decide of them."""
        names = [f"{prefix}-{number}" for number in range(count)]
        made = []
        for name in names:
            shelf = self.shelf(name)
            shelf.put = lambda _, row: made.append(row)
            shelf.state(**({"last_event_at": shelf.at(10), "agent_version": "1", "cost_usd": 0.01} | state))
        self.put("sessions", *made)
        return names

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return [tuple(row) for row in self.client.query(sql, parameters=parameters).result_rows]

    def samples(self) -> dict[str, tuple[Any, ...]]:
        """State, stratum, inclusion, attempts and note of each session in the ledger."""
        asked = "SELECT session_id, state, stratum, inclusion, attempts, note FROM eval_samples FINAL"
        return {row[0]: row[1:] for row in self.rows(asked)}


class PlainAnswer:
    """A grader of the tests' own: whether there is an answer that does not say sorry."""

    name, version = "plain_answer", "1"

    def applies(self, interaction: Interaction, case: Case | None) -> bool:
        return True

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:
        return passed(bool(interaction.answer) and "sorry" not in interaction.answer.lower())


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture(scope="session")
def dsn(clickhouse: str) -> Iterator[str]:
    """A migrated database: the scheduler looks at all that is there."""
    with separate_database(clickhouse) as fresh:
        yield fresh


TABLES = ("sessions", "events", "findings", "eval_samples", "eval_runs", "eval_cases", "eval_jobs", "eval_versions")


@pytest.fixture
def store(dsn: str) -> Iterator[ReadStore]:
    client = connect(dsn)
    for table in TABLES:
        client.command(f"TRUNCATE TABLE {table}")
    client.close()
    with open_store(dsn) as opened:
        yield opened


@pytest.fixture
def town(dsn: str, store: ReadStore, hands: Hands) -> Iterator[Town]:
    client = connect(dsn)
    yield Town(client, hands)
    client.close()


@pytest.fixture
def delivered(broker: str, town: Town) -> Callable[[], list[Score]]:
    """Every score of the town that stands on the topic, as often as it does."""

    def read() -> list[Score]:
        consumer = Consumer({"bootstrap.servers": broker, "group.id": uuid.uuid4().hex, "enable.auto.commit": False})
        consumer.assign([TopicPartition(SCORES.name, number, 0) for number in range(SCORES.partitions)])
        found: list[Score] = []
        silent = 0
        while silent < 3:
            records = consumer.consume(500, timeout=0.3)
            silent = 0 if records else silent + 1
            for record in records:
                assert record.error() is None
                score = SCORE_ADAPTER.validate_json(record.value() or b"")
                assert record.key() == score.subject.encode()
                if score.tenant_id == town.tenant:
                    found.append(score)
        consumer.close()
        return found

    return read


@dataclass
class Desk:
    """A scheduler on the town's store and the shared broker.

    Attributes:
        publisher: where scores go; tests put themselves between.
    """

    store: ReadStore
    hands: Hands
    publisher: Any
    graders: tuple[Any, ...] = (PlainAnswer(),)

    def scheduler(self, **live: Any) -> Scheduler:
        """One that was just started: nothing of an earlier one is known but what it wrote."""
        config = Live(**{"settle_seconds": 60.0, "rate": 1.0, "risks": {}, **live})
        scoring = LiveScoring(
            config,
            self.graders,
            store=self.store,
            sessions=InteractionReader(self.store),
            publisher=self.publisher,
            clock=self.hands,
        )
        return Scheduler(config, scoring, Ledger(self.store), self.hands, "here/1")


@pytest.fixture
def desk(store: ReadStore, hands: Hands, broker: str) -> Desk:
    return Desk(store, hands, ScorePublisher(broker))
