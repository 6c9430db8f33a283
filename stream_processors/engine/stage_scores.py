"""The worker's reading of `agent.scores`: each score becomes a row, and what drift needs of it a signal to stage 2.

A score that is stored was told: its signal is acknowledged before its row is written. So a score that comes again, from
a grader that was interrupted or at a replay, becomes a row once more, which replaces itself, and no signal. One whose
row was not reached is told again from the same position, and its subject's watermark knows that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from pydantic import ValidationError

from watchkeeper.schemas.ids import derived_id
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.rows import RejectReason
from watchkeeper.schemas.scores import INPUTS_GRADER, SCORE_ADAPTER, Score, subject_of_scores
from watchkeeper.schemas.signals import Scored, quality_subject
from watchkeeper.stream_processors.engine.ports import Clock, Record, ScoreKey, Store
from watchkeeper.stream_processors.engine.stage import Origin, Output, StateSize

_NO_STATES = ""


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One line of a record: a score, or why it is none."""

    record: Record
    index: int
    raw: bytes
    score: Score | tuple[RejectReason, str]


@dataclass(slots=True)
class ScoreBatch:
    """A batch ready to be judged; `stored` are those of its scores that the store holds."""

    lines: list[ScoreLine]
    stored: set[ScoreKey] = field(default_factory=set)


class StageScores:
    """The stage that keeps scores. It judges nothing and has no state.

    Args:
        store: asked which scores it holds.
        clock: the worker's clock.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._on_their_way: dict[Output, set[ScoreKey]] = {}

    async def assign(self, partitions: Collection[int]) -> None:  # noqa: ARG002 - the protocol's shape
        """See `Stage.assign`."""
        self._on_their_way.clear()

    async def prepare(self, records: Sequence[Record]) -> ScoreBatch:
        """See `Stage.prepare`."""
        lines = [
            ScoreLine(record, index, raw, _decode(raw, record.key))
            for record in records
            for index, raw in enumerate(record.value.split(b"\n"))
            if raw and not raw.isspace()
        ]
        # Taken note of before the store is asked: what is on its way now may be kept, and forgotten, while it answers.
        known = {key for keys in self._on_their_way.values() for key in keys}
        keys = {_key(line.score) for line in lines if isinstance(line.score, Score)}
        asked = (keys | {key._replace(failed=False) for key in keys}) - known
        stored = await self._store.known_scores(asked) if asked else set()
        return ScoreBatch(lines, stored | known)

    def judge(self, prepared: ScoreBatch) -> Output:
        """See `Stage.judge`."""
        output = Output(_NO_STATES)
        told: set[ScoreKey] = set()
        for line in prepared.lines:
            output.counts.records += line.index == 0
            if isinstance(line.score, tuple):
                output.add_dead_letter(line.record, *line.score, line.raw, line.index)
                continue
            self._keep(line, line.score, output)
            key = _key(line.score)
            if _is_told(key, prepared.stored) or _is_told(key, told):
                output.counts.duplicates += 1
                continue
            told.add(key)
            signal = signal_of(line, line.score)
            if signal is not None:
                output.add_signal(signal)
        self._on_their_way[output] = told
        output.seal()
        return output

    async def prepare_tick(self, until_us: Mapping[int, int]) -> None:
        """See `Stage.prepare_tick`."""

    def tick(self, until_us: Mapping[int, int]) -> Output | None:
        """See `Stage.tick`. Silence says nothing here."""

    def clock_was_set(self, ahead_us: int) -> None:
        """See `Stage.clock_was_set`. Nothing waits here."""

    def settled(self, output: Output) -> None:
        """See `Stage.settled`."""
        self._on_their_way.pop(output, None)

    def size(self) -> StateSize:
        """See `Stage.size`."""
        return StateSize(0, 0)

    @staticmethod
    def _keep(line: ScoreLine, score: Score, output: Output) -> None:
        row = score.model_dump_json().encode()
        output.add_told("scores", row, to_us(score.occurred_at), Origin(line.record, line.raw, line.index))
        output.counts.events += 1


def _key(score: Score) -> ScoreKey:
    return ScoreKey(
        score.tenant_id, score.source, score.agent_id, score.score_id, failed=score.result_type == "failure"
    )


def _is_told(key: ScoreKey, told: Collection[ScoreKey]) -> bool:
    """A failure to grade is no news either once it was made good: its row is gone then, and a replay would tell it."""
    return key in told or (key.failed and key._replace(failed=False) in told)


def signal_of(line: ScoreLine, score: Score) -> Scored | None:
    """What stage 2 is told: candidates before their release, and people's labels, are no news of the running agent."""
    if score.source not in {"live", "suite"}:
        return None
    subject = quality_subject(score.tenant_id, score.origin, score.agent_id)
    return Scored(
        signal_id=derived_id("signal", subject, "Scored", score.score_id, score.result_type == "failure"),
        subject=subject,
        tenant_id=score.tenant_id,
        origin=score.origin,
        session_id=score.session_id,
        agent_id=score.agent_id,
        occurred_at=score.occurred_at,
        source_partition=line.record.partition,
        source_log=line.record.log,
        source_offset=line.record.offset,
        ordinal=line.index,
        score_id=score.score_id,
        source="live" if score.source == "live" else "suite",
        grader=score.grader,
        suite=score.suite,
        target=score.target,
        result_type=score.result_type,
        passed=score.passed,
        value=score.value,
        label=score.label,
        intent=score.intent,
        agent_version=score.agent_version,
        model=score.model,
        prompt_version=score.prompt_version,
        environment=score.environment,
        inclusion=min(1.0, score.inclusion / score.kept),
        criteria=list(score.criteria) if score.grader.partition("@")[0] == INPUTS_GRADER else [],
    )


def _decode(raw: bytes, key: bytes | None) -> Score | tuple[RejectReason, str]:
    try:
        score = SCORE_ADAPTER.validate_json(raw)
    except ValidationError as error:
        return _explain(raw, error)
    subject = subject_of_scores(score.tenant_id, score.origin, score.agent_id)
    if score.subject != subject:
        return "invalid_field", f"subject: {score.subject[:200]!r} is not {subject[:200]!r}, as the score's fields say"
    if subject.encode() != key:
        return "wrong_key", f"the score is about {subject[:200]}: key its record by that"
    return score


def _explain(raw: bytes, error: ValidationError) -> tuple[RejectReason, str]:
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as malformed:
        return "not_json", f"{malformed}: one JSON object on each line"
    if not isinstance(document, dict):
        return "not_an_object", f"the line is a JSON {type(document).__name__}: one score, as an object, on each line"
    problem = error.errors(include_input=False, include_url=False, include_context=False)[0]
    reason: RejectReason = "unusable_time" if problem["type"] == "unusable_time" else "invalid_field"
    return reason, f"{'.'.join(map(str, problem['loc'])) or 'score'}: {problem['msg']}"
