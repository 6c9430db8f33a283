"""Agents that are asked for other things than before, or of whose sessions less is told."""

from __future__ import annotations

from typing import Any, Final

from scorecard.model import ModeCard, NearMiss, Recipe, Sought
from scorecard.seasons import Season, Time
from scorecard.stage import Stage

BEFORE: Final = 130
AFTER: Final = 130
PLANTS: Final = 30
"""A plant is some 260 sessions."""


def _season(stage: Stage, *inputs: str, minutes: float = 0.0, **told: Any) -> Season:
    """An agent that is watched in one way. All of it happens from Monday to Friday, unless it is told otherwise."""
    rules: dict[str, Any] = {"online": [], "inputs": list(inputs), "baseline": 110, "baseline_days": 1}
    looks = bool({"tools", "data"} & set(inputs))
    return Season(stage, minutes=minutes or stage.rng.uniform(15, 22), looks=looks, **{**rules, **told})


def _asked_for_something_new(stage: Stage) -> Sought:
    """People begin to ask for something that nobody asked for before: a fifth of them, or a third."""
    season = _season(stage, "intents")
    season.work(BEFORE, Time())
    new = stage.any_of(("visa", "strike", "recall", "voucher"))
    season.work(AFTER, Time(intents={new: sum(season.intents.values()) * stage.rng.uniform(0.3, 0.6)}))
    return stage.sought_of(season.name, kind="shifted_mix", what="intents")


def _nearly_all_ask_for_one_thing(stage: Stage) -> Sought:
    """Nearly everybody asks for one of the things that a few used to ask for."""
    season = _season(stage, "intents")
    season.work(BEFORE, Time())
    one = stage.any_of(sorted(season.intents))
    season.work(AFTER, Time(intents={one: sum(season.intents.values()) * stage.rng.uniform(1.5, 4)}))
    return stage.sought_of(season.name, kind="shifted_mix", what="intents")


def _another_tool(stage: Stage) -> Sought:
    """It searches where it used to look up."""
    season = _season(stage, "tools")
    season.work(BEFORE, Time(searching=stage.rng.uniform(0.1, 0.25)))
    season.work(AFTER, Time(searching=stage.rng.uniform(0.7, 0.95)))
    return stage.sought_of(season.name, kind="shifted_mix", what="tools")


def _versions_untold(stage: Stage) -> Sought:
    """A release of the runtime no longer tells which version of the prompt it runs, in half of all sessions or more."""
    season = _season(stage, "data")
    season.work(BEFORE, Time())
    share = stage.rng.uniform(0.5, 1.0)
    for _ in range(AFTER):
        options = {} if stage.rng.random() < share else {"prompt_version": "p-1"}
        season.work(1, Time(options=options))
    return stage.sought_of(season.name, kind="shifted_data")


def _unreadable_arguments(stage: Stage) -> Sought:
    """A model begins to write arguments that are no JSON."""
    season = _season(stage, "data")
    season.work(BEFORE, Time())
    season.work(AFTER, Time(malformed=stage.rng.uniform(0.35, 0.7)))
    return stage.sought_of(season.name, kind="shifted_data")


def _by_chance(stage: Stage) -> None:
    """Intents and tools come and go by chance; their shares stay."""
    _season(stage, "intents", "tools").work(BEFORE + AFTER, Time(searching=stage.rng.uniform(0.3, 0.5)))


def _the_week_as_ever(stage: Stage) -> None:
    """On weekends people ask for other things, as on the weekend before."""
    season = _season(stage, "intents", minutes=48.0, baseline=100)
    one = stage.any_of(sorted(season.intents))
    for _ in range(14 * 24 * 60 // 48):
        season.work(1, Time(intents={one: 40.0}) if season.is_weekend() else Time())


def _a_few_odd_ones(stage: Stage) -> None:
    """A handful of people ask for something new, and then nobody does."""
    season = _season(stage, "intents")
    season.work(BEFORE, Time())
    season.work(7, Time(intents={"visa": 4.0}))
    season.work(AFTER - 7, Time())


def _never_told(stage: Stage) -> None:
    """A runtime that never tells the prompt's version goes on not to."""
    _season(stage, "data").work(BEFORE + AFTER, Time(options={}))


CARD: Final = ModeCard(
    mode="input_drift",
    recipes=(
        Recipe("something-new", "Is asked for something that nobody asked for before.", _asked_for_something_new),
        Recipe("nearly-all-the-same", "Nearly everybody asks for one thing.", _nearly_all_ask_for_one_thing),
        Recipe("another-tool", "Uses another tool than it used to.", _another_tool),
        Recipe("versions-untold", "Does not tell any more which prompt it runs.", _versions_untold),
        Recipe("unreadable-arguments", "Begins to write arguments that are no JSON.", _unreadable_arguments),
    ),
    near_misses=(
        NearMiss("by-chance", "Intents and tools come and go by chance.", _by_chance),
        NearMiss("the-week-as-ever", "Weekends differ, as they always did.", _the_week_as_ever),
        NearMiss("a-few-odd-ones", "A handful ask for something new, and then nobody.", _a_few_odd_ones),
        NearMiss("never-told", "Never told its prompt's version.", _never_told),
    ),
    plants=PLANTS,
)
