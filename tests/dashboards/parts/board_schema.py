"""Grafana's published dashboard schema as JSON Schema, strict: no field that it does not know, no other type or word.

Grafana Labs publishes the schema of dashboards and panels as the Foundation SDK, generated from Grafana's own sources
for each of its versions; installed and pinned here is that of 11.6 (ADR 31). Its models are read: names of fields in
JSON, their types, the words of enumerations. Whether a field must be there is not asked: Grafana fills in what is left
out. What the schema leaves open (options and own fields of a panel, values of overrides) is held against the models of
the panel's type.
"""

from __future__ import annotations

import enum
import importlib
import types
import typing
from functools import cache
from typing import Any

import jsonschema_rs
from grafana_foundation_sdk.models.dashboard import Dashboard, FieldConfig

Json = dict[str, Any]

_SIMPLE: dict[Any, Json] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    types.NoneType: {"type": "null"},
}


# The schema says itself that it is that of Grafana's own store of annotations alone, and should be any query.
_OPEN = {("dashboard.AnnotationQuery", "target")}


def json_names(model: type) -> dict[str, Any]:
    """The fields of a model by their names in JSON, each with its type."""
    hints = typing.get_type_hints(model)
    marked: Any = object.__new__(model)
    marks = {field: object() for field in hints}
    for field, mark in marks.items():
        setattr(marked, field, mark)
    payload: dict[str, object] = marked.to_json()
    fields = {id(mark): field for field, mark in marks.items()}
    return {name: hints[fields[id(value)]] for name, value in payload.items()}


class Schemas:
    """Definitions of models, made as they are asked for."""

    def __init__(self) -> None:
        self.definitions: dict[str, Json] = {}

    def of(self, hint: Any) -> Json:
        """The schema of a type."""
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        schema: Json = _SIMPLE.get(hint, {})
        if origin in {typing.Union, types.UnionType}:
            schema = {"anyOf": [self.of(one) for one in arguments]}
        elif origin is list:
            schema = {"type": "array", "items": self.of(arguments[0])}
        elif origin is dict:
            schema = {"type": "object", "additionalProperties": self.of(arguments[1])}
        elif origin is typing.Literal:
            schema = {"enum": list(arguments)}
        elif isinstance(hint, type) and issubclass(hint, enum.Enum):
            schema = {"enum": [one.value for one in hint]}
        elif isinstance(hint, type) and hasattr(hint, "to_json"):
            schema = self.of_model(hint)
        return schema

    def of_model(self, model: type) -> Json:
        """A reference to the schema of a model."""
        if getattr(model, "__abstractmethods__", None) or not typing.get_type_hints(model):
            # A query is its data source's own.
            return {}
        name = f"{model.__module__.rpartition('.')[2]}.{model.__name__}"
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = {
                "type": "object",
                "properties": {
                    field: {} if (name, field) in _OPEN else self.of(hint) for field, hint in json_names(model).items()
                },
                "additionalProperties": False,
            }
        return {"$ref": f"#/definitions/{name}"}


@cache
def validator(model: type) -> jsonschema_rs.Draft7Validator:
    """Holds values against a model."""
    schemas = Schemas()
    reference = schemas.of_model(model)
    return jsonschema_rs.Draft7Validator({**reference, "definitions": schemas.definitions})


def panel_models(kind: str) -> tuple[type, type | None]:
    """The models of a type of panel: its options, and its own fields of each series or column, where it has such."""
    module = importlib.import_module(f"grafana_foundation_sdk.models.{kind}")
    return module.Options, getattr(module, "FieldConfig", None)


def faults_of_board(document: Json) -> list[str]:
    """What in a dashboard Grafana's schema does not know."""
    found = _faults("", Dashboard, document)
    for panel in document["panels"]:
        if panel["type"] == "row":
            continue
        options, fields = panel_models(panel["type"])
        where = f"{panel.get('title')} ({panel['type']}) "
        found += _faults(f"{where}options", options, panel.get("options", {}))
        config = panel.get("fieldConfig", {})
        custom = config.get("defaults", {}).get("custom", {})
        if fields is not None:
            found += _faults(f"{where}custom", fields, custom)
        elif custom:
            found.append(f"{where}has no fields of its own: {custom}")
        for override in config.get("overrides", []):
            for one in override["properties"]:
                found += _faults_of_override(where, fields, one)
    return found


def _faults_of_override(where: str, fields: type | None, override: Json) -> list[str]:
    """An override sets one field of each series or column: a common one, or one of the panel's own."""
    common, _, own = override["id"].partition(".")
    model, name = (fields, own.split(".")[0]) if common == "custom" else (FieldConfig, override["id"])
    if model is None or name not in json_names(model):
        return [f"{where}override {override['id']}: no such field"]
    if "." in own:
        return []
    return _faults(f"{where}override {override['id']}", model, {name: override["value"]})


def _faults(where: str, model: type, value: Any) -> list[str]:
    errors = validator(model).iter_errors(value)
    return [f"{where}{list(error.instance_path)}: {error.message[:300]}" for error in errors]
