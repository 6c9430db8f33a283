"""A run from end to end: both sides asked or read, compared, and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watchkeeper.evals.gate.answers import Identity
from watchkeeper.evals.gate.attempts import Attempt, Side
from watchkeeper.evals.gate.candidates import EndpointOptions, open_candidate
from watchkeeper.evals.gate.comparison import Comparison, Named, compare, summary
from watchkeeper.evals.gate.decision import Settings
from watchkeeper.evals.gate.folder import JUNIT, MARKDOWN, RunFolder, completed, regraded
from watchkeeper.evals.gate.junit import junit
from watchkeeper.evals.gate.markdown import markdown
from watchkeeper.evals.gate.running import Done, Plan, run_sides
from watchkeeper.evals.grading.grade import Grader
from watchkeeper.evals.suites.suite import Suite
from watchkeeper.schemas.errors import ConfigurationError

_BAR = 0.5


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Attributes:
        candidate: as `candidates` names them.
        baseline: the same; empty for a run that is only kept, to be a baseline later.
    """

    suite: Suite
    candidate: str
    baseline: str
    plan: Plan
    settings: Settings
    endpoint: EndpointOptions
    whose: Mapping[Side, Identity] = field(default_factory=dict)

    def identity(self) -> dict[str, Any]:
        """What makes a run the same when it goes on after a break."""
        return {
            "run_id": self.plan.run_id,
            "suite": self.plan.suite,
            "candidate": self.candidate,
            "baseline": self.baseline,
            "repeats": self.plan.repeats,
            "seed": self.plan.seed,
        }


@dataclass(frozen=True, slots=True)
class Made:
    """What became of it.

    Attributes:
        comparison: None where there is no baseline.
        asked: the sides that were asked now; an earlier run was not.
    """

    attempts: dict[Side, list[Attempt]]
    comparison: Comparison | None
    summary: dict[str, Any]
    texts: dict[str, str]
    asked: tuple[Side, ...]


def make_run(request: Request, graders: Sequence[Grader], folder: RunFolder, *, done: Done = lambda *_: None) -> Made:
    """Makes a run and keeps it in a folder that `begin` has made.

    Raises:
        ConfigurationError: a side cannot be opened, or the sides cannot be compared.
    """
    named: dict[Side, str] = {"baseline": request.baseline} if request.baseline else {}
    named["candidate"] = request.candidate
    earlier: dict[Side, list[Attempt]] = {
        side: RunFolder(Path(name)).attempts() for side, name in named.items() if Path(name).is_dir()
    }
    _same_repeats(earlier, request.plan)
    asked: dict[Side, str] = {side: name for side, name in named.items() if side not in earlier}
    attempts = _asked(asked, request, graders, folder, done)
    for side, found in earlier.items():
        again = _regraded(found, side, request, graders)
        attempts[side] = completed(again, request.suite.cases, _repeats(found))
    if "baseline" not in attempts:
        made = Made(attempts, None, _kept(request, attempts["candidate"]), {}, tuple(asked))
    else:
        comparison = compare(
            Named(request.plan.run_id, request.plan.suite, request.candidate, request.baseline),
            attempts["baseline"],
            attempts["candidate"],
            request.settings,
            bar=lambda intent: _bar(request.suite, intent),
        )
        texts = {MARKDOWN: markdown(comparison), JUNIT: junit(comparison, attempts["candidate"])}
        made = Made(attempts, comparison, summary(comparison), texts, tuple(asked))
    folder.end(made.summary, made.texts)
    return made


def _asked(
    named: Mapping[Side, str], request: Request, graders: Sequence[Grader], folder: RunFolder, done: Done
) -> dict[Side, list[Attempt]]:
    sides = {side: open_candidate(name, request.endpoint) for side, name in named.items()}

    def keep(side: Side, attempt: Attempt) -> None:
        folder.keep(side, attempt)
        done(side, attempt)

    known = [
        (side, attempt)
        for side in sides
        for attempt in _regraded(folder.answered(side), side, request, graders)
        if attempt.trouble is None
    ]
    try:
        whose = {side: request.whose.get(side, Identity()) for side in sides}
        return run_sides(sides, request.suite.cases, graders, request.plan, whose=whose, known=known, done=keep)
    finally:
        for candidate in sides.values():
            candidate.close()


def _regraded(attempts: Sequence[Attempt], side: Side, request: Request, graders: Sequence[Grader]) -> list[Attempt]:
    run = f"{request.plan.run_id}/{side}"
    return regraded(attempts, request.suite.cases, graders, run_id=run, suite=request.plan.suite)


def _repeats(attempts: Sequence[Attempt]) -> int:
    return max(attempt.repeat for attempt in attempts) + 1


def _same_repeats(earlier: Mapping[Side, Sequence[Attempt]], plan: Plan) -> None:
    for side, attempts in earlier.items():
        repeats = _repeats(attempts)
        if len(earlier) == 1 and repeats != plan.repeats:
            raise ConfigurationError(
                f"the {side} was run with {repeats} repeats of each case, and this run has {plan.repeats}: "
                f"give --repeats {repeats}, or make the {side} again"
            )


def _bar(suite: Suite, intent: str) -> float:
    rubric = suite.rubric_for(intent)
    return rubric.bar if rubric else _BAR


def _kept(request: Request, attempts: Sequence[Attempt]) -> dict[str, Any]:
    """The summary of a run without a baseline."""
    return {
        "run_id": request.plan.run_id,
        "suite": request.plan.suite,
        "candidate": request.candidate,
        "baseline": None,
        "outcome": None,
        "attempts": {"candidate": len(attempts)},
        "troubles": {"candidate": sum(attempt.trouble is not None for attempt in attempts)},
    }
