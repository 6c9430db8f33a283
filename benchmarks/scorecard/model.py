"""What a recipe, a near miss and a planted failure are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from watchkeeper.schemas.failure_modes import FailureMode, Severity

if TYPE_CHECKING:
    from scorecard.stage import Stage

NOTHING: Mapping[str, Any] = MappingProxyType({})

HISTORY: int = 100
"""What has so many sessions is the history of one agent. It is performed `HISTORIES` times, and counts as one clean
session: a hundred sessions without a finding that make up one near miss are not a hundred chances of a false alarm."""

HISTORIES: int = 2


def chances(sessions: int) -> int:
    """How many clean sessions a performance of so many counts as."""
    return 1 if sessions >= HISTORY else sessions


@dataclass(frozen=True, slots=True)
class Sought:
    """What must be found of a plant: an open finding of the recipe's mode that fits all that is told here.

    A plant stands in a tenant of its own, so that no other plant's finding can be taken for its own. `unjudged` is
    never what was sought.

    Attributes:
        sessions: it is about one of these sessions; empty where it is about a subject alone.
        subject: or it is about a subject whose name holds this text (an agent's id, a tool's name); empty where it is
            about a session alone.
        since_us: when the failure began: what was found at earlier events is something else.
        evidence: fields of the evidence that must have these values. Needed where a recording may hold a failure of
            the same mode by itself.
        severities: it has one of these; empty for any. Where a mode warns first, what is sought is no warning.
    """

    sessions: tuple[str, ...] = ()
    subject: str = ""
    since_us: int = 0
    evidence: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    severities: tuple[Severity, ...] = ()

    def __post_init__(self) -> None:
        if not self.sessions and not self.subject:
            raise ValueError("a plant must be sought somewhere: give sessions, subject or both")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way in which agents fail.

    Attributes:
        name: stable, in kebab case; unique within its mode.
        says: one sentence: what the agent does wrong.
        plant: performs it and says what must be found.
        recorded: whether it can also be planted into recordings; then every second plant is, where there are some.
        whole: whether only into those of which no result was cut: what is missing there could be what would be claimed.
    """

    name: str
    says: str
    plant: Callable[[Stage], Sought]
    recorded: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Something that agents which behave do, and that looks like the failure.

    Attributes:
        name: stable, in kebab case; unique within its mode.
        says: one sentence: what the agent does, and why it is right.
        act: performs it. Nothing of any mode may be found.
    """

    name: str
    says: str
    act: Callable[[Stage], None]


@dataclass(frozen=True, slots=True)
class Part:
    """Recipes of a mode with a target of their own.

    Attributes:
        name: stable, in snake case; figures are named `recall/<mode>_<name>`.
        recipes: names of its recipes. Each recipe of a card with parts belongs to one of them.
        kinds: of findings; an alarm of such a kind is an alarm of this part.
        target: as `ModeCard.target`.
    """

    name: str
    recipes: frozenset[str]
    kinds: frozenset[str]
    target: float


@dataclass(frozen=True, slots=True)
class ModeCard:
    """How one failure mode is put to the test.

    Attributes:
        recipes: three or more, mechanically different.
        near_misses: three or more.
        target: the least recall and precision that the project asks for: 0.95 where the mode is decided by rules,
            0.8 where texts must be understood. Of a card with parts it is the parts' targets that count.
        parts: where recipes have different targets.
        plants: at most so many, where each is hundreds of sessions; None for as many as the run has of each mode.
    """

    mode: FailureMode
    recipes: tuple[Recipe, ...]
    near_misses: tuple[NearMiss, ...]
    target: float = 0.95
    parts: tuple[Part, ...] = ()
    plants: int | None = None

    def __post_init__(self) -> None:
        divided = sorted(name for part in self.parts for name in part.recipes)
        if self.parts and divided != sorted(one.name for one in self.recipes):
            raise ValueError(f"{self.mode}: each recipe must belong to one part: name it in one of {self.parts}")
        for named in (self.recipes, self.near_misses):
            names = [one.name for one in named]
            if len(set(names)) != len(names):
                raise ValueError(f"{self.mode}: two of {', '.join(names)} have one name: rename one")
