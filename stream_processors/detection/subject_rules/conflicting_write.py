"""Writes to one resource by sessions that did not know of each other.

What it sees. Writes to a resource that policies declare (`resource_writes` tells them), of all sessions of a tenant.
One is stale when another session wrote after the moment since which the writer knew how the resource stood:

- `lost_update` (high): it had read the resource, or written it, before the other wrote, and writes by what it knew:
  read by A, read by B, written by B, written by A;
- `blind_write` (medium): it had begun, or last listed what there is, before the other wrote, never looked at the
  resource, and writes within the window: both were under way at once.

One finding for each pair of sessions and resource, told again when such writes between them have doubled. It names the
steps of both in their order.

No conflict is: a session that looked, or began, after the other's write; the same call by both (`duplicate_action`
tells that); a session and one that it delegated to, or that delegated to it, which wait for each other. Of other
sessions of one delegation tree only lost updates are found: they may share what they know.

Method. The latest `MAX_WRITES` writes of a day are remembered with what each rested on. Order is by the callers'
clocks, never by arrival: a signal that comes late is held against later writes too.

Parameters: `tolerance_seconds` (0.1: hosts kept by NTP agree within some ten milliseconds; closer steps have no order),
and from the policy of the session that wrote `tools[name].conflict_window_seconds` (300: the longest that field reports
let a session run).

What it gets wrong. Sessions that share a cache, or are told of changes by messages, know more than their calls show.
Writes to different fields of one resource are no conflict in fact, and look like one. A tool that refuses to overwrite
what has changed (a version, an ETag) and says so in an answer that reads like success is accused. Clocks that differ by
more than the tolerance change the order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypedDict

from watchkeeper.schemas.evidence import ConflictingWrite
from watchkeeper.schemas.evidence.conflicting_write import Basis, ResourceStep
from watchkeeper.schemas.model import from_us, to_us
from watchkeeper.schemas.signals import ResourceWritten, Signal
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule

MAX_WRITES = 16
MAX_PAIRS = 16
KEPT_US = 86_400_000_000
"""A session that looked at something longer ago than a day is no longer held to it."""


class Write(TypedDict):
    """A write, and what it rested on.

    Attributes:
        us: when it was called.
        known_us: since when its session knew how the resource stood.
        window_us: within which a blind write is a conflict.
    """

    session: str
    root: str
    parent: str
    event: str
    tool: str
    grave: bool
    deed: str
    us: int
    known_us: int
    basis: Basis
    window_us: int


@dataclass(slots=True)
class ConflictingWriteState:
    """One resource.

    Attributes:
        writes: in the order of their times.
        pairs: `[stale writes, stale writes at which to tell more, revision]`, by the two sessions.
    """

    writes: list[Write] = field(default_factory=list)
    pairs: dict[str, list[int]] = field(default_factory=dict)


class ConflictingWrites(SubjectRule[ConflictingWriteState]):
    """See the module."""

    rule_id = "conflicting_write"
    failure_mode = "conflicting_write"
    listens = frozenset({"resource_written"})
    state_type = ConflictingWriteState

    def __init__(self, *, tolerance_seconds: float = 0.1) -> None:
        self._tolerance_us = round(tolerance_seconds * 1_000_000)

    def fold(self, state: ConflictingWriteState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        if not isinstance(signal, ResourceWritten):
            return ()
        if any(one["event"] == signal.event_id for one in state.writes):
            return ()
        write = _write(signal)
        state.writes.append(write)
        state.writes.sort(key=lambda one: (one["us"], one["event"]))
        oldest_us = state.writes[-1]["us"] - KEPT_US
        state.writes = [one for one in state.writes if one["us"] > oldest_us][-MAX_WRITES:]
        return list(self._conflicts(state, write, signal.resource))

    def _conflicts(self, state: ConflictingWriteState, write: Write, resource: str) -> Iterator[Found]:
        # The latest write that a stale one did not know of stands for all of them; others of its session add nothing.
        before = [one for one in state.writes if self._is_stale(write, one)]
        latest = {one["session"]: one for one in before}
        for other in latest.values():
            yield from self._tell(state, write, other, resource)
        for other in state.writes:
            if self._is_stale(other, write):
                yield from self._tell(state, other, write, resource)

    def _is_stale(self, stale: Write, other: Write) -> bool:
        """Whether the first write was made without knowing of the other, which came before it."""
        if other["session"] == stale["session"] or other["deed"] == stale["deed"]:
            return False
        if (other["us"], other["event"]) > (stale["us"], stale["event"]) or stale["us"] - other["us"] >= KEPT_US:
            return False
        if other["us"] <= stale["known_us"] + self._tolerance_us:
            return False
        looked = stale["basis"] in {"read", "wrote"}
        if stale["root"] == other["root"] and (not looked or _wait_for_each_other(stale, other)):
            return False
        return looked or stale["us"] - other["us"] <= stale["window_us"]

    def _tell(self, state: ConflictingWriteState, stale: Write, other: Write, resource: str) -> Iterator[Found]:
        sessions = sorted((stale["session"], other["session"]))
        pair = state.pairs.setdefault("\n".join(sessions), [0, 1, -1])
        pair[0] += 1
        if len(state.pairs) > MAX_PAIRS:
            del state.pairs[next(iter(state.pairs))]
        if pair[0] < pair[1]:
            return
        pair[1], pair[2] = pair[0] * 2, pair[2] + 1
        lost = stale["basis"] in {"read", "wrote"}
        how = "as it had stood before" if lost else "without a look at it after"
        yield Found(
            about=("conflict", *sessions),
            severity="high" if lost or stale["grave"] else "medium",
            summary=(
                f"Session {stale['session']} wrote ({stale['tool']}) to a resource {how} "
                f"session {other['session']} wrote to it ({other['tool']})."
            ),
            evidence=ConflictingWrite(
                pattern="lost_update" if lost else "blind_write",
                resource=resource,
                overwritten=other["session"],
                stale=stale["session"],
                steps=_steps(stale, other),
                conflicts=pair[0],
                tolerance_seconds=self._tolerance_us / 1_000_000,
            ),
            first_us=stale["known_us"],
            at_us=stale["us"],
            revision=pair[2],
            session_id=stale["session"],
        )


def _write(signal: ResourceWritten) -> Write:
    return Write(
        session=signal.session_id,
        root=signal.root_session_id,
        parent=signal.parent_session_id,
        event=signal.event_id,
        tool=signal.tool_name,
        grave=signal.effect == "irreversible",
        deed=signal.deed,
        us=to_us(signal.called_at),
        known_us=to_us(signal.known_at),
        basis=signal.basis,
        window_us=round(signal.window_seconds * 1_000_000),
    )


def _wait_for_each_other(one: Write, other: Write) -> bool:
    """Whether one session delegated to the other; the head of a tree counts as delegating to all of it."""
    return one["session"] in {other["parent"], other["root"]} or other["session"] in {one["parent"], one["root"]}


def _steps(stale: Write, other: Write) -> list[ResourceStep]:
    steps = []
    for write in (stale, other):
        steps.append(ResourceStep(session_id=write["session"], step=write["basis"], at=from_us(write["known_us"])))
        steps.append(
            ResourceStep(
                session_id=write["session"],
                step="wrote",
                at=from_us(write["us"]),
                tool_name=write["tool"],
                event_id=write["event"],
            )
        )
    return sorted(steps, key=lambda step: step.at)
