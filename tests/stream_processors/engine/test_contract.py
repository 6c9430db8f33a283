"""What the engine may expect of a store and of a bus: the same of those in memory and of the real ones."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import orjson
import pytest
from clickhouse_connect.driver import Client
from confluent_kafka import Consumer, Producer, TopicPartition

from watchkeeper.schemas.contents import address_of
from watchkeeper.schemas.errors import StoreUnavailableError
from watchkeeper.schemas.model import format_utc, from_us, to_us
from watchkeeper.schemas.topics import DEAD_LETTER, FINDINGS, MAX_RECORD_BYTES, PARTITIONS
from watchkeeper.stream_processors.bus import KafkaBus
from watchkeeper.stream_processors.clickhouse import connect
from watchkeeper.stream_processors.clock import SystemClock
from watchkeeper.stream_processors.engine.memory import MemoryBus, MemoryClock, partition_of
from watchkeeper.stream_processors.engine.memory_store import TABLES, MemoryStore
from watchkeeper.stream_processors.engine.ports import (
    Bus,
    ContentKey,
    EventKey,
    Message,
    RowsRefusedError,
    ScoreKey,
    Store,
    StoredDigest,
    StoredPart,
)
from watchkeeper.stream_processors.store import ClickHouseStore

NOW = "2026-03-02T09:15:00.000000Z"


@pytest.fixture(params=["memory", "clickhouse"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryStore(MemoryClock())
        return
    found = ClickHouseStore(request.getfixturevalue("database"))
    yield found
    found.close()


@pytest.fixture
def tenant() -> str:
    """Tests of one store keep apart by tenants of their own."""
    return uuid.uuid4().hex


def run(*steps: Awaitable[Any]) -> Any:
    async def one_after_the_other() -> Any:
        found = None
        for step in steps:
            found = await step
        return found

    return asyncio.run(one_after_the_other())


def event(tenant: str, seq: int = 0, digest: str = "d", **values: Any) -> bytes:
    row = {"tenant_id": tenant, "session_id": "s", "writer_id": "w", "seq": seq, "digest": digest, "type": "tool_call"}
    row |= {"event_id": "e", "occurred_at": NOW, "received_at": NOW, "agent_id": "a", "data": {}}
    row |= {"source_partition": 0, "source_offset": 0, "source_line": 0}
    return orjson.dumps(row | values)


def session(tenant: str, name: str = "s", partition: int = 103, **values: Any) -> bytes:
    row: dict[str, Any] = dict.fromkeys(TABLES["sessions"].columns, "")
    numbers = ("events", "tool_calls", "tokens", "input_tokens", "output_tokens", "cost_usd")
    row |= dict.fromkeys((*numbers, "unpriced_requests", "findings", "version"), 0)
    row |= {"source_partition": partition, "tenant_id": tenant, "session_id": name, "status": "open"}
    row |= {"started_at": NOW, "opened_at": NOW, "last_event_at": NOW, "state": "{}", "retention_class": "standard"}
    return orjson.dumps(row | values)


def content(tenant: str, address: str, part: int = 0, parts: int = 1, text: str = "text") -> bytes:
    row = {"tenant_id": tenant, "address": address, "part": part, "parts": parts, "size": 1, "text": text}
    return orjson.dumps(row | {"media_type": "text/plain", "retention_class": "standard"})


def test_digests_come_with_their_places(store: Store, tenant: str) -> None:
    place = {"source_partition": 3, "source_offset": 2**40, "source_line": 7}
    rows = [event(tenant, 1, "a", **place), event(tenant, 1, "b"), event(tenant, 2, "c"), event("other", 1, "x")]
    keys = [EventKey(tenant, "s", "w", seq) for seq in (1, 2, 3)]
    found = run(store.insert("events", rows), store.digests(keys))
    assert {key: sorted(digests) for key, digests in found.items()} == {
        keys[0]: [StoredDigest("a", 3, 2**40, 7), StoredDigest("b", 0, 0, 0)],
        keys[1]: [StoredDigest("c", 0, 0, 0)],
    }


def test_a_row_that_is_written_again_is_one_row(store: Store, tenant: str) -> None:
    row = event(tenant, 1, "a", source_offset=5)
    key = EventKey(tenant, "s", "w", 1)
    assert run(store.insert("events", [row]), store.insert("events", [row, row]), store.digests([key])) == {
        key: [StoredDigest("a", 0, 5, 0)]
    }


def test_many_keys_and_odd_ones(store: Store, tenant: str) -> None:
    odd = ["", " ", "'", '"', "\\", "\t", "\\N", "a,b", "(1)", "[x]", "{}", "é", "\U0001f600", "x" * 256, "--", "%s"]
    keys = [EventKey(tenant, name, writer, 2**53 - 1) for name in odd for writer in (*odd, *map(str, range(12)))]
    rows = [
        event(tenant, key.seq, str(number), session_id=key.session_id, writer_id=key.writer_id)
        for number, key in enumerate(keys)
    ]
    found = run(store.insert("events", rows), store.digests(keys))
    assert {key: one.digest for key, (one,) in found.items()} == {key: str(n) for n, key in enumerate(keys)}


def score(tenant: str, name: str, result_type: str = "label", graded_at: str = NOW, **values: Any) -> bytes:
    row = {"tenant_id": tenant, "source": "live", "agent_id": "a", "score_id": name, "result_type": result_type}
    row |= {"subject": f"score:{tenant}/live/a", "session_id": "s", "grader": "g@1", "occurred_at": NOW}
    return orjson.dumps(row | {"graded_at": graded_at} | values)


def test_scores_that_are_stored(store: Store, tenant: str) -> None:
    keys = {name: ScoreKey(tenant, "live", "a", name, failed=False) for name in ("one", "two", "three", "'")}
    failed = keys["two"]._replace(failed=True)
    rows = [score(tenant, "one"), score(tenant, "two", "failure"), score(tenant, "'"), score("other", "three")]
    asked = [*keys.values(), failed, keys["one"]._replace(source="suite")]
    assert run(store.insert("scores", rows), store.known_scores(asked)) == {keys["one"], failed, keys["'"]}
    assert run(store.known_scores([])) == set()


def test_of_a_score_the_one_that_was_graded_last_stays_whoever_writes_last(store: Store, tenant: str) -> None:
    good = score(tenant, "one", graded_at="2026-03-02T09:16:00.000000Z")
    key = ScoreKey(tenant, "live", "a", "one", failed=False)
    run(store.insert("scores", [good]), store.insert("scores", [score(tenant, "one", "failure")]))
    assert key in run(store.known_scores([key]))


def test_asking_for_nothing(store: Store) -> None:
    assert run(store.digests([])) == {}
    assert run(store.states("sessions", [])) == []
    assert run(store.contents([], 5)) == []
    assert run(store.open_states("sessions", [], 5)) == []


def test_of_a_state_the_highest_version_stays_whoever_writes_last(store: Store, tenant: str) -> None:
    first, last = session(tenant, version=5, state="five"), session(tenant, version=4, state="four")
    asked = store.states("sessions", [(103, tenant, "s")])
    (found,) = run(store.insert("sessions", [first]), store.insert("sessions", [last]), asked)
    assert (found.partition, found.key, found.state) == (103, (tenant, "s"), "five")


def test_states_of_a_partition(store: Store, tenant: str) -> None:
    rows = [
        session(tenant, "ended", status="completed"),
        session(tenant, "open"),
        session(tenant, "far", partition=104),
    ]
    keys = [(103, tenant, name) for name in ("ended", "open", "far", "unknown")]
    found = run(store.insert("sessions", rows), store.states("sessions", keys))
    assert sorted(one.key[1] for one in found) == ["ended", "open"]


def test_open_states_are_those_heard_of_last(store: Store, tenant: str) -> None:
    partition = 700 + random.randrange(60_000)
    rows = [
        session(tenant, f"s-{minute}", partition=partition, last_event_at=f"2026-03-02T09:{minute}:00.000000Z")
        for minute in (15, 17, 16)
    ]
    rows.append(session(tenant, "ended", partition=partition, status="completed"))
    # It was open, and is no more.
    rows.append(session(tenant, "s-18", partition=partition, version=1))
    rows.append(session(tenant, "s-18", partition=partition, version=2, status="silent"))
    run(store.insert("sessions", rows))
    found = run(store.open_states("sessions", [partition, 1], 2))
    assert [one.key[1] for one in found if one.partition == partition] == ["s-17", "s-16"]
    found = run(store.open_states("sessions", [partition], 10))
    assert [one.key[1] for one in found] == ["s-17", "s-16", "s-15"]


def test_states_of_subjects(store: Store, tenant: str) -> None:
    partition = 700 + random.randrange(60_000)
    subject = f"agent:{tenant}/live/a'b"
    row = {"source_partition": partition, "subject": subject, "tenant_id": tenant, "origin": "live"}
    rows = [orjson.dumps(row | {"version": version, "state": str(version)}) for version in (1, 3, 2)]
    (found,) = run(store.insert("subjects", rows), store.open_states("subjects", [partition], 10))
    assert (found.partition, found.key, found.state) == (partition, (subject,), "3")
    assert run(store.states("subjects", [(partition, subject), (partition, "x")])) == [found]


def test_contents_by_tenant_and_address(store: Store, tenant: str) -> None:
    one, two, long = (address_of(uuid.uuid4().hex) for _ in range(3))
    rows = [content(tenant, one, text="a\n\u0000ä"), content("other", one, text="forged"), content("other", two)]
    rows += [content(tenant, long, part, 3, str(part)) for part in (2, 0)]
    run(store.insert("contents", rows))
    keys = [ContentKey(tenant, address) for address in (one, two, long)]
    found = run(store.contents(keys, 3))
    assert sorted(found, key=lambda part: part.text) == [
        StoredPart(long, 0, 3, "0"),
        StoredPart(long, 2, 3, "2"),
        StoredPart(one, 0, 1, "a\n\u0000ä"),
    ]
    assert [part.address for part in run(store.contents(keys, 2))] == [one]


@pytest.mark.parametrize(
    "bad",
    [b"{", b'{"seq":1,"seq":1}', event("t").replace(b'"seq":0', b'"seq":0,"seq":0')],
    ids=["no json", "key twice", "key twice in a whole row"],
)
def test_rows_that_cannot_be_read_are_refused_and_none_of_them_stored(store: Store, tenant: str, bad: bytes) -> None:
    with pytest.raises(RowsRefusedError):
        run(store.insert("events", [event(tenant, 1), bad, event(tenant, 2)]))
    assert run(store.digests([EventKey(tenant, "s", "w", seq) for seq in (1, 2)])) == {}


def test_a_column_that_is_not_there_is_waited_for(store: Store, tenant: str) -> None:
    """The table is behind, not the row: somebody has to migrate."""
    with pytest.raises(StoreUnavailableError):
        run(store.insert("events", [event(tenant, further=1)]))


def test_five_megabytes_in_one_row(store: Store, tenant: str) -> None:
    address, text = address_of(uuid.uuid4().hex), "ä" * 2_500_000
    run(store.insert("contents", [content(tenant, address, text=text)]))
    (found,) = run(store.contents([ContentKey(tenant, address)], 1))
    assert found.text == text


def test_statements_at_once(store: Store, tenant: str) -> None:
    async def all_at_once() -> Any:
        inserts = (store.insert("events", [event(tenant, seq)]) for seq in range(40))
        await asyncio.gather(*inserts)
        keys = [EventKey(tenant, "s", "w", seq) for seq in range(40)]
        found = await asyncio.gather(*(store.digests([key]) for key in keys))
        return sum(map(len, found))

    assert asyncio.run(all_at_once()) == 40


# One history through stage 1, on both stores.


def _plain(value: Any) -> Any:
    """A column's value in one spelling, whoever tells it."""
    if hasattr(value, "astimezone"):
        return to_us(value)
    return value


