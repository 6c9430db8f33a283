"""Which scheduler works, on the real store: one at a time, and another where it dies, sleeps or goes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from watchkeeper.cli.store import ReadStore, open_store
from watchkeeper.evals.scheduling import lease as module
from watchkeeper.evals.scheduling.lease import LEASE_SECONDS, Lease, this_process
from watchkeeper.evals.scheduling.ledger import Ledger
from watchkeeper.schemas.errors import StoreUnavailableError

Make = Callable[..., Lease]


@pytest.fixture
def make(dsn: str, store: ReadStore) -> Make:
    def made(**given: Any) -> Lease:
        return Lease(lambda: open_store(dsn), **{"process": "", "settle": lambda _: None, **given})

    return made


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_first_works_and_the_second_stands_by_until_it_goes(make: Make, store: ReadStore) -> None:
    first, second = make(), make()
    assert first.take(store) == ""
    assert first.holds()
    name = second.take(store)
    assert name
    assert not second.holds()
    with first.kept():
        assert second.take(store) == name
    assert not first.holds()
    assert second.take(store) == ""
    assert Ledger(store).jobs() == {}


def test_of_claims_that_are_made_at_once_one_holds(make: Make, dsn: str, store: ReadStore) -> None:
    both = threading.Barrier(2)

    def settle(_: float) -> None:
        # Each looks again only when both have claimed, or the other is done: it had seen a claim, and made none.
        with suppress(threading.BrokenBarrierError):
            both.wait(30)

    leases = [make(settle=settle) for _ in range(2)]
    answers: list[str] = []

    def take(lease: Lease) -> None:
        try:
            with open_store(dsn) as own:
                answers.append(lease.take(own))
        finally:
            both.abort()

    threads = [threading.Thread(target=take, args=(lease,)) for lease in leases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [lease.holds() for lease in leases].count(True) == 1
    assert sorted(map(bool, answers)) == [False, True]


def test_one_that_gave_no_sign_is_followed_and_does_not_come_back_by_itself(
    make: Make, store: ReadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    sleeper, other = make(clock=lambda: now[0]), make()
    assert sleeper.take(store) == ""
    now[0] = LEASE_SECONDS + 1
    # By its own clock it is over before others may follow.
    assert not sleeper.holds()
    monkeypatch.setattr(module, "LEASE_SECONDS", 0)
    assert other.take(store) == ""
    monkeypatch.undo()
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.01)
    with sleeper.kept():
        until(lambda: sleeper._renewed is None)
    assert not sleeper.holds()
    assert other.holds()
    assert sleeper.take(store) != ""


def test_a_claim_is_kept_up(make: Make, store: ReadStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEW_SECONDS", 0.05)
    signs = "SELECT uniqExact(updated_at) AS signs FROM eval_jobs WHERE startsWith(job, 'scheduler:')"
    first = make()
    assert first.take(store) == ""
    with first.kept():
        until(lambda: store.rows(signs)[0]["signs"] > 1 or first._renewed is None)
        assert first.holds()


def test_a_store_that_is_away_ends_the_work_in_time(store: ReadStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Any:
        raise StoreUnavailableError("ClickHouse does not answer; start it")

    monkeypatch.setattr(module, "RENEW_SECONDS", 0.01)
    now = [0.0]
    one = Lease(gone, process="", settle=lambda _: None, clock=lambda: now[0])
    assert one.take(store) == ""
    with one.kept():
        assert one.holds()
        now[0] = LEASE_SECONDS - 9
        assert not one.holds()


def test_a_process_of_this_machine_that_is_gone_holds_nothing(make: Make, store: ReadStore) -> None:
    where = this_process().rpartition(" ")[0]
    assert where
    living = make(process=this_process())
    # No process has this number: it is beyond what the kernel gives.
    dead = make(process=f"{where} 99999999")
    assert dead.take(store) == ""
    assert living.take(store) == ""
