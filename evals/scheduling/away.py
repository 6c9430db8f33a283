"""Graders that can say nothing for now: a judge whose endpoint is down, takes no key, or has no money left.

Nothing is wrong with the sessions then. What the other graders say of them is delivered; they stay drawn, and are
graded again when the grader has had time to come back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from watchkeeper.evals.grading.grade import Grade, Grader
from watchkeeper.evals.grading.running import full_name
from watchkeeper.evals.interaction import Interaction
from watchkeeper.schemas.evaluations import SampleRow

AWAY: Final = timedelta(minutes=5)
"""A grader that was away is asked again after so long."""

_WAITS: Final = "waits: "


class Away:
    """Which graders are away, and until when they are not asked. Forgotten with the process: then they are asked."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}
        self._why: dict[str, str] = {}

    def asked(self, graders: Sequence[Grader], now: datetime) -> tuple[Grader, ...]:
        """Those that are asked now."""
        return tuple(one for one in graders if not self._is_away(full_name(one), now))

    def waited_for(self, graders: Sequence[Grader], interaction: Interaction, now: datetime) -> dict[str, str]:
        """Those that would grade a session and are not asked now, by name, and why."""
        away = (one for one in graders if self._is_away(full_name(one), now) and one.applies(interaction, None))
        return {full_name(one): self._why[full_name(one)] for one in away}

    def take_note(self, later: Mapping[str, Grade], now: datetime) -> None:
        """Of graders that could say nothing just now, by name, and what they said."""
        for name, grade in later.items():
            self._until[name], self._why[name] = now + AWAY, grade.reason

    def holds_back(self, row: SampleRow, now: datetime) -> bool:
        """Whether a session that waits need not be looked at: whom it waits for is not asked yet."""
        return row.note.startswith(_WAITS) and any(self._is_away(name, now) for name in self._until)

    def note(self, now: datetime) -> str:
        """Who is away and why, for people; empty where nobody is."""
        return "; ".join(f"{name}: {why}" for name, why in self._why.items() if self._is_away(name, now))

    def _is_away(self, name: str, now: datetime) -> bool:
        return name in self._until and now < self._until[name]


def waiting(row: SampleRow, absent: Mapping[str, str]) -> SampleRow:
    """The row of a session that waits for some graders, by name, and why; it counts as no attempt."""
    note = _WAITS + "; ".join(f"{name}: {why}" for name, why in absent.items())
    return row.model_copy(update={"state": "drawn", "note": note[:2000], "version": row.version + 1})
