"""Small chaos: one run of each kind, every boundary, and whether the comparison can fail at all."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos_compare import Outcome
from chaos_faults import CALLS
from chaos_perform import perform
from chaos_runs import RUNS, Run, Strike
from chaos_store import Store

from watchkeeper.stream_processors.engine import ports

SMALL, SESSIONS = 12, 40
"""Sessions of each host: in the default suite, and in the long tests."""

KINDS = (
    "kill after insert:events",
    "term before insert:sessions",
    "answer lost publish:agent.events",
    "refuse insert:events",
    "kill store",
    "store away at start",
    "kill host",
    "kill after insert:dead_letters",
    "kill rollups",
    "two workers",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    parts = Store(tmp_path_factory.mktemp("store"))
    parts.start()
    yield parts
    parts.end(signal.SIGTERM)


@pytest.fixture(scope="module")
def small(store: Store, tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Path]:
    home = tmp_path_factory.mktemp("small")
    result = perform(Run("none", nodes=0), store, home, seed=1, sessions=SMALL, expected=None)
    assert result.verdict.is_good
    return result.outcome, home


@pytest.fixture(scope="module")
def undisturbed(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    home = tmp_path_factory.mktemp("undisturbed")
    return perform(Run("none"), store, home, seed=1, sessions=SESSIONS, expected=None).outcome


@pytest.mark.long
def test_a_worker_that_is_killed_loses_doubles_and_changes_nothing(
    store: Store, small: tuple[Outcome, Path], tmp_path: Path
) -> None:
    expected, _ = small
    for name, table in expected.items():
        assert table, f"the load shows nothing of {name}"
    run = Run("kill", Strike("insert:sessions", "before", "kill", nth=1), nodes=0)
    result = perform(run, store, tmp_path, seed=1, sessions=SMALL, expected=expected)
    assert result.verdict.is_good, result.verdict


@pytest.mark.long
def test_every_call_of_a_port_is_a_known_boundary_and_is_reached(small: tuple[Outcome, Path]) -> None:
    told = {tuple(line.rsplit(" ", 1)) for line in (small[1] / "trace").read_text().splitlines()}
    assert {call for call, _ in told} == set(CALLS)
    assert {call for call, moment in told if moment == "before"} == {call for call, moment in told if moment == "after"}


def test_the_ports_have_no_call_that_is_no_boundary() -> None:
    names = {call.split(":")[0] for call in CALLS}
    calls = {name for port in (ports.Bus, ports.Store) for name in vars(port) if not name.startswith("_")}
    assert calls == names - {"note", "commit"}


@pytest.mark.long
@pytest.mark.parametrize(
    ("planted", "seen"), [("lossy", "lost"), ("renaming", "changed")], ids=["events lost", "findings told twice"]
)
def test_a_planted_bug_is_reported(
    planted: str, seen: str, store: Store, small: tuple[Outcome, Path], tmp_path: Path
) -> None:
    script = Path(__file__).with_name(f"chaos_{planted}_worker.py")
    run = Run("kill", Strike("insert:sessions", "before", "kill", nth=1), nodes=0)
    result = perform(
        run, store, tmp_path, seed=1, sessions=SMALL, expected=small[0], script=script, comes_to_rest=False
    )
    assert getattr(result.verdict, seen)
    assert not result.verdict.is_good


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_of_each_kind(kind: str, store: Store, undisturbed: Outcome, tmp_path: Path) -> None:
    run = next(run for run in RUNS if run.fault == kind)
    result = perform(run, store, tmp_path, seed=1, sessions=SESSIONS, expected=undisturbed)
    assert result.verdict.is_good, result.verdict
