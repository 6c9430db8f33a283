"""Deeds of a session: which calls did them, and what became of each."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, TypedDict

from watchkeeper.schemas.events import ToolCall, ToolResult
from watchkeeper.schemas.evidence.duplicate_action import RepeatReason
from watchkeeper.stream_processors.detection.actions import Outcome, leaves_of, outcome_of
from watchkeeper.stream_processors.detection.calls import arguments_of
from watchkeeper.stream_processors.detection.fingerprints import brief

MAX_ACTIONS = 8
MAX_ANSWERS = 8
"""Texts of answers that told of a failure: later events name them by address alone."""


MIN_NOUN = 4
"""Letters by which words are compared: `booking` and `bookings`, `ticket` and `tickets`."""

_WORD = re.compile(r"[a-z]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_VERBS = frozenset(
    {"list", "find", "fetch", "read", "show", "sear", "chec", "quer", "look", "send", "crea", "inse", "upda", "dele"}
    | {"rece", "last", "late", "item", "data", "tool", "call", "with", "from"}
)
"""Beginnings of words that tell nothing of the thing."""


class Made(TypedDict):
    """One call of a deed."""

    call: str
    event: str
    us: int
    key: str
    outcome: Outcome


class Deed(TypedDict):
    """What is remembered of a deed.

    Attributes:
        name: of the subject under which stage 2 counts it.
        tool: the tool's name, a digest of it where it is long.
        first: the call against which others are held.
        again: calls that repeat it and were not answered yet, the latest last.
        leaves: of its arguments.
        empty: whether it has none.
        turn: how often a person had spoken.
        looked: whether something read the same thing since.
        repeats: calls that repeat it and may have taken effect.
        told: `[revision, repeats at which to tell more, reason, outline, first call]`; empty where nothing was told.
    """

    name: str
    tool: str
    first: Made
    again: list[Made]
    leaves: list[str]
    grave: bool
    empty: bool
    turn: int
    looked: bool
    repeats: int
    told: list[Any]


@dataclass(slots=True)
class DuplicateActionState:
    """What is kept between events.

    Attributes:
        spoken: what `user_turns` keeps.
        turn: how often a person spoke since the first deed.
        answers: what became of calls, by the digest of an answer that tells of a failure.
        forgotten: deeds for which there was no room.
    """

    deeds: list[Deed] = field(default_factory=list)
    spoken: dict[str, int] = field(default_factory=dict)
    turn: int = 0
    answers: dict[str, Outcome] = field(default_factory=dict)
    forgotten: int = 0
    unjudged: bool = False


def reason_of(state: DuplicateActionState, deed: Deed, made: Made, window_us: int) -> RepeatReason | None:
    """Why the call repeats the deed; None where it does no harm."""
    first = deed["first"]
    known = first["outcome"]
    if known == "failed" or made["us"] - first["us"] >= window_us:
        return None
    keys = {first["key"], made["key"]}
    if "" not in keys:
        if len(keys) == 1 or known == "ok":
            return None
        return None if deed["looked"] else "new_key"
    if known == "ok":
        return None if deed["empty"] or deed["turn"] != state.turn else "done"
    if deed["looked"]:
        return None
    return "unsure" if known == "unsure" else "running"


def remember(state: DuplicateActionState, deed: Deed) -> None:
    """Adds a deed; where there is no room, the oldest of those that can be undone is forgotten."""
    state.deeds.append(deed)
    if len(state.deeds) > MAX_ACTIONS:
        light = next((one for one in state.deeds if not one["grave"]), state.deeds[0])
        state.deeds.remove(light)
        state.forgotten += 1


def look(state: DuplicateActionState, event: ToolCall) -> None:
    """A tool that reads was called: what it looks at, it makes sure of; without a name it looks at all of its kind."""
    waiting = [one for one in state.deeds if one["first"]["outcome"] in {"unsure", "running"} and not one["looked"]]
    if not waiting:
        return
    seen = leaves_of(arguments_of(event.data)[0])
    for deed in waiting:
        if not set(seen).isdisjoint(deed["leaves"]) if seen else _alike(event.data.tool_name, deed["tool"]):
            deed["looked"] = True


def _alike(reads: str, writes: str) -> bool:
    """Whether two tools are about one kind of thing: `list_transfers` and `transfer_money`."""
    return not _nouns(reads).isdisjoint(_nouns(writes))


def _nouns(tool_name: str) -> set[str]:
    words = _WORD.findall(_CAMEL.sub("_", tool_name).lower())
    return {word[:MIN_NOUN] for word in words if len(word) >= MIN_NOUN} - _VERBS


def write_over(state: DuplicateActionState, name: str, tool_name: str, leaves: list[str]) -> None:
    """Forgets what the tool wrote to something that it now writes otherwise."""
    state.deeds = [
        one
        for one in state.deeds
        if one["grave"] or one["tool"] != tool_name or one["name"] == name or set(leaves).isdisjoint(one["leaves"])
    ]


def outcome_in(state: DuplicateActionState, event: ToolResult) -> Outcome:
    """Whether the call took effect; answers that came before are known by their address."""
    content = event.data.result
    outcome = outcome_of(event.data)
    if content is None or event.data.status != "ok":
        return outcome
    address = brief(content.address)
    if content.text is None:
        return state.answers.get(address, outcome)
    if outcome != "ok":
        state.answers[address] = outcome
        if len(state.answers) > MAX_ANSWERS:
            del state.answers[next(iter(state.answers))]
    return outcome
