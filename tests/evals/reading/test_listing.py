"""The list of sessions that ended, from rows of `sessions` as workers write them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchkeeper.cli.store import ReadStore, open_store
from watchkeeper.evals.reading.reader import InteractionReader
from watchkeeper.schemas.model import EARLIEST, LATEST
from watchkeeper.schemas.rows import SessionRow

BEGIN = datetime(2025, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def store(clickhouse: str) -> Iterator[ReadStore]:
    with open_store(clickhouse) as opened:
        yield opened


class Desk:
    """Writes rows of one tenant's sessions."""

    def __init__(self, store: ReadStore) -> None:
        self.store = store
        self.tenant = f"tenant-{uuid.uuid4().hex[:12]}"
        self.reader = InteractionReader(store)
        self._rows: list[bytes] = []

    def row(self, session: str, at: datetime, **given: Any) -> None:
        values: dict[str, Any] = {
            "source_partition": 3,
            "tenant_id": self.tenant,
            "session_id": session,
            "version": 1,
            "root_session_id": session,
            "parent_session_id": "",
            "agent_id": "desk",
            "agent_version": "1",
            "environment": "production",
            "origin": "live",
            "user_id": "",
            "customer_id": "",
            "workflow": "",
            "intent": "refund",
            "model": "m",
            "started_at": at,
            "opened_at": at,
            "last_event_at": at,
            "status": "completed",
            "events": 3,
            "tool_calls": 0,
            "tokens": 10,
            "input_tokens": 10,
            "output_tokens": 0,
            "cost_usd": 0.5,
            "unpriced_requests": 0,
            "findings": 0,
            "worst_severity": "",
            "policy_address": "",
            "retention_class": "standard",
            "state": "{}",
        }
        self._rows.append(SessionRow(**(values | given)).model_dump_json().encode())

    def write(self) -> None:
        self.store.insert("sessions", self._rows)
        self._rows = []

    def listed(self, since: datetime = EARLIEST, until: datetime = LATEST, **given: Any) -> list[str]:
        return [ref.session_id for ref in self.reader.ended_between(self.tenant, since, until, **given)]


@pytest.fixture
def desk(store: ReadStore) -> Desk:
    return Desk(store)


def test_a_session_stands_where_it_was_last_heard_of(desk: Desk) -> None:
    hour = timedelta(hours=1)
    desk.row("plain", BEGIN + hour)
    # Two versions that are not merged yet; the second came with an outcome, days later.
    desk.row("told-later", BEGIN, version=1)
    desk.row("told-later", BEGIN + 50 * hour, version=2, intent="outcome")
    # Ended, then resumed, and going on.
    desk.row("resumed", BEGIN + hour, version=1)
    desk.row("resumed", BEGIN + 2 * hour, version=2, status="open")
    # Moved to another partition, whose versions count anew.
    desk.row("moved", BEGIN, source_partition=1, version=900, status="silent")
    desk.row("moved", BEGIN + 3 * hour, source_partition=2, version=1)
    desk.row("running", BEGIN, status="open")
    desk.write()
    assert desk.listed() == ["plain", "moved", "told-later"]
    assert desk.listed(BEGIN, BEGIN + 4 * hour) == ["plain", "moved"]
    assert desk.listed(BEGIN + 50 * hour, BEGIN + 51 * hour) == ["told-later"]
    refs = {ref.session_id: ref for ref in desk.reader.ended_between(desk.tenant, EARLIEST, LATEST)}
    assert (refs["told-later"].intent, refs["moved"].status, refs["moved"].cost_usd) == ("outcome", "completed", 0.5)


@pytest.mark.long
def test_any_page_size_lists_the_same_also_where_sessions_end_at_one_moment(desk: Desk) -> None:
    for number in range(25):
        desk.row(f"s{number:02d}", BEGIN + timedelta(seconds=number // 10))
    desk.write()
    whole = [f"s{number:02d}" for number in range(25)]
    for page in (1, 3, 10, 24, 25, 26, 1000):
        assert desk.listed(page=page) == whole
    refs = list(islice(desk.reader.ended_between(desk.tenant, EARLIEST, LATEST), 12))
    assert desk.listed(after=refs[-1].place) == whole[12:]


moments = st.integers(0, 400 * 86_400)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(moments, min_size=1, max_size=40), moments, moments, st.integers(1, 7))
def test_whatever_the_gaps_between_sessions(
    store: ReadStore, ended: list[int], one: int, other: int, page: int
) -> None:
    desk = Desk(store)
    for number, seconds in enumerate(ended):
        desk.row(f"s{number:02d}", BEGIN + timedelta(seconds=seconds))
    desk.write()
    since, until = sorted((one, other))
    expected = sorted((seconds, f"s{number:02d}") for number, seconds in enumerate(ended) if since <= seconds < until)
    found = desk.listed(BEGIN + timedelta(seconds=since), BEGIN + timedelta(seconds=until), page=page)
    assert found == [name for _, name in expected]


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ({"agent": "desk"}, ["a", "c"]),
        ({"origin": "import"}, ["b"]),
        ({"environment": "staging"}, ["c"]),
        ({"agent": "desk", "environment": "production"}, ["a"]),
    ],
)
def test_filters(desk: Desk, only: dict[str, Any], expected: list[str]) -> None:
    desk.row("a", BEGIN)
    desk.row("b", BEGIN, agent_id="other", origin="import")
    desk.row("c", BEGIN, environment="staging")
    desk.write()
    assert desk.listed(**only) == expected
