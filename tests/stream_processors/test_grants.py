"""The worker's book of grants: what was published before it was asked is in it, whatever else stands on the topic."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import orjson
import pytest
from confluent_kafka import Producer

from watchkeeper.cli.stack.child import free_port
from watchkeeper.cli.stack.testing import running_broker
from watchkeeper.producers.granting import GrantIssuer
from watchkeeper.schemas.errors import BusUnavailableError
from watchkeeper.schemas.topics import GRANTS, TOPICS
from watchkeeper.stream_processors import grants as grants_module
from watchkeeper.stream_processors.detection.grant_book import GrantBook
from watchkeeper.stream_processors.detection.subjects import SubjectJudge
from watchkeeper.stream_processors.engine.memory import MemoryClock
from watchkeeper.stream_processors.engine.memory_store import MemoryStore
from watchkeeper.stream_processors.engine.stage_two import StageTwo
from watchkeeper.stream_processors.grants import KafkaGrants
from watchkeeper.stream_processors.watching.meters import Meters

KEY = b"0123456789abcdef"


@pytest.fixture
def issuer(bootstrap: str) -> Iterator[GrantIssuer]:
    with GrantIssuer(bootstrap, tenant=f"t-{uuid.uuid4().hex}", key=b"") as made:
        yield made


def tenant_of(issuer: GrantIssuer) -> str:
    return issuer._tenant


@asynccontextmanager
async def reading(bootstrap: str, key: bytes = b"", meters: Meters | None = None) -> AsyncIterator[KafkaGrants]:
    grants = KafkaGrants(bootstrap, GrantBook(key), meters)
    running = asyncio.create_task(grants.run())
    try:
        yield grants
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def put(bootstrap: str, key: bytes, value: bytes | None) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    producer.produce(GRANTS.name, key=key, value=value)
    assert producer.flush(30) == 0


def test_what_was_published_before_is_in_the_book(bootstrap: str, issuer: GrantIssuer) -> None:
    tenant = tenant_of(issuer)

    async def play() -> None:
        async with reading(bootstrap) as grants:
            for number in range(20):
                await asyncio.to_thread(issuer.grant, f"g-{number}", scope=["orders:read"])
                await grants.catch_up()
                assert grants.book.get(tenant, f"g-{number}") is not None
            revoked = await asyncio.to_thread(issuer.revoke, "g-7")
            await grants.catch_up()
            held = grants.book.get(tenant, "g-7")
            assert held is not None
            assert held.grant == revoked
            await asyncio.to_thread(put, bootstrap, f"{tenant}/g-8".encode(), None)
            await grants.catch_up()
            assert grants.book.get(tenant, "g-8") is None
        # A worker that starts anew knows the same.
        async with reading(bootstrap) as grants:
            await grants.catch_up()
            assert grants.book.get(tenant, "g-7") == held
            assert grants.book.get(tenant, "g-8") is None
            assert grants.book.get(tenant, "g-19") is not None

    asyncio.run(play())


def test_what_is_no_grant_is_told_once_and_holds_nothing_up() -> None:
    bad = {b"default/bad": b"{", b"default/other": b'{"grant_id": "g-1"}'}
    meters = Meters()

    async def play(bootstrap: str) -> list[bytes]:
        for key, value in bad.items():
            await asyncio.to_thread(put, bootstrap, key, value)
        await asyncio.to_thread(GrantIssuer(bootstrap, key=b"").grant, "g-1", scope=["*"])
        async with reading(bootstrap, meters=meters) as grants:
            clock = MemoryClock()
            stage = StageTwo(SubjectJudge(), MemoryStore(clock), clock, grants=grants)
            await stage.assign([0])
            assert grants.book.get("default", "g-1") is not None
            output = stage.tick({0: 1})
            assert output is not None
            assert stage.tick({0: 1}) is None
            return [row for rows in output.rows.values() for row in rows]

    # A broker of its own: workers of other tests would tell of these records too.
    with running_broker(TOPICS) as bootstrap:
        rows = [orjson.loads(row) for row in asyncio.run(play(bootstrap))]
    assert [(row["source_topic"], row["source_offset"], row["reason"]) for row in rows] == [
        (GRANTS.name, 0, "not_json"),
        (GRANTS.name, 1, "invalid_field"),
    ]
    assert [base64.b64decode(row["key_base64"]) for row in rows] == list(bad)
    assert b'reason="not_json",topic="agent.grants"} 1.0' in meters.text()
    assert b"watchkeeper_grants 1.0" in meters.text()


def test_an_unsigned_record_takes_back_no_signed_revocation(bootstrap: str, issuer: GrantIssuer) -> None:
    tenant = tenant_of(issuer)
    with GrantIssuer(bootstrap, tenant=tenant, key=KEY) as signing:
        signing.grant("g-1", scope=["*"])
        signing.revoke("g-1", at=datetime(2026, 1, 1, tzinfo=UTC))
    issuer.grant("g-1", scope=["*"])

    async def play() -> None:
        async with reading(bootstrap, KEY) as grants:
            await grants.catch_up()
            held = grants.book.get(tenant, "g-1")
            assert held is not None
            assert held.is_signed
            assert held.grant.revoked_at == datetime(2026, 1, 1, tzinfo=UTC)
            assert [one.reason for one in grants.refused() if tenant.encode() in (one.record.key or b"")] == [
                "invalid_field"
            ]

    asyncio.run(play())


def test_a_broker_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grants_module, "CATCH_UP_SECONDS", 0.5)
    port = free_port()

    async def play() -> None:
        async with reading(f"127.0.0.1:{port}") as grants:
            with pytest.raises(BusUnavailableError, match=r"agent\.grants at 127\.0\.0\.1"):
                await grants.catch_up()
            with running_broker(TOPICS, port=port) as bootstrap:
                await asyncio.to_thread(GrantIssuer(bootstrap, key=b"").grant, "g-1", scope=["*"])
                async with asyncio.timeout(60):
                    while grants.book.get("default", "g-1") is None:
                        with suppress(BusUnavailableError):
                            await grants.catch_up()

    asyncio.run(play())


@pytest.mark.long
def test_a_broker_that_forgot_everything_is_read_anew() -> None:
    """What the book knew came from a log that is no more."""
    port = free_port()

    async def play() -> None:
        async with reading(f"127.0.0.1:{port}") as grants:
            for name in ("g-1", "g-2"):
                with running_broker(TOPICS, port=port) as bootstrap:
                    await asyncio.to_thread(GrantIssuer(bootstrap, key=b"").grant, name, scope=["*"])
                    async with asyncio.timeout(60):
                        while grants.book.get("default", name) is None:
                            with suppress(BusUnavailableError):
                                await grants.catch_up()
            assert grants.book.get("default", "g-1") is None

    asyncio.run(play())
