"""What must agree with its source, at which step of a workflow."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from watchkeeper.schemas.model import Model, Name


class CheckpointRule(Model):
    """Values that must agree with their source at a step.

    Attributes:
        step: the step's name; `*` for every step.
        values: their names; how texts are read is for `facts` of the same name to say.
        tolerance: by which share of it a number may differ from its source.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"tolerance"})

    step: Name
    values: list[Name]
    tolerance: Annotated[float, Field(ge=0, lt=1)] = 0.0
