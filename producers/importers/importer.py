"""Brings recorded sessions in: reads files, and produces what is in them as a live agent would have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from watchkeeper.producers.identity import ManualClock, RecordedIdentity
from watchkeeper.producers.importers.forms import OwnEvent, read_line
from watchkeeper.producers.importers.ledger import Ledger
from watchkeeper.producers.importers.lines import Line, LineReader
from watchkeeper.producers.importers.model import Form, Problem, RecordedSession, UnreadableError
from watchkeeper.producers.importers.republishing import Republisher
from watchkeeper.producers.importers.retelling import Retelling, tell_outcomes
from watchkeeper.producers.importers.times import Timeline, timeline_of
from watchkeeper.producers.importers.watches import Watches
from watchkeeper.producers.options import SessionOptions
from watchkeeper.producers.transport import Transport
from watchkeeper.producers.writing.names import identifier
from watchkeeper.schemas.errors import BusUnavailableError

UNNAMED_AGENT: Final = "imported"
"""The agent of sessions that name none."""

CLOSE_SECONDS: Final = 120.0
SOURCE_LENGTH: Final = 200

OnProgress = Callable[[Path, int], None]
"""Told of a file and how many of its bytes were read."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the caller decides about an import.

    Attributes:
        tenant: whose data it is; None for `default`. Our own events keep theirs.
        agent: the agent of all sessions, in place of the recorded one. Our own events keep theirs.
        form: how the files are written; told line by line, if None.
        limit: sessions at most.
    """

    tenant: str | None = None
    agent: str | None = None
    form: Form | None = None
    limit: int | None = None


@dataclass(slots=True)
class Report:
    """What an import did.

    Attributes:
        sessions: sessions brought in.
        repeated: lines that hold a session that stood before, byte for byte; it was told once.
        problems: lines that were not imported.
        losses: what the recorder lost, by reason; empty where nothing was.
        ledger: what was produced.
    """

    ledger: Ledger
    sessions: int = 0
    repeated: int = 0
    problems: list[Problem] = field(default_factory=list)
    losses: dict[str, int] = field(default_factory=dict)


class Importer:
    """Imports files once.

    Args:
        transports: makes a way to the broker; each agent gets one of its own.
        choices: what the caller decides.

    Example:
        >>> importer = Importer(lambda: KafkaTransport(bootstrap, Settings(), {}, patient=True), Choices())
        >>> report = importer.run([Path("sessions.jsonl.gz")])
        >>> report.ledger.produced
        41277
    """

    def __init__(self, transports: Callable[[], Transport], choices: Choices | None = None) -> None:
        self._choices = choices or Choices()
        self._transports = transports
        self._ledger = Ledger()
        self._report = Report(self._ledger)
        self._watches = Watches(transports, self._choices.tenant or "default", self._ledger)
        self._republisher: Republisher | None = None
        self._seen: dict[tuple[str, str], str] = {}

    def run(self, paths: Iterable[Path], on_progress: OnProgress | None = None) -> Report:
        """Imports files, and returns when everything is acknowledged.

        Args:
            paths: the files.
            on_progress: told where the reading stands.

        Raises:
            BusUnavailableError: the broker does not take events.
            ConfigurationError: tenant or agent cannot be used.
        """
        try:
            for path in paths:
                reader = LineReader(path)
                for found in reader:
                    self._take(found)
                    if on_progress is not None:
                        on_progress(path, reader.position)
        except BaseException:
            self._close(0.0)
            raise
        self._close(CLOSE_SECONDS)
        self._raise_if_refused()
        self._report.sessions = len(self._seen)
        return self._report

    def _take(self, found: Line | Problem) -> None:
        if isinstance(found, Problem):
            self._report.problems.append(found)
            return
        try:
            held = read_line(found.raw, self._choices.form)
            if isinstance(held, OwnEvent):
                self._take_event(held)
            else:
                self._take_session(held)
        except UnreadableError as error:
            self._report.problems.append(Problem(found.path, found.number, str(error)))
        self._raise_if_refused()

    def _take_event(self, own: OwnEvent) -> None:
        choices, event = self._choices, own.event
        for option, chosen, told in (
            ("--tenant", choices.tenant, event.tenant_id),
            ("--agent", choices.agent, event.agent_id),
        ):
            if chosen is not None and chosen != told:
                raise UnreadableError(f"the event belongs to {told!r} and is sent unchanged: leave out {option}")
        if not self._is_wanted((event.tenant_id, event.session_id)):
            return
        self._seen.setdefault((event.tenant_id, event.session_id), "")
        if self._republisher is None:
            self._republisher = Republisher(self._transports(), self._ledger)
        self._republisher.add(own)

    def _take_session(self, recorded: RecordedSession) -> None:
        session_id = identifier(recorded.session_id, fallback=recorded.fingerprint)
        key = (self._choices.tenant or "default", session_id)
        before = self._seen.get(key)
        if before == recorded.fingerprint:
            self._report.repeated += 1
            return
        if before is not None:
            raise UnreadableError(f"another session called {session_id!r} stands before it: give it an id of its own")
        if not self._is_wanted(key):
            return
        self._seen[key] = recorded.fingerprint
        self._tell(recorded, session_id)

    def _is_wanted(self, key: tuple[str, str]) -> bool:
        limit = self._choices.limit
        return limit is None or key in self._seen or len(self._seen) < limit

    def _tell(self, recorded: RecordedSession, session_id: str) -> None:
        watch = self._watches.of(self._choices.agent or identifier(recorded.agent, fallback=UNNAMED_AGENT))
        timeline = timeline_of(recorded)
        clock = ManualClock(timeline.began_us)
        identity = RecordedIdentity(f"sha256:{recorded.fingerprint}")
        shared: SessionOptions = {"clock": clock, "attributes": _attributes(recorded, timeline)}
        options: SessionOptions = {
            **shared,
            "session_id": session_id,
            "model": recorded.model,
            "reasoning_exposed": "full" if any(message.reasoning for message in recorded.messages) else "none",
            "identity": identity,
        }
        if recorded.tools is not None:
            options["tools"] = recorded.tools
        session = watch.session(**options)
        session.start()
        Retelling(recorded, timeline, session, identity, clock).tell()
        failed = bool(recorded.messages) and recorded.messages[-1].is_assistant and recorded.messages[-1].failed
        session.end("failed" if failed else "completed", reason="the recording ends here")
        later: SessionOptions = {**shared, "identity": RecordedIdentity(f"sha256:{recorded.fingerprint}:outcomes")}
        tell_outcomes(recorded, watch.attach(session_id, **later))

    def _raise_if_refused(self) -> None:
        ledger = self._ledger
        if ledger.refused:
            raise BusUnavailableError(
                f"the broker did not take {ledger.refused} events ({ledger.why_refused}): when it is back, import the "
                "same files again; what is there already is not counted twice"
            )

    def _close(self, seconds: float) -> None:
        if self._republisher is not None:
            self._republisher.close(seconds)
        self._watches.close(seconds)
        self._report.losses = self._watches.losses


def _attributes(recorded: RecordedSession, timeline: Timeline) -> dict[str, str | int]:
    """What all events of the session say about the recording."""
    found: dict[str, str | int] = {"import.form": recorded.form, "import.times": timeline.origin}
    if recorded.source:
        found["import.source"] = recorded.source[:SOURCE_LENGTH]
    if cut := sum(message.cut for message in recorded.messages):
        found["import.cut_messages"] = cut
    return found
