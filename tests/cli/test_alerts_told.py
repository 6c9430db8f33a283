"""Channels that give up, and findings that no router heard: in messages, in `status` and in the doctor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from alerting_desk import Desk, make_finding
from click.testing import Result
from webhook_receiver import receiving

from watchkeeper.cli.alerts.telling import telling_of
from watchkeeper.cli.stack.doctor_alerts import alerts_told
from watchkeeper.cli.stack.testing import separate_database
from watchkeeper.cli.store import open_store
from watchkeeper.dashboards.alerting.book import Known
from watchkeeper.dashboards.alerting.ledger import Ledger
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.model import format_utc

Run = Callable[..., Result]


def test_a_channel_that_gives_up_is_told_elsewhere_with_what_to_do_and_by_status_and_doctor(
    clickhouse: str, run: Run, tmp_path: Path
) -> None:
    with (
        separate_database(clickhouse) as dsn,
        open_store(dsn) as store,
        receiving() as receiver,
        receiving() as gone,
    ):
        gone.answer = lambda _: (410, {}, b"no such hook")
        channels = {
            "chat": {"kind": "webhook", "url": gone.url, "attempts": 2},
            "other": {"kind": "webhook", "url": receiver.url},
        }
        desk = Desk(store, receiver, channels=channels, fallback=["other"], runbooks="https://wiki.example.com/")
        desk.hear(desk.found(severity="critical"))
        told = [hook.document for hook in desk.passes(60)]
        desk.close()
        (notice,) = [document for document in told if document["kind"] == "undelivered"]
        assert notice["why"].startswith("channel chat did not take the page in 2 attempts (HTTP 410: no such hook)")
        assert notice["why"].endswith("https://wiki.example.com/docs/runbooks/undelivered-alerts.md")
        assert notice["commands"]["which channels take messages"] == "watchkeeper alerts test"
        at_store = ("--clickhouse", dsn, "--home", str(tmp_path))
        assert "2 (1 given up)" in run("alerts", "list", *at_store).stdout
        ended = run("status", "--json", *at_store)
        status = orjson.loads(ended.stdout)
        (trouble,) = [one for one in status["troubles"] if one["part"] == "alerts"]
        assert (trouble["verdict"], trouble["page"]) == ("warn", "docs/runbooks/undelivered-alerts.md")
        assert trouble["what"].startswith("channel chat did not take 1 message in a day, the last at ")
        assert trouble["what"].endswith("(HTTP 410: no such hook); none arrived since")
        assert {one["channel"]: one["given_up"] for one in status["alerts"]["channels"]} == {"chat": 1, "other": 0}
        assert "channel chat did not take 1 message" in run("status", *at_store).stdout
        check = alerts_told(dsn)
        assert (check.verdict, check.remedy) == ("warn", "see docs/runbooks/undelivered-alerts.md")


def test_findings_that_no_router_heard_are_told(clickhouse: str) -> None:
    with separate_database(clickhouse) as dsn, open_store(dsn) as store:

        def keep(ago: timedelta) -> Finding:
            one = make_finding()
            row = one.model_dump(mode="json") | {"stored_at": format_utc(datetime.now(UTC) - ago)}
            store.insert("findings", [orjson.dumps(row)])
            return one

        missed = [keep(timedelta(minutes=5)) for _ in range(2)]
        keep(timedelta(seconds=1))
        # Where no router ever ran, nobody expects one.
        assert telling_of(store).unheard == 0
        ledger = Ledger(store)
        heard = keep(timedelta(minutes=5))
        ledger.put_findings([(heard, Known("", "unrouted", 0, 0, "open"))], 1)
        assert telling_of(store).unheard == 2
        assert "2 findings of the last 15 minutes reached no alert router" in alerts_told(dsn).found
        ledger.put_findings([(one, Known("", "unrouted", 0, 0, "open")) for one in missed], 1)
        assert telling_of(store).unheard == 0
        assert alerts_told(dsn).verdict == "ok"
