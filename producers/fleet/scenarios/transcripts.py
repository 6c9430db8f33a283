"""Sessions that take longer than was promised."""

from __future__ import annotations

from typing import Final

from watchkeeper.producers.fleet.model import Turn, steps
from watchkeeper.producers.fleet.scenario import Brief, Expectation, Job, Scenario
from watchkeeper.producers.fleet.scenarios.everyday import call, ordinary
from watchkeeper.producers.fleet.scenarios.near_misses import near
from watchkeeper.producers.fleet.series import slowing
from watchkeeper.producers.fleet.worlds.all_worlds import QUEUED_SECONDS

MODE: Final = "latency_budget"
QUICK: Final = 2
QUEUED: Final = 8


def _written_down(brief: Brief, kind: str = "call") -> Job:
    return Job(
        goal="Write a conversation down and sum it up.",
        asks=(f"Please write down {kind}-{brief.key} and tell me what it is about.",),
        intent="transcript",
        script=steps(
            call("transcribe", recording=f"{kind}-{brief.key}"),
            Turn("A customer's boxes arrived open. They will be collected on Thursday, and new ones are on their way."),
        ),
    )


def _queued(brief: Brief) -> Job:
    return _written_down(brief, "queued")


TRANSCRIPTS_EVERYDAY: Final = (
    ordinary("everyday-transcript", "transcriber", "Writes a conversation down and sums it up.", _written_down),
)
TRANSCRIPTS: Final = (
    Scenario(
        name="everything-takes-longer",
        agent="night-transcriber",
        chapter=MODE,
        happens="A service has others before it, and eight sessions take a minute and a half where one is promised.",
        shows="An agent's latency objective over its sessions: what it allows in weeks is gone within minutes.",
        job=_written_down,
        expects=(Expectation(MODE, "budget_burn", "high", {"rate": "latency"}, about="agent"),),
        play=slowing((_written_down,) * QUICK, QUEUED_SECONDS, (_queued,) * QUEUED),
        alone=True,
    ),
)
TRANSCRIPTS_NEAR: Final = (
    near(
        "one-long-recording",
        "transcriber",
        "One session takes longer than was promised, and its neighbours do not.",
        "One slow session is what an error budget is for.",
        _written_down,
        play=slowing((_written_down,) * QUICK, QUEUED_SECONDS, (_queued,)),
        alone=True,
    ),
)
