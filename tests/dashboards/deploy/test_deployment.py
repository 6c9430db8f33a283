"""Deployment to a Grafana: nothing twice, nothing of a person's overwritten, nothing of others taken away."""

from __future__ import annotations

import copy
from dataclasses import replace

from standin_deploying import BOARD, HOOK, STORE, THINGS, by_a_person, deployment, done
from standin_grafana import ADMIN, StandIn
from standin_state import PLUGIN

from watchkeeper.dashboards.deploy.boards import BoardInGrafana, documents
from watchkeeper.dashboards.deploy.connection import Address, Grafana
from watchkeeper.dashboards.deploy.deployment import Wishes
from watchkeeper.dashboards.grafana.alerts_in_use import RULES


def test_everything_is_made_once(grafana: StandIn) -> None:
    first = deployment(grafana).deploy()
    assert done(first) == dict.fromkeys(THINGS, "created")
    assert first.trouble is None
    state = grafana.state
    assert {uid: board["meta"]["folderUid"] for uid, board in state.boards.items()} == dict.fromkeys(
        documents(), "watchkeeper"
    )
    assert state.passwords == {"watchkeeper-clickhouse": "s3cret"}
    assert not state.datasources["watchkeeper-clickhouse"]["isDefault"]
    assert [rule["uid"] for rule in state.groups["watchkeeper", "watchkeeper"]["rules"]] == [r.uid for r in RULES]
    assert state.contact_points["watchkeeper"]["settings"]["url"] == HOOK

    before, writes = copy.deepcopy(state.__dict__), len(grafana.writes)
    second = deployment(grafana).deploy()
    assert done(second) == dict.fromkeys(THINGS, "unchanged")
    assert len(grafana.writes) == writes
    assert {name: value for name, value in state.__dict__.items() if name != "_ids"} == {
        name: value for name, value in before.items() if name != "_ids"
    }
    assert [standing.state for standing in deployment(grafana).diff()] == ["same"] * len(THINGS)


def test_a_dry_run_writes_nothing_and_tells_the_same(grafana: StandIn) -> None:
    told = done(deployment(grafana).deploy(dry_run=True))
    assert grafana.writes == []
    assert told == done(deployment(grafana).deploy())
    gone = done(deployment(grafana).remove(dry_run=True))
    assert grafana.state.boards
    assert gone == done(deployment(grafana).remove())


def outdated(standin: StandIn) -> None:
    """As an earlier Watchkeeper deployed: other contents, with the fingerprints of their own."""
    old = Wishes(clickhouse=replace(STORE, port=9000), notify=HOOK + "2", runbooks="https://old.example.com/")
    deployment(standin, old).deploy()
    document = documents()[BOARD] | {"title": "Of old"}
    opened = Grafana(Address.parse(standin.url), ADMIN)
    board = BoardInGrafana(opened, BOARD, document, "watchkeeper")
    found = board.look()
    assert found is not None
    board.update(found)
    opened.close()


def test_what_was_deployed_before_is_brought_up_to_date(grafana: StandIn) -> None:
    outdated(grafana)
    report = deployment(grafana).deploy()
    expected = dict.fromkeys(THINGS, "unchanged") | dict.fromkeys(
        ("data source", "contact point", BOARD, "alert rules"), "updated"
    )
    assert done(report) == expected
    assert grafana.state.boards[BOARD]["dashboard"]["title"] == documents()[BOARD]["title"]
    assert grafana.state.datasources["watchkeeper-clickhouse"]["jsonData"]["port"] == 8123
    assert grafana.state.contact_points["watchkeeper"]["settings"]["url"] == HOOK
    assert done(deployment(grafana).deploy()) == dict.fromkeys(THINGS, "unchanged")


def test_what_a_person_changed_is_left_alone(grafana: StandIn) -> None:
    deployment(grafana).deploy()
    by_a_person(grafana)
    before, writes = copy.deepcopy(grafana.state.boards), len(grafana.writes)
    report = deployment(grafana).deploy()
    changed = ("data source", "contact point", BOARD, "alert rules")
    assert done(report) == dict.fromkeys(THINGS, "unchanged") | dict.fromkeys(changed, "left alone")
    assert len(report.left) == 4
    detail = next(one.detail for one in report.left if one.name == BOARD)
    assert detail == "changed in Grafana (version 2, saved by ada at 2026-03-02T10:00:00); --force overwrites it"
    assert len(grafana.writes) == writes
    assert grafana.state.boards == before

    removed = done(deployment(grafana).remove())
    assert {removed[one] for one in changed} == {"left alone"}
    assert removed["folder"] == "left alone"
    assert BOARD in grafana.state.boards
    assert len(grafana.state.boards) == 1


def test_force_overwrites_it(grafana: StandIn) -> None:
    deployment(grafana).deploy()
    by_a_person(grafana)
    report = deployment(grafana).deploy(force=True)
    assert report.left == []
    assert {one.done for one in report.outcomes} == {"overwritten", "unchanged"}
    assert done(deployment(grafana).deploy()) == dict.fromkeys(THINGS, "unchanged")


