"""`make chaos` itself: what it keeps of runs that fail, and what its exit says."""

from __future__ import annotations

import importlib.util
import io
import sys
from pathlib import Path
from types import ModuleType

import chaos_perform
import pytest
from chaos_compare import Outcome, Verdict
from chaos_perform import Result
from chaos_runs import RUNS, Run, Strike
from rich.console import Console

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SILENT = Run("kill never", Strike("insert:events", "before", "kill", nth=10**9), nodes=0)


@pytest.fixture(scope="module")
def chaos() -> ModuleType:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location("watchkeeper_chaos_benchmark", BENCHMARKS / "chaos.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(BENCHMARKS))
    return module


def play(chaos: ModuleType, home: Path, monkeypatch: pytest.MonkeyPatch, found: list[Result]) -> tuple[int, str]:
    """`make chaos ARGS='--only kill --json'`, with results that are given."""
    results = iter(found)

    def perform(run: Run, store: object, place: Path, **_: object) -> Result:
        place.mkdir()
        (place / "worker.log").write_text("said")
        return next(results)

    class NoStore:
        def __init__(self, place: Path) -> None:
            place.mkdir()

        def start(self) -> None:
            """Nothing to start."""

        def end(self, how: int) -> None:
            """Nothing to end."""

    home.mkdir()
    stderr = io.StringIO()
    monkeypatch.setattr(chaos, "perform", perform)
    monkeypatch.setattr(chaos, "Store", NoStore)
    monkeypatch.setattr(chaos.tempfile, "mkdtemp", lambda **_: str(home))
    monkeypatch.setattr(sys, "argv", ["chaos.py", "--only", "kill store", "--json"])
    monkeypatch.setattr(sys, "stderr", stderr)
    with pytest.raises(SystemExit) as ended:
        chaos.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code, stderr.getvalue()


def result(*, lost: int = 0, outcome: Outcome | None = None, changed: dict[str, list[str]] | None = None) -> Result:
    return Result("kill store", Verdict(10, 10 - lost, lost, 0, changed or {}), outcome or {}, 1.0, 2.0)


def test_nothing_is_kept_of_good_runs(chaos: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _ = play(chaos, tmp_path / "home", monkeypatch, [result(), result()])
    assert code == 0
    assert not (tmp_path / "home").exists()


def test_a_difference_is_told_with_both_sides(
    chaos: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet, struck = result(outcome={"findings": {"f-1": "loop"}}), result(changed={"findings": ["f-1"]})
    code, said = play(chaos, tmp_path / "home", monkeypatch, [quiet, struck])
    (kept,) = (tmp_path / "home").iterdir()
    assert code == 1
    assert f"see {kept}" in said
    assert (kept / "worker.log").read_text() == "said"
    assert "expected 'loop'" in (kept / "differences").read_text()


def test_a_loss_without_any_fault_fails(chaos: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = play(chaos, tmp_path / "home", monkeypatch, [result(lost=1), result()])
    assert code == 1
    assert "none: " in said


@pytest.mark.parametrize(("runs", "events", "is_enough"), [(19, 10**6, False), (20, 50_000, True), (20, 49_999, False)])
def test_too_few_runs_or_events_are_told(chaos: ModuleType, runs: int, events: int, is_enough: bool) -> None:
    each = Result("kill", Verdict(events, events, 0, 0, {}), {}, None, 1.0)
    assert (chaos.too_few([each] * runs) == []) is is_enough


def test_names_of_runs_are_their_own() -> None:
    assert len({run.fault for run in RUNS}) == len(RUNS) >= 20


@pytest.mark.long
def test_a_fault_that_never_strikes_fails_and_its_logs_stay(
    chaos: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaos_perform, "PATIENCE", 20.0)
    game = chaos.Game(tmp_path, 1, 2, keep=False, console=Console(file=io.StringIO()), _expected={})
    store = chaos.Store(tmp_path / "store")
    store.start()
    try:
        game._one(SILENT, store, tmp_path / "run")
    finally:
        store.end(15)
    assert "the fault and the story: not within 20 s" in game.failed[0]
    assert game.clear() == [tmp_path / "run"]
    assert (tmp_path / "run" / "worker.log").exists()
