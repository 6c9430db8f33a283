"""`watchkeeper alerts list`, `show` and `test`, over what a real router kept and real receivers took."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from alerting_desk import Desk
from click.testing import CliRunner, Result
from webhook_receiver import Receiver, receiving

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.root import watchkeeper
from watchkeeper.cli.stack.testing import separate_database
from watchkeeper.cli.store import ReadStore, open_store

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def database(clickhouse: str) -> Iterator[str]:
    with separate_database(clickhouse) as dsn:
        yield dsn


@pytest.fixture(scope="module")
def store(database: str) -> Iterator[ReadStore]:
    with open_store(database) as opened:
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def alerts(database: str) -> Run:
    """Runs `watchkeeper alerts …`."""

    def run(*args: str, **environment: str) -> Result:
        given = {"WATCHKEEPER_CLICKHOUSE_DSN": database, "COLUMNS": "200", **environment}
        return CliRunner().invoke(watchkeeper, ["alerts", *args], env=given, catch_exceptions=False)

    return run


@pytest.fixture
def desk(store: ReadStore, receiver: Receiver, database: str) -> Iterator[Desk]:
    """Two alerts: one of 25 findings, one that was acknowledged; a recording's finding that is in none."""
    made = Desk(store, receiver)
    made.topic.batch = 100
    many = [made.found(agent_id="support") for _ in range(25)]
    other = made.found(agent_id="billing", failure_mode="cost_runaway", severity="critical")
    made.hear(*many, other, made.found(origin="import"))
    made.passes(10)
    ended = CliRunner().invoke(
        watchkeeper,
        ["finding", "ack", other.finding_id, "--reason", "I look", "--as", "ada"],
        env={"WATCHKEEPER_CLICKHOUSE_DSN": database},
    )
    assert ended.exit_code == 0, ended.output
    made.passes(10)
    yield made
    made.close()


def lines(ended: Result) -> list[Any]:
    assert ended.exit_code == 0, ended.output
    return [orjson.loads(line) for line in ended.stdout.splitlines()]


def test_alerts_are_listed_the_latest_first_with_what_paged_nobody(alerts: Run, desk: Desk) -> None:
    listed = lines(alerts("list", "--tenant", desk.tenant, "--json"))
    assert [row["updated_at"] for row in listed] == sorted((row["updated_at"] for row in listed), reverse=True)
    assert {row["agent_id"]: (row["status"], row["findings"], row["delivered"]) for row in listed} == {
        "billing": ("acked", 1, 2),
        "support": ("open", 25, 1),
    }
    page = alerts("list", "--tenant", desk.tenant).stdout
    assert "acked by ada" in page
    assert "findings that paged nobody:" in page
    assert "1  import: a recording's findings never page" in page
    for chosen, agents in (
        (("--status", "acked"), ["billing"]),
        (("--status", "open"), ["support"]),
        (("--agent", "support"), ["support"]),
        (("--limit", "1"), None),
        (("--until", "1h"), []),
    ):
        found = lines(alerts("list", "--tenant", desk.tenant, "--json", *chosen))
        assert len(found) == 1 if agents is None else [row["agent_id"] for row in found] == agents, chosen
    assert alerts("list", "--tenant", "nobody").stdout.startswith("no alerts in the last 24 hours; look further back")
    refused = alerts("list", "--status", "asleep")
    assert refused.exit_code == ExitCode.USAGE


def test_an_alert_is_shown_with_who_was_told_and_of_what(alerts: Run, desk: Desk) -> None:
    ids = {row["agent_id"]: row["alert_id"] for row in lines(alerts("list", "--tenant", desk.tenant, "--json"))}
    page = alerts("show", ids["support"][:12]).stdout
    assert f"alert        {ids['support']}" in page
    assert "25, 25 of them stand" in page
    assert "runbook      docs/runbooks/hallucinated_tool.md" in page
    assert "tool name    refund_all" in page
    assert "page" in page
    assert "delivered" in page
    assert "HTTP 200: ok" in page
    assert "and 5 more: --all lists them" in page
    (line,) = [line for line in page.splitlines() if "watchkeeper finding show" in line]
    finding_id = line.split()[-1]
    whole = orjson.loads(alerts("show", ids["support"], "--all", "--json").stdout)
    assert [row["ordinal"] for row in whole["findings_listed"]] == list(range(1, 26))
    assert finding_id in {row["finding_id"] for row in whole["findings_listed"]}
    assert whole["on_their_way"] == []
    noted = orjson.loads(alerts("show", ids["billing"], "--json").stdout)
    assert [one["kind"] for one in noted["notices"]] == ["page", "acknowledged"]
    assert "acked, by ada" in alerts("show", ids["billing"]).stdout


