"""Decisions on facts that are not what they were declared to be.

What it sees. The facts of each decision, and the values of each checkpoint, against the policy's `facts`:

- a fact that is missing or null, of another type, not finite, none of the declared values, or beyond its limits
  (`untyped_fact`, medium);
- a fact that nobody declared, where `allow_undeclared_facts` is false (`untyped_fact`, low);
- a fact in another spelling, read by a declared rule (`normalized_fact`, info): the value was changed, and somebody
  should know how often.

One finding for each fact and fault in a session, told again with its count whenever that has doubled. Without declared
facts nothing is said.

Method. `fact_values.read_fact`: a value is what it is declared to be, as it stands, or by one of the fact's own rules,
or not at all. A number in quotes is a text. At checkpoints only declared values that are there are judged: one that
was not extracted yet is missing or null there.

Parameters: all from the policy. `MAX_TOLD` 24 facts and faults a session: an agent with more has one problem, not
twenty-five.

What it gets wrong. A value that the producer masked cannot be read: `unjudged` says so once for each fact. `money`
reads "1,234" as 1234, which a writer who means 1.234 would not: the policy's author chooses the rule. Decisions that
come late are not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson

from watchkeeper.schemas.events import Checkpoint, Decision, Event, EventType
from watchkeeper.schemas.evidence import NormalizedFact, Unjudged, UntypedFact
from watchkeeper.schemas.evidence.untyped_fact import FactPlace
from watchkeeper.schemas.fact_values import Reading, read_fact
from watchkeeper.schemas.policy import AgentPolicy, Fact
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Said
from watchkeeper.stream_processors.detection.fingerprints import digest
from watchkeeper.stream_processors.detection.session_rules.violations import describe, key

MAX_TOLD = 24
"""Facts with their faults that are counted in a session."""

MAX_UNDECLARED = 8
"""Undeclared facts of one event that are looked at."""

_MAX_EXPECTED = 200
_MASKED = re.compile(r"\[[a-z_]{1,40}(?::[0-9a-f]{1,32})?\]")


@dataclass(slots=True)
class UntypedFactsState:
    """What is kept between events.

    Attributes:
        told: `[count, first event, its time]`, by the digest of fact and fault.
        overflow: whether there were more.
    """

    told: dict[str, list[Any]] = field(default_factory=dict)
    overflow: bool = False


@dataclass(frozen=True, slots=True)
class _Seen:
    """A fact as it came."""

    name: str
    value: Any
    fact: Fact | None
    reading: Reading


class UntypedFacts(Detector[UntypedFactsState]):
    """See the module."""

    rule_id = "untyped_fact"
    failure_mode = "untyped_fact"
    listens = frozenset({"decision", "checkpoint"})
    state_type = UntypedFactsState

    def concerns(self, context: Context) -> frozenset[EventType]:
        """See `Detector.concerns`: without declared facts all are taken as they come."""
        policy = context.policy
        return self.listens if policy.facts or not policy.allow_undeclared_facts else frozenset()

    def step(self, state: UntypedFactsState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        policy = context.policy
        if not policy.facts and policy.allow_undeclared_facts:
            return ()
        if type(event) is Decision:
            return _told(state, _of_decision(event, policy), event, context)
        if type(event) is Checkpoint:
            return _told(state, _of_checkpoint(event, policy), event, context)
        return ()


def is_masked(value: Any) -> bool:
    """Whether a mask stands where the value was."""
    return isinstance(value, str) and _MASKED.fullmatch(value) is not None


def _of_decision(event: Decision, policy: AgentPolicy) -> Iterator[_Seen]:
    facts, name = event.data.facts, event.data.name
    for known, fact in policy.facts.items():
        if known in facts:
            yield _Seen(known, facts[known], fact, read_fact(facts[known], fact))
        elif fact.required and fact.belongs_to(name):
            yield _Seen(known, None, fact, Reading(fault="missing"))
    if not policy.allow_undeclared_facts:
        undeclared = (known for known in facts if known not in policy.facts)
        for known in islice(undeclared, MAX_UNDECLARED):
            yield _Seen(known, facts[known], None, Reading(fault="undeclared"))


def _of_checkpoint(event: Checkpoint, policy: AgentPolicy) -> Iterator[_Seen]:
    for known, checked in event.data.values.items():
        fact = policy.facts.get(known)
        if fact is not None and checked.value is not None:
            yield _Seen(known, checked.value, fact, read_fact(checked.value, fact))


def _told(
    state: UntypedFactsState, seen: Iterable[_Seen], event: Decision | Checkpoint, context: Context
) -> list[Found]:
    where: FactPlace = "decision" if type(event) is Decision else "checkpoint"
    name = event.data.name if type(event) is Decision else event.step
    told = []
    for one in seen:
        if one.reading.fault is not None and one.fact is not None and is_masked(one.value):
            told.append(("masked", one, _unjudged(one)))
            continue
        if one.reading.rule is not None and one.reading.fault is None:
            told.append((one.reading.rule, one, _normalized(one, where, name)))
        if one.reading.fault is not None:
            told.append((one.reading.fault, one, _untyped(one, where, name)))
    found = []
    for what, one, this in told:
        this.first_event_id, this.first_us = event.event_id, context.at_us
        found += _count(state, one.name, what, this)
    return found


def _count(state: UntypedFactsState, name: str, what: str, found: Found) -> list[Found]:
    """The finding, where it is to be told: at first, and whenever its count has doubled."""
    about = digest(f"{name}\0{what}")
    known = state.told.get(about)
    if known is None:
        if len(state.told) >= MAX_TOLD:
            return _overflown(state)
        known = state.told[about] = [0, found.first_event_id, found.first_us]
    known[0] += 1
    count = known[0]
    if count & (count - 1) or (what == "masked" and count > 1):
        return []
    found.about = (about,)
    found.first_event_id, found.first_us = known[1], known[2]
    found.revision = count.bit_length() - 1
    if isinstance(found.evidence, (UntypedFact, NormalizedFact)):
        found.evidence = found.evidence.model_copy(update={"count": count})
        if count > 1:
            found.summary = f"{found.summary.rstrip('.')}; {count} times so far in this session."
    return [found]


def _untyped(one: _Seen, where: FactPlace, name: str) -> Found:
    fault = one.reading.fault or "wrong_type"
    expected = "a declared fact" if one.fact is None else expected_of(one.fact)
    got = "nothing" if fault == "missing" else described(one.value, one.fact)
    place = f"The decision {key(name)}" if where == "decision" else f"The checkpoint at step {key(name) or 'unnamed'}"
    if fault == "undeclared":
        summary = f"{place} rests on {key(one.name)}, which its policy does not declare."
    else:
        summary = f"{place} rests on {key(one.name)} as {got}, where {expected} is declared."
    return Found(
        about=(),
        severity="low" if fault == "undeclared" else "medium",
        summary=summary,
        evidence=UntypedFact(
            fact=key(one.name),
            fault=fault,
            where=where,
            name=key(name),
            expected=expected,
            got=got,
            hint=_hint(one),
        ),
    )


def _normalized(one: _Seen, where: FactPlace, name: str) -> Found:
    rule = one.reading.rule or "trim"
    return Found(
        about=(),
        severity="info",
        summary=f"{key(one.name)} came in another spelling and was read by the rule {rule}.",
        evidence=NormalizedFact(fact=key(one.name), rule=rule, where=where, name=key(name)),
    )


def _unjudged(one: _Seen) -> Found:
    return Found(
        about=(),
        severity="low",
        summary=f"The fact {key(one.name)} was masked at its source and could not be judged.",
        evidence=Unjudged(detector=UntypedFacts.rule_id, reason="masked at the source", detail={"fact": one.name}),
    )


def _overflown(state: UntypedFactsState) -> list[Found]:
    if state.overflow:
        return []
    state.overflow = True
    reason = f"more than {MAX_TOLD} facts and faults"
    return [
        Found(
            about=("unjudged", "overflow"),
            severity="low",
            summary=f"Facts of this session could not all be told: {reason}.",
            evidence=Unjudged(detector=UntypedFacts.rule_id, reason=reason),
        )
    ]


def expected_of(fact: Fact) -> str:
    """What was declared, in words."""
    words: str = fact.type
    if fact.one_of is not None:
        words += " out of " + orjson.dumps(fact.one_of).decode()
    if fact.minimum is not None:
        words += f" of at least {fact.minimum:g}"
    if fact.maximum is not None:
        words += f"{' and' if fact.minimum is not None else ' of'} at most {fact.maximum:g}"
    return words if len(words) <= _MAX_EXPECTED else words[: _MAX_EXPECTED - 1] + "…"


def described(value: Any, fact: Fact | None) -> str:
    """The value by type and size; by type alone where it is personal, or nobody said that it is not."""
    if fact is None or fact.pii:
        # A digit alone, or a plain word, may be the person's own.
        kind = {str: "a string", bool: "a boolean", list: "an array", dict: "an object", type(None): "null"}
        return kind.get(type(value), "a number")
    return describe(value)


def _hint(one: _Seen) -> str:
    fact, value = one.fact, one.value
    if fact is None or fact.pii or not isinstance(value, str):
        return ""
    for allowed in fact.one_of or ():
        if isinstance(allowed, str) and allowed.strip().casefold() == value.strip().casefold():
            return f'"{allowed}" is declared: letter case or white space differs'
    return ""
