"""Small errors that compound over the steps of a workflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from scorecard.cases import STEPS, Case
from scorecard.desk import Desk
from scorecard.model import NOTHING, ModeCard, NearMiss, Recipe, Sought
from scorecard.stage import HOUR_US, Act, Stage

Slips = Mapping[str, Mapping[str, Any]]


def _policy(stage: Stage, case: Case, **rule: Any) -> dict[str, Any] | None:
    """Half of the agents declare what must agree with its source; a checkpoint tells its source either way."""
    if not rule and stage.rng.random() < 0.5:
        return None
    return {"checkpoints": [{"step": "*", "values": list(case.values), **rule}]}


def _told(case: Case, step: str, changed: Slips = NOTHING, *, with_source: bool = True) -> Act:
    def act(desk: Desk) -> None:
        case.tell(desk, step, changed, with_source=with_source)

    return act


def _misread(stage: Stage) -> Sought:
    """At one of the steps the agent holds a slightly different value than its source."""
    case = Case(stage.rng)
    name = stage.rng.choice(list(case.values))
    steps = case.steps()
    wrong_at = stage.rng.choice(steps)
    slip = {name: {"value": case.slip(case.values[name])}}
    desk = stage.open(stage.ground(), policy=_policy(stage, case))
    stage.perform(desk, *(_told(case, step, slip if step == wrong_at else NOTHING) for step in steps))
    return stage.sought(desk, kind="value_mismatch", value=name, step=wrong_at)


def _changed_on_the_way(stage: Stage) -> Sought:
    """A value is carried through the prompt without its source's own, and from some step on it is another."""
    case = Case(stage.rng)
    name = stage.rng.choice(list(case.values))
    steps = case.steps()
    turn = stage.rng.randrange(1, len(steps))
    slip = {name: {"value": case.slip(case.values[name])}}
    desk = stage.open(stage.ground(), policy=_policy(stage, case))
    told = [_told(case, step, slip if at >= turn else NOTHING, with_source=False) for at, step in enumerate(steps)]
    stage.perform(desk, *told)
    return stage.sought(desk, kind="value_changed", value=name, step=steps[turn])


def _left_behind(stage: Stage) -> Sought:
    """The source has moved on, as the agent saw; at a later step it still works by the value of the old version."""
    case = Case(stage.rng)
    name = stage.rng.choice(list(case.values))
    old = case.held(name, with_source=False)
    steps = case.steps(3)

    def renewed(desk: Desk) -> None:
        case.renew(case.sources[name])
        case.values[name] = case.slip(case.values[name])
        case.tell(desk, steps[1])

    desk = stage.open(stage.ground(), policy=_policy(stage, case))
    stage.perform(desk, _told(case, steps[0]), renewed, lambda desk: _hold(desk, steps[2], name, old))
    return stage.sought(desk, kind="stale_source", value=name, step=steps[2])


def _hold(desk: Desk, step: str, name: str, held: dict[str, Any]) -> None:
    desk.session.step = step
    desk.session.checkpoint({name: held})
    desk.session.step = ""


def _moved_under_it(stage: Stage) -> Sought:
    """Somebody changes the source between two steps, and the agent goes on with what it read first."""
    case = Case(stage.rng)
    name = stage.rng.choice(list(case.values))
    read = case.values[name]
    steps = case.steps()

    def later(desk: Desk) -> None:
        case.renew(case.sources[name])
        case.values[name] = case.slip(read)
        case.tell(desk, steps[1], {name: {"value": read}})

    desk = stage.open(stage.ground(), policy=_policy(stage, case))
    stage.perform(desk, _told(case, steps[0]), later)
    return stage.sought(desk, value=name, step=steps[1])


def _small_steps(stage: Stage) -> Sought:
    """Each step rounds a little; at the last, the sum of it is more than the policy forgives."""
    case = Case(stage.rng)
    name = case.of_type(float)
    steps = case.steps(4)
    tolerance = stage.rng.choice((0.005, 0.01, 0.02))
    way = stage.rng.choice((-1, 1))
    told: list[Act] = []
    for at, step in enumerate(steps):
        share = 1 + way * tolerance * 1.4 * at / (len(steps) - 1)
        told.append(_told(case, step, {name: {"value": round(case.values[name] * share, 2)}}))
    desk = stage.open(stage.ground(), policy=_policy(stage, case, tolerance=tolerance))
    stage.perform(desk, *told)
    return stage.sought(desk, kind="value_mismatch", value=name)


