"""Drift as the console shows it: the streams that the worker watches, and how each came to where it is."""

from __future__ import annotations

from typing import Final, Literal

from watchkeeper.cli.console.drift_replay import limit_of, replayed
from watchkeeper.cli.store import ReadStore, Row
from watchkeeper.dashboards.console.drift_source import Course, Level, StreamState, WatchedStream
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.signals import quality_subject
from watchkeeper.stream_processors.detection.drift.effect import effect_of
from watchkeeper.stream_processors.detection.drift.watch import evidence
from watchkeeper.stream_processors.detection.packed_scores import Scores
from watchkeeper.stream_processors.detection.subject_rules.quality_drift import (
    QualityDrift,
    QualityDriftState,
    rules_of,
)
from watchkeeper.stream_processors.detection.subjects import load_subject
from watchkeeper.stream_processors.detection.watched_stream import DAY_US, Stream

MOST_SCORES: Final = 20_000
"""So many are replayed in about a second."""

# A subject whose partition moved has a row in each: its latest one counts. Of the key, `subject` comes second.
_SUBJECTS: Final = """
SELECT subject, tenant_id, origin, argMax(state, (subjects.stored_at, version)) AS state,
    max(subjects.stored_at) AS stored_at
FROM subjects
WHERE startsWith(subject, 'quality:')
    AND ({tenant:String} = '' OR tenant_id = {tenant:String})
    AND ({subjects:Array(String)} = [] OR subject IN {subjects:Array(String)})
GROUP BY subject, tenant_id, origin
ORDER BY tenant_id, origin, subject
LIMIT 500
"""

# In the order in which they were graded, which is nearly that in which the worker heard them.
_SCORES: Final = """
SELECT score_id, session_id, grader, result_type, passed, value, label, intent, agent_version, model, prompt_version,
    environment, inclusion, occurred_at
FROM scores
WHERE tenant_id = {tenant:String} AND source = 'live' AND agent_id = {agent:String} AND origin = {origin:String}
ORDER BY graded_at, occurred_at, score_id, stored_at DESC
LIMIT 1 BY score_id
LIMIT {limit:UInt32}
"""

_ORIGINS: Final = ("live", "import", "simulated")


class StoredDrift:
    """See `watchkeeper.dashboards.console.drift_source.Drift`.

    Args:
        store: ClickHouse.
    """

    def __init__(self, store: ReadStore) -> None:
        self._store = store

    def streams(self, tenant: str, agent: str = "") -> list[WatchedStream]:
        """See `Drift.streams`."""
        named = [quality_subject(tenant, origin, agent) for origin in _ORIGINS] if tenant and agent else []
        found = []
        for row in self._store.rows(_SUBJECTS, tenant=tenant, subjects=named):
            who, state = _state_of(row)
            if state is not None and agent in {"", who}:
                found += _streams(row, who, state)
        return found

    def course(self, stream: WatchedStream) -> Course:
        """See `Drift.course`."""
        if stream.family != "graders":
            return Course()
        subject = quality_subject(stream.tenant_id, stream.origin, stream.agent_id)
        rows = self._store.rows(_SUBJECTS, tenant=stream.tenant_id, subjects=[subject])
        state = _state_of(rows[0])[1] if rows else None
        scores = self._store.rows(
            _SCORES, tenant=stream.tenant_id, agent=stream.agent_id, origin=stream.origin, limit=MOST_SCORES + 1
        )
        if len(scores) > MOST_SCORES:
            return Course(too_many=True)
        return replayed(scores, stream, state or QualityDriftState())


def _state_of(row: Row) -> tuple[str, QualityDriftState | None]:
    """The agent's name, and what the rule keeps of it; None where another version of the rule wrote it."""
    subject = load_subject(row["state"])
    if subject is None:
        return "", None
    version, fold = subject.folds.get(QualityDrift.rule_id, [0, None])
    if version != QualityDrift.state_version:
        return subject.agent_id, None
    return subject.agent_id, QualityDriftState(**fold)


def _streams(row: Row, agent: str, state: QualityDriftState) -> list[WatchedStream]:
    rules = rules_of(state.rules)
    found = []
    for key, stream in sorted(state.streams.items()):
        family, _, name = key.partition("/")
        graders = sum(one.startswith("graders/") for one in state.streams)
        packed = Scores(stream["packed"])
        found.append(
            WatchedStream(
                tenant_id=row["tenant_id"],
                agent_id=agent,
                origin=row["origin"],
                family=_family(family),
                name=name,
                direction=stream["direction"],
                is_ranked=stream["ranked"],
                state=_kind(stream),
                gathered=len(packed),
                wanted=rules.baseline,
                days=(stream["until_us"] - stream["since_us"]) / DAY_US,
                wanted_days=rules.baseline_days,
                level=level_of(stream, members := graders if family == "graders" else len(rules.online)),
                told_at=from_us(stream["told_us"]) if stream["told"] and stream["told_us"] else None,
                refused=stream["refused"],
                promise=rules.promise,
                members=members,
                stored_at=row["stored_at"],
            )
        )
    return found


def _family(name: str) -> Literal["graders", "online"]:
    return "graders" if name == "graders" else "online"


def _kind(stream: Stream) -> StreamState:
    if stream["refused"]:
        return "refused"
    if stream["baseline"] is None:
        return "gathering"
    return "drifted" if stream["told"] else "watching"


def level_of(stream: Stream, members: int) -> Level | None:
    """Where a stream stands; None where nothing is held against a baseline."""
    watch, baseline = stream["watch"], stream["baseline"]
    if watch is None or baseline is None:
        return None
    effect = effect_of(watch, baseline)
    baseline_to = from_us(baseline["until_us"])
    return Level(
        before=baseline["mean"],
        limit=limit_of(watch["limit"], stream),
        after=effect.after,
        low=effect.after_low,
        high=effect.after_high,
        since=from_us(effect.since_us) if effect.scores else baseline_to,
        scores=watch["scores"],
        share=evidence(watch) / max(1, members),
        baseline_scores=baseline["scores"],
        baseline_from=from_us(baseline["since_us"]),
        baseline_to=baseline_to,
    )