def of_clickhouse(client: Client, table: str) -> list[dict[str, Any]]:
    rows = client.query(f"SELECT * EXCEPT stored_at FROM {table} FINAL").named_results()
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def told_alike(memory: dict[str, Any], stored: dict[str, Any]) -> None:
    """Every column that the row gave says the same in the table."""
    for name, value in memory.items():
        found = stored[name]
        if name.endswith("_at"):
            assert format_utc(from_us(found))[:23] == value[:23], name
        elif name in {"data", "attributes", "evidence", "state"}:
            assert orjson.loads(found) == (orjson.loads(value) if isinstance(value, str) else value), name
        elif name == "cost_usd":
            assert float(found) == float(value)
        else:
            assert found == value, name


def test_a_history_ends_the_same_in_both(telling: ModuleType, database: str) -> None:
    tenant = uuid.uuid4().hex

    def tell(world: Any) -> None:
        for number in range(4):
            teller = telling.Teller(f"s-{number}", tenant=tenant)
            world.tell(teller, teller.start(), teller.call(q="x"))
            call = teller.call(tool="serch")
            world.tell(teller, call, b'{"x":1}', canonical=False)
            world.tell(teller, call, call.replace(b"serch", b"sirch"))
            teller.seq += 2
            usage = {"input_tokens": 5, "output_tokens": 2}
            world.tell(teller, teller.line("response", {"request_id": "r", "model": "gpt-4.1", "usage": usage}))
            if number % 2:
                world.tell(teller, teller.end())

    async def play(store: Any) -> Any:
        world = telling.World()
        tell(world)
        worker = await telling.Worker(world, store=store, clock=SystemClock()).start()
        await worker.run(iter([3] * 100))
        again = await telling.Worker(world, store=store, clock=SystemClock()).start()
        await again.run()
        assert worker.failures == again.failures == []
        return world

    world = asyncio.run(play(None))
    real = ClickHouseStore(database)
    asyncio.run(play(real))
    real.close()
    client = connect(database)
    for table, spec in TABLES.items():
        ours = {"tenant_id": tenant} if "tenant_id" in spec.columns else {}
        memory = world.store.rows(table)
        stored = [row for row in of_clickhouse(client, table) if all(row[n] == v for n, v in ours.items())]
        order = [name for name in spec.key if name != "received_at"]
        assert len(memory) == len(stored), table
        volatile = {"detected_at", "issued_at", "expires_at", "version", "state"}
        for one, other in zip(
            sorted(memory, key=lambda row: [row[name] for name in order]),
            sorted(stored, key=lambda row: [row[name] for name in order]),
            strict=True,
        ):
            told_alike({name: value for name, value in one.items() if name not in volatile}, other)
    assert len(world.store.rows("events")) == 4 * 5 + 2
    assert world.store.rows("findings")
    assert world.store.rows("dead_letters")
    client.close()


