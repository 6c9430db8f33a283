"""Scores on their way: each is a row, is told to stage 2 once, and what is none is a dead letter."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import orjson
import pytest

from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.scores import Score, score_id_of, subject_of_scores
from watchkeeper.schemas.signals import SIGNAL_ADAPTER, Scored, SessionOpened, Signal
from watchkeeper.schemas.topics import SCORES
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule
from watchkeeper.stream_processors.detection.subjects import SubjectJudge
from watchkeeper.stream_processors.engine.engine import Engine
from watchkeeper.stream_processors.engine.memory import Crash, MemoryBus, MemoryClock, Script, Trouble
from watchkeeper.stream_processors.engine.memory_store import MemoryStore
from watchkeeper.stream_processors.engine.ports import Record
from watchkeeper.stream_processors.engine.stage_scores import StageScores

NOW = from_us(1_767_225_600_000_000)


def score(session: str = "s-1", **values: Any) -> Score:
    told: dict[str, Any] = {"result_type": "pass", "passed": True, "value": 1.0, "source": "live", "tenant_id": "t"}
    told |= {"origin": "live", "agent_id": "support", "grader": "exact@1", "intent": "refund", "agent_version": "7"}
    told |= {"occurred_at": NOW, "graded_at": NOW, "run_id": "r", "case_id": ""} | values
    about = {name: told[name] for name in ("tenant_id", "source", "grader", "run_id", "case_id")}
    told.setdefault("score_id", score_id_of(session_id=session, **about))
    told.setdefault("subject", subject_of_scores(told["tenant_id"], told["origin"], told["agent_id"]))
    return Score(session_id=session, **told)


def line(one: Score) -> bytes:
    return one.model_dump_json().encode()


class Keeping:
    """The stage in an engine, on a world in memory."""

    def __init__(self) -> None:
        self.clock = MemoryClock(restless=True)
        self.bus = MemoryBus(self.clock)
        self.store = MemoryStore(self.clock)
        self.acknowledged: list[Record] = []
        self.start()

    def start(self) -> None:
        """A worker anew, on the same bus and store."""
        self.failures: list[BaseException] = []
        self.engine = Engine(
            StageScores(self.store, self.clock),
            bus=self.bus,
            store=self.store,
            clock=self.clock,
            acknowledge=self._acknowledge,
            on_failure=self.failures.append,
        )

    def publish(self, *lines: bytes, key: bytes | None = None) -> Record:
        named = subject_of_scores("t", "live", "support").encode() if key is None else key
        return self.bus.produce(SCORES.name, named, b"\n".join(lines))

    def read(self, *records: Record) -> None:
        async def process() -> None:
            await self.engine.process(records)
            await self.engine.drain()

        asyncio.run(process())

    def signals(self) -> list[Signal]:
        values = [one.value for one in self.bus.messages("agent.signals")]
        return [SIGNAL_ADAPTER.validate_json(raw) for value in values for raw in value.split(b"\n")]

    def rows(self, table: str = "scores") -> list[dict[str, Any]]:
        return self.store.rows(table)

    async def _acknowledge(self, records: Iterable[Record]) -> None:
        self.acknowledged += records


def test_a_budgets_cut_weighs_nobody_more_than_others() -> None:
    keeping = Keeping()
    cut = (
        score("s-1", inclusion=0.025, kept=0.05),
        score("s-2", inclusion=0.05, kept=0.05),
        score("s-3", inclusion=0.5),
    )
    keeping.read(keeping.publish(*map(line, cut)))
    assert [one.inclusion for one in keeping.signals() if isinstance(one, Scored)] == [0.5, 1.0, 0.5]
    assert sorted(row["inclusion"] for row in keeping.rows()) == [0.025, 0.05, 0.5]


def test_a_score_is_a_row_and_a_signal_with_its_place() -> None:
    keeping = Keeping()
    one, other = score(), score("s-2", value=0.0, passed=False, inclusion=0.25)
    keeping.publish(line(score("s-0")))
    record = keeping.publish(line(one), b"", line(other))
    keeping.read(record)
    assert {row["score_id"] for row in keeping.rows()} == {one.score_id, other.score_id}
    first, second = keeping.signals()
    assert isinstance(second, Scored)
    assert (first.subject, first.session_id, first.ordinal) == ("quality:t/live/support", "s-1", 0)
    assert (second.source_partition, second.source_offset, second.ordinal) == (record.partition, 1, 2)
    assert second.source_log == record.log
    assert (second.passed, second.inclusion, second.intent, second.agent_version) == (False, 0.25, "refund", "7")
    assert keeping.acknowledged == [record]


@pytest.mark.parametrize("apart", [True, False], ids=["two batches", "one batch"])
def test_a_score_that_is_published_again_is_told_once(apart: bool) -> None:
    keeping = Keeping()
    records = [keeping.publish(line(score())), keeping.publish(line(score()), line(score()))]
    for taken in [[one] for one in records] if apart else [records]:
        keeping.read(*taken)
    assert len(keeping.rows()) == len(keeping.signals()) == 1
    assert keeping.engine.counts.duplicates == 2


def test_a_score_whose_first_copy_is_on_its_way_is_told_once() -> None:
    keeping = Keeping()
    first, again = (keeping.publish(line(score())) for _ in range(2))

    async def both() -> None:
        keeping.store.trouble = Script({"insert scores": [5.0]})
        await keeping.engine.process([first])
        await keeping.engine.process([again])
        assert not keeping.acknowledged
        await keeping.engine.drain()

    asyncio.run(both())
    assert keeping.acknowledged == [first, again]
    assert len(keeping.signals()) == 1


@pytest.mark.parametrize("cut", [5, 4, 1], ids=["batches of one", "the last alone", "the first alone"])
def test_a_failure_that_is_made_good_is_told_again_and_then_no_more(cut: int) -> None:
    """Its row is gone then: a replay must not tell it anew."""
    keeping = Keeping()
    failed: dict[str, Any] = {
        "result_type": "failure",
        "passed": None,
        "value": None,
        "reason": "the judge did not answer",
    }
    good = score(graded_at=from_us(1_767_225_600_000_001))
    records = [keeping.publish(line(one)) for one in (score(**failed), score(**failed), good, good, score(**failed))]
    for batch in [[one] for one in records] if cut == len(records) else [records[:cut], records[cut:]]:
        keeping.read(*batch)
    told = [one.result_type for one in keeping.signals() if isinstance(one, Scored)]
    assert told == ["failure", "pass"]
    assert [row["result_type"] for row in keeping.rows()] == ["pass"]


@pytest.mark.parametrize(
    ("call", "trouble"),
    [
        ("publish", Trouble.CRASH),
        ("publish", Trouble.CRASH_AFTER),
        ("insert scores", Trouble.CRASH),
        ("insert scores", Trouble.CRASH_AFTER),
        ("known_scores", Trouble.CRASH),
    ],
)
def test_a_worker_that_ends_between_the_steps_changes_nothing(call: str, trouble: Trouble) -> None:
    keeping = Keeping()
    records = [keeping.publish(line(score(f"s-{number}"))) for number in range(3)]
    plan = Script({call: [trouble]})
    keeping.bus.trouble = keeping.store.trouble = plan

    async def until_it_ends() -> None:
        await keeping.engine.process(records)
        await keeping.engine.drain()

    with pytest.raises(Crash):
        asyncio.run(until_it_ends())
    keeping.start()
    keeping.read(*records)
    folded = _Counting.of(keeping.signals())
    assert folded == 3
    assert len(keeping.rows()) == 3


class _Told:
    def __init__(self, count: int = 0) -> None:
        self.count = count


class _Counting(SubjectRule[_Told]):
    """Counts scores."""

    rule_id = "counting"
    failure_mode = "quality_drift"
    listens = frozenset({"scored"})
    state_type = _Told

    def fold(self, state: _Told, signal: Signal) -> tuple[()]:
        state.count += 1
        return ()

    @classmethod
    def of(cls, signals: Iterable[Signal]) -> int:
        """How many scores a subject takes in of these signals."""
        judge, state = SubjectJudge([cls()], strict=True), None
        for one in signals:
            state = state or judge.open(one)
            judge.step(state, one, clock_us=0)
        return 0 if state is None else int(state.folds["counting"][1].count)


def test_places_of_scores_and_of_events_are_no_places_of_each_other() -> None:
    keeping = Keeping()
    keeping.read(keeping.publish(line(score())))
    (scored,) = keeping.signals()
    opened = SessionOpened(
        **scored.model_dump(include=set(SessionOpened.model_fields) - {"kind", "source_offset"}), source_offset=100
    )
    assert _Counting.of([opened, scored, scored]) == 1


@pytest.mark.parametrize("source", ["gate", "human"])
def test_candidates_and_labels_are_kept_and_not_told(source: str) -> None:
    keeping = Keeping()
    keeping.read(keeping.publish(line(score(source=source))))
    assert len(keeping.rows()) == 1
    assert keeping.signals() == []


@pytest.mark.parametrize(
    ("raw", "reason", "detail"),
    [
        (b"{", "not_json", "one JSON object on each line"),
        (b"\xff", "not_json", ""),
        (b"[1]", "not_an_object", "a JSON list"),
        (b'{"score_id": "x"}', "invalid_field", "Field required"),
        (line(score()).replace(b'"value":1.0', b'"value":2.0'), "invalid_field", "less than or equal to 1"),
        (line(score()).replace(b'"value":1.0', b'"value":NaN'), "not_json", ""),
        (line(score()).replace(b'"passed":true', b'"passed":false'), "invalid_field", "its value is 1 or 0"),
        (line(score()).replace(b"2026-01-01T00", b"1926-01-01T00"), "unusable_time", "1970 to 2299"),
        (line(score(subject="score:t/live/other")), "invalid_field", "is not 'score:t/live/support'"),
    ],
)
def test_what_is_no_score_is_a_dead_letter_with_a_reason(raw: bytes, reason: str, detail: str) -> None:
    keeping = Keeping()
    record = keeping.publish(raw, line(score("s-2")))
    keeping.read(record)
    (letter,) = keeping.rows("dead_letters")
    assert letter["reason"] == reason
    assert detail in letter["detail"]
    assert (letter["source_topic"], letter["source_line"]) == (SCORES.name, 0)
    assert len(keeping.rows()) == 1


def test_a_score_under_another_key_is_a_dead_letter() -> None:
    keeping = Keeping()
    keeping.read(keeping.publish(line(score()), key=b"score:t/live/other"))
    assert [letter["reason"] for letter in keeping.rows("dead_letters")] == ["wrong_key"]
    assert keeping.rows() == []


def test_a_row_that_the_store_refuses_is_a_dead_letter_and_the_others_are_kept() -> None:
    keeping = Keeping()
    bad = score("s-bad")
    keeping.store.refuses = lambda table, row: table == "scores" and row["session_id"] == "s-bad"
    keeping.read(keeping.publish(line(score()), line(bad), line(score("s-2"))))
    assert sorted(row["session_id"] for row in keeping.rows()) == ["s-1", "s-2"]
    (letter,) = keeping.rows("dead_letters")
    assert (letter["reason"], letter["source_line"]) == ("store_refused", 1)
    (message,) = keeping.bus.messages("agent.dead-letter")
    assert orjson.loads(message.value)["session_id"] == "s-bad"
