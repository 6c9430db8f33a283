"""Policies out of YAML files, with every mistake told at once: file, line, field, what is wrong, and the remedy.

A file is read as JSON would be: nothing is coerced, and an unknown field is a mistake. `docs/policies.md` tells every
field.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from watchkeeper.schemas.errors import PolicyError, PolicyFault
from watchkeeper.schemas.field_faults import annotation_at, is_boolean_word, read_as_boolean, sentence
from watchkeeper.schemas.json_text import dump_json
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.policy_contradictions import contradictions
from watchkeeper.schemas.policy_limits import over_the_limits
from watchkeeper.schemas.policy_masking import STRICT
from watchkeeper.schemas.yaml_document import (
    HALF_A_PAIR,
    Document,
    Path,
    Problem,
    half_a_pair,
    read_document,
    spell,
)

MAX_POLICY_BYTES = 256 * 1024
"""A policy file that is larger is refused unread."""


@dataclass(frozen=True, slots=True)
class WrittenPolicy:
    """A policy, and where its fields were written.

    Attributes:
        policy: the policy.
        document: the YAML that it was read from.
    """

    policy: AgentPolicy
    document: Document


def load_policy(path: FilePath | str) -> AgentPolicy:
    """Read the policy of one agent from a YAML file.

    Raises:
        PolicyError: the file cannot be read or the policy is wrong. `problems` holds every mistake, each as
            `file:line: field.path: what is wrong, and the remedy`, in the order of the lines; `faults` holds the same
            in parts, with columns.
    """
    return read_policy(_bytes_of(FilePath(path)), str(path)).policy


def read_policy(raw: bytes, name: str) -> WrittenPolicy:
    """The policy in a YAML text.

    Args:
        raw: the text, in UTF-8.
        name: what stands in place of the file's name in problems.

    Raises:
        PolicyError: see `load_policy`.
    """
    if len(raw) > MAX_POLICY_BYTES:
        raise _of_file(name, f"is larger than {MAX_POLICY_BYTES} bytes; a policy is short, shorten it")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise _of_file(name, "is not UTF-8 here; save it as UTF-8", line, column) from error
    document = read_document(text)
    return WrittenPolicy(_policy(document, lambda problem: f"{name}:{problem.line}"), document)


def policy_from_mapping(mapping: Mapping[str, Any]) -> AgentPolicy:
    """A policy from a mapping as a YAML or JSON file would give it.

    Raises:
        PolicyError: see `load_policy`; `policy` stands in place of file and line.
    """
    document = Document()
    document.value = _json_value(dict(mapping), (), document)
    return _policy(document, lambda _: "policy")


def _policy(document: Document, place: Callable[[Problem], str]) -> AgentPolicy:
    problems = list(document.problems)
    if isinstance(document.value, dict):
        try:
            policy = AgentPolicy.model_validate_json(dump_json(document.value), context={STRICT: True})
        except ValidationError as error:
            problems += _validation_problems(error, document)
        problems += _silent_booleans(document)
        if not problems:
            problems += _problems_of_the_whole(policy, document)
        if not problems:
            return policy
    elif not problems:
        problems.append(_no_mapping(document.value))
    problems.sort(key=lambda problem: problem.line)
    raise PolicyError(
        [f"{place(problem)}: {spell(problem.path)}: {problem.text}" for problem in problems],
        [PolicyFault(problem.line, problem.column, spell(problem.path), problem.text) for problem in problems],
    )


def _validation_problems(error: ValidationError, document: Document) -> list[Problem]:
    problems = []
    for detail in error.errors(include_url=False):
        path: Path = detail["loc"]
        if path[-1:] == ("[key]",):
            path = path[:-1]
        # What could not be read has been told already, and so has what follows from it further out.
        follows = detail["type"] == "value_error" and any(one[: len(path)] == path for one in document.unread)
        if path not in document.unread and not follows:
            spot = document.spots.get(path)
            text = sentence(detail, path, spot, model=AgentPolicy, guide="docs/policies.md")
            problems.append(document.problem(path, text))
    return problems


def _problems_of_the_whole(policy: AgentPolicy, document: Document) -> list[Problem]:
    too_much = over_the_limits(len(policy.canonical()), document.value)
    if too_much is not None:
        return [Problem(1, (), too_much)]
    return [document.problem(path, text) for path, text in contradictions(policy)]


def _silent_booleans(document: Document) -> list[Problem]:
    """Where anything may stand, `no` would silently become false."""
    return [
        document.problem(path, f'{read_as_boolean(spot.plain)}; write "{spot.plain}" in quotes, or true or false')
        for path, spot in document.spots.items()
        if spot.plain is not None and is_boolean_word(spot.plain) and annotation_at(path, AgentPolicy) is Any
    ]


def _no_mapping(value: Any) -> Problem:
    if value is None:
        return Problem(1, (), "is empty; begin with `agent: ` and the agent's id")
    got = "a list" if isinstance(value, list) else "a single value"
    return Problem(1, (), f"is {got}, and a policy is a mapping; begin with `agent: ` and the agent's id")


def _bytes_of(path: FilePath) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_POLICY_BYTES + 1)
    except OSError as error:
        raise _of_file(str(path), f"cannot be read ({error.strerror}); check path and rights") from error


def _of_file(name: str, text: str, line: int = 1, column: int = 1) -> PolicyError:
    return PolicyError([f"{name}:{line}: file: {text}"], [PolicyFault(line, column, "file", text)])


def _json_value(value: Any, path: Path, document: Document) -> Any:
    if isinstance(value, dict):
        strange = [key for key in value if not isinstance(key, str)]
        for key in strange:
            document.problems.append(Problem(1, path, f"the key {key!r} is no text; write it in quotes"))
        return {key: _json_value(item, (*path, key), document) for key, item in value.items() if isinstance(key, str)}
    if isinstance(value, list):
        return [_json_value(item, (*path, index), document) for index, item in enumerate(value)]
    if isinstance(value, str) and half_a_pair(value):
        document.unreadable(path, HALF_A_PAIR)
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        document.unreadable(path, f"{value} is no usable number; leave the field out where there is no limit")
        return 0
    if value is not None and not isinstance(value, str | bool | int | float):
        document.unreadable(path, f"a {type(value).__name__} is no JSON; write a text, a number, a list or a mapping")
        return None
    return value
