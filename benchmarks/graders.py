"""How well graders tell good sessions from bad ones, on the labels that came with recorded sessions.

`make bench-graders` writes benchmarks/results/graders.json; `docs/evals/graders.md` tells what labels mean, and shows
the figures. Without the recordings (`WATCHKEEPER_RECORDINGS`) nothing is measured and nothing written.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import graders_page
import numpy as np
import numpy.typing as npt
import orjson
from harness import Figure, of_quantile, write

from watchkeeper.evals.grading.grade import Grader
from watchkeeper.evals.grading.groundedness import Groundedness
from watchkeeper.evals.grading.running import full_name, grade_guarded
from watchkeeper.evals.grading.statistical.labelled import read_recordings
from watchkeeper.evals.grading.statistical.measures import STATISTICS, auc, kappa, measure, resamples_of
from watchkeeper.evals.grading.statistical.training import Labelled, Trained, train
from watchkeeper.evals.grading.tool_use import ToolUseQuality
from watchkeeper.evals.grading.trajectories import ToolTrajectory
from watchkeeper.evals.interaction import Interaction, Turn
from watchkeeper.evals.suites.case import Case, ExpectedCall

ROOT: Final = Path(__file__).parents[1]
PLACE: Final = Path(os.environ.get("WATCHKEEPER_RECORDINGS") or ROOT.parent / "shared" / "trajectories")
ENDS: Final = frozenset({"transfer_to_human_agents", "done"})

READS: Final = ("get_", "find_", "search_", "list_", "calculate", "check_", "can_", "run_")

HALLUCINATIONS: Final = frozenset({"Language-only", "Tool-related"})
"""Both are kinds of hallucination in TRAIL's taxonomy: in what is said, and of what tools did."""

TOOL_ERRORS: Final = frozenset({"Tool Selection Errors", "Tool Definition Issues", "Resource Abuse"})

Values = list[float | None]


@dataclass(frozen=True, slots=True)
class Labels:
    """What is known of the sessions of a recording.

    Attributes:
        good: 1 or 0, in the sessions' order.
        groups: which sessions belong together.
    """

    name: str
    good: list[float]
    groups: list[str]


