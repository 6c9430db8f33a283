"""Sequences of `tool_boundary`."""

from __future__ import annotations

from typing import Any, Final

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence
from watchkeeper.stream_processors.detection.sequences.story import Story

MODE: Final = "tool_boundary"

_DESK: Final[dict[str, Any]] = {
    "agent": "refund-desk",
    "allow_unlisted_tools": False,
    "tools": {
        "get_order": {"effect": "read", "resource": "order", "allowed_resources": ["orders/*"]},
        "refund": {
            "effect": "irreversible",
            "bounds": {
                "amount": {"minimum": 0.01, "maximum": 500.0},
                "currency": {"allowed": ["EUR", "USD"]},
                "lines[*].sku": {"pattern": "[A-Z]{2}-[0-9]{3,6}"},
            },
            "require": [
                {
                    "condition": "args.amount <= 100.0 || args.reason != 'goodwill'",
                    "message": "Goodwill is at most 100",
                }
            ],
        },
        "send_message": {"effect": "write", "rate_limit": {"calls": 3, "seconds": 60.0}},
        "escalate": {"effect": "write", "agents": ["lead-*"]},
    },
}
DESK: Final = AgentPolicy.model_validate(_DESK)
READER: Final = AgentPolicy.model_validate(_DESK | {"agent": "auditor", "allowed_effects": ["read"]})
CRAWLER: Final = AgentPolicy.model_validate(
    {
        "agent": "crawler",
        "tools": {"fetch": {"effect": "read", "rate_limit": {"calls": 10, "seconds": 60.0, "per": "agent"}}},
    }
)


def _desk(scene: Scene, policy: AgentPolicy = DESK) -> Story:
    story = scene.story(agent=policy.agent, policy=policy)
    story.start()
    return story


def _not_on_the_list(scene: Scene) -> None:
    story = _desk(scene)
    story.ask("get_order", "shipped", order="orders/7")
    story.ask("delete_order", "gone", order="orders/7")
    story.end()


def _a_write_by_a_reader(scene: Scene) -> None:
    story = _desk(scene, READER)
    story.ask("get_order", "shipped", order="orders/7")
    story.ask("send_message", "sent", text="We looked at your order.")
    story.end()


def _above_the_maximum(scene: Scene) -> None:
    story = _desk(scene)
    story.ask("refund", "done", order="orders/7", amount=500.01, reason="broken")
    story.end()


def _number_in_quotes(scene: Scene) -> None:
    story = _desk(scene)
    story.call("refund", '{"order": "orders/7", "amount": "5e3", "reason": "broken"}')
    story.result("done")
    story.end()


def _one_line_of_three(scene: Scene) -> None:
    story = _desk(scene)
    lines = [{"sku": "AB-100"}, {"sku": "AB-100 OR 1=1"}, {"sku": "CD-2000"}]
    story.ask("refund", "done", amount=3, reason="broken", lines=lines)
    story.end()


def _condition_does_not_hold(scene: Scene) -> None:
    story = _desk(scene)
    story.ask("refund", "done", order="orders/7", amount=120, reason="goodwill")
    story.end()


def _condition_cannot_be_evaluated(scene: Scene) -> None:
    story = _desk(scene)
    story.ask("refund", "done", order="orders/7", reason="goodwill")
    story.end()


def _out_of_its_folder(scene: Scene) -> None:
    story = _desk(scene)
    story.ask("get_order", "salaries", order="orders/../payroll/2026")
    story.end()


def _another_agents_tool(scene: Scene) -> None:
    story = _desk(scene)
    story.ask("escalate", "noted", order="orders/7")
    story.end()


def _too_fast(scene: Scene) -> None:
    story = _desk(scene)
    for number in range(5):
        story.ask("send_message", f"sent as {number}", text=f"Part {number} of what we have to tell you.")
    story.end()


def _too_fast_together(scene: Scene) -> None:
    for _ in range(6):
        story = _desk(scene, CRAWLER)
        for number in range(2):
            story.ask("fetch", f"page {number}", url=f"https://shop.example/{number}")
        story.end()


def _at_every_limit(scene: Scene) -> None:
    story = _desk(scene)
    story.ask("get_order", "shipped", order="orders/2026/7")
    story.ask("refund", "done", amount=500, currency="EUR", reason="broken", lines=[{"sku": "AB-100"}])
    story.ask("refund", "done", amount="0.01", currency=None, reason="broken", lines=[])
    story.ask("refund", "done", amount=100, reason="goodwill")
    story.end()


def _refused_by_the_guard(scene: Scene) -> None:
    story = _desk(scene)
    story.call("refund", amount=900, reason="broken")
    story.result("at most 500", status="rejected")
    story.ask("refund", "done", amount=500, reason="broken")
    story.end()


def _a_burst_within_the_rate(scene: Scene) -> None:
    story = _desk(scene)
    for number in range(6):
        story.ask("send_message", f"sent as {number}", text=f"Part {number} of what we have to tell you.")
        story.wait(0.1 if number % 3 < 2 else 60)
    story.end()


