"""What is wrong with a record ends where it should, with a clear reason, and the worker handles what follows."""

from __future__ import annotations

import base64
import json
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import orjson
import pytest
from confluent_kafka import Message, Producer

from watchkeeper.cli.stack.child import Child
from watchkeeper.cli.stack.testing import running_broker, running_worker
from watchkeeper.producers import Watchkeeper
from watchkeeper.schemas.contents import MAX_LINE_BYTES, matches
from watchkeeper.schemas.topics import DEAD_LETTER, EVENTS, PARTITIONER, TOPICS
from watchkeeper.schemas.wire import line_digest
from watchkeeper.stream_processors.clickhouse import connect, connect_to, parse_dsn
from watchkeeper.stream_processors.engine.memory import partition_of
from watchkeeper.stream_processors.migrate import migrate

FIVE_MEGABYTES = 5_000_000


@dataclass(frozen=True)
class Place:
    """Where a record stands."""

    partition: int
    offset: int


class Route:
    """Broker, worker and store."""

    def __init__(self, bootstrap: str, dsn: str, worker: Child, passage: ModuleType) -> None:
        self.bootstrap, self.dsn, self.worker = bootstrap, dsn, worker
        self._passage = passage
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "partitioner": PARTITIONER, "message.max.bytes": 16_000_000}
        )

    def send(self, key: bytes | None, value: bytes | None, **message: Any) -> Place:
        """Sends a record and tells where it stands."""
        places: list[Place] = []

        def delivered(error: Any, sent: Message) -> None:
            assert error is None, error
            places.append(Place(sent.partition() or 0, sent.offset() or 0))

        self._producer.produce(EVENTS.name, value, key, on_delivery=delivered, **message)
        assert self._producer.flush(30) == 0
        return places[0]

    def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        client = connect(self.dsn)
        found = list(client.query(query, parameters=parameters).named_results())
        client.close()
        return found

    def wait_for(self, query: str, count: int = 1, **parameters: Any) -> list[dict[str, Any]]:
        """Waits until a query has so many rows."""
        self._passage.wait_until(lambda: len(self.rows(query, **parameters)) >= count, 30, self.worker)
        return self.rows(query, **parameters)

    def letters(self, place: Place, count: int = 1) -> list[dict[str, Any]]:
        return self.wait_for(
            "SELECT * FROM dead_letters FINAL WHERE source_partition = {p:UInt16} AND source_offset = {o:UInt64}"
            " ORDER BY source_line",
            count,
            p=place.partition,
            o=place.offset,
        )

    def letters_on_the_bus(self, place: Place) -> list[tuple[bytes, dict[str, str]]]:
        source = f"{EVENTS.name}/{place.partition}/{place.offset}/"
        letters = self._passage.messages(self.bootstrap, DEAD_LETTER.name)
        return [(value, headers) for value, headers in letters if headers["wk-source"].startswith(source)]

    def is_well(self, telling: ModuleType, partition: int) -> None:
        """The worker handles what follows on the same partition."""
        teller = next(
            teller
            for teller in (telling.Teller(uuid.uuid4().hex) for _ in range(1000))
            if partition_of(teller.key) == partition
        )
        self.send(teller.key, b"\n".join([teller.start(), teller.end()]), headers=telling.CANONICAL)
        query = "SELECT status, findings FROM sessions FINAL WHERE session_id = {s:String}"
        assert self.wait_for(query, s=teller.session) == [{"status": "completed", "findings": 0}]
        assert self.worker.exit_code is None


@pytest.fixture(scope="module")
def route(clickhouse: str, passage: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Route]:
    address = parse_dsn(clickhouse)
    dsn = clickhouse.removesuffix(address.database) + "bad_input"
    migrate(dsn)
    with running_broker(TOPICS) as bootstrap, running_worker(bootstrap, dsn, tmp_path_factory.mktemp("w")) as worker:
        yield Route(bootstrap, dsn, worker, passage)
        assert worker.stop(10) == 0
    connect_to(address).command("DROP DATABASE bad_input")


