"""Finds the circumstances in which a stored finding is found again, and the fewest events that it takes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from watchkeeper.cli.repro.shrink import Budget, shrink
from watchkeeper.cli.repro.telling import Piece, Teller
from watchkeeper.cli.store import Row
from watchkeeper.schemas.events import EVENT_ADAPTER, Response
from watchkeeper.schemas.grants import Grant
from watchkeeper.schemas.model import to_us
from watchkeeper.stream_processors.detection.rehearsal import Case, Circumstances, Expected, price_key, rehearse

_A_MOMENT_US: Final = 1_000_000

OnProgress = Callable[[str, int], None]
"""Told what is being made small, and how much of it is left."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One way to judge a choice of events.

    Attributes:
        with_arrivals: whether events arrive when they did, or as they occurred.
    """

    expected: Expected
    circumstances: Circumstances
    teller: Teller
    with_arrivals: bool = False
    grants: list[Grant] = field(default_factory=list)

    def fires(self, pieces: Sequence[Piece]) -> bool:
        """Whether the finding is found in these events."""
        events = self.teller.events(pieces)
        if not events:
            return False
        found = rehearse(events, self.circumstances, self.grants, self._arrived(pieces))
        return any(map(self.expected.matches, found))

    def case(self, pieces: Sequence[Piece]) -> Case:
        """The case, ready to be written."""
        return Case(
            expected=self.expected,
            circumstances=self.circumstances,
            grants=[grant.model_dump(mode="json", exclude_defaults=True) for grant in self.grants],
            arrived_us=self._arrived(pieces),
            events=self.teller.tell(pieces),
        )

    def _arrived(self, pieces: Sequence[Piece]) -> list[int] | None:
        return [piece.arrived_us for piece in pieces] if self.with_arrivals else None


def first_trial(finding: Row, pieces: Sequence[Piece], grants: Sequence[Grant]) -> Trial | None:
    """The plainest way in which the finding is found in all these events; None where it is in none.

    The same finding is looked for first. Where the rule has changed since, or the worker names subjects by a secret,
    the one that is found has another id, and is known by rule, kind, session and agent.
    """
    plain, numbered = Teller(pieces), Teller(pieces, renumber=False)
    for expected, teller in itertools.product(_expected(finding), (plain, numbered)):
        for circumstances, with_arrivals in _circumstances(finding, pieces):
            trial = Trial(expected, circumstances, teller, with_arrivals, list(grants))
            if trial.fires(pieces):
                return trial
    return None


def make_small(
    trial: Trial, pieces: Sequence[Piece], budget: Budget, on_progress: OnProgress
) -> tuple[Trial, list[Piece]]:
    """The trial and the events without what it does not take.

    Args:
        trial: it fires on all of `pieces`.
        pieces: the events.
        budget: see `shrink`.
        on_progress: told how many sessions, events and grants are left.
    """
    by_session: dict[str, list[Piece]] = {}
    for piece in pieces:
        by_session.setdefault(piece.session, []).append(piece)

    def of(sessions: Sequence[str]) -> list[Piece]:
        wanted = set(sessions)
        return [piece for piece in pieces if piece.session in wanted]

    sessions = list(by_session)
    if len(sessions) > 1:
        sessions = shrink(
            sessions, lambda some: trial.fires(of(some)), budget, lambda left: on_progress("sessions", left)
        )
    kept = shrink(of(sessions), trial.fires, budget, lambda left: on_progress("events", left))
    if trial.grants:
        grants = shrink(
            trial.grants,
            lambda some: replace(trial, grants=list(some)).fires(kept),
            budget,
            lambda left: on_progress("grants", left),
        )
        trial = replace(trial, grants=grants)
    return _without_prices(trial, kept), kept


def _without_prices(trial: Trial, kept: Sequence[Piece]) -> Trial:
    """Only the prices that are asked for, and none where none is needed."""
    asked = _prices(kept)
    for prices in ({}, asked):
        circumstances = trial.circumstances.model_copy(update={"prices": prices})
        fewer = replace(trial, circumstances=circumstances)
        if fewer.fires(kept):
            return fewer
    return trial


def _expected(finding: Row) -> Iterator[Expected]:
    known: dict[str, Any] = {name: finding[name] for name in ("rule_id", "kind", "tenant_id", "session_id", "agent_id")}
    yield Expected(**known, finding_id=finding["finding_id"])
    yield Expected(**known)


def _circumstances(finding: Row, pieces: Sequence[Piece]) -> Iterator[tuple[Circumstances, bool]]:
    """The plainest first: no time, time between events, silence afterwards; arrivals as they occurred, as they were."""
    acting: list[Any] = list(dict.fromkeys(["live", finding["origin"]]))
    prices = _prices(pieces)
    # What silence led to is told with the time of the limit that passed; over many sessions, of the last event before.
    until_us = [to_us(finding[when]) + _A_MOMENT_US for when in ("last_event_at", "detected_at")]
    yield Circumstances(acting=acting, prices=prices), False
    for silence_us, with_arrivals in itertools.product((None, *until_us), (False, True)):
        yield Circumstances(waits=True, until_us=silence_us, acting=acting, prices=prices), with_arrivals


def _prices(pieces: Sequence[Piece]) -> dict[str, float]:
    """What the worker charged for each response, by the model that the session had then."""
    models: dict[str, str] = {}
    prices: dict[str, float] = {}
    for piece in pieces:
        if piece.document["type"] not in {"response", "session_started"}:
            continue
        models[piece.session] = piece.document["data"].get("model") or models.get(piece.session, "")
        if piece.cost_usd is not None:
            event = EVENT_ADAPTER.validate_json(orjson.dumps(piece.document))
            if isinstance(event, Response) and event.data.usage is not None:
                prices[price_key(models[piece.session], event.data.usage)] = piece.cost_usd
    return prices
