"""Evidence of `scope_creep`: the agent does more than its goal says."""

from __future__ import annotations

from typing import Literal

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model


class RefusedAction(Model):
    """A call that the agent's goal refuses in so many words.

    Attributes:
        by: what refuses it: `tool`, `resource` or `action`.
        refusal: the entry of the policy.
        path: JSON pointer to the argument that names the resource; empty for the others.
        calls: how many calls of the session it refused so far.
    """

    kind: Literal["refused_action"] = "refused_action"
    tool_name: str
    tool_call_id: str
    by: Literal["tool", "resource", "action"]
    refusal: str
    path: str = ""
    calls: Count = 1


class BudgetExceeded(Model):
    """More tool calls than the job needs.

    Attributes:
        used: calls so far.
        budget: calls that the job needs.
        cap: the hard limit; None where there is none.
    """

    kind: Literal["tool_budget_exceeded"] = "tool_budget_exceeded"
    used: Count
    budget: Count
    cap: Count | None = None


class UnexplainedAction(Model):
    """A deed that neither the goal nor anybody in the session asked for.

    Attributes:
        deed: what kind of deed it is, as the tool's name or the arguments tell.
        told_by: where the deed shows: the tool's `name`, or a command in its `arguments`.
        looked_at: which texts were searched for a reason.
        calls: how many such calls of this tool the session made so far.
    """

    kind: Literal["unexplained_action"] = "unexplained_action"
    tool_name: str
    tool_call_id: str
    deed: str
    told_by: Literal["name", "arguments"]
    looked_at: list[Literal["goal", "system", "users", "results"]]
    calls: Count = 1
