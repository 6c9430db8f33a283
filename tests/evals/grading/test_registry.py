"""Graders by name: what configuration may say, and what is said about its mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from watchkeeper.evals.grading import registry
from watchkeeper.evals.grading.configured import ConfiguredGrader
from watchkeeper.evals.grading.registry import GRADERS, build_grader, build_graders
from watchkeeper.schemas.errors import ConfigurationError

OPTIONS: dict[str, dict[str, Any]] = {
    "contains": {"all_of": ["x"]},
    "regex": {"pattern": "x"},
    "schema": {"answer": {"type": "object"}},
}


@pytest.mark.parametrize("name", sorted(GRADERS))
def test_every_name_makes_its_grader(name: str) -> None:
    made = registry._maker(name)
    if isinstance(made, type) and issubclass(made, ConfiguredGrader):
        grader = build_grader({"name": name, **OPTIONS.get(name, {})})
        assert grader.name == name
        assert grader.version
        assert "@" not in grader.version


def test_options_are_part_of_the_version_defaults_are_not() -> None:
    plain, same, other = build_graders(["fuzzy_match", "fuzzy_match:bar=0.7", {"name": "fuzzy_match", "bar": 0.8}])
    assert plain.version == same.version == "1"
    assert other.version.startswith("1.")


def test_one_line_holds_options_with_and_without_braces() -> None:
    one, other = build_graders(["contains:all_of=[refund]", "contains:{all_of: [refund], any_of: []}"])
    assert one == other


def test_graders_of_one_s_own_are_named_by_module() -> None:
    grader = build_grader("watchkeeper.evals.grading.answers:FuzzyMatch:bar=1")
    assert grader.name == "fuzzy_match"
    assert grader == build_grader({"name": "watchkeeper.evals.grading.answers:FuzzyMatch", "bar": 1})


def test_schemas_come_from_files_and_their_content_is_the_version(tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    one.write_bytes(orjson.dumps([{"name": "look_up", "parameters": {"type": "object"}}]))
    other.write_bytes(one.read_bytes())
    assert build_grader(f"tool_use:tools_file={one}").version == build_grader(f"tool_use:tools_file={other}").version
    other.write_bytes(orjson.dumps([{"name": "look_up", "parameters": {"type": "array"}}]))
    assert build_grader(f"tool_use:tools_file={one}").version != build_grader(f"tool_use:tools_file={other}").version


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("fuzy_match", "no grader is named 'fuzy_match': did you mean fuzzy_match?"),
        ("politeness", "there are contains, escalation"),
        ({"bar": 1}, "a grader has no name .its keys are bar.: add `name"),
        ("fuzzy_match:bra=1", "grader fuzzy_match: it has no option 'bra' .its options: method, bar"),
        ("fuzzy_match:bar=high", "grader fuzzy_match: bar: Input should be a valid number"),
        ("fuzzy_match:bar=2", "bar: Input should be less than or equal to 1"),
        ("fuzzy_match:bar", "'bar' is no option: write name:option=value"),
        ("contains:all_of=[a,b]", "write all options in braces"),
        ("contains:{a}}", "is no value|no options"),
        ("contains", "name phrases in all_of, any_of or none_of"),
        ("contains:all_of=['...']", "has neither words nor numbers"),
        ("regex:{pattern: '(?=a)'}", "no expression of RE2"),
        ("schema", "name a schema: answer, answer_file, tools or tools_file"),
        ("schema:answer_file=/no/such/file", "cannot be read .No such file or directory.: correct the path"),
        ("schema:{answer: {type: nothing}}", "the schema cannot be compiled"),
        ("tool_use:{tools: [{title: x}]}", "1 entries are no tools"),
        ("tool_use:{tools: [{name: x, parameters: {type: 3}}]}", "the schema of the tool x cannot be compiled"),
        ("tool_use:{tools: [], tools_file: x}", "tools_file and tools are both given"),
        ("no.such_module:Grader", "there is no module no: install it, or correct it"),
        ("watchkeeper.evals.grading.answers:Nope", "has no Nope: correct the name"),
        ("pathlib.Path:{}", "there is no module pathlib.Path|has no"),
        ("collections.abc:Sized", "does not take these options|has no name"),
        ("datetime.datetime:min", "there is no module datetime.datetime"),
    ],
)
def test_mistakes_are_told_with_the_remedy(entry: Any, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        build_grader(entry)
