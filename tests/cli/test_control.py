"""`watchkeeper stop`, `pause` and `resume`: recorded in a real store, sent over a real broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from click.testing import Result
from clickhouse_connect.driver import Client
from confluent_kafka import Consumer, TopicPartition

from watchkeeper.schemas.control import CONTROL_ADAPTER, Control
from watchkeeper.schemas.topics import CONTROL

Run = Callable[..., Result]


@pytest.fixture
def heard(broker: str) -> Iterator[Callable[[str], tuple[bytes, Control]]]:
    """Waits for the command with this id, as the SDK reads the topic."""
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "unused", "enable.auto.commit": False})
    consumer.assign([TopicPartition(CONTROL.name, 0, 0)])

    def wait(command_id: str) -> tuple[bytes, Control]:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            message = consumer.poll(0.5)
            if message is None or message.error() is not None or command_id.encode() not in (message.value() or b""):
                # The topic is shared with tests that put no commands on it.
                continue
            command = CONTROL_ADAPTER.validate_json(message.value() or b"")
            assert command.command_id == command_id
            return message.key() or b"", command
        raise AssertionError(f"{command_id} did not arrive")

    yield wait
    consumer.close()


def stored(client: Client, command_id: str) -> dict[str, Any]:
    found = client.query(
        "SELECT * FROM control_commands FINAL WHERE command_id = {id:String}", parameters={"id": command_id}
    )
    (row,) = found.named_results()
    return dict(row)


@pytest.mark.parametrize(
    ("name", "action", "aim"),
    [("stop", "terminate", "--agent"), ("pause", "pause", "--session"), ("resume", "resume", "--tenant")],
)
def test_a_command_is_recorded_and_sent(
    run: Run, shelf: Any, client: Client, broker: str, heard: Any, name: str, action: str, aim: str
) -> None:
    shelf.state(status="open")
    whom = {"--agent": shelf.agent, "--session": shelf.session, "--tenant": shelf.tenant}[aim]
    whose = [] if aim == "--tenant" else ["--tenant-id", shelf.tenant]
    ended = run(
        name,
        aim,
        whom,
        *whose,
        "--reason",
        "incident é 4711",
        "--for",
        "30m",
        "--as",
        "m.okafor",
        "--json",
        kafka=broker,
    )
    assert ended.exit_code == 0, ended.output
    told = orjson.loads(ended.stdout)
    assert told.pop("open_sessions") == 1
    key, command = heard(told["command_id"])
    assert command.model_dump(mode="json") == told
    assert key == f"{shelf.tenant}/{aim[2:]}:{whom}".encode()
    assert (command.action, command.issued_by, command.reason) == (action, "m.okafor", "incident é 4711")
    assert command.expires_at - command.issued_at == timedelta(minutes=30)
    row = stored(client, told["command_id"])
    assert (row["tenant_id"], row["target_kind"], row["target_id"]) == (shelf.tenant, aim[2:], whom)
    assert (row["action"], row["issued_by"], row["issued_at"]) == (action, "m.okafor", command.issued_at)


def test_a_session_is_reached_with_those_it_delegated_to(run: Run, shelf: Any, broker: str) -> None:
    parent = shelf.session
    shelf.state(status="open")
    shelf.session = f"{parent}-child"
    shelf.state(status="open", root_session_id=parent, parent_session_id=parent)
    shelf.session = f"{parent}-other"
    shelf.state(status="open")
    ended = run("stop", "--session", parent, "--tenant-id", shelf.tenant, "--reason", "r", kafka=broker)
    assert "open sessions that it reaches now: 2" in ended.stdout
    assert ended.stdout.startswith(f"stop sent to session {parent} of tenant {shelf.tenant}, by ")


def test_no_session_in_reach_is_said_and_no_error(run: Run, shelf: Any, broker: str) -> None:
    shelf.state(status="completed")
    ended = run("stop", "--agent", shelf.agent, "--tenant-id", shelf.tenant, "--reason", "r", kafka=broker)
    assert ended.exit_code == 0
    assert "open sessions that it reaches now: 0" in ended.stdout
    assert "sessions that begin while it is in force obey it" in ended.stderr


def test_a_session_of_another_tenant_is_refused_before_anything_is_sent(run: Run, shelf: Any, client: Client) -> None:
    shelf.state(status="open")
    ended = run("stop", "--session", shelf.session, "--reason", "r")
    assert ended.exit_code == 3
    assert f"give --tenant-id {shelf.tenant}" in ended.stderr
    count = "SELECT count() FROM control_commands WHERE target_id = {id:String}"
    assert client.query(count, parameters={"id": shelf.session}).result_rows == [(0,)]


def test_a_broker_that_is_away_is_69_and_the_record_stands(
    run: Run, shelf: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchkeeper.cli.sending.SECONDS", 1)
    ended = run("stop", "--agent", shelf.agent, "--reason", "r", kafka="127.0.0.1:1")
    assert ended.exit_code == 69
    said, why = ended.stderr.splitlines()
    assert "is recorded and was NOT sent: no agent hears of it" in said
    assert "Kafka at 127.0.0.1:1 did not take 1 of 1 records" in why
    command_id = said.split()[2]
    assert stored(client, command_id)["target_id"] == shelf.agent


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--reason", "r"], "give one of --session, --agent and --tenant"),
        (["--agent", "a", "--session", "s", "--reason", "r"], "give one of --session, --agent and --tenant"),
        (["--agent", "a"], "Missing option '--reason'"),
        (["--agent", "a", "--reason", "r", "--for", "2d"], "at most 1d"),
        (["--agent", "a", "--reason", "r", "--for", "soon"], "'soon' is no length of time"),
        (["--tenant", "a", "--tenant-id", "b", "--reason", "r"], "contradict each other"),
        (["--agent", "a" * 300, "--reason", "r"], "has 300 characters, a name has at most 256"),
        (["--agent", "a", "--reason", "r" * 2001], "reason: String should have at most 2000 characters"),
    ],
)
def test_a_command_line_that_cannot_be_meant_is_2(run: Run, given: list[str], said: str) -> None:
    ended = run("stop", *given)
    assert ended.exit_code == 2
    assert said in " ".join(ended.stderr.split())
