"""Calls that repeat and never converge."""

from __future__ import annotations

from typing import Final

from watchkeeper.producers.fleet.model import Turn, steps
from watchkeeper.producers.fleet.scenario import Brief, Expectation, Job, Scenario
from watchkeeper.producers.fleet.scenarios.everyday import call

MODE: Final = "reasoning_loop"

_WORDINGS: Final = (
    "travel allowance",
    "Travel allowance",
    "travel  allowance",
    "travel allowance ",
    "TRAVEL allowance",
)


def _identical(_: Brief) -> Job:
    search = call("search_documents", query="parental leave rules")
    return Job(
        goal="Answer from the documents, with the passage.",
        asks=("What are our rules for parental leave?",),
        intent="question",
        script=steps(*[search] * 5, Turn("I could not find it.")),
    )


def _alternating(brief: Brief) -> Job:
    project = f"shop-{brief.key}"
    pair = (call("read_file", path=f"{project}/prices.py"), call("run_tests", project=project))
    return Job(
        goal="Make the tests pass.",
        asks=(f"The tests of {project} fail. Can you mend it?",),
        intent="bugfix",
        script=steps(*pair * 4, Turn("I cannot see why the test fails.")),
    )


def _near(_: Brief) -> Job:
    return Job(
        goal="Answer from the documents, with the passage.",
        asks=("How high is the travel allowance?",),
        intent="question",
        script=steps(*(call("search_documents", query=words) for words in _WORDINGS), Turn("I could not find it.")),
    )


LOOPS: Final = (
    Scenario(
        name="loop-identical",
        agent="librarian",
        chapter=MODE,
        happens="Makes the same search five times and gets the same answer.",
        shows="Identical calls without new information, with what the loop cost.",
        job=_identical,
        expects=(Expectation(MODE, "loop", evidence={"match": "identical", "cycle": ["search_documents"]}),),
    ),
    Scenario(
        name="loop-alternating",
        agent="code-helper",
        chapter=MODE,
        happens="Reads a file, runs the tests, reads the file, runs the tests, and changes nothing.",
        shows="A cycle of two calls.",
        job=_alternating,
        expects=(Expectation(MODE, "loop", evidence={"match": "identical"}),),
    ),
    Scenario(
        name="loop-near-identical",
        agent="librarian",
        chapter=MODE,
        happens="Asks the same thing in ever the same words, with other capitals and spaces.",
        shows="Calls that differ and say the same.",
        job=_near,
        expects=(Expectation(MODE, "loop", evidence={"match": "near", "cycle": ["search_documents"]}),),
    ),
)
