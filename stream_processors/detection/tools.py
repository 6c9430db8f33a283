"""The tools registered for an agent: names, and JSON Schemas compiled once."""

from __future__ import annotations

import difflib
from typing import Any

import jsonschema_rs

from watchkeeper.schemas.errors import PermanentError

MAX_TOOLS = 4096


class _NoNetwork:
    """Refuses to follow a schema reference out of its document: judging must not reach for the network."""

    def __call__(self, uri: str) -> Any:
        raise PermanentError(f"the schema refers to {uri}, which is not in it: inline the definition under $defs")


class ToolRegistry:
    """The tools of one agent version, by name.

    Attributes:
        names: in the order of registration.
        schemas: each tool's `parameters` as registered; None where it declared none.
        unusable: why a schema could not be compiled, by tool name; calls to it cannot be judged.
    """

    def __init__(self, listed: list[Any]) -> None:
        self.schemas: dict[str, dict[str, Any] | None] = {}
        self.unusable: dict[str, str] = {}
        for entry in listed[:MAX_TOOLS]:
            name, schema = _name_and_schema(entry)
            if name:
                self.schemas[name] = schema
        self.names = list(self.schemas)
        self._validators: dict[str, jsonschema_rs.Validator | None] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.schemas

    def validator(self, name: str) -> jsonschema_rs.Validator | None:
        """The compiled schema; None where the tool declared none, or one that cannot be compiled (`unusable`)."""
        if name not in self._validators:
            self._validators[name] = self._compile(name)
        return self._validators[name]

    def nearest(self, name: str, most: int = 3) -> list[str]:
        """The registered names that look most like this one, best first; edit similarity of at least 0.5."""
        folded = {known.casefold(): known for known in self.names}
        return [folded[match] for match in difflib.get_close_matches(name.casefold(), folded, n=most, cutoff=0.5)]

    def _compile(self, name: str) -> jsonschema_rs.Validator | None:
        schema = self.schemas[name]
        if schema is None:
            return None
        try:
            return jsonschema_rs.validator_for(schema, retriever=_NoNetwork())
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, PermanentError) as error:
            self.unusable[name] = str(error)[:300]
            return None


def _name_and_schema(entry: Any) -> tuple[str, dict[str, Any] | None]:
    """Reads `{name, parameters}`, and the shapes that OpenAI's and Anthropic's clients hand to models."""
    if not isinstance(entry, dict):
        return "", None
    function = entry.get("function")
    inner = function if isinstance(function, dict) else entry
    schema = inner.get("parameters", inner.get("input_schema"))
    name = inner.get("name")
    return (name if isinstance(name, str) else ""), (schema if isinstance(schema, dict) else None)
