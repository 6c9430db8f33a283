"""Cases that a workflow carries from step to step: values with their sources, extracted once and held to the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from random import Random
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.model import NOTHING

Draw = Callable[[Random], Any]
STEPS: Final = ("intake", "extract", "assess", "confirm", "pay", "notify", "archive")
FIRST_DAY: Final = date(2026, 1, 5)


def _code(letters: str) -> Draw:
    return lambda rng: f"{letters}-{rng.randrange(10**5, 10**6)}"


def _amount(rng: Random) -> float:
    return round(rng.uniform(120, 25_000), 2)


def _number(rng: Random) -> int:
    return rng.randrange(12, 5000)


def _day(rng: Random) -> str:
    return str(FIRST_DAY + timedelta(days=rng.randrange(150)))


def _name(rng: Random) -> str:
    first, last = ("Marta", "Jonas", "Ines", "Tom", "Priya", "Elif"), ("Lind", "Weber", "Duarte", "Okafor", "Nair")
    return f"{rng.choice(first)} {rng.choice(last)}"


WORKFLOWS: Final[Mapping[str, Mapping[str, tuple[Draw, str]]]] = {
    "claim": {
        "claim_amount": (_amount, "claim form"),
        "policy_number": (_code("POL"), "claim form"),
        "loss_date": (_day, "police report"),
        "claimant": (_name, "claim form"),
    },
    "purchase": {
        "net_total": (_amount, "invoice"),
        "quantity": (_number, "order"),
        "supplier_account": (_code("ACC"), "supplier record"),
        "due_date": (_day, "invoice"),
    },
    "booking": {
        "fare": (_amount, "quote"),
        "flight": (_code("WK"), "quote"),
        "departure": (_day, "quote"),
        "passenger": (_name, "passport"),
    },
    "prescription": {
        "co_payment": (_amount, "tariff"),
        "dose_mg": (_number, "prescription"),
        "patient": (_name, "record"),
        "batch": (_code("LOT"), "stock list"),
        "next_visit": (_day, "calendar"),
    },
}


class Case:
    """One case.

    Attributes:
        workflow: what is done with it.
        values: as their sources have them.
        versions: of the sources.
    """

    def __init__(self, rng: Random, workflow: str = "") -> None:
        self.rng = rng
        self.workflow = workflow or rng.choice(list(WORKFLOWS))
        parts = WORKFLOWS[self.workflow]
        self.values: dict[str, Any] = {name: draw(rng) for name, (draw, _) in parts.items()}
        self.sources = {name: source for name, (_, source) in parts.items()}
        self.versions = dict.fromkeys(self.sources.values(), rng.choice(("1", "v3", "2026-02-01", "17")))

    def steps(self, least: int = 2) -> list[str]:
        """Some of the steps, in their order."""
        count = self.rng.randrange(least, len(STEPS) + 1)
        chosen = set(self.rng.sample(STEPS, count))
        return [step for step in STEPS if step in chosen]

    def of_type(self, *types: type) -> str:
        """One of the values that is of one of these types."""
        return self.rng.choice([name for name, value in self.values.items() if isinstance(value, types)])

    def renew(self, source: str) -> None:
        """The source has a new version."""
        following = {"1": "2", "v3": "v4", "2026-02-01": "2026-02-09", "17": "18"}
        self.versions[source] = following[self.versions[source]]

    def held(self, name: str, *, with_source: bool = True, **changes: Any) -> dict[str, Any]:
        """A value with its source, as a checkpoint tells it."""
        source = self.sources[name]
        told = {"value": self.values[name], "source": source, "source_version": self.versions[source]}
        if with_source:
            told["source_value"] = self.values[name]
        return {**told, **changes}

    def tell(
        self, desk: Desk, step: str, changed: Mapping[str, Mapping[str, Any]] = NOTHING, *, with_source: bool = True
    ) -> str:
        """All values at a step, with these in place of their own; answers the checkpoint's id."""
        values = {name: self.held(name, with_source=with_source, **changed.get(name, {})) for name in self.values}
        desk.session.step = step
        told = desk.session.checkpoint(values)
        desk.session.step = ""
        return told

    def slip(self, value: Any) -> Any:
        """The value as it is when somebody misreads it."""
        rng = self.rng
        if isinstance(value, float):
            return rng.choice(
                (round(value * 10, 2), round(value + rng.choice((-90, 9, 100)), 2), round(value * 1.19, 2))
            )
        if isinstance(value, int):
            return rng.choice((value * 10, value + rng.choice((-9, 1, 90))))
        if value[:4].isdigit():
            return str(date.fromisoformat(value) + timedelta(days=rng.choice((-1, 1, 7, 30, 365))))
        if value[-6:].isdigit():
            return f"{value[:-6]}{(int(value[-6:]) + rng.choice((9, 90, 900))) % 10**6:06}"
        return _other_name(rng, value)


def _other_name(rng: Random, name: str) -> str:
    while (other := _name(rng)) == name:
        pass
    return other
