"""What counts as stalled, and what as waiting."""

from __future__ import annotations

import pytest

from watchkeeper.stream_processors.watching.liveness import (
    EXIT_STALLED,
    GRACE_SECONDS,
    MOST_MARKERS,
    Liveness,
    StallLimits,
    Watchdog,
)

LOOP_SECONDS, FETCH_SECONDS, REBALANCE_SECONDS = 20.0, 60.0, 120.0


class Hands:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def liveness(hands: Hands) -> Liveness:
    return Liveness(hands)


def test_a_loop_that_turns_is_well_and_one_that_does_not_is_stalled(hands: Hands, liveness: Liveness) -> None:
    hands.now += LOOP_SECONDS + 1
    assert "event loop" in liveness.problem()
    liveness.beat()
    assert liveness.problem() == ""


def test_fetches_that_stay_out_are_a_stall_only_where_the_broker_answers_others(
    hands: Hands, liveness: Liveness
) -> None:
    liveness.fetched("agent.events")
    hands.now += FETCH_SECONDS + 1
    liveness.beat()
    assert liveness.is_fetch_late(FETCH_SECONDS)
    assert liveness.problem() == ""
    liveness.broker_answered()
    assert "agent.events" in liveness.problem()
    liveness.fetched("agent.events")
    assert liveness.problem() == ""


def test_a_store_that_is_away_is_waited_for(hands: Hands, liveness: Liveness) -> None:
    liveness.fetched("agent.events")
    liveness.begin("store")
    hands.now += FETCH_SECONDS + 1
    liveness.beat()
    liveness.broker_answered()
    assert liveness.problem() == ""
    liveness.end("store", ok=False)
    assert liveness.problem() == ""
    liveness.begin("store")
    liveness.end("store", ok=True)
    # Now it is back, and the consumer has as long as ever to go on.
    assert liveness.problem() == ""
    hands.now += FETCH_SECONDS + 1
    liveness.beat()
    liveness.broker_answered()
    assert "agent.events" in liveness.problem()


def test_a_log_that_grows_and_is_not_read_is_a_stall_though_fetches_are_answered(
    hands: Hands, liveness: Liveness
) -> None:
    def a_second(records: int) -> None:
        hands.now += 1
        liveness.beat()
        liveness.fetched("agent.events")
        liveness.behind("agent.events", records)

    for second in range(int(FETCH_SECONDS) + 1):
        a_second(MOST_MARKERS + 1 + second)
        assert liveness.problem() == ""
    a_second(500)
    assert "nothing of agent.events was taken for 61 s" in liveness.problem()
    liveness.moved("agent.events")
    assert liveness.problem() == ""
    for _ in range(int(FETCH_SECONDS) + 2):
        a_second(MOST_MARKERS)
    assert liveness.problem() == ""


def test_limits_are_settings(hands: Hands) -> None:
    liveness = Liveness(hands, StallLimits(loop=3.0))
    hands.now += 4
    assert "event loop" in liveness.problem()


def test_a_worker_without_partitions_owes_nothing(hands: Hands, liveness: Liveness) -> None:
    liveness.fetched("agent.events")
    liveness.released("agent.events")
    hands.now += FETCH_SECONDS * 2
    liveness.beat()
    liveness.broker_answered()
    assert liveness.problem() == ""


def test_a_rebalance_without_end_is_a_stall(hands: Hands, liveness: Liveness) -> None:
    liveness.rebalancing(is_so=True)
    hands.now += REBALANCE_SECONDS + 1
    liveness.rebalancing(is_so=True)
    liveness.beat()
    assert liveness.problem() == ""
    liveness.broker_answered()
    assert "rebalancing" in liveness.problem()
    liveness.rebalancing(is_so=False)
    assert liveness.problem() == ""


def watchdog_at(hands: Hands) -> tuple[Liveness, Watchdog, list[int]]:
    ended: list[int] = []
    liveness = Liveness(hands)
    return liveness, Watchdog(liveness, ended.append, hands), ended


def test_the_watchdog_tells_the_stacks_then_ends_the_process(hands: Hands, caplog: pytest.LogCaptureFixture) -> None:
    _, watchdog, ended = watchdog_at(hands)
    for _ in range(int(LOOP_SECONDS + GRACE_SECONDS)):
        hands.now += 1
        watchdog.step()
    assert watchdog.problem
    assert not ended
    assert "test_the_watchdog_tells_the_stacks" in caplog.text
    hands.now += 2
    watchdog.step()
    assert ended == [EXIT_STALLED]


def test_a_process_that_was_stopped_and_goes_on_is_not_stalled(hands: Hands) -> None:
    _, watchdog, ended = watchdog_at(hands)
    hands.now += 10 * LOOP_SECONDS
    watchdog.step()
    assert watchdog.problem == ""
    assert not ended
