"""Judging in the process itself: the worker's detectors, with no broker and no store.

A `LocalTransport` stands where the broker's client would: what reaches it are the very lines that would have been
sent, and the sender's thread judges them. What is judged is one session at a time: what only shows over many sessions
(an agent's share of capped ones) takes the pipeline. Costs are judged where a price book is handed in.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TextIO

from watchkeeper.producers.identity import Clock, system_clock
from watchkeeper.producers.transport import Delivery, OnDelivery, Record
from watchkeeper.schemas.control import Control
from watchkeeper.schemas.events import EVENT_ADAPTER, Event
from watchkeeper.schemas.wire import split_lines
from watchkeeper.stream_processors.detection.catalogue import default_detectors
from watchkeeper.stream_processors.detection.hearing import Verdict
from watchkeeper.stream_processors.detection.judge import Judge

if TYPE_CHECKING:
    from watchkeeper.schemas.findings import Finding
    from watchkeeper.stream_processors.detection.pricing import PriceBook
    from watchkeeper.stream_processors.detection.session import SessionState

MAX_FINDINGS: Final = 10_000
MAX_SESSIONS: Final = 10_000
"""Sessions whose state is kept, ended ones included: an outcome may follow. The longest untouched leaves first."""

VALUE_LENGTH: Final = 200

Key = tuple[str, str]


class LocalTransport:
    """Judges what it is given; see `Transport` for the methods.

    Args:
        obey: takes the commands that follow from findings.
        prices: the price book; without one no cap on money is judged.
        out: where findings are printed; the process's standard error, if None.
        clock: epoch microseconds.
    """

    def __init__(
        self,
        obey: Callable[[Control], None],
        *,
        prices: PriceBook | None = None,
        out: TextIO | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self._obey = obey
        self._prices = prices
        self._out = out
        self._clock = clock
        self._findings: deque[Finding] = deque(maxlen=MAX_FINDINGS)
        self._taken = 0
        self.after_fork()

    def findings(self) -> list[Finding]:
        """What was found so far, in order; a later revision of a finding stands beside the earlier one."""
        return list(self._findings)

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:  # noqa: ARG002 - never waits
        """See `Transport.send`."""
        for line in split_lines(record.value):
            event = EVENT_ADAPTER.validate_json(line)
            self._judge.learn(event)
            now_us = self._clock()
            self._said(self._judge.step(self._session(event), event, clock_us=now_us, stamped_us=now_us))
        on_delivery(Delivery(record, "", 0, self._taken))
        self._taken += 1
        return True

    def poll(self) -> None:
        """Lets time pass: what hangs is found while nothing is told."""
        now_us = self._clock()
        for session in list(self._sessions.values()):
            # A recording is not silent because nobody tells it: only origins that act are ticked.
            if not (session.is_open and self._judge.acts(session)):
                continue
            if verdict := self._judge.tick(session, clock_us=now_us):
                self._said(verdict)

    def flush(self, seconds: float) -> int:  # noqa: ARG002 - everything is judged when it comes
        """See `Transport.flush`."""
        return 0

    def close(self, seconds: float) -> None:
        """See `Transport.close`."""

    def after_fork(self) -> None:
        """See `Transport.after_fork`."""
        self._findings.clear()
        self._sessions: OrderedDict[Key, SessionState] = OrderedDict()
        self._judge = Judge(default_detectors(), prices=self._prices, acting=frozenset({"live", "simulated"}))

    def _session(self, event: Event) -> SessionState:
        key = (event.tenant_id, event.session_id)
        found = self._sessions.get(key)
        if found is None:
            found = self._sessions[key] = self._judge.open(event)
            if len(self._sessions) > MAX_SESSIONS:
                self._sessions.popitem(last=False)
        self._sessions.move_to_end(key)
        return found

    def _said(self, verdict: Verdict) -> None:
        for finding in verdict.findings:
            self._findings.append(finding)
            (self._out or sys.stderr).write(spell(finding))
        for command in verdict.commands:
            self._obey(command)


def spell(finding: Finding) -> str:
    """A finding for a person: a line that says what is wrong, and its evidence indented below."""
    resolved = " resolved:" if finding.status == "resolved" else ""
    head = f"watchkeeper: {finding.severity.upper()} {finding.failure_mode}:{resolved} {finding.summary}"
    about = f"    session {finding.session_id}, agent {finding.agent_id}; see {finding.runbook}"
    evidence = finding.evidence.model_dump(mode="json", exclude={"kind"}, exclude_none=True)
    facts = (f"    {key}: {_short(value)}" for key, value in evidence.items())
    return "\n".join([head, *facts, about]) + "\n"


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= VALUE_LENGTH else text[: VALUE_LENGTH - 1] + "…"
