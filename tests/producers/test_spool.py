"""The spool: in order over outages, whole after a crash, bounded, and never a reason to raise."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.producers import Delivery, Record, Settings
from watchkeeper.producers.losses import Losses
from watchkeeper.producers.recording.boundary import Boundary
from watchkeeper.producers.transport import OnDelivery
from watchkeeper.producers.transport.disk import DAMAGED_SHARE
from watchkeeper.producers.transport.segments import HEAD_BYTES, Segment
from watchkeeper.producers.transport.spool import FIRST_PAUSE_SECONDS, SpooledTransport


def record(number: int, size: int = 20) -> Record:
    return Record("agent.events", b"t/s", b"%d " % number + b"x" * size, (("w", b"\xff1"),), 1)


class Client:
    """A broker's client that is told when the broker is away, and what it gives up."""

    def __init__(self) -> None:
        self.away = False
        self.error = ""
        self.arrived: list[Record] = []
        self.held: list[tuple[Record, OnDelivery]] = []

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:
        self.held.append((record, on_delivery))
        return True

    def poll(self) -> None:
        if not self.away or self.error:
            held, self.held = self.held, []
            for sent, answer in held:
                if not self.error:
                    self.arrived.append(sent)
                answer(Delivery(sent, self.error, 0, len(self.arrived)))

    def flush(self, seconds: float) -> int:
        self.poll()
        return len(self.held)

    def close(self, seconds: float) -> None:
        self.error = "_PURGE_QUEUE"
        self.poll()

    def after_fork(self) -> None: ...


Made = tuple[SpooledTransport, Client, Losses]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Callable[..., Made]]:
    made: list[SpooledTransport] = []

    def make(**settings: Any) -> Made:
        client, losses = Client(), Losses()
        transport = SpooledTransport(client, tmp_path / "spool", Settings(**settings), Boundary(losses))
        made.append(transport)
        return transport, client, losses

    yield make
    for transport in made:
        transport.close(0)


def send(transport: SpooledTransport, numbers: range, size: int = 20) -> list[Delivery]:
    fates: list[Delivery] = []
    for number in numbers:
        assert transport.send(record(number, size), fates.append, lambda: False)
    return fates


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "spool").glob("*/*.spool"))


def test_what_has_arrived_leaves_nothing_behind(spool: Callable[..., Made], tmp_path: Path) -> None:
    transport, client, losses = spool()
    fates = send(transport, range(100))
    assert transport.flush(5) == 0
    transport.close(1)
    assert client.arrived == [record(number) for number in range(100)]
    assert [fate.error for fate in fates] == [""] * 100
    assert list((tmp_path / "spool").iterdir()) == []
    assert losses.counts() == {}


