"""The closed list, its page, and what is served."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from watchkeeper.stream_processors.engine.stage import Counts
from watchkeeper.stream_processors.watching.meters import Meters
from watchkeeper.stream_processors.watching.names import METRICS, MetricName
from watchkeeper.stream_processors.watching.page import page
from watchkeeper.stream_processors.watching.watch import Watch

ROOT = Path(__file__).parents[3]


def test_the_list_is_closed() -> None:
    assert tuple(METRICS) == get_args(MetricName)


def test_the_page_is_made_of_the_list() -> None:
    assert (ROOT / "docs/metrics.md").read_text() == page()


def test_every_metric_is_served() -> None:
    text = Meters().text().decode()
    assert [name for name in METRICS if f"# TYPE {name} " not in text] == []


def test_a_figure_of_another_kind_is_refused() -> None:
    with pytest.raises(TypeError):
        Meters().set("watchkeeper_records_total", 1, topic="agent.events")


def test_counts_that_a_stage_sums_are_not_summed_again(tmp_path: Path) -> None:
    watch = Watch(tmp_path, 0, "http://127.0.0.1:1/none")
    watch.note_counts("agent.events", Counts(events=3))
    watch.note_counts("agent.events", Counts(events=5))
    told = {(reading.name, reading.labels.get("topic")): reading.value for reading in watch.meters.readings()}
    assert told["watchkeeper_events_total", "agent.events"] == 5