def test_what_is_on_its_way_is_shown(alerts: Run, store: ReadStore, receiver: Receiver) -> None:
    receiver.answer = lambda _: (503, {}, b"busy")
    desk = Desk(store, receiver)
    desk.hear(desk.found())
    desk.passes(2, times=2)
    desk.close()
    (row,) = lines(alerts("list", "--tenant", desk.tenant, "--json"))
    page = alerts("show", row["alert_id"]).stdout
    assert "tried, will be again" in page
    assert "HTTP 503: busy" in page


def test_no_alert_and_several_are_told(alerts: Run, desk: Desk) -> None:
    missing = alerts("show", "zzz")
    assert missing.exit_code == ExitCode.NOT_FOUND
    assert "`watchkeeper alerts list --since 30d` lists them" in missing.stderr
    several = alerts("show", "")
    assert several.exit_code != 0
    assert "give more of the id" in several.stderr
    del desk


def test_a_store_that_is_away_is_told(alerts: Run) -> None:
    ended = alerts("list", "--clickhouse", "http://u:secret@127.0.0.1:9/x")
    assert ended.exit_code == ExitCode.UNAVAILABLE
    assert "secret" not in ended.output


@pytest.fixture
def written(tmp_path: Path) -> Callable[[Any], Path]:
    """Writes an alerts.yaml."""

    def write(channels: Any) -> Path:
        file = tmp_path / "alerts.yaml"
        file.write_bytes(orjson.dumps({"channels": channels}))
        return file

    return write


def test_a_test_goes_through_every_channel_and_says_what_it_is(
    alerts: Run, receiver: Receiver, written: Callable[[Any], Path]
) -> None:
    file = written(
        {
            "hook": {"kind": "webhook", "url": f"{receiver.url}/hook"},
            "chat": {"kind": "slack", "url": {"env": "CHAT"}},
            "pager": {"kind": "pagerduty", "routing_key": {"env": "KEY"}, "url": f"{receiver.url}/pager"},
            "log": {"kind": "log"},
        }
    )
    ended = alerts("test", "--config", str(file), CHAT=f"{receiver.url}/chat", KEY="k-1")
    assert ended.exit_code == 0, ended.output
    assert ended.stdout.splitlines() == [
        "hook (webhook): took it: HTTP 200: ok",
        "chat (slack): took it: HTTP 200: ok",
        "pager (pagerduty): took it: HTTP 200: ok",
        "log (log): took it: written to the log",
    ]
    taken = receiver.taken()
    assert [hook.path for hook in taken] == ["/hook", "/chat", "/pager", "/pager"]
    assert taken[0].document["kind"] == "test"
    assert "this is a test" in taken[0].document["title"]
    assert b"this is a test" in taken[1].body
    # What it opened at PagerDuty is over at once.
    first, second = (hook.document for hook in taken[2:])
    assert (first["event_action"], second["event_action"]) == ("trigger", "resolve")
    assert first["dedup_key"] == second["dedup_key"]
    only = alerts("test", "--config", str(file), "--channel", "log", "--channel", "hook")
    assert [line.split()[0] for line in only.stdout.splitlines()] == ["log", "hook"]


def test_a_channel_that_does_not_take_it_is_told_without_its_secret(
    alerts: Run, receiver: Receiver, written: Callable[[Any], Path]
) -> None:
    receiver.answer = lambda _: (403, {}, b"no such token")
    file = written(
        {
            "chat": {"kind": "slack", "url": {"env": "CHAT"}},
            "pager": {"kind": "pagerduty", "routing_key": {"env": "NOT_THERE"}},
            "away": {"kind": "webhook", "url": "http://127.0.0.1:9/s3cr3t-path", "timeout_seconds": 2},
            "log": {"kind": "log"},
        }
    )
    ended = alerts("test", "--config", str(file), CHAT=f"{receiver.url}/s3cr3t-hook")
    assert ended.exit_code == ExitCode.FAILED
    chat, pager, away, log = ended.stdout.splitlines()
    assert chat.startswith("chat (slack): did not take it: HTTP 403: no such token")
    assert "NOT_THERE is not set" in pager
    assert away.startswith("away (webhook): did not take it: http://127.0.0.1:9 did not answer")
    assert log == "log (log): took it: written to the log"
    assert "s3cr3t-path" not in ended.output
    unknown = alerts("test", "--config", str(file), "--channel", "hok")
    assert unknown.exit_code == ExitCode.CONFIGURATION
    assert "there is no channel 'hok'; there are: chat, pager, away, log" in unknown.stderr
