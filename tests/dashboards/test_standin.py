"""The stand-in of Grafana sees what Grafana's API description does not allow; the description is Grafana Labs' own."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import standin_extract
from standin_description import description, faults_of, operation_of
from standin_grafana import ADMIN, StandIn


@pytest.fixture
def standin() -> Iterator[StandIn]:
    running = StandIn()
    yield running
    running.close()


def ask(standin: StandIn, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    request = urllib.request.Request(
        f"{standin.url}/api{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {ADMIN}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


RULE: dict[str, Any] = {
    "uid": "r", "title": "R", "orgID": 1, "folderUID": "f", "ruleGroup": "g", "condition": "A", "for": "0s",
    "data": [{"refId": "A", "datasourceUid": "d", "model": {}, "relativeTimeRange": {"from": 60, "to": 0}}],
    "noDataState": "OK", "execErrState": "Error",
}  # fmt: skip
GROUP = {"title": "g", "folderUid": "f", "interval": 60, "rules": [RULE]}


@pytest.mark.parametrize(
    ("method", "path", "body", "fault"),
    [
        ("GET", "/admin/settings", None, "GET /admin/settings is not described"),
        ("GET", "/folders/f?expand=1", None, "unknown query parameter expand"),
        ("POST", "/folders", {"title": "F", "color": "red"}, "'color' was unexpected"),
        ("POST", "/dashboards/db", {"dashboard": {"title": "x"}, "folderUID": "f"}, "'folderUID' was unexpected"),
        ("POST", "/datasources", {"name": 7, "type": "x"}, '7 is not of type "string"'),
        ("PUT", "/v1/provisioning/folder/f/rule-groups/g", GROUP | {"interval": "1m"}, 'is not of type "integer"'),
        (
            "PUT",
            "/v1/provisioning/folder/f/rule-groups/g",
            GROUP | {"rules": [{name: value for name, value in RULE.items() if name != "orgID"}]},
            '"orgID" is a required property',
        ),
        (
            "PUT",
            "/v1/provisioning/folder/f/rule-groups/g",
            GROUP | {"rules": [RULE | {"noDataState": "Fine"}]},
            '"Fine" is not one of',
        ),
        (
            "POST",
            "/v1/provisioning/contact-points",
            {"uid": "c", "name": "C", "type": "pigeon", "settings": {}},
            '"pigeon" is not one of',
        ),
    ],
)
def test_a_request_that_is_not_as_described_is_a_fault(
    standin: StandIn, method: str, path: str, body: Any, fault: str
) -> None:
    ask(standin, method, path, body)
    assert any(fault in told for told in standin.faults), standin.faults


def test_an_answer_that_is_not_as_described_is_a_fault(standin: StandIn) -> None:
    standin.state.folders["f"] = {"uid": "f", "title": 7, "colour": "red"}
    ask(standin, "GET", "/folders/f")
    assert len(standin.faults) == 2


def test_what_is_as_described_is_none(standin: StandIn) -> None:
    assert ask(standin, "POST", "/folders", {"uid": "f", "title": "F"})[0] == 200
    assert ask(standin, "PUT", "/v1/provisioning/folder/f/rule-groups/g", GROUP)[0] == 200
    assert ask(standin, "GET", "/v1/provisioning/folder/f/rule-groups/g")[1]["rules"][0]["provenance"] == "api"
    assert ask(standin, "POST", "/folders", {"uid": "f", "title": "F"})[0] == 409
    assert standin.faults == []


def test_grafanas_own_refusals(standin: StandIn) -> None:
    ask(standin, "POST", "/folders", {"uid": "f", "title": "F"})
    board = {"uid": "b", "title": "B"}
    first = ask(standin, "POST", "/dashboards/db", {"dashboard": board, "folderUid": "f"})
    assert (first[0], first[1]["version"]) == (200, 1)
    again = ask(standin, "POST", "/dashboards/db", {"dashboard": board, "folderUid": "f"})
    assert (again[0], again[1]["status"]) == (412, "version-mismatch")
    newer = {"dashboard": board | {"version": 1}, "folderUid": "f"}
    assert ask(standin, "POST", "/dashboards/db", newer)[1]["version"] == 2
    assert ask(standin, "POST", "/dashboards/db", {"dashboard": board, "overwrite": True})[1]["version"] == 3
    refused = [
        ask(standin, "POST", "/dashboards/db", {"dashboard": {"uid": "x"}}),
        ask(standin, "POST", "/dashboards/db", {"dashboard": {"uid": "no spaces", "title": "x"}}),
        ask(standin, "PUT", "/v1/provisioning/folder/f/rule-groups/g", GROUP | {"interval": 7}),
        ask(standin, "PUT", "/v1/provisioning/folder/f/rule-groups/g", GROUP | {"rules": [RULE | {"condition": "Z"}]}),
    ]
    assert [status for status, _ in refused] == [400, 400, 400, 400]
    assert standin.faults == []


def test_open_paths_give_way_to_those_that_are_spelled_out() -> None:
    found = operation_of("GET", "/v1/provisioning/alert-rules/export")
    assert found is not None
    assert found.path == "/v1/provisioning/alert-rules/export"


def test_every_definition_that_is_named_is_there() -> None:
    told = description()
    for operation in told["operations"]:
        schemas = [operation["body"], *operation["answers"].values()]
        assert all(isinstance(faults_of(schema, {}), list) for schema in schemas if schema is not None)


def test_the_description_is_that_of_grafanas_own_client() -> None:
    module = standin_extract.module_directory()
    if module is None:
        pytest.skip(f"go mod download {standin_extract.MODULE}@{standin_extract.VERSION} was not run here")
    assert standin_extract.FILE.read_text() == standin_extract.text_of(standin_extract.extract(module))
