"""A data source, a folder, a contact point of one's own; what is missing, taken, refused or changed meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest
from standin_deploying import BOARD, STORE, THINGS, WISHES, by_a_person, deployment, done
from standin_grafana import StandIn
from standin_state import PLUGIN

from watchkeeper.dashboards.deploy.deployment import Wishes
from watchkeeper.dashboards.deploy.errors import GrafanaAccessError, GrafanaConflictError, GrafanaError
from watchkeeper.schemas.errors import ConfigurationError


def test_a_data_source_of_ones_own(grafana: StandIn) -> None:
    grafana.state.make_datasource({"name": "Mine", "uid": "mine", "type": PLUGIN})
    deployment(grafana, Wishes(datasource="mine")).deploy()
    assert list(grafana.state.datasources) == ["mine"]
    asked = {
        target["datasource"]["uid"]
        for board in grafana.state.boards.values()
        for panel in board["dashboard"]["panels"]
        for target in panel.get("targets", [])
    }
    assert asked == {"mine"}
    (group,) = grafana.state.groups.values()
    assert {rule["data"][0]["datasourceUid"] for rule in group["rules"]} == {"mine"}
    deployment(grafana, Wishes(datasource="mine")).remove()
    assert list(grafana.state.datasources) == ["mine"]


def test_a_folder_of_ones_own(grafana: StandIn) -> None:
    wishes = replace(WISHES, folder="mine")
    with pytest.raises(ConfigurationError, match="no folder with the uid mine"):
        deployment(grafana, wishes).deploy()
    assert grafana.writes == []
    grafana.state.make_folder({"uid": "mine", "title": "Mine"})
    deployment(grafana, wishes).deploy()
    assert list(grafana.state.groups) == [("mine", "watchkeeper")]
    deployment(grafana, wishes).remove()
    assert list(grafana.state.folders) == ["mine"]


def test_alert_rules_reach_the_contact_point_that_is_named(grafana: StandIn) -> None:
    with pytest.raises(ConfigurationError, match=r"no contact point 'Nobody'; it has: grafana-default-email"):
        deployment(grafana, Wishes(clickhouse=STORE, contact_point="Nobody")).deploy()
    assert grafana.writes == []
    deployment(grafana, Wishes(clickhouse=STORE, contact_point="grafana-default-email")).deploy()
    (group,) = grafana.state.groups.values()
    assert {rule["notification_settings"]["receiver"] for rule in group["rules"]} == {"grafana-default-email"}
    assert list(grafana.state.contact_points) == ["default"]
    # Without either, the policies of that Grafana decide.
    deployment(grafana, Wishes(clickhouse=STORE)).deploy()
    assert {rule["notification_settings"] for rule in next(iter(grafana.state.groups.values()))["rules"]} == {None}


def test_without_alerts(grafana: StandIn) -> None:
    deployment(grafana, Wishes(clickhouse=STORE, alerts=False)).deploy()
    assert grafana.state.groups == {}


def test_a_data_source_that_is_nowhere(grafana: StandIn) -> None:
    with pytest.raises(ConfigurationError, match=r"no data source watchkeeper-clickhouse yet: give --clickhouse"):
        deployment(grafana, Wishes()).deploy()
    assert grafana.writes == []
    assert {standing.state for standing in deployment(grafana, Wishes()).diff()} == {"missing"}
    with pytest.raises(ConfigurationError, match="no data source with the uid mine"):
        deployment(grafana, Wishes(datasource="mine")).diff()


def test_a_plugin_that_is_missing(grafana: StandIn) -> None:
    grafana.state.plugins.clear()
    with pytest.raises(GrafanaAccessError, match=r"404 Plugin not found; install the plugin grafana-clickhouse"):
        deployment(grafana).deploy()


def test_a_store_that_does_not_answer_is_told(grafana: StandIn) -> None:
    grafana.state.clickhouse_answers = False
    report = deployment(grafana).deploy()
    assert "connection refused" in str(report.trouble)
    assert done(report) == dict.fromkeys(THINGS, "created")


def test_somebody_saves_between_our_reading_and_writing(grafana: StandIn) -> None:
    deployment(grafana).deploy()
    outdated_message = f"watchkeeper 0.0.1 {'0' * 32}"
    board = grafana.state.boards[BOARD]
    board["dashboard"]["title"] = "Older"
    board["versions"][-1]["message"] = outdated_message

    def saved() -> None:
        content = board["dashboard"] | {"title": "Mine"}
        grafana.state.save_board({"dashboard": content, "folderUid": "watchkeeper"}, "ada")

    grafana.before["POST", "/dashboards/db"] = saved
    with pytest.raises(GrafanaConflictError, match=r"412 The dashboard has been changed by someone else; .*again"):
        deployment(grafana).deploy()
    assert grafana.state.boards[BOARD]["dashboard"]["title"] == "Mine"


def test_a_name_that_is_taken(grafana: StandIn) -> None:
    grafana.state.make_datasource({"name": "Watchkeeper", "uid": "theirs", "type": "prometheus"})
    with pytest.raises(GrafanaConflictError, match="409 data source with the same name already exists"):
        deployment(grafana).deploy()


def test_what_grafana_says_is_passed_on(grafana: StandIn) -> None:
    grafana.instead["POST", "/dashboards/db"] = (
        400, {"message": "quota reached", "status": "quota"}, {"Content-Type": "application/json"},
    )  # fmt: skip
    with pytest.raises(GrafanaError, match=r"cannot write the dashboard .*: Grafana says 400 quota reached"):
        deployment(grafana).deploy()


def test_a_folder_that_is_named_later(grafana: StandIn) -> None:
    deployment(grafana).deploy()
    grafana.state.make_folder({"uid": "mine", "title": "Mine"})
    wishes = replace(WISHES, folder="mine")
    assert set(done(deployment(grafana, wishes).deploy()).values()) == {"unchanged"}
    grafana.state.groups["watchkeeper", "watchkeeper"]["rules"][0]["for"] = "1h"
    assert done(deployment(grafana, wishes).deploy())["alert rules"] == "left alone"
    deployment(grafana, wishes).deploy(force=True)
    assert list(grafana.state.groups) == [("mine", "watchkeeper")]
    assert {board["meta"]["folderUid"] for board in grafana.state.boards.values()} == {"mine"}
    assert set(done(deployment(grafana, wishes).deploy()).values()) == {"unchanged"}


def test_what_is_wished_for_no_longer_goes(grafana: StandIn) -> None:
    deployment(grafana).deploy()
    without_own = done(deployment(grafana, Wishes()).deploy())
    assert (without_own["alert rules"], without_own["contact point"]) == ("updated", "removed")
    assert list(grafana.state.contact_points) == ["default"]
    assert done(deployment(grafana, Wishes(alerts=False)).deploy())["alert rules"] == "removed"
    assert grafana.state.groups == {}
    assert "alert rules" not in done(deployment(grafana, Wishes(alerts=False)).deploy())


def test_what_a_person_made_of_it_stays(grafana: StandIn) -> None:
    deployment(grafana).deploy()
    by_a_person(grafana)
    report = deployment(grafana, Wishes(alerts=False)).deploy()
    assert not {"alert rules", "contact point"} & done(report).keys()
    assert "watchkeeper" in grafana.state.contact_points
    assert list(grafana.state.groups) == [("watchkeeper", "watchkeeper")]


@pytest.mark.parametrize("wrong", [{"notify": "hooks.example.com"}, {"runbooks": "docs/runbooks"}])
def test_urls_that_are_none(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="takes a URL that begins with https://"):
        # Texts by name, as the command line gives them.
        Wishes(**wrong)  # type: ignore[arg-type]
