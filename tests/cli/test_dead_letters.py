"""`watchkeeper dead-letters`: what is listed, shown, and sent again over a real broker."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import Result
from clickhouse_connect.driver import Client
from confluent_kafka import Consumer, TopicPartition

from watchkeeper.cli.letters import Place, hexdump
from watchkeeper.cli.stack.broker import ensure_topics
from watchkeeper.schemas.topics import Topic
from watchkeeper.stream_processors.clickhouse import connect
from watchkeeper.stream_processors.migrate import migrate

Run = Callable[..., Result]
Read = Callable[[str, int], list[tuple[bytes | None, bytes | None, Any]]]


@dataclass(slots=True)
class Letters:
    """A topic of its own, and the shelf that puts dead letters of it into the store."""

    shelf: Any
    topic: str


@pytest.fixture(scope="module")
def clickhouse(clickhouse: str) -> Iterator[str]:
    """A database of this module's own: what is listed and sent again by reason is all that is there."""
    name = f"letters_{os.getpid()}"
    fresh = f"{clickhouse.rpartition('/')[0]}/{name}"
    migrate(fresh)
    yield fresh
    connect(clickhouse).command(f"DROP DATABASE {name}")


@pytest.fixture
def letters(shelf: Any, broker: str) -> Letters:
    topic = f"letters.{shelf.tenant}"
    ensure_topics(broker, [Topic(topic, "key", partitions=3)])
    return Letters(shelf, topic)


@pytest.fixture
def read(broker: str) -> Read:
    """Reads records of a topic, with key, value and headers, until there are as many as are waited for."""

    def all_of(topic: str, number: int) -> list[tuple[bytes | None, bytes | None, Any]]:
        consumer = Consumer({"bootstrap.servers": broker, "group.id": "unused", "enable.auto.commit": False})
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(3)])
        found: list[tuple[bytes | None, bytes | None, Any]] = []
        deadline = time.monotonic() + 10
        while len(found) < number and time.monotonic() < deadline:
            message = consumer.poll(0.5)
            if message is not None and message.error() is None:
                found.append((message.key(), message.value(), message.headers()))
        consumer.close()
        assert len(found) == number
        return found

    return all_of


def status_of(client: Client, place: str) -> list[tuple[str, int]]:
    topic, partition, offset, line = place.rsplit("/", 3)
    found = client.query(
        "SELECT status, revision FROM dead_letters FINAL WHERE source_topic = {topic:String}"
        " AND source_partition = {partition:UInt16} AND source_offset = {offset:UInt64} AND source_line = {line:Int32}",
        parameters={"topic": topic, "partition": int(partition), "offset": int(offset), "line": int(line)},
    )
    return [(status, revision) for status, revision in found.result_rows]


def test_reasons_are_counted_and_the_newest_listed(run: Run, shelf: Any) -> None:
    place = shelf.letter(b"\xff\xfe", reason="not_utf8", detail="byte 0 is not UTF-8")
    shelf.letter(b"\xff", reason="not_utf8", source_offset=2, status="redriven", revision=1)
    ended = run("dead-letters", "list", "--reason", "not_utf8")
    assert ended.exit_code == 0
    lines = [line.split() for line in ended.stdout.splitlines()]
    assert lines[1][:3] == ["not_utf8", "1", "1"]
    assert place in ended.stdout
    assert "byte 0 is not UTF-8" in ended.stdout
    document = orjson.loads(run("dead-letters", "list", "--reason", "not_utf8", "--status", "open", "--json").stdout)
    assert [letter["place"] for letter in document["letters"]] == [place]
    assert document["counts"][0]["open"] == 1
    assert run("dead-letters", "list", "--reason", "unusable_time").stdout == "no dead letters\n"


def test_one_is_shown_without_what_it_holds_unless_that_is_asked_for(run: Run, shelf: Any) -> None:
    place = shelf.letter(b'{"secret": "of a person", "n": [1]}', key=b"acme/s\x1b1")
    shown = run("dead-letters", "show", place)
    assert shown.exit_code == 0
    assert "reason    not_json" in shown.stdout
    assert "key       acme/s\\x1b1" in shown.stdout
    assert "size      35 B" in shown.stdout
    assert "person" not in shown.stdout
    assert '  "secret": "of a person",' in run("dead-letters", "show", place, "--raw").stdout
    document = orjson.loads(run("dead-letters", "show", place, "--json").stdout)
    assert "raw_base64" not in document
    document = orjson.loads(run("dead-letters", "show", place, "--json", "--raw").stdout)
    assert base64.b64decode(document["raw_base64"]) == b'{"secret": "of a person", "n": [1]}'


