"""From the recorder to a real broker: what is masked is in no byte that leaves, and in no log."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable

import orjson
import pytest

from watchkeeper.producers import Masked, Watchkeeper
from watchkeeper.producers.testing import MemoryTransport

SECRET = "ghp_" + "a1B2" * 9
MAIL = "someone.private@example.com"
POLICY = {"masking": {"kinds": ["secret", "email"], "fields": ["tool_call.arguments.pin"]}}


def tell_everywhere(watch: Watchkeeper) -> None:
    told = f"mail {MAIL}, key {SECRET}"
    with watch.session(goal=told, attributes={"note": told}) as s:
        request = s.prompt([{"role": "user", "content": told}], system=told, parameters={"x": told})
        s.reasoning(told)
        call = s.tool_call("send", {"to": MAIL, "pin": 778899, "deep": [{"k": told}]})
        s.tool_result(call, told)
        s.prompt([{"role": "user", "content": "x" * (262_144 - 20) + " " + told}])
        s.response(told, request_id=request)


def test_nothing_masked_is_in_any_byte_or_log(
    broker: str,
    make_watch: Callable[..., Watchkeeper],
    caplog: pytest.LogCaptureFixture,
    records_of: Callable[..., bytes],
) -> None:
    caplog.set_level(logging.DEBUG)
    tenant = f"t-{uuid.uuid4().hex}"
    watch = make_watch(bootstrap=broker, tenant=tenant, policy=POLICY)
    tell_everywhere(watch)
    assert watch.close(20)
    assert watch.losses() == {}
    sent = records_of(broker, tenant, sessions=1)
    assert b'"type":"session_ended"' in sent
    for hidden in (SECRET, MAIL, "778899"):
        assert hidden.encode() not in sent
        assert hidden not in caplog.text
    calls = [event for line in sent.splitlines() if (event := orjson.loads(line))["type"] == "tool_call"]
    assert calls[0]["attributes"]["watchkeeper.masked"] == "email:2,field:1,secret:1"


def test_a_label_is_masked_before_it_is_cut() -> None:
    transport = MemoryTransport()
    watch = Watchkeeper(agent="a", transport=transport)
    with watch.session() as s:
        for before in range(256 - len(SECRET), 257, 4):
            s.tool_result(s.tool_call("t", {}), error="e" * (before - 1) + " " + SECRET)
    watch.close(10)
    assert b"ghp_" not in b"".join(transport.lines())


class Failing:
    def mask(self, text: str, media_type: str) -> Masked:
        raise RuntimeError(text)


def test_a_masker_that_fails_loses_the_event_and_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    transport = MemoryTransport()
    watch = Watchkeeper(agent="a", transport=transport, masker=Failing())
    with watch.session() as s:
        s.reasoning(MAIL)
    watch.close(10)
    assert watch.losses()["mask_failed"] >= 1
    assert MAIL not in caplog.text
    assert MAIL not in repr(transport.__dict__)
