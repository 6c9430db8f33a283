"""A new suite out of live sessions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from watchkeeper.evals.suites.candidates import OnProgress, Pool, Reading, Wanted, gather
from watchkeeper.evals.suites.case import Case
from watchkeeper.evals.suites.casting import Casting
from watchkeeper.evals.suites.drawing import draw
from watchkeeper.evals.suites.starting_rubrics import starting_rubrics
from watchkeeper.evals.suites.suite import Drawn, Suite
from watchkeeper.schemas.errors import ConfigurationError


class NothingToDrawError(ConfigurationError):
    """No session can become a case. The message says why not."""


def create(
    name: str,
    reading: Reading,
    wanted: Wanted,
    casting: Casting,
    *,
    description: str = "",
    minimum: int = 3,
    told: OnProgress = lambda _what, _many: None,
) -> Suite:
    """Draws a suite, not yet frozen: `files.write_suite` does that.

    Args:
        name: what it is called.
        reading: reads sessions.
        wanted: which sessions.
        casting: how they become cases.
        description: what the suite is for.
        minimum: how many cases each stratum gets at least.
        told: hears of the progress.

    Raises:
        NothingToDrawError: there is no session that could become a case.
    """
    pool = gather(reading, wanted, told)
    if not pool.candidates:
        raise NothingToDrawError(_nothing(wanted, pool.sessions, pool.left_out))
    told("drawing cases", 0)
    drawn = draw(pool.candidates, wanted.size, seed=wanted.seed, minimum=minimum)
    cases = different(casting.case_of(pick) for pick in drawn.picks)
    return Suite(
        name=name,
        created=casting.drawn_at,
        agent=wanted.agent,
        description=description,
        drawn=drawn_from(wanted, pool, alike=drawn.alike, bands=drawn.bands, shares=drawn.shares),
        rubrics=starting_rubrics(cases),
        cases=cases,
    )


def drawn_from(
    wanted: Wanted, pool: Pool, *, alike: int, bands: tuple[float, float], shares: Mapping[str, float]
) -> Drawn:
    """How cases were drawn from a pool; see `Drawn`."""
    return Drawn(
        tenant=wanted.tenant,
        origin=wanted.origin,
        since=wanted.since,
        until=wanted.until,
        seed=wanted.seed,
        size=wanted.size,
        sessions=pool.sessions,
        read=pool.read,
        left_out=dict(sorted(pool.left_out.items())),
        alike=alike,
        bands=bands,
        shares=dict(shares),
    )


def different(cases: Iterable[Case]) -> tuple[Case, ...]:
    """Cases without those that became the same by masking; the first of them stands for what all of them stood for."""
    found: dict[str, Case] = {}
    for case in cases:
        first = found.get(case.case_id)
        found[case.case_id] = case if first is None else _standing_for(first, case)
    return tuple(found.values())


def _standing_for(case: Case, other: Case) -> Case:
    sessions = 1 / case.provenance.inclusion + 1 / other.provenance.inclusion
    return case.model_copy(update={"provenance": case.provenance.model_copy(update={"inclusion": 1 / sessions})})


_REMEDIES = {
    "regulated": "under long retention: name the ground that covers keeping them, --consent consented for one",
    "no_request": "without a request that was answered: are prompts recorded?",
    "incomplete": "with events or texts missing: see `watchkeeper session show`",
    "too_long": "too long for a case",
}


def _nothing(wanted: Wanted, sessions: int, left_out: dict[str, int]) -> str:
    whose = f"agent {wanted.agent} of tenant {wanted.tenant}"
    if not sessions:
        return (
            f"no {wanted.origin} session of {whose} ended since {wanted.since:%Y-%m-%d %H:%M}: look further back with "
            "--since, or name another agent, tenant or --origin (`watchkeeper sessions` lists them)"
        )
    reasons = "; ".join(f"{many} {_REMEDIES[reason]}" for reason, many in sorted(left_out.items()))
    return f"none of {sessions} sessions of {whose} can become a case: {reasons}"
