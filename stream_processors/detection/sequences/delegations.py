"""Trees of sessions, told in a few words: who hands work, and authority, to whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.sequence import Scene
from watchkeeper.stream_processors.detection.sequences.story import Story

_TOOLS: Final[dict[str, Any]] = {
    "get_order": {"effect": "read", "scope": "orders:read"},
    "refund": {"effect": "irreversible", "scope": "refunds:write", "scope_amount": "amount"},
}
WORKER: Final = AgentPolicy.model_validate({"agent": "worker", "tools": _TOOLS})
STRICT: Final = AgentPolicy.model_validate(
    {
        "agent": "strict",
        "tools": _TOOLS,
        "delegation": {"max_depth": 2, "require_grants": True, "root_grantors": ["*@example.com"]},
    }
)


def first_of(scene: Scene, policy: AgentPolicy = WORKER) -> Story:
    """Begins the session at the head of a tree."""
    story = scene.story(agent="coordinator", policy=policy)
    story.start()
    return story


def hand(scene: Scene, giver: Story, agent: str, /, **grant: Any) -> Story:
    """Delegates; the other session begins a moment later."""
    session = f"s-{len(scene.stories) + 1}"
    told = {"delegation_id": f"d-{session}", "child_session_id": session, "child_agent_id": agent}
    giver.say("delegation", told | grant)
    return begun(scene, giver, agent, giver.now_us)


def begun(scene: Scene, giver: Story, agent: str, at_us: int) -> Story:
    """Begins a session below another one, without a word of the delegation."""
    header = {
        "root_session_id": giver.header.get("root_session_id", giver.session),
        "parent_session_id": giver.session,
    }
    child = scene.story(agent=agent, policy=giver.policy, start_us=at_us, header=header)
    child.start()
    giver.now_us = max(giver.now_us, child.now_us)
    return child


def end(*stories: Story) -> None:
    """Ends the sessions, the last that began first."""
    now_us = max(story.now_us for story in stories)
    for story in reversed(stories):
        story.now_us = now_us
        story.end()
        now_us = story.now_us


def after(story: Story, seconds: float) -> datetime:
    """So many seconds after the story's present."""
    return from_us(story.now_us + round(seconds * 1_000_000))
