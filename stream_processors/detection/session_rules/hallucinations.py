"""What is said of a hallucinated call: severity and sentence follow from its evidence alone."""

from __future__ import annotations

import orjson

from watchkeeper.schemas.evidence import InvalidArguments, UnknownArguments, UnknownTool
from watchkeeper.schemas.failure_modes import Severity
from watchkeeper.stream_processors.detection.detector import Found

Hallucination = UnknownTool | InvalidArguments | UnknownArguments

_SEVERITIES: dict[str, Severity] = {"unknown_tool": "high", "invalid_arguments": "medium", "unknown_arguments": "low"}
_FOLLOWED = {
    "": "",
    "corrected": " The agent then made the call as it should be.",
    "repeated": " The agent then made the same mistake again.",
    "dropped": " The agent then went on with something else.",
}


def found_of(evidence: Hallucination, event_id: str, at_us: int, revision: int = 0) -> Found:
    """The finding about a call."""
    return Found(
        about=(event_id,),
        severity=_SEVERITIES[evidence.kind],
        summary=_summary(evidence) + _FOLLOWED[evidence.follow_up],
        evidence=evidence,
        first_event_id=event_id,
        first_us=at_us,
        revision=revision,
    )


def _summary(evidence: Hallucination) -> str:
    name = _quoted(evidence.tool_name)
    if isinstance(evidence, UnknownTool):
        hint = f"; nearest: {', '.join(evidence.nearest)}" if evidence.nearest else ""
        return f"The agent called {name}, not one of its {evidence.registered} registered tools{hint}."
    if isinstance(evidence, UnknownArguments):
        listed = ", ".join(_quoted(key) for key in evidence.keys)
        return f"The agent called {name} with keys that its schema does not know: {listed}."
    first = evidence.violations[0]
    place = f"at {first.path}" if first.path else "as a whole"
    return (
        f"The agent called {name} with arguments that its schema rejects: {place}, "
        f"{first.keyword} expected {first.expected}, got {first.got}."
    )


def _quoted(name: str) -> str:
    return orjson.dumps(name).decode()
