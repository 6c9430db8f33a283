"""Recipes of the scorecard: what they may know, that they repeat, and that what they plant is found in this process."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path
from random import Random
from typing import Any

import pytest
from scorecard import modes, spend_histories
from scorecard.bundles import in_order
from scorecard.composer import Composer, Place
from scorecard.in_process import Court
from scorecard.model import ModeCard, Sought
from scorecard.modes import cards
from scorecard.recorded import Recording, grounds, present
from scorecard.recorders import Recorders
from scorecard.seen import Seen, fits, is_alarm, latest
from scorecard.stage import Stage

from watchkeeper.schemas.failure_modes import FAILURE_MODES
from watchkeeper.stream_processors.prices import GenaiPriceBook

PLACE = Path(__file__).parents[2] / "benchmarks" / "scorecard"
JUDGES = {"costs.py", "in_process.py", "pipeline.py", "quick.py", "run.py"}
"""What runs and judges; all else plants."""

HISTORIES = {recipe.name for recipe in spend_histories.RECIPES}
BANNED = "watchkeeper.stream_processors"
CARDS = pytest.mark.parametrize("card", cards(), ids=lambda card: card.mode)


def imported(path: Path) -> set[str]:
    """Every module that a file imports, wherever it stands in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
            found.update(f"{node.module}.{name.name}" for name in node.names)
    return found


def planting() -> list[Path]:
    return [path for path in PLACE.rglob("*.py") if path.relative_to(PLACE).as_posix() not in JUDGES]


def test_nothing_that_plants_knows_the_detectors() -> None:
    judges = {f"scorecard.{name.removesuffix('.py')}" for name in JUDGES}
    assert len(planting()) > 15
    for path in planting():
        names = imported(path)
        assert not [name for name in names if name.startswith(BANNED) or name in judges], path
        assert "importlib.import_module" not in names or path.name == "__init__.py"


@CARDS
def test_a_card_has_enough_recipes_and_near_misses(card: ModeCard) -> None:
    assert card.mode in FAILURE_MODES
    assert len(card.recipes) >= 3
    assert len(card.near_misses) >= 3
    assert modes.__name__ == "scorecard.modes"


@CARDS
def test_recipes_are_found_and_near_misses_do_not_alarm(card: ModeCard) -> None:
    """All of them where rules decide; where texts must be understood some are missed, and here are few of each."""
    if card.plants is not None:
        # Hundreds of sessions each: one of each here, all of them among the long tests.
        card = dataclasses.replace(card, recipes=card.recipes[:1], near_misses=card.near_misses[:1])
    held_to(card, plants=1 if card.plants is not None else 2)


@pytest.mark.long
@pytest.mark.parametrize("card", [one for one in cards() if one.plants is not None], ids=lambda card: card.mode)
def test_long_recipes_are_found_and_near_misses_do_not_alarm(card: ModeCard) -> None:
    held_to(card, plants=1)


def held_to(card: ModeCard, *, plants: int) -> None:
    court = Court(GenaiPriceBook())
    missed, accused = [], []
    with Composer("test") as composer:
        for recipe in card.recipes:
            for number in range(1 if recipe.name in HISTORIES else plants):
                bundle = composer.plant(card, recipe, number)
                assert bundle.sought is not None
                sought, found = bundle.sought, court.hear(bundle)
                missed += [] if any(fits(sought, card.mode, one) for one in found) else [(recipe.name, number)]
        for near in card.near_misses:
            bundle = composer.near_miss(card, near, 0, Place(0, 10))
            accused += [near.name] * bool(alarms(court.hear(bundle)))
    is_decided = card.target >= 0.95
    assert len(missed) <= (0 if is_decided else len(card.recipes)), missed
    assert len(accused) <= (0 if is_decided else 1), accused


def test_jobs_are_clean() -> None:
    court = Court(GenaiPriceBook())
    with Composer("test") as composer:
        bundles = [composer.job(number, Place(number, 40)) for number in range(40)]
    assert {bundle.name for bundle in bundles} == {"support", "retrieval", "coding", "finance", "multi_agent"}
    assert [one for bundle in bundles for one in alarms(court.hear(bundle))] == []


