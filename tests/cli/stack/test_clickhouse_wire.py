"""The endpoint, byte for byte: what curl, Grafana's data source and other HTTP clients send and get."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import lz4.frame  # type: ignore[import-untyped]  # ships no types
import pytest
import zstandard

from watchkeeper.cli.stack.clickhouse_app import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def code(self) -> str | None:
        return self.headers["X-ClickHouse-Exception-Code"]


class Wire:
    def __init__(self, dsn: str) -> None:
        parts = urlsplit(dsn)
        assert parts.username
        assert parts.password
        assert parts.port
        self.user, self.password, self.port = parts.username, parts.password, parts.port
        self.connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=30)

    def basic(self) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()}

    def send(
        self,
        method: str = "POST",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        path: str = "/",
        **query: Any,
    ) -> Answer:
        address = path + ("?" + urlencode(query) if query else "")
        self.connection.request(method, address, body, dict(self.basic() if headers is None else headers))
        return Answer(self.connection.getresponse())

    def run(self, sql: str, **query: Any) -> str:
        answer = self.send(body=sql, database="watchkeeper", **query)
        assert answer.status == 200, answer.text
        return answer.text


@pytest.fixture
def wire(endpoint_dsn: str) -> Iterator[Wire]:
    opened = Wire(endpoint_dsn)
    yield opened
    opened.connection.close()


@pytest.fixture
def numbers(wire: Wire) -> Iterator[str]:
    wire.run("CREATE TABLE wired (n UInt32, s String) ENGINE = MergeTree ORDER BY n")
    yield "wired"
    wire.run("DROP TABLE wired SYNC")


@pytest.mark.parametrize("path", ["/ping", "/replicas_status", "/"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_process_says_that_it_lives_without_a_password(wire: Wire, method: str, path: str) -> None:
    answer = wire.send(method, headers={}, path=path)
    assert (answer.status, answer.body) == (200, b"Ok.\n" if method == "GET" else b"")


def test_the_three_ways_to_say_who_one_is(wire: Wire) -> None:
    in_headers = {"X-ClickHouse-User": wire.user, "X-ClickHouse-Key": wire.password}
    assert wire.send("GET", query="SELECT 1").text == "1\n"
    assert wire.send("GET", headers=in_headers, query="SELECT 1").text == "1\n"
    assert wire.send("GET", headers={}, query="SELECT 1", user=wire.user, password=wire.password).text == "1\n"


def test_nobody_else_is_let_in(wire: Wire) -> None:
    nameless = wire.send("GET", headers={}, query="SELECT 1")
    assert (nameless.status, nameless.code) == (401, "516")
    assert nameless.headers["WWW-Authenticate"].startswith("Basic")
    refusals = [
        wire.send("GET", headers={"X-ClickHouse-User": wire.user, "X-ClickHouse-Key": "wrong"}, query="SELECT 1"),
        wire.send("GET", headers={"X-ClickHouse-User": "other", "X-ClickHouse-Key": wire.password}, query="SELECT 1"),
        wire.send("GET", headers={}, query="SELECT 1", user=wire.user, password=""),
        wire.send("GET", headers={}, query="SELECT 1", user="default"),
    ]
    assert [(refusal.status, refusal.code) for refusal in refusals] == [(403, "516")] * 4
    assert "AUTHENTICATION_FAILED" in refusals[0].text
    assert wire.send("GET", headers={"Authorization": "Basic %%%"}, query="SELECT 1").status == 400


def test_an_answer_carries_clickhouses_headers(wire: Wire) -> None:
    answer = wire.send("GET", query="SELECT number FROM numbers(3)", query_id="my-query")
    assert answer.headers["X-ClickHouse-Query-Id"] == "my-query"
    assert answer.headers["X-ClickHouse-Format"] == "TabSeparated"
    assert answer.headers["X-ClickHouse-Timezone"]
    assert answer.headers["X-ClickHouse-Server-Display-Name"]
    assert answer.headers["Content-Type"] == "text/tab-separated-values; charset=UTF-8"
    found = json.loads(answer.headers["X-ClickHouse-Summary"])
    assert (found["read_rows"], found["result_rows"], found["written_rows"]) == ("3", "3", "0")


@pytest.mark.parametrize(
    ("sql", "headers", "query", "expected", "media"),
    [
        ("SELECT 1 AS a FORMAT JSONEachRow", {}, {}, '{"a":1}\n', "application/x-ndjson; charset=UTF-8"),
        ("SELECT 1 AS a", {}, {"default_format": "CSV"}, "1\n", "text/csv; charset=UTF-8; header=absent"),
        ("SELECT 1 AS a", {"X-ClickHouse-Format": "Values"}, {}, "(1)", "text/plain; charset=UTF-8"),
        ("SELECT 'a' AS a FORMAT CSV", {}, {"default_format": "JSON"}, '"a"\n', None),
        ("SELECT 1, count() GROUP BY 1 WITH TOTALS", {}, {}, "1\t1\n\n1\t1\n", None),
    ],
)
def test_the_output_format_is_the_one_asked_for(
    wire: Wire, sql: str, headers: dict[str, str], query: dict[str, Any], expected: str, media: str | None
) -> None:
    answer = wire.send(body=sql, headers={**wire.basic(), **headers}, **query)
    assert answer.text == expected
    assert media is None or answer.headers["Content-Type"] == media


def test_a_get_request_cannot_write(wire: Wire, numbers: str) -> None:
    for statement in (f"INSERT INTO {numbers} VALUES (1, '')", f"DROP TABLE {numbers}"):
        answer = wire.send("GET", query=statement, database="watchkeeper")
        assert (answer.status, answer.code) == (500, "164")
    lifted = wire.send("GET", query=f"DROP TABLE {numbers}", database="watchkeeper", readonly="0")
    assert lifted.code == "164"
    assert wire.send("POST", body=f"DROP TABLE {numbers}", database="watchkeeper", readonly="1").code == "164"
    assert wire.send("GET", query="SELECT getSetting('max_threads')", max_threads=3).text == "3\n"


def test_data_come_in_the_body_behind_the_statement_or_beside_it(wire: Wire, numbers: str) -> None:
    wire.run(f'INSERT INTO {numbers} FORMAT JSONEachRow\n{{"n":1,"s":"FORMAT CSV"}}\n')
    wire.send(body=b"2\tzwei\n3\tdrei\n", query=f"INSERT INTO {numbers} FORMAT TSV", database="watchkeeper")
    wire.send(body=b'4,"a,b"\n', query=f"INSERT INTO {numbers} (n, s) FORMAT CSV", database="watchkeeper")
    wire.run(f"INSERT INTO {numbers} VALUES (5, {{text:String}}), (6, lower('SECHS'))", param_text="it's")
    wire.run(f"INSERT INTO {numbers} SELECT 7, 'sieben'")
    wire.run("INSERT INTO {t:Identifier} FORMAT TSV\n8\tacht\n", param_t=numbers)
    native = wire.send(body="SELECT toUInt32(9) AS n, 'neun' AS s FORMAT Native").body
    body = f"INSERT INTO {numbers} FORMAT Native\n".encode() + native
    answer = wire.send(body=body, database="watchkeeper")
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "1"
    assert wire.run(f"SELECT n, s FROM {numbers} ORDER BY n") == (
        "1\tFORMAT CSV\n2\tzwei\n3\tdrei\n4\ta,b\n5\tit\\'s\n6\tsechs\n7\tsieben\n8\tacht\n9\tneun\n"
    )


def test_a_large_insert_by_values_is_no_longer_than_its_data(wire: Wire, numbers: str) -> None:
    values = ",".join(f"({number}, '{'x' * 100}')" for number in range(20_000))
    wire.run(f"INSERT INTO {numbers} VALUES {values}")
    assert wire.run(f"SELECT count(), sum(n) FROM {numbers}") == f"20000\t{sum(range(20_000))}\n"


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("lz4", lz4.frame.compress),
        ("zstd", zstandard.compress),
    ],
)
def test_bodies_may_be_compressed(wire: Wire, numbers: str, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    lines = b"".join(b"%d\tline\n" % number for number in range(1000))
    headers = {**wire.basic(), "Content-Encoding": encoding}
    query = f"INSERT INTO {numbers} FORMAT TSV"
    assert wire.send(body=pack(lines), headers=headers, query=query, database="watchkeeper").status == 200
    assert wire.run(f"SELECT count() FROM {numbers}") == "1000\n"
    broken = wire.send(body=pack(lines)[:-20] + b"x", headers=headers, query=query, database="watchkeeper")
    assert (broken.status, broken.code) == (500, "271")
    assert wire.run(f"SELECT count() FROM {numbers}") == "1000\n"


def test_an_unknown_encoding_is_named(wire: Wire) -> None:
    answer = wire.send(body=b"x", headers={**wire.basic(), "Content-Encoding": "snappy"})
    assert answer.code == "89"
    assert "'snappy' is unknown here; use one of lz4, zstd, gzip, deflate" in answer.text


@pytest.mark.parametrize("rows", [10_000, 600_000])
@pytest.mark.parametrize("encoding", ["gzip", "lz4", "zstd"])
def test_answers_are_compressed_where_asked(wire: Wire, encoding: str, rows: int) -> None:
    unpack = {"gzip": gzip.decompress, "lz4": lz4.frame.decompress, "zstd": _unzstd}[encoding]
    headers = {**wire.basic(), "Accept-Encoding": encoding}
    sql = f"SELECT number, 'abc' FROM numbers({rows})"
    packed = wire.send(body=sql, headers=headers, enable_http_compression=1)
    assert packed.headers["Content-Encoding"] == encoding
    plain = wire.send(body=sql, headers=headers)
    assert plain.headers["Content-Encoding"] is None
    assert unpack(packed.body) == plain.body
    assert plain.body.count(b"\n") == rows
    assert wire.send(body="SELECT 1", headers=headers, enable_http_compression=1).body == b"1\n"


def _unzstd(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


@pytest.mark.parametrize(
    ("query", "body", "status", "code", "words"),
    [
        ({}, b"", 500, "211", "Empty query"),
        ({}, b"SELECT '\xff'", 400, "408", "not UTF-8"),
        ({"compress": "1"}, b"SELECT 1", 501, "48", "Accept-Encoding"),
        ({"decompress": "1"}, b"SELECT 1", 501, "48", "Content-Encoding"),
        ({"a b": "1"}, b"SELECT 1", 400, "408", "'a b' is not the name of a setting"),
        ({"param_x;y": "1"}, b"SELECT 1", 400, "408", "is not the name of a setting"),
        ({"no_such_setting": "1"}, b"SELECT 1", 404, "115", "no_such_setting"),
        ({"max_threads": "many"}, b"SELECT 1", 400, "27", "many"),
        ({"database": "missing"}, b"SELECT 1", 404, "81", "missing"),
        ({"client_protocol_version": "new"}, b"SELECT 1", 400, "408", "is not a number"),
        ({}, b"SELECT {x:UInt8}", 500, "456", "x"),
        ({"param_x": "abc"}, b"SELECT {x:UInt8}", 500, "457", "abc"),
        ({}, b"SELECT 1 INTO OUTFILE '/tmp/x'", 501, "48", "read the result from the response"),
        ({}, b"SELECT sleepEachRow(3) SETTINGS max_execution_time = 0.1", 408, "159", "TIMEOUT_EXCEEDED"),
    ],
)
def test_a_refusal_has_a_status_a_code_and_a_reason(
    wire: Wire, query: dict[str, Any], body: bytes, status: int, code: str, words: str
) -> None:
    answer = wire.send(body=body, **query)
    assert (answer.status, answer.code) == (status, code), answer.text
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")
    assert words in answer.text


def test_a_body_that_is_too_large_is_refused_before_it_is_read_whole(wire: Wire) -> None:
    wire.connection.putrequest("POST", "/?query=INSERT+INTO+t+FORMAT+TSV")
    for name, value in {**wire.basic(), "Content-Length": str(MAX_BODY_BYTES * 4)}.items():
        wire.connection.putheader(name, value)
    wire.connection.endheaders()
    answer = Answer(wire.connection.getresponse())
    assert (answer.status, answer.code) == (413, "229")


def test_a_small_body_may_not_unpack_to_a_large_one(wire: Wire) -> None:
    bomb = gzip.compress(bytes(MAX_BODY_BYTES + 1), compresslevel=1)
    answer = wire.send(body=bomb, headers={**wire.basic(), "Content-Encoding": "gzip"})
    assert (answer.status, answer.code) == (413, "229")


def test_other_paths_and_methods_are_refused(wire: Wire) -> None:
    assert wire.send("GET", path="/nowhere").status == 404
    assert wire.send("DELETE").status == 405


def test_a_query_whose_client_went_away_is_ended(wire: Wire, endpoint_dsn: str) -> None:
    other = Wire(endpoint_dsn)
    other.connection.request("POST", "/", "SELECT count() FROM numbers(999999999999)", other.basic())
    running = "SELECT count() FROM system.processes WHERE query LIKE '%999999999999%' AND query NOT LIKE '%processes%'"
    _until(lambda: wire.run(running) == "1\n")
    other.connection.close()
    _until(lambda: wire.run(running) == "0\n")


def test_a_result_whose_reader_went_away_is_ended(wire: Wire, endpoint_dsn: str) -> None:
    other = Wire(endpoint_dsn)
    other.connection.request("POST", "/", "SELECT number, 777777 FROM numbers(99999999999)", other.basic())
    assert other.connection.getresponse().read(100)
    running = "SELECT count() FROM system.processes WHERE query LIKE '%777777%' AND query NOT LIKE '%processes%'"
    assert wire.run(running) == "1\n"
    other.connection.close()
    _until(lambda: wire.run(running) == "0\n")


def test_a_result_that_fails_on_its_way_ends_in_a_cut_connection_and_says_why(wire: Wire) -> None:
    sql = "SELECT throwIf(number = 3000000, 'too far'), repeat('x', 100) FROM numbers(4000000)"
    wire.connection.request("POST", "/", sql, wire.basic())
    response = wire.connection.getresponse()
    assert response.status == 200
    tag = response.headers["X-ClickHouse-Exception-Tag"]
    with pytest.raises(http.client.IncompleteRead) as caught:
        response.read()
    end = caught.value.partial[-1000:]
    assert f"__exception__\r\n{tag}\r\nCode: 395. DB::Exception: ".encode() in end
    assert end.endswith(f" {tag}\r\n__exception__\r\n".encode())


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
