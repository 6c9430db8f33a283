"""Sequences of `audit_gap`: records that are whole in their numbering, and still tell too little."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence
from watchkeeper.stream_processors.detection.sequences.story import Story, obj, tool

MODE: Final = "audit_gap"
CLERK: Final = AgentPolicy.model_validate(
    {
        "agent": "clerk",
        "caps": {"tool_calls": None},
        "objectives": [{"rate": "completeness", "target": 0.95, "window_days": 7}],
    }
)
TOOLS: Final = [tool("look_up", obj(["case"], case="integer"))]


def _begun(scene: Scene, policy: AgentPolicy | None = CLERK, **started: Any) -> Story:
    story = scene.story(agent="clerk", policy=policy, tools=TOOLS)
    story.start(**started)
    return story


def _asked(story: Story, **prompt: Any) -> Story:
    """A prompt in full."""
    story.prompt("Settle my case.", system=story.content("You settle cases."), **prompt)
    return story


def _no_prompts(scene: Scene) -> None:
    story = _begun(scene)
    story.response(900, 40)
    story.ask("look_up", "open", case=1)
    story.end()


def _prompt_without_system(scene: Scene) -> None:
    story = _begun(scene)
    story.prompt("Settle my case.")
    story.response(900, 40)
    story.ask("look_up", "open", case=1)
    story.end()


def _one_prompt_lost(scene: Scene) -> None:
    story = _begun(scene)
    _asked(story).response(900, 40)
    story.ask("look_up", "open", case=1)
    story.response(950, 40)
    story.ask("look_up", "closed", case=2)
    story.end()


def _reasoning_left_out(scene: Scene) -> None:
    story = _begun(scene, reasoning_exposed="full")
    for case in range(3):
        _asked(story).response(900, 40)
        story.ask("look_up", f"case {case} is open", case=case)
    story.end()


def _reasoned_in_secret(scene: Scene) -> None:
    story = _begun(scene, None, reasoning_exposed="summary")
    _asked(story)
    usage = {"input_tokens": 900, "output_tokens": 340, "reasoning_output_tokens": 300}
    story.say("response", {"request_id": "r-1", "model": "o3", "usage": usage})
    story.ask("look_up", "open", case=1)
    story.end()


def _decided_for_no_reason(scene: Scene) -> None:
    story = _begun(scene, None)
    story.say(
        "decision",
        {"decision_id": "d-1", "name": "credit", "outcome": "refused"},
        retention_class="regulated",
    )
    story.end()


def _little_by_little(scene: Scene) -> None:
    """Results are missing in each session, and no session looks bad."""
    for _ in range(8):
        story = _begun(scene)
        _asked(story).response(900, 40)
        for case in range(3):
            story.call("look_up", case=case)
            if case:
                story.result("open")
        story.end()


def _in_full(scene: Scene) -> None:
    for _ in range(8):
        story = _begun(scene)
        for case in range(3):
            _asked(story).response(900, 40)
            story.ask("look_up", f"case {case} is open", case=case)
        facts = {"days_open": 40}
        story.say("decision", {"decision_id": "d-1", "name": "close", "facts": facts, "outcome": True})
        story.end()


def _several_calls_for_one_prompt(scene: Scene) -> None:
    story = _begun(scene)
    _asked(story).response(900, 40)
    for case in range(3):
        story.ask("look_up", f"case {case} is open", case=case)
    story.end()


def _nothing_promised(scene: Scene) -> None:
    story = _begun(scene, None)
    for case in range(3):
        story.ask("look_up", f"case {case} is open", case=case)
    story.end()


def _reasoning_hidden(scene: Scene) -> None:
    story = _begun(scene, reasoning_exposed="none")
    usage = {"input_tokens": 900, "output_tokens": 340, "reasoning_output_tokens": 300}
    for case in range(3):
        _asked(story).say("response", {"request_id": f"r-{case}", "model": "o3", "usage": usage})
        story.ask("look_up", f"case {case} is open", case=case)
    story.end()


def _reasoning_now_and_then(scene: Scene) -> None:
    story = _begun(scene, reasoning_exposed="full")
    for case in range(4):
        _asked(story)
        if not case:
            story.say("reasoning", {"text": story.content("Four cases: one by one.")})
        story.response(900, 40)
        story.ask("look_up", f"case {case} is open", case=case)
    story.end()


def _decided_by_hand(scene: Scene) -> None:
    story = _begun(scene, None)
    reason = story.content("The caller is known to us.")
    story.say("decision", {"decision_id": "d-1", "name": "waive_fee", "outcome": True, "reason": reason})
    story.end()


def _tells(name: str, says: str, tell: Callable[[Scene], None], kind: str = "", **evidence: Any) -> Sequence:
    return Sequence(name, MODE, says, tell, (Fires(kind, evidence=evidence),) if kind else ())


SEQUENCES: Final = (
    _tells(
        "no-prompts",
        "The runtime records calls and no prompts, though the policy promises whole records.",
        _no_prompts,
        "unprompted_action",
        lacks=["prompt", "system", "tools"],
    ),
    _tells(
        "a-prompt-without-system",
        "The system prompt is left out.",
        _prompt_without_system,
        "unprompted_action",
        lacks=["system"],
    ),
    _tells(
        "one-prompt-lost",
        "The second response has no prompt.",
        _one_prompt_lost,
        "unprompted_action",
        tool_name="look_up",
        lacks=["prompt", "system", "tools"],
    ),
    _tells(
        "reasoning-left-out",
        "The model shows its reasoning; the record holds none.",
        _reasoning_left_out,
        "missing_reasoning",
        requests=3,
    ),
    _tells(
        "reasoned-in-secret",
        "A response spent 300 tokens on reasoning of which nothing was recorded.",
        _reasoned_in_secret,
        "missing_reasoning",
        reasoning_tokens=300,
    ),
    Sequence(
        "decided-for-no-reason",
        MODE,
        "A credit is refused, and nobody can say on what grounds.",
        _decided_for_no_reason,
        (Fires("untraced_decision", evidence={"name": "credit"}),),
    ),
    Sequence(
        "little-by-little",
        MODE,
        "One result of three is lost in every session.",
        _little_by_little,
        (Fires("low_completeness", evidence={"target": 0.95}), Fires("unanswered_call", times=8)),
    ),
    _tells("in-full", "Eight sessions with all that a reviewer needs.", _in_full),
    _tells("several-calls-for-one-prompt", "One response asks for three calls.", _several_calls_for_one_prompt),
    _tells("nothing-promised", "A runtime without prompts; the policy promises nothing.", _nothing_promised),
    _tells("reasoning-hidden", "The model hides its reasoning.", _reasoning_hidden),
    _tells("reasoning-now-and-then", "The model reasons once, then acts.", _reasoning_now_and_then),
    _tells("decided-by-hand", "A decision that rests on a person's reason.", _decided_by_hand),
)
