"""Sessions made up for tests of the draw: as many as are asked for, of known strata."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from watchkeeper.evals.interaction import FindingNote, Interaction, ToolUse, Turn
from watchkeeper.evals.reading.reader import SessionRef

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)

THINGS = (
    *("parcel", "invoice", "refund", "password", "flight", "contract", "meter", "lease", "ticket", "voucher"),
    *("warranty", "deposit", "passport", "bicycle", "mattress", "telephone", "recipe", "garden", "bridge", "orchestra"),
)
VERBS = ("find", "cancel", "change", "explain", "repeat", "check", "compare", "order", "return", "translate")
MORE = ("today", "for my mother", "before Monday", "in Lisbon", "without a receipt", "twice", "as a gift", "by mail")


def request(chance: Random) -> str:
    """One of some thousands of requests that differ in their words."""
    picks = [chance.choice(VERBS), chance.choice(THINGS), chance.choice(MORE), chance.choice(VERBS)]
    return "Please {} the {} {} and then {} the {} {}".format(*picks, chance.choice(THINGS), chance.choice(MORE))


def session(number: int, asked: str, **given: Any) -> Interaction:
    """A session in which one thing was asked and answered."""
    at = BEGIN + timedelta(minutes=number)
    calls = given.pop("calls", 1)
    failed = given.pop("failed", 0)
    uses = tuple(
        ToolUse(call_id=f"c{index}", name="find", arguments={"q": index}, result="ok", failed=index < failed)
        for index in range(calls)
    )
    values: dict[str, Any] = {
        "interaction_id": f"session-{number:05d}",
        "agent_id": "desk",
        "agent_version": "1",
        "intent": "refund",
        "turns": (
            Turn(speaker="system", text="Be brief."),
            Turn(speaker="user", text=asked),
            Turn(speaker="assistant", text="", tools=uses),
            Turn(speaker="assistant", text=f"Done: {asked}."),
        ),
        "status": "completed",
        "started_at": at,
        "ended_at": at + timedelta(seconds=30),
    }
    return Interaction(**(values | given))


def found(severity: str = "high") -> tuple[FindingNote, ...]:
    """One finding."""
    return (FindingNote(finding_id="f", failure_mode="reasoning_loop", kind="loop", severity=severity),)  # type: ignore[arg-type] # one of them


def many(number: int, seed: int = 0) -> list[Interaction]:
    """Sessions of three intents, some of which failed or were found wanting."""
    chance = Random(seed)
    made = []
    for index in range(number):
        rare = chance.random()
        made.append(
            session(
                index,
                request(chance),
                intent=chance.choices(("refund", "address", "complaint"), (80, 17, 3))[0],
                calls=chance.randrange(8),
                failed=chance.randrange(2),
                status="failed" if rare < 0.05 else "completed",
                findings=found() if 0.05 < rare < 0.15 else (),
                outcomes={"csat": 5.0} if rare > 0.5 else {},
            )
        )
    return made


class InMemory:
    """Sessions that are read from memory, as a store's are."""

    def __init__(self, sessions: Iterable[Interaction]) -> None:
        self.sessions = {one.interaction_id: one for one in sessions}
        self.read = 0

    def ended_between(
        self, tenant: str, since: datetime, until: datetime, *, agent: str = "", origin: str = ""
    ) -> Iterator[SessionRef]:
        for one in self.sessions.values():
            fits = one.tenant_id == tenant and one.agent_id == agent and one.origin == origin
            if fits and since <= one.ended_at < until:
                yield SessionRef(
                    tenant_id=tenant,
                    session_id=one.interaction_id,
                    root_session_id=one.interaction_id,
                    agent_id=one.agent_id,
                    agent_version=one.agent_version,
                    model="",
                    prompt_version="",
                    intent=one.intent,
                    environment="",
                    origin=one.origin,
                    retention_class=one.retention_class,
                    status=one.status,
                    started_at=one.started_at,
                    ended_at=one.ended_at,
                    events=10,
                    tool_calls=len(one.calls),
                    tokens=0,
                    cost_usd=0.0,
                    findings={note.severity: 1 for note in one.findings},
                )

    def each(self, tenant: str, ids: Iterable[str]) -> Iterator[Interaction]:
        del tenant
        for name in ids:
            self.read += 1
            yield self.sessions[name]
