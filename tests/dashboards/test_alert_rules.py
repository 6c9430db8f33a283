"""Grafana's alert rules: their statements on the real engine, what they say, and the file for docker compose."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from board_asking import fresh_store, put
from clickhouse_connect.driver import Client
from standin_description import faults_of

from watchkeeper.cli.root import watchkeeper
from watchkeeper.dashboards.grafana import alert_files
from watchkeeper.dashboards.grafana.alert_rules import Rule
from watchkeeper.dashboards.grafana.alerts_in_use import RULES
from watchkeeper.dashboards.grafana.boards.runbooks import UID, panel_of
from watchkeeper.dashboards.grafana.macros import Range, expand
from watchkeeper.schemas.failure_modes import FAILURE_MODES

Row = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BY_UID = {rule.uid: rule for rule in RULES}
# A label as it is, or for a shell.
LABEL = re.compile(r"""\{\{ (?:reReplaceAll "'" `'\\''` )?\$labels\.(\w+) \}\}""")
LABELS = {
    "mode": "data_leak",
    "reason": "not_json",
    "tenant": "acme",
    "agent": "it's; rm -rf /",
    "topic": "agent.events",
    "channel": "pager",
}


def asked(client: Client, uid: str, at: datetime = NOW) -> list[Row]:
    """What Grafana gets for a rule that is evaluated at a time."""
    rule = BY_UID[uid]
    span = Range(at - timedelta(seconds=rule.looks_back_seconds), at)
    return list(client.query(expand(rule.sql, span)).named_results())


def fires(rule: Rule, value: float) -> bool:
    return value > rule.limit if rule.beyond == "gt" else value < rule.limit


@pytest.fixture(scope="module")
def empty(clickhouse: str) -> Iterator[Client]:
    with fresh_store(clickhouse) as (client, _):
        yield client


@pytest.fixture(scope="module")
def client(clickhouse: str) -> Iterator[Client]:
    with fresh_store(clickhouse) as (opened, _):
        for table, rows in STORED.items():
            # As replays write them.
            put(opened, table, rows)
            put(opened, table, rows)
        yield opened


def metric(name: str, ago: timedelta, value: float, worker: str = "w1", **labels: str) -> Row:
    series = json.dumps(labels, sort_keys=True)
    at = (NOW - ago).isoformat()
    return {"at": at, "worker_id": worker, "name": name, "series": series, "labels": labels, "value": value}


def finding(name: str, mode: str, rule: str = "r", **more: Any) -> Row:
    at = (NOW - timedelta(minutes=10)).isoformat()
    return {
        "tenant_id": "acme", "finding_id": name, "revision": 0, "schema_version": 1, "status": "open",
        "session_id": "s", "root_session_id": "", "subject": None, "agent_id": "support", "agent_version": "2",
        "environment": "production", "origin": "live", "user_id": "", "customer_id": "", "failure_mode": mode,
        "kind": "k", "severity": "high", "rule_id": rule, "rule_version": 1, "rule_stage": "active",
        "summary": "found", "evidence": {}, "first_event_at": at, "last_event_at": at, "detected_at": at,
        "policy_address": "", "runbook": f"docs/runbooks/{mode}.md",
    } | more  # fmt: skip


def letter(offset: int, reason: str, *, ago: timedelta = timedelta(minutes=30), **more: Any) -> Row:
    return {
        "source_topic": "agent.events", "source_partition": 0, "source_offset": offset, "source_line": 0, "revision": 0,
        "reason": reason, "detail": "", "key_base64": "", "raw_base64": "", "received_at": (NOW - ago).isoformat(),
        "status": "open",
    } | more  # fmt: skip


def notice(name: str, channel: str, *, ago: timedelta, state: str = "dead", version: int = 2) -> Row:
    at = (NOW - ago).isoformat()
    return {
        "alert_id": "a", "notice_id": name, "channel": channel, "kind": "page", "state": state, "severity": "high",
        "after": 0, "upto": 1, "attempts": version, "answer": "HTTP 500", "title": "t", "text": "", "made_at": at,
        "tried_at": at, "version": version,
    }  # fmt: skip


SECONDS, MINUTES, DAYS = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
LAG, LOST = "watchkeeper_lag_records", "watchkeeper_lost_events_total"
EVENTS = {"topic": "agent.events"}
STORED: dict[str, list[Row]] = {
    "pipeline_metrics": [
        metric("watchkeeper_ready", 20 * SECONDS, 1),
        metric("watchkeeper_ready", 300 * SECONDS, 1, "w2"),
        # Partition 0 went from one worker to another.
        metric(LAG, 60 * SECONDS, 90_000, partition="0", **EVENTS),
        metric(LAG, 30 * SECONDS, 7_000, "w2", partition="0", **EVENTS),
        metric(LAG, 30 * SECONDS, 6_000, partition="1", **EVENTS),
        metric(LAG, 30 * SECONDS, 3, partition="0", topic="agent.signals"),
        metric(LOST, 60 * MINUTES, 100, reason="queue_full", **EVENTS),
        metric(LOST, 890 * SECONDS, 100, reason="queue_full", **EVENTS),
        metric(LOST, 10 * MINUTES, 104, reason="queue_full", **EVENTS),
        metric(LOST, 10 * MINUTES, 2, reason="spool_full", **EVENTS),
        metric("watchkeeper_store_disk_bytes", 5 * MINUTES, 1000),
        metric("watchkeeper_store_disk_free_bytes", 20 * MINUTES, 900),
        metric("watchkeeper_store_disk_free_bytes", 5 * MINUTES, 80),
    ],
    "alert_notices": [
        notice("n1", "pager", ago=50 * MINUTES, state="pending", version=1),
        notice("n1", "pager", ago=40 * MINUTES),
        notice("n2", "pager", ago=5 * MINUTES),
        notice("n3", "pager", ago=90 * MINUTES),
        notice("n4", "chat", ago=20 * MINUTES, state="pending", version=1),
        notice("n4", "chat", ago=10 * MINUTES, state="delivered"),
        notice("n5", "mail", ago=10 * MINUTES),
    ],
    "dead_letters": [
        letter(1, "not_json"),
        letter(2, "not_json"),
        letter(3, "too_large"),
        letter(3, "too_large", revision=1, status="redriven"),
        letter(4, "not_json", ago=3 * 60 * MINUTES),
    ],
    "findings": [
        finding("g1", "data_leak"),
        finding("g2", "data_leak", severity="critical"),
        finding("g3", "data_leak", severity="medium"),
        finding("g4", "scope_creep", agent_id="billing", revision=1, status="resolved"),
        finding("g4", "scope_creep", agent_id="billing"),
        finding("g5", "audit_gap", origin="import"),
        finding("g6", "audit_gap", rule_stage="shadow"),
        finding("g7", "audit_gap", detected_at=(NOW - 20 * MINUTES).isoformat()),
        finding("d1", "quality_drift", "quality_drift", detected_at=(NOW - 3 * DAYS).isoformat(), severity="medium"),
        finding("d2", "input_drift", "input_drift", detected_at=(NOW - 8 * DAYS).isoformat()),
        finding("b1", "cost_runaway", "budget_spend", detected_at=(NOW - 60 * MINUTES).isoformat()),
        finding("b2", "cost_runaway", "budget_spend", agent_id="billing", severity="low"),
        finding("c1", "cost_runaway", "capped_share", agent_id="billing", detected_at=(NOW - 2 * DAYS).isoformat()),
    ],
}


SEEN: list[tuple[str, list[Row]]] = [
    ("silent", [{"value": 20}]),
    ("lag", [{"topic": "agent.events", "value": 13_000}, {"topic": "agent.signals", "value": 3}]),
    ("dead-letters", [{"reason": "not_json", "value": 2}]),
    ("lost-events", [{"reason": "queue_full", "value": 4}, {"reason": "spool_full", "value": 2}]),
    ("undelivered", [{"channel": "mail", "value": 1}, {"channel": "pager", "value": 2}]),
    ("disk", [{"value": 0.08}]),
    ("grave-findings", [{"tenant": "acme", "agent": "support", "mode": "data_leak", "value": 2}]),
    ("drift", [{"tenant": "acme", "agent": "support", "mode": "quality_drift", "value": 1}]),
    ("budget", [{"tenant": "acme", "agent": "support", "value": 1}]),
    ("caps", [{"tenant": "acme", "agent": "billing", "value": 1}]),
]


@pytest.mark.parametrize(("uid", "rows"), SEEN)
def test_what_a_rule_sees(client: Client, uid: str, rows: list[Row]) -> None:
    assert asked(client, f"watchkeeper-{uid}") == rows


def test_every_rule_is_tried_above() -> None:
    assert {f"watchkeeper-{name}" for name, _ in SEEN} == BY_UID.keys()


def test_silence(client: Client) -> None:
    rule = BY_UID["watchkeeper-silent"]
    for later, silent in ((60 * SECONDS, False), (200 * SECONDS, True), (DAYS, True)):
        (row,) = asked(client, rule.uid, NOW + later)
        assert fires(rule, row["value"]) is silent


@pytest.mark.parametrize("uid", BY_UID)
def test_an_empty_store_is_silent_and_nothing_else(empty: Client, uid: str) -> None:
    rule = BY_UID[uid]
    firing = [row for row in asked(empty, uid) if fires(rule, row["value"])]
    assert bool(firing) is (uid == "watchkeeper-silent")


@pytest.mark.parametrize("uid", BY_UID)
def test_grafana_gets_one_number_and_labels(client: Client, uid: str) -> None:
    # It takes a table for one number for each set of labels where one column is a number, the others text, none a time.
    (first, *_) = asked(client, uid)
    assert isinstance(first["value"], float)
    assert all(isinstance(value, str) for name, value in first.items() if name != "value")
    told = " ".join(BY_UID[uid].annotations().values())
    assert set(LABEL.findall(told)) <= first.keys() - {"value"}
    assert set(re.findall(r"\$values\.(\w+)", told)) <= {"A"}


def understand(found: click.Command, words: list[str]) -> None:
    with found.make_context(found.name, words) as context:
        if isinstance(found, click.Group):
            _, below, rest = found.resolve_command(context, [*context._protected_args, *context.args])
            assert below is not None
            understand(below, rest)


@pytest.mark.parametrize("uid", BY_UID)
def test_a_rule_says_what_to_do(uid: str) -> None:
    rule = BY_UID[uid]
    line = LABEL.sub(lambda found: LABELS[found[1]].replace("'", "'\\''"), rule.command)
    words = shlex.split(line)
    understand(watchkeeper, words[1:])
    assert ("--agent" not in words) or (words[words.index("--agent") + 1] == LABELS["agent"])
    page = LABEL.sub(lambda found: LABELS[found[1]], rule.runbook)
    assert (ROOT / "docs/runbooks" / page).is_file()
    assert len(rule.description) > 60
    assert "$" not in rule.title + "".join(rule.labels().values()), "Grafana's files replace it"


@pytest.mark.long
def test_go_fills_the_templates_as_grafana_does() -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("Go is not installed")
    texts = [text for rule in RULES for text in rule.annotations(grafana="https://grafana.example.com").values()]
    ran = subprocess.run(
        [go, "run", str(Path(__file__).parent / "parts" / "standin_templates.go")],
        input=json.dumps({"texts": texts, "labels": LABELS, "value": 0.081}),
        capture_output=True, text=True, check=False, env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod"},
    )  # fmt: skip
    assert ran.stderr == ""
    filled = dict(zip(texts, json.loads(ran.stdout), strict=True))
    assert not [text for text in filled.values() if "{{" in text or "}}" in text]
    grave = BY_UID["watchkeeper-grave-findings"].annotations(grafana="https://grafana.example.com")
    assert filled[grave["runbook_url"]] == f"https://grafana.example.com/d/{UID}?viewPanel={panel_of('data_leak')}"
    assert shlex.split(filled[grave["command"]])[5] == LABELS["agent"]
    assert filled[BY_UID["watchkeeper-disk"].summary] == "8.1% of the disk is free."


def test_links_to_the_panel_of_a_runbook() -> None:
    at = f"https://grafana.example.com/d/{UID}?viewPanel="
    fixed = BY_UID["watchkeeper-budget"].annotations(grafana="https://grafana.example.com")
    assert fixed["runbook_url"] == f"{at}{panel_of('cost_runaway')}"
    link = BY_UID["watchkeeper-grave-findings"].annotations(grafana="https://grafana.example.com")["runbook_url"]
    choices = dict(re.findall(r'eq \$labels\.mode "(\w+)" \}\}(\d+)', link))
    assert {mode: int(panel) for mode, panel in choices.items()} == {mode: panel_of(mode) for mode in FAILURE_MODES}
    assert link.startswith(f"{at}{{{{ if ")
    assert link.endswith("{{ end }}")
    assert link.count("{{") == link.count("}}") == len(FAILURE_MODES) + 1
    published = BY_UID["watchkeeper-lag"].annotations("https://example.com/runbooks/")
    assert published["runbook_url"] == "https://example.com/runbooks/stalled-worker.md"


def test_the_file_is_as_it_is_made() -> None:
    assert alert_files.FILE.read_text() == alert_files.text()


def test_the_file_is_as_grafana_describes_it() -> None:
    told = yaml.safe_load(alert_files.FILE.read_text())
    assert faults_of({"$ref": "#/definitions/AlertingFileExport"}, told) == []
    (group,) = told["groups"]
    assert [rule["uid"] for rule in group["rules"]] == [rule.uid for rule in RULES]
    assert [rule["data"][0]["model"]["rawSql"] for rule in group["rules"]] == [rule.sql for rule in RULES]


def test_compose_gives_the_file_what_it_asks_for() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]
    (point,) = yaml.safe_load(alert_files.FILE.read_text())["contactPoints"]
    (receiver,) = point["receivers"]
    assert receiver["settings"]["url"] == "$GRAFANA_ALERT_WEBHOOK"
    # Grafana does not start with a webhook that leads nowhere.
    assert re.fullmatch(r"\$\{GRAFANA_ALERT_WEBHOOK:-http.+\}", compose["environment"]["GRAFANA_ALERT_WEBHOOK"])
    (provider,) = yaml.safe_load((ROOT / "deploy/grafana/provisioning/dashboards/watchkeeper.yaml").read_text())[
        "providers"
    ]
    (group,) = yaml.safe_load(alert_files.FILE.read_text())["groups"]
    assert group["folder"] != provider["folder"], "Grafana would make a second folder of that title"


def test_the_page_lists_every_rule() -> None:
    page = (ROOT / "docs/dashboards.md").read_text()
    listed = dict(re.findall(r"^\| ([^|]+) \|[^|]+\| (\w+) \|$", page, re.MULTILINE))
    assert {rule.title: rule.severity for rule in RULES}.items() <= listed.items()
