"""Sessions that spend more than they may, and agents whose sessions together do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from scorecard import spend_histories
from scorecard.desk import Desk
from scorecard.ground import Ground, tool
from scorecard.model import ModeCard, NearMiss, Recipe, Sought
from scorecard.stage import DAY_US, HOUR_US, Stage

TOPICS: Final = ("heat pumps", "delivery times", "tax rules", "train fares", "roof tiles", "school holidays", "bees")
SEARCH: Final = tool("search_sources", "Searches.", ["query"], query="string")
NO_CAPS: Final = {"tool_calls": None, "tokens": None, "wall_clock_seconds": None, "cost_usd": None}
PRICES: Final = {"gpt-4o": (2.5e-6, 10e-6), "gpt-4.1": (2e-6, 8e-6), "gpt-4o-mini": (0.15e-6, 0.6e-6)}
"""US dollars for a token in and out, by the providers' price lists of spring 2026: only the size of plants rests on
them, and every plant goes well beyond its cap."""

BREACH: Final = ("high", "critical")


def _open(stage: Stage, ground: Ground, caps: Mapping[str, Any], **told: Any) -> Desk:
    policy: dict[str, Any] = {"caps": {**NO_CAPS, **caps}}
    if ground.policy is not None:
        policy["tools"] = {SEARCH["name"]: {"effect": "read"}}
    return stage.open(ground, policy=policy, tools=[*(ground.tools or ()), SEARCH], **told)


def _planted(stage: Stage, desk: Desk, act: Callable[[Desk], None], cap: str) -> Sought:
    since: list[int] = []

    def acted(desk: Desk) -> None:
        since.append(desk.now_us)
        act(desk)

    stage.perform(desk, acted)
    return stage.sought(desk, since_us=since[0], severities=BREACH, cap=cap)


def _look_around(desk: Desk, rng: Random, calls: int) -> None:
    """Searches, each for something else."""
    for number in range(calls):
        about = f"{rng.choice(TOPICS)} {rng.randrange(10**5)}"
        desk.use(SEARCH["name"], {"query": about}, f"Result {number}: {rng.choice(TOPICS)} {rng.randrange(10**5)}")


def _too_many_calls(stage: Stage) -> Sought:
    ground = stage.ground()
    used = len(ground.calls) if hasattr(ground, "calls") else 0
    cap = used + stage.rng.randrange(5, 26)
    desk = _open(stage, ground, {"tool_calls": cap})
    return _planted(stage, desk, lambda desk: _look_around(desk, stage.rng, cap + 2), "tool_calls")


def _too_many_tokens(stage: Stage) -> Sought:
    """The context grows with every request and is never cached."""
    cap = stage.rng.randrange(50_000, 200_000, 5000)
    desk = _open(stage, stage.ground(), {"tokens": cap})

    def act(desk: Desk) -> None:
        size, spent = stage.rng.randrange(4000, 12_000), 0
        while spent <= cap:
            request = desk.request(input_tokens=size)
            desk.respond(f"Part about {stage.any_of(TOPICS)}.", request_id=request, output_tokens=600)
            spent += size + 600
            size = round(size * stage.rng.uniform(1.1, 1.4))

    return _planted(stage, desk, act, "tokens")


def _too_long(stage: Stage) -> Sought:
    """Steps that each take a while; nobody looks at the clock."""
    cap = stage.rng.randrange(120, 900, 10)
    desk = _open(stage, stage.ground("support", "coding", "finance", "retrieval"), {"wall_clock_seconds": cap})

    def act(desk: Desk) -> None:
        until_us = desk.now_us + cap * 1_000_000
        while desk.now_us < until_us:
            desk.wait(stage.rng.uniform(10, 60))
            _look_around(desk, stage.rng, 1)

    return _planted(stage, desk, act, "wall_clock_seconds")


def _hangs(stage: Stage) -> Sought:
    """A request to the model never comes back: only silence tells that the time is over."""
    cap = stage.rng.randrange(4, 12)
    job = stage.job("support", "retrieval")
    desk = _open(stage, job, {"wall_clock_seconds": cap})
    job.steps[0](desk)
    desk.clock.set(min(desk.now_us, stage.start_us + 3_000_000))
    desk.request()
    stage.silence_seconds = cap + 4
    return stage.sought(desk, severities=BREACH, cap="wall_clock_seconds")


def _too_dear(stage: Stage) -> Sought:
    """A dear model writes at length, again and again."""
    cap = stage.any_of((0.2, 0.5, 1.0, 2.0, 5.0))
    model = stage.any_of(("gpt-4o", "gpt-4.1"))
    ground = stage.ground()
    desk = _open(stage, ground, {"cost_usd": cap}, model=model, provider="openai")

    def act(desk: Desk) -> None:
        spent = 0.0
        while spent < cap * 1.3:
            spent += _write(desk, stage.rng, model, stage.rng.randrange(8000, 30_000))

    return _planted(stage, desk, act, "cost_usd")


def _write(desk: Desk, rng: Random, model: str, size: int) -> float:
    """One long answer; what it costs."""
    produced = rng.randrange(1000, 4000)
    request = desk.request(input_tokens=size, model=model)
    desk.respond(f"On {rng.choice(TOPICS)}.", request_id=request, output_tokens=produced, model=model)
    into, out = PRICES[model]
    return size * into + produced * out


def _spend(stage: Stage, desk: Desk, usd: float) -> None:
    """A session that spends about so much."""
    desk.user(f"Write about {stage.any_of(TOPICS)}.")
    spent = 0.0
    while spent < usd:
        spent += _write(desk, stage.rng, "gpt-4o", 50_000)
    desk.say("Here it is.", model="gpt-4o")
    desk.end()


def _budget(stage: Stage, name: str, hours: float, *, same_user: bool = False) -> Sought:
    """Sessions of which none is above its cap spend the agent's, or a user's, budget together."""
    budget = stage.any_of((2.0, 4.0, 8.0))
    begin_us = stage.start_us - stage.start_us % DAY_US + 9 * HOUR_US
    sessions = stage.rng.randrange(6, 11)
    user = {"user_id": f"u-{stage.rng.randrange(10**5)}"} if same_user else {}
    desks = []
    for number in range(sessions):
        at_us = begin_us + round(number * hours * HOUR_US / sessions)
        policy = {"caps": {**NO_CAPS, "cost_usd": budget}, "budgets": {name: budget}}
        desk = stage.open(stage.job("support"), policy=policy, at_us=at_us, model="gpt-4o", provider="openai", **user)
        _spend(stage, desk, 1.4 * budget / sessions)
        desks.append(desk)
    per = "hour" if "hour" in name else "day"
    return stage.sought_of(":", severities=BREACH, per=per, whose="user" if same_user else "agent")


def _budget_of_a_day(stage: Stage) -> Sought:
    return _budget(stage, "per_day_usd", 9)


def _budget_of_an_hour(stage: Stage) -> Sought:
    return _budget(stage, "per_hour_usd", 0.8)


def _budget_of_a_user(stage: Stage) -> Sought:
    return _budget(stage, "per_user_day_usd", 8, same_user=True)


def _budget_of_a_tenant(stage: Stage) -> Sought:
    """Two agents, of which neither spends much, together spend the day's budget of their tenant."""
    budget = stage.any_of((6.0, 10.0, 15.0))
    begin_us = stage.start_us - stage.start_us % DAY_US + 8 * HOUR_US
    policy = {"caps": {**NO_CAPS, "cost_usd": budget}, "budgets": {"per_tenant_day_usd": budget}}
    sessions = stage.rng.randrange(6, 11)
    names = [f"{kind}-{stage.rng.randrange(10**6)}" for kind in ("drafter", "checker")]
    for number in range(sessions):
        at_us = begin_us + round(number * 9 * HOUR_US / sessions)
        job = stage.job("support")
        desk = stage.open(job, policy=policy, agent=names[number % 2], at_us=at_us, model="gpt-4o", provider="openai")
        _spend(stage, desk, 1.4 * budget / sessions)
    return stage.sought_of(":", severities=BREACH, per="day", whose="tenant")