def test_the_tables_in_memory_have_the_keys_of_the_real_ones(database: str) -> None:
    client = connect(database)
    query = "SELECT name, sorting_key, engine_full FROM system.tables WHERE database = currentDatabase()"
    found = {row["name"]: row for row in client.query(query).named_results()}
    for table, spec in TABLES.items():
        assert tuple(found[table]["sorting_key"].split(", ")) == spec.key
        if spec.version:
            assert f"ReplacingMergeTree({spec.version})" in found[table]["engine_full"]
    client.close()


# Buses.


Read = Callable[[str, set[bytes]], list[Any]]
"""The messages of a topic with these keys: key, value, headers, partition; in the order of the partitions."""


@pytest.fixture(params=["memory", "embedded", "apache"])
def wired(request: pytest.FixtureRequest) -> Iterator[tuple[Bus, Read]]:
    """A bus, and the way to read what it wrote."""
    if request.param == "memory":
        memory = MemoryBus(MemoryClock())
        yield memory, lambda topic, keys: _of_memory(memory, topic, keys)
        return
    embedded = request.param == "embedded"
    bootstrap = request.getfixturevalue("broker") if embedded else request.getfixturevalue("kafka").bootstrap
    kafka = KafkaBus(bootstrap)
    yield kafka, lambda topic, keys: _of_kafka(bootstrap, topic, keys)
    kafka.close()


