"""Models that change silently, and tools that fail."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from watchkeeper.producers.fleet.model import Turn, steps
from watchkeeper.producers.fleet.scenario import Brief, Expectation, Job, Scenario
from watchkeeper.producers.fleet.scenarios.everyday import call, ordinary
from watchkeeper.producers.fleet.scenarios.near_misses import near
from watchkeeper.producers.fleet.series import in_series, released_between

DRIFT: Final = "version_drift"
DEGRADED: Final = "tool_degradation"
BEFORE: Final = "gpt-4.1-mini"
AFTER: Final = "gpt-4.1-nano"
WELL: Final = 3
DOWN: Final = 4
PARCELS_EACH: Final = 4
CALLERS: Final = 6
TRIES: Final = 6
WITHOUT_THE_CARRIER: Final = "Say that the carrier cannot be asked at the moment, and offer to write when it can."


def _where(parcels: tuple[str, ...], model: str = "") -> Job:
    listed = ", ".join(parcels)
    return Job(
        goal="Tell a customer where their parcels are.",
        asks=(f"Where are my parcels {listed}? I have been waiting for them since Monday.",),
        intent="tracking",
        script=steps(
            *(call("track_parcel", parcel=parcel) for parcel in parcels),
            Turn("I have asked the carrier for each of them and noted what it said."),
        ),
        options=MappingProxyType({"model": model} if model else {}),
    )


def _found(brief: Brief) -> Job:
    return _where((f"p-{brief.key}",))


def _by_another_model(brief: Brief) -> Job:
    return _where((f"p-{brief.key}",), AFTER)


def _at_the_second_try(brief: Brief) -> Job:
    return _where((f"blip-{brief.key}",) * 2)


def _several(kind: str, number: int) -> Callable[[Brief], Job]:
    def job(brief: Brief) -> Job:
        return _where(tuple(f"{kind if nth % 2 else 'p'}-{brief.key}-{number}-{nth}" for nth in range(PARCELS_EACH)))

    return job


_OUTAGE: Final = (
    *(_several("p", number) for number in range(WELL)),
    *(_several("down", WELL + number) for number in range(DOWN)),
)


def _one_after_another(number: int) -> Callable[[Brief], Job]:
    def job(brief: Brief) -> Job:
        return _where(tuple(f"down-{brief.key}-{number}-{nth}" for nth in range(TRIES)))

    return job


PARCELS_EVERYDAY: Final = (ordinary("everyday-parcel", "courier-desk", "Asks the carrier where a parcel is.", _found),)
PARCELS: Final = (
    Scenario(
        name="model-changed-silently",
        agent="courier-desk",
        chapter=DRIFT,
        happens="Somebody sets another model, and releases nothing.",
        shows="A session under a known release with something that none of them had before.",
        job=_found,
        expects=(Expectation(DRIFT, "version_drift", "medium", {"what": "model", "after": AFTER}, about="agent"),),
        play=in_series(_found, _found, _by_another_model, _by_another_model),
        alone=True,
    ),
    Scenario(
        name="carrier-goes-down",
        agent="parcel-tracker",
        chapter=DEGRADED,
        happens="The carrier's interface fails for every second parcel, in four sessions, where one in a hundred may.",
        shows="A tool's error budget over all sessions of the agent, and advice: open its circuit, and what to do.",
        job=_found,
        expects=(
            Expectation(
                DEGRADED,
                "budget_burn",
                "high",
                {"rate": "errors", "of": "track_parcel", "fallback": WITHOUT_THE_CARRIER},
                about="agent",
            ),
        ),
        play=in_series(*_OUTAGE),
        alone=True,
    ),
    Scenario(
        name="everybody-tries-again",
        agent="parcel-hotline",
        chapter=DEGRADED,
        happens="The carrier is down, and six sessions ask it for one parcel after another.",
        shows="A storm of retries, which keeps a tool down that is down, though nothing was promised of it.",
        job=_found,
        expects=(Expectation(DEGRADED, "retry_storm", "high", {"tool_name": "track_parcel"}, about="agent"),),
        play=in_series(*(_one_after_another(number) for number in range(CALLERS))),
        alone=True,
    ),
)
PARCELS_NEAR: Final = (
    near(
        "released-with-another-model",
        "courier-desk",
        "A new release of the agent brings another model.",
        "A change that is announced by a new version.",
        _found,
        play=released_between(_found, _found, version="1.1", model=AFTER),
        alone=True,
    ),
    near(
        "carrier-blinks",
        "courier-desk",
        "The carrier fails once, and answers at the second request.",
        "One failed call burns no error budget.",
        _at_the_second_try,
    ),
)