@dataclass(frozen=True, slots=True)
class Graded:
    """What one grader said.

    Attributes:
        values: in the sessions' order; None where it gave none.
        verdicts: the same of whether they passed.
        milliseconds: each session took.
    """

    name: str
    values: Values
    verdicts: Values
    milliseconds: list[float]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dry-run", action="store_true", help="write nothing")
    options.add_argument("--sessions", type=int, help="only some N of each recording: to try the program")
    arguments = options.parse_args()
    figures: list[Figure] = []
    versions: dict[str, str] = {}
    for name, measured in (("tau2_bench", of_tau2), ("trail", of_trail)):
        path = PLACE / f"{name}.jsonl.gz"
        if not path.exists():
            sys.exit(f"{path} is missing: set WATCHKEEPER_RECORDINGS to the folder that holds the recordings")
        sessions = read_recordings([path])
        sessions = sessions[:: max(1, len(sessions) // (arguments.sessions or len(sessions)))]
        figures += measured(sessions, versions)
    if arguments.dry_run:
        for figure in figures:
            print(figure.line())
        return
    write("graders", figures, graders=versions)
    graders_page.main()


def of_tau2(sessions: Sequence[Interaction], versions: dict[str, str]) -> Iterator[Figure]:
    """The label is whether the task's state and answers were right at the end (`reward`)."""
    outcomes = [one.outcomes for one in sessions]
    tasks = [f"{one['domain']}/{one['task_id']}" for one in outcomes]
    labels = Labels("reward", [float(float(one["reward"]) >= 0.5) for one in outcomes], tasks)
    references = [_reference(one) for one in sessions]
    trajectory = ToolTrajectory(ignore=tuple(sorted({name for one in sessions for name in one.tools if _idle(name)})))
    cases = [_case(reference) for reference in references]
    yield from _share("tau2_good", labels)
    for grader, given in ((Groundedness(), None), (ToolUseQuality(), None), (trajectory, cases)):
        versions[f"tau2_{grader.name}"] = full_name(grader)
        yield from _against("tau2", _graded(grader, sessions, given), labels)
    yield from _baselines("tau2", sessions, labels)
    sources = [f"{one.agent_id}/{one.model}/{one.outcomes['domain']}/{one.outcomes['mode']}" for one in sessions]
    for way, groups in (("by_task", tasks), ("by_source", sources)):
        yield from _statistical(f"tau2_statistical_{way}", sessions, Labels("reward", labels.good, groups), sources)


def of_trail(sessions: Sequence[Interaction], versions: dict[str, str]) -> Iterator[Figure]:
    """Labels are annotated errors: none of high impact, none of the kinds that a grader looks for."""
    errors = [_errors(one) for one in sessions]
    alone = [one.interaction_id for one in sessions]

    def without(wrong: Callable[[Mapping[str, Any]], bool]) -> list[float]:
        return [float(not any(map(wrong, some))) for some in errors]

    serious = Labels("no_high_impact", without(lambda error: error["impact"] == "HIGH"), alone)
    sound = Labels("no_hallucination", without(lambda error: error["category"] in HALLUCINATIONS), alone)
    handy = Labels("no_tool_error", without(lambda error: error["category"] in TOOL_ERRORS), alone)
    for labels in (serious, sound, handy):
        yield from _share(f"trail_{labels.name}", labels)
    # Its agents run code, and most of what tools answered stands in messages: there are sources without tools' results.
    every = Groundedness(require_sources=False)
    for grader, own, called in (
        (Groundedness(), sound, "groundedness"),
        (every, sound, "groundedness_of_all"),
        (ToolUseQuality(), handy, "tool_use"),
    ):
        versions[f"trail_{called}"] = full_name(grader)
        graded = replace(_graded(grader, sessions, None), name=called)
        yield from _against("trail", graded, own)
        yield from _against("trail", graded, serious, timed=False)
    yield from _baselines("trail", sessions, serious)
    yield from _statistical("trail_statistical", sessions, sound)


def _graded(grader: Grader, sessions: Sequence[Interaction], cases: Sequence[Case] | None) -> Graded:
    values: Values = []
    verdicts: Values = []
    took: list[float] = []
    for at, interaction in enumerate(sessions):
        began = time.process_time()
        grade = grade_guarded(grader, interaction, cases[at] if cases else None)
        took.append(1000 * (time.process_time() - began))
        values.append(grade.value if grade else None)
        verdicts.append(None if grade is None or grade.passed is None else float(grade.passed))
    return Graded(grader.name, values, verdicts, took)


def _against(recording: str, graded: Graded, labels: Labels, *, timed: bool = True) -> Iterator[Figure]:
    """How well a grader tells the labels: of the sessions that it grades."""
    name = f"{recording}_{graded.name}"
    there = [at for at, value in enumerate(graded.values) if value is not None]
    if timed:
        yield _counted(f"{name}_graded_share", [float(value is not None) for value in graded.values], labels.groups)
        if there:
            passed = [graded.verdicts[at] or 0.0 for at in there]
            yield _counted(f"{name}_passed_share", passed, [labels.groups[at] for at in there])
        yield of_quantile(f"{name}_milliseconds_p50", "ms", graded.milliseconds, 0.5)
        yield of_quantile(f"{name}_milliseconds_p99", "ms", graded.milliseconds, 0.99)
    yield from _told(f"{name}_auc_{labels.name}", "auc", graded.values, labels)
    yield from _told(f"{name}_kappa_{labels.name}", "kappa", graded.verdicts, labels)


def _told(name: str, what: str, values: Values, labels: Labels) -> Iterator[Figure]:
    there = [at for at, value in enumerate(values) if value is not None]
    found = measure(
        {"auc": auc, "kappa": kappa}[what],
        [labels.good[at] for at in there],
        [value for value in values if value is not None],
        [labels.groups[at] for at in there],
        name=what,
    )
    if found.value is None or found.low is None or found.high is None:
        print(f"{name}: not defined, {len(there)} sessions are graded")
        return
    yield Figure(name, found.value, "", len(there), (found.low, found.high))


def _baselines(recording: str, sessions: Sequence[Interaction], labels: Labels) -> Iterator[Figure]:
    """What counting alone tells: shorter is better, whichever it is that is counted."""
    counted: dict[str, list[float]] = {
        "turns": [float(len(one.turns)) for one in sessions],
        "calls": [float(len(one.calls)) for one in sessions],
        "words": [float(sum(len(turn.text.split()) for turn in one.turns)) for one in sessions],
    }
    for name, values in counted.items():
        yield from _told(f"{recording}_fewer_{name}_auc_{labels.name}", "auc", [-value for value in values], labels)


def _statistical(
    name: str, sessions: Sequence[Interaction], labels: Labels, sources: Sequence[str] = ()
) -> Iterator[Figure]:
    labelled = [
        Labelled(one, bool(good), group) for one, good, group in zip(sessions, labels.good, labels.groups, strict=True)
    ]
    began = time.process_time()
    trained = train(labelled, target=labels.name, trained_at=datetime.now(UTC), progress=_progress(name))
    took = time.process_time() - began
    yield Figure(f"{name}_groups", float(trained.model.groups), "", len(labelled), (0.0, float(len(labelled))))
    yield Figure(f"{name}_training_seconds", took, "s", 1, (took, took))
    yield from _of_model(name, trained, labels)
    if sources:
        yield _within(f"{name}_auc_within_source_{labels.name}", trained, labels, sources)


def _within(name: str, trained: Trained, labels: Labels, sources: Sequence[str]) -> Figure:
    """The AUC over pairs of sessions of one source alone: what remains when good agents need not be told from bad."""
    good, told = np.asarray(labels.good), np.asarray(trained.out_of_fold)
    whose = np.asarray(sources)

    def mean(at: npt.NDArray[np.intp]) -> float:
        pairs, won = 0.0, 0.0
        for source in np.unique(whose[at]):
            mine = at[whose[at] == source]
            positives = float(good[mine].sum())
            weight = positives * (len(mine) - positives)
            if weight:
                pairs, won = pairs + weight, won + weight * auc(good[mine], told[mine])
        return won / pairs

    drawn = [mean(at) for at in resamples_of(labels.groups)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Figure(name, mean(np.arange(len(good))), "", len(good), (float(low), float(high)))


def _of_model(name: str, trained: Trained, labels: Labels) -> Iterator[Figure]:
    for one in trained.model.measures:
        if one.value is not None and one.low is not None and one.high is not None:
            yield Figure(f"{name}_{one.name}_{labels.name}", one.value, "", trained.model.sessions, (one.low, one.high))
    assert {one.name for one in trained.model.measures} == set(STATISTICS)
    print(f"{name}: {trained.model.chosen}, of {trained.candidates}", flush=True)


def _progress(name: str) -> Callable[[int, int, str], None]:
    def told(done: int, steps: int, what: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{name}: {100 * done // max(1, steps)} %, {what}    ", end="", file=sys.stderr, flush=True)

    return told


def _share(name: str, labels: Labels) -> Iterator[Figure]:
    yield _counted(f"{name}_share", labels.good, labels.groups)


def _counted(name: str, values: Sequence[float], groups: Sequence[str]) -> Figure:
    found = measure(lambda _, some: float(some.mean()), list(values), list(values), groups, name=name)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    return Figure(name, found.value, "", len(values), (found.low, found.high))


def _reference(interaction: Interaction) -> tuple[ExpectedCall, ...]:
    """The calls of the task's reference solution that are the agent's to make: others are the simulated user's."""
    told = orjson.loads(str(interaction.outcomes.get("expected_actions") or "[]"))
    return tuple(
        ExpectedCall(name=one["name"], arguments=one.get("arguments") or {})
        for one in told
        if one["name"] in interaction.tools
    )


def _idle(name: str) -> bool:
    """Whether a tool changes nothing that is compared: it reads, ends, or says a summary in the agent's own words."""
    return name in ENDS or name.startswith(READS)


def _case(reference: tuple[ExpectedCall, ...]) -> Case:
    return Case(case_id="reference", messages=(Turn(speaker="user"),), reference_calls=reference)


def _errors(interaction: Interaction) -> list[dict[str, Any]]:
    told: Iterable[dict[str, Any]] = orjson.loads(str(interaction.outcomes.get("errors") or "[]"))
    return list(told)


if __name__ == "__main__":
    main()
