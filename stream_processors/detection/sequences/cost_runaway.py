"""Sequences of `cost_runaway`."""

from __future__ import annotations

from typing import Final

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence
from watchkeeper.stream_processors.detection.sequences.story import Story

MODE: Final = "cost_runaway"
POLICY: Final = AgentPolicy.model_validate(
    {
        "agent": "librarian",
        "caps": {"tool_calls": 10, "tokens": 10_000, "wall_clock_seconds": 60.0, "cost_usd": None},
    }
)


def _library(scene: Scene) -> Story:
    story = scene.story(agent="librarian", policy=POLICY)
    story.start()
    return story


def _one_call_too_many(scene: Scene) -> None:
    story = _library(scene)
    for number in range(11):
        story.ask("read", f"page {number} of another book", page=number, book=f"b-{number * 7}")
    story.end()


def _too_many_tokens(scene: Scene) -> None:
    story = _library(scene)
    for _ in range(3):
        story.response(3000, 400)
    story.end()


def _too_long(scene: Scene) -> None:
    story = _library(scene)
    story.ask("read", "a page", page=1)
    story.wait(61)
    story.ask("read", "another page", page=2)
    story.end()


def _hangs(scene: Scene) -> None:
    story = _library(scene)
    story.prompt("Read it to me.")
    scene.silence_seconds = 70


def _ten_calls(scene: Scene) -> None:
    story = _library(scene)
    for number in range(7):
        story.ask("read", f"page {number} of another book", page=number, book=f"b-{number * 7}")
    story.end()


def _cached_tokens(scene: Scene) -> None:
    story = _library(scene)
    for _ in range(20):
        story.response(9000, 50, cached=8900)
        story.wait(0.5)
    story.end()


def _approved_late(scene: Scene) -> None:
    story = _library(scene)
    story.ask("read", "a page", page=1)
    story.end()
    story.wait(3600)
    story.writer = "feedback"
    story.say("outcome", {"name": "helped", "kind": "feedback", "label": "yes"})


SEQUENCES: Final = (
    Sequence(
        "one-call-too-many",
        MODE,
        "The eleventh of ten calls.",
        _one_call_too_many,
        (
            Fires("cap_use", severity="low", evidence={"cap": "tool_calls", "used": 8}),
            Fires("cap_use", severity="high", evidence={"cap": "tool_calls", "used": 11}),
        ),
    ),
    Sequence(
        "too-many-tokens",
        MODE,
        "Every request pays for the whole context again.",
        _too_many_tokens,
        (Fires("cap_use", severity="high", evidence={"cap": "tokens", "used": 10_200}),),
    ),
    Sequence(
        "too-long",
        MODE,
        "One step takes longer than the whole session may.",
        _too_long,
        (
            Fires("cap_use", severity="low", evidence={"cap": "wall_clock_seconds", "by_tick": True}),
            Fires("cap_use", severity="high", evidence={"cap": "wall_clock_seconds", "by_tick": True}),
        ),
    ),
    Sequence(
        "hangs",
        MODE,
        "A request to the model never comes back: no event tells of it.",
        _hangs,
        (
            Fires("cap_use", severity="low", evidence={"cap": "wall_clock_seconds", "by_tick": True}),
            Fires("cap_use", severity="high", evidence={"cap": "wall_clock_seconds", "by_tick": True}),
        ),
    ),
    Sequence("below-the-warning", MODE, "Seven calls of ten.", _ten_calls),
    Sequence("cached-context", MODE, "A long context that is read from the cache each time.", _cached_tokens),
    Sequence("outcome-later", MODE, "An outcome arrives an hour after the session's end.", _approved_late),
)
