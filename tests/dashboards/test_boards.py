"""The dashboards: committed as they are made, complete, and each panel's statement right on the real engine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from board_asking import DOCUMENTS, END, EVERYTHING, LAST_DAYS, LAST_HOUR, PANELS, Row, ask, fresh_store, one, put
from clickhouse_connect.driver import Client

from watchkeeper.dashboards.grafana.boards.modes import SHOWN
from watchkeeper.dashboards.grafana.build import FOLDER, texts
from watchkeeper.dashboards.grafana.macros import Range, expand
from watchkeeper.dashboards.grafana.query import sql
from watchkeeper.schemas.failure_modes import FAILURE_MODES
from watchkeeper.stream_processors.clickhouse import parse_dsn
from watchkeeper.stream_processors.rollups import Rollups


def test_what_is_committed_is_what_is_made() -> None:
    made = {file.name: file.read_text() for file in FOLDER.glob("*.json")}
    assert made == texts(), "run python -m watchkeeper.dashboards.grafana.build and commit dashboards/grafana/json"


@pytest.mark.parametrize("uid", DOCUMENTS)
def test_panels_have_numbers_of_their_own_and_do_not_overlap(uid: str) -> None:
    panels = DOCUMENTS[uid]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    titles = [panel["title"] for panel in panels if panel["type"] != "row"]
    assert len(set(titles)) == len(titles)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells


@pytest.mark.parametrize("name", PANELS)
def test_every_panel_says_what_it_shows(name: str) -> None:
    panel = PANELS[name]
    assert len(panel["description"]) > 20
    assert panel["targets"]
    assert {target["datasource"]["uid"] for target in panel["targets"]} == {"watchkeeper-clickhouse"}


TABLE = re.compile(r"\bFROM ([a-z_]+)\b( FINAL)?")
BOUNDS = ("$__timeFilter(", "$__fromTime", "$__toTime", "session_id IN (${session:singlequote})")
MADE_OF_MINUTES = {"activity_minutes", "activity_hours", "finding_minutes", "finding_hours"}
IN_ORDER_OF_TIME = {"metric_hours", "sessions_by_time"}


def statements() -> dict[str, str]:
    """All that the dashboards ask for: panels, variables, what is drawn over the series."""
    asked = {name: panel["targets"][0]["rawSql"] for name, panel in PANELS.items()}
    for uid, document in DOCUMENTS.items():
        asked |= {
            f"{uid}: {one['name']}": one["query"] for one in document["templating"]["list"] if "datasource" in one
        }
        drawn = document.get("annotations", {}).get("list", [])
        asked |= {f"{uid}: {one['name']}": one["target"]["rawSql"] for one in drawn}
    return asked


def rest_of_select(statement: str, start: int) -> str:
    """From there to the end of the SELECT in which it stands."""
    depth = 0
    for at in range(start, len(statement)):
        depth += {"(": 1, ")": -1}.get(statement[at], 0)
        if depth < 0 or (depth == 0 and statement.startswith("UNION ALL", at)):
            return statement[start:at]
    return statement[start:]


@pytest.mark.parametrize("name", statements())
def test_every_reading_of_a_table_is_bound_in_time(name: str) -> None:
    statement = statements()[name]
    assert not re.search(r"\bOFFSET\b", statement, re.IGNORECASE)
    readings = list(TABLE.finditer(statement))
    assert readings
    for reading in readings:
        bounded = rest_of_select(statement, reading.end())
        assert any(bound in bounded for bound in BOUNDS), reading[1]
        # FINAL over much is slow: of minutes within bounds it is not, nor of one session.
        assert not reading[2] or reading[1] in MADE_OF_MINUTES | IN_ORDER_OF_TIME or BOUNDS[-1] in bounded, reading[1]


def test_every_mode_of_the_catalogue_has_its_panel_and_its_runbook() -> None:
    titles = [panel["title"].partition(":")[0] for panel in DOCUMENTS["watchkeeper-modes"]["panels"]]
    assert [title for title in titles if title in FAILURE_MODES] == list(dict.fromkeys(t for t in titles if t in SHOWN))
    assert set(FAILURE_MODES) == set(SHOWN) <= set(titles)
    runbooks = {panel["id"]: panel["title"] for panel in DOCUMENTS["watchkeeper-runbooks"]["panels"]}
    assert runbooks == dict(enumerate(FAILURE_MODES, 1))
    listed = re.findall(r"'(\w+)'", sql("parts/runbook_panel"))
    assert tuple(listed) == FAILURE_MODES


def test_the_tour_names_every_board_and_panels_that_exist() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "dashboards.md").read_text()
    rows = re.findall(r"^\| .*\? \| ([\w ]+) \| (.+) \|$", page, re.MULTILINE)
    titles = {document["title"].removeprefix("Watchkeeper: "): document for document in DOCUMENTS.values()}
    assert {name for name, _ in rows} == set(titles)
    for name, panels in rows:
        known = {panel["title"] for panel in titles[name]["panels"]}
        assert all(panel.startswith("the p") or panel in known for panel in panels.split(", ")), name


def test_links_lead_to_boards_that_exist() -> None:
    linked = {uid for text in texts().values() for uid in re.findall(r"/d/([\w-]+)", text)}
    assert linked <= set(DOCUMENTS)


def test_every_panel_is_asked_for_known_answers() -> None:
    told = "".join(path.read_text() for path in Path(__file__).parent.glob("test_boards*.py"))
    # Those of the board of modes are gone through mode by mode (`test_boards_modes`).
    missing = [
        name for name in PANELS if not name.startswith("watchkeeper-modes") and name.partition(": ")[2] not in told
    ]
    assert missing == []


@pytest.fixture(scope="module")
def client(clickhouse: str) -> Iterator[Client]:
    """A migrated database of this file's own."""
    with fresh_store(clickhouse) as (opened, _):
        yield opened


