"""Graders on recorded sessions of others: they say something, within bounds, and the same twice."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from watchkeeper.evals.grading.registry import build_graders
from watchkeeper.evals.grading.running import Occasion, run_graders
from watchkeeper.evals.grading.statistical.features import STRUCTURE, features_of
from watchkeeper.evals.grading.statistical.labelled import read_recordings

pytestmark = pytest.mark.recordings

ROOT: Final = Path(__file__).parents[3]
PLACE: Final = Path(os.environ.get("WATCHKEEPER_RECORDINGS") or ROOT.parent / "shared" / "trajectories")
OCCASION: Final = Occasion(source="live", graded_at=datetime(2026, 3, 3, tzinfo=UTC))


@pytest.mark.parametrize("name", ["tau2_bench", "toolbench_chatgpt", "trail"])
def test_recorded_sessions_are_graded(name: str) -> None:
    path = PLACE / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"{path} is missing: set WATCHKEEPER_RECORDINGS to the folder that holds it")
    sessions = read_recordings([path])[::40]
    graders = build_graders(["groundedness", "tool_use", "policy_findings", "contains:any_of=[the]"])
    counted: Counter[str] = Counter()
    for session in sessions:
        scores = run_graders(graders, session, occasion=OCCASION)
        assert scores == run_graders(graders, session, occasion=OCCASION)
        counted.update(f"{score.grader.partition('@')[0]} {score.result_type}" for score in scores)
        # Where something was cut at its source, what seems unsupported may stand in it: no verdict, and a reason.
        assert all("were not recorded" in one.reason or "missing" in one.reason for one in scores if one.value is None)
        assert set(features_of(session).structure) == set(STRUCTURE)
    assert counted["policy_findings number"] == counted["contains pass"] == len(sessions)
    assert counted["tool_use number"] > 0
    # Of the other two, nearly every session had something cut at its source, or its sources stand in messages.
    assert counted["groundedness number"] > 0 or name != "tau2_bench"