def _of_memory(bus: MemoryBus, topic: str, keys: set[bytes]) -> list[Any]:
    found: list[Any] = []
    for partition, log in enumerate(bus._logs[topic]):
        for record, headers in zip(log.records, log.headers, strict=True):
            if record.key in keys:
                found.append((record.key, record.value, headers, partition))
    return found


def _of_kafka(bootstrap: str, topic: str, keys: set[bytes]) -> list[Any]:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex, "fetch.message.max.bytes": 2**24}
    )
    found: list[Any] = []
    # A mark behind everything: Tansu's latest offset is not to be relied on.
    marks = {partition: uuid.uuid4().hex.encode() for partition in range(PARTITIONS)}
    _mark(bootstrap, topic, marks)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    while marks:
        message = consumer.poll(10)
        assert message is not None, f"{topic}: still waiting for {sorted(marks)}"
        assert message.error() is None
        partition = message.partition()
        assert partition is not None
        if message.value() == marks.get(partition):
            del marks[partition]
        elif message.key() in keys:
            pairs: Any = message.headers() or []
            headers = {name: value.decode() for name, value in pairs}
            found.append((message.key(), message.value(), headers, partition))
    consumer.close()
    return sorted(found, key=lambda one: one[3])


def _mark(bootstrap: str, topic: str, marks: dict[int, bytes]) -> None:
    producer = Producer({"bootstrap.servers": bootstrap})
    for partition, mark in marks.items():
        producer.produce(topic, value=mark, partition=partition)
    assert producer.flush(10) == 0


