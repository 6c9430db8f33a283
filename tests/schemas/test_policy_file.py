"""Policy files: what is read, what is refused as a whole, and what the documentation promises."""

from __future__ import annotations

import datetime as dt
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.errors import ConfigurationError, PolicyError
from watchkeeper.schemas.policy import DEFAULT_CAPS, AgentPolicy, Caps, default_policy
from watchkeeper.schemas.policy_file import MAX_POLICY_BYTES, load_policy, policy_from_mapping
from watchkeeper.schemas.yaml_document import MAX_DEPTH

DOCS = Path(__file__).parents[2] / "docs" / "policies.md"


def problems_of(folder: Path, text: str | bytes) -> list[str]:
    """What `load_policy` says of this text, without the folder."""
    path = folder / "policy.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return [problem.replace(f"{folder}/", "") for problem in caught.value.problems]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_policy(tmp_path / "none.yaml")
    expected = f"{tmp_path}/none.yaml:1: file: cannot be read (No such file or directory); check path and rights"
    assert str(caught.value) == expected


def test_a_file_that_is_not_utf8_names_the_line(tmp_path: Path) -> None:
    expected = ["policy.yaml:2: file: is not UTF-8 here; save it as UTF-8"]
    assert problems_of(tmp_path, "agent: a\nversion: ä\n".encode("latin-1")) == expected


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"\xef\xbb\xbfagent: a\r\nversion: x\r\n")
    assert load_policy(path) == AgentPolicy(agent="a", version="x")


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    text = b"agent: a\n#" + b"x" * MAX_POLICY_BYTES
    expected = ["policy.yaml:1: file: is larger than 262144 bytes; a policy is short, shorten it"]
    assert problems_of(tmp_path, text) == expected


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 250, 20_000])
def test_deep_nesting_is_an_error_and_no_crash(tmp_path: Path, depth: int) -> None:
    text = "agent: a\ncheckpoints: " + "[" * depth + "]" * depth
    assert all("nested too deeply" in problem or "stands where" in problem for problem in problems_of(tmp_path, text))


def test_a_file_that_says_all_is_read(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("agent: a\nallow_unlisted_tools: no\ncaps: {tokens: 1_000, tool_calls: null}\n")
    policy = load_policy(path)
    assert policy.allow_unlisted_tools is False
    assert policy.caps == Caps(
        tool_calls=None,
        tokens=1000,
        wall_clock_seconds=DEFAULT_CAPS.wall_clock_seconds,
        cost_usd=DEFAULT_CAPS.cost_usd,
    )


def test_a_mapping_is_read_like_a_file() -> None:
    assert policy_from_mapping({"agent": "a", "caps": {"cost_usd": 1}}) == AgentPolicy(
        agent="a", caps=Caps(cost_usd=1.0)
    )
    assert policy_from_mapping(default_policy("a").model_dump()) == default_policy("a")


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ({}, ["policy: agent: missing; add `agent`"]),
        (
            {"agent": "a", "caps": {"tokens": "5"}},
            ['policy: caps.tokens: "5" in quotes is text; remove the quotes'],
        ),
        (
            {"agent": 5},
            ["policy: agent: the number 5 stands where text is wanted; write text"],
        ),
        ({"agent": "a", 1: 2}, ["policy: document: the key 1 is no text; write it in quotes"]),
        (
            {"agent": "a", "caps": {"cost_usd": math.inf}},
            ["policy: caps.cost_usd: inf is no usable number; leave the field out where there is no limit"],
        ),
        (
            {"agent": "a", "version": dt.date(2026, 1, 1)},
            ["policy: version: a date is no JSON; write a text, a number, a list or a mapping"],
        ),
    ],
)
def test_a_mapping_has_its_mistakes_told(mapping: dict[Any, Any], expected: list[str]) -> None:
    with pytest.raises(PolicyError) as caught:
        policy_from_mapping(mapping)
    assert caught.value.problems == expected


FORMS = ["{}", "agent: {}\n", "agent: a\ncaps: {}\n", "agent: a\ntools:\n  {}: {}\n"]


@given(st.text(max_size=80), st.sampled_from(FORMS))
def test_any_text_is_a_policy_or_a_list_of_problems(
    tmp_path_factory: pytest.TempPathFactory, text: str, form: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(form.replace("{}", text), errors="surrogatepass", newline="")
    problems: list[str] = []
    try:
        policy = load_policy(path)
    except PolicyError as error:
        problems = error.problems
    else:
        assert AgentPolicy.model_validate_json(policy.canonical()) == policy
    assert all(re.match(rf"{re.escape(str(path))}:\d+: .+: .+", problem, re.DOTALL) for problem in problems)


def test_the_documented_example_loads_and_names_every_field(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    path = tmp_path / "policy.yaml"
    path.write_text(blocks[0])
    policy = load_policy(path)
    written = policy.model_dump(exclude_unset=True)
    assert set(written) == set(AgentPolicy.model_fields)
    for name in ("caps", "goal", "budgets", "thresholds", "retrieval"):
        # Each of these fields is a model of its own.
        assert set(written[name]) == set(AgentPolicy.model_fields[name].annotation.model_fields)  # type: ignore[union-attr]


def test_every_field_is_documented() -> None:
    text = DOCS.read_text()
    missing = [name for name in _field_names(AgentPolicy.model_json_schema()) if f"`{name}`" not in text]
    assert missing == []


def _field_names(schema: dict[str, Any]) -> set[str]:
    names = set(schema.get("properties", {}))
    for definition in schema.get("$defs", {}).values():
        names |= set(definition.get("properties", {}))
    return names


def test_the_documented_messages_are_the_real_ones(tmp_path: Path) -> None:
    said = re.findall(r"^support\.yaml:\d+: (.*)$", DOCS.read_text(), re.MULTILINE)
    text = "agent: a\nmode: off\ncaps: {tool_call: 5}\ntools: {refund: {bounds: {amount: {minimum: 50, maximum: 5}}}}\n"
    assert said == [problem.split(": ", 1)[1] for problem in problems_of(tmp_path, text)]


def test_half_a_surrogate_pair_is_a_mistake_and_no_crash(tmp_path: Path) -> None:
    said = problems_of(tmp_path, 'agent: "\\uD800"\ngoal: {"\\uDFFF": 1}\n')
    assert [one.split(": ")[:2] for one in said] == [["policy.yaml:1", "agent"], ["policy.yaml:2", "goal"]]
    assert all("half a surrogate pair" in one for one in said)
    with pytest.raises(PolicyError, match="version: half a surrogate pair"):
        policy_from_mapping({"agent": "a", "version": "\ud800"})


@pytest.mark.parametrize(
    ("tools", "says"),
    [
        ({f"t{i}": {"bounds": {"a": {"pattern": "x"}}} for i in range(65)}, "65 regular expressions: write at most 64"),
        ({"t": {"require": [{"condition": "args.a"}] * 257}}, "257 conditions: write at most 256"),
        ({f"t{i:04}": {} for i in range(6000)}, "more than 1048576 bytes"),
    ],
)
def test_more_than_a_worker_would_read_is_refused_when_the_file_is_read(tools: dict[str, Any], says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        policy_from_mapping({"agent": "a", "tools": tools})
