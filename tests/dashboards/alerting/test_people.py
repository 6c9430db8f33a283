"""What people say by the real commands, and what a router over a real store makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from alerting_desk import Desk
from click.testing import CliRunner
from webhook_receiver import receiving

from watchkeeper.cli.root import watchkeeper
from watchkeeper.cli.store import ReadStore, open_store
from watchkeeper.schemas.findings import Finding

Say = Callable[..., None]
PLACE = "SELECT finding_id, place, status, why FROM alert_findings FINAL WHERE tenant_id = {tenant:String}"
ALERT = "SELECT status, findings, open_findings FROM alerts FINAL WHERE tenant_id = {tenant:String}"


@pytest.fixture(scope="module")
def store(own_database: str) -> Iterator[ReadStore]:
    with open_store(own_database) as opened:
        yield opened


@pytest.fixture
def desk(store: ReadStore, ledger_emptied: Callable[[], None]) -> Iterator[Desk]:
    del ledger_emptied
    with receiving() as receiver:
        made = Desk(store, receiver)
        yield made
        made.close()


@pytest.fixture
def say(own_database: str) -> Say:
    """Runs `watchkeeper finding VERDICT`."""

    def run(verdict: str, one: Finding, *args: str) -> None:
        environment = {"WATCHKEEPER_CLICKHOUSE_DSN": own_database}
        command = ["finding", verdict, one.finding_id, "--reason", "known", "--as", "ada", *args]
        ended = CliRunner().invoke(watchkeeper, command, env=environment)
        assert ended.exit_code == 0, ended.output

    return run


def test_what_is_muted_pages_nobody_until_the_mute_ends(desk: Desk, say: Say) -> None:
    first = desk.found()
    desk.hear(first)
    assert [hook.document["kind"] for hook in desk.passes(10)] == ["page"]
    say("mute", first, "--for", "1h")
    # To mute is to take note as well.
    assert [hook.document["kind"] for hook in desk.passes(10)] == ["acknowledged"]
    alike, other = desk.found(), desk.found(tool="another_tool", agent_id="other")
    desk.hear(alike, other)
    (page,) = desk.passes(10)
    assert page.document["ids"] == [other.finding_id]
    held = {row["finding_id"]: row for row in desk.rows(PLACE) if row["place"] == "held"}
    assert held.keys() == {alike.finding_id}
    assert "by ada: known" in held[alike.finding_id]["why"]
    desk.restarted()
    (summary,) = desk.passes(3600)
    assert (summary.document["kind"], summary.document["ids"]) == ("summary", [alike.finding_id])
    assert "1 finding was held back: muted until" in summary.document["title"]
    after = desk.found(tool="refund_all")
    desk.hear(after)
    assert after.finding_id in [one for hook in desk.passes(20_000) for one in hook.document["ids"]]


def test_what_is_held_back_and_said_to_be_wrong_meanwhile_is_told_to_nobody(desk: Desk, say: Say) -> None:
    first = desk.found()
    desk.hear(first)
    desk.passes(5)
    say("mute", first, "--for", "1h")
    desk.passes(5)
    alike = desk.found()
    desk.hear(alike)
    assert desk.passes(5) == []
    say("wrong", alike)
    assert desk.passes(4000) == []
    (row,) = [row for row in desk.rows(PLACE) if row["finding_id"] == alike.finding_id]
    assert (row["place"], row["status"], row["why"]) == ("held", "wrong", "ada: known")


def test_what_is_said_to_be_wrong_ends_the_alert_and_tells_so(desk: Desk, say: Say) -> None:
    first, second = desk.found(), desk.found()
    desk.hear(first, second)
    desk.passes(10)
    say("wrong", first)
    assert desk.passes(10) == []
    desk.restarted()
    say("wrong", second)
    (over,) = desk.passes(10)
    assert (over.document["kind"], over.document["standing"]) == ("resolved", 0)
    assert {row["status"] for row in desk.rows(PLACE)} == {"wrong"}
    (row,) = desk.rows(ALERT)
    assert (row["status"], row["findings"], row["open_findings"]) == ("resolved", 2, 0)


def test_what_was_said_to_be_wrong_before_the_router_heard_of_it_pages_nobody(desk: Desk, say: Say) -> None:
    wrong, right = desk.found(), desk.found(agent_id="other")
    say("ack", wrong)
    say("wrong", wrong)
    # The router was away while somebody looked.
    desk.hear(wrong, right)
    (page,) = desk.passes(600)
    assert page.document["ids"] == [right.finding_id]
    assert {row["finding_id"]: row["status"] for row in desk.rows(PLACE)} == {
        wrong.finding_id: "wrong",
        right.finding_id: "open",
    }
