"""One session of a scenario, while it is played."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from watchkeeper.producers.fleet.cast import Cast, Player
from watchkeeper.producers.fleet.ledger import Entry, Ledger
from watchkeeper.producers.fleet.model import ScriptedModel
from watchkeeper.producers.fleet.scenario import Brief, Job, Scenario
from watchkeeper.producers.fleet.talk import Means, Talk
from watchkeeper.producers.identity import system_clock
from watchkeeper.producers.session import Session
from watchkeeper.schemas.errors import SessionStoppedError, WatchkeeperError


class Stage:
    """What a play has at hand.

    Attributes:
        scenario: what is played.
        brief: which session of it.
        job: what the agent is to do.
        cast: the agents.
    """

    def __init__(self, scenario: Scenario, brief: Brief, cast: Cast, ledger: Ledger) -> None:
        self.scenario = scenario
        self.brief = brief
        self.job: Job = scenario.job(brief)
        self.cast = cast
        self._ledger = ledger

    @property
    def player(self) -> Player:
        """The scenario's agent in its usual process."""
        return self.cast.player(self.scenario.agent)

    def session(self, player: Player, *, job: Job | None = None, **options: Any) -> Session:
        """A session of the agent for this job, or another, with the options that a user would give."""
        return player.watch.session(**self.options(player, job or self.job) | options)

    def options(self, player: Player, job: Job) -> dict[str, Any]:
        """What a user would say of a session for the job when it begins."""
        return {
            "user_id": f"user-{self.brief.customer}",
            "customer_id": self.brief.customer,
            "goal": job.goal,
            "intent": job.intent,
            "model": player.spec.model,
            "provider": player.spec.provider,
            "reasoning_exposed": "full",
            "tools": player.registered,
        } | dict(job.options)

    def talk(self, player: Player, session: Session, *, job: Job | None = None, forgotten: str = "") -> Talk:
        """A conversation with the scripted model: about this job, or another that was handed on."""
        about = job or self.job
        name = about.options.get("model", player.spec.model)
        model = ScriptedModel(name, about.script, f"{self.brief.key}/{about.goal}", caches=about.caches)
        means = Means(player.tools, player.listed, self.cast.pace, forgotten)
        return Talk(model, means, player.spec.system, self.cast.awaiting_stop(session.session_id))

    @contextmanager
    def noted(
        self, session: Session, *, agent: str = "", innocent: bool = False, abandoned: bool = False
    ) -> Iterator[Entry]:
        """Writes into the ledger what is expected of a session, and how it ends. Nothing of it passes."""
        entry = self._ledger.open(
            Entry(
                scenario=self.scenario.name,
                agent=agent or self.scenario.agent,
                session_id=session.session_id,
                expected=() if innocent else self.scenario.expected(self.brief),
                must_stop=self.scenario.stopped and not innocent,
                abandoned=abandoned,
                past=self.scenario.past,
            )
        )
        try:
            yield entry
            entry.outcome = "completed"
        except SessionStoppedError as stopped:
            entry.stopped_us = system_clock()
            entry.best_answer = stopped.best_answer
            entry.outcome = "stopped"
        except WatchkeeperError as error:
            entry.trouble = str(error)
            entry.outcome = "failed"


def perform(stage: Stage) -> None:
    """Plays one session as its scenario says."""
    (stage.scenario.play or converse)(stage)


def converse(stage: Stage) -> None:
    """The plain way: a session, and all that the user says in it."""
    player = stage.player
    session = stage.session(player)
    with stage.noted(session), session:
        talk = stage.talk(player, session)
        for question in stage.job.asks:
            talk.ask(session, question)
