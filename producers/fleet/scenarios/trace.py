"""Sessions that nobody can reconstruct afterwards."""

from __future__ import annotations

from typing import Final

from watchkeeper.producers.fleet.faults import Drop, Tamper
from watchkeeper.producers.fleet.model import Turn, steps
from watchkeeper.producers.fleet.plays import forgetting_a_result, on_faulty_wire
from watchkeeper.producers.fleet.scenario import Brief, Expectation, Job, Scenario
from watchkeeper.producers.fleet.scenarios.everyday import bugfix, call, refund

MODE: Final = "audit_gap"


def _thoughtful(brief: Brief) -> Job:
    topic = brief.chance.choice(("privacy", "safety"))
    return Job(
        goal="Answer from the documents, with the passage.",
        asks=(f"Which {topic} handbook is in force?",),
        intent="question",
        script=steps(
            Turn(
                calls=call("search_documents", query=f"{topic} handbook").calls,
                reasoning="The newest one is in force, so I need the list.",
            ),
            Turn("The one of 2025."),
        ),
    )


def _visitor(brief: Brief) -> Job:
    return Job(
        goal="Tell visitors whether the person they want to see is free.",
        asks=("Is Ada free today?",),
        intent="visit",
        script=steps(call("list_events", owner=f"ada-{brief.key}", day="2025-06-02"), Turn("She is free at noon.")),
    )


TRACE: Final = (
    Scenario(
        name="lost-event",
        agent="librarian",
        chapter=MODE,
        happens="One event is lost on its way.",
        shows="The writer's numbers have a gap.",
        job=_thoughtful,
        expects=(Expectation(MODE, "sequence_gap"),),
        play=on_faulty_wire(Drop("reasoning")),
    ),
    Scenario(
        name="unanswered-call",
        agent="code-helper",
        chapter=MODE,
        happens="A call's result is never recorded, and the session ends.",
        shows="A call without a result.",
        job=bugfix,
        expects=(Expectation(MODE, "unanswered_call", evidence={"tool_name": "read_file"}),),
        play=forgetting_a_result("read_file"),
    ),
    Scenario(
        name="never-closed",
        agent="front-desk",
        chapter=MODE,
        happens="The agent's process dies after its last answer.",
        shows="A session that falls silent without an end, found by the passing of time alone.",
        job=_visitor,
        expects=(Expectation(MODE, "never_closed"),),
        play=on_faulty_wire(Drop("session_ended"), abandoned=True),
        slow=True,
    ),
    Scenario(
        name="tampered-text",
        agent="refund-desk",
        chapter=MODE,
        happens="Somebody rewrites an answer between the agent and the store.",
        shows="A text that does not have the hash under which it came.",
        job=refund,
        expects=(Expectation(MODE, "content_mismatch"),),
        play=on_faulty_wire(Tamper("Your refund has been paid", "Your refund has been denied")),
    ),
)
