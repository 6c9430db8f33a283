"""Runs of a frozen suite that the scheduler found worse than the last good one, as findings."""

from __future__ import annotations

from collections.abc import Iterable

from watchkeeper.schemas.evidence import FellSuite
from watchkeeper.schemas.scores import SUITE_GRADER
from watchkeeper.schemas.signals import Scored
from watchkeeper.stream_processors.detection.detector import Found


def suite_falls(signal: Scored) -> Iterable[Found]:
    """The finding of a run that fell; none of what a suite's single cases got."""
    if signal.grader.partition("@")[0] != SUITE_GRADER or signal.passed is not False:
        return ()
    return [
        Found(
            about=("suite", signal.session_id, signal.grader),
            severity="high",
            summary=f"The suite {signal.suite} is answered worse than in its last good run by {signal.target}.",
            evidence=FellSuite(
                suite=signal.suite,
                target=signal.target,
                run=signal.session_id,
                reason=signal.label,
                compared_by=signal.grader,
            ),
        )
    ]
