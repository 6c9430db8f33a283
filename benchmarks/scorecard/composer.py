"""Makes bundles of recipes, near misses and jobs: what each is told by is derived from the seed and its place alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from types import TracebackType
from typing import Final, Self

from scorecard import recorded
from scorecard.bundles import Bundle, in_order
from scorecard.ground import Ground
from scorecard.model import ModeCard, NearMiss, Recipe, Sought
from scorecard.recorders import Recorders
from scorecard.stage import DAY_US, SECOND_US, Stage
from watchkeeper.schemas.failure_modes import FailureMode
from watchkeeper.schemas.model import to_us

START_US: Final = to_us(datetime(2026, 3, 2, 6, tzinfo=UTC))
"""A Monday. All that is planted begins within the two weeks after it."""

DAYS: Final = 14
CLEAN_TENANTS: Final = 4
"""Clean sessions share a few tenants, so that what is judged over many sessions sees many."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a clean bundle stands among all: number `number` of `of`, in the order of time."""

    number: int
    of: int


class Composer:
    """See the module. Close it when all is made.

    Args:
        seed: the run's.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._recorders = Recorders()
        self._recordings: Sequence[int] = recorded.grounds()
        self._whole_recordings: Sequence[int] = recorded.whole_grounds()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._recorders.close()

    def plant(self, card: ModeCard, recipe: Recipe, number: int) -> Bundle:
        """Plant number `number` of a recipe; of one that can stand in recordings, every second one does."""
        key = f"{self._seed}/{card.mode}/{recipe.name}/{number}"
        rng = Random(key)
        tenant = f"p-{card.mode}-{recipe.name}-{number}"
        recordings = self._whole_recordings if recipe.whole else self._recordings
        in_recording = recipe.recorded and number % 2 == 1 and bool(recordings)
        ground = recorded.Recording(rng.choice(recordings)) if in_recording else None
        start_us = START_US + rng.randrange(DAYS * DAY_US)
        stage = self._stage(tenant, key, rng, start_us, ground)
        sought = recipe.plant(stage)
        return self._bundle(stage, card.mode, recipe.name, sought, recorded_ground=in_recording)

    def near_miss(self, card: ModeCard, near: NearMiss, number: int, place: Place) -> Bundle:
        """Performance number `number` of a near miss, among the clean sessions."""
        key = f"{self._seed}/near/{card.mode}/{near.name}/{number}"
        stage = self._clean_stage(key, place)
        near.act(stage)
        return self._bundle(stage, card.mode, near.name, None)

    def job(self, number: int, place: Place) -> Bundle:
        """A clean session of some job."""
        key = f"{self._seed}/job/{number}"
        stage = self._clean_stage(key, place)
        job = stage.job()
        stage.perform(stage.open(job))
        return self._bundle(stage, None, job.kind, None)

    def _clean_stage(self, key: str, place: Place) -> Stage:
        rng = Random(key)
        start_us = START_US + place.number * (DAYS * DAY_US) // place.of + rng.randrange(20 * SECOND_US)
        return self._stage(f"clean-{rng.randrange(CLEAN_TENANTS)}", key, rng, start_us, None)

    def _stage(self, tenant: str, key: str, rng: Random, start_us: int, ground: Ground | None) -> Stage:
        return Stage(self._recorders, tenant=tenant, key=key, rng=rng, start_us=start_us, ground=ground)

    def _bundle(
        self,
        stage: Stage,
        mode: FailureMode | None,
        name: str,
        sought: Sought | None,
        *,
        recorded_ground: bool = False,
    ) -> Bundle:
        records = in_order(self._recorders.records(), stage.mishaps, stage.asides)
        return Bundle(
            tenant=stage.tenant,
            mode=mode,
            name=name,
            sought=sought,
            recorded=recorded_ground,
            records=records,
            silence_seconds=stage.silence_seconds,
            step_seconds=stage.step_seconds,
            sessions=frozenset(one.session_id for one in records if one.record.events),
        )
