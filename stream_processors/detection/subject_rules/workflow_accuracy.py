"""Workflows whose steps, one after the other, are right too seldom.

What it sees. For each session of a workflow that has an objective for `workflow_accuracy`, which of its steps had all
their values right (`drifted_value`). Five steps that are each right in 96 of 100 cases are all right in 82.
`workflow_accuracy` (high) says that the objective is missed, with each step's share; it is taken back when, at a later
look, the objective is met.

Method. Sessions of the last `window_days` of the objective, in 28 buckets. Compounded accuracy is the product of the
steps' shares; its interval the product of their bounds, each at a part of the risk, so that the product's holds
whatever the steps have to do with one another. Beside it stands the share of sessions in which every step was right.
It is found when the upper bound of one of the two is below the objective. Bounds by Chernoff (`proportions`), valid at
every size of a sample. Looks are made when the sessions have grown by 40 %, the k-th at a risk of 6/(pi k)^2 of the
whole, which sums to it: looking often costs nothing in false alarms. Half of each goes to the product, half to the
share.

Parameters: the objective's `target` and `window_days`; `risk` 0.01, that a workflow which meets its objective is
accused within a window: with a hundred workflows, one in a month; `min_sessions` 20, before which an interval says
nothing.

What it gets wrong. It takes sessions for independent: a source that is wrong for a day moves many at once. Sessions
that never end are not counted; values without a source are nobody's mistake. At a true accuracy just below the
objective it takes thousands of sessions to be sure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from watchkeeper.schemas.evidence import StepAccuracy, WorkflowAccuracy
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.signals import Signal, WorkflowRan
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.proportions import lower_bound, upper_bound
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule

BUCKETS = 28
MAX_STEPS = 32
"""Steps of a workflow that are counted."""

MAX_TOLD = 12
_DAY_US = 86_400_000_000
_GROWTH = 1.4


@dataclass(slots=True)
class WorkflowAccuracyState:
    """One workflow.

    Attributes:
        buckets: `[sessions, all right]` by bucket.
        steps: `[sessions, right]` by bucket and step.
        head: the latest bucket.
        looked: sessions at the last look; 0 before the first.
        looks: how many were made since `family`.
        family: the bucket in which the risk began to be spent.
        episode: the bucket in which the finding was made; -1 while there is none.
        ended: the bucket of the finding that was taken back last.
        revision: of what was told.
    """

    buckets: dict[str, list[int]] = field(default_factory=dict)
    steps: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    head: int = -1
    looked: int = 0
    looks: int = 0
    family: int = -1
    episode: int = -1
    ended: int = -1
    revision: int = 0


class WorkflowAccuracies(SubjectRule[WorkflowAccuracyState]):
    """See the module."""

    rule_id = "workflow_accuracy"
    failure_mode = "context_drift"
    listens = frozenset({"workflow_ran"})
    state_type = WorkflowAccuracyState

    def __init__(self, *, risk: float = 0.01, min_sessions: int = 20) -> None:
        self._risk = risk
        self._min_sessions = min_sessions

    def fold(self, state: WorkflowAccuracyState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        if not isinstance(signal, WorkflowRan) or not _take(state, signal):
            return ()
        sessions = sum(counts[0] for counts in state.buckets.values())
        if state.head - state.family >= BUCKETS:
            state.family, state.looks, state.looked = state.head, 0, 0
        # When old sessions have left, growth is measured from what is left.
        state.looked = min(state.looked, sessions)
        if sessions < max(self._min_sessions, math.ceil(state.looked * _GROWTH)):
            return ()
        state.looks += 1
        state.looked = sessions
        return self._look(state, signal, self._risk * 6 / (math.pi * state.looks) ** 2)

    def _look(self, state: WorkflowAccuracyState, signal: WorkflowRan, risk: float) -> list[Found]:
        measured = _measured(state, signal, risk, 1 - self._risk)
        whole = [sum(counts[index] for counts in state.buckets.values()) for index in (1, 0)]
        missed = min(measured.upper, upper_bound(whole[0], whole[1], risk / 2)) < signal.target
        if state.episode < 0 and missed:
            # Twice within one bucket it is the same episode, gone on.
            state.episode = state.head
            state.revision = state.revision + 1 if state.ended == state.head else 0
            return [_found(state, signal, measured, resolved=False)]
        if state.episode >= 0 and min(measured.compounded, measured.whole) >= signal.target:
            state.revision += 1
            found = _found(state, signal, measured, resolved=True)
            state.episode, state.ended = -1, state.episode
            return [found]
        return []


def _take(state: WorkflowAccuracyState, signal: WorkflowRan) -> bool:
    """Whether the session is within the window; counts it."""
    bucket = to_us(signal.occurred_at) // (signal.window_days * _DAY_US // BUCKETS)
    if bucket <= state.head - BUCKETS:
        return False
    if bucket > state.head:
        state.head = bucket
        state.buckets = {name: counts for name, counts in state.buckets.items() if int(name) > bucket - BUCKETS}
        state.steps = {name: steps for name, steps in state.steps.items() if int(name) > bucket - BUCKETS}
    known = {step for steps in state.steps.values() for step in steps}
    counts = state.buckets.setdefault(str(bucket), [0, 0])
    counts[0] += 1
    counts[1] += all(signal.steps.values())
    steps = state.steps.setdefault(str(bucket), {})
    for step, right in signal.steps.items():
        if step in known or len(known) < MAX_STEPS:
            known.add(step)
            of_step = steps.setdefault(step, [0, 0])
            of_step[0] += 1
            of_step[1] += right
    return True


def _measured(state: WorkflowAccuracyState, signal: WorkflowRan, risk: float, confidence: float) -> WorkflowAccuracy:
    sums: dict[str, list[int]] = {}
    for steps in state.steps.values():
        for step, (ran, right) in steps.items():
            counts = sums.setdefault(step, [0, 0])
            counts[0] += ran
            counts[1] += right
    each = risk / 2 / max(1, len(sums))
    sessions = sum(counts[0] for counts in state.buckets.values())
    worst = sorted(sums.items(), key=lambda item: (item[1][1] / item[1][0], item[0]))
    return WorkflowAccuracy(
        workflow=signal.workflow,
        target=signal.target,
        window_days=signal.window_days,
        sessions=sessions,
        compounded=math.prod(right / ran for ran, right in sums.values()),
        lower=math.prod(lower_bound(right, ran, each) for ran, right in sums.values()),
        upper=math.prod(upper_bound(right, ran, each) for ran, right in sums.values()),
        whole=sum(counts[1] for counts in state.buckets.values()) / sessions,
        confidence=confidence,
        steps=[StepAccuracy(step=step, ran=ran, right=right) for step, (ran, right) in worst[:MAX_TOLD]],
    )


def _found(state: WorkflowAccuracyState, signal: WorkflowRan, measured: WorkflowAccuracy, *, resolved: bool) -> Found:
    bucket_us = signal.window_days * _DAY_US // BUCKETS
    verb = "meets" if resolved else "misses"
    return Found(
        about=("accuracy", state.episode),
        severity="high",
        summary=(
            f"The workflow {signal.workflow} {verb} its objective of {signal.target:.1%}: every step was right in "
            f"{measured.whole:.1%} of {measured.sessions} sessions, the product of its steps is "
            f"{measured.compounded:.1%}."
        ),
        evidence=measured,
        first_us=state.episode * bucket_us,
        revision=state.revision,
        status="resolved" if resolved else "open",
    )