@pytest.mark.parametrize("name", PANELS)
def test_panels_over_an_empty_store(client: Client, name: str) -> None:
    rows = ask(client, name, LAST_HOUR) + ask(client, name, LAST_DAYS)
    # Undefined is not zero: what has no rows has no share.
    assert all(value is None or not value or isinstance(value, datetime) for row in rows for value in row.values())


@pytest.mark.parametrize("uid", DOCUMENTS)
def test_variables_over_an_empty_store(client: Client, uid: str) -> None:
    for variable in DOCUMENTS[uid]["templating"]["list"]:
        if variable["type"] == "query":
            assert client.query(expand(variable["query"], LAST_DAYS, EVERYTHING)).result_rows == []


def event(number: int, kind: str, at: datetime, **more: Any) -> Row:
    return {
        "tenant_id": "acme",
        "session_id": f"s{number}",
        "writer_id": "w",
        "seq": number,
        "digest": f"{number:064x}",
        "type": kind,
        "event_id": str(number),
        "occurred_at": at.isoformat(),
        "agent_id": "support",
        "agent_version": "2",
        "data": {},
        "source_partition": 0,
        "source_offset": number,
        "source_line": 0,
        "received_at": at.isoformat(),
    } | more


def told(agent: str = "support", *, at: datetime = END - timedelta(minutes=30)) -> list[Row]:
    """Four sessions of one agent: two complete, one fails, one is stopped; three priced requests, one unpriced."""
    own = {"agent_id": agent, "session_id": f"{agent}-s"}
    begin = [event(n, "session_started", at, **own) for n in range(4)]
    ends = ["completed", "completed", "failed", "stopped"]
    end = [event(10 + n, "session_ended", at, data={"status": status}, **own) for n, status in enumerate(ends)]
    asked = [
        event(20 + n, "response", at, model="m", input_tokens=100, cached_input_tokens=40, output_tokens=10,
              cost_usd=0.5, price_status="priced", data={"duration_us": 2_000_000}, **own)
        for n in range(3)
    ] + [event(30, "response", at, model="new", input_tokens=7, price_status="unpriced", **own)]  # fmt: skip
    calls = [event(40 + n, "tool_call", at, tool_name="refund", **own) for n in range(2)]
    results = [
        event(50 + n, "tool_result", at, tool_name="refund", data={"status": status, "duration_us": 1_000_000}, **own)
        for n, status in enumerate(["ok", "error"])
    ]
    return [*begin, *end, *asked, *calls, *results]


