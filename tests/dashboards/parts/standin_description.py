"""Holds requests and answers against Grafana's published API description (`grafana-api.json`)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

Json = dict[str, Any]

# What Grafana answers and its description does not tell of. Each was seen in Grafana's own sources or documentation.
UNDESCRIBED_FIELDS = {
    # Of errors that are made by its library of errors, and of those of access control.
    "ErrorResponseBody": ("extra", "messageId", "statusCode", "traceID", "accessErrorId", "title", "details"),
    "ValidationError": ("extra", "messageId", "statusCode", "traceID"),
    # Of a data source's health.
    "SuccessResponseBody": ("status", "details"),
}
# Any path may say that the token is unknown or may not do it, or that Grafana is in trouble.
UNDESCRIBED_STATUSES = frozenset({401, 403, 429, 500, 502, 503})
UNDESCRIBED = {
    # A plugin that is not installed.
    ("GET", "/datasources/uid/{uid}/health", 404),
    # A name or uid that is taken; what is in use; what a file provides.
    ("POST", "/v1/provisioning/contact-points", 409),
    ("DELETE", "/v1/provisioning/contact-points/{UID}", 409),
    ("PUT", "/v1/provisioning/folder/{FolderUID}/rule-groups/{Group}", 409),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the description."""

    method: str
    path: str
    told: Json


@cache
def description() -> Json:
    found: Json = json.loads((Path(__file__).parent / "grafana-api.json").read_text())
    for name, fields in UNDESCRIBED_FIELDS.items():
        found["definitions"][name]["properties"] |= {field: {} for field in fields}
    return found


def operation_of(method: str, path: str) -> Operation | None:
    """The operation that a path without its prefix `/api` belongs to. What is spelled out goes before what is open."""
    for told in sorted(description()["operations"], key=lambda one: one["path"].count("{")):
        pattern = re.sub(r"\{\w+\}", "[^/]+", told["path"])
        if told["method"] == method and re.fullmatch(pattern, path):
            return Operation(method, told["path"], told)
    return None


def faults_of_request(operation: Operation, query: Mapping[str, Any], body: Any) -> list[str]:
    """What in a request is not as described."""
    where = f"{operation.method} {operation.path}"
    faults = [f"{where}: unknown query parameter {name}" for name in query if name not in operation.told["query"]]
    schema = operation.told["body"]
    if schema is None:
        return faults + ([f"{where}: takes no body"] if body not in (None, {}) else [])
    return faults + [f"{where}: body{one}" for one in faults_of(schema, body)]


def faults_of_answer(operation: Operation, status: int, body: Any) -> list[str]:
    """What in an answer is not as described."""
    where = f"{operation.method} {operation.path} -> {status}"
    answers = operation.told["answers"]
    if str(status) not in answers:
        known = status in UNDESCRIBED_STATUSES or (operation.method, operation.path, status) in UNDESCRIBED
        return [] if known else [f"{where}: no such status"]
    schema = answers[str(status)]
    return [] if schema is None else [f"{where}: body{one}" for one in faults_of(schema, body)]


def faults_of(schema: Json, value: Any) -> list[str]:
    """What in a value is not as a schema of the description says."""
    errors = _validator(json.dumps(schema)).iter_errors(value)
    return [f"{list(error.instance_path)}: {error.message}" for error in errors]


@cache
def _validator(schema: str) -> jsonschema_rs.Draft7Validator:
    whole = {**json.loads(schema), "definitions": description()["definitions"]}
    return jsonschema_rs.Draft7Validator(whole, validate_formats=True)
