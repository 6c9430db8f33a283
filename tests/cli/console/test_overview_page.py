"""The first page, and findings as they come."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from clickhouse_connect.driver import Client
from console_browse import Browse, served_console

from watchkeeper.cli.console.findings import StoredFindings
from watchkeeper.cli.store import ReadStore
from watchkeeper.dashboards.console import live
from watchkeeper.dashboards.console.app import all_pages
from watchkeeper.dashboards.console.live import Feed
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.rows import INSERT_SETTINGS
from watchkeeper.stream_processors.clickhouse import connect
from watchkeeper.stream_processors.migrate import migrate

PATIENCE = 60.0


def test_the_first_page_has_the_dashboards_figures_and_what_was_found_last(browse: Browse, shelf: Any) -> None:
    finding = shelf.finding(summary="<i>found</i> last")
    page = browse.get("/")
    assert page.status == 200
    for title in ("Sessions started", "Grave findings", "Spend", "Findings by failure mode", "Agents"):
        assert f">{title}</h3>" in page.text
    assert f'id="f-{finding.finding_id}"' in page.text
    assert "&lt;i&gt;found&lt;/i&gt; last" in page.text
    assert 'aria-live="polite"' in page.text
    assert browse.get("/", range="never").status == 400


def test_what_is_in_force_stands_on_the_first_page(browse: Browse, shelf: Any) -> None:
    command = shelf.command()
    assert f'href="/commands/{command.command_id}"' in browse.get("/control").text
    assert "in force:</strong>" in browse.get("/").text


@pytest.fixture
def nobody_s(clickhouse: str) -> Iterator[str]:
    """A database of its own: workers of other tests write their figures into the shared one."""
    name = f"console_{uuid7()[-12:]}"
    dsn = urlsplit(clickhouse)._replace(path=f"/{name}").geturl()
    migrate(dsn)
    yield dsn
    connect(clickhouse).command(f"DROP DATABASE {name}")


def worker_row(client: Client, name: str, value: float, **labels: str) -> None:
    row = {"at": datetime.now(UTC).isoformat(), "worker_id": "console-test/1", "name": name, "value": value}
    told = orjson.dumps(row | {"labels": labels, "series": name})
    client.raw_insert("pipeline_metrics", insert_block=told, fmt="JSONEachRow", settings=INSERT_SETTINGS)


def test_nobody_takes_a_dead_pipeline_for_peace(nobody_s: str, broker: str) -> None:
    client = connect(nobody_s)
    with served_console(nobody_s, broker) as browse:
        page = browse.get("/").text
        assert "Agents may be failing unseen:" in page
        assert "no worker has told anything for 120 s or longer" in page
        assert 'class="badge good">watching' not in page
        worker_row(client, "watchkeeper_ready", 1)
        page = browse.get("/").text
        assert 'class="badge good">watching' in page
        assert "failing unseen" not in page
        worker_row(client, "watchkeeper_lag_records", 20_000, topic="agent.events", partition="0")
        assert "20,000 records of agent.events wait to be judged" in browse.get("/").text


def test_every_page_of_an_empty_store_says_that_there_is_nothing(nobody_s: str, broker: str) -> None:
    with served_console(nobody_s, broker) as browse:
        for page in all_pages():
            if page.menu:
                answer = browse.get(page.path)
                assert answer.status == 200, page.path
                assert 'class="trouble"' not in answer.text or page.path == "/", page.path


@contextmanager
def listening(browse: Browse, **headers: str) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", browse.port, timeout=PATIENCE)
    cookie = "; ".join(f"{name}={value}" for name, value in browse.cookies.items())
    sent = {"Cookie": cookie} | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", "/live/findings", headers=sent)
    try:
        yield connection.getresponse()
    finally:
        connection.close()


def heard(answer: http.client.HTTPResponse, finding: str) -> tuple[str, dict[str, str]]:
    """The number and data of the event that tells of a finding."""
    deadline, number = time.monotonic() + PATIENCE, ""
    while time.monotonic() < deadline:
        line = answer.readline().decode().strip()
        if line.startswith("id: "):
            number = line.removeprefix("id: ")
        if line.startswith("data: ") and finding in line:
            return number, orjson.loads(line.removeprefix("data: "))
    raise AssertionError(f"nothing was heard of {finding}")


def test_findings_come_as_they_are_stored_and_are_not_lost_between_connections(browse: Browse, shelf: Any) -> None:
    with listening(browse) as answer:
        assert answer.getheader("content-type", "").startswith("text/event-stream")
        assert answer.readline() == b"retry: 3000\n"
        first = shelf.finding(summary="<script>x</script>")
        number, told = heard(answer, first.finding_id)
    assert told["said"] == f"high: hallucinated tool of {shelf.agent}"
    assert "&lt;script&gt;x" in told["html"]
    assert "<script" not in told["html"]
    between = shelf.finding()
    with listening(browse, Last_Event_ID=number) as answer:
        after, _ = heard(answer, between.finding_id)
    assert int(after) > int(number)


def test_strangers_hear_nothing(browse: Browse) -> None:
    with listening(Browse(browse.port, {})) as answer:
        assert answer.status == 401


def test_many_who_watch_cost_the_store_one_question(
    store: ReadStore, shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    class Counting(StoredFindings):
        def listed(self, **given: Any) -> Any:
            asked.append(given)
            return super().listed(**given)

    monkeypatch.setattr(live, "POLL_SECONDS", 600.0)
    finding = shelf.finding()
    feed = Feed(Counting(store))
    found: list[list[tuple[int, Any]]] = []
    watchers = [threading.Thread(target=lambda: found.append(feed.after(0))) for _ in range(5)]
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.join()
    assert len(asked) == 1
    assert all([row["finding_id"] for _, row in one].count(finding.finding_id) == 1 for one in found)


def test_each_revision_is_told_once(store: ReadStore, shelf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "POLL_SECONDS", 0.0)
    feed = Feed(StoredFindings(store))
    finding = shelf.finding()

    def mine(told: list[tuple[int, Any]]) -> list[int]:
        return [row["revision"] for _, row in told if row["finding_id"] == finding.finding_id]

    assert mine(feed.after(0)) == [0]
    before = feed.number
    assert mine(feed.after(before)) == []
    shelf.finding(finding_id=finding.finding_id, revision=1)
    assert mine(feed.after(before)) == [1]
