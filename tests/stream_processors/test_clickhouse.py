"""The address of ClickHouse, the client, and what its errors mean."""

from __future__ import annotations

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.errors import (
    ConfigurationError,
    PermanentError,
    StoreUnavailableError,
    WatchkeeperError,
)
from watchkeeper.stream_processors.clickhouse import Address, connect, parse_dsn, store_error, without_database


@pytest.mark.parametrize(
    ("dsn", "address"),
    [
        ("http://u:p@h:1/d", Address("http", "h", 1, "u", "p", "d")),
        ("https://u:p@h/d", Address("https", "h", 8443, "u", "p", "d")),
        ("http://h/d/", Address("http", "h", 8123, "default", "", "d")),
        ("  http://u@h:8123/d\n", Address("http", "h", 8123, "u", "", "d")),
        ("http://a%40b:p%2Fq%3A%20%25@h:1/d", Address("http", "h", 1, "a@b", "p/q: %", "d")),
        ("http://u:p@[::1]:8123/d", Address("http", "::1", 8123, "u", "p", "d")),
    ],
)
def test_an_address_is_read(dsn: str, address: Address) -> None:
    assert parse_dsn(dsn) == address
    assert parse_dsn(address.dsn) == address


@given(st.text(min_size=1), st.text())
def test_any_user_and_password_can_be_written(user: str, password: str) -> None:
    address = Address("http", "h", 8123, user, password, "d")
    assert parse_dsn(address.dsn) == address


FORM = "http://user:password@host:port/database"


@pytest.mark.parametrize(
    ("dsn", "message"),
    [
        ("", f"begins with no scheme: write it as {FORM} (http or https)"),
        ("localhost:8123/d", f"begins with localhost://: write it as {FORM} (http or https)"),
        ("clickhouse://u:secret@h:9000/d", f"begins with clickhouse://: write it as {FORM} (http or https)"),
        ("http:///d", f"names no host: write it as {FORM}"),
        ("http://u:secret@h:9000/d", "has port 9000, ClickHouse's native protocol: use the HTTP port, usually 8123"),
        ("https://u:secret@h:9440/d", "has port 9440, ClickHouse's native protocol: use the HTTP port, usually 8443"),
        ("http://u:secret@h:1", "names no database: add one at the end, as in http://h:1/watchkeeper"),
        ("http://h/a-b", "names database 'a-b': use letters, digits and `_`, not beginning with a digit"),
        ("http://h/a/b", "names database 'a/b': use letters, digits and `_`, not beginning with a digit"),
        ("http://h/d?x=1", "ends with a `?` or `#` part: leave it out; settings are given by their own options"),
        (
            "http://u:secret@h:port/d",
            f"cannot be read (Port): write it as {FORM}, with special characters of user and password percent-encoded",
        ),
        (
            "http://u:secret@h:99999/d",
            (
                f"cannot be read (Port out of range 0-65535): write it as {FORM}, "
                "with special characters of user and password percent-encoded"
            ),
        ),
    ],
)
def test_a_malformed_address_names_the_fix_and_never_the_password(dsn: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_dsn(dsn)
    assert str(caught.value) == f"the ClickHouse address {message}"
    assert "secret" not in str(caught.value)


@given(st.text(max_size=30))
def test_no_text_raises_anything_else(text: str) -> None:
    for dsn in (text, f"http://{text}", f"http://u:{text}@h/d", f"http://h:{text}/d"):
        try:
            parse_dsn(dsn)
        except ConfigurationError:
            continue


def test_a_half_password_is_not_shown_either() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_dsn("http://u:pa/sse@cret:x@h/d")
    assert "sse" not in str(caught.value)


def test_an_address_shows_no_password() -> None:
    address = parse_dsn("http://u:secret@h:1/d")
    assert str(address) == "http://h:1/d"
    assert "secret" not in repr(address)
    assert "secret" not in f"{address} {without_database(address)}"


def test_a_client_may_be_shared_by_threads_and_returns_aware_times(clickhouse: str) -> None:
    client = connect(clickhouse, max_execution_time=30)
    assert client.query("SELECT getSetting('max_execution_time')").result_rows == [(30,)]
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    sql = "SELECT {number:UInt32}, sleepEachRow(0.05), toDateTime64('2026-01-01', 6, 'UTC')"

    def ask(number: int) -> tuple[int, dt.datetime]:
        row = client.query(sql, parameters={"number": number}).result_rows[0]
        return row[0], row[2]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(24))) == [(number, moment) for number in range(24)]


def test_a_database_that_is_not_there_is_named_with_the_fix(clickhouse: str) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere lacks a database.*; run `watchkeeper migrate`"):
        connect(clickhouse.removesuffix(parse_dsn(clickhouse).database) + "nowhere")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (DatabaseError("Code: 27. Cannot parse", code=27), PermanentError),
        (DatabaseError("Code: 62. Syntax", code=62), PermanentError),
        (DatabaseError("Code: 376. UUID", code=376), PermanentError),
        (DatabaseError("Code: 117. Duplicate field found", code=117), PermanentError),
        (DatabaseError("Code: 117. Unknown field found while parsing", code=117), ConfigurationError),
        (DatabaseError("Code: 60. Table does not exist", code=60), ConfigurationError),
        (DatabaseError("Code: 81. Database does not exist", code=81), ConfigurationError),
        (DatabaseError("Code: 516. Authentication failed", code=516), ConfigurationError),
        (DatabaseError("Code: 241. Memory limit", code=241), StoreUnavailableError),
        (DatabaseError("Code: 252. Too many parts", code=252), StoreUnavailableError),
        (DatabaseError("Code: 33. Cannot read all data", code=33), StoreUnavailableError),
        (DatabaseError("Code: 99999. Never heard of", code=99999), StoreUnavailableError),
        (OperationalError("connection refused"), StoreUnavailableError),
        (urllib3.exceptions.ProtocolError("broken off"), StoreUnavailableError),
        (ConnectionResetError("reset"), StoreUnavailableError),
    ],
)
def test_errors_are_sorted(error: Exception, expected: type[WatchkeeperError]) -> None:
    assert type(store_error(error)) is expected
    assert str(error) in str(store_error(error))


def test_what_is_told_without_quotes_holds_code_name_column_and_row(clickhouse: str) -> None:
    client = connect(clickhouse)
    client.command("CREATE TABLE IF NOT EXISTS quoted (number UInt64) ENGINE = Memory")
    for value in ('"canary (CANARY_NAME)"', '"canary" (at row 7)', '{"canary": 1}', "canary"):
        with pytest.raises(DatabaseError) as caught:
            client.raw_insert("quoted", insert_block=b'{"number":%s}' % value.encode(), fmt="JSONEachRow")
        assert "canary" in str(caught.value).lower(), "the engine quotes what it was sent"
        said = str(store_error(caught.value, quoting=False))
        assert "canary" not in said.lower()
        assert re.search(r"code \d+ \([A-Z_]+\)", said), said
    client.command("DROP TABLE quoted")


def test_the_engines_own_errors_are_sorted(clickhouse: str) -> None:
    client = connect(clickhouse)
    faults = {
        "SELEC 1": PermanentError,
        "SELECT nothing FROM events": ConfigurationError,
        "SELECT 1 FROM nowhere": ConfigurationError,
        "SELECT toUUID('x')": PermanentError,
    }
    for sql, expected in faults.items():
        with pytest.raises(DatabaseError) as caught:
            client.query(sql)
        assert type(store_error(caught.value)) is expected, sql