def test_bytes_that_are_no_json_are_shown_in_hexadecimal_and_saved_whole(run: Run, shelf: Any, tmp_path: Path) -> None:
    raw = bytes(range(256)) * 20
    place = shelf.letter(raw)
    shown = run("dead-letters", "show", place, "--raw", "--save", str(tmp_path / "line"))
    assert "00000040  40 41 42 43 44 45 46 47  48 49 4a 4b 4c 4d 4e 4f  |@ABCDEFGHIJKLMNO|" in shown.stdout
    assert "… 1,024 more bytes (--save FILE writes all)" in shown.stdout
    assert (tmp_path / "line").read_bytes() == raw


def test_a_place_without_a_letter_is_3_and_no_place_is_2(run: Run, shelf: Any) -> None:
    assert run("dead-letters", "show", f"letters.{shelf.tenant}/0/999/0").exit_code == 3
    for wrong in ("nonsense", "a/b/c/d", "t/0/1/-2", "/0/1/0"):
        ended = run("dead-letters", "show", "--", wrong)
        assert ended.exit_code == 2
        assert "topic/partition/offset/line" in ended.stderr


def test_one_is_sent_again_byte_for_byte_once(
    run: Run, letters: Letters, read: Read, client: Client, broker: str
) -> None:
    raw = b'\x00{"half": \xff'
    place = letters.shelf.letter(raw, key=b"acme/s1")
    ended = run("dead-letters", "redrive", place, kafka=broker)
    assert ended.exit_code == 0, ended.output
    assert ended.stdout == "sent again: 1 dead letter\n"
    assert read(letters.topic, 1) == [(b"acme/s1", raw, None)]
    assert status_of(client, place) == [("redriven", 1)]
    again = run("dead-letters", "redrive", place, kafka=broker)
    assert again.exit_code == 1
    assert "was sent again before; --force sends it once more" in again.stderr
    assert run("dead-letters", "redrive", place, "--force", "--json", kafka=broker).exit_code == 0
    assert len(read(letters.topic, 2)) == 2
    assert status_of(client, place) == [("redriven", 2)]


def test_one_is_sent_mended_and_under_another_key(
    run: Run, letters: Letters, read: Read, broker: str, tmp_path: Path
) -> None:
    place = letters.shelf.letter(b"broken", key=b"")
    mended = tmp_path / "line.json"
    mended.write_bytes(b'{"mended": true}')
    ended = run("dead-letters", "redrive", place, "--file", str(mended), "--key", "acme/s9", kafka=broker)
    assert ended.exit_code == 0, ended.output
    assert read(letters.topic, 1) == [(b"acme/s9", b'{"mended": true}', None)]


def test_all_with_a_reason_are_sent_in_their_order_after_a_question(
    run: Run, letters: Letters, read: Read, client: Client, broker: str
) -> None:
    places = [
        letters.shelf.letter(b"%d" % offset, source_offset=offset, reason="future_schema_version", key=b"acme/one")
        for offset in range(120)
    ]
    asked = ("dead-letters", "redrive", "--reason", "future_schema_version")
    for answer in ("n\n", ""):
        refused = run(*asked, kafka=broker, input=answer)
        assert refused.exit_code == 1
        assert "nothing was sent; --yes sends without asking" in refused.stderr
    assert status_of(client, places[0]) == [("open", 0)]
    ended = run(*asked, kafka=broker, input="y\n")
    assert ended.exit_code == 0, ended.output
    assert "Send 120 dead letters again?" in ended.stderr
    assert [value for _, value, _ in read(letters.topic, 120)] == [b"%d" % offset for offset in range(120)]
    assert {status for place in (places[0], places[-1]) for status in status_of(client, place)} == {("redriven", 1)}
    nothing = run(*asked, "--yes", kafka=broker)
    assert nothing.stdout == "no open dead letters with reason future_schema_version\n"


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["t/0/1/0", "--reason", "not_json"],
        ["--reason", "not_json", "--key", "a/b"],
        ["t/0/1/0", "t/0/2/0", "--key", "a/b"],
        ["--reason", "nonsense"],
    ],
)
def test_a_choice_that_cannot_be_meant_is_2(run: Run, given: list[str]) -> None:
    assert run("dead-letters", "redrive", *given).exit_code == 2


def test_a_broker_that_is_away_is_69_and_nothing_is_marked(
    run: Run, shelf: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchkeeper.cli.sending.SECONDS", 1)
    place = shelf.letter(b"x")
    assert run("dead-letters", "redrive", place, kafka="127.0.0.1:1").exit_code == 69
    assert status_of(client, place) == [("open", 0)]


def test_places_and_hexdumps() -> None:
    place = Place.parse("agent.events/3/1042/-1")
    assert place == Place("agent.events", 3, 1042, -1)
    assert str(place) == "agent.events/3/1042/-1"
    assert hexdump(b"abc", 100) == ["00000000  61 62 63                                          |abc|"]
    assert len(hexdump(b"x" * 64, 32)) == 2