def _below_the_caps(stage: Stage) -> None:
    """Three quarters of the calls, and of the tokens, that the agent may use."""
    calls = stage.rng.randrange(8, 25)
    desk = _open(stage, stage.job("retrieval"), {"tool_calls": calls, "tokens": 150_000})
    wanted = max(1, int(calls * 0.75) - 3)

    def act(desk: Desk) -> None:
        name = desk.tool_names[0]
        for _ in range(wanted):
            topic = f"{stage.any_of(TOPICS)} {stage.rng.randrange(10**4)}"
            desk.use(name, {"query": topic}, [{"id": f"d-{stage.rng.randrange(10**5)}", "text": topic}])

    stage.perform(desk, act)


def _cached(stage: Stage) -> None:
    """A long context is sent again and again, out of the cache: the same work is not done again."""
    desk = _open(stage, stage.job("support"), {"tokens": 60_000})

    def act(desk: Desk) -> None:
        for _ in range(stage.rng.randrange(6, 14)):
            usage = {"input_tokens": 20_500, "output_tokens": 150, "cache_read_input_tokens": 20_000}
            desk.respond("A thought.", request_id=desk.request(), answer=False, usage=usage)

    stage.perform(desk, act)


def _patient(stage: Stage) -> None:
    """A person takes an hour to approve; the agent has no cap on time, since it waits for people."""
    desk = _open(stage, stage.job("finance"), {"tool_calls": 20})

    def act(desk: Desk) -> None:
        approval = desk.session.approval("requested", action="look at the invoice", approver="clerk")
        desk.wait(stage.rng.uniform(1200, 1700))
        desk.session.approval("granted", action="look at the invoice", approver="clerk", approval_id=approval)

    stage.perform(desk, act)


