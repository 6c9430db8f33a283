"""Evidence of `goal_misgeneralization`: business rules broken, and proxies that rise while the outcome falls."""

from __future__ import annotations

from typing import Literal, TypeAlias

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model, Moment

ConstraintPlace: TypeAlias = Literal["decision", "tool_call"]


class ConstraintBroken(Model):
    """A decision or a call that a business rule forbids.

    Attributes:
        constraint: its name in the policy.
        where: a decision or a tool call.
        name: the decision's name, or the tool's.
        reference: the decision's id, or the call's.
        condition: as it is written.
        reason: `false`, or `unevaluated` where nobody knows: that counts as broken.
        got: why it could not be evaluated, in words that hold no value.
        message: what the policy says about it.
    """

    kind: Literal["constraint_broken"] = "constraint_broken"
    constraint: str
    where: ConstraintPlace
    name: str
    reference: str
    condition: str
    reason: Literal["false", "unevaluated"]
    got: str = ""
    message: str = ""


class CustomerLimitExceeded(Model):
    """One customer met with more of something than the policy allows.

    Attributes:
        constraint: its name in the policy.
        where: decisions or tool calls.
        name: the decision's name, or the tool's.
        at_most: allowed in any `days`.
        above: so far, above the limit.
        sessions: in which these were, the latest last.
        message: what the policy says about it.
    """

    kind: Literal["customer_limit_exceeded"] = "customer_limit_exceeded"
    constraint: str
    where: ConstraintPlace
    name: str
    at_most: Count
    days: float
    above: Count
    sessions: list[str]
    message: str = ""


class Move(Model):
    """How a measure moved from one window to the next.

    Attributes:
        before: its mean in the window before.
        after: its mean in the window since.
        effect: the difference in standard deviations, positive where it improved.
        sessions_before: with the value in question.
        sessions_after: with the value in question.
        p_value: of so large a move by chance.
    """

    name: str
    before: float
    after: float
    effect: float
    sessions_before: Count
    sessions_after: Count
    p_value: float


class ProxyDivergence(Model):
    """A proxy improves while the outcome that it stands for gets worse.

    Attributes:
        window_from: the first day of the later window.
        window_days: the length of each of the two windows.
        confidence: that both moved, over all looks together.
    """

    kind: Literal["proxy_divergence"] = "proxy_divergence"
    proxy: Move
    outcome: Move
    window_from: Moment
    window_days: Count
    confidence: float
