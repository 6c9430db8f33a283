"""Whole sessions in the store, as people label them, and scores beside them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from watchkeeper.schemas.model import format_utc
from watchkeeper.schemas.scores import Score, score_id_of, subject_of_scores

NOON = (datetime.now(UTC) - timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)


class Floor:
    """Sessions of one tenant and agent, named after the test: which sessions are drawn is the same in each run."""

    def __init__(self, shelf: Any, name: str) -> None:
        self.shelf = shelf
        shelf.tenant, shelf.agent = f"tenant-{name}", f"agent-{name}"
        self._put, self._later = shelf.put, dict[str, list[bytes]]()
        shelf.put = self._keep
        self.tenant: str = shelf.tenant
        self.agent: str = shelf.agent

    def _keep(self, table: str, *rows: bytes) -> None:
        self._later.setdefault(table, []).extend(rows)

    def store(self) -> None:
        """Stores what has been told, each table at once."""
        for table, rows in self._later.items():
            self._put(table, *rows)
        self._later.clear()

    def session(self, name: str, *, asked: str = "Where is my refund?", said: str = "On its way.", **state: Any) -> str:
        """Stores a session, told whole; its name is made the test's own."""
        shelf = self.shelf
        shelf.session, shelf._next, shelf.begin = f"{name}-{self.tenant}", {}, NOON
        intent = state.pop("intent", "refund")
        shelf.event("session_started", 0, {"goal": shelf.text("Help with refunds."), "intent": intent})
        first = shelf.message("user", asked)
        system = {**shelf.text("You help people.")}
        shelf.event("prompt", 1, {"request_id": "r1", "model": "own", "system": system, "messages": [first]})
        shelf.event("tool_call", 2, {"tool_call_id": "c1", "tool_name": "refund", "arguments": {"amount": 12}})
        result = {"tool_call_id": "c1", "tool_name": "refund", "status": "ok", "result": shelf.text("paid")}
        shelf.event("tool_result", 3, {**result, "duration_us": 5})
        answer = {"request_id": "r1", "model": "own", "text": shelf.text(said), "answer": True}
        shelf.event("response", 4, {**answer, "finish_reason": "stop"})
        shelf.event("session_ended", 5, {"status": "completed"})
        shelf.state(intent=intent, started_at=shelf.at(0), last_event_at=shelf.at(5), **state)
        return str(shelf.session)

    def row(self, name: str, **state: Any) -> str:
        """Stores a session's row alone: for lists, where nobody reads it."""
        self.shelf.session = f"{name}-{self.tenant}"
        self.shelf.state(started_at=NOON, last_event_at=NOON + timedelta(seconds=5), **state)
        return str(self.shelf.session)

    def score(self, session: str, *, grader: str = "llm_judge@1", good: bool = True, **given: Any) -> Score:
        """Stores a live score."""
        values: dict[str, Any] = {
            "score_id": score_id_of(tenant_id=self.tenant, source="live", session_id=session, grader=grader),
            "subject": subject_of_scores(self.tenant, "live", self.agent),
            "tenant_id": self.tenant,
            "origin": "live",
            "source": "live",
            "session_id": session,
            "agent_id": self.agent,
            "agent_version": "1.4.2",
            "intent": "refund",
            "grader": grader,
            "result_type": "pass",
            "passed": good,
            "value": float(good),
            "occurred_at": NOON + timedelta(seconds=5),
            "graded_at": NOON + timedelta(hours=1),
        }
        found = Score(**(values | given))
        self.shelf.put("scores", found.model_dump_json().encode())
        return found

    def label(self, session: str, *, good: bool, **given: Any) -> dict[str, Any]:
        """A line of a file of labels."""
        return {"session_id": session, "passed": good, "given_at": format_utc(NOON), **given}
