"""Agents whose model, prompt, tools or policy changed though nobody released anything.

What it sees. What each session of an agent ran with (`session_facts` tells it), against what sessions of the same
`agent_version` in the same environment had before. A value that none of them had is `version_drift` (high for a policy,
low for a prompt's version, medium else), at first sight, once, with what it was before.

No drift is: the first session of a version, whatever it has; a new `agent_version`, which is how a change is
announced; a policy whose own `version` is new; a value that was known before (two that alternate, or one that comes
back after a rollback, are told once); the dated name of a model (`gpt-4o-2024-08-06`) where its undated one was known,
or the other way round. A provider that moves an undated name to another model is told as `model_version`.

Method. A registry of the values seen, by environment and version. A value counts as settled when `settled` sessions in
a row brought no new one; only against settled values is a new one a change. What varies from session to session (a
system prompt with the customer's name, tools by the caller's rights) never settles, and is never told after its first
time.

Parameters: `settled` 1 for what a runtime declares (model, tools, policy, prompt's version): the second session can
show it; 3 for the system prompt, which is often made anew for each session, and for anything that changed once
already. At most `MAX_TOLD` changes of one kind are told under one version; then `unjudged` says once that it changes
too often.

What it gets wrong. An agent without `agent_version` cannot announce anything: each change is told. A system prompt that
holds names may settle by chance when one customer comes three times in a row. A router that seldom takes its second
model is told of when it first does. Sessions that are read out of order may be compared with later ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypedDict

from watchkeeper.schemas.evidence import Unjudged, VersionDrift
from watchkeeper.schemas.failure_modes import Severity
from watchkeeper.schemas.signals import SessionFact, SessionFacts, Signal
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule

MAX_RELEASES = 8
"""Versions, by environment, that are remembered; the one used longest ago is forgotten and learned anew."""

MAX_VALUES = 12
MAX_TOLD = 4
SETTLED = 3

_DATED = re.compile(r"[-@:](?:\d{4}-\d\d-\d\d|\d{8}|\d{6}|\d{3,4}|latest)$")
_SEVERITIES: dict[str, Severity] = {"policy": "high", "prompt_version": "low"}
_WORDS: dict[str, str] = {
    "model": "the model",
    "model_version": "the model behind its name",
    "prompt_version": "the prompt's version",
    "system": "the system prompt",
    "tools": "the registered tools",
    "policy": "the policy",
}


class Known(TypedDict):
    """A value that sessions had."""

    value: str
    shown: str
    version: str


class Registry(TypedDict):
    """What sessions of one version had of one kind.

    Attributes:
        values: the latest used last.
        streak: sessions in a row that brought no new value, the first with it included.
        told: changes that were told; one more than `MAX_TOLD` when that was said too.
    """

    values: list[Known]
    streak: int
    told: int


@dataclass(slots=True)
class VersionDriftState:
    """One agent.

    Attributes:
        releases: registries by kind, by environment and version.
    """

    releases: dict[str, dict[str, Registry]] = field(default_factory=dict)


class VersionDrifts(SubjectRule[VersionDriftState]):
    """See the module."""

    rule_id = "version_drift"
    failure_mode = "version_drift"
    listens = frozenset({"session_facts"})
    state_type = VersionDriftState

    def fold(self, state: VersionDriftState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        if not isinstance(signal, SessionFacts):
            return ()
        release = f"{signal.environment}\n{signal.agent_version}"
        kinds = state.releases.pop(release, {})
        state.releases[release] = kinds
        if len(state.releases) > MAX_RELEASES:
            del state.releases[next(iter(state.releases))]
        return [found for fact in signal.facts for found in _take(kinds, fact, signal)]


def _take(kinds: dict[str, Registry], fact: SessionFact, signal: SessionFacts) -> Iterable[Found]:
    new = Known(value=fact.value, shown=fact.shown, version=fact.version)
    registry = kinds.get(fact.what)
    if registry is None:
        kinds[fact.what] = Registry(values=[new], streak=1, told=0)
        return ()
    values = registry["values"]
    known = next((one for one in values if one["value"] == fact.value), None)
    if known is not None:
        values.remove(known)
        values.append(known)
        registry["streak"] += 1
        return ()
    before, streak = values[-1], registry["streak"]
    values.append(new)
    del values[:-MAX_VALUES]
    if _is_announced(fact, values[:-1]):
        registry["streak"] += 1
        return ()
    registry["streak"] = 1
    needed = SETTLED if fact.what == "system" or registry["told"] else 1
    if streak < needed or registry["told"] > MAX_TOLD:
        return ()
    registry["told"] += 1
    if registry["told"] > MAX_TOLD:
        return [_too_often(fact, signal)]
    return [_found(fact, before, streak, signal)]


def _is_announced(fact: SessionFact, values: list[Known]) -> bool:
    """Whether the new value says itself that it is one, or is another name of a known one."""
    if fact.what == "policy":
        return bool(fact.version) and all(one["version"] != fact.version for one in values)
    if fact.what != "model":
        return False
    base = _DATED.sub("", fact.value)
    undated = {base, f"{base}-latest"}
    same = {one["value"] for one in values if _DATED.sub("", one["value"]) == base}
    return bool(same) and (fact.value in undated or same <= undated)


def _found(fact: SessionFact, before: Known, streak: int, signal: SessionFacts) -> Found:
    release = f"under version {signal.agent_version}" if signal.agent_version else "of an agent that tells no version"
    return Found(
        # Which of the two came first depends on the order in which partitions are read; that they differ does not.
        about=("drift", signal.environment, signal.agent_version, fact.what, *sorted((before["value"], fact.value))),
        severity=_SEVERITIES.get(fact.what, "medium"),
        summary=f"A session {release} ran with something new: {_WORDS[fact.what]} changed unannounced.",
        evidence=VersionDrift(
            what=fact.what,
            before=before["shown"],
            after=fact.shown,
            agent_version=signal.agent_version,
            environment=signal.environment,
            sessions=streak,
        ),
        session_id=signal.session_id,
    )


def _too_often(fact: SessionFact, signal: SessionFacts) -> Found:
    reason = f"{_WORDS[fact.what]} changed more than {MAX_TOLD} times under one version"
    return Found(
        about=("unjudged", signal.environment, signal.agent_version, fact.what),
        severity="low",
        summary=f"Further changes are not told: {reason}.",
        evidence=Unjudged(detector=VersionDrifts.rule_id, reason=reason, detail={"what": fact.what}),
    )
