"""Where things in Grafana differ from what would be deployed."""

from __future__ import annotations

from typing import Any

import pytest
from standin_deploying import BOARD, HOOK, by_a_person, deployment
from standin_grafana import StandIn

from watchkeeper.dashboards.deploy.content import differences


def test_differences_name_what_differs(grafana: StandIn) -> None:
    deployment(grafana).deploy()
    by_a_person(grafana)
    told = {s.resource.name: [d.path for d in s.differences] for s in deployment(grafana).diff() if s.differences}
    (title,) = [one for one in told[BOARD] if one.startswith("panels[")]
    assert told["watchkeeper-clickhouse"] == ["jsonData.host"]
    assert told["watchkeeper"] == ["rules[The pipeline is silent].for"]
    assert title


def test_a_secret_url_is_in_no_difference(grafana: StandIn) -> None:
    deployment(grafana).deploy()
    grafana.state.contact_points["watchkeeper"]["settings"]["url"] = HOOK + "/other"
    told = [str(line) for s in deployment(grafana).diff() for d in s.differences for line in d.lines()]
    assert any("https://hooks.example.com/..." in line for line in told)
    assert not any("very-secret" in line for line in told)


@pytest.mark.parametrize(
    ("there", "here", "lines"),
    [
        ({"a": 1}, {"a": 2}, [["a", "  - 1", "  + 2"]]),
        ({"a": 1}, {}, [["a", "  - 1"]]),
        ({}, {"a": {"b": [1]}}, [["a", '  + {"b": [1]}']]),
        ([{"uid": "x", "n": 1}], [{"uid": "x", "n": 2}], [["[x].n", "  - 1", "  + 2"]]),
        (
            {"p": [{"title": "A"}, {"title": "B"}]},
            {"p": [{"title": "B"}, {"title": "A"}]},
            [["p (order)", '  - ["A", "B"]', '  + ["B", "A"]']],
        ),
        ({"s": "a\nb\nc"}, {"s": "a\nB\nc"}, [["s", "  @@ -1,3 +1,3 @@", "   a", "  -b", "  +B", "   c"]]),
        ({"a": [1, 2]}, {"a": [1, 2, 3]}, [["a", "  - [1, 2]", "  + [1, 2, 3]"]]),
        ({"a": [1, 2]}, {"a": [1, 3]}, [["a[1]", "  - 2", "  + 3"]]),
        ({"a": 1}, {"a": 1}, []),
    ],
)
def test_differences(there: Any, here: Any, lines: list[list[str]]) -> None:
    assert [one.lines() for one in differences(there, here)] == lines
