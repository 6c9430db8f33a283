"""Evidence of `hallucinated_tool`: names and arguments that nobody registered."""

from __future__ import annotations

from typing import Literal, TypeAlias

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model

FollowUp: TypeAlias = Literal["", "corrected", "repeated", "dropped"]
"""What the agent did next: `corrected`: it called the tool that was meant, as it is registered; `repeated`: it made the
same mistake again; `dropped`: it went on with something else; empty while nothing tells."""


class UnknownTool(Model):
    """A call to a name that was never registered.

    Attributes:
        nearest: the registered names most like it.
        registered: how many there are.
        follow_up: what the agent did next.
    """

    kind: Literal["unknown_tool"] = "unknown_tool"
    tool_name: str
    tool_call_id: str
    nearest: list[str]
    registered: Count
    follow_up: FollowUp = ""


class SchemaViolation(Model):
    """One place where arguments and JSON Schema disagree.

    Attributes:
        path: JSON pointer into the arguments; empty for the arguments as a whole.
        keyword: the schema keyword that refused.
        expected: what the schema asks for there.
        got: what stood there, shortened.
    """

    path: str
    keyword: str
    expected: str
    got: str


class InvalidArguments(Model):
    """A registered tool, called with arguments that its JSON Schema rejects.

    Attributes:
        more: violations beyond those that are listed.
        follow_up: what the agent did next.
    """

    kind: Literal["invalid_arguments"] = "invalid_arguments"
    tool_name: str
    tool_call_id: str
    violations: list[SchemaViolation]
    more: Count = 0
    follow_up: FollowUp = ""


class UnknownArguments(Model):
    """A registered tool, called with keys that its schema permits but does not know.

    Attributes:
        keys: those that it does not know.
        known: those that it does.
        follow_up: what the agent did next.
    """

    kind: Literal["unknown_arguments"] = "unknown_arguments"
    tool_name: str
    tool_call_id: str
    keys: list[str]
    known: list[str]
    follow_up: FollowUp = ""
