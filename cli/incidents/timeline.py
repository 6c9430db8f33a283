"""What happened in an incident, moment by moment: deeds and failures, commands, and who was told and said what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from watchkeeper.cli.incidents.deeds import Deed, events_of, shortened
from watchkeeper.cli.incidents.gathering import Gathered
from watchkeeper.cli.record.model import CommandNote, Record
from watchkeeper.cli.store import Row
from watchkeeper.schemas.events import SessionEnded, SessionStarted
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.stored_events import StoredEvent

MomentKind = Literal["began", "action", "finding", "command", "notice", "verdict", "ended"]
_VERDICTS: Final = {"ack": "acknowledged", "wrong": "said to be wrong", "mute": "muted"}


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the timeline.

    Attributes:
        what: for people.
        reference: the id of the finding, command or event.
    """

    at: datetime
    kind: MomentKind
    what: str
    session_id: str
    reference: str = ""


def timeline_of(gathered: Gathered, deeds: Sequence[Deed]) -> Iterator[Moment]:
    """The moments, in no order."""
    for row in gathered.findings or [gathered.asked]:
        yield _finding(row)
    for deed in deeds:
        yield Moment(deed.at, "action", _deed(deed), deed.session_id, deed.event_id)
    for row in gathered.notices:
        yield Moment(row["told_at"], "notice", f"{row['kind']} sent to {row['channel']}", "", row["alert_id"])
    for row in gathered.verdicts:
        said = f"{_VERDICTS.get(row['verdict'], row['verdict'])} by {row['given_by']}: {row['reason']}"
        yield Moment(row["given_at"], "verdict", said, "", row["finding_id"])
    seen: set[str] = set()
    for name, record in gathered.records.items():
        for event in events_of(record):
            yield from _lifecycle(name, record, event)
        for entry in record.story:
            # A command on an agent stands in the record of each of its sessions.
            if isinstance(entry.told, CommandNote) and entry.told.row["command_id"] not in seen:
                row = entry.told.row
                seen.add(row["command_id"])
                yield Moment(row["issued_at"], "command", _command(row), name, row["command_id"])


def _finding(row: Row) -> Moment:
    what = f"{row['failure_mode']}: {row['summary']}"
    return Moment(row["first_event_at"], "finding", what, row["session_id"] or "", row["finding_id"])


def _deed(deed: Deed) -> str:
    approved = f", approved by {deed.approved_by}" if deed.approved_by else ""
    return f"{deed.tool} ({deed.effect}) on {deed.resource}: {deed.result}{approved}"


def _lifecycle(name: str, record: Record, event: StoredEvent) -> Iterator[Moment]:
    told, at = event.event, from_us(event.occurred_us)
    if isinstance(told, SessionStarted):
        goal = record.texts.of(told.data.goal, told.writer_id).text if told.data.goal is not None else None
        said = f": {shortened(goal)}" if goal else ""
        yield Moment(at, "began", f"{record.facts['agent_id']} began{said}", name, event.event_id)
    elif isinstance(told, SessionEnded):
        yield Moment(at, "ended", f"{record.facts['agent_id']} ended: {told.data.status}", name, event.event_id)


def _command(row: Row) -> str:
    tool = f" of {row['tool_name']}" if row["tool_name"] else ""
    return f"{row['action']}{tool} for {row['target_kind']} {row['target_id']}, by {row['issued_by']}: {row['reason']}"
