"""The committed JSON Schemas are what the models say, and within a version they can only grow."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema_rs
import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from watchkeeper.schemas.compatibility import breaking_changes
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.json_schema import CONTRACTS, FOLDER, Contract, export, main, stale

Schema = dict[str, Any]


def golden(name: str) -> Schema:
    schema: Schema = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return schema


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_the_committed_file_is_what_the_models_say(contract: Contract) -> None:
    assert (FOLDER / contract.file_name).read_text(encoding="utf-8") == contract.text(), (
        "run `python -m watchkeeper.schemas.json_schema`"
    )


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_the_committed_file_is_a_valid_schema_of_2020_12(contract: Contract) -> None:
    schema = golden(contract.file_name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema_rs.Draft202012Validator(schema)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_the_models_take_all_that_the_committed_file_promises(contract: Contract) -> None:
    assert breaking_changes(golden(contract.file_name), contract.schema()) == []


def test_an_export_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from watchkeeper.schemas.json_schema import export; export(pathlib.Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, env={**os.environ, "PYTHONHASHSEED": "7"})
    for contract in CONTRACTS:
        assert (tmp_path / contract.file_name).read_bytes() == (FOLDER / contract.file_name).read_bytes()


def test_check_and_export_agree_with_the_committed_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert main([]) == 0
    assert capsys.readouterr().out == ""


class _First(BaseModel):
    """Stands for a contract as it was released."""

    model_config = ConfigDict(extra="forbid")
    name: str
    mode: Literal["a", "b"] = "a"


class _Grown(_First):
    note: str = ""


class _Broken(_First):
    owner: str


def _contract(model: type[BaseModel], version: int = 1) -> Contract:
    return Contract("thing", version, TypeAdapter(model))


def test_an_export_over_a_released_file_may_only_add(tmp_path: Path) -> None:
    assert export(tmp_path, [_contract(_First)]) == ["thing.v1.json"]
    assert export(tmp_path, [_contract(_First)]) == []
    assert stale(tmp_path, [_contract(_Grown)]) == ["thing.v1.json"]
    assert export(tmp_path, [_contract(_Grown)]) == ["thing.v1.json"]
    before = (tmp_path / "thing.v1.json").read_bytes()
    with pytest.raises(ConfigurationError) as caught:
        export(tmp_path, [_contract(_Broken)])
    said = str(caught.value).splitlines()
    assert said[:2] == ["thing.v1.json: /note: is gone", "thing.v1.json: /owner: is new and has no default"]
    assert "raise the contract's version" in said[-1]
    assert (tmp_path / "thing.v1.json").read_bytes() == before


def test_a_new_version_gets_a_file_of_its_own(tmp_path: Path) -> None:
    export(tmp_path, [_contract(_First)])
    before = (tmp_path / "thing.v1.json").read_bytes()
    assert export(tmp_path, [_contract(_Broken, version=2)]) == ["thing.v2.json"]
    assert (tmp_path / "thing.v1.json").read_bytes() == before


Edit = Callable[[Schema], None]


def _tool_call(schema: Schema) -> Schema:
    found: Schema = schema["$defs"]["ToolCall"]
    return found


def _add_optional(schema: Schema) -> None:
    _tool_call(schema)["properties"]["priority"] = {"type": "integer", "default": 0}


def _add_required(schema: Schema) -> None:
    _tool_call(schema)["properties"]["priority"] = {"type": "integer"}
    _tool_call(schema)["required"].append("priority")


def _remove(schema: Schema) -> None:
    del _tool_call(schema)["properties"]["step"]


def _require(schema: Schema) -> None:
    _tool_call(schema)["required"].append("step")


def _release(schema: Schema) -> None:
    _tool_call(schema)["required"].remove("seq")


def _widen_enum(schema: Schema) -> None:
    _tool_call(schema)["properties"]["origin"]["enum"].append("replayed")


def _narrow_enum(schema: Schema) -> None:
    _tool_call(schema)["properties"]["origin"]["enum"].remove("import")


def _default(schema: Schema) -> None:
    _tool_call(schema)["properties"]["environment"]["default"] = "staging"


def _no_default(schema: Schema) -> None:
    del _tool_call(schema)["properties"]["environment"]["default"]


def _shorter(schema: Schema) -> None:
    _tool_call(schema)["properties"]["environment"]["maxLength"] = 32


def _longer(schema: Schema) -> None:
    _tool_call(schema)["properties"]["environment"]["maxLength"] = 128


def _lower_bound(schema: Schema) -> None:
    _tool_call(schema)["properties"]["seq"]["minimum"] = 1


def _new_limit(schema: Schema) -> None:
    _tool_call(schema)["properties"]["seq"]["maximum"] = 10**9


def _type(schema: Schema) -> None:
    _tool_call(schema)["properties"]["seq"]["type"] = "string"


def _number(schema: Schema) -> None:
    _tool_call(schema)["properties"]["seq"]["type"] = "number"


def _not_null(schema: Schema) -> None:
    turn = _tool_call(schema)["properties"]["turn"]
    turn["anyOf"] = [member for member in turn["anyOf"] if member["type"] != "null"]


def _pattern(schema: Schema) -> None:
    _tool_call(schema)["properties"]["event_id"]["pattern"] = "^[0-9a-f]+$"


def _no_pattern(schema: Schema) -> None:
    del _tool_call(schema)["properties"]["event_id"]["pattern"]


def _drop_type(schema: Schema) -> None:
    schema["oneOf"] = [member for member in schema["oneOf"] if member["$ref"] != "#/$defs/Outcome"]


def _add_type(schema: Schema) -> None:
    schema["$defs"]["Handover"] = {"type": "object"}
    schema["oneOf"].append({"$ref": "#/$defs/Handover"})


def _inside_a_list(schema: Schema) -> None:
    schema["$defs"]["Message"]["properties"]["role"]["maxLength"] = 8


def _inside_a_mapping(schema: Schema) -> None:
    schema["$defs"]["CheckedValue"]["required"].append("source")


def _open(schema: Schema) -> None:
    schema["$defs"]["ToolCallData"]["additionalProperties"] = True


def _free_json(schema: Schema) -> None:
    schema["$defs"]["ToolCallData"]["properties"]["arguments"]["type"] = "object"


def _describe(schema: Schema) -> None:
    _tool_call(schema)["description"] = "said better"


GROWTH: list[Edit] = [
    _add_optional,
    _release,
    _widen_enum,
    _longer,
    _number,
    _no_pattern,
    _add_type,
    _open,
    _describe,
]
BREAKS: list[tuple[Edit, str]] = [
    (_add_required, "<ToolCall>/priority: is new and has no default"),
    (_remove, "<ToolCall>/step: is gone"),
    (_require, "<ToolCall>/step: is required now"),
    (_narrow_enum, '<ToolCall>/origin: no longer takes "import"'),
    (_default, '<ToolCall>/environment: default is "staging" and was "production"'),
    (_no_default, "<ToolCall>/environment: has no default any more"),
    (_shorter, "<ToolCall>/environment: maxLength is 32 and was 64"),
    (_lower_bound, "<ToolCall>/seq: minimum is 1 and was 0"),
    (_new_limit, "<ToolCall>/seq: maximum is 1000000000 and was open"),
    (_type, "<ToolCall>/seq: no longer takes integer"),
    (_not_null, "<ToolCall>/turn: no longer takes null"),
    (
        _pattern,
        (
            "<ToolCall>/event_id: pattern is ^[0-9a-f]+$ and was "
            "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
        ),
    ),
    (_drop_type, "/: no longer takes Outcome"),
    (_inside_a_list, "<Prompt>/data/messages[]/role: maxLength is 8 and was 256"),
    (_inside_a_mapping, "<Checkpoint>/data/values/*/source: is required now"),
    (
        _free_json,
        "<ToolCall>/data/arguments: no longer takes array, boolean, integer, null, number, string",
    ),
]


@pytest.mark.parametrize("edit", GROWTH, ids=lambda edit: edit.__name__)
def test_growing_breaks_nothing(edit: Edit) -> None:
    old = golden("event.v1.json")
    new = copy.deepcopy(old)
    edit(new)
    assert new != old
    assert breaking_changes(old, new) == []


@pytest.mark.parametrize(("edit", "expected"), BREAKS, ids=lambda part: getattr(part, "__name__", ""))
def test_a_break_is_named_with_its_place(edit: Edit, expected: str) -> None:
    old = golden("event.v1.json")
    new = copy.deepcopy(old)
    edit(new)
    assert breaking_changes(old, new) == [expected]


class _Node(BaseModel):
    child: _Node | None = None
    size: Annotated[int, Field(ge=0)] = 0


def test_schemas_that_refer_to_themselves_are_compared_to_an_end() -> None:
    old = TypeAdapter(_Node).json_schema()
    new = copy.deepcopy(old)
    new["$defs"]["_Node"]["properties"]["size"]["minimum"] = 5
    assert breaking_changes(old, copy.deepcopy(old)) == []
    assert "minimum is 5 and was 0" in breaking_changes(old, new)[0]


def test_fields_are_described_for_readers_in_other_languages() -> None:
    event = golden("event.v1.json")["$defs"]
    assert event["ToolCall"]["properties"]["seq"]["description"].startswith("gapless from 0 per session and writer")
    assert event["Usage"]["properties"]["input_tokens"]["description"] == "all input tokens, cached ones included."
    assert "Attributes:" not in json.dumps(golden("event.v1.json"))
    control = golden("control.v1.json")["properties"]
    assert control["expires_at"]["description"] == "after which it is no longer honoured; at most a day later."


def test_of_two_lists_of_words_it_is_enough_that_one_takes_all() -> None:
    lists = {"anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "string", "enum": ["c"]}]}
    shorter = {"anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "string", "enum": ["d"]}]}
    old = {"type": "object", "properties": {"x": lists}}
    assert breaking_changes(old, old) == []
    assert breaking_changes(old, {"type": "object", "properties": {"x": shorter}}) != []
