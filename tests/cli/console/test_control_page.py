"""Stop, pause and resume by the console: confirmed, recorded, sent over the real broker, and followed."""

from __future__ import annotations

import re
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from clickhouse_connect.driver import Client
from confluent_kafka import Consumer
from console_browse import Browse, served_console

from watchkeeper.schemas.topics import CONTROL

WISH = {"kind": "agent", "action": "terminate", "reason": "wrong <customer>", "who": "ada", "length": "1h"}


def sent(broker: str, command: str) -> dict[str, Any]:
    """What agents hear of a command."""
    settings = {"bootstrap.servers": broker, "group.id": f"t-{uuid.uuid4().hex}", "auto.offset.reset": "earliest"}
    consumer = Consumer(settings)
    consumer.subscribe([CONTROL.name])
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            message = consumer.poll(1.0)
            if message is not None and message.error() is None and command.encode() in (message.value() or b""):
                found: dict[str, Any] = orjson.loads(message.value() or b"")
                return found
    finally:
        consumer.close()
    raise AssertionError(f"{command} was never sent")


def test_nothing_is_sent_before_it_is_confirmed_and_then_it_is_followed(
    browse: Browse, broker: str, shelf: Any, client: Client
) -> None:
    wish = {**WISH, "target": shelf.agent, "tenant": shelf.tenant}
    shelf.state(status="open", last_event_at=shelf.at(5))
    asked = browse.post("/control/confirm", **wish)
    assert asked.status == 200
    assert "1 open session" in asked.text
    assert "wrong &lt;customer&gt;" in asked.text
    count = "SELECT count() FROM control_commands WHERE target_id = {id:String}"
    assert client.query(count, parameters={"id": shelf.agent}).result_rows == [(0,)]
    # What the confirmation's form holds is sent back as it is.
    fields = dict(
        re.findall(
            r'<input type="hidden" name="(\w+)" value="([^"]*)"', asked.text.replace("&lt;customer&gt;", "<customer>")
        )
    )
    given = browse.post("/control/give", **fields)
    assert given.status == 303
    command = given.headers["location"].rpartition("/")[2]
    heard = sent(broker, command)
    assert (heard["action"], heard["target"]["id"], heard["issued_by"]) == ("terminate", shelf.agent, "ada")
    assert heard["reason"] == "wrong <customer>"
    page = browse.get(given.headers["location"])
    assert "still open" in page.text
    assert 'content="5"' in page.text
    shelf.state(status="stopped", version=2, last_event_at=shelf.begin + timedelta(hours=1))
    page = browse.get(given.headers["location"])
    assert 'class="badge obeyed">stopped' in page.text
    assert 'http-equiv="refresh"' not in page.text
    assert f'href="/commands/{command}"' in browse.get("/control").text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reason": ""}, "the reason is missing"),
        ({"who": ""}, "your name is missing"),
        ({"target": ""}, "whom it is for is missing"),
        ({"tenant": ""}, "the tenant is missing"),
        ({"action": "kill"}, "give one of terminate, pause, resume"),
        ({"kind": "planet"}, "give one of session, agent, tenant"),
        ({"length": "9d"}, "give one of 30m, 1h, 8h, 24h"),
        ({"target": "x" * 300}, "256"),
    ],
)
def test_a_wish_that_cannot_be_granted_says_why(browse: Browse, shelf: Any, change: dict[str, str], said: str) -> None:
    wish = {**WISH, "target": shelf.agent, "tenant": shelf.tenant, **change}
    answer = browse.post("/control/give", **wish)
    assert answer.status == 400
    assert said in answer.text


def test_what_was_lifted_is_not_said_to_be_in_force(browse: Browse, shelf: Any) -> None:
    now = datetime.now(UTC)

    def given(action: str, ago: float, kind: str = "agent", **more: Any) -> str:
        at = now - timedelta(seconds=ago)
        target = {"kind": kind, "id": shelf.agent}
        made = shelf.command(action=action, target=target, issued_at=at, expires_at=at + timedelta(hours=1), **more)
        command: str = made.command_id
        return command

    paused, other = given("pause", 60), given("pause", 55, kind="session")
    circuit, another = given("circuit_open", 50, tool_name="pay"), given("circuit_open", 45, tool_name="mail")
    given("resume", 40, tool_name="pay", issued_by="Ben")
    listed = browse.get("/control").text

    def state(command: str) -> list[str]:
        return re.findall(
            r'class="badge [a-z]+">([^<]+)<', listed.partition(f"/commands/{command}")[2].partition("<br>")[0]
        )

    assert [state(one) for one in (paused, other, circuit, another)] == [
        ["in force"], ["in force"], ["lifted"], ["in force"],
    ]  # fmt: skip
    assert f"circuit open mail for agent {shelf.agent}</a>" in listed
    assert "lifted by Ben at" in browse.get(f"/commands/{circuit}").text
    assert "Lift it" not in browse.get(f"/commands/{circuit}").text
    given("resume", 30, issued_by="Ines")
    later = given("pause", 20)
    listed = browse.get("/control").text
    assert [state(one) for one in (paused, other, circuit, another, later)] == [
        ["lifted"], ["in force"], ["lifted"], ["lifted"], ["in force"],
    ]  # fmt: skip
    overview = browse.get("/").text
    assert f"/commands/{paused}" not in overview.partition("in force:</strong>")[2].partition("</p>")[0]
    assert "lifted by Ines at" in browse.get(f"/commands/{paused}").text
    assert "Lift it" in browse.get(f"/commands/{later}").text


def test_a_session_of_another_tenant_is_refused(browse: Browse, shelf: Any) -> None:
    shelf.state(status="open")
    wish = {**WISH, "kind": "session", "target": shelf.session, "tenant": "another"}
    answer = browse.post("/control/give", **wish)
    assert answer.status == 404
    assert "Nothing was sent" in answer.text


def test_a_broker_that_is_away_is_told_and_the_record_stands(
    clickhouse: str, shelf: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchkeeper.cli.sending.SECONDS", 1)
    with served_console(clickhouse, "127.0.0.1:1") as browse:
        answer = browse.post("/control/give", **{**WISH, "target": shelf.agent, "tenant": shelf.tenant})
    assert answer.status == 503
    assert "is recorded and was NOT sent" in answer.text
    count = "SELECT count() FROM control_commands WHERE target_id = {id:String}"
    assert client.query(count, parameters={"id": shelf.agent}).result_rows == [(1,)]


def test_a_command_that_is_not_there_is_told(browse: Browse) -> None:
    assert browse.get("/commands/nothing").status == 404
