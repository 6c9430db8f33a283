"""What the registered tools say of a policy: schemas that take anything, and names that only one of the two knows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Any, Final

import orjson

from watchkeeper.cli.policies.advice import Advice
from watchkeeper.schemas.argument_paths import parse_path
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.policy import AgentPolicy, ToolPolicy
from watchkeeper.schemas.yaml_document import Path
from watchkeeper.stream_processors.detection.tools import ToolRegistry

MAX_TOOLS_BYTES: Final = 16 * 1024 * 1024
_MAX_DEPTH: Final = 8


def read_tools(path: FilePath) -> ToolRegistry:
    """The tools in a JSON file: a list of `{name, parameters}`, or as OpenAI's and Anthropic's clients take them.

    Raises:
        ConfigurationError: the file cannot be read, or is no such list.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_TOOLS_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}): check path and rights") from error
    if len(raw) > MAX_TOOLS_BYTES:
        raise ConfigurationError(f"{path} is larger than {MAX_TOOLS_BYTES} bytes: no list of tools is")
    try:
        listed: Any = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ConfigurationError(f"{path} is no JSON ({error}): give a list of {{name, parameters}}") from error
    if isinstance(listed, dict):
        listed = listed.get("tools")
    if not isinstance(listed, list):
        raise ConfigurationError(f"{path} holds no list of tools: give a list of {{name, parameters}}")
    registry = ToolRegistry(listed)
    if registry.unreadable:
        raise ConfigurationError(
            f"{path}: {registry.unreadable} of {len(listed)} entries are no tool: give each a name and parameters"
        )
    return registry


def advice_on_schemas(policy: AgentPolicy, registry: ToolRegistry) -> Iterator[Advice]:
    """What the schemas of the tools that may be called show."""
    for name in policy.tools:
        if name not in registry:
            near = registry.nearest(name, 1)
            said = f"; did you mean {near[0]}?" if near else ": remove it, or register it"
            yield Advice("tool_unregistered", ("tools", name), f"no such tool is registered{said}")
    for name in registry.names:
        tool = policy.tools.get(name)
        if tool is None and not policy.allow_unlisted_tools:
            continue
        path: Path = ("tools",) if tool is None else ("tools", name)
        yield from _on_schema(name, registry, path)
        if tool is not None:
            yield from _on_arguments(name, tool, registry)


def _on_schema(name: str, registry: ToolRegistry, path: Path) -> Iterator[Advice]:
    registry.validator(name)
    if name in registry.unusable:
        yield Advice("tool_schema_open", path, f"the schema of {name} does not compile, so no call of it can be judged")
        return
    place = _open_place(registry.schemas[name], registry.schemas[name], "", 0)
    if place is not None:
        where = f" at {place}" if place else ""
        yield Advice(
            "tool_schema_open",
            path,
            f"the schema of {name} takes arguments that it does not name{where}: add additionalProperties: false",
        )


def _open_place(schema: Any, root: Any, place: str, depth: int) -> str | None:
    """Where a schema takes an object with any key; None where it does nowhere."""
    if schema is None or schema is True or depth > _MAX_DEPTH:
        return None if depth > _MAX_DEPTH else place
    if not isinstance(schema, dict):
        return None
    reference = schema.get("$ref")
    if isinstance(reference, str):
        found = _referred(reference, root)
        return _open_place(found, root, place, depth + 1) if isinstance(found, dict) else None
    if _is_open(schema, top=depth == 0):
        return place
    below = itertools.chain(
        ((f"{place}/{key}", inner) for key, inner in (schema.get("properties") or {}).items()),
        [(f"{place}/*", schema["items"])] if isinstance(schema.get("items"), dict) else [],
        ((place, inner) for word in ("anyOf", "oneOf") for inner in schema.get(word, ())),
    )
    for at, inner in below:
        if isinstance(inner, dict) and (said := _open_place(inner, root, at, depth + 1)) is not None:
            return said
    return None


def _referred(reference: str, root: Any) -> Any:
    """What a reference within the schema leads to; None for any other."""
    if not reference.startswith("#/"):
        return None
    found: Any = root
    for step in reference[2:].split("/"):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _is_open(schema: dict[str, Any], *, top: bool) -> bool:
    if any(word in schema for word in ("anyOf", "oneOf", "allOf")) and "properties" not in schema:
        return False
    kind = schema.get("type")
    is_object = kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in schema
    if not is_object:
        return top and kind is None and "enum" not in schema and "const" not in schema
    return schema.get("additionalProperties", True) is not False and schema.get("unevaluatedProperties") is not False


def _on_arguments(name: str, tool: ToolPolicy, registry: ToolRegistry) -> Iterator[Advice]:
    known = registry.known_arguments(name)
    if known is None:
        return
    for path, argument in _arguments_named(name, tool):
        first = str(parse_path(argument)[0])
        if first not in known:
            near = get_close_matches(first, known, n=1)
            said = f"did you mean {near[0]}?" if near else f"it has {', '.join(sorted(known)) or 'none'}"
            yield Advice("tool_argument_unknown", path, f"{name} has no argument {first}: {said}")


def _arguments_named(name: str, tool: ToolPolicy) -> Iterator[tuple[Path, str]]:
    at: Path = ("tools", name)
    for argument in tool.bounds:
        yield (*at, "bounds", argument), argument
    for field in ("resource", "idempotency_key", "scope_amount"):
        argument = getattr(tool, field)
        if argument is not None:
            yield (*at, field), argument
    if tool.approval is not None and tool.approval.argument is not None:
        yield (*at, "approval", "argument"), tool.approval.argument
