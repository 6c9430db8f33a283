"""`watchkeeper findings`: from real rows, and as they come."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from click.testing import Result

from watchkeeper.cli import finding_queries

Run = Callable[..., Result]
HOUR = timedelta(hours=1)


def documents(ended: Result) -> list[dict[str, Any]]:
    assert ended.exit_code == 0, ended.output
    return [orjson.loads(line) for line in ended.stdout.splitlines()]


@pytest.fixture
def some(shelf: Any) -> dict[str, str]:
    """Findings by name, found at different times, and bad in different ways."""
    now = datetime.now(UTC)
    told = {
        "low": shelf.finding(severity="low", detected_at=now - 30 * HOUR),
        "medium": shelf.finding(severity="medium", detected_at=now - 2 * HOUR, agent_id="other", origin="simulated"),
        "high": shelf.finding(severity="high", detected_at=now - HOUR, status="resolved", revision=1),
        "critical": shelf.finding(
            severity="critical", detected_at=now, failure_mode="cost_runaway", session_id=None, subject="agent:x"
        ),
    }
    return {finding.finding_id: name for name, finding in told.items()} | {"tenant": shelf.tenant}


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ([], {"medium", "high", "critical"}),
        (["--since", "2d"], {"low", "medium", "high", "critical"}),
        (["--since", "2d", "--until", "90m"], {"low", "medium"}),
        (["--severity", "high"], {"high", "critical"}),
        (["--severity", "info", "--since", "2d"], {"low", "medium", "high", "critical"}),
        (["--mode", "cost_runaway"], {"critical"}),
        (["--kind", "unknown_tool", "--mode", "hallucinated_tool"], {"medium", "high"}),
        (["--agent", "other"], {"medium"}),
        (["--origin", "simulated"], {"medium"}),
        (["--status", "resolved"], {"high"}),
    ],
)
def test_filters(run: Run, some: dict[str, str], filters: list[str], names: set[str]) -> None:
    found = documents(run("findings", "--tenant", some["tenant"], "--json", *filters))
    assert {some[row["finding_id"]] for row in found} == names


def test_the_document_has_its_evidence_as_an_object(run: Run, shelf: Any) -> None:
    finding = shelf.finding()
    (row,) = documents(run("findings", "--session", shelf.session, "--json"))
    assert row["finding_id"] == finding.finding_id
    assert row["evidence"]["nearest"] == ["refund"]
    assert row["evidence"] == finding.evidence.model_dump(mode="json")


def test_the_latest_revision_counts(run: Run, shelf: Any) -> None:
    finding = shelf.finding()
    shelf.finding(finding_id=finding.finding_id, revision=1, status="resolved")
    (row,) = documents(run("findings", "--tenant", shelf.tenant, "--json"))
    assert (row["revision"], row["status"]) == (1, "resolved")


def test_the_table(run: Run, shelf: Any) -> None:
    shelf.finding(summary="It called refnd,\nwhich is \x1b[31mno tool.")
    ended = run("findings", "--tenant", shelf.tenant)
    _, line = ended.stdout.splitlines()
    assert "high" in line
    assert "hallucinated_tool / unknown_tool" in line
    assert shelf.session in line
    assert line.endswith("It called refnd,\\nwhich is \\x1b[31mno tool.")


def test_what_is_found_in_a_recording_of_years_ago_was_found_today(run: Run, shelf: Any) -> None:
    then = datetime(2024, 5, 1, tzinfo=UTC)
    shelf.finding(first_event_at=then, last_event_at=then, origin="import")
    assert len(documents(run("findings", "--tenant", shelf.tenant, "--since", "5m", "--json"))) == 1


def test_only_the_days_on_which_something_was_found_are_opened(client: Any, shelf: Any) -> None:
    for day in (1, 2, 3):
        then = datetime(2024, 6, day, tzinfo=UTC)
        shelf.finding(first_event_at=then, last_event_at=then)
    parameters = {
        "days": [20240602], "since": 0, "until": 2**60, "stored_since": 0, "limit": 10, "severities": [],
        **dict.fromkeys(("tenant", "mode", "kind", "agent", "session", "origin", "status", "verdict"), ""),
        "muted": 0, "after_stored": 0, "after_detected": 0, "after_finding": "",
    }  # fmt: skip
    plan = client.query(f"EXPLAIN indexes = 1 {finding_queries.FINDINGS}", parameters=parameters)
    text = "\n".join(row[0] for row in plan.result_rows)
    assert "toYYYYMMDD(first_event_at) in 1-element set" in text
    assert "Parts: 1/" in text


def test_a_store_without_tables_says_what_to_do(run: Run, clickhouse: str) -> None:
    elsewhere = clickhouse.rpartition("/")[0] + "/nowhere"
    ended = run("findings", "--clickhouse", elsewhere)
    assert ended.exit_code == 78
    assert "run `watchkeeper migrate`" in ended.stderr


def test_follow_prints_each_new_finding_and_revision_once(shelf: Any, clickhouse: str) -> None:
    first = shelf.finding(summary="there before")
    command = ["findings", "--follow", "--json", "--tenant", shelf.tenant, "--clickhouse", clickhouse]
    with subprocess.Popen(
        [sys.executable, "-m", "watchkeeper.cli.main", *command], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert orjson.loads(process.stdout.readline())["summary"] == "there before"
            shelf.finding(summary="new")
            assert orjson.loads(process.stdout.readline())["summary"] == "new"
            shelf.finding(finding_id=first.finding_id, revision=1, status="resolved", summary="there before")
            shown = orjson.loads(process.stdout.readline())
            assert (shown["summary"], shown["revision"]) == ("there before", 1)
            # A recording's day is another one: its partition is found all the same, and nothing came twice.
            then = datetime(2023, 1, 1, tzinfo=UTC)
            shelf.finding(summary="imported", first_event_at=then, last_event_at=then)
            assert orjson.loads(process.stdout.readline())["summary"] == "imported"
        finally:
            process.terminate()
