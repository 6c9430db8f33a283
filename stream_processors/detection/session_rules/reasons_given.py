"""What a session's texts give reasons for: the goal, the system prompt, users, proposals, results.

Kept is one bit for each deed, the names of things, and digests of addresses; see `unexplained_action`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from watchkeeper.schemas.events import Prompt, SessionStarted, ToolResult
from watchkeeper.stream_processors.detection import reasons
from watchkeeper.stream_processors.detection.addresses import addresses_in
from watchkeeper.stream_processors.detection.attribution import COMMANDED, share_out
from watchkeeper.stream_processors.detection.deeds import DEEDS, Toolbox, toolbox_of
from watchkeeper.stream_processors.detection.detector import Context
from watchkeeper.stream_processors.detection.message_texts import said_in, system_in
from watchkeeper.stream_processors.detection.session_rules.kept_findings import Kept
from watchkeeper.stream_processors.detection.tools import ToolRegistry

MIN_SYSTEM_WORDS = 100
"""From which on a system prompt says what an agent is for, and so stands for its goal."""

MAX_ADDRESSES = 40
"""Remembered of a session's texts. With more, every address passes for known."""

MAX_SPOKEN = 64
"""Verbs and things remembered."""

MAX_RESULT = 8000
"""Characters of a result that are read for addresses."""

Source = Literal["goal", "system", "users", "results"]
SOURCES: tuple[Source, ...] = ("goal", "system", "users", "results")
WRITING = frozenset({"write", "irreversible"})
"""Effects of tools that change something."""

TO_SOMEBODY = reasons.bit("send") | reasons.bit("export")
"""Deeds that are told by whom they reach."""

_CHANGE = reasons.bit("change")
_ALL = sum(map(reasons.bit, DEEDS))


@dataclass(slots=True)
class UnexplainedActionState:
    """What is kept between events.

    Attributes:
        open: deeds that the session's tools can do and nobody asked for yet, as bits. Nothing is read for others.
        wide: deeds that the goal or users spoke of.
        core: deeds that the system prompt or the agent named.
        commanded: those of them that may be done by a command.
        spoken: things of the tools that were spoken of, as stems; `deed:thing` where the system prompt or the agent
            named both in one sentence.
        looked: the sources that were read, as bits.
        goal_words: of the longest goal.
        addresses: digests of the e-mail addresses in the session's texts.
        told: the tools that were told: the first call's event, how many there were, the revision.
        kept: findings whose calls wait for their results.
    """

    open: int = 0
    wide: int = 0
    core: int = 0
    commanded: int = 0
    spoken: list[str] = field(default_factory=list)
    looked: int = 0
    goal_words: int = 0
    addresses: list[str] = field(default_factory=list)
    told: dict[str, list[Any]] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)


def begin(state: UnexplainedActionState, event: SessionStarted, context: Context) -> None:
    """Opens what the session's tools can do, but for what its goal gives a reason for."""
    data, policy = event.data, context.policy
    known = context.tools is not None or bool(policy.tools)
    writing = any(tool.effect in WRITING for tool in policy.tools.values())
    given = _given(
        f"{data.intent} {event.workflow}",
        (policy.goal.statement, (data.goal.text or "") if data.goal is not None else ""),
        toolbox_in(context) if known else None,
        writing=writing,
    )
    # Where a session is resumed, what was said before stays said.
    state.wide |= given.wide
    for spoken in given.spoken:
        _speak(state, spoken)
    state.open = given.open
    if given.words >= 0:
        state.goal_words = max(state.goal_words, given.words)
        _look(state, "goal")
    for text in given.addressed:
        state.addresses = _with_addresses(state.addresses, text)
    if data.goal is not None and data.goal.text is None and not data.resumed:
        state.open = 0


class _Given(NamedTuple):
    """What a session begins with: fields of its state, -1 words where there is no goal, goals that name addresses."""

    open: int
    wide: int
    spoken: tuple[frozenset[str], ...]
    words: int
    addressed: tuple[str, ...]


@lru_cache(maxsize=512)
def _given(labels: str, goals: tuple[str, ...], toolbox: Toolbox | None, *, writing: bool) -> _Given:
    """Sessions of one agent begin alike: it is worked out once."""
    opened = _ALL if toolbox is None else sum(map(reasons.bit, toolbox.deeds))
    if not writing:
        opened &= ~_CHANGE
    things = frozenset[str]() if toolbox is None else toolbox.things
    labels = labels.replace("_", " ").replace("-", " ")
    told = [("", labels, reasons.of_goal(labels)._replace(foreign=False))] if labels.strip() else []
    told += [(goal, goal, reasons.of_goal(goal)) for goal in goals if goal]
    wide, addressed, of_things = 0, [], frozenset[str]()
    for goal, text, reason in told:
        wide |= reason.wide
        if reason.foreign:
            opened = 0
        elif reason.core & opened and toolbox is not None:
            shared = share_out(reasons.named_in(text, is_goal=True), opened, of_things, toolbox)
            opened, of_things = shared.open, of_things | shared.spoken
        else:
            opened &= ~reason.core
        if "@" in goal and opened & TO_SOMEBODY:
            addressed.append(goal)
    return _Given(
        open=opened,
        wide=wide,
        spoken=(*(reason.stems & things for *_, reason in told), of_things),
        words=max((reason.words for goal, _, reason in told if goal), default=-1),
        addressed=tuple(addressed),
    )


