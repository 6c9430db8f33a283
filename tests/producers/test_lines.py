"""Whatever a host tells, the lines are canonical, valid and chained."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchkeeper.producers import Watchkeeper
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.producers.writing.shapes import SHAPES
from watchkeeper.schemas.contents import INLINE_LIMIT, matches
from watchkeeper.schemas.envelope import HEADER_FIELDS
from watchkeeper.schemas.event_contents import contents_of
from watchkeeper.schemas.events import EVENT_ADAPTER, EVENT_CLASSES, EVENT_TYPES, Event
from watchkeeper.schemas.json_text import dump_json
from watchkeeper.schemas.wire import CANONICAL, WRITER_HEADER, chain_link, data_digest

if TYPE_CHECKING:
    from watchkeeper.producers import Session

DATA_FIELDS = {
    # All events declare both fields, so that neither annotation is None.
    model.model_fields["type"].annotation.__args__[0]: tuple(model.model_fields["data"].annotation.model_fields)  # type: ignore[union-attr]
    for model in EVENT_CLASSES
}


def told(tell: Callable[[Session], None], **options: Any) -> MemoryTransport:
    """What leaves when a session tells this."""
    memory = MemoryTransport()
    watch = Watchkeeper("support", transport=memory, **options)
    with watch.session(user_id="u1", goal="g", tools=[], attributes={"tier": "gold", "n": 1, "x": True}) as s:
        tell(s)
    assert watch.close(20)
    assert not watch.losses().keys() - {"shortened"}
    return memory


def refuse_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys))
    return dict(pairs)


def respelled(data: bytes) -> bytes:
    """The same JSON, written anew, with numbers as they were spelled: libraries differ in that, and all are right."""
    mark = "\0number:"
    read = json.loads(data, parse_float=lambda text: mark + text, parse_int=lambda text: mark + text)
    return re.sub(rb'"\\u0000number:([^"]+)"', rb"\1", dump_json(read))


def check_lines(lines: list[bytes]) -> list[Event]:
    """Every line is canonical and valid, numbers are gapless, the chain and the hashes verify."""
    chains: dict[str, str] = {}
    numbers: dict[str, int] = {}
    salts: dict[str, str] = {}
    events = []
    for line in lines:
        event = EVENT_ADAPTER.validate_json(line)
        events.append(event)
        keys = list(json.loads(line, object_pairs_hook=refuse_twins))
        assert keys == ["type", *(field for field in HEADER_FIELDS if field in keys), "data"]
        data = line[line.index(b',"data":') + 8 : -1]
        read = json.loads(data)
        assert respelled(data) == data
        assert list(read) == [field for field in DATA_FIELDS[event.type] if field in read]
        salt = event.writer_salt or salts[event.writer_id]
        assert (event.writer_salt is None) == (event.writer_id in salts)
        salts[event.writer_id] = salt
        assert event.seq == numbers.get(event.writer_id, -1) + 1
        numbers[event.writer_id] = event.seq
        assert data_digest(data, salt) == event.data_digest
        cut = b',"writer_salt"' if event.writer_salt else b',"data_digest"'
        header = line[: line.index(cut)] + b"}"
        chains[event.writer_id] = chain_link(chains.get(event.writer_id, ""), header, event.data_digest)
        assert chains[event.writer_id] == event.chain
        for _, content in contents_of(event):
            if content.text is not None:
                assert matches(content.address, content.text, salt)
    return events


def everything(s: Session) -> None:
    request = s.prompt(
        [{"role": "user", "content": "hi"}, {"role": "assistant", "tool_calls": [{"id": 1}]}],
        system="be good",
        tools=[{"name": "a"}],
        model="gpt-4.1",
        provider="openai",
        prompt_version="7",
        parameters={"temperature": 0.1},
    )
    s.reasoning("hm", summary=True)
    call = s.tool_call("lookup", {"order": 7}, idempotency_key="k")
    s.tool_result(call, {"state": "shipped"}, trust="trusted")
    failed = s.tool_call("pay", '{"amount": 12.5}', call_id="c1")
    s.tool_result(failed, error=TimeoutError("slow"), status="timeout")
    document = {
        "id": "d1",
        "text": "t",
        "score": 0.3,
        "version": 2,
        "allowed_groups": ["a"],
        "access_list_at": datetime(2026, 1, 2, tzinfo=UTC),
    }
    s.retrieval("q", [document, "text alone"], source="index", asker_groups=["staff"])
    with s.retrieving("q2") as r:
        r.documents([], asker_groups=[])
    s.decision("refund", {"ok": True}, facts={"amount": Decimal(3)}, rules=["r", {"name": "s", "version": 2}])
    s.checkpoint({"amount": 3, "order": {"value": 7, "source": "db", "source_value": 8, "source_version": "v"}})
    approval = s.approval("requested", action="refund", limits={"amount": 1}, expires_at=datetime.now(tz=UTC))
    s.approval("denied", approval_id=approval, approver="eve", reason="no")
    with s.delegate("billing", task="pay it", scope=["pay:*"], delegable=[], constraints={"max": 1}) as child:
        child.outcome("paid", 1, kind="feedback", label="good", comment="thanks", source="web")
    usage = {"prompt_tokens": 10, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
    s.response(
        "done", request_id=request, usage=usage, answer=True, finish_reason="stop", abstained=False, reported_cost_usd=1
    )


def test_every_type_of_event_is_written() -> None:
    memory = told(everything)
    events = check_lines(memory.lines())
    assert {event.type for event in events} == set(EVENT_TYPES) - {"content"}
    assert set(SHAPES) == set(EVENT_TYPES) - {"content"}
    assert all(record.headers == ((WRITER_HEADER, CANONICAL),) for record in memory.records)
    assert all(
        record.key == f"default/{event.session_id}".encode()
        for record, event in zip(
            memory.records,
            [EVENT_ADAPTER.validate_json(record.value.split(b"\n")[0]) for record in memory.records],
            strict=True,
        )
    )


@pytest.mark.parametrize(
    ("given_arguments", "stored"),
    [
        (None, {}),
        ("", {}),
        ('{"a": 1}', {"a": 1}),
        ("not json", "not json"),
        ("half \ud800", "half \\ud800"),
        ([1], [1]),
        ({"n": 10**30}, {"n": 10**30}),
        ('{"n": 1000000000000000000000000000001}', {"n": 10**30 + 1}),
        (7, 7),
    ],
)
def test_arguments_are_told_as_the_model_gave_them(given_arguments: Any, stored: Any) -> None:
    memory = told(lambda s: s.tool_result(s.tool_call("t", given_arguments)))
    assert memory.events()[1].data.arguments == stored  # type: ignore[union-attr] # it is the call


def test_long_arguments_travel_by_address() -> None:
    memory = told(lambda s: s.tool_result(s.tool_call("t", {"text": "x" * INLINE_LIMIT})))
    events = check_lines(memory.lines())
    call = next(event for event in events if event.type == "tool_call")
    assert call.data.arguments is None
    assert call.data.arguments_content is not None
    assert call.data.arguments_content.media_type == "application/json"


def test_values_that_are_too_long_or_too_deep_are_cut_and_counted() -> None:
    deep: Any = 1
    for _ in range(240):
        deep = [deep]
    memory = MemoryTransport()
    watch = Watchkeeper("support", transport=memory)
    with watch.session() as s:
        s.decision("d", deep, facts={"a": "x" * 100_000}, alternatives=["y" * 100_000] * 3)
        s.tool_call("t", {"deep": deep})
    assert watch.close(20)
    assert watch.losses() == {"shortened": 4}
    check_lines(memory.lines())


@pytest.mark.parametrize(
    ("given_score", "stored"), [(10**30, 1e30), ("0.5", 0.5), (10**400, None), (True, None), ("x", None)]
)
def test_numbers_that_json_cannot_hold_are_rounded_or_left_out(given_score: Any, stored: float | None) -> None:
    memory = told(lambda s: s.retrieval("q", [{"id": "d", "score": given_score}]))
    data: Any = memory.events()[1].data
    assert data.documents[0].score == stored


def test_names_of_any_length_fit() -> None:
    def tell(s: Session) -> None:
        s.tool_result(s.tool_call("t" * 1000, call_id="c" * 1000), "r", error="e" * 1000)
        s.tool_call("")
        s.retrieval("q", [{"id": "", "score": float("nan"), "access_list_at": "yesterday"}] * 300)
        s.checkpoint({"k" * 300 + str(i): i for i in range(3)})
        s.step = "s" * 1000

    events = check_lines(told(tell, agent_version="v" * 500, environment="e" * 500).lines())
    assert [event.data.tool_name for event in events if event.type == "tool_call"] == ["t" * 256, "(unnamed)"]


odd = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(st.characters(), max_size=20) | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(), max_size=8) | st.integers(), inner, max_size=3)
        | st.fixed_dictionaries({"role": inner, "content": inner})
        | st.fixed_dictionaries({"id": inner, "text": inner, "score": inner, "allowed_groups": inner})
        | st.fixed_dictionaries({"value": inner, "source": inner})
    ),
    max_leaves=8,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_nothing_that_a_host_may_hand_over_makes_an_invalid_line(data: st.DataObject) -> None:
    def anything() -> Any:
        return data.draw(odd)

    def tell(s: Session) -> None:
        s.prompt(anything(), system=anything(), tools=anything(), model=anything(), parameters=anything())
        s.reasoning(anything())
        s.tool_call(anything(), anything(), idempotency_key=anything())
        s.tool_result("c", anything(), status=anything(), error=anything(), trust=anything(), tool_name=anything())
        s.retrieval(anything(), anything(), source=anything(), asker_groups=anything(), duration_us=anything())
        s.decision(anything(), anything(), facts=anything(), rules=anything(), alternatives=anything())
        s.approval(anything(), limits=anything(), expires_at=anything(), reason=anything())
        s.checkpoint(anything())
        s.outcome(anything(), anything(), kind=anything(), comment=anything())
        s.response(anything(), usage=anything(), finish_reason=anything(), reported_cost_usd=anything())
        s.turn = anything()
        with s.delegate("child", task=anything(), scope=anything(), constraints=anything(), expires_at=anything()):
            pass
        s.end(anything(), reason=anything(), answer=anything())

    check_lines(told(tell).lines())


@given(st.data())
def test_nothing_that_a_session_may_begin_with_makes_an_invalid_line(data: st.DataObject) -> None:
    names = ("session_id", "user_id", "goal", "intent", "tools", "model", "provider", "prompt_version", "workflow")
    more = ("step", "turn", "trace_id", "span_id", "retention_class", "reasoning_exposed", "root_session_id", "caps")
    options: dict[str, Any] = {name: data.draw(odd) for name in (*names, *more) if data.draw(st.booleans())}
    options["attributes"] = data.draw(st.dictionaries(st.text(st.characters()) | st.integers(), odd, max_size=40))
    memory = MemoryTransport()
    watch = Watchkeeper("support", transport=memory)
    with contextlib.closing(watch), watch.session(**options):
        pass
    check_lines(memory.lines())
