"""The store on ClickHouse where something is wrong; `engine/test_contract.py` tells what it does where nothing is."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from watchkeeper.cli.stack.child import free_port
from watchkeeper.schemas.errors import ConfigurationError, StoreUnavailableError
from watchkeeper.stream_processors.clickhouse import connect_to, parse_dsn
from watchkeeper.stream_processors.engine.ports import ContentKey, EventKey
from watchkeeper.stream_processors.store import ClickHouseStore

Call = Callable[[ClickHouseStore], Awaitable[object]]

CALLS: dict[str, Call] = {
    "insert": lambda store: store.insert("events", [b"{}"]),
    "open_states": lambda store: store.open_states("sessions", [1], 5),
    "states": lambda store: store.states("sessions", [(1, "t", "s")]),
    "digests": lambda store: store.digests([EventKey("t", "s", "w", 1)]),
    "contents": lambda store: store.contents([ContentKey("t", "u-0")], 5),
}


def attempt(dsn: str, call: str) -> StoreUnavailableError:
    store = ClickHouseStore(dsn)
    with pytest.raises(StoreUnavailableError) as told:
        asyncio.run(_awaited(CALLS[call](store)))
    store.close()
    return told.value


async def _awaited(call: Awaitable[object]) -> object:
    return await call


@pytest.mark.parametrize("call", CALLS)
def test_nobody_listens(call: str) -> None:
    assert "does not answer; start it, or correct the address" in str(
        attempt(f"http://u:p@127.0.0.1:{free_port()}/watchkeeper", call)
    )


@pytest.mark.parametrize("call", CALLS)
def test_a_database_without_tables_is_waited_for(call: str, clickhouse: str) -> None:
    missing = clickhouse.removesuffix(parse_dsn(clickhouse).database) + "not_there"
    assert "run `watchkeeper migrate`" in str(attempt(missing, call))


def test_a_wrong_password_is_waited_for_and_not_shown(clickhouse: str) -> None:
    """The operator puts it right on either side; meanwhile nothing is lost."""
    password = parse_dsn(clickhouse).password
    said = str(attempt(clickhouse.replace(password, "wrong-secret"), "insert"))
    assert "refused user or password" in said
    assert "wrong-secret" not in said


def test_a_malformed_address_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError):
        ClickHouseStore("localhost:8123")


def test_nothing_is_connected_before_the_first_use() -> None:
    store = ClickHouseStore("http://u:p@127.0.0.1:1/d")
    assert store._client is None
    store.close()


def test_one_client_however_many_begin_at_once(clickhouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    def slowly(*given: object, **named: object) -> object:
        made.append(threading.current_thread())
        time.sleep(0.05)
        return connect_to(*given, **named)  # type: ignore[arg-type] # whatever the store hands on

    monkeypatch.setattr("watchkeeper.stream_processors.store.connect_to", slowly)
    store = ClickHouseStore(clickhouse)

    async def at_once() -> None:
        await asyncio.gather(*(store.digests([EventKey("t", "s", "w", seq)]) for seq in range(12)))

    asyncio.run(at_once())
    store.close()
    assert len(made) == 1