def test_the_same_content_saved_by_a_person_is_no_conflict(grafana: StandIn) -> None:
    deployment(grafana).deploy()
    content = grafana.state.boards[BOARD]["dashboard"]
    grafana.state.save_board({"dashboard": content, "folderUid": "watchkeeper"}, "ada")
    assert done(deployment(grafana).deploy())[BOARD] == "unchanged"


def test_a_dashboard_that_grafana_wrote_anew_is_as_it_was_sent(grafana: StandIn) -> None:
    deployment(grafana).deploy()
    grafana.state.boards[BOARD]["dashboard"]["schemaVersion"] = 42
    assert done(deployment(grafana).deploy()) == dict.fromkeys(THINGS, "unchanged")


def test_a_moved_dashboard_stays_where_it_was_put(grafana: StandIn) -> None:
    deployment(grafana).deploy()
    grafana.state.make_folder({"uid": "mine", "title": "Mine"})
    grafana.state.boards[BOARD]["meta"]["folderUid"] = "mine"
    assert done(deployment(grafana).deploy())[BOARD] == "unchanged"
    outdated_document = grafana.state.boards[BOARD]["dashboard"]
    outdated_document["title"] = "Older"
    grafana.state.boards[BOARD]["versions"][-1]["message"] = f"watchkeeper 0.0.1 {'0' * 32}"
    assert done(deployment(grafana).deploy())[BOARD] == "updated"
    assert grafana.state.boards[BOARD]["meta"]["folderUid"] == "mine"
    deployment(grafana).deploy(force=True)
    assert grafana.state.boards[BOARD]["meta"]["folderUid"] == "watchkeeper"


def test_what_comes_from_files_is_left_alone_even_by_force(grafana: StandIn) -> None:
    deployment(grafana).deploy()
    state = grafana.state
    state.boards[BOARD]["dashboard"]["title"] = "Of a file"
    state.boards[BOARD]["meta"]["provisioned"] = True
    state.boards[BOARD]["versions"][-1]["message"] = ""
    state.datasources["watchkeeper-clickhouse"]["readOnly"] = True
    state.datasources["watchkeeper-clickhouse"]["jsonData"]["host"] = "of-a-file"
    for rule in state.groups["watchkeeper", "watchkeeper"]["rules"]:
        rule["provenance"] = "file"
        rule["annotations"]["summary"] = "of a file"
    report = deployment(grafana).deploy(force=True)
    assert {one.name: one.detail for one in report.left} == dict.fromkeys(
        (BOARD, "watchkeeper-clickhouse", "watchkeeper"), "Grafana takes it from a file: change that"
    )
    assert {one.done for one in deployment(grafana).remove(force=True).outcomes} == {"left alone", "removed"}
    assert BOARD in state.boards


def test_a_dashboard_that_is_not_made_any_more_goes(grafana: StandIn) -> None:
    deployment(grafana).deploy()
    state = grafana.state
    old = {"uid": "watchkeeper-old", "title": "Old", "tags": ["watchkeeper"]}
    state.save_board({"dashboard": old, "folderUid": "watchkeeper", "message": f"watchkeeper 0.0.1 {'1' * 32}"})
    mine = {"uid": "mine", "title": "Mine", "tags": ["watchkeeper"]}
    state.save_board({"dashboard": mine, "folderUid": "watchkeeper"}, "ada")
    report = deployment(grafana).deploy()
    assert done(report) == dict.fromkeys(THINGS, "unchanged") | {"watchkeeper-old": "removed"}
    assert "mine" in state.boards


def test_remove_takes_what_is_ours_and_nothing_else(grafana: StandIn) -> None:
    state = grafana.state
    state.make_folder({"uid": "other", "title": "Other"})
    state.save_board({"dashboard": {"uid": "mine", "title": "Mine"}, "folderUid": "other"}, "ada")
    state.make_datasource({"name": "Mine", "uid": "mine", "type": PLUGIN})
    before = copy.deepcopy((state.folders, state.boards, state.datasources, state.contact_points, state.groups))
    deployment(grafana).deploy()
    report = deployment(grafana).remove()
    assert {one.done for one in report.outcomes} == {"removed"}
    assert (state.folders, state.boards, state.datasources, state.contact_points, state.groups) == before
    assert {one.done for one in deployment(grafana).remove().outcomes} == {"absent"}


def test_a_folder_with_something_else_in_it_stays(grafana: StandIn) -> None:
    deployment(grafana).deploy()
    grafana.state.save_board({"dashboard": {"uid": "mine", "title": "Mine"}, "folderUid": "watchkeeper"}, "ada")
    *_, folder = deployment(grafana).remove().outcomes
    assert (folder.done, folder.detail) == ("left alone", "still holds 1 dashboard")
    assert "mine" in grafana.state.boards
