"""A suite: cases with the rubrics of their intents, frozen under a name, a version and a hash."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from watchkeeper.evals.rubric import Rubric
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.model import Model, Moment

HASH: Final = "sha256:"
ANY_INTENT: Final = "*"

SuiteName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Probability = Annotated[float, Field(ge=0, le=1)]


class Drawn(Model):
    """How the cases were drawn, for those who ask what a score over them stands for.

    Attributes:
        since: sessions that ended from then on.
        until: and before then.
        seed: the same sessions, size and seed give the same cases.
        size: how many cases were asked for.
        sessions: how many ended in that time.
        read: how many of them were read, drawn at random from each intent and way of ending.
        left_out: how many of those were not eligible, by reason.
        alike: how many were near duplicates of others.
        bands: up to which difficulty a session is easy, and up to which medium.
        shares: the part of live sessions in each stratum, by `intent/outcome/difficulty`.
    """

    tenant: str = ""
    origin: Origin = "live"
    since: Moment
    until: Moment
    seed: int = 0
    size: Annotated[int, Field(ge=1)]
    sessions: Annotated[int, Field(ge=0)] = 0
    read: Annotated[int, Field(ge=0)] = 0
    left_out: dict[str, int] = Field(default_factory=dict)
    alike: Annotated[int, Field(ge=0)] = 0
    bands: tuple[Probability, Probability] = (0.34, 0.67)
    shares: dict[str, Probability] = Field(default_factory=dict)


class Suite(Model):
    """See the module.

    Attributes:
        agent: whose sessions its cases come from.
        description: what it is for, in the words of its keepers.
        frozen: the hash of rubrics and cases when the version was made; empty for one that nobody froze.
        drawn: how; None for a suite that people wrote.
    """

    name: SuiteName
    version: Annotated[int, Field(ge=1)] = 1
    created: Moment
    agent: str = ""
    description: str = ""
    frozen: Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64})?$")] = ""
    drawn: Drawn | None = None
    rubrics: Annotated[tuple[Rubric, ...], Field(min_length=1)]
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_differ(self) -> Suite:
        for what, names in (
            ("rubrics for the intent", [rubric.intent for rubric in self.rubrics]),
            ("cases with the id", [case.case_id for case in self.cases]),
        ):
            twice = sorted(name for name, times in Counter(names).items() if times > 1)
            if twice:
                raise ValueError(f"two {what} {', '.join(twice)}: remove one, or give it another")
        return self

    @cached_property
    def content_hash(self) -> str:
        """The hash of what is judged and how: of name, rubrics and cases, in whichever order they stand."""
        return hash_of(self.name, self.rubrics, self.cases)

    @property
    def state(self) -> Literal["frozen", "edited", "draft"]:
        """`edited`: it is not what was frozen under this version. `draft`: nobody froze it."""
        if not self.frozen:
            return "draft"
        return "frozen" if self.frozen == self.content_hash else "edited"

    @property
    def reference(self) -> str:
        """What scores call it: `name@3`; with the hash's beginning where it is not what was frozen as that."""
        plain = f"{self.name}@{self.version}"
        return plain if self.state == "frozen" else f"{plain}-{self.state}-{self.content_hash.removeprefix(HASH)[:8]}"

    def rubric_for(self, intent: str) -> Rubric | None:
        """The rubric of an intent, else that for all others; None where there is neither."""
        by_intent = {rubric.intent: rubric for rubric in self.rubrics}
        return by_intent.get(intent) or by_intent.get(ANY_INTENT)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Suite:
        """A copy, other than this one where `update` says so."""
        copied = super().model_copy(update=update, deep=deep)
        # A copy takes along what was computed of the original.
        copied.__dict__.pop("content_hash", None)
        return copied

    def refrozen(self) -> Suite:
        """The same, frozen as it stands."""
        return self.model_copy(update={"frozen": self.content_hash})


def hash_of(name: str, rubrics: tuple[Rubric, ...], cases: tuple[Case, ...]) -> str:
    """The hash under which a version is frozen: `sha256:` and 64 hexadecimal digits."""
    document = {
        "name": name,
        "rubrics": sorted((rubric.model_dump(mode="json") for rubric in rubrics), key=lambda one: str(one["intent"])),
        "cases": sorted((case.model_dump(mode="json") for case in cases), key=lambda one: str(one["case_id"])),
    }
    # By the standard library: whole numbers in arguments may be longer than 64 bits.
    raw = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return HASH + hashlib.sha256(raw.encode()).hexdigest()
