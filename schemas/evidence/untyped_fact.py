"""Evidence of `untyped_fact`: decisions on values that are not what they were declared to be."""

from __future__ import annotations

from typing import Literal, TypeAlias

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.fact_values import FactFault
from watchkeeper.schemas.model import Model

FactPlace: TypeAlias = Literal["decision", "checkpoint"]


class UntypedFact(Model):
    """A fact that could not be read as what it was declared to be.

    Attributes:
        fact: its name; of an undeclared one shortened.
        fault: what is wrong; `undeclared` where the policy allows declared facts alone.
        where: a decision, or the values of a checkpoint.
        name: the decision's name, or the checkpoint's step.
        expected: what was declared.
        got: what stood there, described, the last time that it was told.
        hint: what would mend it: the declared value that it differs from in letter case alone, say.
        count: how often so far in this session.
    """

    kind: Literal["untyped_fact"] = "untyped_fact"
    fact: str
    fault: FactFault
    where: FactPlace
    name: str
    expected: str
    got: str
    hint: str = ""
    count: Count = 1


class NormalizedFact(Model):
    """A fact in another spelling than declared, read by a declared rule.

    Attributes:
        rule: the rule of the policy that read it.
        count: how often so far in this session.
    """

    kind: Literal["normalized_fact"] = "normalized_fact"
    fact: str
    rule: str
    where: FactPlace
    name: str
    count: Count = 1
