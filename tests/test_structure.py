"""What keeps the code readable: short modules, short functions, and a reason beside each check that is silenced."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = ("benchmarks", "cli", "dashboards", "evals", "producers", "schemas", "stream_processors")

MODULE_LINES = 300
FUNCTION_LINES = 40
"""Of what a function does: neither its signature nor its docstring counts, which are what its callers read."""

TEST_MODULE_LINES = 450
TEST_FUNCTION_LINES = 60
"""A table of cases, or a whole story told in one place, is easier to read than its parts."""

SILENCED = re.compile(r"#\s*(?:noqa|type: ignore)\b")
CODES = re.compile(r"noqa(?:: ?[A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)*)?|type: ignore(?:\[[a-z, -]+\])?")
WORD = re.compile(r"[A-Za-z]{2}")


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def place(path: Path, line: int | None = None) -> str:
    return path.relative_to(ROOT).as_posix() + ("" if line is None else f":{line}")


def too_long(path: Path, most: int) -> list[str]:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    return [f"{place(path)} has {lines} lines of {most}"] if lines > most else []


def long_functions(source: str, most: int) -> Iterator[tuple[int, str, int]]:
    """Line, name and length of each function that does too much."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        done = node.body[1:] if ast.get_docstring(node) is not None else node.body
        lines = (node.end_lineno or 0) - done[0].lineno + 1 if done else 0
        if lines > most:
            yield node.lineno, node.name, lines


def without_a_reason(source: str) -> Iterator[int]:
    """Lines on which a check is silenced and nobody says why: beside it, or in a comment above it and its like."""
    if not SILENCED.search(source):
        return
    comments = {
        token.start[0]: token
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    silenced = {line for line, token in comments.items() if SILENCED.search(token.string)}
    for line in sorted(silenced):
        above = line - 1
        while above in silenced:
            above -= 1
        told_above = above in comments and comments[above].line.lstrip().startswith("#")
        if not told_above and not WORD.search(CODES.sub("", comments[line].string)):
            yield line


def test_modules_are_short() -> None:
    assert [fault for path in sources(*PRODUCT) for fault in too_long(path, MODULE_LINES)] == []


def test_modules_of_tests_are_not_long() -> None:
    assert [fault for path in sources("tests") for fault in too_long(path, TEST_MODULE_LINES)] == []


@pytest.mark.parametrize(
    ("folders", "most"), [(PRODUCT, FUNCTION_LINES), (("tests",), TEST_FUNCTION_LINES)], ids=["code", "tests"]
)
def test_functions_are_short(folders: tuple[str, ...], most: int) -> None:
    assert [
        f"{place(path, line)} {name} has {lines} lines of {most}"
        for path in sources(*folders)
        for line, name, lines in long_functions(path.read_text(encoding="utf-8"), most)
    ] == []


def test_a_check_that_is_silenced_has_a_reason_beside_it() -> None:
    assert [
        place(path, line)
        for path in sources(*PRODUCT, "tests")
        for line in without_a_reason(path.read_text(encoding="utf-8"))
    ] == []


def test_a_long_function_is_found_wherever_it_stands() -> None:
    signature = "class A:\n    async def f(\n        self,\n    ):\n"
    source = signature + "        '''Long.\n\n        Text.'''\n" + "        x = 1\n" * 4
    assert list(long_functions(source, 3)) == [(2, "f", 4)]
    assert list(long_functions(source, 4)) == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("x = 1  # noqa: E741\n", [1]),
        ("x = 1  # noqa: E741 - a name of the formula\n", []),
        ("x = 1  # noqa: E741, F841 # a name of the formula\n", []),
        ("x = f()  # type: ignore[arg-type]\n", [1]),
        ("x = f()  # type: ignore[arg-type] # the stub is wrong\n", []),
        ("# The stub is wrong.\nx = f()  # type: ignore[arg-type]\ny = f()  # type: ignore[arg-type]\n", []),
        ("x = 1  # one\ny = f()  # type: ignore[arg-type]\n", [2]),
        ("x = '# noqa: E741'\n", []),
        ("x = f()  # noqa: E741  # type: ignore[arg-type]\n", [1]),
    ],
)
def test_what_counts_as_a_reason(source: str, lines: list[int]) -> None:
    assert list(without_a_reason(source)) == lines
