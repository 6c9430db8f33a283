"""What a notice says of a finding's evidence."""

from __future__ import annotations

import orjson
import pytest

from watchkeeper.dashboards.alerting.message import evidence_lines


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (60_000.0, "60000"),
        (1234.56, "1235"),
        (999.96, "1000"),
        (0.5, "0.5"),
        (0.123456, "0.1235"),
        (-250_000.0, "-250000"),
        (True, "yes"),
        (12, "12"),
        ("refund_all", "refund_all"),
        (["a", "b"], "a, b"),
        ([1, 2, 3, 4, 5, 6, 7], "1, 2, 3, 4, 5 and 2 more"),
        ("x" * 200, "x" * 160 + "…"),
    ],
)
def test_evidence_is_said_as_a_person_reads_it(value: object, said: str) -> None:
    evidence = orjson.dumps({"kind": "one", "told": value}).decode()
    assert evidence_lines(evidence) == [("told", said)]


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_what_is_empty_is_not_said(nothing: object) -> None:
    assert evidence_lines(orjson.dumps({"kind": "one", "told": nothing}).decode()) == []
