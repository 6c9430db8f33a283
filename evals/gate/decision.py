"""Whether a candidate may go out: three answers, each of which is wrong seldom and at a stated rate.

- `fall`: it is worse than the baseline, significantly. A candidate that is as good as the baseline gets this answer
  with a chance of about `level` at most, over all measures, intents and criteria together (Holm, weighted).
- `pass`: no fall is significant, and a fall of `margin` is excluded on every whole measure. A candidate that is worse
  by the margin passes with a chance of about `margin_level`, however small the suite.
- `undecided`: neither can be said: too few cases, too noisy, too many failures. It is no pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from watchkeeper.evals.gate.families import Question, adjusted
from watchkeeper.evals.gate.paired import Effect, Pair, effect_of
from watchkeeper.evals.gate.power import cases_needed, visible_fall
from watchkeeper.schemas.errors import ConfigurationError

Outcome = Literal["pass", "fall", "undecided"]
Scope = Literal["whole", "intent", "must_pass", "answers"]
"""`whole`: a grader over all cases. `intent`: over those of one intent. `must_pass`: one criterion that no good session
fails. `answers`: whether the agent answered at all."""

FEWEST_CASES: Final = 20
"""Of fewer, nothing is said to be excluded, whatever the arithmetic gives."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the gate decides.

    Attributes:
        margin: the fall of a whole measure that must be excluded for a pass, 0 to 1.
        level: of all falls together, one-sided.
        margin_level: one-sided, of excluding the margin.
        whole_share: the part of the level that the whole measures have; the rest is for intents, criteria and answers.
        power: the chance with which the smallest visible fall is seen.
        max_failures: the share of cases without a comparison (crashes, time-outs, graders that could not say) above
            which nothing can be said.
        max_broken: how many cases may newly fail one must-pass criterion; None leaves it to the test.
        seed: of what is drawn.
    """

    margin: float = 0.10
    level: float = 0.025
    margin_level: float = 0.05
    whole_share: float = 0.75
    power: float = 0.8
    max_failures: float = 0.05
    max_broken: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuses what no gate can be.

        Raises:
            ConfigurationError: a share outside its range.
        """
        shares = {"margin": self.margin, "level": self.level, "margin level": self.margin_level, "power": self.power}
        for name, share in shares.items():
            if not 0 < share < 1:
                raise ConfigurationError(f"the gate's {name} is a share above 0 and below 1, not {share:g}")
        if not 0 <= self.max_failures < 1:
            raise ConfigurationError(f"the share of failures is at least 0 and below 1, not {self.max_failures:g}")


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is compared.

    Attributes:
        name: the grader's name, or the criterion's.
        intent: of scope `intent`.
        missing: cases that should have been compared and were not.
    """

    name: str
    scope: Scope
    pairs: tuple[Pair, ...]
    intent: str = ""
    missing: int = 0

    @property
    def title(self) -> str:
        """What reports call it."""
        return f"{self.name}, {self.intent or 'no intent'}" if self.scope == "intent" else self.name


@dataclass(frozen=True, slots=True)
class Judged:
    """A measure with what the gate says of it.

    Attributes:
        p: of a fall, adjusted for all that was asked.
        fell: whether the fall is significant.
        visible: the smallest fall that the gate sees here with the settings' power; 1 where it sees none.
    """

    measure: Measure
    effect: Effect
    p: float
    fell: bool
    visible: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate says.

    Attributes:
        reasons: why, one sentence each; of a pass, what it rests on.
        warnings: what to know beside it.
    """

    outcome: Outcome
    judged: tuple[Judged, ...]
    reasons: tuple[str, ...]
    settings: Settings
    warnings: tuple[str, ...] = field(default=())


def decide(measures: Sequence[Measure], settings: Settings) -> Decision:
    """Decides.

    Args:
        measures: those without any pair are told as missing; at least one is of scope `whole`.
        settings: how.

    Raises:
        ConfigurationError: there is no whole measure.
    """
    if not any(measure.scope == "whole" for measure in measures):
        raise ConfigurationError("the gate has nothing to decide by: name a grader that passes, fails or gives values")
    judged = _judged([measure for measure in measures if measure.pairs], settings)
    falls = [*(_fall_told(one) for one in judged if one.fell), *_broken(judged, settings)]
    doubts = _doubts(measures, judged, settings)
    warnings = tuple(_warnings(judged, settings))
    if falls:
        return Decision("fall", judged, tuple(falls), settings, (*warnings, *doubts))
    if doubts:
        return Decision("undecided", judged, tuple(doubts), settings, warnings)
    return Decision("pass", judged, tuple(_grounds(judged, settings)), settings, warnings)


