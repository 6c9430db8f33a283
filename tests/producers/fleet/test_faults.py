from __future__ import annotations

from watchkeeper.producers import Watchkeeper
from watchkeeper.producers.fleet.faults import Drop, Fault, FaultyTransport, Tamper
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.producers.transport import Delivery, Record
from watchkeeper.schemas.contents import matches
from watchkeeper.schemas.events import Response


def _told(fault: Fault) -> tuple[MemoryTransport, Watchkeeper]:
    memory = MemoryTransport()
    watch = Watchkeeper(agent="support", transport=FaultyTransport(memory, fault))
    with watch.session() as session:
        session.reasoning("one")
        session.reasoning("two")
        session.response("The refund has been paid.")
    assert watch.close()
    return memory, watch


def test_an_event_is_lost_and_the_recorder_does_not_know() -> None:
    memory, watch = _told(Drop("reasoning"))
    assert [event.type for event in memory.events()] == ["session_started", "reasoning", "response", "session_ended"]
    assert [event.seq for event in memory.events()] == [0, 2, 3, 4]
    assert watch.losses() == {}
    assert watch.traffic().acknowledged_events == 5


def test_a_record_of_nothing_but_lost_events_is_not_sent_and_counts_as_delivered() -> None:
    memory = MemoryTransport()
    transport = FaultyTransport(memory, Drop("session_ended"))
    record = Record("agent.events", b"k", b'{"type":"session_ended"}', (), 1)
    told: list[Delivery] = []
    assert transport.send(record, told.append, lambda: False)
    assert memory.records == []
    assert [delivery.error for delivery in told] == [""]
    assert told[0].record is record


def test_a_rewritten_text_keeps_the_address_of_the_old_one() -> None:
    memory, _ = _told(Tamper("has been paid", "has been kept"))
    salt = memory.events()[0].writer_salt
    (response,) = [event for event in memory.events() if isinstance(event, Response)]
    assert response.data.text is not None
    assert response.data.text.text == "The refund has been kept."
    assert matches(response.data.text.address, "The refund has been kept.", salt) is False
    assert matches(response.data.text.address, "The refund has been paid.", salt) is True
