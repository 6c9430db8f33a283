"""What an agent made of a call that it had hallucinated: the finding is revised when a later call tells."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

import orjson
from pydantic import Field, TypeAdapter

from watchkeeper.schemas.events import ToolCall
from watchkeeper.schemas.evidence import InvalidArguments, UnknownArguments, UnknownTool
from watchkeeper.schemas.evidence.hallucinated_tool import FollowUp
from watchkeeper.stream_processors.detection.calls import arguments_of
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.session_rules.hallucinations import Hallucination, found_of

MAX_CALLS = 3
"""Calls after it that tell what followed."""

MAX_MISTAKES = 2
"""Calls of which nobody knows yet what followed; hardly an agent makes more at once."""

MAX_BYTES = 1200
"""Of all of them, as JSON. The oldest are forgotten: their findings stay as they are."""

_EVIDENCE: TypeAdapter[Hallucination] = TypeAdapter(Annotated[Hallucination, Field(discriminator="kind")])


class Mistake(TypedDict):
    """A hallucinated call.

    Attributes:
        calls: how many came after it.
        event: the call's.
        us: its time.
    """

    calls: int
    event: str
    us: int
    evidence: dict[str, Any]


def remember(mistakes: list[Mistake], event: ToolCall, at_us: int, evidence: Hallucination) -> None:
    """Remembers what was found about a call."""
    # Without what it says of itself where it is the default: the state is written at every checkpoint.
    kept = {"kind": evidence.kind} | evidence.model_dump(mode="json", exclude_defaults=True)
    mistakes.append(Mistake(calls=0, event=event.event_id, us=at_us, evidence=kept))
    while len(mistakes) > MAX_MISTAKES or len(orjson.dumps(mistakes)) > MAX_BYTES:
        del mistakes[0]


def follow(mistakes: list[Mistake], event: ToolCall, wrong: Hallucination | None) -> list[Found]:
    """What a call tells of earlier ones; `wrong` is what is wrong with itself. Forgets those that are told."""
    # Of a call whose arguments were not recorded nobody can say whether it is right.
    is_known = arguments_of(event.data)[1] is None
    told = []
    for mistake in tuple(mistakes):
        mistake["calls"] += 1
        follow_up = _follow_up(mistake["evidence"], event.data.tool_name, wrong) if is_known else ""
        if not follow_up and mistake["calls"] >= MAX_CALLS:
            follow_up = "dropped"
        if follow_up:
            mistakes.remove(mistake)
            evidence = _EVIDENCE.validate_python(mistake["evidence"] | {"follow_up": follow_up})
            told.append(found_of(evidence, mistake["event"], mistake["us"], revision=1))
    return told


def _follow_up(evidence: dict[str, Any], tool_name: str, wrong: Hallucination | None) -> FollowUp:
    """What a call says about an earlier mistake; empty where it is about another tool.

    A registered name that was never like the unknown one is no correction: the agent does something else.
    """
    if evidence["kind"] == "unknown_tool":
        if isinstance(wrong, UnknownTool):
            return "repeated" if tool_name == evidence["tool_name"] else ""
        return "corrected" if tool_name in evidence["nearest"] and wrong is None else ""
    if tool_name != evidence["tool_name"]:
        return ""
    return "repeated" if isinstance(wrong, InvalidArguments | UnknownArguments) else "corrected"
