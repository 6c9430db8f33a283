"""JSON Schemas in the options of graders: of an agent's tools, or of an answer."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from watchkeeper.stream_processors.detection.tools import ToolRegistry


def read_json(path: str | Path) -> Any:
    """What a JSON file holds.

    Raises:
        ValueError: it cannot be read, or is no JSON; the message names the file and the remedy.
    """
    try:
        return orjson.loads(Path(path).read_bytes())
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}): correct the path") from error
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{path} is no JSON ({error}): correct it") from error


def read_tools(options: Any) -> Any:
    """Options in which `tools_file` is replaced by the `tools` that the file holds.

    So the tools' digest is part of the grader's version, not the file's name.

    Raises:
        ValueError: both are given, or the file cannot be used.
    """
    return replace_file(options, "tools_file", "tools")


def replace_file(options: Any, file_option: str, option: str) -> Any:
    """Options in which a file's name is replaced by what it holds; raises as `read_tools`."""
    if not isinstance(options, dict) or file_option not in options:
        return options
    if option in options:
        raise ValueError(f"{file_option} and {option} are both given: leave one out")
    rest = {key: value for key, value in options.items() if key != file_option}
    return {**rest, option: read_json(options[file_option])}


def checked_tools(tools: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
    """The tools, if all of them can be used.

    Raises:
        ValueError: one has no name, or a schema that cannot be compiled.
    """
    registry = registry_of(orjson.dumps(tools))
    if registry.unreadable:
        raise ValueError(f"{registry.unreadable} entries are no tools: write {{name: …, parameters: JSON Schema}}")
    for name in registry.names:
        registry.validator(name)
    for name, why in registry.unusable.items():
        raise ValueError(f"the schema of the tool {name} cannot be compiled ({why}): correct it")
    return tools


@lru_cache(maxsize=64)
def registry_of(tools: bytes) -> ToolRegistry:
    """Tools with their schemas, compiled once."""
    return ToolRegistry(orjson.loads(tools))


@lru_cache(maxsize=64)
def validator_of(schema: bytes) -> jsonschema_rs.Validator:
    """A schema, compiled once.

    Raises:
        ValueError: it is none, or refers out of itself.
    """
    registry = ToolRegistry([{"name": "answer", "parameters": orjson.loads(schema)}])
    validator = registry.validator("answer")
    if validator is None:
        raise ValueError(f"the schema cannot be compiled ({registry.unusable.get('answer', 'it is null')}): correct it")
    return validator
