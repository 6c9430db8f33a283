from __future__ import annotations

import asyncio
import enum
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any, Literal

import jsonschema_rs
import orjson
import pytest
from pydantic import BaseModel, Field

from watchkeeper.producers import ConfigurationError, Watchkeeper
from watchkeeper.producers.testing import MemoryTransport

Make = Callable[..., Watchkeeper]


class Size(enum.Enum):
    BIG = "big"


THING = object()


class Address(BaseModel):
    street: str
    size: Size = Size.BIG


def ordinary(order_id: int, note: str = "", *, tags: list[str] | None = None) -> str:
    """Looks up an order.

    More that the model need not know.
    """
    return f"{order_id}{note}{tags}"


def constrained(amount: Annotated[float, Field(gt=0)], kind: Literal["a", "b"], to: Address) -> None: ...


def bare(a, b=1): ...  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - an unannotated tool is what is tested


def odd(connection: socket.socket, model_dump: int, size: Size = Size.BIG, at: Any = THING) -> None: ...


def open_ended(a: int, *rest: int, **more: int) -> None: ...


class Shop:
    def buy(self, item: str) -> str:
        return item


SIZE = {"enum": ["big"], "title": "Size", "type": "string"}
ADDRESS = {
    "properties": {"street": {"title": "Street", "type": "string"}, "size": {"$ref": "#/$defs/Size", "default": "big"}},
    "required": ["street"],
    "title": "Address",
    "type": "object",
}


@pytest.mark.parametrize(
    ("function", "schema"),
    [
        (
            ordinary,
            {
                "type": "object",
                "properties": {
                    "order_id": {"type": "integer"},
                    "note": {"default": "", "type": "string"},
                    "tags": {
                        "anyOf": [{"items": {"type": "string"}, "type": "array"}, {"type": "null"}],
                        "default": None,
                    },
                },
                "required": ["order_id"],
                "additionalProperties": False,
            },
        ),
        (
            constrained,
            {
                "type": "object",
                "properties": {
                    "amount": {"exclusiveMinimum": 0, "type": "number"},
                    "kind": {"enum": ["a", "b"], "type": "string"},
                    "to": {"$ref": "#/$defs/Address"},
                },
                "required": ["amount", "kind", "to"],
                "additionalProperties": False,
                "$defs": {"Address": ADDRESS, "Size": SIZE},
            },
        ),
        (
            bare,
            {
                "type": "object",
                "properties": {"a": {}, "b": {"default": 1}},
                "required": ["a"],
                "additionalProperties": False,
            },
        ),
        (
            odd,
            {
                "type": "object",
                "properties": {
                    "connection": {},
                    "model_dump": {"type": "integer"},
                    "size": {"$ref": "#/$defs/Size", "default": "big"},
                    "at": {},
                },
                "required": ["connection", "model_dump"],
                "additionalProperties": False,
                "$defs": {"Size": SIZE},
            },
        ),
        (
            open_ended,
            {
                "type": "object",
                "properties": {"a": {"type": "integer"}},
                "required": ["a"],
                "additionalProperties": True,
            },
        ),
        (
            Shop.buy,
            {
                "type": "object",
                "properties": {"item": {"type": "string"}},
                "required": ["item"],
                "additionalProperties": False,
            },
        ),
        (lambda: None, {"type": "object", "properties": {}, "additionalProperties": False}),
    ],
)
def test_the_schema_of_a_signature(
    function: Any, schema: dict[str, Any], watch: Watchkeeper, memory: MemoryTransport
) -> None:
    watch.tool(function)
    with watch.session():
        pass
    assert watch.close()
    (registered,) = registered_in(memory)
    assert registered["parameters"] == schema
    jsonschema_rs.validator_for(schema)


def registered_in(memory: MemoryTransport) -> list[Any]:
    started: Any = memory.events()[0].data
    listed: list[Any] = orjson.loads(started.tools.text)
    return listed


