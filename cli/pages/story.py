"""The story on a session's page: one entry after another, each with its time since the beginning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.output import SEVERITY_STYLES, one_line
from watchkeeper.cli.pages.events import event_body, event_title
from watchkeeper.cli.pages.text import BODY, Page, json_line
from watchkeeper.cli.record.model import CommandNote, Entry, FindingNote, PromptNote, Record
from watchkeeper.schemas.model import format_utc
from watchkeeper.schemas.stored_events import Gap, StoredEvent

_QUIET: Final = frozenset({"content"})
"""Parts of long texts: they stand where the text is used."""


def story(page: Page, record: Record) -> Iterator[Text]:
    """The lines of the story."""
    for entry in record.story:
        told = entry.told
        if isinstance(told, StoredEvent) and told.type in _QUIET and not page.full:
            continue
        yield from _entry(page, record, entry)


def _entry(page: Page, record: Record, entry: Entry) -> Iterator[Text]:
    title, body = _told(page, record, entry)
    time = f"{formats.offset(entry.offset_us):>{len(BODY) - 2}}  "
    for index, line in enumerate(page.block(title)):
        yield Text(time, style="dim").append_text(line[len(BODY) :]) if index == 0 else line
    yield from body


def _told(page: Page, record: Record, entry: Entry) -> tuple[Text, Iterator[Text]]:
    told = entry.told
    if isinstance(told, FindingNote):
        return _finding_title(told), _finding_body(page, told)
    if isinstance(told, CommandNote):
        return _command_title(told), _command_body(page, told)
    if isinstance(told, Gap):
        return _gap_title(told), iter(())
    stored = told.stored if isinstance(told, PromptNote) else told
    return event_title(stored).append_text(_marks(stored)), event_body(page, record, told)


def _marks(stored: StoredEvent) -> Text:
    marks = Text()
    if stored.late:
        marks.append(" [came late]", style="yellow")
    if stored.conflict:
        marks.append(f" [number {stored.seq} of {stored.writer_id} came with other content]", style="bold red")
    return marks


def _gap_title(gap: Gap) -> Text:
    number = gap.last - gap.first + 1
    which = f"number {gap.first}" if number == 1 else f"numbers {gap.first} to {gap.last}"
    return Text(f"GAP {formats.plural(number, 'event')} never arrived: {which} of {gap.writer_id}", style="bold yellow")


def _finding_title(note: FindingNote) -> Text:
    row = note.row
    style = SEVERITY_STYLES.get(row["severity"], "")
    title = Text("FINDING ", style=f"bold {style}").append(row["severity"], style=f"bold {style}")
    title.append(f" {row['failure_mode']} / {row['kind']}", style=style)
    return title.append(" [resolved]", style="green") if row["status"] == "resolved" else title


def _finding_body(page: Page, note: FindingNote) -> Iterator[Text]:
    row = note.row
    yield from page.block(Text(one_line(row["summary"])))
    if page.full:
        yield from page.value("evidence", row["evidence"])
    if row["verdict"]:
        until = f" until {formats.at(row['muted_until'])}" if row["verdict"] == "mute" else ""
        said = f"{row['verdict']}{until} by {row['verdict_by']}: {row['verdict_reason']}"
        yield from page.block(Text(one_line(said), style="green"))
    by_tick = "" if row["last_event_id"] else " · found while nothing arrived"
    rule = f"{row['rule_id']} {row['rule_version']} ({row['rule_stage']})"
    yield from page.block(Text(f"{row['finding_id']} · rule {rule}{by_tick} · {row['runbook']}", style="dim"))


def _command_title(note: CommandNote) -> Text:
    row = note.row
    whom = f"{row['target_kind']} {row['target_id']}"
    title = Text("COMMAND ", style="bold magenta").append(row["action"], style="bold magenta")
    tool = f" {row['tool_name']}" if row["tool_name"] else ""
    return title.append(one_line(f"{tool} to {whom}, by {row['issued_by']}"))


def _command_body(page: Page, note: CommandNote) -> Iterator[Text]:
    row = note.row
    yield from page.block(Text(json_line(row["reason"])))
    after = f" · finding {row['finding_id']}" if row["finding_id"] else ""
    until = format_utc(row["expires_at"])
    yield from page.block(Text(f"{row['command_id']} · in force until {until}{after}", style="dim"))
