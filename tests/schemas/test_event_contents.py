"""No text of an event is overlooked, and prompts are rebuilt from texts that have their hashes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from watchkeeper.schemas.contents import Content, address_of
from watchkeeper.schemas.envelope import Envelope
from watchkeeper.schemas.event_contents import contents_of, is_shared
from watchkeeper.schemas.events import EVENT_ADAPTER, EVENT_CLASSES, ContentPart, Event
from watchkeeper.schemas.json_text import dump_json
from watchkeeper.schemas.prompts import rebuild_prompts

HEADER = {
    "event_id": "01890000-0000-7000-8000-000000000000",
    "session_id": "s",
    "writer_id": "w",
    "seq": 0,
    "occurred_at": "2026-01-01T00:00:00Z",
    "agent_id": "a",
}
# A part is no text of its own.
WITH_TEXTS = [cls for cls in EVENT_CLASSES if cls is not ContentPart]
SAMPLES: dict[str, Any] = {"string": "x", "integer": 1, "object": {}, "boolean": True, "number": 1.0, "array": []}


class Filler:
    """Fills every field of a JSON Schema that can hold a text, each with a text of its own."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._definitions = schema["$defs"]
        self.addresses: list[str] = []

    def value(self, schema: dict[str, Any]) -> Any:
        if "$ref" in schema:
            return self.named(schema["$ref"].removeprefix("#/$defs/"))
        if "anyOf" in schema:
            return self.value(schema["anyOf"][0])
        if schema.get("type") == "array" and "$ref" in schema["items"]:
            return [self.value(schema["items"]), self.value(schema["items"])]
        return schema["enum"][0] if "enum" in schema else SAMPLES.get(schema.get("type", ""), "x")

    def named(self, name: str) -> Any:
        if name == "Content":
            text = f"text {len(self.addresses)}"
            self.addresses.append(address_of(text))
            return {"address": self.addresses[-1], "size": len(text), "text": text}
        fields = self._definitions[name]["properties"]
        required = self._definitions[name].get("required", [])
        holding = {key: field for key, field in fields.items() if key in required or self.holds_text(field)}
        return {key: self.value(field) for key, field in holding.items()}

    def holds_text(self, field: dict[str, Any]) -> bool:
        inner = json.dumps(field)
        return any(f'"#/$defs/{name}"' in inner for name in ("Content", "Message", "Document", "PolicyRef"))


def examples() -> list[Event]:
    folder = resources.files("watchkeeper.schemas") / "examples"
    files = sorted(file.name for file in folder.iterdir() if file.name.startswith("event."))
    return [EVENT_ADAPTER.validate_json((folder / name).read_bytes()) for name in files]


def contents_in(value: object) -> Iterator[Content]:
    if isinstance(value, Content):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from contents_in(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from contents_in(item)


@pytest.mark.parametrize("cls", WITH_TEXTS, ids=lambda cls: cls.__name__)
def test_every_field_that_can_hold_a_text_is_listed(cls: type[Envelope]) -> None:
    kind = get_args(cls.model_fields["type"].annotation)[0]
    filler = Filler(EVENT_ADAPTER.json_schema())
    data = filler.named(f"{cls.__name__}Data")
    event = EVENT_ADAPTER.validate_json(dump_json(HEADER | {"type": kind, "data": data}))
    listed = list(contents_of(event))
    assert sorted(content.address for _, content in listed) == sorted(filler.addresses)
    assert [content for _, content in listed if not is_shared(content)] == []
    assert len({field for field, _ in listed}) == len(listed)


def test_the_types_with_texts_are_many() -> None:
    # The test above proves nothing of a type in which it finds no text.
    schema = EVENT_ADAPTER.json_schema()
    filled = {cls.__name__: Filler(schema) for cls in WITH_TEXTS}
    for name, filler in filled.items():
        filler.named(f"{name}Data")
    without = {name for name, filler in filled.items() if not filler.addresses}
    assert without == {"Checkpoint"}


@pytest.mark.parametrize("event", examples(), ids=lambda event: f"{event.session_id}-{event.seq}")
def test_the_texts_of_an_example_are_all_listed(event: Event) -> None:
    assert {content.address for _, content in contents_of(event)} == {
        content.address for content in contents_in(event.data)
    }


def test_the_prompt_of_the_example_is_rebuilt_exactly() -> None:
    (prompt,) = rebuild_prompts(event for event in examples() if event.session_id == "handbook-7c21")
    assert prompt.is_exact
    assert prompt.values() == [{"role": "user", "content": "How many days of parental leave do I have?"}]


def test_a_prompt_with_a_forged_or_missing_text_is_not_exact() -> None:
    events = [event for event in examples() if event.session_id == "handbook-7c21"]
    index = next(position for position, event in enumerate(events) if event.data.__class__.__name__ == "PromptData")
    for change, verdict in (({"text": "forged"}, "mismatch"), ({"text": None}, "missing")):
        document = json.loads(events[index].model_dump_json(exclude_none=True))
        document["data"]["system"] |= change
        forged = EVENT_ADAPTER.validate_json(dump_json(document))
        (prompt,) = rebuild_prompts([*events[:index], forged, *events[index + 1 :]])
        assert prompt.system is not None
        assert (prompt.is_exact, prompt.system.verdict) == (False, verdict)
