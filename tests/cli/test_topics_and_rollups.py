"""`watchkeeper topics`, `rollups run --once` and `rollups recompute` on a real broker and store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from click.testing import Result
from clickhouse_connect.driver import Client

from watchkeeper.cli.stack.testing import running_broker
from watchkeeper.schemas.topics import TOPICS

Run = Callable[..., Result]


def minutes(client: Client, tenant: str) -> int:
    """The events in the tenant's minutes."""
    query = "SELECT sum(events) FROM activity_minutes FINAL WHERE tenant_id = {tenant:String}"
    return int(client.query(query, {"tenant": tenant}).result_rows[0][0])


def test_topics_are_made_once(run: Run) -> None:
    with running_broker() as bootstrap:
        first = run("topics", kafka=bootstrap)
        assert first.exit_code == 0
        assert {line.removeprefix("made ") for line in first.output.splitlines()} == {topic.name for topic in TOPICS}
        assert run("topics", kafka=bootstrap).output == "all topics are there\n"


def test_one_pass_makes_the_minutes(run: Run, shelf: Any, client: Client) -> None:
    shelf.event("session_ended", 1, {"status": "completed"})
    assert minutes(client, shelf.tenant) == 0
    ended = run("rollups", "run", "--once")
    assert ended.exit_code == 0, ended.output
    assert minutes(client, shelf.tenant) == 1


def test_recompute_makes_a_period_anew(run: Run, shelf: Any, client: Client) -> None:
    shelf.event("session_ended", 1, {"status": "completed"})
    ended = run("rollups", "recompute", "--from", "1h", "--json")
    assert ended.exit_code == 0, ended.output
    assert orjson.loads(ended.output)["minutes"] >= 1
    assert minutes(client, shelf.tenant) == 1
