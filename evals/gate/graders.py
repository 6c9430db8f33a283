"""The graders of a run: the suite's rubrics, unless others are named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from watchkeeper.evals.grading.grade import Grader
from watchkeeper.evals.grading.registry import build_grader
from watchkeeper.evals.grading.rubrics import JudgeOf, RubricGrader
from watchkeeper.evals.suites.suite import Suite
from watchkeeper.schemas.errors import ConfigurationError

RUBRIC: Final = "rubric"


def gate_graders(
    suite: Suite, named: Sequence[str], judge: Path | None = None, *, home: Path | None = None
) -> tuple[Grader, ...]:
    """The graders, by name; `rubric` is the suite's rubrics as one grader.

    Args:
        suite: its rubrics name graders of their own.
        named: as `grading.registry` spells them; the rubrics where none is named.
        judge: the settings of who answers criteria that name no grader.
        home: the data directory, where a judge's answers are kept; by default the environment's.

    Raises:
        ConfigurationError: a grader that is not there, or criteria that nobody would answer.
    """
    return tuple(_rubrics(suite, judge, home) if name == RUBRIC else build_grader(name) for name in named or (RUBRIC,))


def _rubrics(suite: Suite, judge: Path | None, home: Path | None) -> RubricGrader:
    criteria = [criterion for rubric in suite.rubrics for criterion in rubric.criteria]
    open_ones = sorted({criterion.name for criterion in criteria if not criterion.grader})
    if open_ones and judge is None:
        raise ConfigurationError(
            f"criteria of the suite {suite.name} need a judge ({', '.join(open_ones)}): give --judge FILE (in "
            "evals.yaml `judge:`), or name graders by --grader (`graders:`), or let the criteria name one (grader: "
            "groundedness)"
        )
    names = sorted({criterion.grader for criterion in criteria if criterion.grader})
    return RubricGrader(suite.rubrics, [build_grader(name) for name in names], judge=_judge_of(judge, home))


def _judge_of(judge: Path | None, home: Path | None) -> JudgeOf | None:
    if judge is None:
        return None
    # With it comes the client of endpoints.
    from watchkeeper.evals.judging.asking import Asker  # noqa: PLC0415
    from watchkeeper.evals.judging.cache import AnswerCache  # noqa: PLC0415
    from watchkeeper.evals.judging.configured import kept_answers  # noqa: PLC0415
    from watchkeeper.evals.judging.endpoint import ChatEndpoint  # noqa: PLC0415
    from watchkeeper.evals.judging.llm_judge import judge_of  # noqa: PLC0415
    from watchkeeper.evals.judging.settings import load_judge  # noqa: PLC0415

    return judge_of(Asker(ChatEndpoint(load_judge(judge)), AnswerCache(kept_answers(home))))
