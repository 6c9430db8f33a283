from __future__ import annotations

import random

from watchkeeper.evals.second_opinions import second_opinions


def test_both_see_a_collapse_and_are_silent_without() -> None:
    draw = random.Random(1)
    reference = [float(draw.random() < 0.95) for _ in range(500)]
    same = [float(draw.random() < 0.95) for _ in range(500)]
    collapsed = [float(draw.random() < 0.3) for _ in range(500)]
    assert [opinion.alarms for opinion in second_opinions(reference, same)] == [(), ()]
    for opinion in second_opinions(reference, [*same, *collapsed]):
        assert opinion.alarms
        assert opinion.alarms[0] > 500
