from __future__ import annotations

import math
import random
from typing import Any

import pytest

from watchkeeper.stream_processors.detection.drift.data_quality import Field, fields_of, problems_of
from watchkeeper.stream_processors.detection.drift.mix import estimate_mix, fold_parts, new_mix
from watchkeeper.stream_processors.detection.drift.scored import DriftError


def records(count: int, seed: int, missing: float = 0.01) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    return [
        {
            "amount": round(draw.uniform(1, 500), 2),
            "channel": draw.choice(["chat", "mail"]),
            "customer": None if draw.random() < missing else f"c-{draw.randrange(10**6)}",
        }
        | ({"note": "x"} if draw.random() < 0.3 else {})
        for _ in range(count)
    ]


FIELDS = fields_of(records(500, 1))


def test_fields_are_learned_from_a_window() -> None:
    by_name = {field.name: field for field in FIELDS}
    assert by_name["amount"].kind == "number"
    assert 0 < by_name["amount"].low < 5
    assert 495 < by_name["amount"].high <= 500
    assert by_name["channel"].choices == {"chat", "mail"}
    assert by_name["customer"].required
    assert not by_name["customer"].choices
    assert not by_name["note"].required


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ({}, set()),
        ({"note": None}, set()),
        ({"customer": ""}, {"missing customer"}),
        ({"amount": "12"}, {"malformed amount"}),
        ({"amount": True}, {"malformed amount"}),
        ({"amount": math.nan}, {"malformed amount"}),
        ({"amount": -4}, {"out of range amount"}),
        ({"channel": "fax"}, {"out of range channel"}),
        ({"customer": ["c"], "amount": None}, {"malformed customer", "missing amount"}),
        ({"unheard": 1}, set()),
    ],
)
def test_problems_of_a_record(change: dict[str, Any], problems: set[str]) -> None:
    record = {"amount": 20.0, "channel": "chat", "customer": "c-1"} | change
    assert problems_of(record, FIELDS) == dict.fromkeys(problems, 1.0)


def test_a_field_of_nothing_is_asked_for_nothing() -> None:
    assert fields_of([{"a": None}, {}]) == (Field("a", "nothing", required=False),)
    assert problems_of({}, fields_of([{"a": None}, {}])) == {}
    with pytest.raises(DriftError):
        fields_of([])


def test_a_field_that_begins_to_be_missing_is_told() -> None:
    baseline = estimate_mix([problems_of(one, FIELDS) for one in records(500, 2)], directions=("rise",))
    mix = new_mix(baseline, promise=1000)
    for number, record in enumerate(records(300, 3)):
        assert not fold_parts(mix, baseline, problems_of(record, FIELDS), number)
    told = [fold_parts(mix, baseline, problems_of(record, FIELDS), 0) for record in records(200, 4, missing=0.15)]
    assert ("missing customer/rise",) in told
