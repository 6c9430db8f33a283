"""What dashboards ask over a month: each panel's, variable's and annotation's statement, as ClickHouse sees it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watchkeeper.dashboards.grafana.build import FOLDER
from watchkeeper.dashboards.grafana.macros import ALL, Range, expand

STEP_MS = 3_600_000
"""What Grafana makes of 30 days on a panel of half a page's width."""


@dataclass(frozen=True, slots=True)
class Question:
    """One statement of a dashboard.

    Attributes:
        name: `board/panel`.
        chosen: `all`, or `one` where one tenant and one of its agents are chosen.
        sql: without macros and variables.
    """

    name: str
    chosen: str
    sql: str


def questions(since: datetime, until: datetime, one: Mapping[str, str | Sequence[str]]) -> list[Question]:
    """Every question of every dashboard, with everything chosen and with one tenant and agent.

    Args:
        since: aware; the range's beginning.
        one: values of variables where one tenant is looked at; the session is looked at in both cases.
    """
    span = Range(since, until, STEP_MS)
    documents = [json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))]
    found: dict[str, Question] = {}
    for document in documents:
        board = str(document["uid"]).removeprefix("watchkeeper-")
        everything = {variable["name"]: [ALL] for variable in document["templating"]["list"]}
        for name, sql in _statements(document):
            for chosen, values in (("all", {**everything, **_session(one)}), ("one", {**everything, **one})):
                asked = expand(sql, span, values)
                # Boards share variables and annotations, and some panels: what is the same is asked once.
                found.setdefault(asked, Question(f"{board}/{name}", chosen, asked))
    return list(found.values())


def _session(one: Mapping[str, str | Sequence[str]]) -> dict[str, str | Sequence[str]]:
    return {"session": one["session"]} if "session" in one else {}


def _statements(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    taken: set[str] = set()
    for panel in document["panels"]:
        for target in panel.get("targets", []):
            name = _slug(panel["title"])
            name = f"{name}_{panel['id']}{target['refId']}" if name in taken else name
            taken.add(name)
            yield name, target["rawSql"]
    for variable in document["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable_{variable['name']}", _text_of(variable["query"])
    for note in document.get("annotations", {}).get("list", []):
        if "target" in note and "rawSql" in note["target"]:
            yield f"annotation_{_slug(note['name'])}", note["target"]["rawSql"]


def _text_of(query: str | Mapping[str, Any]) -> str:
    return query if isinstance(query, str) else str(query["rawSql"])


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
