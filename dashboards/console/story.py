"""The story of a session as the console tells it: made of words and figures, all of them still to be escaped."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal

from watchkeeper.dashboards.console.rows import Row

BeatKind = Literal["event", "finding", "command", "gap"]


@dataclass(frozen=True, slots=True)
class Block:
    """Something that was said, or a value.

    Attributes:
        label: who said it, or what it is; may be empty.
        text: as it was.
        note: what must be said of it: that it is missing, does not match its hash, was masked.
        pairs: the fields of a short JSON object, in place of its text: name, and value as JSON.
        told: it only repeats what stands further up.
    """

    label: str
    text: str
    note: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    told: bool = False


@dataclass(frozen=True, slots=True)
class Beat:
    """One thing in the story.

    Attributes:
        name: its name in the page's address: an event's, finding's or command's id.
        offset_us: how long after the session's beginning, in microseconds.
        type: of an event; else the kind again.
        title: what happened; `facts` are what is short about it, `ids` by which it is found elsewhere.
        marks: what is out of order: late, in conflict.
        spent_usd: what the session had cost by then.
        row: of a finding or command, its columns.
        leads_to: the session to which an event handed work.
    """

    kind: BeatKind
    name: str
    at: datetime
    offset_us: int
    type: str
    title: str
    facts: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    spent_usd: Decimal = Decimal(0)
    row: Row = field(default_factory=dict)
    leads_to: str = ""

    @property
    def told(self) -> list[Block]:
        """The blocks that only repeat what stands further up."""
        return [block for block in self.blocks if block.told]


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of the summary, under what it tells of."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Allowance:
    """What was used of what was allowed, as words; `share` is None where there is no cap."""

    title: str
    used: str
    limit: str
    share: float | None


@dataclass(frozen=True, slots=True)
class Relative:
    """A session of the same delegation tree; `depth` 0 is its root."""

    row: Row
    depth: int
    here: bool


@dataclass(frozen=True, slots=True)
class Story:
    """A session, told.

    Attributes:
        facts: the columns of `sessions`.
        policy: which one judged it, in words; `policy_problem` where its text is missing or not what its hash says.
        allowances: of each cap.
        texts: how many texts there are, and how many of them are not what they should be.
        beats: in the order of time.
        summary: the whole of it in a few sentences.
        family: the delegation tree, root first; empty where nobody handed work to anybody.
        truncated: there are more events than were read.
    """

    facts: Row
    policy: str
    policy_problem: str
    allowances: tuple[Allowance, ...]
    texts: str
    texts_problem: str
    beats: tuple[Beat, ...]
    summary: tuple[Said, ...] = ()
    family: tuple[Relative, ...] = ()
    truncated: bool = False

    @property
    def findings(self) -> list[Beat]:
        """The findings among the beats."""
        return [beat for beat in self.beats if beat.kind == "finding"]
