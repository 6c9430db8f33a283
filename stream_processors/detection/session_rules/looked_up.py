"""What a session looked up since its last answer, and what it knows by then: the state of `ungrounded_answer`."""

from __future__ import annotations

from dataclasses import dataclass, field

from watchkeeper.schemas.events import ToolResult
from watchkeeper.stream_processors.detection.known_text import Known


@dataclass(slots=True)
class UngroundedAnswerState(Known):
    """What is kept between events, beside what is known.

    Attributes:
        looked_up: whether anything was retrieved.
        blind: why claims cannot be judged; empty while they can.
        results: whether tools' results come as events; else they are read in prompts.
        retrievals: since the last answer.
        documents: that these found.
        best: the best of their scores; -1 where there is none.
        unscored: whether one of them had no score that can be judged.
        last_us: when the latest of these retrievals ended.
        within: whether the result of the call within which was retrieved has come.
        told: reasons not to judge that were told.
    """

    looked_up: bool = False
    blind: str = ""
    results: bool = False
    retrievals: int = 0
    documents: int = 0
    best: float = -1.0
    unscored: bool = False
    last_us: int = 0
    within: bool = False
    told: list[str] = field(default_factory=list)


def hear_a_tool(state: UngroundedAnswerState, event: ToolResult, at_us: int) -> None:
    """A tool may know what the search did not find. Of calls that ran while it searched one is taken for the search."""
    took_us = event.data.duration_us
    if state.retrievals and not state.within and took_us is not None and at_us - took_us <= state.last_us:
        state.within = True
    else:
        forget_retrievals(state)


def forget_retrievals(state: UngroundedAnswerState) -> None:
    """An answer, or a tool, has made use of them: what comes next is looked up anew."""
    state.retrievals = state.documents = 0
    state.best, state.unscored, state.within = -1.0, False, False
