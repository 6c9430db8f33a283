"""Asks a registered target about a suite's cases, several at once; retries what may pass by itself."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from watchkeeper.evals.gate.answers import CandidateError, Identity, interaction_of
from watchkeeper.evals.gate.candidates import RECORDED, Candidate, EndpointOptions, Question, open_candidate
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.sampling import unit_of
from watchkeeper.evals.scheduling.config import SuiteJob, Target
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.errors import ConfigurationError

_BACKOFF_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 30.0
_SEEDS: Final = 2**31


@dataclass(frozen=True, slots=True)
class Asked:
    """A case, and what the target made of it.

    Attributes:
        interaction: None where it gave no answer.
        trouble: then why.
    """

    case: Case
    interaction: Interaction | None
    trouble: str = ""


def open_target(target: Target, folder: Path) -> Candidate:
    """The target; relative files are looked for in `folder`.

    Raises:
        ConfigurationError: it names nothing that can answer, or its key is not there.
    """
    if target.key_variable and target.key_variable not in os.environ:
        raise ConfigurationError(f"the target's key is not there: set {target.key_variable} where the scheduler runs")
    named = target.candidate
    if named != RECORDED and named.endswith(".jsonl"):
        named = str(folder / named)
    return open_candidate(named, EndpointOptions(os.environ.get(target.key_variable, ""), target.body))


def ask_all(candidate: Candidate, cases: Sequence[Case], *, run_id: str, target: Target, job: SuiteJob) -> list[Asked]:
    """Every case's answer, in order; cases are asked at the same time.

    Args:
        candidate: who is asked.
        cases: as many as may be asked at once.
        run_id: with the case it makes the seed: asked again after a crash, the question is the same.
        target: whose answers they are.
        job: time limit and retries.
    """
    with ThreadPoolExecutor(max_workers=len(cases), thread_name_prefix="suite") as pool:
        return list(pool.map(lambda case: _ask(candidate, case, run_id, target, job), cases))


def _ask(candidate: Candidate, case: Case, run_id: str, target: Target, job: SuiteJob) -> Asked:
    question = Question(case, 0, int(unit_of("suite", run_id, case.case_id) * _SEEDS), job.timeout_seconds)
    begun = datetime.now(UTC)
    for left in range(job.retries, -1, -1):
        try:
            answer = candidate.ask(question)
        except CandidateError as error:
            if not error.transient or not left:
                return Asked(case, None, f"{error.kind}: {error}")
            own = _BACKOFF_SECONDS * 2.0 ** (job.retries - left)
            time.sleep(min(_LONGEST_SECONDS, max(own, error.wait_s or 0.0)))
        else:
            whose = Identity(
                tenant_id=target.tenant, agent_id=target.agent, agent_version=target.version, environment="suite"
            )
            ended = datetime.now(UTC)
            return Asked(case, interaction_of(case, answer, whose, run=run_id, repeat=0, begun=begun, ended=ended))
    raise AssertionError("the last try answers or gives up")