def _refused_calls_do_not_count(scene: Scene) -> None:
    story = _desk(scene)
    for number in range(3):
        story.ask("send_message", f"sent as {number}", text=f"Part {number} of what we have to tell you.")
        story.call("send_message", text=f"Part {number} once more")
        story.result(f"wait, {number}", status="rejected")
        story.wait(31)
    story.end()


def _the_lead_escalates(scene: Scene) -> None:
    story = _desk(scene)
    story.ask("get_order", "shipped", order="orders/7")
    story.say("tool_call", {"tool_call_id": "c-e", "tool_name": "escalate", "arguments": {}}, agent_id="lead-night")
    story.say("tool_result", {"tool_call_id": "c-e", "tool_name": "escalate"}, agent_id="lead-night")
    story.end()


def _without_limits(scene: Scene) -> None:
    story = scene.story(agent="free")
    story.start()
    for number in range(5):
        story.ask("refund", f"done {number}", amount=10_000 + number, order=f"o-{number}")
    story.end()


def _crawlers_in_turn(scene: Scene) -> None:
    for _ in range(6):
        story = _desk(scene, CRAWLER)
        for number in range(2):
            story.ask("fetch", f"page {number}", url=f"https://shop.example/{number}")
        story.end()
        scene.start_us += 15_000_000


SEQUENCES: Final = (
    Sequence(
        "not-on-the-list",
        MODE,
        "The agent calls a tool that its policy does not list.",
        _not_on_the_list,
        (Fires("tool_not_allowed", severity="high", evidence={"reason": "unlisted", "tool_name": "delete_order"}),),
    ),
    Sequence(
        "a-write-by-a-reader",
        MODE,
        "An agent that may only read sends a message.",
        _a_write_by_a_reader,
        (Fires("tool_not_allowed", severity="high", evidence={"reason": "effect", "effect": "write"}),),
    ),
    Sequence(
        "above-the-maximum",
        MODE,
        "A refund one cent above what is allowed.",
        _above_the_maximum,
        (Fires("arguments_out_of_bounds", severity="high"),),
    ),
    Sequence(
        "number-in-quotes",
        MODE,
        "The amount comes as a text, and in an unusual spelling.",
        _number_in_quotes,
        (Fires("arguments_out_of_bounds"),),
    ),
    Sequence(
        "one-line-of-three",
        MODE,
        "One entry of a list is not what its pattern allows.",
        _one_line_of_three,
        (Fires("arguments_out_of_bounds"),),
    ),
    Sequence(
        "condition-does-not-hold",
        MODE,
        "Each argument is within its bounds, and together they are not.",
        _condition_does_not_hold,
        (Fires("arguments_out_of_bounds"),),
    ),
    Sequence(
        "condition-cannot-be-evaluated",
        MODE,
        "The argument that a condition is about is left out.",
        _condition_cannot_be_evaluated,
        (Fires("arguments_out_of_bounds"),),
    ),
    Sequence(
        "out-of-its-folder",
        MODE,
        "The resource begins as allowed and climbs out of it.",
        _out_of_its_folder,
        (Fires("resource_out_of_scope", severity="high"),),
    ),
    Sequence(
        "another-agents-tool",
        MODE,
        "The tool is for the agents that lead.",
        _another_agents_tool,
        (Fires("tool_not_allowed", evidence={"reason": "agent", "agent_id": "refund-desk"}),),
    ),
    Sequence(
        "too-fast",
        MODE,
        "Five messages within a second, where three a minute are allowed.",
        _too_fast,
        (Fires("rate_exceeded", severity="medium", evidence={"above": 2, "per": "session"}),),
    ),
    Sequence(
        "too-fast-together",
        MODE,
        "Six sessions fetch twice each: none too much, and together more than the agent may.",
        _too_fast_together,
        (Fires("rate_exceeded", evidence={"above": 2, "per": "agent"}),),
    ),
    Sequence("at-every-limit", MODE, "Every argument stands exactly at its limit.", _at_every_limit),
    Sequence(
        "refused-by-the-guard",
        MODE,
        "The guard refuses a refund that is too large, and the agent makes a smaller one.",
        _refused_by_the_guard,
        (Fires("arguments_out_of_bounds", status="resolved"),),
    ),
    Sequence(
        "a-burst-within-the-rate", MODE, "Three messages at once, and three a minute later.", _a_burst_within_the_rate
    ),
    Sequence("refused-calls-do-not-count", MODE, "What the guard refused was not sent.", _refused_calls_do_not_count),
    Sequence("the-lead-escalates", MODE, "An agent that leads uses the tool of those who lead.", _the_lead_escalates),
    Sequence("without-limits", MODE, "No policy limits anything.", _without_limits),
    Sequence("crawlers-in-turn", MODE, "The sessions of an agent come one after the other.", _crawlers_in_turn),
)
