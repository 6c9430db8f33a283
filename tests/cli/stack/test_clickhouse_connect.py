"""ClickHouse's own Python client takes the endpoint for a server."""

from __future__ import annotations

import gzip
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import clickhouse_connect
import lz4.frame  # type: ignore[import-untyped]  # ships no types
import pytest
import zstandard
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

if TYPE_CHECKING:
    from collections.abc import Iterator

MOMENT = datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture
def client(endpoint_dsn: str) -> Iterator[Any]:
    with clickhouse_connect.get_client(dsn=endpoint_dsn) as opened:
        yield opened


@pytest.fixture
def table(client: Any) -> Iterator[str]:
    client.command(
        "CREATE TABLE notes (id UInt64, text String, at DateTime64(6, 'UTC')) ENGINE = MergeTree ORDER BY id"
    )
    yield "notes"
    client.command("DROP TABLE notes SYNC")


def test_a_client_connects_and_learns_version_and_database(client: Any) -> None:
    assert client.ping()
    assert client.server_version.split(".")[0].isdecimal()
    assert client.command("SELECT currentDatabase()") == "watchkeeper"


@pytest.mark.parametrize("value", ["plain", 'it\'s "quoted"', "line\nbreak\ttab\\slash", "é☃ 日本", ""])
def test_query_parameters_arrive_as_they_are(client: Any, value: str) -> None:
    found = client.query("SELECT {value:String} AS value, {n:UInt8} + 1", parameters={"value": value, "n": 4})
    assert found.result_rows == [(value, 5)]


def test_many_parameters_come_as_a_form(client: Any) -> None:
    names = [f"name-{number:06} with a \r\n break" for number in range(2_000)]
    found = client.query(
        "SELECT length({names:Array(String)}), {names:Array(String)}[2000]", parameters={"names": names}
    )
    assert found.result_rows == [(2_000, names[-1])]


@pytest.mark.parametrize("compress", ["lz4", "zstd", "gzip", False])
def test_columns_go_in_and_out_in_native_format(endpoint_dsn: str, table: str, compress: str | bool) -> None:
    rows = [(number, f"text {number}", MOMENT) for number in range(5_000)]
    with clickhouse_connect.get_client(dsn=endpoint_dsn, compress=compress) as client:
        written = client.insert(table, rows, column_names=["id", "text", "at"])
        assert written.written_rows == 5_000
        found = client.query(f"SELECT id, text, at FROM {table} ORDER BY id", query_tz="UTC")
    assert [(row[0], row[1], row[2].replace(tzinfo=UTC)) for row in found.result_rows] == rows


@pytest.mark.parametrize("compression", [None, "lz4", "zstd", "gzip"])
def test_lines_go_in_as_they_are(client: Any, table: str, compression: str | None) -> None:
    pack = {"lz4": lz4.frame.compress, "zstd": zstandard.compress, "gzip": gzip.compress}
    lines = b'{"id":1,"text":"a\\nb","at":"2026-03-01T12:30:00.123456Z"}\n{"id":2,"text":"{}"}\n'
    body = pack[compression](lines) if compression else lines
    summary = client.raw_insert(
        table,
        ["id", "text", "at"],
        body,
        settings={"date_time_input_format": "best_effort"},
        fmt="JSONEachRow",
        compression=compression,
    )
    assert summary.written_rows == 2
    found = client.query(f"SELECT id, text, toUnixTimestamp64Micro(at) FROM {table} ORDER BY id").result_rows
    assert found == [(1, "a\nb", int(MOMENT.timestamp() * 1e6)), (2, "{}", 0)]


def test_an_insert_of_no_rows_is_no_error(client: Any, table: str) -> None:
    assert client.raw_insert(table, ["id"], b"", fmt="JSONEachRow").written_rows == 0
    assert client.command(f"SELECT count() FROM {table}") == 0


