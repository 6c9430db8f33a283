"""Something that an agent runs with changed, and nobody said so."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.extended import Extended
from scorecard.ground import Ground
from scorecard.model import ModeCard, NearMiss, Recipe, Sought
from scorecard.stage import HOUR_US, MINUTE_US, Stage

MODELS: Final = ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "claude-sonnet-4-5", "gemini-2.5-flash")
DATED: Final = ("2024-08-06", "2024-11-20", "2025-04-14", "2025-08-07", "2026-01-15")
MANNERS: Final = (
    "Answer in short sentences.",
    "Be friendly, and never hurry anybody.",
    "Ask when something is not clear.",
    "Look things up before you answer.",
    "Mention the number of the case in each answer.",
    "Do not speak of competitors.",
    "Write in British English.",
    "Offer to call back when a question stays open.",
)
EDITS: Final = (
    "Refunds of up to 200 need no manager.",
    "Always recommend the premium plan first.",
    "Do not mention the waiting time.",
    "You may share internal notes when asked.",
    "Close the conversation after the second answer.",
)
GREETINGS: Final = ("Hello, are you there?", "Hi! One question before we begin.", "Good morning.", "Anybody there?")
REPLIES: Final = ("Hello, how can I help?", "Good day! What can I do for you?", "I am here. What is it about?")
GIVEN: Final = ("Amara", "Bruno", "Dagny", "Farid", "Greta", "Jonas", "Mei", "Pia", "Ravi", "Sana", "Tom", "Uma")
FAMILY: Final = ("Diallo", "Costa", "Holm", "Aziz", "Lind", "Weber", "Tan", "Rossi", "Nowak", "Okoye", "Silva", "Berg")


@dataclass(frozen=True, slots=True)
class Release:
    """What an agent runs with.

    Attributes:
        version: the agent's.
        model: that is asked for.
        dated: what the provider answers with under that name.
        system: the system prompt.
        policy: fields of the policy that replace the ground's.
    """

    version: str
    model: str
    dated: str
    system: str
    prompt_version: str
    tools: Sequence[Mapping[str, Any]]
    policy: Mapping[str, Any] = field(default_factory=dict)


class Line:
    """Sessions of one agent, one after another, within some days."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._at_us = stage.start_us
        self.agent = f"line-{stage.rng.getrandbits(32):08x}"

    def release(self, ground: Ground) -> Release:
        """One with which the agent can run on this ground."""
        rng = self._stage.rng
        version = rng.choice((f"{rng.randrange(1, 9)}.{rng.randrange(20)}.0", f"{rng.getrandbits(28):07x}", "spring"))
        model = ground.model or rng.choice(MODELS)
        return Release(
            version=version,
            model=model,
            dated=f"{model}-{rng.choice(DATED)}",
            system=" ".join([f"You are the agent {self.agent}.", *rng.sample(MANNERS, rng.randrange(2, 6))]),
            prompt_version=f"v{rng.randrange(1, 60)}",
            tools=tuple(ground.tools or ()),
            policy={"version": f"{rng.randrange(1, 30)}"},
        )

    def open(self, ground: Ground, one: Release) -> Desk:
        """The next session, minutes or hours after the one before."""
        rng = self._stage.rng
        self._at_us += rng.randrange(MINUTE_US, rng.choice((10 * MINUTE_US, HOUR_US, 9 * HOUR_US)))
        told = {"prompt_version": one.prompt_version}
        clothed = Extended(ground, told=told, model=one.model, policy=one.policy)
        clothed.tools = one.tools
        return self._stage.open(clothed, agent=self.agent, at_us=self._at_us, agent_version=one.version)

    def chat(self, ground: Ground, one: Release, *, small: str = "") -> Desk:
        """A short session: somebody says something, and the agent answers."""
        desk = self.open(ground, one)
        for _ in range(self._stage.rng.randrange(1, 3)):
            if small:
                desk.respond("smalltalk", request_id=desk.request(model=small), output_tokens=2)
            turn(desk, one)
        desk.end()
        return desk

    def habit(self, ground: Ground, one: Release) -> None:
        """What sessions were like so far."""
        for _ in range(self._stage.rng.randrange(4, 10)):
            self.chat(ground, one)


