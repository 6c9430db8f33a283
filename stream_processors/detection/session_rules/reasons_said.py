"""What user, goal and system prompt give reasons for, as `prompt_injection` needs it: deeds, handles, the say."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from pydantic_core import SchemaValidator, core_schema

from watchkeeper.stream_processors.detection.handles import SIZE, brief, handles_in, note, note_digests
from watchkeeper.stream_processors.detection.session_rules.suspicious_contents import PromptInjectionState
from watchkeeper.stream_processors.detection.spoken_deeds import MAX_READ, deeds_of, spoken_of_shared, words_in
from watchkeeper.stream_processors.detection.word_lists import listed

MAX_KNOWN = 128
"""Of what user, goal and system prompt said. With more, no argument is held against the agent."""

MAX_WORDS = 8000
"""Characters of a user's message, and of a system prompt, that are read for handles."""
_DELEGATES = SchemaValidator(
    core_schema.str_schema(
        strict=True,
        pattern=(
            r"(?i)\b(?:follow|do|complete|carry out|execute|perform|act on|take care of|handle|process|work through"
            r"|obey|comply with|go through)\b[^.?!\n]{0,60}\b(?:instructions?|steps|tasks?|to-?dos?|actions?|requests?"
            r"|what(?:ever)?|asks?|says?|e-?mails?|messages?|tickets?|issues?|checklist|runbook|guide|readme|inbox)\b"
        ),
    )
)
_DELEGATED = listed(
    "instruction instructions step steps task tasks todo todos do dos action actions request requests what whatever",
    "ask asks say says email emails mail mails message messages ticket tickets issue issues checklist runbook",
    "guide readme inbox",
)
_TO_ME = re.compile(
    r"(?i)\b(?:tell|show|inform|remind|ask|answer|let|report to|reply to|respond to)\s+(?:me|us)\b(?:\s+know\b)?"
)
"""Whoever wants to be told something gives no reason for telling others."""
_ME = frozenset({"me", "us"})
_NAMED_OUTRIGHT = frozenset({"e-mail address", "URL", "path", "identifier", "number"})
"""What is noted of system prompts: they are long, and quote and name much."""


def take_in(state: PromptInjectionState, text: str) -> None:
    """What a user says is a reason for what the agent does."""
    words = _reasons_in(text)
    state.deeds |= deeds_of(words)
    state.delegates = state.delegates or _delegates(words, text)
    # Where there is no room left, a text is not read for what nobody would note.
    if len(state.known) < MAX_KNOWN * SIZE:
        state.known = note(state.known, (plain for _, plain in handles_in(text[:MAX_WORDS])), MAX_KNOWN)


def _reasons_in(text: str) -> set[str]:
    """The words of a text that give reasons: who wants to be told something gives none for telling others."""
    words = words_in(text)
    if len(text) <= MAX_READ and text.isascii() and "$" not in text and words.isdisjoint(_ME):
        return words
    return words_in(_TO_ME.sub(" ", text))


def _delegates(words: set[str], text: str) -> bool:
    return not words.isdisjoint(_DELEGATED) and _DELEGATES.isinstance_python(text[:MAX_WORDS])


class _Goal(NamedTuple):
    """What a goal says: deeds as bits, handles as digests, and whether it hands over the say."""

    deeds: int
    handles: tuple[str, ...]
    delegates: bool


@lru_cache(maxsize=256)
def _read_goal(text: str) -> _Goal:
    """A goal may serve many sessions: it is read once."""
    words = _reasons_in(text)
    handles = tuple(brief(plain) for _, plain in handles_in(text[:MAX_WORDS]))
    return _Goal(deeds_of(words), handles, _delegates(words, text))


def take_goal(state: PromptInjectionState, text: str) -> None:
    """What a session is for is a reason for what the agent does."""
    goal = _read_goal(text)
    state.deeds |= goal.deeds
    state.delegates = state.delegates or goal.delegates
    if goal.handles:
        state.known = note_digests(state.known, goal.handles, MAX_KNOWN)


def take_system(state: PromptInjectionState, system: str) -> None:
    """What a system prompt speaks of and names is a reason too."""
    state.deeds |= spoken_of_shared(system)
    state.known = note_digests(state.known, _named_outright(system), MAX_KNOWN)


@lru_cache(maxsize=256)
def _named_outright(system: str) -> tuple[str, ...]:
    """The handles of a system prompt, as digests. One serves many sessions: it is read once."""
    return tuple(brief(plain) for kind, plain in handles_in(system[:MAX_WORDS]) if kind in _NAMED_OUTRIGHT)
