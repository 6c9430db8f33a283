"""Plays scenarios of the simulated fleet through a worker, and keeps what was told in each session."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from watchkeeper.cli.store import ReadStore
from watchkeeper.producers.fleet.cast import Cast, Player
from watchkeeper.producers.fleet.fleet import make_plan
from watchkeeper.producers.fleet.ledger import Ledger
from watchkeeper.producers.fleet.pace import Pace
from watchkeeper.producers.fleet.scenario import Job
from watchkeeper.producers.fleet.scenarios import REGISTRY
from watchkeeper.producers.fleet.stage import Stage, perform
from watchkeeper.producers.fleet.talk import Talk
from watchkeeper.producers.fleet.wiring import over_kafka
from watchkeeper.producers.session import Session

SECONDS = 120.0

ENDED = "SELECT count() AS ended FROM sessions FINAL WHERE tenant_id = {tenant:String} AND status != 'open'"
OUTCOMES = "SELECT count() AS outcomes FROM events WHERE tenant_id = {tenant:String} AND type = 'outcome'"


@dataclass
class Played:
    """What a run of the fleet told.

    Attributes:
        messages: of each session, all messages that its model saw and said, in order, in OpenAI's form.
    """

    tenant: str
    messages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)
    lock: threading.Lock = field(default_factory=threading.Lock)


class ListeningStage(Stage):
    """A stage that keeps what is said on it."""

    played: Played

    def talk(self, player: Player, session: Session, *, job: Job | None = None, forgotten: str = "") -> Talk:
        talk = super().talk(player, session, job=job, forgotten=forgotten)
        with self.played.lock:
            # Resumed in another process, the conversation is one list in both.
            self.played.messages[session.session_id] = talk.messages
            self.played.sessions[session.session_id] = session
        return talk


def play(
    bootstrap: str,
    store: ReadStore,
    only: Sequence[str],
    sessions: int | None = None,
    outcome: Callable[[Session], float | None] = lambda _: None,
) -> Played:
    """Plays scenarios, and returns when the worker has stored the end of every session.

    `outcome` says which `csat` a session gets, if any: told by another writer when the session has ended.
    """
    played = Played(f"fleet-{uuid.uuid4().hex[:12]}")
    cast = Cast(over_kafka(bootstrap, played.tenant), Pace(share=0.01))
    try:
        plan = make_plan(REGISTRY, seed=7, sessions=sessions, only=only)
        for part in plan.parts:
            stage = ListeningStage(part.scenario, part.brief, cast, played.ledger)
            stage.played = played
            perform(stage)
        cast.flush(30.0)
        told = 0
        for session in played.sessions.values():
            value = outcome(session)
            if value is not None:
                agent = session.opening.header.agent_id
                cast.player(agent).watch.attach(session.session_id).outcome("csat", value, kind="feedback")
                told += 1
        cast.flush(30.0)
        _await(store, OUTCOMES, "outcomes", played.tenant, told)
        _await(store, ENDED, "ended", played.tenant, len(played.messages))
    finally:
        cast.pace.call_off()
        cast.close()
    return played


def _await(store: ReadStore, sql: str, column: str, tenant: str, wanted: int) -> None:
    deadline = time.monotonic() + SECONDS
    found = 0
    while time.monotonic() < deadline:
        found = store.rows(sql, tenant=tenant)[0][column]
        if found >= wanted:
            return
        threading.Event().wait(0.2)
    raise AssertionError(f"{column}: {found} of {wanted} within {SECONDS} s")
