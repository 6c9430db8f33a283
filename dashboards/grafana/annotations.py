"""What is drawn over all series: what changed, and when drift was told."""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.builders.dashboard import AnnotationQuery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import AnnotationTarget

from watchkeeper.dashboards.grafana.palette import BLUE, ORANGE, RED
from watchkeeper.dashboards.grafana.query import DATASOURCE, Query


@dataclass
class _Target(AnnotationTarget):
    """Grafana hands an annotation's target to the data source, which reads it as a panel's; the builder knows tags."""

    statement: str = ""

    def to_json(self) -> dict[str, object]:
        """As the data source reads it."""
        return Query(self.statement, ref_id="Anno").build().to_json()


class _TargetBuilder(Builder[AnnotationTarget]):
    def __init__(self, statement: str) -> None:
        self._target = _Target(statement=statement)

    def build(self) -> AnnotationTarget:
        return self._target


def changes() -> tuple[AnnotationQuery, ...]:
    """Policies, versions, drift."""
    return (
        _annotation("Policy changes", "annotations/policies", BLUE),
        _annotation("New versions", "annotations/versions", ORANGE),
        _annotation("Drift alarms", "annotations/drift", RED),
    )


def _annotation(name: str, statement: str, colour: str) -> AnnotationQuery:
    return (
        AnnotationQuery().name(name).datasource(DATASOURCE).enable(enable=True).icon_color(colour)
        .target(_TargetBuilder(statement))
    )  # fmt: skip
