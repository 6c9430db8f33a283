"""A comparison of texts as a score: what the worker makes a finding of (`input_drift`)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from watchkeeper.evals.input_drift.prompts import PromptDrift
from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.scores import INPUTS_GRADER, CriterionScore, Score, score_id_of, subject_of_scores

VERSION: Final = 1
"""Grows whenever the same texts may be judged differently."""


def score_of(
    found: PromptDrift,
    *,
    tenant_id: str,
    origin: Origin,
    agent_id: str,
    window: str,
    ended_at: datetime,
    graded_at: datetime,
) -> Score:
    """The score of a window of sessions; compared again, it is the same score.

    Args:
        found: what the comparison says.
        tenant_id: whose agent.
        origin: of the sessions.
        agent_id: the agent.
        window: what people call the window, with its days: `2026-02-01 to 2026-02-07`.
        ended_at: when its last session ended, UTC.
        graded_at: now, UTC.
    """
    grader = f"{INPUTS_GRADER}@{VERSION}"
    subject = subject_of_scores(tenant_id, origin, agent_id)
    alike = not found.is_alarm
    return Score(
        # Of the window and its agent: another agent's window has the same name.
        score_id=score_id_of(tenant_id=tenant_id, source="live", session_id=f"{subject}/{window}", grader=grader),
        subject=subject,
        tenant_id=tenant_id,
        origin=origin,
        source="live",
        session_id=window,
        agent_id=agent_id,
        grader=grader,
        result_type="pass",
        passed=alike,
        value=float(alike),
        label=f"p {found.p:.2g}, AUC {found.auc:.2f}: {found.window} texts against {found.reference}",
        criteria=tuple(
            CriterionScore(name=term.term[:256], value=term.after, note=f"{term.before:.3f} before")
            for term in found.terms
        ),
        occurred_at=ended_at,
        graded_at=graded_at,
    )
