"""Deployments as tests make them, and what a person does in Grafana between them."""

from __future__ import annotations

import copy

from standin_grafana import ADMIN, StandIn

from watchkeeper.dashboards.deploy.boards import documents
from watchkeeper.dashboards.deploy.connection import Address, Grafana
from watchkeeper.dashboards.deploy.data_source import ClickHouse
from watchkeeper.dashboards.deploy.deployment import Deployment, Report, Wishes

STORE = ClickHouse("clickhouse", 8123, "watchkeeper", "grafana", "s3cret")
HOOK = "https://hooks.example.com/T0/B0/very-secret"
WISHES = Wishes(clickhouse=STORE, notify=HOOK)
BOARD = "watchkeeper-overview"


def deployment(standin: StandIn, wishes: Wishes = WISHES, token: str = ADMIN) -> Deployment:
    opened = Grafana(Address.parse(standin.url), token, timeout_seconds=60)
    standin.opened.append(opened)
    return Deployment(opened, wishes)


def done(report: Report) -> dict[str, str]:
    return {one.name if one.kind == "dashboard" else one.kind: one.done for one in report.outcomes}


THINGS = ["folder", "data source", "contact point", *sorted(documents()), "alert rules"]


def by_a_person(standin: StandIn) -> None:
    """A person changes one of each, as Grafana's editor and API do."""
    state = standin.state
    content = copy.deepcopy(state.boards[BOARD]["dashboard"])
    content["panels"][1]["title"] = "Mine"
    state.save_board({"dashboard": content, "folderUid": "watchkeeper", "message": "nicer"}, "ada")
    state.datasources["watchkeeper-clickhouse"]["jsonData"]["host"] = "elsewhere"
    state.contact_points["watchkeeper"]["settings"]["url"] = "https://example.com/ada"
    group = state.groups["watchkeeper", "watchkeeper"]
    group["rules"][0]["for"] = "1h"