@pytest.fixture(scope="module")
def filled(client: Client, clickhouse: str) -> Client:
    """The same rows twice, as a replay writes them, before and after the minutes were made."""
    rows = told() + told("billing", at=END - timedelta(days=3))
    found = [finding("f1", "high"), finding("f2", "low", failure_mode="data_leak"), finding("f1", "high", revision=1)]
    database = str(client.database)
    job = Rollups(clickhouse.removesuffix(parse_dsn(clickhouse).database) + database)
    for _ in range(2):
        put(client, "events", rows)
        put(client, "findings", found)
        job.run_pass()
    job.close()
    return client


def finding(name: str, severity: str, **more: Any) -> Row:
    at = (END - timedelta(minutes=20)).isoformat()
    columns = ("root_session_id", "user_id", "customer_id", "policy_address")
    return (
        dict.fromkeys(columns, "")
        | {
            "tenant_id": "acme",
            "finding_id": name,
            "revision": 0,
            "schema_version": 1,
            "status": "open",
            "session_id": "s",
            "subject": None,
            "agent_id": "support",
            "agent_version": "2",
            "environment": "production",
            "origin": "live",
            "failure_mode": "reasoning_loop",
            "kind": "loop",
            "severity": severity,
            "rule_id": "r",
            "rule_version": 1,
            "rule_stage": "active",
            "summary": f"{name} was found",
            "evidence": {},
            "first_event_at": at,
            "last_event_at": at,
            "detected_at": at,
            "runbook": "docs/runbooks/reasoning_loop.md",
        }
        | more
    )


OVERVIEW = "watchkeeper-overview: "


@pytest.mark.parametrize(
    ("panel", "span", "answer"),
    [
        ("Sessions started", LAST_HOUR, 4),
        ("Sessions started", LAST_DAYS, 8),
        ("Grave findings", LAST_HOUR, 1),
        ("Sessions failed", LAST_HOUR, 0.25),
        ("Sessions stopped", LAST_DAYS, 2),
        ("Tool errors", LAST_DAYS, 0.5),
        ("Spend", LAST_HOUR, 1.5),
        ("Spend", LAST_DAYS, 3.0),
    ],
)
def test_figures_of_the_overview(filled: Client, panel: str, span: Range, answer: float) -> None:
    assert one(ask(filled, OVERVIEW + panel, span)) == answer


def test_series_of_the_overview(filled: Client) -> None:
    (row,) = ask(filled, OVERVIEW + "Sessions", LAST_HOUR)
    assert {name: row[name] for name in row if name != "time"} == {
        "started": 4, "completed": 2, "failed": 1, "stopped": 1,
    }  # fmt: skip
    assert row["time"].replace(tzinfo=UTC) == END - timedelta(minutes=30)
    rows = ask(filled, OVERVIEW + "Sessions", LAST_DAYS)
    assert [(row["time"].replace(tzinfo=UTC), row["started"]) for row in rows] == [
        (END - timedelta(days=3), 4),
        (END - timedelta(hours=1), 4),
    ]


def test_variables_choose(filled: Client) -> None:
    panel = OVERVIEW + "Spend"
    assert one(ask(filled, panel, LAST_DAYS, agent=["billing"])) == 1.5
    assert one(ask(filled, panel, LAST_DAYS, agent=["nobody"])) == 0
    assert one(ask(filled, panel, LAST_DAYS, tenant=["acme"], origin=["live", "simulated"])) == 3.0
    assert one(ask(filled, panel, LAST_DAYS, origin=["import"])) == 0
    listed = next(v for v in DOCUMENTS["watchkeeper-overview"]["templating"]["list"] if v["name"] == "agent")
    found = filled.query(expand(listed["query"], LAST_DAYS, EVERYTHING)).result_rows
    assert found == [("billing",), ("support",)]


