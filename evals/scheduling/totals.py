"""What a scheduler's process has done since it began."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Totals:
    """Numbers that only grow, but for `waiting`: sessions that are to be graded and are not.

    Attributes:
        considered: ended sessions that were decided.
        cut: drawn sessions for which a day's budget had no room.
        failures: scores in which a grader could not say.
        interruptions: passes that the store or the broker broke off.
        inputs: days of agents whose prompts were compared with those of before.
        suite_failures: cases that a target did not answer.
        falls: runs that were significantly worse than the last good one.
    """

    passes: int = 0
    considered: int = 0
    drawn: int = 0
    cut: int = 0
    scored: int = 0
    scores: int = 0
    failures: int = 0
    unreadable: int = 0
    waiting: int = 0
    interruptions: int = 0
    versions: int = 0
    inputs: int = 0
    suite_runs: int = 0
    suite_cases: int = 0
    suite_failures: int = 0
    falls: int = 0
