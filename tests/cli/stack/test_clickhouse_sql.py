from __future__ import annotations

import pytest

from watchkeeper.cli.stack.clickhouse_errors import ClickHouseError
from watchkeeper.cli.stack.clickhouse_sql import insert_head, reading, verb


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (b"select 1", "SELECT"),
        (b"  -- a comment\n /* another ' */ InSeRt into t values (1)", "INSERT"),
        (b"#!shebang\nshow tables", "SHOW"),
        (b"((select 1))", "SELECT"),
        (b"", ""),
        (b" -- only a comment", ""),
        (b"'text'", ""),
    ],
)
def test_the_verb_is_the_first_word_behind_comments(sql: bytes, expected: str) -> None:
    assert verb(sql) == expected


@pytest.mark.parametrize(
    ("sql", "head", "name", "data"),
    [
        (b"INSERT INTO t FORMAT JSONEachRow\n{}", b"INSERT INTO t", "JSONEachRow", b"{}"),
        (b"insert into t (a, b) format TSV \r\n\tx", b"insert into t (a, b)", "TSV", b"\tx"),
        (b"INSERT INTO t FORMAT CSV 1,2", b"INSERT INTO t", "CSV", b"1,2"),
        (b"INSERT INTO t FORMAT Native\n\x00\xff\n", b"INSERT INTO t", "Native", b"\x00\xff\n"),
        (b"INSERT INTO t FORMAT TSV\n\n", b"INSERT INTO t", "TSV", b"\n"),
        (b"INSERT INTO `format` FORMAT TSV\n1", b"INSERT INTO `format`", "TSV", b"1"),
        (b"INSERT INTO format FORMAT TSV\n1", b"INSERT INTO format", "TSV", b"1"),
        (b"INSERT INTO values (format) FORMAT TSV\n1", b"INSERT INTO values (format)", "TSV", b"1"),
        (b"INSERT INTO d.format FORMAT TSV\n1", b"INSERT INTO d.format", "TSV", b"1"),
        (
            b"INSERT INTO FUNCTION remote('FORMAT CSV', t) SETTINGS a = 'FORMAT x' FORMAT TSV\n1",
            b"INSERT INTO FUNCTION remote('FORMAT CSV', t) SETTINGS a = 'FORMAT x'",
            "TSV",
            b"1",
        ),
        (b"INSERT INTO t -- FORMAT CSV\n FORMAT TSV\n1", b"INSERT INTO t", "TSV", b"1"),
        (b"INSERT INTO {t:Identifier} FORMAT TSV\n1", b"INSERT INTO {t:Identifier}", "TSV", b"1"),
        (b"INSERT INTO t (a)", b"INSERT INTO t (a)", "", b""),
    ],
)
def test_an_insert_is_split_into_statement_and_data(sql: bytes, head: bytes, name: str, data: bytes) -> None:
    found = insert_head(sql)
    assert found is not None
    assert sql[: found.end].strip() == head
    assert found.format == name
    assert sql[found.data :] == data


@pytest.mark.parametrize(
    "sql",
    [
        b"INSERT INTO t VALUES (1, 'FORMAT TSV')",
        b"INSERT INTO t (a) SELECT 1 FORMAT TSV",
        b"INSERT INTO t (SELECT 1)",
        b"INSERT INTO t WITH x AS (SELECT 1) SELECT * FROM x",
    ],
)
def test_an_insert_without_data_for_a_format_is_left_to_the_engine(sql: bytes) -> None:
    assert insert_head(sql) is None


def test_data_of_this_machine_are_not_inserted() -> None:
    with pytest.raises(ClickHouseError, match="send the data in the body") as caught:
        insert_head(b"INSERT INTO t FROM INFILE '/etc/passwd' FORMAT TSV")
    assert (caught.value.code, caught.value.status) == (48, 501)


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        (b"select 1 format JSON", "JSON"),
        (b"select 1 FORMAT JSON;", "JSON"),
        (b"select 1 format JSONCompact settings max_threads = 1", "JSONCompact"),
        (b"select 1 settings max_threads = 1 format CSV -- end", "CSV"),
        (b"select format from t", ""),
        (b"select a as format from t", ""),
        (b"select * from (select 1 format JSON)", ""),
        (b"select 'format JSON'", ""),
        (b"select 1", ""),
    ],
)
def test_the_output_format_is_found_at_the_end(sql: bytes, name: str) -> None:
    assert reading(sql).format == name


@pytest.mark.parametrize(
    ("sql", "selects", "streams"),
    [
        (b"select 1", True, True),
        (b"with 1 as x select x", True, True),
        (b"(select 1) union all (select 2)", True, True),
        (b"from t select a", True, True),
        (b"select a, count() from t group by a with totals", True, False),
        (b"with x as (select 1) insert into t select * from x", False, False),
        (b"show tables", False, False),
        (b"drop table t", False, False),
    ],
)
def test_what_only_reads_is_told_from_what_does_not(sql: bytes, selects: bool, streams: bool) -> None:
    assert (reading(sql).selects, reading(sql).streams) == (selects, streams)


def test_results_are_not_written_into_files_of_this_machine() -> None:
    with pytest.raises(ClickHouseError, match="read the result from the response"):
        reading(b"select 1 into outfile '/tmp/x'")
