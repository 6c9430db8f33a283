"""Asks candidates: both sides in the same minutes, several at once, with time limits and retries."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from watchkeeper.evals.gate.answers import Answer, CandidateError, Identity, interaction_of
from watchkeeper.evals.gate.attempts import Attempt, Side, Trouble, digest_of_case
from watchkeeper.evals.gate.candidates import Candidate, Question
from watchkeeper.evals.gate.parallel import in_parallel
from watchkeeper.evals.grading.grade import Grader
from watchkeeper.evals.grading.running import Occasion, run_graders
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.sampling import unit_of
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.scores import Score

_LONGEST_WAIT_S: Final = 30.0
_SEEDS: Final = 2**31

Done = Callable[[Side, Attempt], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run is made.

    Attributes:
        run_id: names it; scores carry it.
        suite: `name@version`.
        repeats: how often each case is done by each side.
        concurrency: how many questions are out at once.
        timeout_s: of one try, in seconds.
        retries: further tries, after what may pass by itself: time-outs of endpoints, refused connections, 429, 5xx.
        backoff_s: the wait before the first further try; it doubles.
        seed: of the order, and of what candidates draw.
    """

    run_id: str
    suite: str
    repeats: int = 1
    concurrency: int = 4
    timeout_s: float = 120.0
    retries: int = 2
    backoff_s: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Job:
    side: Side
    case: Case
    repeat: int


def run_sides(
    sides: Mapping[Side, Candidate],
    cases: Sequence[Case],
    graders: Sequence[Grader],
    plan: Plan,
    *,
    whose: Mapping[Side, Identity],
    known: Sequence[tuple[Side, Attempt]] = (),
    done: Done = lambda *_: None,
) -> dict[Side, list[Attempt]]:
    """Asks every side about every case, and grades what they answer.

    Args:
        sides: who is asked; sides that are compared are asked in turns, so that a slow hour hits both alike.
        cases: each by an id of its own.
        graders: asked in the threads of the answers.
        plan: how.
        whose: whose answers they are, by side.
        known: attempts that were made already; they are not made again, and `done` is not called for them.
        done: called with each attempt as soon as it is graded, never by two threads at once.

    Returns:
        The attempts of each side, by case and repeat in the order of the cases. Whatever a candidate does wrong is in
        its attempt; nothing of it is raised.

    Raises:
        ConfigurationError: graders that cannot be run together.
    """
    found = {(side, attempt.case_id, attempt.repeat): attempt for side, attempt in known}
    jobs = [
        _Job(side, case, repeat)
        for side in sides
        for case in cases
        for repeat in range(plan.repeats)
        if (side, case.case_id, repeat) not in found
    ]
    jobs.sort(key=lambda job: unit_of("gate", str(plan.seed), job.case.case_id, str(job.repeat), job.side))
    lock = threading.Lock()

    def work(job: _Job) -> None:
        attempt = _attempt(sides[job.side], job, graders, plan, whose[job.side])
        with lock:
            found[job.side, job.case.case_id, job.repeat] = attempt
            done(job.side, attempt)

    in_parallel(work, jobs, plan.concurrency)
    return {
        side: [found[side, case.case_id, repeat] for case in cases for repeat in range(plan.repeats)] for side in sides
    }


def _attempt(candidate: Candidate, job: _Job, graders: Sequence[Grader], plan: Plan, whose: Identity) -> Attempt:
    begun = datetime.now(UTC)
    seed = int(unit_of("seed", str(plan.seed), job.case.case_id, str(job.repeat)) * _SEEDS)
    question = Question(job.case, job.repeat, seed, plan.timeout_s)
    answer, seconds, tries = _asked(candidate, question, plan)
    begin = Attempt(
        case_id=job.case.case_id,
        case_digest=digest_of_case(job.case),
        intent=job.case.intent,
        repeat=job.repeat,
        seconds=seconds if candidate.timed else None,
        tries=tries,
    )
    if isinstance(answer, Trouble):
        return begin.model_copy(update={"trouble": answer})
    interaction = interaction_of(
        job.case,
        answer,
        whose,
        run=f"{plan.run_id}/{job.side}",
        repeat=job.repeat,
        begun=begun,
        ended=datetime.now(UTC),
    )
    scores = grade_answer(graders, interaction, job.case, run_id=f"{plan.run_id}/{job.side}", suite=plan.suite)
    return begin.model_copy(update={"interaction": interaction, "scores": tuple(scores)})


def grade_answer(
    graders: Sequence[Grader], interaction: Interaction, case: Case, *, run_id: str, suite: str
) -> list[Score]:
    """What graders say of an answer to a case, as scores of a gate's run."""
    occasion = Occasion(source="gate", graded_at=datetime.now(UTC), run_id=run_id, suite=suite)
    return run_graders(graders, interaction, case, occasion=occasion)


def _asked(candidate: Candidate, question: Question, plan: Plan) -> tuple[Answer | Trouble, float, int]:
    """The answer, or why there is none; how long the last try took, in seconds; how many there were."""
    tries = 0
    while True:
        tries += 1
        begun = time.monotonic()
        try:
            return candidate.ask(question), time.monotonic() - begun, tries
        except CandidateError as error:
            took = time.monotonic() - begun
            if not error.transient or tries > plan.retries:
                trouble = {"kind": error.kind, "text": str(error)[:2000]}
                return Trouble.model_validate(trouble), took, tries
            time.sleep(_pause(error, question, plan, tries))


def _pause(error: CandidateError, question: Question, plan: Plan, tries: int) -> float:
    # Spread, so that those refused together do not come back together; by the question, so that runs are alike.
    spread = random.Random(f"{question.seed}/{tries}").uniform(0.5, 1.0)  # noqa: S311 - no secret depends on it
    own = plan.backoff_s * 2.0 ** (tries - 1) * spread
    return float(min(_LONGEST_WAIT_S, max(own, error.wait_s or 0.0)))
