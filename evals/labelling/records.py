"""Labels, draws and scores out of the store, and what several people's labels of one session come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Any, Final, Protocol, TypeVar

import orjson

from watchkeeper.evals.labelling import statements
from watchkeeper.evals.labelling.drawing import inclusions
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.labels import DrawRow, LabelRow
from watchkeeper.schemas.model import Model, to_us
from watchkeeper.schemas.scores import CriterionScore, Score

MOST_SCORES: Final = 300_000
"""More are refused: they would take a gigabyte."""

M = TypeVar("M", bound=Model)
Row = dict[str, Any]


class Store(Protocol):
    """Answers queries and takes rows; `watchkeeper.cli.store.ReadStore` does."""

    def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """The rows of a query, by column; `parameters` are bound by the server."""

    def insert(self, table: str, rows: Sequence[bytes]) -> None:
        """Puts rows in, each a JSON object by column name; returns when they are kept."""


@dataclass(frozen=True, slots=True)
class About:
    """Which sessions are meant.

    Attributes:
        tenant: whose; all of them where it is empty.
        agent: only this agent's; any where it is empty.
        since: those that ended from then on.
        until: and before then.
    """

    tenant: str
    agent: str
    since: datetime
    until: datetime

    def bound(self) -> dict[str, Any]:
        """As parameters of queries."""
        return {"tenant": self.tenant, "agent": self.agent, "since": to_us(self.since), "until": to_us(self.until)}


@dataclass(frozen=True, slots=True)
class Labelled:
    """What people together said of one session.

    Attributes:
        passed: the share of them who said that it passes; None where none said.
        value: the mean of their values; None where none gave one.
        criteria: the mean of what they said, by criterion.
        people: who.
        inclusion: with which probability it was drawn to be labelled; None where nobody knows.
    """

    tenant_id: str
    session_id: str
    intent: str
    passed: float | None
    value: float | None
    criteria: Mapping[str, float]
    people: tuple[str, ...]
    inclusion: float | None


class LabelRecords:
    """Labels and draws in the store. Every method raises what the store raises where it does not answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def labels(self, about: About) -> list[LabelRow]:
        """Every label, the earliest first: the history."""
        return [_model(LabelRow, row) for row in self._store.rows(statements.LABELS, **about.bound())]

    def draws(self, about: About) -> list[DrawRow]:
        """The rows of all draws that had candidates in that time, the earliest draw first, each in its order."""
        return [DrawRow(**row) for row in self._store.rows(statements.DRAWS, **about.bound())]

    def scores(self, about: About, *, grader: str = "", origin: str = "") -> list[Score]:
        """Live scores: of each session the latest by each grader, of whichever version.

        Args:
            about: which sessions.
            grader: only this grader's, by name, or by name and version.
            origin: only `live`, `import` or `simulated` sessions.

        Raises:
            ConfigurationError: there are more than `MOST_SCORES`.
        """
        named = {"grader": grader, "origin": origin, "limit": MOST_SCORES + 1}
        rows = self._store.rows(statements.SCORES, **named, **about.bound())
        if len(rows) > MOST_SCORES:
            raise ConfigurationError(
                f"more than {MOST_SCORES:,} scores since {about.since:%Y-%m-%d}: take a shorter --since, or one "
                "--agent, --tenant or --grader"
            )
        latest: dict[tuple[str, str, str], Score] = {}
        for row in rows:
            score = _model(Score, row)
            latest[score.tenant_id, score.session_id, score.grader.partition("@")[0]] = score
        return list(latest.values())

    def keep_labels(self, labels: Sequence[LabelRow]) -> None:
        """Keeps labels; returns when they are stored."""
        if labels:
            self._store.insert("labels", [label.model_dump_json().encode() for label in labels])

    def keep_draw(self, rows: Sequence[DrawRow]) -> None:
        """Keeps a draw; returns when it is stored."""
        if rows:
            self._store.insert("label_draws", [row.model_dump_json().encode() for row in rows])


def _model(cls: type[M], row: Row) -> M:
    criteria = tuple(CriterionScore(**one) for one in orjson.loads(row["criteria"] or b"[]"))
    return cls(**(row | {"criteria": criteria}))


def together(labels: Iterable[LabelRow], draws: Iterable[DrawRow] = ()) -> list[Labelled]:
    """What people said of each session: of each person the latest, of several persons the mean.

    Sessions that were skipped, or of which nobody says anything, are left out.
    """
    latest: dict[tuple[str, str], dict[str, LabelRow]] = {}
    for label in sorted(labels, key=lambda one: (one.given_at, one.label_id)):
        latest.setdefault((label.tenant_id, label.session_id), {})[label.given_by] = label
    by_tenant: dict[str, list[DrawRow]] = {}
    for row in draws:
        by_tenant.setdefault(row.tenant_id, []).append(row)
    drawn = {
        (tenant, session): chance
        for tenant, rows in by_tenant.items()
        for session, chance in inclusions(rows, {one for of, one in latest if of == tenant}).items()
    }
    found = []
    for (tenant, session), people in latest.items():
        said = [label for label in people.values() if not label.skipped]
        if said:
            found.append(_together(tenant, session, said, drawn.get((tenant, session))))
    return found


def _together(tenant: str, session: str, said: Sequence[LabelRow], drawn: float | None) -> Labelled:
    stated = [label.inclusion for label in said if label.inclusion is not None]
    chances = [*stated, *([drawn] if drawn is not None else [])]
    criteria: dict[str, list[float]] = {}
    for label in said:
        for one in label.criteria:
            if one.value is not None:
                criteria.setdefault(one.name, []).append(one.value)
    passed = [float(label.passed) for label in said if label.passed is not None]
    values = [label.value for label in said if label.value is not None]
    return Labelled(
        tenant_id=tenant,
        session_id=session,
        intent=said[-1].intent,
        passed=fmean(passed) if passed else None,
        value=fmean(values) if values else None,
        criteria={name: fmean(each) for name, each in criteria.items()},
        people=tuple(sorted({label.given_by for label in said})),
        inclusion=max(chances) if chances else None,
    )