def _judged(measures: Sequence[Measure], settings: Settings) -> tuple[Judged, ...]:
    effects = [effect_of(measure.pairs, margin_level=settings.margin_level, seed=settings.seed) for measure in measures]
    weights = _weights(measures, effects, settings)
    asked = [at for at, weight in enumerate(weights) if weight > 0]
    holm = dict(zip(asked, adjusted([Question(effects[at].p_fall, weights[at]) for at in asked]), strict=True))
    found = []
    for at, (measure, effect) in enumerate(zip(measures, effects, strict=True)):
        p = holm.get(at, 1.0)
        # One that is not asked now would have been one question more.
        share = weights[at] or (1 - settings.whole_share) / (1 + len(asked))
        visible = visible_fall(effect.cases, effect.spread, level=settings.level * share, power=settings.power)
        found.append(Judged(measure, effect, p, fell=p <= settings.level, visible=visible))
    return tuple(found)


def _weights(measures: Sequence[Measure], effects: Sequence[Effect], settings: Settings) -> list[float]:
    """Each question's part of the level.

    What could not be significant whatever the signs of its differences is not asked, and costs the others nothing
    (Tarone 1990): how many cases differ says nothing of which way.
    """
    able = [2.0 ** -(effect.worse + effect.better + 1) <= settings.level for effect in effects]
    whole = [at for at, measure in enumerate(measures) if measure.scope == "whole"]
    parts = [at for at, measure in enumerate(measures) if measure.scope != "whole" and able[at]]
    weights = [0.0] * len(measures)
    for group, share in ((whole, settings.whole_share if parts else 1.0), (parts, 1 - settings.whole_share)):
        for at in group:
            weights[at] = share / len(group)
    return weights


def _fall_told(one: Judged) -> str:
    effect, measure = one.effect, one.measure
    what = {"answers": "it answers less often", "must_pass": f"it fails {measure.name} more often"}.get(
        measure.scope, f"{measure.title} fell"
    )
    return (
        f"{what}: {points(effect.difference)} points on {effect.cases} cases "
        f"(95 % interval {points(effect.lower)} to {points(effect.upper)}, p = {one.p:.2g} after Holm)"
    )


def _broken(judged: Sequence[Judged], settings: Settings) -> list[str]:
    if settings.max_broken is None:
        return []
    return [
        f"{one.measure.name} must be passed, and is newly failed in {one.effect.worse} cases; "
        f"at most {settings.max_broken} may"
        for one in judged
        if one.measure.scope == "must_pass" and one.effect.worse > settings.max_broken and not one.fell
    ]


def _doubts(measures: Sequence[Measure], judged: Sequence[Judged], settings: Settings) -> list[str]:
    found = []
    for measure in measures:
        everything = len(measure.pairs) + measure.missing
        if measure.scope != "whole" or not everything:
            continue
        if measure.missing > settings.max_failures * everything:
            found.append(
                f"{measure.name} could not be compared on {measure.missing} of {everything} cases (failures), more "
                f"than {settings.max_failures:.0%}: mend what fails, or allow it by --max-failures"
            )
        if len(measure.pairs) < FEWEST_CASES:
            found.append(
                f"{measure.name} was compared on {len(measure.pairs)} cases: at least {FEWEST_CASES} are needed"
            )
    found.extend(
        _unexcluded(one, settings)
        for one in judged
        if one.measure.scope == "whole" and one.effect.floor <= -settings.margin and not one.fell
    )
    return found


def _unexcluded(one: Judged, settings: Settings) -> str:
    needed = cases_needed(settings.margin, one.effect.spread, level=settings.margin_level, power=settings.power)
    more = f"some {needed} cases would do" if needed > one.effect.cases else "repeat the cases (--repeats)"
    return (
        f"a fall of {one.measure.name} by {points(settings.margin)} points is not excluded: it may be "
        f"{points(-one.effect.floor)} ({one.effect.cases} cases; {more})"
    )


def _warnings(judged: Sequence[Judged], settings: Settings) -> list[str]:
    return [
        f"the suite is too small to see a fall of {one.measure.name} by {points(settings.margin)} points: "
        f"on {one.effect.cases} cases it sees {points(one.visible)} points with a chance of {settings.power:.0%}"
        for one in judged
        if one.measure.scope == "whole" and one.visible > settings.margin
    ]


def _grounds(judged: Sequence[Judged], settings: Settings) -> list[str]:
    return [
        f"{one.measure.name}: no significant fall, and one by {points(settings.margin)} points is excluded "
        f"(at most {points(max(0.0, -one.effect.floor))}, at {1 - settings.margin_level:.0%})"
        for one in judged
        if one.measure.scope == "whole"
    ]


def points(share: float) -> str:
    """A difference of shares in points of a hundred: `-4.3`."""
    return f"{100 * share:.1f}"