def test_files_are_the_owner_s_alone(spool: Callable[..., Made], tmp_path: Path) -> None:
    transport, client, _ = spool()
    client.away = True
    send(transport, range(1))
    (file,) = files(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == stat.S_IMODE(file.parent.parent.stat().st_mode) == 0o700


def test_a_later_process_sends_what_was_left_before_its_own(spool: Callable[..., Made], tmp_path: Path) -> None:
    first, away, _ = spool()
    send(first, range(3))
    away.poll()
    away.away = True
    fates = send(first, range(3, 10))
    first.close(0.05)
    assert [fate.error for fate in fates] == ["spooled"] * 7
    second, client, losses = spool()
    send(second, range(10, 12))
    assert second.flush(5) == 0
    second.close(1)
    assert client.arrived == [record(number) for number in range(3, 12)]
    assert losses.counts() == {}
    assert list((tmp_path / "spool").iterdir()) == []


def test_the_spool_of_a_live_process_is_left_alone(spool: Callable[..., Made]) -> None:
    first, away, _ = spool()
    away.away = True
    send(first, range(3))
    second, client, _ = spool()
    send(second, range(5, 6))
    assert second.flush(5) == 0
    assert client.arrived == [record(5)]


def test_what_the_client_gives_back_goes_out_again_in_order(spool: Callable[..., Made]) -> None:
    transport, client, losses = spool()
    client.error = "_MSG_TIMED_OUT"
    send(transport, range(5))
    client.poll()
    send(transport, range(5, 8))
    client.error = ""
    assert transport.flush(5) == 0
    assert client.arrived == [record(number) for number in range(8)]
    assert losses.counts() == {}


def test_what_no_attempt_can_change_is_given_up(spool: Callable[..., Made]) -> None:
    transport, client, _ = spool()
    client.error = "MSG_SIZE_TOO_LARGE"
    fates = send(transport, range(2))
    assert transport.flush(5) == 0
    assert [fate.error for fate in fates] == ["MSG_SIZE_TOO_LARGE"] * 2


def test_the_newest_is_dropped_where_the_spool_is_full(spool: Callable[..., Made]) -> None:
    transport, client, _ = spool(spool_bytes=10_000)
    client.away = True
    fates = send(transport, range(100), 1000)
    assert {fate.error for fate in fates} == {"spool_full"}
    client.away = False
    kept = 100 - len(fates)
    assert transport.flush(5) == 0
    assert client.arrived == [record(number, 1000) for number in range(kept)]
    assert 5 < kept < 10


@pytest.mark.parametrize("cut", [1, HEAD_BYTES - 3, HEAD_BYTES + 5])
def test_a_torn_tail_is_no_damage(spool: Callable[..., Made], tmp_path: Path, cut: int) -> None:
    first, away, _ = spool()
    away.away = True
    send(first, range(3))
    first.close(0)
    (file,) = files(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:cut])
    second, client, losses = spool()
    send(second, range(3, 4))
    assert second.flush(5) == 0
    assert client.arrived == [record(number) for number in range(4)]
    assert losses.counts() == {}


def test_a_damaged_file_is_kept_and_what_is_whole_is_sent(spool: Callable[..., Made], tmp_path: Path) -> None:
    first, away, _ = spool()
    away.away = True
    send(first, range(5))
    first.close(0)
    (file,) = files(tmp_path)
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    file.write_bytes(raw)
    second, client, losses = spool()
    send(second, range(5, 6))
    assert second.flush(5) == 0
    second.close(1)
    assert client.arrived == [record(number) for number in (0, 1, 3, 4, 5)]
    assert losses.counts() == {"spool_damaged": 1}
    (kept,) = (tmp_path / "spool" / "damaged").iterdir()
    assert len(kept.read_bytes()) == len(raw)


def test_a_directory_that_is_removed_loses_nothing_yet(spool: Callable[..., Made], tmp_path: Path) -> None:
    transport, client, losses = spool()
    client.away = True
    send(transport, range(3))
    shutil.rmtree(tmp_path / "spool")
    send(transport, range(3, 6))
    client.away = False
    assert transport.flush(5) == 0
    assert client.arrived == [record(number) for number in range(6)]
    assert losses.counts() == {}


