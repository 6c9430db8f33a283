"""Records from which nobody could reconstruct what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.ground import Ground, tool
from scorecard.model import ModeCard, NearMiss, Recipe, Sought
from scorecard.stage import DAY_US, Stage

LOOK: Final = tool("look_up", "Looks something up.", ["about"], about="string")
TOPICS: Final = ("opening hours", "warranty", "gift cards", "bulk orders", "spare parts", "invoices", "newsletter")


def _open(stage: Stage, ground: Ground, *, rules: Mapping[str, Any] | None = None, **told: Any) -> Desk:
    """A session with a tool to look things up.

    Args:
        stage: where.
        ground: what the agent works on.
        rules: sections of its policy, and under `look_up` what it says about the tool.
        **told: see `Stage.open`.
    """
    sections = dict(rules or {})
    look_up = {"effect": "read", **sections.pop("look_up", {})}
    if ground.policy is not None:
        sections["tools"] = {"look_up": look_up}
    return stage.open(ground, policy=sections or None, tools=[*(ground.tools or ()), LOOK], **told)


def _look(desk: Desk, **told: Any) -> str:
    about = f"{desk.rng.choice(TOPICS)} {desk.rng.randrange(10**4)}"
    return desk.use("look_up", {"about": about}, f"{about}: see page {desk.rng.randrange(300)}", **told)


def _lost_on_the_way(stage: Stage) -> Sought:
    """Events in the middle of the session never arrive: a full queue, a machine that died with them in memory."""
    desk = _open(stage, stage.ground())
    since: list[int] = []

    def act(desk: Desk) -> None:
        desk.wait(1)
        since.append(desk.now_us)
        for _ in range(stage.rng.randrange(1, 4)):
            _look(desk)
        stage.lose(desk, since[0], desk.now_us + 1)
        desk.wait(1)

    stage.perform(desk, act)
    return stage.sought(desk, since_us=since[0])


def _never_answered(stage: Stage) -> Sought:
    """A call whose result nobody records; the session goes on and ends."""
    desk = _open(stage, stage.ground())
    since: list[int] = []

    def act(desk: Desk) -> None:
        since.append(desk.now_us)
        desk.call("look_up", {"about": stage.any_of(TOPICS)})
        desk.say("I will look at it another way.", answer=False)

    stage.perform(desk, act)
    return stage.sought(desk, since_us=since[0], tool_name="look_up")


def _never_closed(stage: Stage) -> Sought:
    """The process dies in the middle, and nobody says that the session is over."""
    seconds = stage.rng.randrange(5, 15)
    job = stage.job()
    desk = _open(stage, job, rules={"thresholds": {"close_timeout_seconds": seconds}})
    beats = list(job.beats(desk))
    for beat in beats[: stage.rng.randrange(2, len(beats) + 1)]:
        beat(desk)
    stage.silence_seconds = seconds + 4
    return stage.sought(desk)


def _hangs(stage: Stage) -> Sought:
    """A call that never comes back, far beyond its tool's time-out."""
    seconds = stage.rng.randrange(4, 12)
    job = stage.job("support", "coding", "finance")
    desk = _open(stage, job, rules={"look_up": {"timeout_seconds": seconds}})
    for beat in list(job.beats(desk))[:2]:
        beat(desk)
    desk.call("look_up", {"about": stage.any_of(TOPICS)})
    stage.silence_seconds = seconds + 4
    return stage.sought(desk, tool_name="look_up")


def _thought_in_silence(stage: Stage) -> Sought:
    """The session says that the model shows its reasoning, tokens were spent on it, and none was recorded."""
    job = stage.job("support", "retrieval", "finance")
    model = stage.any_of(("o4-mini", "o3", "gpt-5-mini"))
    desk = _open(stage, job, model=model, reasoning_exposed=stage.any_of(("full", "summary")))

    def act(desk: Desk) -> None:
        for _ in range(stage.rng.randrange(1, 4)):
            call_id = desk.identity.new_id("call")
            arguments = {"about": stage.any_of(TOPICS)}
            shown = {"id": call_id, "type": "function", "function": {"name": "look_up", "arguments": arguments}}
            usage = {"input_tokens": 900, "output_tokens": 420, "reasoning_output_tokens": 380}
            desk.respond(None, request_id=desk.request(), calls=[shown], usage=usage)
            desk.session.tool_call("look_up", arguments, call_id=call_id)
            desk.returns(call_id, f"page {stage.rng.randrange(300)}")

    stage.perform(desk, act)
    return stage.sought(desk)


def _decided_without_a_word(stage: Stage) -> Sought:
    """A decision of which neither facts nor rules nor a reason are told."""
    desk = _open(stage, stage.ground())
    since: list[int] = []

    def act(desk: Desk) -> None:
        since.append(desk.now_us)
        name = stage.any_of(("goodwill", "escalate", "close_ticket", "waive_fee", "priority"))
        desk.session.decision(name, stage.any_of(("yes", "no", "granted", 25)))

    stage.perform(desk, act)
    return stage.sought(desk, since_us=since[0])


