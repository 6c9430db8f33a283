"""The judge for `grading.registry`: from a judge's file and a file of rubrics."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from watchkeeper.evals.judging.asking import Asker
from watchkeeper.evals.judging.cache import AnswerCache
from watchkeeper.evals.judging.endpoint import ChatEndpoint
from watchkeeper.evals.judging.llm_judge import LlmJudge
from watchkeeper.evals.judging.settings import load_judge
from watchkeeper.evals.labelling.rubrics import GENERAL, load_rubrics

HOME_VARIABLE: Final = "WATCHKEEPER_HOME"
_FOLDER: Final = "judging"


def kept_answers(home: Path | None = None) -> Path:
    """Where judges' answers are kept: `judging` in the data directory.

    Args:
        home: the data directory; by default the environment's, else `.watchkeeper`.
    """
    return (home or Path(os.environ.get(HOME_VARIABLE) or ".watchkeeper")) / _FOLDER


def llm_judge(judge: str, rubric: str = "", cache: str = "") -> LlmJudge:
    """A judge that grades sessions by rubrics.

    Args:
        judge: the judge's YAML file. Its cap holds for as long as the grader lives: for a run, or until the scheduler
            ends.
        rubric: a file of rubrics, or a suite's folder; the general rubric if left out.
        cache: where answers are kept; `judging` in the data directory if left out.

    Raises:
        ConfigurationError: a file cannot be used, or the variable of the judge's key is not set.
    """
    endpoint = ChatEndpoint(load_judge(Path(judge)))
    asker = Asker(endpoint, AnswerCache(Path(cache) if cache else kept_answers()))
    return LlmJudge(asker, load_rubrics(Path(rubric)) if rubric else (GENERAL,))