def test_messages_arrive_in_order_where_every_producer_would_put_them(
    wired: tuple[Bus, Read],
) -> None:
    bus, read = wired
    keys = [uuid.uuid4().hex.encode()[: 3 + number] for number in range(20)]
    sent = [Message(FINDINGS.name, keys[number % 20], b"%d" % number, {"h": str(number)}) for number in range(200)]

    async def publish() -> None:
        for start in range(0, 200, 50):
            await bus.publish(sent[start : start + 50])

    asyncio.run(publish())
    found = read(FINDINGS.name, set(keys))
    for key in keys:
        mine = [one for one in found if one[0] == key]
        assert [one[1] for one in mine] == [message.value for message in sent if message.key == key]
        assert {one[3] for one in mine} == {partition_of(key)}
        assert all(headers == {"h": value.decode()} for _, value, headers, _ in mine)


@pytest.mark.parametrize("size", [0, 5_000_000, MAX_RECORD_BYTES])
def test_a_dead_letter_of_any_size_arrives(wired: tuple[Bus, Read], size: int) -> None:
    bus, read = wired
    key, value = uuid.uuid4().hex.encode(), random.Random(0).randbytes(size)
    asyncio.run(bus.publish([Message(DEAD_LETTER.name, key, value)]))
    ((_, found, _, _),) = read(DEAD_LETTER.name, {key})
    assert found == value


def test_a_log_has_a_name_that_does_not_change(wired: tuple[Bus, Read]) -> None:
    bus, _ = wired
    names: Sequence[str] = [asyncio.run(bus.log_id()) for _ in range(2)]
    assert names[0]
    assert names[0] == names[1]