def _weak_workflow(stage: Stage) -> Sought:
    """Every step is right in most sessions, and the workflow as a whole in few: by many sessions, none far off."""
    rng = stage.rng
    kind = Case(rng).workflow
    job = stage.job()
    policy = {"objectives": [{"rate": "workflow_accuracy", "target": rng.choice((0.85, 0.9, 0.95)), "window_days": 7}]}
    wrong = rng.uniform(0.16, 0.3)
    steps = Case(rng).steps(4)
    for number in range(rng.randrange(50, 70)):
        case = Case(rng, kind)
        desk = stage.open(job, policy=policy, at_us=stage.start_us + number * HOUR_US // 2, workflow=kind)
        desk.user(f"{kind} {number + 1}")
        for step in steps:
            name = rng.choice(list(case.values))
            slip = {name: {"value": case.slip(case.values[name])}} if rng.random() < wrong else {}
            case.tell(desk, step, slip)
        desk.say("Done.")
        desk.end()
    return Sought(subject=":", evidence={"kind": "workflow_accuracy", "workflow": kind})


def _right_all_along(stage: Stage) -> None:
    """All values agree at all steps, some of them told twice."""
    case = Case(stage.rng)
    steps = [step for step in STEPS for _ in range(stage.rng.choice((1, 1, 2)))]
    desk = stage.open(stage.job(), policy=_policy(stage, case))
    stage.perform(desk, *(_told(case, step) for step in steps))


def _rounded(stage: Stage) -> None:
    """An amount is rounded, by less than the policy forgives."""
    case = Case(stage.rng)
    name = case.of_type(float)
    about = {name: {"value": round(case.values[name] * stage.rng.uniform(0.992, 1.008), 2)}}
    desk = stage.open(stage.job(), policy=_policy(stage, case, tolerance=0.01))
    stage.perform(desk, _told(case, "extract"), _told(case, "pay", about))


def _same_in_another_type(stage: Stage) -> None:
    """The source is a form of texts: "480.50" there is 480.5 here, and a whole amount has no decimals."""
    case = Case(stage.rng)
    name = case.of_type(float, int)
    if stage.rng.random() < 0.5:
        case.values[name] = float(round(case.values[name]))
    value = case.values[name]
    forms = (f"{value:.2f}", f"{value:,.2f}", str(value), int(value) if value == int(value) else value)
    desk = stage.open(stage.job(), policy=_policy(stage, case))
    told = [_told(case, step, {name: {"source_value": stage.rng.choice(forms)}}) for step in case.steps()]
    stage.perform(desk, *told)


def _follows_its_source(stage: Stage) -> None:
    """The source changes, by a new version, and the agent reads it again: the value changes with it."""
    case = Case(stage.rng)
    name = stage.rng.choice(list(case.values))
    steps = case.steps(3)

    def renewed(desk: Desk) -> None:
        case.renew(case.sources[name])
        case.values[name] = case.slip(case.values[name])
        case.tell(desk, steps[1])

    desk = stage.open(stage.job(), policy=_policy(stage, case))
    stage.perform(desk, _told(case, steps[0]), renewed, _told(case, steps[2]))


def _put_right_by_the_user(stage: Stage) -> None:
    """The user says that the form is wrong; from then on the value is the user's, and says so."""
    case = Case(stage.rng)
    name = stage.rng.choice(list(case.values))
    steps = case.steps(3)

    def corrected(desk: Desk) -> None:
        case.values[name] = case.slip(case.values[name])
        desk.user(f"Sorry, the {name.replace('_', ' ')} should be {case.values[name]}.")
        desk.say("Thank you, I have put it right.")
        case.sources[name] = "user"
        case.versions["user"] = "turn 2"
        case.tell(desk, steps[1])

    desk = stage.open(stage.job(), policy=_policy(stage, case))
    stage.perform(desk, _told(case, steps[0]), corrected, _told(case, steps[2]))


def _derived(stage: Stage) -> None:
    """A later step holds what it computed from a value, under a name of its own."""
    case = Case(stage.rng)
    name = case.of_type(float)
    after = round(case.values[name] * stage.rng.uniform(0.5, 0.9), 2)
    desk = stage.open(stage.job(), policy=_policy(stage, case))

    def derive(desk: Desk) -> None:
        case.values[f"{name}_payable"] = after
        case.sources[f"{name}_payable"] = "tariff"
        case.versions["tariff"] = "2026"
        case.tell(desk, "pay")

    stage.perform(desk, _told(case, "extract"), derive)


CARD: Final = ModeCard(
    mode="context_drift",
    recipes=(
        Recipe("misread", "Holds another value than its source.", _misread, recorded=True),
        Recipe("changed-on-the-way", "A value changes between two steps.", _changed_on_the_way, recorded=True),
        Recipe("left-behind", "Works by an old version, having seen the new one.", _left_behind, recorded=True),
        Recipe(
            "moved-under-it", "Goes on with what it read before the source changed.", _moved_under_it, recorded=True
        ),
        Recipe("small-steps", "Rounds a little at each step.", _small_steps, recorded=True),
        Recipe("weak-workflow", "Many sessions, each step mostly right, the whole seldom.", _weak_workflow),
    ),
    near_misses=(
        NearMiss("right-all-along", "All values agree at all steps.", _right_all_along),
        NearMiss("rounded", "Rounded by less than the policy forgives.", _rounded),
        NearMiss("same-in-another-type", "The same number, as text and as number.", _same_in_another_type),
        NearMiss("follows-its-source", "The source changed, and the value with it.", _follows_its_source),
        NearMiss("put-right-by-the-user", "The user corrects a value.", _put_right_by_the_user),
        NearMiss("derived", "A computed value, under a name of its own.", _derived),
    ),
)
