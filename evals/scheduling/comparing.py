"""Whether a run of a suite is worse than those before it: the same cases, compared in pairs as the gate does.

A run is compared with the last good one, and with the first: a decline in steps too small to be seen would else be
followed by what it is held against, step by step, and never be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from watchkeeper.evals.scheduling.config import Target
from watchkeeper.schemas.evaluations import SuiteCaseRow, SuiteRunRow
from watchkeeper.schemas.scores import SUITE_GRADER, Score, score_id_of, subject_of_scores

COMPARISON_GRADER: Final = f"{SUITE_GRADER}@1"
"""Says whether a run fell; stage 2 makes the finding `quality_drift` of a score that did not pass."""

LEVEL: Final = 0.01
"""The chance that a run of an agent that has not changed is said to have fallen. Suites run every night: at the gate's
own level it would be one night in forty."""

MOST_FAILURES: Final = 0.05
"""Of the cases: where more were not answered, nothing can be said of the others."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the comparison.

    Attributes:
        fell: None where nothing can be said.
        said: why, for people.
        comparable: whether later runs may be compared with this one, if it did not fall.
    """

    fell: bool | None
    said: str
    comparable: bool = True


def compare_runs(cases: Sequence[SuiteCaseRow], good: Sequence[Sequence[SuiteCaseRow]], margin: float) -> Verdict:
    """Compares a run with good ones before it, case by case.

    Args:
        cases: of the run.
        good: the cases of each good run that it is held against: the last one, and the first if that is another; none
            before the first.
        margin: see `SuiteJob`.
    """
    missing = sum(case.value is None for case in cases)
    if missing == len(cases):
        return Verdict(None, "no case has a value: correct the target or the graders", comparable=False)
    if missing > MOST_FAILURES * len(cases):
        said = f"{missing} of {len(cases)} cases have no value: correct the target or the graders"
        return Verdict(None, said, comparable=False)
    if not good:
        return Verdict(None, "the first run over this suite: what comes next is compared with it")
    verdicts = [_against(cases, before, margin, LEVEL / len(good)) for before in good]
    told = ("", " (compared with the first good run)")
    for verdict, which in zip(verdicts, told, strict=False):
        if verdict.fell:
            return Verdict(True, verdict.said + which)
    return next((verdict for verdict in verdicts if verdict.fell is None), verdicts[0])


def _against(cases: Sequence[SuiteCaseRow], good_cases: Sequence[SuiteCaseRow], margin: float, level: float) -> Verdict:
    # With it come numpy and scipy, which no scheduler without suites needs.
    from watchkeeper.evals.gate.decision import Measure, Settings, decide  # noqa: PLC0415
    from watchkeeper.evals.gate.paired import Pair  # noqa: PLC0415

    before = {case.case_id: case.value for case in good_cases}
    pairs = [
        Pair(case.case_id, old, case.value)
        for case in cases
        if case.value is not None and (old := before.get(case.case_id)) is not None
    ]
    measure = Measure("suite", "whole", tuple(pairs), missing=len(cases) - len(pairs))
    decision = decide([measure], Settings(margin=margin, level=level, max_failures=MOST_FAILURES))
    if decision.outcome == "fall":
        return Verdict(True, decision.reasons[0])
    outcome = False if decision.outcome == "pass" else None
    return Verdict(outcome, decision.reasons[0], comparable=outcome is False)


def comparison_score(run: SuiteRunRow, verdict: Verdict, target: Target) -> Score | None:
    """The score that tells the comparison; None where there was none.

    Its label is why, for the finding that stage 2 makes of it. Answers to a suite are no live sessions, but a fall of
    the agent that gives them concerns the live one.
    """
    if verdict.fell is None or run.ended_at is None:
        return None
    return Score(
        score_id=score_id_of(
            tenant_id=target.tenant,
            source="suite",
            session_id=run.run_id,
            grader=COMPARISON_GRADER,
            suite=run.suite,
            run_id=run.run_id,
        ),
        subject=subject_of_scores(target.tenant, "live", target.agent),
        tenant_id=target.tenant,
        origin="live",
        source="suite",
        session_id=run.run_id,
        agent_id=target.agent,
        agent_version=target.version,
        environment="suite",
        suite=run.suite,
        run_id=run.run_id,
        grader=COMPARISON_GRADER,
        target=run.target,
        result_type="pass",
        passed=not verdict.fell,
        value=float(not verdict.fell),
        label=verdict.said[:256],
        reason=verdict.said[:2000],
        occurred_at=run.ended_at,
        graded_at=run.ended_at,
    )