def test_a_full_disk_is_borne_in_memory_and_counted_beyond(
    spool: Callable[..., Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    transport, client, _ = spool(buffer_bytes=5_000)
    client.away = True

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    fates = send(transport, range(20), 1000)
    assert {fate.error for fate in fates} == {"spool_failed"}
    client.away = False
    assert transport.flush(5) == 0
    assert client.arrived == [record(number, 1000) for number in range(4)]


def test_a_place_that_cannot_be_made_is_borne_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    client, losses = Client(), Losses()
    transport = SpooledTransport(client, tmp_path / "file" / "spool", Settings(), Boundary(losses))
    fates = send(transport, range(3))
    assert transport.flush(5) == 0
    assert [fate.error for fate in fates] == [""] * 3
    client.away = True
    fates = send(transport, range(3, 5))
    transport.close(0.01)
    assert [fate.error for fate in fates] == ["closed"] * 2


def test_a_record_that_rots_in_a_live_spool_is_told(spool: Callable[..., Made], tmp_path: Path) -> None:
    transport, client, _ = spool(buffer_bytes=200)
    client.away = True
    fates = send(transport, range(5), 100)
    (file,) = files(tmp_path)
    with file.open("r+b") as raw:
        raw.seek(-1, os.SEEK_END)
        raw.write(b"y")
    client.away = False
    assert transport.flush(5) == 0
    assert [fate.error for fate in fates] == ["", "", "", "", "spool_damaged"]


def test_the_child_of_a_fork_leaves_the_parent_s_spool_alone(spool: Callable[..., Made], tmp_path: Path) -> None:
    transport, client, _ = spool()
    client.away = True
    send(transport, range(3))
    before = files(tmp_path)[0].read_bytes()
    child = os.fork()
    if child == 0:
        transport.after_fork()
        client.held = []
        client.away = False
        fates = send(transport, range(7, 8))
        done = transport.flush(5) == 0 and client.arrived == [record(7)] and fates[0].error == ""
        transport.close(1)
        os._exit(0 if done else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert files(tmp_path)[0].read_bytes() == before
    client.away = False
    assert transport.flush(5) == 0
    assert client.arrived == [record(number) for number in range(3)]


def test_segments_keep_headers_and_keys(tmp_path: Path) -> None:
    segment = Segment(tmp_path / "s", fresh=True)
    places = [segment.append(record(number)) for number in range(3)]
    assert [segment.read(*place) for place in places] == [record(number) for number in range(3)]
    segment.done(places[1][0])
    segment.close()
    again = Segment(tmp_path / "s", fresh=False)
    assert [found.offset for found in again.scan()] == [places[0][0], places[2][0]]
    assert not again.damaged
    again.close()


def test_a_running_process_sends_what_another_left(spool: Callable[..., Made], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchkeeper.producers.transport.disk.LOOK_SECONDS", 0.0)
    running, client, losses = spool()
    send(running, range(1))
    assert running.flush(5) == 0
    other, others_client, _ = spool()
    others_client.away = True
    send(other, range(10, 20))
    running.poll()
    assert len(client.arrived) == 1, "the other one lives"
    other.close(0)
    running.poll()
    running.poll()
    assert client.arrived == [record(0), *map(record, range(10, 20))]
    assert losses.counts() == {}


def test_a_broker_that_goes_on_refusing_is_asked_at_growing_intervals(
    spool: Callable[..., Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    transport, client, losses = spool()
    client.error = "TOPIC_AUTHORIZATION_FAILED"
    attempts: list[float] = []
    taken = client.send

    def counted(*words: Any) -> bool:
        attempts.append(time.monotonic())
        return taken(*words)

    monkeypatch.setattr(client, "send", counted)
    send(transport, range(1))
    assert transport.flush(2) == 1
    between = [later - sooner for sooner, later in pairwise(attempts)]
    assert 3 < len(attempts) < 8
    assert all(wait >= FIRST_PAUSE_SECONDS * 2**number for number, wait in enumerate(between))
    client.error = ""
    assert transport.flush(20) == 0
    assert client.arrived == [record(0)]
    assert losses.counts() == {}


def test_what_is_damaged_is_kept_within_bounds(spool: Callable[..., Made], tmp_path: Path) -> None:
    aside = tmp_path / "spool" / "damaged"
    aside.mkdir(parents=True)
    for number, (days, size) in enumerate([(31, 10), (29, 1000), (20, 1500), (10, 700), (1, 700)]):
        (aside / f"{number}.spool").write_bytes(b"x" * size)
        os.utime(aside / f"{number}.spool", (time.time() - days * 86_400,) * 2)
    transport, _, _ = spool(spool_bytes=12_000)
    send(transport, range(1))
    assert sorted(path.name for path in aside.iterdir()) == ["2.spool", "3.spool", "4.spool"]
    assert sum(path.stat().st_size for path in aside.iterdir()) <= 12_000 / DAMAGED_SHARE
