"""`watchkeeper evals`: how good sessions are, whether that changes, and whether a change may go out."""

from __future__ import annotations

from typing import Final

from watchkeeper.cli.command import Lazy, LazyGroup

_COMMANDS: Final = "watchkeeper.cli.commands"
_SUITES, _SCORES, _GRADERS = "Suites", "Scores", "Graders"

TABLE: Final[dict[str, Lazy]] = {
    "suite": Lazy(f"{_COMMANDS}.evals_suite", "suite", "Draw, look at, compare and refresh suites.", _SUITES),
    "run": Lazy(
        f"{_COMMANDS}.evals_run", "run", "Compare a candidate with a baseline; fails where it is worse.", _SUITES
    ),
    "plan": Lazy(f"{_COMMANDS}.evals_plan", "plan", "Say what a sampling rate buys.", _SCORES),
    "scheduler": Lazy(f"{_COMMANDS}.evals_scheduler", "scheduler", "Run the scheduler in this process.", _SCORES),
    "schedule": Lazy(f"{_COMMANDS}.evals_schedule", "schedule", "Show what was graded, and what comes next.", _SCORES),
    "scores": Lazy(f"{_COMMANDS}.evals_scores", "scores", "Show scores, with honest intervals.", _SCORES),
    "agreement": Lazy(f"{_COMMANDS}.evals_agreement", "agreement", "Estimate detectors' precision online.", _SCORES),
    "label": Lazy(f"{_COMMANDS}.evals_label", "label", "Label the sessions most worth it.", _GRADERS),
    "judge": Lazy(f"{_COMMANDS}.evals_judge", "judge", "Judge the judges: agreement and bias.", _GRADERS),
    "train": Lazy(f"{_COMMANDS}.evals_train", "train", "Train the statistical grader on labels.", _GRADERS),
}

evals = LazyGroup(
    "evals",
    table=TABLE,
    help="Score sessions, keep suites, compare candidates, and judge the judges.",
)
