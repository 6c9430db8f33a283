from __future__ import annotations

import random
from collections.abc import Sequence

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.stream_processors.detection.drift.mix import (
    NEW,
    REST,
    MixBaseline,
    MixWatch,
    Parts,
    estimate_mix,
    fold_parts,
    moved,
    new_mix,
    restart_mix,
)
from watchkeeper.stream_processors.detection.drift.scored import DriftError

NAMES = tuple("abcdefgh")
SHARES = (0.3, 0.2, 0.15, 0.12, 0.1, 0.08, 0.04, 0.01)


def sessions(shares: Sequence[float], count: int, seed: int) -> list[Parts]:
    draw = random.Random(seed)
    return [{name: 1.0} for name in draw.choices(NAMES, shares, k=count)]


def first_alarm(mix: MixWatch, baseline: MixBaseline, stream: Sequence[Parts]) -> tuple[int, tuple[str, ...]]:
    for place, parts in enumerate(stream, 1):
        if sides := fold_parts(mix, baseline, parts, place):
            return place, sides
    return len(stream), ()


def test_what_moved_is_named_and_what_did_not_is_silent() -> None:
    early = 0
    for seed in range(10):
        baseline = estimate_mix(sessions(SHARES, 500, seed))
        mix = new_mix(baseline, promise=1000)
        early += bool(first_alarm(mix, baseline, sessions(SHARES, 300, 100 + seed))[1])
        restart_mix(mix)
        delay, sides = first_alarm(
            mix, baseline, sessions((0.15, 0.2, 0.15, 0.12, 0.1, 0.08, 0.04, 0.16), 2000, 200 + seed)
        )
        assert sides[0] in {"h/rise", "a/fall"}
        assert delay < 300
        found = moved(mix, baseline, sides)[0]
        assert found.low <= found.after <= found.high
        assert (found.after > found.before) == (found.direction == "rise")
    assert early <= 4


def test_what_was_never_there_is_told_as_new() -> None:
    baseline = estimate_mix(sessions(SHARES, 500, 1))
    mix = new_mix(baseline, promise=1000)
    draw = random.Random(5)
    stream = [{"unheard": 1.0} if draw.random() < 0.1 else parts for parts in sessions(SHARES, 1000, 2)]
    _, sides = first_alarm(mix, baseline, stream)
    assert sides[0] == f"{NEW}/rise"
    assert moved(mix, baseline, sides)[0].before == 0


def test_rare_categories_are_watched_together() -> None:
    window = [*sessions(SHARES, 460, 1), *({f"rare-{number}": 1.0} for number in range(40))]
    baseline = estimate_mix(window, most=5)
    assert set(baseline["parts"]) == {*"abcde", REST, NEW}
    assert baseline["parts"][REST][0] == pytest.approx(1 - sum(baseline["parts"][name][0] for name in "abcde"))


def test_parts_of_a_session_need_be_no_whole() -> None:
    draw = random.Random(4)

    def calls(search: float) -> Parts:
        of = draw.choices(["search", "pay"], [search, 1 - search], k=4)
        return {name: of.count(name) / 4 for name in set(of)}

    baseline = estimate_mix([calls(0.7) for _ in range(500)])
    assert not baseline["binary"]
    mix = new_mix(baseline, promise=1000)
    delay, sides = first_alarm(mix, baseline, [calls(0.5) for _ in range(500)])
    assert sides
    assert delay < 120


def test_problems_of_data_are_watched_for_rises_alone() -> None:
    draw = random.Random(6)
    window: list[Parts] = [{"missing customer_id": 1.0} if draw.random() < 0.02 else {} for _ in range(500)]
    baseline = estimate_mix(window, directions=("rise",))
    mix = new_mix(baseline, promise=1000)
    assert set(mix["sides"]) == {"missing customer_id/rise", f"{NEW}/rise"}
    both: Parts = {"missing customer_id": 1.0, "amount out of range": 1.0}
    _, sides = first_alarm(mix, baseline, [both] * 30)
    assert sides[0] == f"{NEW}/rise"
    for place in range(30):
        sides = fold_parts(mix, baseline, both, place)
    assert set(sides) == set(mix["sides"])


@given(st.lists(st.sampled_from([*NAMES, "unheard"]), max_size=30), st.integers(0, 30))
def test_it_goes_on_from_stored_state_as_if_it_had_not_stopped(names: list[str], stop: int) -> None:
    once = new_mix(BASELINE, promise=1000)
    stored: MixWatch = orjson.loads(orjson.dumps(once))
    for place, name in enumerate(names):
        fold_parts(once, BASELINE, {name: 1.0}, place)
        fold_parts(stored, BASELINE, {name: 1.0}, place)
        if place == stop:
            stored = orjson.loads(orjson.dumps(stored))
    assert stored == orjson.loads(orjson.dumps(once))
    assert all(held >= 0 for side in once["sides"].values() for held in side["held"])


BASELINE = estimate_mix(sessions(SHARES, 200, 9))


def test_what_is_no_part_is_refused() -> None:
    with pytest.raises(DriftError, match="divide by the session's sum"):
        fold_parts(new_mix(BASELINE, promise=1000), BASELINE, {"a": 2.0}, 0)
    with pytest.raises(DriftError, match="too few"):
        estimate_mix(sessions(SHARES, 10, 1))
