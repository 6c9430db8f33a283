"""Sequences of `hallucinated_tool`."""

from __future__ import annotations

from typing import Final

from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence
from watchkeeper.stream_processors.detection.sequences.story import Story, obj, tool

MODE: Final = "hallucinated_tool"
TOOLS: Final = [
    tool("get_order", obj(["id"], id="string") | {"additionalProperties": False}),
    tool("refund", obj(["id"], id="string", amount={"type": "number", "maximum": 500}, note="string")),
    tool("ping"),
]


def _desk(scene: Scene) -> Story:
    story = scene.story(agent="refund-desk", tools=TOOLS)
    story.start()
    return story


def _unknown_name(scene: Scene) -> None:
    story = _desk(scene)
    story.ask("get_order", "shipped", id="7")
    story.ask("cancel_order", None, id="7")
    story.end()


def _near_name(scene: Scene) -> None:
    story = _desk(scene)
    story.ask("getOrder", None, id="7")
    story.end()


def _wrong_type(scene: Scene) -> None:
    story = _desk(scene)
    story.ask("refund", "done", id="7", amount="twelve")
    story.end()


def _missing_argument(scene: Scene) -> None:
    story = _desk(scene)
    story.ask("get_order", "which order?")
    story.end()


def _undeclared_key(scene: Scene) -> None:
    story = _desk(scene)
    story.ask("refund", "done", id="7", amount=3, priority="high")
    story.end()


def _corrected(scene: Scene) -> None:
    story = _desk(scene)
    story.call("getOrder", id="7")
    story.result("There is no getOrder; there are get_order, refund, ping.", status="rejected")
    story.ask("get_order", "shipped", id="7")
    story.end()


def _corrected_after_a_look(scene: Scene) -> None:
    story = _desk(scene)
    story.call("refund", id="7", amount="twelve")
    story.result("amount: a number is wanted", status="error")
    story.ask("get_order", "shipped", id="7")
    story.ask("refund", "done", id="7", amount=12)
    story.end()


def _repeated(scene: Scene) -> None:
    story = _desk(scene)
    story.call("getOrder", id="7")
    story.result("There is no getOrder.", status="rejected")
    story.call("getOrder", id="7")
    story.result("There is still no getOrder.", status="rejected")
    story.end()


def _every_tool_as_registered(scene: Scene) -> None:
    story = _desk(scene)
    story.ask("get_order", "shipped", id="7")
    story.ask("refund", "done", id="7", amount=500)
    story.ask("ping", "pong")
    story.end()


def _arguments_as_text(scene: Scene) -> None:
    story = _desk(scene)
    story.call("get_order", '{"id": "7"}')
    story.result("shipped")
    story.end()


def _tools_not_known(scene: Scene) -> None:
    story = scene.story(agent="refund-desk")
    story.start()
    story.ask("cancel_order", "cancelled", id="7")
    story.end()


def _tool_added_on_the_way(scene: Scene) -> None:
    story = _desk(scene)
    story.tools = [*TOOLS, tool("cancel_order", obj(["id"], id="string"))]
    story.start(resumed=True)
    story.ask("cancel_order", "cancelled", id="7")
    story.end()


SEQUENCES: Final = (
    Sequence(
        "unknown-name",
        MODE,
        "The agent calls a tool that was never registered.",
        _unknown_name,
        (Fires("unknown_tool", severity="high", evidence={"tool_name": "cancel_order"}),),
    ),
    Sequence(
        "near-name",
        MODE,
        "The agent spells a registered tool in another way.",
        _near_name,
        (Fires("unknown_tool", evidence={"nearest": ["get_order"]}),),
    ),
    Sequence(
        "wrong-type",
        MODE,
        "The amount is a word where the schema wants a number.",
        _wrong_type,
        (Fires("invalid_arguments", severity="medium"),),
    ),
    Sequence(
        "missing-argument",
        MODE,
        "The order's id is left out.",
        _missing_argument,
        (Fires("invalid_arguments"),),
    ),
    Sequence(
        "undeclared-key",
        MODE,
        "The schema permits other keys, and the agent makes one up.",
        _undeclared_key,
        (Fires("unknown_arguments", severity="low", evidence={"keys": ["priority"]}),),
    ),
    Sequence(
        "corrected",
        MODE,
        "The agent reads the rejection and calls the tool that it meant.",
        _corrected,
        (Fires("unknown_tool", evidence={"follow_up": "corrected"}),),
    ),
    Sequence(
        "corrected-after-a-look",
        MODE,
        "The agent looks at the order before it gives the amount as a number.",
        _corrected_after_a_look,
        (Fires("invalid_arguments", evidence={"follow_up": "corrected"}),),
    ),
    Sequence(
        "repeated",
        MODE,
        "The agent misspells the tool again, though it was told.",
        _repeated,
        (
            Fires("unknown_tool", evidence={"follow_up": "repeated"}),
            Fires("unknown_tool", evidence={"follow_up": ""}),
        ),
    ),
    Sequence("as-registered", MODE, "Every tool is called as it was registered.", _every_tool_as_registered),
    Sequence("arguments-as-text", MODE, "The arguments come as the text of a JSON object.", _arguments_as_text),
    Sequence("tools-not-known", MODE, "The runtime does not tell which tools there are.", _tools_not_known),
    Sequence("tool-added", MODE, "A tool is registered while the session runs.", _tool_added_on_the_way),
)
