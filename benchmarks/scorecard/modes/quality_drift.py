"""Agents whose sessions are no longer as good as they were."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from scorecard.model import ModeCard, NearMiss, Recipe, Sought
from scorecard.seasons import Season, Time
from scorecard.stage import Stage

BEFORE: Final = 130
AFTER: Final = 130
PLANTS: Final = 30
"""A plant is some 260 sessions."""


def _season(stage: Stage, *online: str, **told: Any) -> Season:
    """An agent that is watched in one way, by the promise that holds by default: a false alarm in 2,000 sessions."""
    rules: dict[str, Any] = {"online": list(online), "inputs": [], "baseline": 110, "baseline_days": 2}
    looks = bool({"tool_errors", "escalations"} & set(online))
    return Season(stage, minutes=stage.rng.uniform(28, 60), looks=looks, **{**rules, **told})


def _fewer_are_content(stage: Stage) -> Sought:
    """One user of twenty was not content; now every second one is not."""
    season = _season(stage, "feedback")
    season.work(BEFORE, Time(unhappy=stage.rng.uniform(0.02, 0.1)), feedback=True)
    season.work(AFTER, Time(unhappy=stage.rng.uniform(0.4, 0.7)), feedback=True)
    return stage.sought_of(season.name, kind="drifted_scores", stream="feedback")


def _tools_fail(stage: Stage) -> Sought:
    """With another version of the prompt its tool fails for some intents, and the model makes something of it."""
    season = _season(stage, "tool_errors")
    usual = Time(failing=stage.rng.uniform(0.01, 0.06))
    season.work(BEFORE, usual)
    only = tuple(stage.rng.sample(sorted(season.intents), 3))
    season.work(
        AFTER, replace(usual, failing=stage.rng.uniform(0.6, 0.9), only=only, options={"prompt_version": "p-2"})
    )
    return stage.sought_of(season.name, kind="drifted_scores", stream="tool_errors")


def _declines_more(stage: Stage) -> Sought:
    """It declines what it used to answer: a safeguard was sharpened."""
    season = _season(stage, "abstentions")
    season.work(BEFORE, Time(declining=stage.rng.uniform(0.01, 0.08)))
    season.work(AFTER, Time(declining=stage.rng.uniform(0.35, 0.6)))
    return stage.sought_of(season.name, kind="drifted_scores", stream="abstentions")


def _hands_over_more(stage: Stage) -> Sought:
    """It hands case after case to people."""
    season = _season(stage, "escalations")
    season.work(BEFORE, Time(handing=stage.rng.uniform(0.02, 0.1)))
    season.work(AFTER, Time(handing=stage.rng.uniform(0.4, 0.7)))
    return stage.sought_of(season.name, kind="drifted_scores", stream="escalations")


def _graded_worse(stage: Stage) -> Sought:
    """A grader finds its sessions worse from one day to the next."""
    season = _season(stage)
    mean = stage.rng.uniform(0.75, 0.9)
    season.work(BEFORE, Time(poor=mean), graded=True)
    season.work(AFTER, Time(poor=mean - stage.rng.uniform(0.25, 0.4)), graded=True)
    return stage.sought_of(season.name, kind="drifted_scores", stream="helpful@1")


def _graded_a_little_worse_each_day(stage: Stage) -> Sought:
    """A grader finds its sessions a little worse each day; no day is much worse than the one before."""
    season = _season(stage)
    mean, fall = stage.rng.uniform(0.8, 0.9), stage.rng.uniform(0.35, 0.5)
    season.work(BEFORE, Time(poor=mean), graded=True)
    for part in range(10):
        season.work(AFTER // 8, Time(poor=mean - fall * (part + 1) / 10), graded=True)
    return stage.sought_of(season.name, kind="drifted_scores", stream="helpful@1")


def _noisy_and_stable(stage: Stage) -> None:
    """A quarter of all users is never content, and it stays a quarter."""
    usual = Time(unhappy=stage.rng.uniform(0.2, 0.35), failing=0.1)
    _season(stage, "feedback", "tool_errors").work(BEFORE + AFTER, usual, feedback=True)


def _a_bad_day(stage: Stage) -> None:
    """On one afternoon more goes wrong than on others, and then all is as usual."""
    season = _season(stage, "feedback")
    usual = Time(unhappy=stage.rng.uniform(0.08, 0.15))
    season.work(BEFORE, usual, feedback=True)
    season.work(12, Time(unhappy=0.3), feedback=True)
    season.work(AFTER - 12, usual, feedback=True)


def _becomes_better(stage: Stage) -> None:
    """A release makes it better; the grader says so too."""
    season = _season(stage, "feedback")
    mean = stage.rng.uniform(0.5, 0.6)
    season.work(BEFORE, Time(unhappy=0.3, poor=mean), feedback=True, graded=True)
    season.work(AFTER, Time(unhappy=0.05, poor=mean + 0.3), feedback=True, graded=True)


def _harder_ones_come(stage: Stage) -> None:
    """What always went less well is asked for more often; nothing is served worse than before."""
    season = _season(stage, "feedback")
    hard = stage.any_of(sorted(season.intents))
    usual = Time(unhappy=0.5, only=(hard,), intents={hard: 1.5})
    season.work(BEFORE + 30, usual, feedback=True)
    season.work(AFTER, replace(usual, intents={hard: 7.0}), feedback=True)


CARD: Final = ModeCard(
    mode="quality_drift",
    recipes=(
        Recipe("fewer-are-content", "Every second user is no longer content.", _fewer_are_content),
        Recipe("tools-fail", "With another prompt its tool fails for some intents.", _tools_fail),
        Recipe("declines-more", "Declines what it used to answer.", _declines_more),
        Recipe("hands-over-more", "Hands case after case to people.", _hands_over_more),
        Recipe("graded-worse", "A grader finds its sessions worse.", _graded_worse),
        Recipe("a-little-worse-each-day", "The same, little by little.", _graded_a_little_worse_each_day),
    ),
    near_misses=(
        NearMiss("noisy-and-stable", "A quarter of all users is never content.", _noisy_and_stable),
        NearMiss("a-bad-day", "Some hours go worse, and then all is as usual.", _a_bad_day),
        NearMiss("becomes-better", "Becomes better.", _becomes_better),
        NearMiss("harder-ones-come", "What always went less well is asked for more often.", _harder_ones_come),
    ),
    plants=PLANTS,
)
