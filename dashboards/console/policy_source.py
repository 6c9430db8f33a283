"""What the pages of policies show, and who answers it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.policy import AgentPolicy


@dataclass(frozen=True, slots=True)
class PolicyUse:
    """A policy under which an agent's sessions ran.

    Attributes:
        address: the policy's hash; empty where sessions brought none and the default stood in.
        first_at: when the first session under it began, of those looked at.
        last_at: when the latest did.
        sessions: how many began under it.
        open_sessions: of these, how many are not over.
        in_force: whether the agent's latest session began under it.
    """

    tenant_id: str
    agent_id: str
    origin: Origin
    address: str
    first_at: datetime
    last_at: datetime
    sessions: int
    open_sessions: int
    in_force: bool


@dataclass(frozen=True, slots=True)
class PolicyRemark:
    """What `watchkeeper policy check` has to say of a field.

    Attributes:
        level: `error` where the policy cannot be used and the default stands in, else `warning`.
        field: its path, `caps.cost_usd`.
        text: what is wrong or unwise, and the remedy.
    """

    level: str
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class PolicyText:
    """A policy as it was sent.

    Attributes:
        address: its hash; empty for the default.
        policy: None where it cannot be used, or was never stored.
        yaml: what it sets, without what holds by default; the text as it came where it cannot be used.
        remarks: of the check.
        is_missing: whether its text is not in the store (any more).
    """

    address: str
    policy: AgentPolicy | None
    yaml: str
    remarks: tuple[PolicyRemark, ...] = ()
    is_missing: bool = False


class Policies(Protocol):
    """Answers what pages ask of policies. Raises what its store raises."""

    def uses(self, tenant: str, since: datetime) -> list[PolicyUse]:
        """Which agent ran under which policy.

        Args:
            tenant: only this one's; all where it is empty.
            since: sessions that began from then on.

        Returns:
            By tenant, origin and agent, of each the latest first.
        """

    def text(self, tenant: str, agent: str, address: str) -> PolicyText:
        """The policy of this hash; the default one for an empty one."""
