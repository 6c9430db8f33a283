"""The example files are what the contract says: readable, complete, canonical, and their hashes right."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from importlib import resources
from itertools import pairwise
from typing import Any

import jsonschema_rs
import pytest
from pydantic import BaseModel

from watchkeeper.schemas.contents import Content, matches
from watchkeeper.schemas.envelope import HEADER_FIELDS, Envelope
from watchkeeper.schemas.events import EVENT_ADAPTER, EVENT_CLASSES, EVENT_TYPES, ContentData
from watchkeeper.schemas.json_schema import CONTRACTS
from watchkeeper.schemas.json_text import dump_json
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.wire import chain_link, data_digest

EXAMPLES: dict[str, dict[str, Any]] = {
    file.name: json.loads(file.read_text(encoding="utf-8"))
    for file in sorted((resources.files("watchkeeper.schemas") / "examples").iterdir(), key=lambda file: file.name)
}
EVENTS = {name: document for name, document in EXAMPLES.items() if name.startswith("event.")}
ADAPTERS = {f"{contract.name}.v{contract.version}": contract.adapter for contract in CONTRACTS}


def contract_of(name: str) -> str:
    """`event.v1.refund.2.tool_call.json` is an example of `event.v1`."""
    return ".".join(name.split(".")[:2])


def schema_of(contract: str) -> dict[str, Any]:
    golden = resources.files("watchkeeper.schemas") / "json" / f"{contract}.json"
    schema: dict[str, Any] = json.loads(golden.read_text(encoding="utf-8"))
    return schema


def writers() -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The events of each writer in their order."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for document in EVENTS.values():
        found[document["session_id"], document["writer_id"]].append(document)
    return {writer: sorted(events, key=lambda event: event["seq"]) for writer, events in found.items()}


def contents_in(value: object) -> Iterator[Content]:
    if isinstance(value, Content):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from contents_in(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from contents_in(item)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_read_by_its_model_and_says_the_same_when_written_again(name: str) -> None:
    document = EXAMPLES[name]
    model = ADAPTERS[contract_of(name)].validate_json(dump_json(document))
    again = json.loads(model.model_dump_json())
    assert {key: again[key] for key in document if key != "data"} == {
        key: value for key, value in document.items() if key != "data"
    }
    assert ADAPTERS[contract_of(name)].validate_json(model.model_dump_json()) == model


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_valid_by_its_json_schema(name: str) -> None:
    validator = jsonschema_rs.Draft202012Validator(schema_of(contract_of(name)), validate_formats=True)
    assert [error.message for error in validator.iter_errors(EXAMPLES[name])] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_model_and_json_schema_refuse_the_same_unknown_field(name: str) -> None:
    document = {**EXAMPLES[name], "surprise": 1}
    validator = jsonschema_rs.Draft202012Validator(schema_of(contract_of(name)))
    assert not validator.is_valid(document)
    with pytest.raises(ValueError, match="surprise"):
        ADAPTERS[contract_of(name)].validate_json(dump_json(document))


def test_every_event_type_and_every_contract_has_an_example() -> None:
    assert {document["type"] for document in EVENTS.values()} == set(EVENT_TYPES)
    assert {contract_of(name) for name in EXAMPLES} == set(ADAPTERS)
    assert {document["kind"] for name, document in EXAMPLES.items() if name.startswith("signal.")} == {
        "session_opened",
        "cap_hit",
    }


def test_the_list_of_types_is_that_of_the_classes() -> None:
    # All events declare the field, so that the annotation is not None.
    named = [cls.model_fields["type"].annotation.__args__[0] for cls in EVENT_CLASSES]  # type: ignore[union-attr]
    assert tuple(named) == EVENT_TYPES


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_in_canonical_form(name: str) -> None:
    document = EVENTS[name]
    event = EVENT_ADAPTER.validate_json(dump_json(document))
    fields = Envelope.model_fields
    expected: dict[str, Any] = {"type": document["type"]}
    written = event.model_dump(mode="json")
    for key in HEADER_FIELDS:
        if getattr(event, key) != fields[key].get_default(call_default_factory=True, validated_data={}):
            expected[key] = written[key]
    expected["data"] = json.loads(event.data.model_dump_json(exclude_none=True, exclude_unset=True))
    assert dump_json(document) == dump_json(expected)


@pytest.mark.parametrize("writer", writers(), ids=str)
def test_the_chain_of_a_writer_holds(writer: tuple[str, str]) -> None:
    events = writers()[writer]
    salt, previous = events[0]["writer_salt"], ""
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert all("writer_salt" not in event for event in events[1:])
    assert all(one["occurred_at"] <= other["occurred_at"] for one, other in pairwise(events))
    for event in events:
        header = {key: event[key] for key in event if key not in ("writer_salt", "data_digest", "chain", "data")}
        assert event["data_digest"] == data_digest(dump_json(event["data"]), salt)
        previous = chain_link(previous, dump_json(header), event["data_digest"])
        assert event["chain"] == previous


@pytest.mark.parametrize("writer", writers(), ids=str)
def test_every_text_has_its_address_and_its_size(writer: tuple[str, str]) -> None:
    events = [EVENT_ADAPTER.validate_json(dump_json(event)) for event in writers()[writer]]
    sent: set[str] = set()
    for event in events:
        if isinstance(event.data, ContentData):
            assert matches(event.data.address, event.data.text, events[0].writer_salt)
            sent.add(event.data.address)
        for content in contents_in(event.data):
            if content.text is None:
                assert content.address in sent
            else:
                assert matches(content.address, content.text, events[0].writer_salt)
                assert content.size == len(content.text.encode())
                sent.add(content.address)


def test_the_refund_session_names_the_policy_of_its_example() -> None:
    policy = AgentPolicy.model_validate_json(dump_json(EXAMPLES["policy.v1.refunds.json"]))
    named = EXAMPLES["event.v1.refund.0.session_started.json"]["data"]["policy"]["content"]
    assert (named["address"], named["text"].encode()) == (policy.address, policy.canonical())
    assert EXAMPLES["finding.v1.cap_use.json"]["policy_address"] == policy.address
