"""Whether a JSON Schema still takes all that an earlier state of it took, and means the same by it.

Within a version of a contract a schema may only grow: fields with defaults, more values in a list of values, wider
limits, more members of a union. Everything else makes events that somebody has already written unreadable, or gives
another meaning to what their lines leave out, and needs a new version.

The comparison is on the safe side: it may call a change breaking that no existing line would notice, never the reverse.
"""

from __future__ import annotations

import json
from typing import Any

Schema = dict[str, Any]

# Keyword: whether a larger figure is the wider limit.
_LIMITS = {
    "minimum": False,
    "exclusiveMinimum": False,
    "minLength": False,
    "minItems": False,
    "minProperties": False,
    "maximum": True,
    "exclusiveMaximum": True,
    "maxLength": True,
    "maxItems": True,
    "maxProperties": True,
}
_TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """What the new schema refuses or means differently, one sentence for each place; empty where it only grew."""
    return _Comparison(old, new).compare(old, new, "")


class _Comparison:
    """One run over two documents; remembers the pairs that it has seen, since schemas refer to themselves."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new
        self._seen: set[str] = set()

    def compare(self, old: Schema, new: Schema, path: str) -> list[str]:
        """The breaking changes at and below a place."""
        pair = json.dumps([old, new], sort_keys=True)
        if "$ref" in old or "$ref" in new:
            if pair in self._seen:
                return []
            self._seen.add(pair)
        problems = _default_changed(old, new, path)
        old, new = _resolved(old, self._old), _resolved(new, self._new)
        before, after = _branches(old), _branches(new)
        if len(before) == 1 and len(after) == 1:
            return problems + self._same_kind(before[0], after[0], path)
        for branch in before:
            problems += self._still_taken(branch, after, path)
        return problems

    def _still_taken(self, branch: Schema, options: list[Schema], path: str) -> list[str]:
        name = _name(branch)
        namesakes = [option for option in options if _name(option) == name]
        if namesakes:
            # Several may go by one name (two lists of words): it is enough that one of them takes all.
            return min((self.compare(branch, option, f"{path}<{name}>") for option in namesakes), key=len)
        return [f"{path or '/'}: no longer takes {name}"]

    def _same_kind(self, old: Schema, new: Schema, path: str) -> list[str]:
        place = path or "/"
        problems = []
        if not _types(old) <= _types(new):
            problems.append(f"{place}: no longer takes {', '.join(sorted(_types(old) - _types(new)))}")
        problems += _values_lost(old, new, place)
        for keyword, larger_is_wider in _LIMITS.items():
            before, after = old.get(keyword), new.get(keyword)
            if after is not None and (before is None or (after < before if larger_is_wider else after > before)):
                problems.append(f"{place}: {keyword} is {after} and was {'open' if before is None else before}")
        problems += [
            f"{place}: {keyword} is {new[keyword]} and was {old.get(keyword, 'open')}"
            for keyword in ("pattern", "format")
            if keyword in new and new[keyword] != old.get(keyword)
        ]
        problems += self._fields(old, new, path)
        if "items" in new:
            problems += self.compare(_schema(old.get("items", True)), new["items"], f"{path}[]")
        return problems

    def _fields(self, old: Schema, new: Schema, path: str) -> list[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        problems = [f"{path}/{name}: is gone" for name in before if name not in after]
        problems += [
            f"{path}/{name}: " + ("is required now" if name in before else "is new and has no default")
            for name in new.get("required", [])
            if name not in old.get("required", [])
        ]
        for name in before:
            if name in after:
                problems += self.compare(before[name], after[name], f"{path}/{name}")
        others, others_now = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if others is not False:
            if others_now is False:
                problems.append(f"{path or '/'}: no longer takes fields that it does not name")
            elif others_now is not True:
                problems += self.compare(_schema(others), others_now, f"{path}/*")
        return problems


def _resolved(schema: Schema, document: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    target: Schema = document["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return target


def _branches(schema: Schema) -> list[Schema]:
    """The members of a union; the schema itself where it is none."""
    members: list[Schema] = schema.get("anyOf") or schema.get("oneOf") or [schema]
    return members


def _name(schema: Schema) -> str:
    """What a member of a union is recognised by: the model that it refers to, or its type."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix("#/$defs/")
    return str(schema.get("type", "anything"))


def _types(schema: Schema) -> frozenset[str]:
    named = schema.get("type", _TYPES)
    types = {named} if isinstance(named, str) else set(named)
    # Every whole number is a number.
    return frozenset(types | {"integer"} if "number" in types else types)


def _values_lost(old: Schema, new: Schema, place: str) -> list[str]:
    before, after = _values(old), _values(new)
    if after is None:
        return []
    if before is None:
        return [f"{place}: takes only {', '.join(after)} now"]
    lost = [value for value in before if value not in after]
    return [f"{place}: no longer takes {', '.join(lost)}"] if lost else []


def _values(schema: Schema) -> list[str] | None:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    return None if values is None else [json.dumps(value) for value in values]


def _default_changed(old: Schema, new: Schema, path: str) -> list[str]:
    if "default" not in old:
        return []
    if "default" not in new:
        return [f"{path}: has no default any more"]
    if old["default"] == new["default"]:
        return []
    return [f"{path}: default is {json.dumps(new['default'])} and was {json.dumps(old['default'])}"]


def _schema(schema: Schema | bool) -> Schema:
    return schema if isinstance(schema, dict) else {}
