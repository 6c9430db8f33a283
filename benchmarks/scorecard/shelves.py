"""Things that several sessions read and write, and the tools for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.extended import Extended
from scorecard.ground import Ground, tool
from scorecard.stage import Stage

THINGS: Final = (
    ("calendar", ("slots", "notes"), ("team-{}", "room-{}", "dr-{}")),
    ("document", ("text", "summary"), ("doc-{}", "minutes-{}", "offer-{}")),
    ("price_list", ("lines", "remark"), ("spring-{}", "retail-{}", "export-{}")),
    ("ticket", ("status", "owner"), ("T{}", "INC-{}", "case-{}")),
    ("config", ("values", "comment"), ("gateway-{}", "billing-{}", "search-{}")),
    ("customer", ("address", "phone_note"), ("cust-{}", "K{}", "acc-{}")),
)
CONTENTS: Final = ("Tuesday at ten", "second floor", "ask Ines first", "new since spring", "to be agreed", "on hold")


@dataclass(frozen=True, slots=True)
class Shelf:
    """One thing that sessions read and write, and the tools for it.

    Attributes:
        kind: what it is.
        name: which.
        fields: what can be written to it.
    """

    kind: str
    name: str
    fields: tuple[str, str]

    @property
    def tools(self) -> list[dict[str, Any]]:
        """As registered: two that read, three that write."""
        named: dict[str, Any] = {self.kind: "string"}
        fields: dict[str, Any] = dict.fromkeys(self.fields, "string")
        return [
            tool(f"get_{self.kind}", "Reads one.", [self.kind], **named),
            tool(f"list_{self.kind}s", "All of them.", [], page="integer"),
            tool(f"put_{self.kind}", "Writes one as a whole.", [self.kind], **named, **fields),
            tool(f"patch_{self.kind}", "Changes fields.", [self.kind], **named, **fields),
            tool(
                f"comment_{self.kind}", "Adds a comment.", [self.kind, "comment_text"], **named, comment_text="string"
            ),
        ]

    @property
    def policy(self) -> dict[str, Any]:
        """The part of a policy that is about these tools."""
        write = {"effect": "write", "resource": self.kind}
        return {
            "tools": {
                f"get_{self.kind}": {"effect": "read", "resource": self.kind},
                f"list_{self.kind}s": {"effect": "read"},
                f"put_{self.kind}": write,
                f"patch_{self.kind}": write,
                f"comment_{self.kind}": {**write, "additive": True},
            }
        }

    def open(self, stage: Stage, ground: Ground, at_us: int | None = None) -> Desk:
        """A session whose agent may read and write it."""
        return stage.open(Extended(ground, *self.tools), policy=self.policy, at_us=at_us)

    def delegate(self, desk: Desk, ground: Ground) -> Desk:
        """A helper's session, to which the session at this desk hands the change of it."""
        stage = desk.stage
        told = f"helper-{stage.rng.randrange(10**6)}"
        policy = stage.policy_of(ground, self.policy, told)
        assert policy is not None
        task = f"Change the {self.kind.replace('_', ' ')} {self.name}."
        return stage.delegate(desk, Extended(ground, *self.tools), agent=policy.agent, policy=policy, task=task)

    def ask(self, desk: Desk) -> None:
        """Somebody wants it changed."""
        lead = desk.rng.choice(("Please update", "Can you change", "Could you edit", "Something is wrong, correct"))
        desk.user(f"{lead} the {self.kind.replace('_', ' ')} {self.name}.")

    def read(self, desk: Desk, name: str = "") -> None:
        """One look at it."""
        shown = dict(zip(self.fields, desk.rng.sample(CONTENTS, 2), strict=True))
        desk.use(f"get_{self.kind}", {self.kind: name or self.name}, {self.kind: name or self.name, **shown})

    def listed(self, desk: Desk) -> None:
        """A look at all of them."""
        desk.use(f"list_{self.kind}s", {}, [{self.kind: self.name, self.fields[0]: desk.rng.choice(CONTENTS)}])

    def write(self, desk: Desk, name: str = "", result: Any = None, **told: Any) -> None:
        """A write by one of the two tools that overwrite."""
        rng: Random = desk.rng
        verb, fields = rng.choice((("put", self.fields), ("patch", self.fields[:1]), ("patch", self.fields[1:])))
        arguments = {field: f"{rng.choice(CONTENTS)} {rng.randrange(10**4)}" for field in fields}
        self.write_as(desk, verb, {self.kind: name or self.name, **arguments}, result, **told)

    def write_as(self, desk: Desk, verb: str, arguments: Mapping[str, Any], result: Any = None, **told: Any) -> None:
        """One certain write."""
        given = {"saved": True, "version": desk.rng.randrange(3, 90)} if result is None else result
        desk.use(f"{verb}_{self.kind}", arguments, given, **told)


def shelf_of(rng: Random) -> Shelf:
    """A thing of some kind, made by chance."""
    kind, fields, names = rng.choice(THINGS)
    return Shelf(kind, rng.choice(names).format(rng.randrange(10**4, 10**6)), fields)