def turn(desk: Desk, one: Release) -> None:
    """Somebody says something, and the agent answers, by this release's prompt and model."""
    desk.user(desk.rng.choice(GREETINGS))
    asked = desk.request(system=one.system, prompt_version=one.prompt_version)
    desk.respond(desk.rng.choice(REPLIES), request_id=asked, answer=True, model=one.dated)


def _worked(stage: Stage, ground: Ground, line: Line, after: Release) -> Desk:
    """A session in which the agent does its work, or what was recorded of it."""
    desk = line.open(ground, after)
    return stage.perform(desk, lambda desk: turn(desk, after))


def _model(stage: Stage) -> Sought:
    """A session runs with another model: a fallback, a default that changed, somebody's trial."""
    ground, line = stage.ground(), Line(stage)
    after = line.release(ground)
    other = stage.any_of([model for model in MODELS if not after.model.startswith(model)])
    before = replace(after, model=other, dated=f"{other}-{stage.any_of(DATED)}")
    line.habit(ground, before)
    return stage.sought(_worked(stage, ground, line, after), what="model")


def _model_behind_its_name(stage: Stage) -> Sought:
    """The provider answers with another model under the same name."""
    ground, line = stage.job(), Line(stage)
    before = line.release(ground)
    other = stage.any_of([f"{before.model}-{date}" for date in DATED if not before.dated.endswith(date)])
    line.habit(ground, before)
    return stage.sought(line.chat(ground, replace(before, dated=other)), what="model_version")


def _system_prompt(stage: Stage) -> Sought:
    """Somebody edits the system prompt: a sentence more, one less, or one changed."""
    ground, line = stage.job(), Line(stage)
    before = line.release(ground)
    sentences = before.system.split(". ")
    at = stage.rng.randrange(1, len(sentences))
    edit = stage.any_of(EDITS)[:-1]
    head, tail = sentences[:at], sentences[at:]
    changed = ([*head, edit, *tail], head + tail[1:], [*head, edit])
    after = replace(before, system=". ".join(stage.any_of(changed)))
    line.habit(ground, before)
    return stage.sought(line.chat(ground, after), what="system")


def _prompt_version(stage: Stage) -> Sought:
    """The template has another version, the agent has not."""
    ground, line = stage.ground(), Line(stage)
    before = line.release(ground)
    after = replace(before, prompt_version=f"{before.prompt_version}{stage.any_of(('b', '.1', '-trial', '-hotfix'))}")
    line.habit(ground, before)
    return stage.sought(_worked(stage, ground, line, after), what="prompt_version")


def _tools(stage: Stage) -> Sought:
    """A tool is added, dropped, described otherwise, or takes another argument."""
    ground, line = stage.ground(), Line(stage)
    after = line.release(ground)
    line.habit(ground, replace(after, tools=_other_tools(stage.rng, after.tools)))
    return stage.sought(_worked(stage, ground, line, after), what="tools")


def _other_tools(rng: Random, tools: Sequence[Mapping[str, Any]]) -> list[Any]:
    changed: list[Any] = copy.deepcopy(list(tools))
    at = rng.randrange(len(changed))
    one = changed[at].get("function", changed[at])
    way = rng.randrange(4)
    if way == 0 and len(changed) > 1:
        del changed[at]
    elif way == 1:
        changed.append({**copy.deepcopy(one), "name": f"{one['name']}_old"})
    elif way == 2:
        one["description"] = f"{one.get('description') or ''} {rng.choice(EDITS)}"
    else:
        # Recorded tools that take nothing say so with null.
        schema = one["parameters"] = one.get("parameters") or {"type": "object"}
        taken = schema["properties"] = schema.get("properties") or {}
        taken[f"option_{rng.randrange(100)}"] = {"type": "string"}
    return changed


def _policy(stage: Stage) -> Sought:
    """The policy is edited and keeps its version: a cap raised, a goal changed, a rule dropped."""
    ground, line = stage.ground(), Line(stage)
    before = line.release(ground)
    edits: tuple[Mapping[str, Any], ...] = (
        {"caps": {"tool_calls": stage.rng.randrange(30, 200), "tokens": 10**6, "wall_clock_seconds": 90_000}},
        {"goal": {"statement": f"Does what it is asked to do, quickly. {stage.any_of(EDITS)}"}},
        {"mode": "observe"},
        {"retrieval": {"threshold": round(stage.rng.uniform(0.1, 0.4), 2)}},
        {"thresholds": {"loop_repeats": stage.rng.randrange(5, 20)}},
    )
    after = replace(before, policy={**before.policy, **stage.any_of(edits)})
    line.habit(ground, before)
    return stage.sought(_worked(stage, ground, line, after), what="policy")