def read_prompt(state: UnexplainedActionState, event: Prompt, context: Context) -> None:
    """Takes in a prompt: its system prompt, what users said, and what the agent had proposed to them."""
    for system in system_in(event.data):
        told = reasons.of_system(system)
        words = sum(reason.words for reason in told)
        _take_sentences(state, told, context, at_length=words >= MIN_SYSTEM_WORDS)
        _look(state, "system")
        _note_addresses(state, system)
        if words >= MIN_SYSTEM_WORDS:
            state.goal_words = max(state.goal_words, words)
    for role, text in said_in(event.data):
        if role == "assistant":
            _take_sentences(state, reasons.of_proposal(text), context)
        elif state.open:
            _take(state, text, reasons.of_user(text), context)
            _look(state, "users")
            _note_addresses(state, text)


def read_result(state: UnexplainedActionState, event: ToolResult, context: Context) -> None:
    """Takes in a result: deeds that it orders, and what a person asks for in a trusted one."""
    content = event.data.result
    if content is None or content.text is None:
        return
    _note_addresses(state, content.text[:MAX_RESULT])
    named = reasons.of_result(content.text, state.open)
    if named:
        state.open &= ~named
        _look(state, "results")
    if state.open and event.data.trust == "trusted" and (asked := reasons.of_request(content.text)) is not None:
        _take(state, content.text, asked._replace(foreign=False), context)
        _look(state, "results")


def _take(state: UnexplainedActionState, text: str, reason: reasons.Reason, context: Context) -> None:
    """Takes in what a user says: what they name is explained; what they speak of, together with its thing.

    Who writes another language explains all: what the text lacks says nothing.
    """
    toolbox = toolbox_in(context)
    state.wide |= reason.wide
    _speak(state, reason.stems & toolbox.things)
    if reason.foreign:
        state.open = 0
    elif reason.core & state.open:
        shared = share_out(reasons.named_in(text), state.open, state.spoken, toolbox)
        # What is said of deeds without a sentence of their own, as by who no longer wants a thing.
        state.open = shared.open & ~(reason.core & ~shared.core)
        _speak(state, shared.spoken)


def _take_sentences(
    state: UnexplainedActionState, told: tuple[reasons.Reason, ...], context: Context, *, at_length: bool = False
) -> None:
    """Takes in a text sentence by sentence: what stands far apart has nothing to do with each other.

    What a long text says of deeds is a reason for commands only beside something that commands act on.
    """
    toolbox = toolbox_in(context)
    spoken: set[str] = set()
    for reason in told:
        things = reason.stems & toolbox.things
        spoken |= things
        if reason.core & state.open and things:
            named = [deed for deed in toolbox.deeds if reasons.bit(deed) & reason.core]
            spoken.update(f"{deed}:{thing}" for deed in named for thing in things)
        state.core |= reason.core
        if not at_length or not COMMANDED.isdisjoint(reason.stems):
            state.commanded |= reason.core
    _speak(state, spoken)


def _speak(state: UnexplainedActionState, spoken: Iterable[str]) -> None:
    more = set(spoken).difference(state.spoken)
    if more:
        state.spoken = [*state.spoken, *sorted(more)][:MAX_SPOKEN]


def toolbox_in(context: Context) -> Toolbox:
    """The session's tools: those registered, or else those that the policy lists."""
    return toolbox_of(tuple(context.policy.tools)) if context.tools is None else _of_registry(context.tools)


@lru_cache(maxsize=256)
def _of_registry(tools: ToolRegistry) -> Toolbox:
    return toolbox_of(tuple(tools.names))


def _note_addresses(state: UnexplainedActionState, text: str) -> None:
    if state.open & TO_SOMEBODY and "@" in text:
        state.addresses = _with_addresses(state.addresses, text)


def _with_addresses(known: list[str], text: str) -> list[str]:
    return list(dict.fromkeys([*known, *addresses_in(text)]))[:MAX_ADDRESSES]


def _look(state: UnexplainedActionState, source: Source) -> None:
    state.looked |= bit_of(source)


def bit_of(source: Source) -> int:
    """The source's bit in `looked`."""
    return 1 << SOURCES.index(source)
