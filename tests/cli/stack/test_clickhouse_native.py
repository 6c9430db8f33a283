"""Native blocks for clients of the newer protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from watchkeeper.cli.stack.clickhouse_native import FIRST_REVISION, parse_type, with_block_info

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
COLUMNS = [
    "number",
    "toInt8(number)",
    "toFloat32(number)",
    "toUInt256(number)",
    "number % 2 = 0",
    "toString(number)",
    "repeat('x', number * 100)",
    "if(number % 2, NULL, toString(number))",
    "toLowCardinality(toString(number % 2))",
    "toLowCardinality(if(number % 2, NULL, toString(number)))",
    "toFixedString('abc', 5)",
    "toDate('2026-01-01')",
    "toDate32('2026-01-01')",
    "toDateTime('2026-01-01 00:00:00', 'UTC')",
    "toDateTime64('2026-01-01 00:00:00.123456', 6, 'Europe/Berlin')",
    "toDecimal32(1, 2)",
    "toDecimal256(1, 2)",
    "toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')",
    "toIPv4('1.2.3.4')",
    "toIPv6('::1')",
    "CAST('b, (c)', 'Enum8(\\'a\\' = 1, \\'b, (c)\\' = 2)')",
    "CAST('a', 'Enum16(\\'a\\' = 1)')",
    "range(number)",
    "CAST([], 'Array(Array(String))')",
    "[[toString(number)], [], ['a', 'b']]",
    "CAST(['a', NULL, 'a'], 'Array(LowCardinality(Nullable(String)))')",
    "CAST([], 'Array(LowCardinality(String))')",
    "map('a', number, 'b', 2)",
    "CAST(map('a', 'b'), 'Map(LowCardinality(String), LowCardinality(String))')",
    "(number, 'x')",
    "CAST((1, 'x'), 'Tuple(`a b, c` UInt8, d LowCardinality(String))')",
    "CAST([(1, 'x')], 'Nested(a UInt8, b String)')",
    "tuple()",
    "CAST((1., 2.), 'Point')",
    "CAST([(1., 2.), (3., 4.)], 'Ring')",
    "CAST(number, 'SimpleAggregateFunction(sum, UInt64)')",
    "toIntervalDay(number)",
    "NULL",
    "[]",
]


@pytest.fixture(scope="module")
def client(endpoint_dsn: str) -> Iterator[Any]:
    with clickhouse_connect.get_client(dsn=endpoint_dsn) as opened:
        yield opened


def _native(client: Any, sql: str, **settings: Any) -> bytes:
    answer = client.raw_query(sql, fmt="Native", settings=settings)
    assert isinstance(answer, bytes)
    return answer


@pytest.mark.parametrize("column", COLUMNS)
def test_each_column_gets_its_flag_and_each_block_its_info(client: Any, column: str) -> None:
    rows = "FROM numbers(5)"
    alone = _native(client, f"SELECT {column} AS x {rows}")
    both = _native(client, f"SELECT {column} AS x, 'end' AS y {rows}")
    # One column, five rows, then the column as it also stands in the block of two.
    assert alone[:2] == b"\x01\x05"
    header = alone[2 : 2 + len(b"\x01x\x00") + alone[4]]
    values = alone[2 + len(header) :]
    end = b"\x01y\x06String"
    assert both == b"\x02\x05" + header + values + end + b"\x03end" * 5
    assert with_block_info(both) == (
        BLOCK_INFO + b"\x02\x05" + header + b"\x00" + values + end + b"\x00" + b"\x03end" * 5
    )


def test_every_block_of_an_answer_is_rewritten(client: Any) -> None:
    sql = "SELECT number, toString(number) FROM numbers(200000)"
    plain = _native(client, sql)
    assert with_block_info(plain) == _native(client, sql, client_protocol_version=FIRST_REVISION)
    assert with_block_info(plain).count(BLOCK_INFO) > 1


def test_clients_of_the_older_protocol_get_the_older_form(client: Any) -> None:
    sql = "SELECT 1"
    assert _native(client, sql, client_protocol_version=FIRST_REVISION - 1) == _native(client, sql)


def test_a_block_without_rows_has_no_values() -> None:
    assert with_block_info(b"\x01\x00\x01x\x05UInt8") == BLOCK_INFO + b"\x01\x00\x01x\x05UInt8\x00"
    assert with_block_info(b"") == b""


def test_a_type_of_unknown_length_is_named_with_the_way_out(client: Any) -> None:
    with pytest.raises(DatabaseError, match=r"column 'j' of type JSON .* select toString\(j\)") as caught:
        _native(client, """SELECT '{"a":1}'::JSON AS j""", client_protocol_version=FIRST_REVISION)
    assert caught.value.code == 48


def test_types_are_taken_apart_at_their_outermost_brackets() -> None:
    assert parse_type("UInt8") == ("UInt8", ())
    assert parse_type("Map(String, Array(UInt8))") == ("Map", ("String", "Array(UInt8)"))
    assert parse_type("Enum8('a, (b' = 1, 'it\\'s' = 2)") == ("Enum8", ("'a, (b' = 1", "'it\\'s' = 2"))
    assert parse_type("Tuple()") == ("Tuple", ())