def _half_a_budget(stage: Stage) -> None:
    """Less than half of a day's budget, evenly, on each of two days."""
    budget, sessions = stage.any_of((6.0, 9.0)), stage.rng.randrange(4, 7)
    begin_us = stage.start_us - stage.start_us % DAY_US + 8 * HOUR_US
    name = f"writer-{stage.rng.randrange(10**9)}"
    for number in range(2 * sessions):
        day, place = divmod(number, sessions)
        at_us = begin_us + day * DAY_US + place * 2 * HOUR_US
        policy = {"caps": {**NO_CAPS, "cost_usd": budget}, "budgets": {"per_day_usd": budget}}
        desk = stage.open(
            stage.job("support"), policy=policy, agent=name, at_us=at_us, model="gpt-4o", provider="openai"
        )
        _spend(stage, desk, 0.3 * budget / sessions)


def _thinks_long(stage: Stage) -> None:
    """A step takes half of the time that the session has."""
    desk = _open(stage, stage.job("support"), {"wall_clock_seconds": 600})
    stage.perform(desk, lambda desk: desk.wait(stage.rng.uniform(60, 100)))


CARD: Final = ModeCard(
    mode="cost_runaway",
    recipes=(
        Recipe("too-many-calls", "Makes more calls than it may.", _too_many_calls, recorded=True),
        Recipe("too-many-tokens", "Sends a context that grows and grows.", _too_many_tokens, recorded=True),
        Recipe("too-long", "Takes more time than it has.", _too_long, recorded=True),
        Recipe("hangs", "Waits for a model that never answers.", _hangs),
        Recipe("too-dear", "Spends more than its cap in dollars.", _too_dear, recorded=True),
        Recipe("budget-of-a-day", "Its sessions together spend more than a day's budget.", _budget_of_a_day),
        Recipe("budget-of-an-hour", "The same of an hour's budget.", _budget_of_an_hour),
        Recipe("budget-of-a-user", "One user's sessions spend more than a user may.", _budget_of_a_user),
        Recipe("budget-of-a-tenant", "Two agents together spend what their tenant has for a day.", _budget_of_a_tenant),
        *spend_histories.RECIPES,
    ),
    near_misses=(
        NearMiss("below-the-caps", "Uses three quarters of what it may.", _below_the_caps),
        NearMiss("cached", "Sends a long context out of the cache.", _cached),
        NearMiss("patient", "Waits long for a person, with no cap on time.", _patient),
        NearMiss("half-a-budget", "Spends a third of its budget on each of two days.", _half_a_budget),
        NearMiss("thinks-long", "Takes its time, within what it has.", _thinks_long),
        *spend_histories.NEAR_MISSES,
    ),
)
