"""Graders by name, from configuration or arguments.

An entry is a name (`groundedness`), a mapping with options (`{name: fuzzy_match, bar: 0.9}`), or the same on one line
for command lines (`fuzzy_match:bar=0.9,method=token_f1`, or with braces where values have commas:
`contains:{none_of: [refund, credit]}`). A name with a dot, `my.module:Name`, is a grader of one's own: whatever is
called with the options and returns a `Grader`.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias, cast

import yaml
from pydantic import BaseModel, ValidationError

from watchkeeper.evals.grading.grade import Grader
from watchkeeper.schemas.errors import ConfigurationError

Entry: TypeAlias = str | Mapping[str, Any]

_GRADING: Final = "watchkeeper.evals.grading"
GRADERS: Final[dict[str, str]] = {
    "contains": f"{_GRADING}.answers:Contains",
    "escalation": f"{_GRADING}.handovers:Escalation",
    "exact_match": f"{_GRADING}.answers:ExactMatch",
    "fuzzy_match": f"{_GRADING}.answers:FuzzyMatch",
    "groundedness": f"{_GRADING}.groundedness:Groundedness",
    "llm_judge": "watchkeeper.evals.judging.configured:llm_judge",
    "policy_findings": f"{_GRADING}.findings_weighed:PolicyFindings",
    "regex": f"{_GRADING}.answers:Regex",
    "schema": f"{_GRADING}.schema_validity:Schema",
    "statistical": f"{_GRADING}.statistical.grader:StatisticalGrader",
    "tool_trajectory": f"{_GRADING}.trajectories:ToolTrajectory",
    "tool_use": f"{_GRADING}.tool_use:ToolUseQuality",
}
"""Where each grader is, `module:attribute`: loaded with the first use, since some need packages of an extra."""


def build_graders(entries: Iterable[Entry]) -> tuple[Grader, ...]:
    """The graders that are asked for, in order.

    Raises:
        ConfigurationError: a name that no grader has, options that it does not have, or a module that is not there; the
            message names the entry and the remedy.
    """
    return tuple(build_grader(entry) for entry in entries)


def build_grader(entry: Entry) -> Grader:
    """One grader; raises as `build_graders`."""
    name, options = _parsed(entry)
    made = _maker(name)
    try:
        if isinstance(made, type) and issubclass(made, BaseModel):
            # In configuration files lists and numbers are what they look like: `1` is good for 1.0, a list for a tuple.
            grader: Any = made.model_validate(options, strict=False)
        else:
            grader = made(**options)
    except ValidationError as error:
        raise ConfigurationError(f"grader {name}: {_told(error, made)}") from error
    except TypeError as error:
        raise ConfigurationError(f"grader {name} does not take these options: {error}") from error
    missing = [part for part in ("name", "version", "applies", "grade") if not hasattr(grader, part)]
    if missing:
        raise ConfigurationError(
            f"grader {name}: what it made has no {', '.join(missing)}: see `watchkeeper.evals.grading.grade.Grader`"
        )
    return cast("Grader", grader)


def _parsed(entry: Entry) -> tuple[str, dict[str, Any]]:
    if isinstance(entry, str):
        return _parsed_line(entry)
    options = dict(entry)
    name = options.pop("name", None)
    if not isinstance(name, str) or not name:
        raise ConfigurationError(f"a grader has no name (its keys are {', '.join(options) or 'none'}): add `name: …`")
    return name, options


def _parsed_line(line: str) -> tuple[str, dict[str, Any]]:
    name, _, rest = line.strip().partition(":")
    if "." in name:
        attribute, _, rest = rest.partition(":")
        name = f"{name}:{attribute}"
    if rest.startswith("{"):
        return name, _mapping(line, rest)
    options: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in rest.split(","))):
        key, equals, value = part.partition("=")
        if not equals:
            raise ConfigurationError(f"grader {line!r}: {part!r} is no option: write name:option=value,option=value")
        options[key.strip()] = _value(line, value)
    return name, options


def _mapping(line: str, text: str) -> dict[str, Any]:
    options = _value(line, text)
    if not isinstance(options, dict) or not all(isinstance(key, str) for key in options):
        raise ConfigurationError(f"grader {line!r}: what stands in braces are no options: write {{option: value}}")
    return options


def _value(line: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(
            f"grader {line!r}: {text!r} is no value: quote it, or write all options in braces, {{option: value}}"
        ) from error


def _maker(name: str) -> Any:
    place = name if ":" in name else GRADERS.get(name)
    if place is None:
        near = difflib.get_close_matches(name, GRADERS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(GRADERS))}"
        raise ConfigurationError(f"no grader is named {name!r}: {hint} Graders of your own are `module:Name`.")
    module, _, attribute = place.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if name in GRADERS and error.name != module:
            raise
        raise ConfigurationError(
            f"grader {name}: there is no module {error.name}: install it, or correct it"
        ) from error
    except AttributeError as error:
        raise ConfigurationError(f"grader {name}: the module {module} has no {attribute}: correct the name") from error


def _told(error: ValidationError, made: type[BaseModel]) -> str:
    faults = []
    for each in error.errors(include_url=False):
        field = ".".join(map(str, each["loc"]))
        if each["type"] == "extra_forbidden":
            there = ", ".join(made.model_fields) or "none"
            faults.append(f"it has no option {field!r} (its options: {there})")
        else:
            faults.append(f"{field}: {each['msg']}" if field else each["msg"])
    return "; ".join(faults)