def _no_prompts(stage: Stage) -> Sought:
    """The agent's policy promises complete records, and what the model was asked is in none of them."""
    job = stage.job("support", "coding", "finance")
    promised = {"objectives": [{"rate": "completeness", "target": 0.98}]}
    desk = _open(stage, job, rules=promised)

    def act(desk: Desk) -> None:
        for _ in range(stage.rng.randrange(1, 4)):
            desk.wait(1)
            call_id = desk.session.tool_call("look_up", {"about": stage.any_of(TOPICS)})
            desk.wait(0.5)
            desk.session.tool_result(call_id, "page 7", trust="trusted")
            desk.session.response(None, request_id=f"r-{stage.rng.randrange(10**6)}", finish_reason="tool_calls")

    # Before the job itself: what follows a response that was asked for belongs to that one.
    act(desk)
    desk.session.tool_call("look_up", {"about": "stock"}, call_id="c-last")
    desk.session.tool_result("c-last", "page 8", trust="trusted")
    stage.perform(desk)
    return stage.sought(desk)


def _late(stage: Stage) -> None:
    """Some events arrive after what came later: a queue that emptied in another order."""
    desk = _open(stage, stage.job("support"))

    def act(desk: Desk) -> None:
        desk.wait(1)
        from_us = desk.now_us
        _look(desk)
        stage.delay(desk, from_us, desk.now_us + 1, 3)
        desk.wait(1)
        _look(desk)

    stage.perform(desk, act)


def _called_off(stage: Stage) -> None:
    """A call is cancelled because the customer says something else, and its record says so."""
    desk = _open(stage, stage.job("support"))

    def act(desk: Desk) -> None:
        call_id = desk.call("look_up", {"about": stage.any_of(TOPICS)})
        desk.returns(call_id, "cancelled", status="cancelled", seconds=1)
        desk.user("Never mind, go on.")

    stage.perform(desk, act)


def _side_by_side(stage: Stage) -> None:
    """Calls made at once, whose results come in another order."""
    desk = _open(stage, stage.job("support"))

    def act(desk: Desk) -> None:
        ids = [desk.session.tool_call("look_up", {"about": about}) for about in stage.rng.sample(TOPICS, 3)]
        desk.wait(0.4)
        stage.rng.shuffle(ids)
        for number, call_id in enumerate(ids):
            desk.wait(0.3)
            desk.session.tool_result(call_id, f"page {number}", trust="trusted")

    stage.perform(desk, act)


def _slow(stage: Stage) -> None:
    """A call that takes nearly as long as it may."""
    desk = _open(stage, stage.job("finance"))
    stage.perform(desk, lambda desk: _slow_call(desk, stage.rng.uniform(60, 110)))


def _slow_call(desk: Desk, seconds: float) -> None:
    _look(desk, seconds=seconds)


def _closed_thoughts(stage: Stage) -> None:
    """A model that reasons and does not show it, and a runtime that says so."""
    desk = _open(stage, stage.job("support"), agent="quiet-thinker", model="o4-mini", reasoning_exposed="none")

    def act(desk: Desk) -> None:
        usage = {"input_tokens": 700, "output_tokens": 300, "reasoning_output_tokens": 250}
        desk.respond("One moment.", request_id=desk.request(), answer=False, usage=usage)
        _look(desk)

    stage.perform(desk, act)


def _known_later(stage: Stage) -> None:
    """What came of it is told days after the end, by another writer."""
    job = stage.job()
    desk = stage.open(job)
    stage.perform(desk)
    later = stage.attach(desk, desk.now_us + stage.rng.randrange(1, 5) * DAY_US)
    later.outcome("satisfied", float(stage.rng.random() < 0.8), kind="feedback")


def _decided_by_rules(stage: Stage) -> None:
    """A decision with its reason in words alone, or with nothing but the rule that asked for it."""
    desk = _open(stage, stage.job("support"))
    told: list[dict[str, Any]] = [{"reason": "The parcel is late."}, {"rules": [{"name": "late", "version": "2"}]}]
    chosen = stage.any_of(told)
    act: Callable[[Desk], Any] = lambda desk: desk.session.decision("goodwill", "yes", **chosen)  # noqa: E731 - typed
    stage.perform(desk, act)


CARD: Final = ModeCard(
    mode="audit_gap",
    recipes=(
        Recipe("lost-on-the-way", "Some of its events never arrive.", _lost_on_the_way, recorded=True),
        Recipe("never-answered", "Records a call and never its result.", _never_answered, recorded=True),
        Recipe("never-closed", "Dies, and nobody says that the session is over.", _never_closed),
        Recipe("hangs", "Waits for a call that never comes back.", _hangs),
        Recipe("thought-in-silence", "Does not record the reasoning that its model shows.", _thought_in_silence),
        Recipe("decided-without-a-word", "Decides without a trace of why.", _decided_without_a_word, recorded=True),
        Recipe("no-prompts", "Promises complete records and leaves out the prompts.", _no_prompts),
    ),
    near_misses=(
        NearMiss("late", "Some events arrive late.", _late),
        NearMiss("called-off", "Cancels a call, and says so.", _called_off),
        NearMiss("side-by-side", "Makes calls at once, answered in another order.", _side_by_side),
        NearMiss("slow", "Makes a call that takes nearly as long as it may.", _slow),
        NearMiss("closed-thoughts", "Uses a model that hides its reasoning.", _closed_thoughts),
        NearMiss("known-later", "Tells what came of it days later.", _known_later),
        NearMiss("decided-by-rules", "Decides, and tells one reason.", _decided_by_rules),
    ),
)