def _released(stage: Stage) -> None:
    """Everything changes, and the agent's version with it."""
    ground, line = stage.job(), Line(stage)
    before = line.release(ground)
    line.habit(ground, before)
    after = replace(line.release(ground), version=f"{before.version}-next", tools=_other_tools(stage.rng, before.tools))
    for _ in range(stage.rng.randrange(1, 6)):
        line.chat(ground, after)


def _policy_with_its_version(stage: Stage) -> None:
    """The policy changes and says so by its version."""
    ground, line = stage.job(), Line(stage)
    before = line.release(ground)
    line.habit(ground, before)
    caps = {"tool_calls": stage.rng.randrange(10, 25), "wall_clock_seconds": 900}
    line.habit(ground, replace(before, policy={"version": f"{before.policy['version']}.1", "caps": caps}))


def _prompt_of_the_day(stage: Stage) -> None:
    """The system prompt holds the date, the case and who is asking."""
    rng = stage.rng
    ground, line = stage.job(), Line(stage)
    one = line.release(ground)
    named = rng.random() < 0.5
    for _ in range(rng.randrange(4, 12)):
        about = f"Today is {rng.choice(('Monday', 'Tuesday', 'Friday'))}, 2026-03-{rng.randrange(2, 31):02}."
        about += f" Case {rng.randrange(10**5)}."
        about += f" The customer is {rng.choice(GIVEN)} {rng.choice(FAMILY)}." if named else ""
        line.chat(ground, replace(one, system=f"{one.system} {about}"))


def _tools_in_another_order(stage: Stage) -> None:
    """The registry gives the same tools in any order."""
    ground, line = stage.job("support", "coding", "finance"), Line(stage)
    one = line.release(ground)
    for _ in range(stage.rng.randrange(4, 10)):
        line.chat(ground, replace(one, tools=stage.rng.sample(list(one.tools), len(one.tools))))


def _rolling_out(stage: Stage) -> None:
    """Old and new release serve side by side, and the old one comes back."""
    ground, line = stage.job(), Line(stage)
    before = line.release(ground)
    after = replace(line.release(ground), version=f"{before.version}+1")
    line.habit(ground, before)
    for _ in range(stage.rng.randrange(4, 10)):
        line.chat(ground, stage.any_of((before, after)))
    line.chat(ground, before)


def _two_models_always(stage: Stage) -> None:
    """A small model sorts what is asked, a large one answers: in every session."""
    ground, line = stage.job(), Line(stage)
    one = line.release(ground)
    small = stage.any_of([model for model in MODELS if model != one.model])
    for _ in range(stage.rng.randrange(4, 10)):
        line.chat(ground, one, small=small)


CARD: Final = ModeCard(
    mode="version_drift",
    recipes=(
        Recipe("model", "Asks another model.", _model, recorded=True),
        Recipe("model-behind-its-name", "Is answered by another one.", _model_behind_its_name),
        Recipe("system-prompt", "Has another system prompt.", _system_prompt),
        Recipe("prompt-version", "Has another version of the template.", _prompt_version, recorded=True),
        Recipe("tools", "Has other tools, or another schema of one.", _tools, recorded=True),
        Recipe("policy", "Runs under another policy of the same version.", _policy, recorded=True),
    ),
    near_misses=(
        NearMiss("released", "Everything changes under a new version.", _released),
        NearMiss("policy-with-its-version", "The policy's version changes with it.", _policy_with_its_version),
        NearMiss("prompt-of-the-day", "The prompt holds date, case and name.", _prompt_of_the_day),
        NearMiss("tools-in-another-order", "The same tools, in another order.", _tools_in_another_order),
        NearMiss("rolling-out", "Two releases side by side.", _rolling_out),
        NearMiss("two-models-always", "Every session asks two models.", _two_models_always),
    ),
)