@pytest.fixture
def teller(telling: ModuleType) -> Any:
    return telling.Teller(uuid.uuid4().hex)


def changed(line: bytes, **values: object) -> bytes:
    return orjson.dumps(orjson.loads(line) | values)


Spoil = Callable[[bytes], bytes]

SPOILT: dict[str, tuple[Spoil, str, str]] = {
    "garbage": (lambda _: random.Random(1).randbytes(300).replace(b"\n", b" "), "not_utf8", "events are JSON in UTF-8"),
    "no json": (lambda _: b"hello, is this thing on?", "not_json", "one JSON object on each line"),
    "html": (lambda _: b"<html>502 Bad Gateway</html>", "not_json", "one JSON object on each line"),
    "an array": (lambda line: b"[" + line + b"]", "not_an_object", "one event, as an object, on each line"),
    "a wrong type": (lambda line: changed(line, seq="0"), "invalid_field", "seq: Input should be a valid integer"),
    "a missing field": (lambda line: changed(line, data={}), "invalid_field", "data.tool_call_id: Field required"),
    "a column of ours": (lambda line: changed(line, cost_usd=0), "invalid_field", "cost_usd: Extra inputs"),
    "an unknown type": (lambda line: changed(line, type="telepathy"), "unknown_type", "'telepathy' is none of ses"),
    "a future version": (
        lambda line: changed(line, schema_version=2),
        "future_schema_version",
        "upgrade the workers, then re-drive",
    ),
    "a time before 1970": (
        lambda line: changed(line, occurred_at="1901-01-01T00:00:00Z"),
        "unusable_time",
        "occurred_at: Input should be a time from 1970 to 2299",
    ),
    "a line of 3 MB": (
        lambda line: changed(line, data={"text": "x" * 3_000_000}),
        "too_large",
        f"the limit is {MAX_LINE_BYTES}: send long texts as `content` events",
    ),
    "a line of 5 MB": (lambda _: b"x" * FIVE_MEGABYTES, "too_large", f"the limit is {MAX_LINE_BYTES}"),
    "NaN": (
        lambda line: line.replace(b'"q":""', b'"q":NaN'),
        "not_json",
        "JSON has no NaN and no infinities, write null",
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_line_that_is_no_event(what: str, route: Route, telling: ModuleType, teller: Any) -> None:
    spoil, reason, detail = SPOILT[what]
    raw = spoil(teller.call())
    place = route.send(teller.key, raw)
    (letter,) = route.letters(place)
    assert letter["reason"] == reason
    assert detail in letter["detail"]
    assert letter["source_topic"] == EVENTS.name
    assert letter["source_line"] == 0
    assert base64.b64decode(letter["raw_base64"]) == raw
    assert base64.b64decode(letter["key_base64"]) == teller.key
    ((value, headers),) = route.letters_on_the_bus(place)
    assert value == raw
    assert headers["wk-reason"] == reason
    assert headers["wk-source"] == f"{EVENTS.name}/{place.partition}/{place.offset}/0"
    assert letter["detail"].startswith(headers["wk-detail"])
    route.is_well(telling, place.partition)


@pytest.mark.parametrize("key", [None, b"", b"default", b"other/session", b"\xff\xfe/x"], ids=repr)
def test_a_wrong_key(key: bytes | None, route: Route, telling: ModuleType, teller: Any) -> None:
    line = teller.call()
    place = route.send(key, line)
    (letter,) = route.letters(place)
    assert letter["reason"] == "wrong_key"
    assert f"the event belongs to default/{teller.session}: key records by tenant_id/session_id" in letter["detail"]
    assert base64.b64decode(letter["raw_base64"]) == line
    route.is_well(telling, place.partition)


@pytest.mark.parametrize("value", [None, b"", b"\n \n\n"], ids=repr)
def test_a_record_with_nothing_in_it(value: bytes | None, route: Route, telling: ModuleType, teller: Any) -> None:
    place = route.send(teller.key, value)
    route.is_well(telling, place.partition)
    assert (
        route.rows(
            "SELECT 1 FROM dead_letters WHERE source_partition = {p:UInt16} AND source_offset = {o:UInt64}",
            p=place.partition,
            o=place.offset,
        )
        == []
    )


@pytest.mark.parametrize("timestamp", [1, 2**62, 10**14])
def test_a_record_with_an_impossible_time(timestamp: int, route: Route, telling: ModuleType, teller: Any) -> None:
    place = route.send(teller.key, teller.start() + b"\n{", timestamp=timestamp)
    route.letters(place)
    (event,) = route.wait_for("SELECT received_at FROM events WHERE session_id = {s:String}", s=teller.session)
    assert 1970 <= event["received_at"].year <= 2299
    route.is_well(telling, place.partition)


def test_good_lines_of_a_record_are_stored_beside_its_bad_ones(route: Route, telling: ModuleType, teller: Any) -> None:
    start, end = teller.start(), teller.end()
    place = route.send(teller.key, b"\n".join([start, b"garbage", end, b"{}"]))
    letters = route.letters(place, 2)
    assert [letter["source_line"] for letter in letters] == [1, 3]
    assert [base64.b64decode(letter["raw_base64"]) for letter in letters] == [b"garbage", b"{}"]
    events = route.wait_for(
        "SELECT source_line, digest FROM events FINAL WHERE session_id = {s:String} ORDER BY seq", 2, s=teller.session
    )
    assert events == [
        {"source_line": 0, "digest": line_digest(start)},
        {"source_line": 2, "digest": line_digest(end)},
    ]


def findings(route: Route, session: str, kind: str) -> list[dict[str, Any]]:
    query = "SELECT * FROM findings FINAL WHERE session_id = {s:String} AND kind = {k:String}"
    return route.wait_for(query, s=session, k=kind)


def test_a_gap_and_what_fills_it(route: Route, telling: ModuleType, teller: Any) -> None:
    start, call, result = teller.start(), teller.call(), teller.result(1)
    route.send(teller.key, start)
    route.send(teller.key, result)
    (gap,) = findings(route, teller.session, "sequence_gap")
    evidence = json.loads(gap["evidence"])
    assert (gap["status"], gap["failure_mode"]) == ("open", "audit_gap")
    assert 1 in evidence.values()
    route.send(teller.key, call)
    query = "SELECT status FROM findings FINAL WHERE finding_id = {f:String} AND status = 'resolved'"
    route.wait_for(query, f=gap["finding_id"])
    query = "SELECT seq, late FROM events FINAL WHERE session_id = {s:String} ORDER BY seq"
    # The rows of a batch go to their tables at once: any of them may be there first.
    events = route.wait_for(query, 3, s=teller.session)
    assert events == [{"seq": 0, "late": False}, {"seq": 1, "late": True}, {"seq": 2, "late": False}]


def test_a_duplicate(route: Route, telling: ModuleType, teller: Any) -> None:
    start, call = teller.start(), teller.call()
    for lines in ([start, call], [call], [start, call, call]):
        place = route.send(teller.key, b"\n".join(lines))
    route.is_well(telling, place.partition)
    events = route.rows("SELECT seq FROM events WHERE session_id = {s:String} ORDER BY seq", s=teller.session)
    assert events == [{"seq": 0}, {"seq": 1}]
    query = "SELECT tool_calls, events FROM sessions FINAL WHERE session_id = {s:String}"
    (session,) = route.wait_for(query, s=teller.session)
    assert session == {"tool_calls": 1, "events": 2}
    assert route.rows("SELECT 1 FROM findings WHERE session_id = {s:String}", s=teller.session) == []


def test_the_same_number_with_other_content(route: Route, telling: ModuleType, teller: Any) -> None:
    start, call = teller.start(), teller.call(1, q="this")
    other = call.replace(b'"q":"this"', b'"q":"that"')
    for lines in ([start, call], [other]):
        route.send(teller.key, b"\n".join(lines))
    (conflict,) = findings(route, teller.session, "conflicting_event")
    digests = {line_digest(call), line_digest(other)}
    assert set(json.loads(conflict["evidence"])["digests"]) == digests
    query = "SELECT digest, data FROM events FINAL WHERE session_id = {s:String} AND seq = 1"
    kept = route.wait_for(query, 2, s=teller.session)
    assert {row["digest"] for row in kept} == digests
    assert {json.loads(row["data"])["arguments"]["q"] for row in kept} == {"this", "that"}
    (session,) = route.wait_for("SELECT tool_calls FROM sessions FINAL WHERE session_id = {s:String}", s=teller.session)
    assert session["tool_calls"] == 1


@pytest.mark.parametrize("spoil", [b'"seq":0,"seq":0', b'"tenant_id":"default","seq":0,"tenant_id":"default"'])
def test_a_line_that_says_a_thing_twice_and_claims_to_be_canonical(
    spoil: bytes, route: Route, telling: ModuleType, teller: Any
) -> None:
    """ClickHouse would refuse the bytes: what was judged is written anew."""
    place = route.send(teller.key, teller.start().replace(b'"seq":0', spoil), headers=telling.CANONICAL)
    assert route.wait_for("SELECT seq FROM events FINAL WHERE session_id = {s:String}", s=teller.session) == [
        {"seq": 0}
    ]
    route.is_well(telling, place.partition)


def test_usage_beyond_all_measure(route: Route, telling: ModuleType, teller: Any) -> None:
    usage = {"input_tokens": 2**53 - 1, "output_tokens": 2**53 - 1}
    answer = {"request_id": "r", "model": "gpt-4.1", "provider": "openai", "usage": usage}
    place = route.send(teller.key, b"\n".join([teller.start(), *[teller.line("response", answer) for _ in range(5)]]))
    route.wait_for("SELECT cost_usd FROM events FINAL WHERE session_id = {s:String}", 6, s=teller.session)
    route.wait_for("SELECT cost_usd FROM sessions FINAL WHERE session_id = {s:String}", s=teller.session)
    route.is_well(telling, place.partition)


def test_a_prompt_of_five_megabytes_is_kept_verbatim(route: Route, telling: ModuleType) -> None:
    draw = random.Random(3)
    words = ["lorem", "ipsum", "äöü", "漢字", "\U0001f600", '"quoted"', "\\", "\n", "\u0000", "</x>"]
    text = " ".join(draw.choices(words, k=FIVE_MEGABYTES // 4))
    assert len(text.encode()) > FIVE_MEGABYTES
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
    watch = Watchkeeper(agent="archivist", bootstrap=route.bootstrap)
    with watch.session(goal="Read the whole file") as session:
        session.prompt(messages, model="gpt-4.1")
        session_id = session.session_id
    assert watch.close(30)
    assert watch.losses() == {}
    (row,) = route.wait_for(
        "SELECT data FROM events FINAL WHERE session_id = {s:String} AND type = 'prompt'", s=session_id
    )
    route.wait_for("SELECT 1 FROM sessions FINAL WHERE session_id = {s:String} AND status = 'completed'", s=session_id)
    (salt,) = route.rows(
        "SELECT DISTINCT writer_salt FROM events FINAL WHERE session_id = {s:String} AND writer_salt != ''",
        s=session_id,
    )
    kept: list[Any] = []
    for message in json.loads(row["data"])["messages"]:
        whole = message["content"].get("text")
        if whole is None:
            parts = route.rows(
                "SELECT part, parts, text FROM contents FINAL WHERE address = {a:String} ORDER BY part",
                a=message["content"]["address"],
            )
            assert [part["part"] for part in parts] == list(range(parts[0]["parts"]))
            whole = "".join(part["text"] for part in parts)
        assert matches(message["content"]["address"], whole, salt["writer_salt"])
        kept.append(json.loads(whole))
    assert kept == messages
    assert route.rows("SELECT 1 FROM findings FINAL WHERE session_id = {s:String}", s=session_id) == []
    assert route.worker.exit_code is None
