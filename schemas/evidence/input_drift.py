"""Evidence of `input_drift`: what sessions are about, or how they are recorded, is no longer what it was."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model, Moment

Share = Annotated[float, Field(ge=0, le=1)]


class MovedPart(Model):
    """A category that sessions have another part of now.

    Attributes:
        category: an intent, a tool or a problem; `(new)` for all that the baseline did not have, `(rest)` for all that
            were too rare in it to be watched one by one.
        direction: whether there is more of it or less.
        before: its mean part in the baseline; `after` since the change, where it lies from `low` to `high` (95 %).
        since: when the change is likeliest to have begun.
        sessions: how many there were since then.
    """

    category: str
    direction: Literal["fall", "rise"]
    before: Share
    after: Share
    low: Share
    high: Share
    since: Moment
    sessions: Count


class ShiftedMix(Model):
    """Intents, or tools, have another share than in the baseline.

    Attributes:
        what: which of the two.
        phase: weekdays and weekends are watched apart.
        moved: the strongest first.
        new: categories that the baseline did not have, as far as they were seen lately.
        baseline_sessions: how many the baseline is made of, from `baseline_from` to `baseline_to`.
        promise: on average at most one false alarm in so many sessions, over all that is watched of inputs.
    """

    kind: Literal["shifted_mix"] = "shifted_mix"
    what: Literal["intents", "tools"]
    phase: Literal["weekday", "weekend"]
    moved: list[MovedPart]
    new: list[str] = []
    baseline_sessions: Count
    baseline_from: Moment
    baseline_to: Moment
    promise: Count
    examples: list[str] = []


class ShiftedData(Model):
    """More is missing of what is told of sessions, or malformed, than in the baseline; see `ShiftedMix`."""

    kind: Literal["shifted_data"] = "shifted_data"
    phase: Literal["weekday", "weekend"]
    moved: list[MovedPart]
    new: list[str] = []
    baseline_sessions: Count
    baseline_from: Moment
    baseline_to: Moment
    promise: Count
    examples: list[str] = []


class MovedText(Model):
    """A term that more texts hold, or fewer: its share of texts since the change, and how it was."""

    term: str
    after: Share | None = None
    note: str = ""


class ShiftedTexts(Model):
    """A classifier can tell the texts of a window of sessions from those of the reference.

    Attributes:
        window: which sessions, as the scheduler calls them.
        reason: how surely and how far they differ, as the comparison says.
        moved: terms whose share of texts has moved, the farthest first.
        compared_by: the comparison, `name@version`.
    """

    kind: Literal["shifted_texts"] = "shifted_texts"
    window: str
    reason: str
    moved: list[MovedText] = []
    compared_by: str
