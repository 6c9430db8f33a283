"""A panel's question to ClickHouse, as the plugin `grafana-clickhouse-datasource` keeps it (its version 4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

from watchkeeper.schemas.errors import ConfigurationError

DATASOURCE = DataSourceRef(type_val="grafana-clickhouse-datasource", uid="watchkeeper-clickhouse")
PLUGIN_VERSION = "4.10.2"

QueryType = Literal["table", "timeseries"]
_FORMATS: dict[QueryType, int] = {"timeseries": 0, "table": 1}


@dataclass
class ClickHouseQuery(Dataquery):
    """One target of a panel."""

    ref_id: str
    raw_sql: str
    query_type: QueryType

    def to_json(self) -> dict[str, object]:
        """As the plugin reads it."""
        return {
            "datasource": DATASOURCE,
            "editorType": "sql",
            "format": _FORMATS[self.query_type],
            "pluginVersion": PLUGIN_VERSION,
            "queryType": self.query_type,
            "rawSql": self.raw_sql,
            "refId": self.ref_id,
        }


class Query(Builder[ClickHouseQuery]):
    """Builds a target of a named file under `sql/`.

    Args:
        name: `board/panel`, without `.sql`.
        query_type: `timeseries` where the first column is a time and each other one a series; else `table`.
    """

    def __init__(self, name: str, query_type: QueryType = "table", ref_id: str = "A") -> None:
        self._query = ClickHouseQuery(ref_id=ref_id, raw_sql=sql(name), query_type=query_type)

    def build(self) -> ClickHouseQuery:
        """The target."""
        return self._query


_PART = re.compile(r"\{\{(\w+)(?::([^{}]*))?\}\}")


@cache
def sql(name: str) -> str:
    """The text of `sql/NAME.sql`, without its comments of the first lines and with its parts put in.

    `{{part}}` stands for `sql/parts/PART.sql`, and `{{part:words}}` for one in which the words stand where it says
    `{{names}}` or `{{name}}`.

    Raises:
        ConfigurationError: there is no such file.
    """
    return _PART.sub(_part, _file(name))


def _part(found: re.Match[str]) -> str:
    text = _file(f"parts/{found[1]}")
    if found[2]:
        text = text.replace("{{names}}", found[2]).replace("{{name}}", found[2])
    return _PART.sub(_part, text)


def _file(name: str) -> str:
    board, _, panel = name.partition("/")
    file = resources.files(__package__) / "sql" / board / f"{panel}.sql"
    if not file.is_file():
        raise ConfigurationError(f"there is no dashboards/grafana/sql/{name}.sql")
    lines = file.read_text().splitlines()
    while lines and lines[0].startswith("--"):
        del lines[0]
    return "\n".join(lines).strip()
