"""Checks one policy file: what is refused, what is unwise, and what the worst day costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from watchkeeper.cli.policies.advice import Advice, advice_on
from watchkeeper.cli.policies.goal_fit import unexplained_tools
from watchkeeper.cli.policies.spending import WorstSpend, worst_spend
from watchkeeper.cli.policies.tool_schemas import advice_on_schemas
from watchkeeper.schemas.errors import PolicyError
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.policy_file import WrittenPolicy, read_policy
from watchkeeper.schemas.yaml_document import spell
from watchkeeper.stream_processors.detection.tools import ToolRegistry

TokensPrice = Callable[[AgentPolicy], float | None]
"""What a policy's cap on tokens comes to in US dollars; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A mistake or a warning, at its place.

    Attributes:
        level: an error refuses the policy.
        code: the kind of warning; `refused` for an error.
        line: from 1.
        column: from 1.
        field: the field's path.
        text: what is wrong or unwise, and the remedy.
    """

    level: Literal["error", "warning"]
    code: str
    line: int
    column: int
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in one file.

    Attributes:
        name: the file's.
        policy: None where it is refused.
        remarks: in the order of the lines.
        spend: the worst day; None where the policy is refused.
    """

    name: str
    policy: AgentPolicy | None
    remarks: list[Remark] = field(default_factory=list)
    spend: WorstSpend | None = None

    @property
    def refused(self) -> bool:
        """Whether the policy cannot be used."""
        return self.policy is None


def check_text(
    raw: bytes, name: str, *, sessions: int, tools: ToolRegistry | None = None, price: TokensPrice = lambda _: None
) -> Checked:
    """Checks a policy.

    Args:
        raw: the file's bytes.
        name: the file's name, for problems.
        sessions: a day, for the worst spend.
        tools: as they are registered; without them schemas are not looked at.
        price: what the policy's tokens cost.
    """
    try:
        written = read_policy(raw, name)
    except PolicyError as error:
        return Checked(
            name,
            None,
            [Remark("error", "refused", one.line, one.column, one.field, one.text) for one in error.faults],
        )
    policy = written.policy
    found = [*advice_on(written), *unexplained_tools(policy, () if tools is None else tuple(tools.names))]
    if tools is not None:
        found += advice_on_schemas(policy, tools)
    remarks = [_placed(one, written) for one in found]
    remarks.sort(key=lambda one: (one.line, one.column))
    return Checked(name, policy, remarks, worst_spend(policy, sessions=sessions, tokens_usd=price(policy)))


def _placed(advice: Advice, written: WrittenPolicy) -> Remark:
    spot = written.document.spot_of(advice.path)
    return Remark("warning", advice.code, spot.line, spot.column, spell(advice.path), advice.text)
