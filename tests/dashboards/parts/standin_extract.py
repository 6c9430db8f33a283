"""Cuts the part of Grafana's API description that Watchkeeper uses out of Grafana Labs' own Go client.

The client `github.com/grafana/grafana-openapi-client-go` (Apache-2.0) is generated from Grafana's OpenAPI description
and says the same: paths, parameters, bodies, answers by status. The description itself is published under the AGPL, so
it is the client that is read. Run it to make `grafana-api.json` anew:

    go mod download github.com/grafana/grafana-openapi-client-go@VERSION
    python tests/dashboards/parts/standin_extract.py
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

Json = dict[str, Any]

MODULE: Final = "github.com/grafana/grafana-openapi-client-go"
VERSION: Final = "v0.0.0-20260330113218-ee77c4f6f90e"
SUM: Final = "h1:P/SerquhsX/4a3kreHR5mrJmohlWRqaxei/ZUSA6zkA="
FILE: Final = Path(__file__).parent / "grafana-api.json"

OPERATIONS: Final = frozenset({
    ("GET", "/health"),
    ("GET", "/search"),
    ("POST", "/folders"),
    ("GET", "/folders/{folder_uid}"),
    ("DELETE", "/folders/{folder_uid}"),
    ("GET", "/folders/{folder_uid}/counts"),
    ("POST", "/datasources"),
    ("GET", "/datasources/uid/{uid}"),
    ("PUT", "/datasources/uid/{uid}"),
    ("DELETE", "/datasources/uid/{uid}"),
    ("GET", "/datasources/uid/{uid}/health"),
    ("POST", "/dashboards/db"),
    ("GET", "/dashboards/uid/{uid}"),
    ("DELETE", "/dashboards/uid/{uid}"),
    ("GET", "/dashboards/uid/{uid}/versions"),
    ("GET", "/v1/provisioning/alert-rules/export"),
    ("GET", "/v1/provisioning/alert-rules/{UID}"),
    ("DELETE", "/v1/provisioning/alert-rules/{UID}"),
    ("GET", "/v1/provisioning/contact-points"),
    ("POST", "/v1/provisioning/contact-points"),
    ("PUT", "/v1/provisioning/contact-points/{UID}"),
    ("DELETE", "/v1/provisioning/contact-points/{UID}"),
    ("GET", "/v1/provisioning/folder/{FolderUID}/rule-groups/{Group}"),
    ("PUT", "/v1/provisioning/folder/{FolderUID}/rule-groups/{Group}"),
})  # fmt: skip

_OPERATION = re.compile(
    r'ID:\s+"\w+",\s+Method:\s+"(\w+)",\s+PathPattern:\s+"([^"]+)".*?Reader:\s+&(\w+)Reader', re.DOTALL
)
_PARAMETER = re.compile(r'Set(Query|Path|Header)Param\("([^"]+)"')
_ANSWER = re.compile(r"case (\d+):\s+result := New(\w+)\(")
_STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
_FIELD = re.compile(r'((?:^\t//.*\n)*)^\t\w+ (\S+) `json:"([^",]+)', re.MULTILINE)
_ALIAS = re.compile(r"^type (\w+) (?!struct )(\S+)$", re.MULTILINE)
_CONSTANT = re.compile(r'^\t\w+ (\w+) = "([^"]*)"$', re.MULTILINE)
_SIMPLE: Final[dict[str, Json]] = {
    "string": {"type": "string"},
    "bool": {"type": "boolean"},
    "int64": {"type": "integer"},
    "int32": {"type": "integer"},
    "float64": {"type": "number"},
    "interface{}": {},
    "strfmt.DateTime": {"type": "string", "format": "date-time"},
    "strfmt.Duration": {"type": "string"},
}


def module_directory() -> Path | None:
    """Where the Go client lies unpacked; None where it was not downloaded."""
    go = shutil.which("go")
    cache = os.environ.get("GOMODCACHE") or (
        subprocess.run([go, "env", "GOMODCACHE"], check=True, capture_output=True, text=True).stdout.strip()
        if go
        else ""
    )
    directory = Path(cache or Path.home() / "go/pkg/mod") / f"{MODULE}@{VERSION}"
    return directory if directory.is_dir() else None


def extract(module: Path) -> Json:
    """The operations, and the definitions that they need, as JSON Schema."""
    models = "\n".join(file.read_text() for file in sorted((module / "models").glob("*.go")))
    known = _definitions(models)
    operations = [one for client in sorted((module / "client").glob("*/*_client.go")) for one in _operations(client)]
    found = sorted(operations, key=lambda one: (one["path"], one["method"]))
    return {
        "source": f"{MODULE}@{VERSION} {SUM}",
        "licence": "Apache-2.0, Grafana Labs; a part of it, put into JSON Schema by standin_extract.py",
        "operations": found,
        "definitions": _needed(found, known),
    }


def _operations(client: Path) -> list[Json]:
    text = client.read_text()
    wanted = [name for method, path, name in _OPERATION.findall(text) if (method, path) in OPERATIONS]
    everything = {file: file.read_text() for file in client.parent.glob("*.go")} if wanted else {}
    found = []
    for method, path, name in _OPERATION.findall(text):
        if (method, path) not in OPERATIONS:
            continue
        parameters = next(t for f, t in everything.items() if f"type {name}Params struct" in t)
        answers = next(t for f, t in everything.items() if f"type {name}Reader struct" in t)
        body = re.search(r"^\tBody (\S+)$", parameters, re.MULTILINE)
        found.append({
            "method": method,
            "path": path,
            "query": sorted({one for place, one in _PARAMETER.findall(parameters) if place == "Query"}),
            "headers": sorted({one for place, one in _PARAMETER.findall(parameters) if place == "Header"}),
            "body": _of_type(body[1].removeprefix("*")) if body else None,
            "answers": {status: _payload(answers, answer) for status, answer in _ANSWER.findall(answers)},
        })  # fmt: skip
    return found


def _payload(text: str, answer: str) -> Json | None:
    body = re.search(rf"^type {answer} struct \{{\n(.*?)^\}}", text, re.DOTALL | re.MULTILINE)
    assert body is not None, answer
    payload = re.search(r"Payload (\S+)", body[1])
    return _of_type(payload[1].removeprefix("*")) if payload else None


def _definitions(models: str) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name, body in _STRUCT.findall(models):
        fields = _FIELD.findall(body)
        definition: Json = {
            "type": "object",
            "properties": {field: _field(comment, go_type) for comment, go_type, field in fields},
            "additionalProperties": False,
        }
        required = [field for comment, _, field in fields if "// Required: true" in comment]
        found[name] = definition | ({"required": required} if required else {})
    values: dict[str, list[str]] = {}
    for name, value in _CONSTANT.findall(models):
        values.setdefault(name, []).append(value)
    for name, go_type in _ALIAS.findall(models):
        found[name] = _of_type(go_type) | ({"enum": values[name]} if name in values else {})
    return found


def _field(comment: str, go_type: str) -> Json:
    schema = _of_type(go_type.removeprefix("*"))
    for word, key in (("Max Length", "maxLength"), ("Min Length", "minLength")):
        if limit := re.search(rf"// {word}: (\d+)", comment):
            schema[key] = int(limit[1])
    if pattern := re.search(r"// Pattern: (\S+)", comment):
        schema["pattern"] = pattern[1]
    if choices := re.search(r"// Enum: \[(.*)\]", comment):
        schema["enum"] = choices[1].split() if " " in choices[1] else choices[1].split(",")
    if "// Required: true" not in comment and "type" in schema and schema["type"] in {"array", "object"}:
        # Go writes what is empty as null.
        schema["type"] = [schema["type"], "null"]
    elif "$ref" in schema and go_type.startswith("*") and "// Required: true" not in comment:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return schema


def _of_type(go_type: str) -> Json:
    go_type = go_type.removeprefix("*").removeprefix("models.")
    if go_type in _SIMPLE:
        return dict(_SIMPLE[go_type])
    if go_type.startswith("[]"):
        return {"type": "array", "items": _of_type(go_type[2:])}
    if go_type.startswith("map[string]"):
        return {"type": "object", "additionalProperties": _of_type(go_type.removeprefix("map[string]"))}
    return {"$ref": f"#/definitions/{go_type}"}


def _needed(operations: list[Json], known: dict[str, Json]) -> dict[str, Json]:
    needed: dict[str, Json] = {}
    asked = re.findall(r"#/definitions/(\w+)", json.dumps(operations))
    while asked:
        name = asked.pop()
        if name not in needed:
            needed[name] = known[name]
            asked += re.findall(r"#/definitions/(\w+)", json.dumps(known[name]))
    return dict(sorted(needed.items()))


def text_of(description: Json) -> str:
    """As the file holds it."""
    return json.dumps(description, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    directory = module_directory()
    assert directory is not None, f"go mod download {MODULE}@{VERSION}"
    FILE.write_text(text_of(extract(directory)))
