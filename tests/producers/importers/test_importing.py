"""Files as a whole: what is counted, what is told apart, and what twice leads to."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from watchkeeper.producers import Watchkeeper
from watchkeeper.producers.importers import Choices, Importer
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.schemas.errors import BusUnavailableError, ConfigurationError
from watchkeeper.schemas.events import Event
from watchkeeper.schemas.wire import CANONICAL, WRITER_HEADER


class Imported(Protocol):
    report: Any
    lines: list[bytes]
    records: list[Any]
    events: list[Event]
    reasons: list[str]

    def of(self, kind: str, session_id: str | None = None) -> list[Any]: ...


class RunImport(Protocol):
    def __call__(self, *contents: Any, choices: Choices | None = None) -> Imported: ...


def session(name: str, answer: str = "yes", **given: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "Is it?"}, {"role": "assistant", "content": answer}]
    return {"session_id": name, "agent": "support", "messages": messages, **given}


@pytest.fixture
def own_events() -> list[bytes]:
    """What a live agent sent: two sessions."""
    memory = MemoryTransport()
    watch = Watchkeeper("live-agent", transport=memory, tenant="acme")
    for name in ("one", "two"):
        with watch.session(session_id=name) as s:
            s.response("hello", request_id=s.prompt("hi"))
    assert watch.close()
    return memory.lines()


def test_importing_twice_puts_the_same_bytes_on_the_wire(run_import: RunImport) -> None:
    rows = [session(f"s-{i}", labels={"reward": i}) for i in range(5)]
    first, second = run_import(rows), run_import(rows)
    assert sorted(first.lines) == sorted(second.lines)
    assert len({event.event_id for event in first.events}) == len(first.events)


def test_two_sessions_share_no_id_and_no_salt(run_import: RunImport) -> None:
    imported = run_import([session("a"), session("b")])
    writers = {(event.session_id, event.writer_id) for event in imported.events}
    salts = {event.writer_salt for event in imported.events if event.writer_salt}
    assert len(writers) == len({writer for _, writer in writers}) == len(salts) == 2


def test_the_ledger_counts_what_was_acknowledged(run_import: RunImport) -> None:
    imported = run_import([session("a"), session("b", labels={"reward": 1})])
    ledger = imported.report.ledger
    assert imported.report.sessions == 2
    assert ledger.events == Counter(event.type for event in imported.events)
    assert ledger.produced == len(imported.events) == 9
    assert ledger.writers.total() == 9
    assert {(key.tenant_id, key.session_id) for key in ledger.writers} == {("default", "a"), ("default", "b")}
    assert ledger.records == len(imported.records)


def test_a_line_that_cannot_be_read_hinders_no_other(run_import: RunImport, write: Callable[..., Path]) -> None:
    path = write([session("a"), b"{", {"messages": [{"role": 7}]}, session("b")])
    imported = run_import(path)
    assert imported.report.sessions == 2
    assert [str(problem).partition(": ")[0] for problem in imported.report.problems] == [f"{path}:2", f"{path}:3"]


def test_files_may_be_compressed_mixed_and_many(run_import: RunImport, own_events: list[bytes]) -> None:
    chat = {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}
    zipped = gzip.compress(json.dumps(session("a")).encode())
    imported = run_import(zipped, [chat, *own_events], [session("b")])
    assert imported.reasons == []
    assert imported.report.sessions == 5
    assert {event.agent_id for event in imported.events} == {"support", "imported", "live-agent"}


def test_the_same_line_again_is_told_once_and_counted(run_import: RunImport) -> None:
    imported = run_import([session("a"), session("a")], [session("a")])
    assert (imported.report.sessions, imported.report.repeated, imported.reasons) == (1, 2, [])
    assert len(imported.of("session_started")) == 1


def test_another_session_under_the_same_id_is_refused(run_import: RunImport) -> None:
    imported = run_import([session("a"), session("a", "no")])
    assert imported.report.sessions == 1
    assert imported.reasons == ["another session called 'a' stands before it: give it an id of its own"]


def test_tenant_and_agent_can_be_chosen(run_import: RunImport) -> None:
    imported = run_import([session("a")], choices=Choices(tenant="acme", agent="other"))
    assert {(event.tenant_id, event.agent_id) for event in imported.events} == {("acme", "other")}
    assert {record.key for record in imported.records} == {b"acme/a"}


def test_a_tenant_that_cannot_be_is_refused(run_import: RunImport) -> None:
    with pytest.raises(ConfigurationError, match="without slashes"):
        run_import([session("a")], choices=Choices(tenant="a/b"))


def test_a_limit_counts_sessions(run_import: RunImport, own_events: list[bytes]) -> None:
    imported = run_import([session(f"s-{i}") for i in range(5)], choices=Choices(limit=2))
    assert {event.session_id for event in imported.events} == {"s-0", "s-1"}
    one = run_import(own_events, choices=Choices(limit=1))
    assert {event.session_id for event in one.events} == {"one"}
    assert len(one.lines) == 4


def test_more_agents_than_recorders_lose_nothing(run_import: RunImport) -> None:
    imported = run_import([session(f"s-{i}", agent=f"agent-{i % 20}") for i in range(60)])
    assert imported.report.sessions == 60
    assert imported.report.losses == {}
    assert len(imported.events) == imported.report.ledger.produced == 60 * 4


class TestOwnEvents:
    def test_they_are_sent_again_byte_for_byte_under_their_key(
        self, run_import: RunImport, own_events: list[bytes]
    ) -> None:
        imported = run_import(own_events)
        assert sorted(imported.lines) == sorted(own_events)
        assert {record.key for record in imported.records} == {b"acme/one", b"acme/two"}
        assert {event.origin for event in imported.events} == {"live"}

    def test_nobody_vouches_for_their_form(self, run_import: RunImport, own_events: list[bytes]) -> None:
        assert all((WRITER_HEADER, CANONICAL) not in record.headers for record in run_import(own_events).records)

    def test_order_within_a_session_stays(self, run_import: RunImport, own_events: list[bytes]) -> None:
        mixed = [line for pair in zip(own_events[:4], own_events[4:], strict=True) for line in pair]
        imported = run_import(mixed)
        for name in ("one", "two"):
            assert [event.seq for event in imported.events if event.session_id == name] == [0, 1, 2, 3]

    def test_long_sessions_spread_over_records(self, run_import: RunImport) -> None:
        memory = MemoryTransport()
        watch = Watchkeeper("live-agent", transport=memory, block=True)
        with watch.session(session_id="long") as s:
            for number in range(300):
                s.reasoning("x" * (number % 7) * 3000)
        assert watch.close()
        imported = run_import(memory.lines())
        assert imported.lines == memory.lines()
        assert max(len(record.value) for record in imported.records) <= 64 * 1024
        assert max(record.events for record in imported.records) <= 64

    def test_an_event_that_stands_twice_is_sent_twice_and_counted_once(
        self, run_import: RunImport, own_events: list[bytes]
    ) -> None:
        imported = run_import([*own_events, own_events[0]])
        assert len(imported.lines) == 9
        assert imported.report.ledger.produced == 8

    def test_they_keep_tenant_and_agent(self, run_import: RunImport, own_events: list[bytes]) -> None:
        imported = run_import(own_events[:1], choices=Choices(tenant="other"))
        assert imported.reasons == ["the event belongs to 'acme' and is sent unchanged: leave out --tenant"]
        assert run_import(own_events, choices=Choices(tenant="acme", agent="live-agent")).reasons == []

    def test_what_was_imported_can_be_sent_again(self, run_import: RunImport) -> None:
        first = run_import([session("a", labels={"reward": 1})])
        again = run_import(first.lines)
        assert again.lines == first.lines
        assert again.report.ledger.writers == first.report.ledger.writers


class TestABrokerThatRefuses:
    def test_recorded_sessions(self, write: Callable[..., Path]) -> None:
        transport = MemoryTransport()
        transport.failing = True
        with pytest.raises(BusUnavailableError, match="import the same files again"):
            Importer(lambda: transport).run([write([session("a")])])

    def test_own_events(self, write: Callable[..., Path], own_events: list[bytes]) -> None:
        transport = MemoryTransport()
        transport.failing = True
        with pytest.raises(BusUnavailableError, match="did not take 4 events"):
            Importer(lambda: transport).run([write(own_events[:4])])


def test_where_recording_is_switched_off_an_import_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHKEEPER_DISABLED", "1")
    with pytest.raises(ConfigurationError, match="WATCHKEEPER_DISABLED"):
        Importer(MemoryTransport)


def test_the_machine_s_environment_is_not_the_recording_s(
    run_import: RunImport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHKEEPER_ENVIRONMENT", "laptop")
    assert {event.environment for event in run_import([session("a")]).events} == {"recorded"}


def test_progress_ends_at_the_size_of_each_file(write: Callable[..., Path]) -> None:
    paths = [write([session("a"), session("b")]), write([session("c")])]
    seen: dict[Path, int] = {}
    Importer(MemoryTransport).run(paths, seen.__setitem__)
    assert seen == {path: path.stat().st_size for path in paths}


def test_no_version_of_ours_stands_in_what_is_imported(run_import: RunImport) -> None:
    """An upgrade must not make other events of the same recording."""
    (started,) = run_import([session("a")]).of("session_started")
    assert started.data.sdk == "watchkeeper-import"
