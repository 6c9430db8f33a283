"""Ways in which a session runs that a plain conversation is not."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from watchkeeper.producers.fleet.faults import Fault
from watchkeeper.producers.fleet.model import Call, Turn, steps
from watchkeeper.producers.fleet.pace import SESSION_CLOCK, LateClock
from watchkeeper.producers.fleet.scenario import Job

if TYPE_CHECKING:
    from watchkeeper.producers.fleet.cast import Player
    from watchkeeper.producers.fleet.stage import Stage
    from watchkeeper.producers.fleet.talk import Talk

Play = Callable[["Stage"], None]

HELPERS = (
    (
        "librarian",
        "Find our rule on quarterly figures.",
        steps(
            Turn(calls=(Call("search_documents", {"query": "expense policy"}),)), Turn("The expense policy of 2025.")
        ),
    ),
    (
        "diary-keeper",
        "Find an hour for the review.",
        steps(
            Turn(calls=(Call("find_free_hour", {"owner": "ada", "day": "2025-06-03"}),)),
            lambda seen: Turn(f"At {seen.last['hour']} o'clock."),
        ),
    ),
)
"""Whom the finance reporter hands work to: the agent, the task, and what its model does about it."""


def on_faulty_wire(fault: Fault, *, abandoned: bool = False) -> Play:
    """A plain conversation, recorded by a process with a fault between it and the broker.

    Args:
        fault: what befalls its events.
        abandoned: whether the session's end never arrives.
    """

    def play(stage: Stage) -> None:
        _converse(stage, stage.cast.stranger(stage.scenario.agent, fault), abandoned=abandoned)

    return play


def forgetting_a_result(tool: str) -> Play:
    """A conversation whose author forgot to record what one tool answers."""

    def play(stage: Stage) -> None:
        _converse(stage, stage.player, forgotten=tool)

    return play


def in_the_past(seconds: float) -> Play:
    """A conversation that began so long ago and has caught up with the present when its slow work is done."""

    def play(stage: Stage) -> None:
        clock = LateClock(seconds)
        token = SESSION_CLOCK.set(clock)
        try:
            _converse(stage, stage.player, clock=clock)
        finally:
            SESSION_CLOCK.reset(token)

    return play


def in_a_hurry(seconds: float) -> Play:
    """A conversation that is given so many seconds in all, whatever the agent's policy allows."""

    def play(stage: Stage) -> None:
        _converse(stage, stage.player, caps={"wall_clock_seconds": seconds})

    return play


def resumed(stage: Stage) -> None:
    """The first half in one process, which is replaced without an end; the second half in another."""
    first, second = stage.player, stage.cast.stranger(stage.scenario.agent)
    session = stage.session(first)
    before, *after = stage.job.asks

    def begin() -> Talk:
        session.__enter__()
        talk = stage.talk(first, session)
        talk.ask(session, before)
        return talk

    with stage.noted(session):
        # In a context of its own, so that the session that is never left is nobody's current one afterwards.
        talk = contextvars.copy_context().run(begin)
        first.watch.flush()
        again = second.watch.resume(session.session_id, model=first.spec.model, provider=first.spec.provider, turn=0)
        with again:
            rest = stage.talk(second, again)
            rest.messages[:] = talk.messages
            for question in after:
                rest.ask(again, question)


def delegated(stage: Stage) -> None:
    """A conversation before which two other agents are given work."""
    player = stage.player
    session = stage.session(player)
    with stage.noted(session), session:
        for agent, task, script in HELPERS:
            helper = stage.cast.player(agent)
            child = session.delegate(
                agent,
                task=task,
                policy=helper.spec.policy,
                scope=list(helper.tools),
                tools=helper.registered,
                model=helper.spec.model,
                provider=helper.spec.provider,
                reasoning_exposed="full",
            )
            with stage.noted(child, agent=agent, innocent=True), child:
                stage.talk(helper, child, job=Job(task, (task,), script)).ask(child, task)
        talk = stage.talk(player, session)
        for question in stage.job.asks:
            talk.ask(session, question)


def _converse(
    stage: Stage,
    player: Player,
    *,
    forgotten: str = "",
    abandoned: bool = False,
    **options: Any,
) -> None:
    session = stage.session(player, **options)
    with stage.noted(session, abandoned=abandoned), session:
        talk = stage.talk(player, session, forgotten=forgotten)
        for question in stage.job.asks:
            talk.ask(session, question)
