"""A session in a few sentences: what it was asked, what it did, what went wrong, and how it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from watchkeeper.cli import formats
from watchkeeper.cli.output import one_line
from watchkeeper.cli.pages.text import message_text
from watchkeeper.cli.record.model import CommandNote, FindingNote, PromptNote, Record
from watchkeeper.cli.store import Row
from watchkeeper.dashboards.console.story import Said
from watchkeeper.schemas import events
from watchkeeper.schemas.failure_modes import SEVERITIES
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.prompts import RebuiltText
from watchkeeper.schemas.stored_events import StoredEvent

MAX_TEXT: Final = 300
MOST_TOOLS: Final = 6


def summary_of(record: Record) -> tuple[Said, ...]:
    """The sentences, each under what it tells of; of what is not known nothing is said."""
    told = (
        ("Asked", _asked(record)),
        ("Did", _did(record)),
        ("Told the user", _answer(record)),
        ("Went wrong", _wrong(record)),
        ("Ended", _end(record)),
    )
    return tuple(Said(label, text) for label, text in told if text)


def _events(record: Record) -> Iterator[StoredEvent]:
    for entry in record.story:
        stored = entry.told.stored if isinstance(entry.told, PromptNote) else entry.told
        if isinstance(stored, StoredEvent):
            yield stored


def _asked(record: Record) -> str:
    """What the first message of a user says; else the goal."""
    for entry in record.story:
        if isinstance(entry.told, PromptNote):
            for role, text in entry.told.prompt.messages:
                if role == "user" and (said := message_text(text)):
                    return _quoted(said)
    started = record.started
    if started is not None and started.data.goal is not None:
        return _shown(record.texts.of(started.data.goal, started.writer_id))
    return ""


def _did(record: Record) -> str:
    happened = [stored.event for stored in _events(record)]
    calls = Counter(one_line(one.data.tool_name) for one in happened if isinstance(one, events.ToolCall))
    asked = sum(isinstance(one, events.Response) for one in happened)
    decided = [one_line(one.data.name) for one in happened if isinstance(one, events.Decision)]
    failed = sum(isinstance(one, events.ToolResult) and one.data.status != "ok" for one in happened)
    handed = [one_line(one.data.child_agent_id) for one in happened if isinstance(one, events.Delegation)]
    parts = [formats.plural(asked, "request") + " to a model"] if asked else []
    if calls:
        parts.append(f"{formats.plural(calls.total(), 'tool call')} ({_counted(calls)})")
    if failed:
        parts.append(f"{failed} of them without success")
    if decided:
        parts.append(f"{formats.plural(len(decided), 'decision')} ({_counted(Counter(decided))})")
    if handed:
        parts.append(f"handed work to {', '.join(dict.fromkeys(handed))}")
    facts = record.facts
    spent = formats.cost(facts["cost_usd"], facts["unpriced_requests"])
    lasted = formats.duration((facts["last_event_at"] - facts["started_at"]).total_seconds())
    return f"{', '.join(parts) or 'Nothing that was recorded'}; {lasted}, {spent}."


def _counted(names: Counter[str]) -> str:
    shown = [name if number == 1 else f"{name} {number} times" for name, number in names.most_common(MOST_TOOLS)]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more > 0 else "")


def _answer(record: Record) -> str:
    """The last thing that was meant for the user."""
    for stored in reversed(list(_events(record))):
        match stored.event:
            case events.Response(data=data) if data.answer and data.text is not None:
                return _shown(record.texts.of(data.text, stored.writer_id))
            case events.SessionEnded(data=data) if data.answer is not None:
                return _shown(record.texts.of(data.answer, stored.writer_id))
            case _:
                continue
    return ""


def _wrong(record: Record) -> str:
    found = [entry for entry in record.story if isinstance(entry.told, FindingNote)]
    standing = [entry for entry in found if _row(entry.told)["status"] != "resolved"]
    if not found:
        return "Nothing was found."
    if not standing:
        return f"{formats.plural(len(found), 'finding')}, all resolved."
    worst = max((_row(entry.told)["severity"] for entry in standing), key=SEVERITIES.index)
    first = next(entry for entry in standing if _row(entry.told)["severity"] == worst)
    count = formats.plural(len(standing), "finding")
    of = f"{count} of severity {worst}" if len(standing) == 1 else f"{count}, the worst {worst}"
    also = f"; {len(found) - len(standing)} more resolved" if len(found) > len(standing) else ""
    after = formats.duration(max(0, first.offset_us) / 1_000_000)
    return f"{of}{also}. After {after}: {one_line(_row(first.told)['summary'])}"


def _row(told: Any) -> Row:
    row: Row = told.row
    return row


def _end(record: Record) -> str:
    facts = record.facts
    last = formats.at(facts["last_event_at"])
    lasted = formats.duration((facts["last_event_at"] - facts["started_at"]).total_seconds())
    why = next((_reason(one.event) for one in _events(record) if isinstance(one.event, events.SessionEnded)), "")
    text = {
        "open": f"Not yet: last heard of at {last}.",
        "silent": f"Nobody knows: nothing was heard of it after {last}, and it was not closed.",
        "completed": f"By itself, completed, after {lasted}.",
        "failed": f"It failed after {lasted}{why}",
        "stopped": f"Stopped after {lasted}{why}",
    }.get(facts["status"], f"{facts['status']}, after {lasted}.")
    return " ".join(part for part in (_closed(text), _told_to_stop(record, why)) if part)


def _closed(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _reason(ended: events.SessionEnded) -> str:
    said = ": ".join(part for part in (ended.data.error_type, ended.data.reason) if part)
    return f": {one_line(said)}" if said else ""


def _told_to_stop(record: Record, known: str) -> str:
    """Who told it to stop, and how long it went on; why, where its end does not say it already."""
    notes = (entry.told.row for entry in record.story if isinstance(entry.told, CommandNote))
    row = next((row for row in notes if row["action"] == "terminate"), None)
    if row is None:
        return ""
    facts = record.facts
    after = (to_us(facts["last_event_at"]) - to_us(row["issued_at"])) / 1_000_000
    when = f"{formats.duration(after)} before its last event" if after > 0 else "after its last event"
    reason = one_line(row["reason"])
    text = f"Told to stop by {one_line(row['issued_by'])}, {when}"
    return _closed(text if reason in known else f"{text}: {reason}")


def _shown(text: RebuiltText) -> str:
    return _quoted(text.text) if text.text else ""


def _quoted(text: str) -> str:
    line = one_line(" ".join(text.split()))
    return f"“{line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + '…'}”"
