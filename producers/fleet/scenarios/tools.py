"""Calls of tools that do not exist, and of tools that do with arguments that they do not take."""

from __future__ import annotations

from typing import Final

from watchkeeper.producers.fleet.model import Turn, steps
from watchkeeper.producers.fleet.scenario import Brief, Expectation, Job, Scenario
from watchkeeper.producers.fleet.scenarios.everyday import call

MODE: Final = "hallucinated_tool"


def _corrected(brief: Brief) -> Job:
    order = f"{brief.customer}-1"
    return Job(
        goal="Settle the customer's refund.",
        asks=(f"Please refund ten euros on order {order}, the lid is scratched.",),
        intent="refund",
        script=steps(
            call("get_order", order_id=order),
            call("issue_refund", order_id=order, amount=10.0),
            call("refund_order", order_id=order, amount=10.0, reason="damaged"),
            Turn("Ten euros have been paid back."),
        ),
    )


def _misspelt(brief: Brief) -> Job:
    topic = brief.chance.choice(("travel", "hiring", "safety"))
    return Job(
        goal="Answer from the documents, with the passage.",
        asks=(f"Which {topic} checklist is the newest?",),
        intent="question",
        script=steps(
            call("serach_documents", query=f"{topic} checklist"),
            call("serach_documents", query=f"the newest list about {topic}"),
            Turn("I cannot search the documents at the moment."),
        ),
    )


def _invalid(brief: Brief) -> Job:
    order = f"{brief.customer}-2"
    return Job(
        goal="Settle the customer's refund.",
        asks=(f"Order {order} never came. I want my forty euros back!",),
        intent="refund",
        script=steps(
            call("get_order", order_id=order),
            call("refund_order", order_id=order, amount="forty euros", reason="customer is angry"),
            Turn("I have passed this on to a colleague."),
        ),
    )


def _unknown_keys(brief: Brief) -> Job:
    return Job(
        goal="Keep notes.",
        asks=("Note that the review was moved, it is urgent, and colour it red.",),
        intent="note",
        script=steps(
            call(
                "save_note", title=f"review {brief.key}", body="The review was moved.", priority="urgent", colour="red"
            ),
            Turn("Noted."),
        ),
    )


def _misspelling(follow_up: str) -> Expectation:
    nearest = ["search_documents", "read_document"]
    return Expectation(
        MODE,
        "unknown_tool",
        evidence={"tool_name": "serach_documents", "nearest": nearest, "follow_up": follow_up},
    )


TOOLS: Final = (
    Scenario(
        name="unknown-tool-corrected",
        agent="refund-desk",
        chapter=MODE,
        happens="Calls a tool that was never registered, reads the rejection, then calls the right one.",
        shows="A finding that names the nearest registered tools, and that the next call corrected itself.",
        job=_corrected,
        expects=(Expectation(MODE, "unknown_tool", evidence={"tool_name": "issue_refund", "follow_up": "corrected"}),),
    ),
    Scenario(
        name="unknown-tool-misspelt",
        agent="librarian",
        chapter=MODE,
        happens="Misspells a tool, and misspells it again.",
        shows="A finding for each call, with the name that was meant; the first says that it was repeated.",
        job=_misspelt,
        expects=(_misspelling("repeated"), _misspelling("")),
    ),
    Scenario(
        name="invalid-arguments",
        agent="refund-desk",
        chapter=MODE,
        happens="Writes an amount in words and a reason that the schema does not list.",
        shows="Each place that the JSON Schema rejects: path, expected, got.",
        job=_invalid,
        expects=(Expectation(MODE, "invalid_arguments", evidence={"tool_name": "refund_order"}),),
    ),
    Scenario(
        name="unknown-arguments",
        agent="diary-keeper",
        chapter=MODE,
        happens="Makes up two keys for a tool whose schema permits any.",
        shows="A weaker finding of its own: the call was allowed, the keys mean nothing.",
        job=_unknown_keys,
        expects=(Expectation(MODE, "unknown_arguments", "low", {"keys": ["priority", "colour"]}),),
    ),
)
