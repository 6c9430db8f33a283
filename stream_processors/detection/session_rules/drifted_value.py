"""Values that leave their source from step to step.

What it sees. The values of each checkpoint, beside their source, and what the session's earlier checkpoints held:

- a value that does not agree with the source's own (`value_mismatch`, high where the policy lists it, medium else);
- a value that changed since an earlier step though its source did not (`value_changed`, the same): small errors
  compound like that;
- a value of a version that its source has left behind, as another value or step of the session showed (`stale_source`,
  medium).

Each is told at the step where it happens, and not again while the value stays as it is. At the session's end a session
of a workflow whose policy has an objective for `workflow_accuracy` tells stage 2 which of its steps were right.

It needs no policy where a value carries its source: that they differ can be seen. The policy's `checkpoints` say which
values must be checked at a step, and with what tolerance; one of these that has no source is told as `unjudged`.

Method. `agreement`: as the fact of that name is declared, leniently without. A source has changed when its version or
its own value has. Versions are told apart by number or time where both tell one, by the order in which they came else.
Values are kept as digests.

Parameters: `checkpoints[].tolerance`; `MAX_VALUES` 32 names, `MAX_SOURCES` 16, `MAX_STEPS` 24 a session, which is more
than workflows in the field have; `unjudged` says where there were more.

What it gets wrong. A source that goes back to an earlier state under its earlier version looks stale. Without a
declared fact a source that tells "Pro" and "PRO" apart is not understood. A value without a source is judged only
where the policy lists it. Masked values are not compared. Where a value comes without its source's own, a change is
told even if the policy's tolerance would forgive it. Checkpoints that come late are not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypedDict

from watchkeeper.schemas.events import Checkpoint, Event, SessionEnded
from watchkeeper.schemas.evidence import Unjudged
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.signals import WorkflowRan, subject_of
from watchkeeper.stream_processors.detection.agreement import agree, as_declared, plainly
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Said, Told
from watchkeeper.stream_processors.detection.fingerprints import canonical, digest, short
from watchkeeper.stream_processors.detection.session_rules.drift_evidence import (
    Look,
    stale_source,
    value_changed,
    value_mismatch,
)
from watchkeeper.stream_processors.detection.session_rules.untyped_fact import is_masked
from watchkeeper.stream_processors.detection.session_rules.violations import key
from watchkeeper.stream_processors.detection.source_versions import Versions, is_older, see

MAX_VALUES = 32
MAX_SOURCES = 16
MAX_STEPS = 24
MAX_UNJUDGED = 16
_RATE = "workflow_accuracy"


class Held(TypedDict):
    """A value as it was last held.

    Attributes:
        value: its digest.
        source: the digest of its source, with version and own value.
        step: where it was first so.
        told: what was told of it so: `m`ismatch, `s`tale.
    """

    value: str
    source: str
    step: str
    told: str


@dataclass(slots=True)
class DriftedValuesState:
    """What is kept between events.

    Attributes:
        held: values, by the digest of their names.
        sources: their versions, by the digest of the source.
        steps: whether all was right there so far, by step.
        unjudged: what was told as not judged.
        ended: whether the steps were told.
    """

    held: dict[str, Held] = field(default_factory=dict)
    sources: dict[str, Versions] = field(default_factory=dict)
    steps: dict[str, bool] = field(default_factory=dict)
    unjudged: list[str] = field(default_factory=list)
    ended: bool = False


class DriftedValues(Detector[DriftedValuesState]):
    """See the module."""

    rule_id = "drifted_value"
    failure_mode = "context_drift"
    listens = frozenset({"checkpoint", "session_ended"})
    state_type = DriftedValuesState

    def step(self, state: DriftedValuesState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        if type(event) is Checkpoint:
            return [*_judge(state, event, context.policy), *_missing(state, event, context.policy)]
        if type(event) is SessionEnded and state.steps and not state.ended:
            return _ran(state, context)
        return ()


def _judge(state: DriftedValuesState, event: Checkpoint, policy: AgentPolicy) -> Iterator[Found]:
    tolerances = _listed(event.step, policy)
    looks = [
        Look(name, checked, event, policy.facts.get(name), tolerances.get(name))
        for name, checked in event.data.values.items()
        if checked.value is not None and not is_masked(checked.value)
    ]
    room = True
    for look in looks:
        room = _see_version(state, look) and room
    for look in looks:
        found: list[Found] = []
        room = _judge_value(state, look, found) and room
        yield from found
    if not room:
        yield from _unjudged(state, "overflow", f"more than {MAX_VALUES} values or {MAX_SOURCES} sources")


def _judge_value(state: DriftedValuesState, look: Look, found: list[Found]) -> bool:
    """Whether there was room for the value; adds what is to be told of it."""
    name, held = digest(look.name), _held(look)
    before = state.held.get(name)
    if before is not None and before["value"] == held["value"] and before["source"] == held["source"]:
        held["step"], held["told"] = before["step"], before["told"]
    wrong = ""
    if look.has_source_value and not agree(
        look.checked.value, look.checked.source_value, look.fact, look.tolerance or 0.0
    ):
        wrong = "m"
    elif before is not None and _changed(before, held, look):
        wrong = "c"
        found.append(value_changed(look, before["step"]))
    versions, version = state.sources.get(digest(look.checked.source)), look.checked.source_version
    if version and versions is not None and is_older(version, versions):
        wrong += "s"
        if "s" not in held["told"]:
            found.append(stale_source(look, versions))
    if "m" in wrong and "m" not in held["told"]:
        found.append(value_mismatch(look))
    held["told"] = "".join(sorted({*held["told"], *wrong} - {"c"}))
    if wrong or look.has_source_value:
        _count(state, look.event.step, right=not wrong)
    if before is None and len(state.held) >= MAX_VALUES:
        return False
    state.held[name] = held
    return True


def _changed(before: Held, held: Held, look: Look) -> bool:
    if before["value"] == held["value"] or before["source"] != held["source"]:
        return False
    # Right by its source now: then it was wrong before, and that was told there.
    if look.has_source_value:
        return False
    return look.tolerance is not None or bool(look.checked.source and look.checked.source_version)


def _held(look: Look) -> Held:
    checked, session = look.checked, look.event.session_id
    source = [checked.source, checked.source_version, plainly(as_declared(checked.source_value, look.fact))]
    return Held(
        value=digest(session.encode() + canonical(plainly(as_declared(checked.value, look.fact)))),
        source=digest(session.encode() + canonical(source)),
        step=short(look.event.step),
        told="",
    )


def _see_version(state: DriftedValuesState, look: Look) -> bool:
    """Whether there was room for the source."""
    source = digest(look.checked.source)
    if not look.checked.source_version:
        return True
    if source not in state.sources and len(state.sources) >= MAX_SOURCES:
        return False
    versions = state.sources.setdefault(source, Versions(seen=[], step=""))
    see(versions, look.checked.source_version, short(look.event.step))
    return True


def _count(state: DriftedValuesState, step: str, *, right: bool) -> None:
    step = short(step)
    if step in state.steps or len(state.steps) < MAX_STEPS:
        state.steps[step] = state.steps.get(step, True) and right


def _listed(step: str, policy: AgentPolicy) -> dict[str, float]:
    """The values that must be checked at a step, with their tolerances."""
    return {name: rule.tolerance for rule in policy.checkpoints if rule.step in {step, "*"} for name in rule.values}


def _missing(state: DriftedValuesState, event: Checkpoint, policy: AgentPolicy) -> Iterator[Found]:
    for rule in policy.checkpoints:
        if rule.step != event.step:
            continue
        for name in rule.values:
            checked = event.data.values.get(name)
            if checked is None or checked.value is None:
                yield from _unjudged(state, f"{event.step}/{name}", f"{key(name)} is not told at step {event.step}")
            elif checked.source_value is None and not checked.source_version:
                reason = f"{key(name)} has neither a source's value nor its version at step {event.step}"
                yield from _unjudged(state, f"{event.step}/{name}", reason)


def _ran(state: DriftedValuesState, context: Context) -> list[Told]:
    session = context.session
    objective = next((one for one in context.policy.objectives if one.rate == _RATE), None)
    if objective is None or not session.workflow:
        return []
    state.ended = True
    name = short(f"{session.agent_id}/{session.workflow}")
    return [
        Told(
            about=("steps",),
            subject=subject_of("workflow", session.tenant_id, session.origin, name),
            kind=WorkflowRan,
            values={
                "workflow": session.workflow,
                "steps": dict(state.steps),
                "target": objective.target,
                "window_days": objective.window_days,
            },
        )
    ]


def _unjudged(state: DriftedValuesState, about: str, reason: str) -> list[Found]:
    known = digest(about)
    if known in state.unjudged or len(state.unjudged) >= MAX_UNJUDGED:
        return []
    state.unjudged.append(known)
    return [
        Found(
            about=("unjudged", known),
            severity="low",
            summary=f"Values at checkpoints could not all be judged: {reason}.",
            evidence=Unjudged(detector=DriftedValues.rule_id, reason=reason),
        )
    ]
