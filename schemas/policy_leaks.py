"""What may not leave, and by which ways it would: the part of a policy that `data_leak` reads."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from watchkeeper.schemas.model import Model, Name
from watchkeeper.schemas.patterns import compile_pattern
from watchkeeper.schemas.policy_masking import MaskKind


class Canary(Model):
    """A made-up value that stands where nobody should copy from: wherever it turns up, something leaked.

    Attributes:
        name: what findings call it.
        value: the value; letter case, spaces and dashes do not matter. Not of a form that masking takes.
    """

    name: Name
    value: Annotated[str, Field(min_length=8, max_length=200)]


class Leaks(Model):
    """What may not leave a session.

    Attributes:
        sinks: tools that send what they are given outside; wildcards allowed.
        kinds: what sinks may not be given, unless the user gave it.
        may_receive: what a sink may be given all the same: `{charge_card: [card]}`.
        answers: what answers may not tell of what the agent read.
        canaries: values that may turn up nowhere.
        customer_ids: a regular expression (RE2) of whole customer ids: those of other customers may not leave.
    """

    sinks: list[Name] = []
    kinds: list[MaskKind] = ["secret", "card", "iban", "ssn"]
    may_receive: dict[Name, list[MaskKind]] = {}
    answers: list[MaskKind] = ["secret"]
    canaries: Annotated[list[Canary], Field(max_length=16)] = []
    customer_ids: str | None = None

    @field_validator("customer_ids")
    @classmethod
    def _linear(cls, pattern: str | None) -> str | None:
        if pattern is not None and compile_pattern(pattern).matches(""):
            raise ValueError("matches the empty text, so it would find ids everywhere: ask for a character")
        return pattern

    @model_validator(mode="after")
    def _receivers_are_sinks(self) -> Leaks:
        if self.may_receive and not self.sinks:
            raise ValueError("may_receive names what sinks may be given, and there are none: list them in sinks")
        return self