def alarms(found: list[Seen]) -> list[Seen]:
    return [one for one in latest(found) if is_alarm(one)]


@CARDS
def test_the_same_seed_plants_the_same_bytes(card: ModeCard) -> None:
    recipe = card.recipes[0]

    def planted(seed: str, number: int) -> list[bytes]:
        with Composer(seed) as composer:
            return [one.record.value for one in composer.plant(card, recipe, number).records]

    assert planted("a", 0) == planted("a", 0)
    assert planted("a", 0) != planted("b", 0)
    assert planted("a", 0) != planted("a", 2)


def test_records_stand_in_the_order_of_their_times() -> None:
    """What one session told between two things of another stands between them, though it was told afterwards."""
    recorders = Recorders()
    stage = Stage(recorders, tenant="t", key="k", rng=Random(1), start_us=10**15)
    first, second = stage.open(stage.job("support")), stage.open(stage.job("support"))
    for desk, seconds in ((first, 0), (first, 600), (second, 300)):
        desk.wait_until(stage.start_us + seconds * 1_000_000)
        desk.use("find_order", {"order_id": f"A-{seconds}"}, {"order_id": f"A-{seconds}"})
    made = in_order(recorders.records())
    recorders.close()
    assert [one.session_id for one in made][-2:] == [second.session_id, first.session_id]
    assert [one.first_us for one in made] == sorted(one.first_us for one in made)


@pytest.mark.recordings
def test_what_is_planted_into_a_recording_is_part_of_it() -> None:
    """The recording goes on after it, later, and shows the model what was planted."""
    if not present():
        pytest.skip("no recordings: set WATCHKEEPER_RECORDINGS to the folder that holds them")
    recorders = Recorders()
    stage = Stage(recorders, tenant="t", key="k", rng=Random(5), start_us=10**15, ground=Recording(grounds()[3]))
    desk = stage.open(stage.ground())
    before = len(desk.ground.beats(desk))

    def act(desk: Any) -> None:
        desk.use("planted_tool", {"x": 1}, "planted result")
        desk.wait(60)

    stage.perform(desk, act)
    recorders.close()
    assert len(desk.messages) == before + 2
    assert desk.now_us - stage.start_us > 60_000_000


@pytest.mark.parametrize(
    ("sought", "hit"),
    [
        (Sought(sessions=("s-1",)), True),
        (Sought(sessions=("s-2",)), False),
        (Sought(subject="agent:x"), False),
        (Sought(sessions=("s-1",), evidence={"tool_name": "pay"}), True),
        (Sought(sessions=("s-1",), evidence={"tool_name": "other"}), False),
        (Sought(sessions=("s-1",), since_us=101), False),
    ],
)
def test_what_fits(sought: Sought, hit: bool) -> None:
    one = Seen("t", "f", 0, True, "s-1", None, "a", "data_leak", "leak", "high", "s", {"tool_name": "pay"}, 100)
    assert fits(sought, "data_leak", one) is hit
    assert not fits(sought, "tool_boundary", one)


def test_a_plant_must_be_sought_somewhere() -> None:
    with pytest.raises(ValueError, match="give sessions, subject or both"):
        Sought()


def test_what_is_lost_never_arrives_and_what_is_late_comes_behind() -> None:
    recorders = Recorders()
    stage = Stage(recorders, tenant="t", key="k", rng=Random(1), start_us=10**15)
    desk = stage.open(stage.job("support"))
    moments = []
    for number in range(3):
        desk.wait(1)
        moments.append(desk.now_us)
        desk.session.checkpoint({"step": number})
    stage.lose(desk, moments[0], moments[1])
    stage.delay(desk, moments[1], moments[2], 60)
    made = in_order(recorders.records(), stage.mishaps)
    recorders.close()
    lines = b"".join(one.record.value for one in made).splitlines()
    assert [line.count(b'"step"') for line in lines] == [0, 1, 1]
    assert (b'"seq":3' in lines[1], b'"seq":2' in lines[2]) == (True, True)
