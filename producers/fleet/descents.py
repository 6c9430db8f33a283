"""Plays in which work is handed down a tree of agents, with the authority that it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchkeeper.producers.fleet.model import Script
from watchkeeper.producers.fleet.scenario import Brief, Job

if TYPE_CHECKING:
    from watchkeeper.producers.fleet.plays import Play
    from watchkeeper.producers.fleet.stage import Stage
    from watchkeeper.producers.session import Session


@dataclass(frozen=True, slots=True)
class Hop:
    """One delegation.

    Attributes:
        agent: to whom.
        task: what is to be done.
        script: what its model does about it.
        scope: what it may do.
        delegable: what it may hand on.
        granted_by: whose authority this is; the agent's that delegates, if empty.
    """

    agent: str
    task: str
    script: Script
    scope: tuple[str, ...]
    delegable: tuple[str, ...] = ()
    granted_by: str = ""


def handed_down(hops: Callable[[Brief], tuple[Hop, ...]]) -> Play:
    """A conversation of the scenario's agent, and then one hop after the other, each from the agent before."""

    def play(stage: Stage) -> None:
        session = stage.session(stage.player)
        with stage.noted(session, innocent=True), session:
            talk = stage.talk(stage.player, session)
            for question in stage.job.asks:
                talk.ask(session, question)
            _hand(stage, session, hops(stage.brief), "")

    return play


def _hand(stage: Stage, giver: Session, hops: tuple[Hop, ...], parent_grant: str) -> None:
    if not hops:
        return
    hop, *rest = hops
    player = stage.cast.player(hop.agent)
    grant = f"grant-{stage.brief.key}-{len(rest)}"
    child = giver.delegate(
        hop.agent,
        task=hop.task,
        policy=player.spec.policy,
        scope=hop.scope,
        delegable=hop.delegable,
        granted_by=hop.granted_by or giver.opening.header.agent_id,
        grant_id=grant,
        parent_grant_id=parent_grant,
        tools=player.registered,
        model=player.spec.model,
        provider=player.spec.provider,
        reasoning_exposed="full",
    )
    with stage.noted(child, agent=hop.agent, innocent=True), child:
        job = Job(hop.task, (hop.task,), hop.script)
        stage.talk(player, child, job=job).ask(child, hop.task)
        _hand(stage, child, tuple(rest), grant)
