"""Evidence of `audit_gap`: how much of what a reviewer needs was recorded."""

from __future__ import annotations

from typing import Literal, TypeAlias

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model, Moment

RecordPart: TypeAlias = Literal[
    "prompt", "system", "tools", "arguments", "result", "reasoning", "decision", "events", "end"
]


class UnpromptedAction(Model):
    """A call of which nobody can tell what the model was shown when it made it.

    Attributes:
        lacks: of the prompt, the system prompt and the tools' schemas, what was not recorded.
    """

    kind: Literal["unprompted_action"] = "unprompted_action"
    tool_name: str
    tool_call_id: str
    lacks: list[RecordPart]


class MissingReasoning(Model):
    """The model shows its reasoning, and none was recorded.

    Attributes:
        exposed: what the session says the model shows.
        requests: that led to calls without any reasoning recorded.
        reasoning_tokens: spent on reasoning by the response that shows it; 0 where no response tells.
    """

    kind: Literal["missing_reasoning"] = "missing_reasoning"
    exposed: Literal["full", "summary"]
    requests: Count
    reasoning_tokens: Count = 0


class UntracedDecision(Model):
    """A decision without the facts and rules it rests on, and without a reason."""

    kind: Literal["untraced_decision"] = "untraced_decision"
    decision_id: str
    name: str


class LowCompleteness(Model):
    """An agent's records hold less of what a reviewer needs than its policy promises.

    Attributes:
        share: of what was expected, what was recorded.
        missing: how much was not, by part.
        examples: sessions that lack something, the latest last.
    """

    kind: Literal["low_completeness"] = "low_completeness"
    share: float
    target: float
    expected: Count
    fulfilled: Count
    sessions: Count
    window_from: Moment
    window_to: Moment
    missing: dict[str, Count]
    examples: list[str]
