"""A session's record as the console tells it: a sentence for each thing that happened, and below it what was said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.console.echoes import Echoes
from watchkeeper.cli.console.fields import fields_of
from watchkeeper.cli.console.sentences import Sentence, command_sentence, is_plain, sentence_of
from watchkeeper.cli.console.summary import summary_of
from watchkeeper.cli.output import one_line
from watchkeeper.cli.pages.events import event_body
from watchkeeper.cli.pages.header import allowance_words, policy_words, texts_words
from watchkeeper.cli.pages.text import json_line, marks_of, message_text
from watchkeeper.cli.record.model import CommandNote, FindingNote, PromptNote, Record
from watchkeeper.cli.store import Row
from watchkeeper.dashboards.console.story import Allowance, Beat, Block, Relative, Story
from watchkeeper.schemas.events import Decision, Delegation
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.prompts import RebuiltText
from watchkeeper.schemas.stored_events import Gap, StoredEvent
from watchkeeper.schemas.visible_text import visible

_QUIET: Final = "content"
"""Parts of long texts: they stand where the text is used."""

_LABELS: Final = {"system": "instructions", "reason": "because"}


class _Blocks:
    """Writes blocks; see `watchkeeper.cli.pages.events.Writer`."""

    full = True

    def block(self, text: Text) -> Iterator[Block]:
        yield Block("", text.plain, pairs=fields_of(text.plain))

    def said(self, label: str, found: RebuiltText | None) -> Iterator[Block]:
        if found is None:
            return
        text = (message_text(found) if label else found.text) or ""
        shown = visible(text)
        yield Block(_LABELS.get(label, label), shown, marks_of(found).plain.strip(), fields_of(shown))

    def body(self, text: str | None) -> Text:
        return Text(visible(text or ""))

    def value(self, label: str, value: Any) -> Iterator[Block]:
        text = json_line(value)
        yield Block(label, text, pairs=fields_of(text))


def story_of(record: Record, family: Sequence[Row] = ()) -> Story:
    """The story.

    Args:
        record: of the session.
        family: rows of the sessions of its delegation tree.
    """
    policy, problem = policy_words(record)
    texts, texts_problem = texts_words(record)
    return Story(
        facts=record.facts,
        policy=policy,
        policy_problem=problem,
        allowances=tuple(Allowance(*allowance_words(record, cap), cap.share) for cap in record.caps),
        texts=texts,
        texts_problem=texts_problem,
        beats=tuple(_beats(record)),
        summary=summary_of(record),
        family=_tree(family, record.facts["session_id"]),
        truncated=record.truncated,
    )


def _beats(record: Record) -> Iterator[Beat]:
    spent = Decimal(0)
    echoes = Echoes()
    for entry in record.story:
        told = entry.told
        stored = told.stored if isinstance(told, PromptNote) else told
        if isinstance(stored, StoredEvent):
            if stored.type == _QUIET:
                continue
            spent += stored.cost_usd or Decimal(0)
        common: dict[str, Any] = {"at": from_us(entry.at_us), "offset_us": entry.offset_us, "spent_usd": spent}
        if isinstance(told, PromptNote):
            yield _prompt(told, echoes, common)
        elif isinstance(told, StoredEvent):
            yield _event(record, told, common)
            echoes.hear(record, told)
        else:
            yield _beside(told, common)


def _beside(told: FindingNote | CommandNote | Gap, common: dict[str, Any]) -> Beat:
    """What is no event of the session."""
    if isinstance(told, FindingNote):
        row = told.row
        return Beat(kind="finding", name=row["finding_id"], type="finding", title="", row=row, **common)
    if isinstance(told, CommandNote):
        row, said = told.row, command_sentence(told.row)
        facts = tuple(map(one_line, said.facts))
        title = one_line(said.title)
        return Beat(kind="command", name=row["command_id"], type="command", title=title, facts=facts, row=row, **common)
    title = f"{formats.plural(told.last - told.first + 1, 'event')} never arrived"
    which = f"numbers {told.first} to {told.last} of {told.writer_id}"
    return Beat(kind="gap", name=f"gap-{told.first}", type="gap", title=title, facts=(one_line(which),), **common)


def _event(record: Record, stored: StoredEvent, common: dict[str, Any]) -> Beat:
    blocks = [block for block in event_body(_Blocks(), record, stored) if block.text or block.note]
    if isinstance(stored.event, Decision) and not is_plain(stored.event.data.outcome):
        blocks[:0] = _Blocks().value("outcome", stored.event.data.outcome)
    leads_to = stored.event.data.child_session_id if isinstance(stored.event, Delegation) else ""
    return _beat(stored, sentence_of(stored), tuple(blocks), leads_to=leads_to, **common)


def _prompt(note: PromptNote, echoes: Echoes, common: dict[str, Any]) -> Beat:
    """New messages as they were; those that were told further up are there for whoever wants to see them again."""
    new, told = echoes.split(note)
    page = _Blocks()
    blocks: list[Block] = [] if note.same_system else list(page.said("system", note.prompt.system))
    for role, text in new:
        blocks += page.said(role or "message", text)
    for role, text in told:
        blocks += (replace(block, told=True) for block in page.said(role or "message", text))
    tools = note.prompt.tools
    if tools is not None and tools.verdict != "verified":
        blocks += page.said("tools", tools)
    said = sentence_of(note.stored, again=not new and (note.same_system or note.prompt.system is None))
    facts = list(said.facts)
    if note.repeated:
        facts.append(f"after {formats.plural(note.repeated, 'message')} as before")
    if note.left_out:
        facts.append(f"{formats.plural(note.left_out, 'message')} shown before left out")
    kept = tuple(block for block in blocks if block.text or block.note)
    return _beat(note.stored, replace(said, facts=tuple(facts)), kept, **common)


def _beat(stored: StoredEvent, said: Sentence, blocks: tuple[Block, ...], **more: Any) -> Beat:
    marks = ["came late"] if stored.late else []
    if stored.conflict:
        marks.append(f"number {stored.seq} of {stored.writer_id} came with other content")
    return Beat(
        kind="event",
        name=stored.event_id,
        type=stored.type,
        title=one_line(said.title),
        facts=tuple(map(one_line, said.facts)),
        ids=tuple(map(one_line, said.ids)),
        marks=tuple(map(one_line, marks)),
        blocks=blocks,
        **more,
    )


def _tree(rows: Sequence[Row], here: str) -> tuple[Relative, ...]:
    """Each session below the one that handed work to it; those whose parent is not known stand at the top."""
    known = {row["session_id"] for row in rows}
    children: dict[str, list[Row]] = {}
    for row in rows:
        parent = row["parent_session_id"]
        children.setdefault(parent if parent in known and parent != row["session_id"] else "", []).append(row)
    found: list[Relative] = []
    waiting = [(row, 0) for row in reversed(children.get("", []))]
    while waiting:
        row, depth = waiting.pop()
        found.append(Relative(row, depth, row["session_id"] == here))
        waiting += [(child, depth + 1) for child in reversed(children.get(row["session_id"], []))]
    return tuple(found) if len(found) > 1 else ()
