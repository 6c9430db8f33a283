"""Sequences of `reasoning_loop`."""

from __future__ import annotations

from typing import Final

from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence
from watchkeeper.stream_processors.detection.sequences.story import Story

MODE: Final = "reasoning_loop"


def _searcher(scene: Scene) -> Story:
    story = scene.story(agent="searcher")
    story.start()
    return story


def _the_same_again(scene: Scene) -> None:
    story = _searcher(scene)
    for _ in range(3):
        story.ask("search", "no results", q="tram 9")
    story.end()


def _two_in_turn(scene: Scene) -> None:
    story = _searcher(scene)
    for _ in range(3):
        story.ask("read", "draft", file="a.txt")
        story.ask("check", "still wrong", file="a.txt")
    story.end()


def _reworded(scene: Scene) -> None:
    story = _searcher(scene)
    for query in ("weather in Paris today", "Paris weather today", "today weather of Paris"):
        story.ask("search", "no results", q=query)
    story.end()


def _more_words_around(scene: Scene) -> None:
    story = _searcher(scene)
    for query in (
        "tram timetable Sundays",
        "where is the tram timetable for Sundays and public holidays",
        "tram timetable",
    ):
        story.ask("search", "no results", q=query)
    story.end()


def _other_things(scene: Scene) -> None:
    story = _searcher(scene)
    for thing in ("bicycle leasing", "dental insurance", "guest parking", "fire drill"):
        story.ask("search", "no results", q=f"{thing} rules")
    story.end()


def _progress(scene: Scene) -> None:
    story = _searcher(scene)
    for percent in (10, 40, 70, 100):
        story.ask("job_status", f"running, {percent} % done", job="j-1")
    story.end()


def _retried_once(scene: Scene) -> None:
    story = _searcher(scene)
    story.ask("search", "time-out", q="tram 9")
    story.ask("search", "tram 9 leaves at 9:12", q="tram 9")
    story.end()


def _pages(scene: Scene) -> None:
    story = _searcher(scene)
    for page, text in enumerate(("apples pears", "plums cherries", "figs dates", "kiwis limes")):
        story.ask("list", text, q="fruit", page=page)
    story.end()


def _asked_again(scene: Scene) -> None:
    story = _searcher(scene)
    for number in range(4):
        story.prompt(f"And now? ({number})")
        story.ask("status", "closed", door="front")
    story.end()


SEQUENCES: Final = (
    Sequence(
        "the-same-again",
        MODE,
        "The same search three times, with the same empty answer.",
        _the_same_again,
        (Fires("loop", evidence={"cycle": ["search"], "match": "identical", "rounds": 3}),),
    ),
    Sequence(
        "two-in-turn",
        MODE,
        "Reads and checks in turn, and nothing changes.",
        _two_in_turn,
        (Fires("loop", evidence={"match": "identical", "rounds": 3}),),
    ),
    Sequence(
        "reworded",
        MODE,
        "The same question in other words, with the same empty answer.",
        _reworded,
        (Fires("loop", evidence={"match": "near"}),),
    ),
    Sequence(
        "more-words-around",
        MODE,
        "The same question with more and fewer words around it.",
        _more_words_around,
        (Fires("loop", evidence={"match": "near"}),),
    ),
    Sequence("other-things", MODE, "Other things are looked for in like words, and none is there.", _other_things),
    Sequence("progress", MODE, "The same call, and each answer is further on.", _progress),
    Sequence("retried-once", MODE, "A failed call is tried again.", _retried_once),
    Sequence("pages", MODE, "Page after page, each with something new.", _pages),
    Sequence("asked-again", MODE, "A person asks the same again and again.", _asked_again),
)