def test_calls_and_results_are_recorded_as_they_were_given(watch: Watchkeeper, memory: MemoryTransport) -> None:
    lookup = watch.tool(name="lookup", description="Finds it.", trust="trusted")(ordinary)
    buy = watch.tool(Shop.buy)
    many = watch.tool(open_ended)
    with watch.session():
        assert lookup(7, tags=["a"]) == "7['a']"
        assert buy(Shop(), "tea") == "tea"
        many(1, 2, 3, x=4)
    assert watch.close()
    data: list[Any] = [event.data for event in memory.events()[1:-1]]
    assert (data[0].tool_name, data[0].arguments) == ("lookup", {"order_id": 7, "tags": ["a"]})
    assert (data[1].tool_name, data[1].status, data[1].result.text, data[1].trust) == (
        "lookup",
        "ok",
        "7['a']",
        "trusted",
    )
    assert data[1].tool_call_id == data[0].tool_call_id
    assert data[1].duration_us is not None
    assert data[2].arguments == {"item": "tea"}
    assert data[4].arguments == {"a": 1, "rest": [2, 3], "x": 4}
    assert [tool["name"] for tool in registered_in(memory)] == ["lookup", "buy", "open_ended"]
    assert registered_in(memory)[0]["description"] == "Finds it."


def test_the_host_gets_its_own_exception(watch: Watchkeeper, memory: MemoryTransport) -> None:
    errors = [ValueError("v"), TimeoutError("t"), asyncio.CancelledError(), KeyboardInterrupt()]

    @watch.tool
    def fails(which: int) -> None:
        raise errors[which]

    with watch.session():
        for which, error in enumerate(errors):
            with pytest.raises(type(error)) as raised:
                fails(which)
            assert raised.value is error
        with pytest.raises(TypeError):
            fails(1, 2)  # type: ignore[call-arg] # that is what is tested
    assert watch.close()
    results: list[Any] = [event.data for event in memory.events() if event.type == "tool_result"]
    assert [result.status for result in results] == ["error", "timeout", "cancelled", "cancelled", "error"]
    assert [result.error_type for result in results][:2] == ["ValueError", "TimeoutError"]
    assert results[0].result.text == "v"


def test_coroutines_are_recorded_while_they_run(watch: Watchkeeper, memory: MemoryTransport) -> None:
    @watch.tool
    async def slow(name: str) -> str:
        await asyncio.sleep(0)
        return name

    async def main() -> None:
        async with watch.session():
            assert list(await asyncio.gather(slow("a"), slow("b"))) == ["a", "b"]

    asyncio.run(main())
    assert watch.close()
    types = [event.type for event in memory.events()]
    assert types == ["session_started", "tool_call", "tool_call", "tool_result", "tool_result", "session_ended"]


def test_generators_are_refused(watch: Watchkeeper) -> None:
    def numbers() -> Iterator[int]:
        yield 1

    async def later() -> AsyncIterator[int]:
        yield 1

    for generator in (numbers, later):
        with pytest.raises(ConfigurationError, match=r"generator.*return a list"):
            watch.tool(generator)


def test_outside_a_session_a_tool_just_runs(watch: Watchkeeper, memory: MemoryTransport) -> None:
    lookup = watch.tool(ordinary)
    assert lookup(1) == "1None"
    assert watch.losses() == {"no_session": 1}
    assert memory.records == []


def test_a_decorated_tool_keeps_its_face(watch: Watchkeeper) -> None:
    lookup = watch.tool(ordinary)
    assert lookup.__name__ == "ordinary"
    assert lookup.__doc__ == ordinary.__doc__


@pytest.mark.parametrize(
    ("tools", "listed"),
    [(None, None), ([], []), ([{"name": "a"}], [{"name": "a"}]), ({"name": "a"}, {"name": "a"})],
)
def test_tools_that_a_session_is_given(tools: Any, listed: Any, watch: Watchkeeper, memory: MemoryTransport) -> None:
    with watch.session(tools=tools) if tools is not None else watch.session():
        pass
    assert watch.close()
    assert (memory.events()[0].data.tools is None) == (listed is None)  # type: ignore[union-attr] # it is the start
    if listed is not None:
        assert registered_in(memory) == listed


def test_decorated_functions_may_be_given_as_tools(make_watch: Make, memory: MemoryTransport) -> None:
    watch = make_watch()
    lookup, _ = watch.tool(ordinary), watch.tool(constrained)
    with watch.session(tools=[lookup, {"name": "b"}]):
        pass
    assert watch.close()
    assert [tool["name"] for tool in registered_in(memory)] == ["ordinary", "b"]
