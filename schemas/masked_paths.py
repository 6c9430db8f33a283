"""Which paths a policy's `masking.fields` and `masking.exempt` may name, and what to write in place of a wrong one."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

MASKED: Final[dict[str, tuple[str, ...]]] = {
    "session_started": (
        *("goal.", "intent", "tools.", "version", "caps.", "model", "provider", "prompt_version", "sdk"),
    ),
    "prompt": ("model", "provider", "prompt_version", "system.", "role", "content.", "tools.", "parameters."),
    "reasoning": ("text.",),
    "tool_call": ("arguments.", "idempotency_key"),
    "tool_result": ("result.", "error_type"),
    "retrieval": ("source", "query.", "version", "content.", "allowed_groups", "asker_groups"),
    "decision": ("facts.", "version", "alternatives.", "outcome.", "principal", "authority", "reason."),
    "delegation": (*("task.", "grant_id", "parent_grant_id", "granted_by", "scope", "delegable", "constraints."),),
    "approval": ("tool_call_id", "action", "approver", "limits.", "reason."),
    "checkpoint": ("values.", "source", "source_version"),
    "response": ("model", "provider", "text.", "finish_reason", "error_type"),
    "outcome": ("label", "comment.", "source"),
    "session_ended": ("reason", "error_type", "answer."),
}
"""By the event's type, what passes the masker; a dot behind it where names may follow: those of JSON in it."""

HEADER: Final = ("attributes", "user_id", "customer_id")
"""What all events of a session share and is named by `*` alone."""


def wrong_path(path: str) -> str | None:
    """What is wrong with a path and what to write instead; None where an event may have it."""
    kind, *names = path.split(".")
    if not kind or not names or not all(names):
        return f"{path!r} is no path: begin with the event's type or *, as in *.password"
    if kind == "*":
        return None
    if kind.lower() not in MASKED:
        near = get_close_matches(kind.lower(), MASKED, 1, 0.6)
        known = f"write {near[0]}.{'.'.join(names)}" if near else f"begin with * or one of {', '.join(MASKED)}"
        return f"{path!r} is no path: there are no events of the type {kind!r}; {known}"
    return _wrong_names(path, kind.lower(), [name.lower() for name in names])


def _wrong_names(path: str, kind: str, names: list[str]) -> str | None:
    known = {one.rstrip("."): one.endswith(".") for one in MASKED[kind]}
    if names[0] in HEADER:
        shared = ".".join(["*", *names])
        return f"{path!r} is no path: {names[0]} belongs to all events of a session; write {shared}"
    if names[0] == "*":
        return None
    if names[0] in known:
        if len(names) == 1 or known[names[0]]:
            return None
        return f"{path!r} is no path: nothing stands below {kind}.{names[0]}; write {kind}.{names[0]}"
    return f"{path!r} is no path: {_instead(kind, names, known)}"


def _instead(kind: str, names: list[str], known: dict[str, bool]) -> str:
    # What the event's schema calls `messages[].content` passes the masker as `content`.
    for place, name in enumerate(names):
        if name in known:
            rest = names[place:] if known[name] else [name]
            return f"write {kind}.{'.'.join(rest)}"
    near = get_close_matches(names[0], known, 1, 0.6)
    if near:
        return f"write {'.'.join([kind, near[0], *(names[1:] if known[near[0]] else ())])}"
    return f"in {kind} what is masked is {', '.join(known)}"
