"""The tools registered for an agent: names, and JSON Schemas compiled once."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from watchkeeper.schemas.errors import PermanentError

MAX_REMEMBERED = 256
"""Unknown names whose nearest ones are remembered: an agent that makes up a name makes it up again."""

MAX_COMPARED = 2000
"""Registered names that an unknown one is compared with, once for each name: it takes too long for each call."""

MAX_DEPTH = 8
"""Of references followed when the known arguments of a schema are gathered."""

_GATHERED = ("allOf", "anyOf", "oneOf")
_OPEN_ENDED = ("unevaluatedProperties", "dependentSchemas", "dependencies", "if", "$dynamicRef", "$recursiveRef")


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
        unreadable: entries of the list that are no tool in any known shape: one of them may be the tool called.
    """

    def __init__(self, listed: list[Any]) -> None:
        self.schemas: dict[str, Any] = {}
        self.unusable: dict[str, str] = {}
        self.unreadable = 0
        for entry in listed:
            name, schema = _name_and_schema(entry)
            if name:
                self.schemas[name] = schema
            else:
                self.unreadable += 1
        self.names = list(self.schemas)
        self._validators: dict[str, jsonschema_rs.Validator | None] = {}
        self._known: dict[str, frozenset[str] | None] = {}
        self._nearest: dict[str, list[str]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.schemas

    def validator(self, name: str) -> jsonschema_rs.Validator | None:
        """The compiled schema; None where the tool declared none, or one that cannot be compiled (`unusable`)."""
        if name not in self._validators:
            self._validators[name] = self._compile(name)
        return self._validators[name]

    def known_arguments(self, name: str) -> frozenset[str] | None:
        """The argument names that the tool's schema declares; None where it leaves open which there are.

        It does where it declares none (no `properties`), describes others (`patternProperties`, a schema or an
        explicit true under `additionalProperties`), or decides by means that are not gathered here (`if`,
        references out of the document).
        """
        if name not in self._known:
            self._known[name] = _known_arguments(self.schemas[name])
        return self._known[name]

    def nearest(self, name: str, most: int = 3) -> list[str]:
        """The registered names that look most like this one, best first; edit similarity of at least 0.5."""
        found = self._nearest.get(name)
        if found is None:
            if len(self._nearest) >= MAX_REMEMBERED:
                self._nearest.clear()
            folded = {known.casefold(): known for known in self.names[:MAX_COMPARED]}
            matches = difflib.get_close_matches(name.casefold(), folded, n=most, cutoff=0.5)
            found = self._nearest[name] = [folded[match] for match in matches]
        return found[:most]

    def _compile(self, name: str) -> jsonschema_rs.Validator | None:
        schema = self.schemas[name]
        if schema is None:
            return None
        try:
            return jsonschema_rs.validator_for(schema, retriever=_NoNetwork())
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, PermanentError) as error:
            self.unusable[name] = (str(error).splitlines() or [type(error).__name__])[0][:300]
            return None


def _name_and_schema(entry: Any) -> tuple[str, Any]:
    """Reads `{name, parameters}`, and the shapes that OpenAI's and Anthropic's clients hand to models.

    A provider's own tool may have no name: it is called by its type.
    """
    if not isinstance(entry, dict):
        return "", None
    function = entry.get("function")
    inner = function if isinstance(function, dict) else entry
    name = inner.get("name", inner.get("type"))
    if not isinstance(name, str) or ("name" not in inner and name in {"function", "object"}):
        return "", None
    return name, inner.get("parameters", inner.get("input_schema", inner.get("inputSchema")))


def _known_arguments(schema: Any) -> frozenset[str] | None:
    if not isinstance(schema, dict):
        return None
    known: set[str] = set()
    declared = False
    for part in _parts(schema, schema, 0):
        if part is None:
            return None
        if "properties" in part:
            declared = True
            known.update(part["properties"])
    return frozenset(known) if declared else None


def _parts(schema: dict[str, Any], root: dict[str, Any], depth: int) -> Iterator[dict[str, Any] | None]:
    """The schema and what applies to the same object; None where that cannot be told."""
    extra = schema.get("additionalProperties", False)
    if (
        depth > MAX_DEPTH
        or extra is not False
        or schema.get("patternProperties")
        or any(keyword in schema for keyword in _OPEN_ENDED)
    ):
        yield None
        return
    yield schema
    below = [branch for keyword in _GATHERED for branch in schema.get(keyword, ())]
    if "$ref" in schema:
        below.append(_resolved(schema["$ref"], root))
    for branch in below:
        if branch is True or (isinstance(branch, dict) and not branch):
            continue
        if not isinstance(branch, dict):
            yield None
            return
        yield from _parts(branch, root, depth + 1)


def _resolved(reference: Any, root: dict[str, Any]) -> Any:
    """The definition that a local reference names; None where it leads elsewhere."""
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    found: Any = root
    for step in reference[2:].split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found
