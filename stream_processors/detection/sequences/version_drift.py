"""Sequences of `version_drift`."""

from __future__ import annotations

import json
from typing import Any, Final

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence
from watchkeeper.stream_processors.detection.sequences.story import Story, obj, tool

MODE: Final = "version_drift"
SYSTEM: Final = "You answer questions about deliveries. Promise nothing. It is {day}."
TOOLS: Final = [tool("track", obj(["parcel"], parcel="string")), tool("write_off", obj(["parcel"], parcel="string"))]
OTHER_TOOLS: Final = [TOOLS[0], tool("write_off", obj(["parcel", "reason"], parcel="string", reason="string"))]
POLICY: Final = AgentPolicy.model_validate({"agent": "courier", "version": "7"})
LOOSER: Final = AgentPolicy.model_validate({"agent": "courier", "version": "7", "caps": {"cost_usd": 50.0}})


def _session(scene: Scene, **told: Any) -> Story:
    """One session of the courier, an hour after the one before."""
    started = {"model": told.get("model", "gpt-4o"), "prompt_version": told.get("prompt_version", "")}
    version = told.get("agent_version", "2.3.0")
    policy = told.get("policy", POLICY)
    story = scene.story(
        agent="courier",
        tools=told.get("tools", TOOLS),
        start_us=scene.start_us + len(scene.stories) * 3_600_000_000,
    )
    body = story.content(policy.canonical().decode(), shared=True)
    reference = {"name": "courier", "version": policy.version, "content": body}
    listed = story.content(json.dumps(story.tools), shared=True)
    story.say("session_started", started | {"policy": reference, "tools": listed}, agent_version=version)
    system = told.get("system", SYSTEM).format(day=f"2026-01-{len(scene.stories):02}")
    story.prompt("Where is my parcel?", model=started["model"], system=story.content(system))
    story.response(900, 40, model=told.get("answered", started["model"]))
    story.ask("track", "in Leipzig", parcel="P-1")
    story.end()
    return story


def _told(*sessions: dict[str, Any]) -> Any:
    def tell(scene: Scene) -> None:
        for session in sessions:
            _session(scene, **session)

    return tell


_HASTY: Final = SYSTEM.replace("Promise nothing.", "Promise delivery by tomorrow.")
_NAMES: Final = ("Ann Lee", "Ben Ode", "Cem Ay", "Dee Fox", "Eva Ruiz")

_RELEASE: Final = {"agent_version": "2.4.0", "model": "o3", "system": _HASTY, "tools": OTHER_TOOLS}
_BOTH: Final = ({"agent_version": "2.4.0", "model": "o3"}, {"agent_version": "2.3.0", "model": "gpt-4o"})

SEQUENCES: Final = (
    Sequence(
        "another-model",
        MODE,
        "Somebody sets another model, and releases nothing.",
        _told({}, {}, {"model": "gpt-4o-mini"}, {"model": "gpt-4o-mini"}),
        (
            Fires(
                "version_drift",
                severity="medium",
                evidence={"what": "model", "before": "gpt-4o", "after": "gpt-4o-mini", "sessions": 2},
            ),
        ),
    ),
    Sequence(
        "the-name-leads-elsewhere",
        MODE,
        "The provider moves the model's name to a newer model.",
        _told({"answered": "gpt-4o-2024-05-13"}, {"answered": "gpt-4o-2024-05-13"}, {"answered": "gpt-4o-2024-08-06"}),
        (
            Fires(
                "version_drift",
                severity="medium",
                evidence={"what": "model_version", "before": "gpt-4o-2024-05-13", "after": "gpt-4o-2024-08-06"},
            ),
        ),
    ),
    Sequence(
        "a-hasty-prompt",
        MODE,
        "The system prompt is edited in production.",
        _told({}, {}, {}, {"system": _HASTY}),
        (Fires("version_drift", severity="medium", evidence={"what": "system", "sessions": 3}),),
    ),
    Sequence(
        "other-tools",
        MODE,
        "A tool server adds a required argument to one of its tools.",
        _told({}, {"tools": OTHER_TOOLS}),
        (Fires("version_drift", severity="medium", evidence={"what": "tools", "agent_version": "2.3.0"}),),
    ),
    Sequence(
        "a-looser-policy",
        MODE,
        "The policy's caps are raised under its old version.",
        _told({}, {"policy": LOOSER}),
        (Fires("version_drift", severity="high", evidence={"what": "policy"}),),
    ),
    Sequence(
        "two-that-alternate",
        MODE,
        "On every second session another prompt version is tried, and nobody announced it.",
        _told(*({"prompt_version": "ab"[number % 2]} for number in range(6))),
        (Fires("version_drift", severity="low", evidence={"what": "prompt_version", "after": "b"}),),
    ),
    Sequence(
        "a-release",
        MODE,
        "A new version of the agent brings another model, prompt and tools.",
        _told({}, {}, {}, _RELEASE, _RELEASE),
    ),
    Sequence(
        "both-releases-for-a-while",
        MODE,
        "A release rolls out slowly: sessions of both versions, in turns, then back to the old one.",
        _told(*_BOTH, *_BOTH, *_BOTH, _BOTH[1]),
    ),
    Sequence(
        "a-policy-with-a-new-version",
        MODE,
        "The policy is changed, and says so.",
        _told({}, {}, {"policy": LOOSER.model_copy(update={"version": "8"})}),
    ),
    Sequence(
        "names-in-the-prompt",
        MODE,
        "The system prompt holds the customer's name and the day.",
        _told(*({"system": f"You help {name}. It is {{day}}."} for name in _NAMES)),
    ),
    Sequence(
        "numbers-in-the-prompt",
        MODE,
        "The system prompt holds the case's number, with three digits or with seven.",
        _told(
            *({"system": f"{SYSTEM} You work on case {number}."} for number in (310, 4417, 98125, 97, 1204, 8800123))
        ),
    ),
    Sequence(
        "a-limit-in-the-prompt",
        MODE,
        "A limit in the system prompt is raised in production.",
        _told(*({"system": f"{SYSTEM} Refund up to {limit} without asking."} for limit in (200, 200, 200, 500))),
        (Fires("version_drift", evidence={"what": "system"}),),
    ),
    Sequence(
        "dated-names",
        MODE,
        "Some sessions name the model without its date.",
        _told({}, {"model": "gpt-4o-2024-08-06"}, {}, {"model": "gpt-4o-2024-08-06"}),
    ),
    Sequence(
        "tools-in-another-order",
        MODE,
        "The runtime lists the same tools in another order.",
        _told({}, {}, {"tools": TOOLS[::-1]}),
    ),
)