def test_findings_by_mode_and_the_latest(filled: Client) -> None:
    rows = ask(filled, OVERVIEW + "Findings by failure mode", LAST_HOUR)
    assert [(row["failure_mode"], row["high"], row["low"]) for row in rows] == [
        ("data_leak", 0, 1),
        ("reasoning_loop", 1, 0),
    ]
    latest = ask(filled, OVERVIEW + "Latest findings", LAST_HOUR)
    assert sorted((row["finding"], row["severity"]) for row in latest) == [("f1", "high"), ("f2", "low")]


def test_spend_by_whom_and_what_is_missing_in_it(filled: Client) -> None:
    for title, name in (("Spend by agent", "support"), ("Spend by model", "m"), ("Spend by tenant", "acme")):
        (row,) = ask(filled, f"watchkeeper-spend: {title}", LAST_HOUR)
        assert (row["name"], row["spend"]) == (name, 1.5)
    (row,) = ask(filled, "watchkeeper-spend: Requests without a price", LAST_DAYS)
    assert (row["model"], row["requests"], row["input_tokens"]) == ("new", 2, 14)
    (row,) = ask(filled, "watchkeeper-spend: Spend per completed session", LAST_HOUR)
    assert row["spend"] == 0.75
    (row,) = ask(filled, "watchkeeper-spend: Tokens", LAST_HOUR)
    assert (row["input"], row["cached_input"], row["output"]) == (187, 120, 30)


def test_the_forecast_goes_on_as_the_last_three_hours(filled: Client) -> None:
    (row,) = ask(filled, "watchkeeper-spend: Today", LAST_HOUR)
    assert row["today"] == 1.5
    assert row["at_its_end"] == pytest.approx(1.5 + 1.5 / 3 * 12)
    assert row["yesterday"] == 0


def test_tools(filled: Client) -> None:
    (row,) = ask(filled, "watchkeeper-tools: Tools", LAST_DAYS)
    assert (row["tool"], row["calls"], row["errors"], row["error_share"]) == ("refund", 4, 2, 0.5)
    assert row["p95"] == pytest.approx(1.0, rel=0.01)
    (row,) = ask(filled, "watchkeeper-tools: Time to a model's response", LAST_HOUR)
    assert row["p99"] == pytest.approx(2.0, rel=0.01)


def metric(name: str, seconds: float, value: float, worker: str = "w1", **labels: str) -> Row:
    at = END - timedelta(minutes=30) + timedelta(seconds=seconds)
    series = json.dumps(labels, sort_keys=True)
    return {"at": at.isoformat(), "worker_id": worker, "name": name, "series": series, "labels": labels, "value": value}


def test_what_the_pipeline_says_of_itself(filled: Client) -> None:
    topic = {"topic": "agent.events"}
    events = "watchkeeper_events_total"
    rows = [metric(events, 15 * n, 150 * n, **topic) for n in range(1, 5)]
    # A second worker begins at 0; and its rows come twice.
    rows += [metric(events, 60 + 15 * n, 15 * n, "w2", **topic) for n in range(1, 3)] * 2
    lag = "watchkeeper_lag_records"
    rows += [metric(lag, 15, 7, partition="0", **topic), metric(lag, 20, 5, "w2", partition="0", **topic)]
    rows += [metric(lag, 15, 2, partition="1", **topic)]
    bucket = "watchkeeper_finding_seconds_bucket"
    rows += [metric(bucket, 15, count, le=le) for le, count in (("0.5", 4), ("2", 9), ("8", 10), ("+Inf", 10))]
    put(filled, "pipeline_metrics", rows)
    found = ask(filled, "watchkeeper-pipeline: Events a second", LAST_HOUR)
    assert sum(row["events"] for row in found) * 60 == 600 + 30
    found = ask(filled, "watchkeeper-pipeline: Records that wait", LAST_HOUR)
    assert [row["lag"] for row in found] == [7]
    (row,) = ask(filled, "watchkeeper-pipeline: Event to finding", LAST_HOUR)
    assert (row["p50"], row["p95"]) == (2, 8)
