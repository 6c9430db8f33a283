"""The story of a session: its events in order of time, and what belongs between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from watchkeeper.cli.record.model import CommandNote, Entry, FindingNote, PromptNote, SessionRows, Told
from watchkeeper.schemas.events import Prompt
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.prompts import RebuiltPrompt, RebuiltText
from watchkeeper.schemas.stored_events import StoredEvent, gaps_of

_AT_END: Final = 2**63


def compare_prompts(ordered: Sequence[StoredEvent], prompts: Sequence[RebuiltPrompt]) -> dict[int, PromptNote]:
    """What is new in each prompt, by the index of its event.

    Args:
        ordered: the session's events in order of time.
        prompts: the prompts among them.
    """
    notes: dict[int, PromptNote] = {}
    previous: RebuiltPrompt | None = None
    rebuilt = {id(prompt.prompt): prompt for prompt in prompts}
    for index, stored in enumerate(ordered):
        if not isinstance(stored.event, Prompt):
            continue
        prompt = rebuilt[id(stored.event)]
        before = previous.messages if previous is not None else ()
        repeated = 0
        for old, new in zip(before, prompt.messages, strict=False):
            if not _same(old[1], new[1]):
                break
            repeated += 1
        same_system = previous is not None and _same(previous.system, prompt.system)
        notes[index] = PromptNote(stored, prompt, repeated, len(before) - repeated, same_system)
        previous = prompt
    return notes


def _same(one: RebuiltText | None, other: RebuiltText | None) -> bool:
    """Whether two texts are the same; two writers salt the same text differently."""
    if one is None or other is None:
        return one is other
    return one.address == other.address or (one.text is not None and one.text == other.text)


def tell(ordered: Sequence[tuple[int, StoredEvent]], rows: SessionRows, start_us: int) -> list[Entry]:
    """Events, with gaps before the event that follows them, and findings behind the event they were found at."""
    keyed: list[tuple[tuple[int, int, int], Told]] = []
    index_of: dict[str, tuple[int, int]] = {}
    gaps = gaps_of(rows.events)
    prompts = compare_prompts([event for _, event in ordered], rows.texts.prompts())
    for index, (at_us, event) in enumerate(ordered):
        gap = gaps.pop((event.writer_id, event.seq), None)
        if gap is not None:
            keyed.append(((at_us, index, 0), gap))
        keyed.append(((at_us, index, 1), prompts.get(index, event)))
        index_of[event.event_id] = (at_us, index)
    for row in rows.findings:
        # What a tick found has no event: it stands behind what had happened by then.
        at_us, index = index_of.get(row["last_event_id"] or "", (to_us(row["last_event_at"]), _AT_END))
        keyed.append(((at_us, index, 2), FindingNote(row)))
    keyed += [((to_us(row["issued_at"]), _AT_END, 3), CommandNote(row)) for row in rows.commands]
    keyed.sort(key=lambda pair: pair[0])
    return [Entry(key[0], key[0] - start_us, told) for key, told in keyed]
