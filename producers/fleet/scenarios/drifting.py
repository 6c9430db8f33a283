"""Agents that become worse at what they do, or are asked for something else, over days."""

from __future__ import annotations

from typing import Final

from watchkeeper.producers.fleet.model import Turn, steps
from watchkeeper.producers.fleet.scenario import Brief, Expectation, Job, Scenario
from watchkeeper.producers.fleet.scenarios.everyday import call
from watchkeeper.producers.fleet.series import nothing_known, over_days

QUALITY: Final = "quality_drift"
INPUT: Final = "input_drift"
DAYS: Final = 9
A_DAY: Final = 18
WORSE: Final = 6
"""From this day on it declines every second request."""
WEEKS_DAYS: Final = 14
A_WEEKS_DAY: Final = 20
ASKED: Final = 8
"""From this day on every second customer asks about customs. Eight days hold five weekdays, which are watched apart."""


def _tracked(parcel: str, intent: str, asks: str, answer: str) -> Job:
    return Job(
        goal="Tell a customer where their parcel is.",
        asks=(asks,),
        intent=intent,
        script=steps(call("track_parcel", parcel=parcel), Turn(answer)),
    )


def _found(brief: Brief) -> Job:
    return _of_the_day(brief, 0, 1)


def _of_the_day(brief: Brief, day: int, number: int) -> Job:
    parcel = f"p-{brief.key}-{day}-{number}"
    declined = day >= WORSE and number % 2 == 0
    answer = "I am sorry, I cannot help you with that." if declined else "I have noted what the carrier said of it."
    return _tracked(parcel, "tracking", f"Where is my parcel {parcel}?", answer)


def _of_the_week(brief: Brief, day: int, number: int) -> Job:
    parcel = f"p-{brief.key}-{day}-{number}"
    if day >= ASKED and number % 2 == 0:
        asks = f"What do I have to pay at customs for my parcel {parcel}?"
        return _tracked(parcel, "customs", asks, "The carrier tells you at the door what is due.")
    return _tracked(parcel, "tracking", f"Where is my parcel {parcel}?", "I have noted what the carrier said of it.")


DRIFTING: Final = (
    Scenario(
        name="declines-what-it-used-to-answer",
        agent="parcel-desk",
        chapter=QUALITY,
        happens="After six days it declines every second request that it used to answer.",
        shows="A mean against its own baseline, at a stated rate of false alarms: since when, and in which intents.",
        job=_found,
        expects=(Expectation(QUALITY, "drifted_scores", "medium", {"stream": "abstentions"}, about="agent"),),
        play=over_days(DAYS, A_DAY, _of_the_day, nothing_known),
        alone=True,
        past=True,
    ),
    Scenario(
        name="asked-about-customs",
        agent="parcel-office",
        chapter=INPUT,
        happens="After eight days every second customer asks about customs, of which nobody spoke before.",
        shows="What sessions are about, watched as closely: the new intent by name, and since when.",
        job=_found,
        expects=(Expectation(INPUT, "shifted_mix", "medium", {"what": "intents"}, about="agent"),),
        play=over_days(WEEKS_DAYS, A_WEEKS_DAY, _of_the_week, nothing_known),
        alone=True,
        past=True,
    ),
)
