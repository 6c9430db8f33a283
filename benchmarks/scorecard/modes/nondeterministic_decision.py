"""Equal facts, decided differently."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.ground import Ground
from scorecard.matters import MATTERS, Matter
from scorecard.model import ModeCard, NearMiss, Recipe, Sought
from scorecard.stage import DAY_US, HOUR_US, MINUTE_US, Stage

ASKS: Final = (
    "The next one, please.",
    "Please decide this case.",
    "Here is another one.",
    "And this?",
    "One more case.",
)
ANSWERS: Final = ("Decided.", "It is decided, and noted.", "Done.", "That case is closed.")


class Bench:
    """An agent that decides one matter in many sessions, all under one policy.

    Args:
        stage: where.
        ground: what the agent does in its first session; in the others it only decides.
        policy: sections beside the facts.
    """

    def __init__(self, stage: Stage, ground: Ground, matter: Matter | None = None, **policy: Any) -> None:
        self.stage = stage
        self.matter: Matter = matter or stage.any_of(MATTERS)
        self.facts = self.matter.facts(stage.rng)
        self.policy: dict[str, Any] = {"facts": self.matter.declared(), **policy}
        self.desks: list[Desk] = []
        self._ground = ground
        self._free_us = stage.start_us

    def sit(self, *acts: Callable[[Desk], None], **told: Any) -> Desk:
        """A session in which these are done, minutes to days after the one before."""
        rng = self.stage.rng
        told.setdefault("policy", self.policy)
        desk = self.stage.open(self._ground, at_us=self._free_us, **told)
        if self.desks:
            desk.user(rng.choice(ASKS))
            for act in acts:
                act(desk)
            desk.say(rng.choice(ANSWERS))
            desk.end()
        else:
            self.stage.perform(desk, *acts)
        self.desks.append(desk)
        unit = rng.choice((MINUTE_US, HOUR_US, DAY_US))
        self._free_us = desk.now_us + unit * rng.randrange(1, 4) + rng.randrange(1, MINUTE_US)
        return desk

    def again(self, **changes: Any) -> dict[str, Any]:
        """The same case under another key, its facts in another order."""
        told = {**self.facts, self.matter.key: f"{self.stage.rng.randrange(10**9):09}", **changes}
        names = list(told)
        self.stage.rng.shuffle(names)
        return {name: told[name] for name in names}

    @property
    def right(self) -> str:
        """What the rule says of the case."""
        return self.matter.outcome(self.facts, "1")

    @property
    def wrong(self) -> str:
        """Something else."""
        return self.matter.other(self.right, self.stage.rng)

    def sought(self) -> Sought:
        """A finding about this decision, by its sessions or by its subject."""
        sessions = tuple(desk.session_id for desk in self.desks)
        return Sought(sessions=sessions, subject="facts:", evidence={"decision": self.matter.decision})


def _two_sessions(stage: Stage) -> Sought:
    """The same case comes twice, and is decided one way and then the other."""
    bench = Bench(stage, stage.ground())
    bench.sit(bench.matter.deciding(bench.facts, bench.right))
    bench.sit(bench.matter.deciding(bench.again(), bench.wrong))
    return bench.sought()


def _within_a_session(stage: Stage) -> Sought:
    """Asked again in the same session, the agent changes its mind and calls it another decision."""
    bench = Bench(stage, stage.ground())
    other = bench.matter.deciding(bench.again(), bench.wrong)
    bench.sit(bench.matter.deciding(bench.facts, bench.right), other)
    return bench.sought()


def _one_among_many(stage: Stage) -> Sought:
    """Many equal cases are decided alike, and one is not."""
    bench = Bench(stage, stage.ground())
    alike = stage.rng.randrange(2, 8)
    odd = stage.rng.randrange(alike + 1)
    for number in range(alike + 1):
        bench.sit(bench.matter.deciding(bench.again(), bench.wrong if number == odd else bench.right))
    return bench.sought()


def _in_another_spelling(stage: Stage) -> Sought:
    """The same facts, spelled otherwise: amounts as text, lists in another order, 5.0 for 5."""
    rng = stage.rng
    matter: Matter = rng.choice([one for one in MATTERS if one.of_types("number")])
    spelled = {name: {"normalize": ["money"]} for name in matter.of_types("number")}
    bench = Bench(stage, stage.ground(), matter, facts=matter.declared(**spelled))
    told: dict[str, Any] = {name: f"${bench.facts[name]:,.3f}" for name in matter.of_types("number")}
    told |= {name: float(bench.facts[name]) for name in matter.of_types("integer")}
    told |= {name: list(reversed(bench.facts[name])) for name in matter.of_types("list")}
    bench.sit(matter.deciding(bench.facts, bench.right))
    bench.sit(matter.deciding(bench.again(**told), bench.wrong))
    return bench.sought()


def _another_amount(stage: Stage) -> Sought:
    """What is decided is an amount, and the second is not the first."""
    rng = stage.rng
    bench = Bench(stage, stage.ground())
    amount = round(rng.uniform(5, 900), 2)
    more = round(amount + rng.choice((-1, 1)) * rng.uniform(0.5, amount / 2), 2)
    for paid in (amount, more):
        outcome: Mapping[str, Any] = {"granted": True, "amount": paid, "currency": "EUR"}
        bench.sit(bench.matter.deciding(bench.again(), outcome))
    return bench.sought()


def _without_rules(stage: Stage) -> Sought:
    """The agent names no rule; all that it looks at is declared."""
    bench = Bench(stage, stage.ground())
    for outcome in (bench.right, bench.wrong):
        bench.sit(bench.matter.deciding(bench.again(), outcome, rules=()))
    return bench.sought()


def _a_cent_apart(stage: Stage) -> None:
    """The facts differ, if only by a cent or a month: the rule may decide otherwise, and does."""
    matter: Matter = stage.rng.choice([one for one in MATTERS if one.of_types("number")])
    bench = Bench(stage, stage.job(), matter)
    name = stage.rng.choice(matter.of_types("number"))
    bench.sit(matter.deciding(bench.facts))
    for step in range(1, 5):
        facts = bench.again(**{name: round(bench.facts[name] * 0.9 + step / 100, 2)})
        bench.sit(matter.deciding(facts))


def _new_version(stage: Stage) -> None:
    """The rule was changed, and says so by its version: the same case is decided otherwise."""
    bench = Bench(stage, stage.job())
    for version in ("1", "2", "3"):
        bench.sit(bench.matter.deciding(bench.again(), version=version))


def _corrected(stage: Stage) -> None:
    """A decision that was wrong is corrected under its own id."""
    bench = Bench(stage, stage.job())

    def act(desk: Desk) -> None:
        made = bench.matter.decide(desk, bench.facts, bench.wrong)
        desk.wait(stage.rng.uniform(1, 60))
        bench.matter.decide(desk, bench.facts, decision_id=made, reason="The first answer was a slip.")

    bench.sit(act)


def _same_in_other_words(stage: Stage) -> None:
    """The same case is decided the same; reason, alternatives and the order in which the outcome is told differ."""
    rng = stage.rng
    bench = Bench(stage, stage.job())
    for _ in range(rng.randrange(2, 5)):
        parts = [("decided", bench.right), ("level", rng.choice((2, 2.0))), ("final", True)]
        rng.shuffle(parts)
        reason = f"By the {bench.matter.rule}, as always ({rng.randrange(100)})."
        bench.sit(bench.matter.deciding(bench.again(), dict(parts), reason=reason, alternatives=()))


def _two_questions(stage: Stage) -> None:
    """Two different decisions rest on the same facts: whether, and to whom it goes."""
    bench = Bench(stage, stage.job())
    routes = ("north", "south", "by post")

    def route(desk: Desk) -> None:
        facts = bench.again()
        way = routes[len(bench.right) % len(routes)]
        desk.session.decision("route_case", way, facts=facts, rules=[{"name": bench.matter.rule, "version": "1"}])

    bench.sit(bench.matter.deciding(bench.facts), route)


def _two_agents(stage: Stage) -> None:
    """Two agents with rules of their own decide the same case, each by what it is for."""
    bench = Bench(stage, stage.job())
    second = Bench(stage, stage.job(), bench.matter, thresholds={"loop_repeats": stage.rng.randrange(4, 12)})
    second.policy["version"] = f"{stage.rng.randrange(100)}.{stage.rng.randrange(1000)}"
    bench.sit(bench.matter.deciding(bench.facts))
    second.sit(bench.matter.deciding(bench.again(), bench.wrong))


CARD: Final = ModeCard(
    mode="nondeterministic_decision",
    recipes=(
        Recipe("two-sessions", "Decides the same case one way and then the other.", _two_sessions, recorded=True),
        Recipe("within-a-session", "Changes its mind within a session.", _within_a_session, recorded=True),
        Recipe("one-among-many", "Decides one of many equal cases otherwise.", _one_among_many, recorded=True),
        Recipe("in-another-spelling", "The same facts, spelled otherwise.", _in_another_spelling, recorded=True),
        Recipe("another-amount", "The same facts, another amount.", _another_amount, recorded=True),
        Recipe("without-rules", "No rule is named, and all facts are declared.", _without_rules, recorded=True),
    ),
    near_misses=(
        NearMiss("a-cent-apart", "Facts differ a little, and outcomes with them.", _a_cent_apart),
        NearMiss("new-version", "The rule's version changed.", _new_version),
        NearMiss("corrected", "A decision is corrected under its own id.", _corrected),
        NearMiss("same-in-other-words", "The same outcome, told otherwise.", _same_in_other_words),
        NearMiss("two-questions", "Two decisions on the same facts.", _two_questions),
        NearMiss("two-agents", "Two agents decide the same case.", _two_agents),
    ),
)
