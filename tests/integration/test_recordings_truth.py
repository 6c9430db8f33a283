"""What the detectors find in recorded sessions of others, beside an independent count.

`truth.json` beside the recordings holds counts made by another script. `docs/importing.md` explains every difference,
and these tests hold that page to what is measured. Runs of repeated calls are counted again here, from the recordings
themselves. That the whole pipeline finds the same is for `test_recordings.py`.
"""

from __future__ import annotations

import gzip
import io
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from watchkeeper.producers.identity import ManualClock
from watchkeeper.producers.importers import Importer
from watchkeeper.producers.local import LocalTransport
from watchkeeper.schemas.findings import Finding

pytestmark = pytest.mark.recordings

ROOT: Final = Path(__file__).parents[2]
PLACE: Final = Path(os.environ.get("WATCHKEEPER_RECORDINGS") or ROOT.parent / "shared" / "trajectories")
PAGE: Final = ROOT / "docs" / "importing.md"


@dataclass(frozen=True)
class Judged:
    """A recording, what is known about it, and what was found in it."""

    name: str
    truth: dict[str, Any]
    sessions: list[dict[str, Any]]
    findings: list[Finding]

    def found(self, kind: str) -> list[Any]:
        """Findings of one kind, as last revised."""
        return [finding for finding in self.findings if finding.kind == kind and finding.status == "open"]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("tau2_bench", marks=pytest.mark.long),
        pytest.param("toolbench_chatgpt", marks=pytest.mark.long),
        "trail",
    ],
)
def judged(request: pytest.FixtureRequest) -> Judged:
    path = PLACE / f"{request.param}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"{path} is missing: set WATCHKEEPER_RECORDINGS to the folder that holds it")
    judges: list[LocalTransport] = []

    def judge() -> LocalTransport:
        judges.append(LocalTransport(lambda _: None, out=io.StringIO(), clock=ManualClock(0)))
        return judges[-1]

    Importer(judge).run([path])
    latest = {finding.finding_id: finding for made in judges for finding in made.findings()}
    truth = json.loads((PLACE / "truth.json").read_text())[request.param]
    with gzip.open(path, "rt") as file:
        sessions = [json.loads(line) for line in file]
    return Judged(request.param, truth, sessions, list(latest.values()))


def in_sessions(findings: list[Any]) -> int:
    return len({finding.session_id for finding in findings})


def test_unknown_tools(judged: Judged) -> None:
    found, truth = judged.found("unknown_tool"), judged.truth["unknown_tool"]
    names = Counter(finding.evidence.tool_name for finding in found)
    assert (len(found), in_sessions(found)) == (truth["calls"], truth["sessions"])
    # The truth lists the most frequent names only.
    assert {name: names[name] for name in truth["names"]} == truth["names"]
    assert page_row(judged.name, "calls of unknown tools") == [truth["calls"], len(found)]


def test_arguments_that_a_schema_rejects(judged: Judged) -> None:
    found, truth = judged.found("invalid_arguments"), judged.truth["schema"]
    keywords = Counter(place.keyword for finding in found for place in finding.evidence.violations)
    assert (len(found), in_sessions(found)) == (truth["invalid_calls"], truth["invalid_sessions"])
    assert keywords == truth["by_keyword"]
    assert page_row(judged.name, "arguments against the schema") == [truth["invalid_calls"], len(found)]


def test_keys_that_no_schema_knows(judged: Judged) -> None:
    found, truth = judged.found("unknown_arguments"), judged.truth["unexpected_args"]
    assert (len(found), in_sessions(found)) == (truth["calls"], truth["sessions"])
    assert page_row(judged.name, "keys that the schema does not know") == [truth["calls"], len(found)]


def test_what_could_not_be_judged_is_told(judged: Judged) -> None:
    """Arguments that were cut are neither valid nor invalid."""
    unknown = {
        session["session_id"]
        for session in judged.sessions
        for message in session["messages"]
        for call in message.get("tool_calls") or ()
        if call["arguments"] is None and call["name"] in {tool["name"] for tool in session["tools"]}
    }
    found = judged.found("unjudged")
    assert {finding.evidence.reason for finding in found} <= {"arguments were not recorded"}
    assert {finding.session_id for finding in found} == unknown
    assert page_row(judged.name, "sessions with arguments that could not be judged") == [len(unknown), len(found)]


@dataclass(frozen=True)
class RepeatedRun:
    """Three or more identical calls in a row: the truth's definition.

    Attributes:
        stretches: how many of them stand together without a user's message between them.
    """

    session_id: str
    tool: str
    stretches: tuple[int, ...]


def repeated_runs(session: dict[str, Any]) -> Iterator[RepeatedRun]:
    calls: list[tuple[str, str | None, int]] = []
    users = 0
    for message in session["messages"]:
        users += message["role"] == "user"
        for call in message.get("tool_calls") or ():
            known = call["arguments"] is not None
            calls.append((call["name"], json.dumps(call["arguments"], sort_keys=True) if known else None, users))
    start = 0
    for index in range(1, len(calls) + 1):
        if index < len(calls) and calls[index][1] is not None and calls[index][:2] == calls[start][:2]:
            continue
        if index - start >= 3:
            together = Counter(call[2] for call in calls[start:index])
            yield RepeatedRun(session["session_id"], calls[start][0], tuple(together.values()))
        start = index


def test_loops(judged: Judged) -> None:
    runs = [run for session in judged.sessions for run in repeated_runs(session)]
    truth = judged.truth["loops_ge3_consecutive_identical"]
    assert (len(runs), len({run.session_id for run in runs})) == (truth["runs"], truth["sessions"])
    loops = judged.found("loop")
    single = [loop for loop in loops if len(loop.evidence.cycle) == 1]
    # A user's message ends a run: what is asked again then is polling. Each stretch of three between such messages is
    # a loop of its own, and a run without such a stretch is none.
    expected = Counter((run.session_id, run.tool) for run in runs for stretch in run.stretches if stretch >= 3)
    assert Counter((loop.session_id, loop.evidence.cycle[0]) for loop in single) == expected
    # The truth counts runs of one call; cycles of several are ours alone.
    longer = [loop.evidence for loop in loops if len(loop.evidence.cycle) > 1]
    assert all(loop.rounds >= 3 for loop in longer)
    polled = sum(max(run.stretches) < 3 for run in runs)
    split = sum(max(0, sum(stretch >= 3 for stretch in run.stretches) - 1) for run in runs)
    assert len(loops) == len(runs) - polled + split + len(longer)
    assert page_row(judged.name, "loops") == [truth["runs"], len(loops), polled, split, len(longer)]


def page_row(name: str, title: str) -> list[int]:
    """The figures of the page's row that begins with the recording and the title."""
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip(" `") for cell in line.strip("|").split("|")]
        if cells[:2] == [name, title]:
            figures = (cell.replace(",", "") for cell in cells[2:])
            return [int(figure) for figure in figures if figure.isdigit()]
    pytest.fail(f"{PAGE} has no row for {name}, {title}")
