"""The runner of the numbered SQL files: order, refusals, rendering, and files cut into statements."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.errors import ConfigurationError, MigrationError
from watchkeeper.schemas.migrations import (
    SINGLE_NODE,
    EngineSettings,
    Migration,
    create_database,
    load,
    pending,
)
from watchkeeper.schemas.sql_text import UnclosedError, split_statements

FILES = load()


def folder(path: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (path / f"{name.removeprefix('f')}.sql").write_text(text)
    return path


def test_the_files_of_the_package_are_numbered_without_a_gap() -> None:
    assert [migration.name[:5] for migration in FILES] == [f"{number:04d}_" for number in range(1, len(FILES) + 1)]
    assert len(FILES) >= 4


@pytest.mark.parametrize("migration", FILES, ids=lambda migration: migration.name)
def test_every_statement_is_safe_to_repeat(migration: Migration) -> None:
    statements = migration.statements()
    assert statements
    # How long rows live and what a view asks is set, not added to; rows that are copied into a replacing table replace
    # themselves.
    safe = re.compile(r"\bIF (NOT )?EXISTS\b|\bMODIFY (TTL|QUERY)\b|\bINSERT INTO sessions_by_time\b")
    assert all(safe.search(statement) for statement in statements)


@pytest.mark.parametrize("migration", FILES, ids=lambda migration: migration.name)
def test_one_setting_makes_a_replicated_cluster_of_the_same_files(migration: Migration) -> None:
    single = migration.statements(SINGLE_NODE)
    cluster = migration.statements(EngineSettings("main"))
    # What is defined is defined on every node; rows that one node inserts reach the others by themselves.
    assert all("ON CLUSTER 'main'" in statement for statement in cluster if "INSERT INTO" not in statement)
    assert not any("CLUSTER" in statement or "Replicated" in statement for statement in single)
    back = [
        statement.replace("ON CLUSTER 'main'", "").replace("ReplicatedReplacing", "Replacing") for statement in cluster
    ]
    assert [statement.split() for statement in back] == [statement.split() for statement in single]
    assert all("= ReplicatedReplacingMergeTree(" in text for text in cluster if "CREATE TABLE" in text)


@pytest.mark.parametrize("name", ["", "a b", "x'; DROP DATABASE y", "ä"])
def test_a_name_that_is_no_cluster_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"system\.clusters"):
        EngineSettings(name)


def test_a_database_name_is_quoted() -> None:
    assert create_database("wk") == "CREATE DATABASE IF NOT EXISTS `wk`"
    assert create_database("a`b", EngineSettings("c")) == "CREATE DATABASE IF NOT EXISTS `a\\`b` ON CLUSTER 'c'"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["f0001_a", "f0003_c"], "0003_c.sql: number 0003 follows 0001; number it 0002"),
        (["f0002_b"], "0002_b.sql: number 0002 follows 0000; number it 0001"),
        (["f0001_a", "f0001_b"], "0001_b.sql: number 0001 stands twice; number it 0002"),
        (["f0001_a", "fextra"], "extra.sql: name it like 0001_events.sql, four digits and small letters"),
        (["f1_a"], "1_a.sql: name it like 0001_events.sql, four digits and small letters"),
    ],
)
def test_a_folder_with_a_gap_is_refused(tmp_path: Path, names: list[str], message: str) -> None:
    folder(tmp_path, **dict.fromkeys(names, "SELECT 1"))
    with pytest.raises(MigrationError) as caught:
        load(tmp_path)
    assert str(caught.value) == message


def test_windows_line_ends_do_not_change_a_checksum(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_bytes(b"SELECT 1\n;\n")
    unix = load(tmp_path)
    (tmp_path / "0001_a.sql").write_bytes(b"SELECT 1\r\n;\r\n")
    assert load(tmp_path) == unix
    (tmp_path / "0001_a.sql").write_bytes(b"SELECT 1;\n")
    assert load(tmp_path)[0].checksum != unix[0].checksum


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "SELECT $engine",
            "0001_a.sql: $engine is no known placeholder; use $replacing, $on_cluster, or $$ for a dollar",
        ),
        ("SELECT '$'", "0001_a.sql: Invalid placeholder in string: line 1, col 9; write $$ for a dollar sign"),
        ("SELECT 1;\nSELECT 'a", "0001_a.sql: line 2: ' begins here and never ends; close it"),
    ],
)
def test_a_file_that_cannot_be_rendered_is_named(text: str, message: str) -> None:
    with pytest.raises(MigrationError) as caught:
        Migration("0001_a.sql", text).statements()
    assert str(caught.value).startswith(message)


def test_a_dollar_sign_can_be_written() -> None:
    assert Migration("0001_a.sql", "SELECT '$$1' -- $not, $$\n").statements() == ["SELECT '$1'"]


ONE, TWO, THREE = (Migration(f"000{number}_x.sql", f"SELECT {number}") for number in (1, 2, 3))


def have(*migrations: Migration) -> dict[str, str]:
    return {migration.name: migration.checksum for migration in migrations}


def test_what_is_not_applied_yet_is_pending_in_order() -> None:
    assert pending({}, [ONE, TWO]) == [ONE, TWO]
    assert pending(have(ONE), [ONE, TWO, THREE]) == [TWO, THREE]
    assert pending(have(ONE, TWO), [ONE, TWO]) == []


def test_a_changed_file_is_refused_with_the_fix() -> None:
    changed = Migration(ONE.name, "SELECT 11")
    with pytest.raises(MigrationError) as caught:
        pending(have(ONE, TWO), [changed, TWO])
    assert str(caught.value) == (
        f"0001_x.sql has changed since it was applied (then {ONE.checksum[:12]}, now {changed.checksum[:12]}): "
        "restore the file, and put the change into a new one numbered 0003"
    )


def test_a_database_newer_than_the_code_is_refused() -> None:
    with pytest.raises(MigrationError) as caught:
        pending(have(ONE, TWO, THREE), [ONE])
    assert str(caught.value) == (
        "the database has 0002_x.sql, 0003_x.sql, which this version of Watchkeeper does not know: "
        "it was migrated by a later version; upgrade Watchkeeper here"
    )


def test_a_hole_in_what_was_applied_is_refused() -> None:
    with pytest.raises(MigrationError, match=r"^the database has 0003_x\.sql but not 0002_x\.sql"):
        pending(have(ONE, THREE), [ONE, TWO, THREE])


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        (" ;; \n;", []),
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1; SELECT 2;\n", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';' ; SELECT ';;'", ["SELECT ';'", "SELECT ';;'"]),
        (
            "SELECT 'it''s;', 'a\\';', \"b;\"\";\", `c;\\`;`; x",
            ["SELECT 'it''s;', 'a\\';', \"b;\"\";\", `c;\\`;`", "x"],
        ),
        ("-- a; b's\nSELECT 1 -- c;\n;# d;\n#! e;\nSELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT /* a; ' */ 1; /* only a comment */;", ["SELECT   1"]),
        ("SELECT 5 - 3 / 2, '--not', '/*not*/'", ["SELECT 5 - 3 / 2, '--not', '/*not*/'"]),
        ("SELECT 'two\nlines;'; x", ["SELECT 'two\nlines;'", "x"]),
    ],
)
def test_statements_end_at_semicolons_outside_of_quotes_and_comments(text: str, statements: list[str]) -> None:
    assert split_statements(text) == statements


@pytest.mark.parametrize(("text", "line"), [("'a;", 1), ("SELECT 1;\n\n`b", 3), ("/* c", 1), ('-- ok\n"d\\"', 2)])
def test_what_is_never_closed_is_named_with_its_line(text: str, line: int) -> None:
    with pytest.raises(UnclosedError) as caught:
        split_statements(text)
    assert caught.value.line == line


pieces = st.sampled_from(["SELECT 1", "'a;b'", '"c;d"', "`e;f`", "x'it''s;'y", "'\\';'"])


@given(st.lists(st.lists(pieces, min_size=1, max_size=4).map(" ".join), max_size=5))
def test_statements_that_are_joined_come_apart_again(statements: list[str]) -> None:
    assert split_statements(";\n".join(statements)) == statements
    assert split_statements("; -- c;'\n".join(statements)) == statements