@pytest.mark.parametrize(
    ("statement", "code", "name"),
    [
        ("SELECT * FROM missing", 60, "UNKNOWN_TABLE"),
        ("SELECT 1 FROM missing.table", 81, "UNKNOWN_DATABASE"),
        ("SELECT missing", 47, "UNKNOWN_IDENTIFIER"),
        ("SELECT FROM WHERE", 62, "SYNTAX_ERROR"),
        ("SELECT toUInt8('x')", 6, "CANNOT_PARSE_TEXT"),
        ("SELECT throwIf(1)", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        ("SELECT 1 SETTINGS no_such_setting = 1", 115, "UNKNOWN_SETTING"),
    ],
)
def test_errors_have_the_engines_code_and_name(client: Any, statement: str, code: int, name: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        client.query(statement)
    assert (caught.value.code, caught.value.name) == (code, name)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"id":"x"}', 27),
        (b"garbage", 27),
        (b'{"id":1,"text":', 26),
        (b'{"id":1,"unknown":2}', 117),
    ],
)
def test_bad_lines_are_refused_whole_with_the_engines_code(client: Any, table: str, line: bytes, code: int) -> None:
    lines = b'{"id":1,"text":"good"}\n' + line + b"\n"
    with pytest.raises(DatabaseError) as caught:
        client.raw_insert(table, None, lines, settings={"input_format_skip_unknown_fields": 0}, fmt="JSONEachRow")
    assert caught.value.code == code
    assert client.command(f"SELECT count() FROM {table}") == 0


def test_a_wrong_password_is_code_516(endpoint_dsn: str) -> None:
    head, _, tail = endpoint_dsn.rpartition("@")
    with pytest.raises(DatabaseError) as caught:
        clickhouse_connect.get_client(dsn=f"{head}x@{tail}")
    assert caught.value.code == 516


def test_settings_end_with_their_statement(client: Any) -> None:
    assert client.query("SELECT getSetting('max_threads')", settings={"max_threads": 3}).result_rows == [(3,)]
    client.command("SET max_threads = 5")
    assert client.query("SELECT getSetting('max_threads')").result_rows != [(5,)]


def test_a_query_that_takes_too_long_is_ended(client: Any) -> None:
    with pytest.raises(DatabaseError) as caught:
        client.query("SELECT count() FROM numbers(1000000000000)", settings={"max_execution_time": 0.2})
    assert caught.value.code == 159


def test_a_result_larger_than_memory_should_hold_comes_in_pieces(client: Any) -> None:
    rows = 0
    query = "SELECT number, repeat('x', 100) FROM numbers(2000000)"
    with client.query_row_block_stream(query) as stream:
        for block in stream:
            rows += len(block)
    assert rows == 2_000_000


def test_a_result_that_fails_on_its_way_is_not_taken_for_whole(client: Any) -> None:
    query = "SELECT throwIf(number = 3000000, 'too far'), repeat('x', 100) FROM numbers(4000000)"
    with pytest.raises(StreamFailureError, match="too far"), client.query_rows_stream(query) as stream:
        for _ in stream:
            pass


def test_an_empty_result_is_empty(client: Any) -> None:
    assert client.query("SELECT number FROM numbers(3) WHERE number > 5").result_rows == []
    assert client.query("SELECT number AS n FROM numbers(3) LIMIT 0").column_names == ("n",)


def test_a_short_query_does_not_wait_for_long_ones(endpoint_dsn: str, client: Any) -> None:
    ends: list[int] = []

    def wait_long() -> None:
        with clickhouse_connect.get_client(dsn=endpoint_dsn, autogenerate_session_id=False) as other:
            try:
                other.query("SELECT count() FROM numbers(1000000000000)", settings={"max_execution_time": 2})
            except DatabaseError as error:
                ends.append(error.code or 0)

    threads = [threading.Thread(target=wait_long) for _ in range(4)]
    for thread in threads:
        thread.start()
    running = "SELECT count() FROM system.processes WHERE query LIKE '%1000000000000%' AND query NOT LIKE '%processes%'"
    while client.command(running) < 4:
        pass
    assert client.command("SELECT 1") == 1
    assert not ends, "the long queries had ended before the short one was answered"
    for thread in threads:
        thread.join()
    assert ends == [159] * 4
