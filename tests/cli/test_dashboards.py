"""`watchkeeper dashboards` against a stand-in of Grafana, as its user sees it."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from standin_grafana import ADMIN, EDITOR, VIEWER, StandIn

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.root import watchkeeper
from watchkeeper.dashboards.deploy.boards import documents

STORE = "http://reader:s3cret@clickhouse:8123/watchkeeper"
BOARD = "watchkeeper-overview"


@pytest.fixture
def grafana() -> Iterator[StandIn]:
    standin = StandIn("/grafana")
    yield standin
    standin.close()
    assert standin.faults == []


def run(grafana: StandIn, *arguments: str, token: str = ADMIN, url: str = "") -> Result:
    environment = {"WATCHKEEPER_GRAFANA_URL": url or grafana.url, "WATCHKEEPER_GRAFANA_TOKEN": token}
    return CliRunner().invoke(watchkeeper, ["dashboards", *arguments, "--timeout", "60"], env=environment)


def test_deploy_diff_and_remove(grafana: StandIn) -> None:
    assert run(grafana, "diff", "--clickhouse", STORE).exit_code == ExitCode.FAILED
    made = run(grafana, "deploy", "--clickhouse", STORE)
    assert (made.exit_code, made.stderr) == (ExitCode.OK, "")
    assert [line.split()[-1] for line in made.stdout.splitlines()[1:]] == ["created"] * (3 + len(documents()))
    same = run(grafana, "diff", "--clickhouse", STORE)
    count = 3 + len(documents())
    assert (same.exit_code, same.stdout) == (
        ExitCode.OK, f"{count} of {count} things are as they would be deployed\n",
    )  # fmt: skip
    assert run(grafana, "remove", "--dry-run").stdout.count("would be removed") == count
    gone = run(grafana, "remove")
    assert gone.exit_code == ExitCode.OK
    assert (grafana.state.boards, grafana.state.folders, grafana.state.groups) == ({}, {}, {})


def test_what_a_person_changed_is_shown_and_left(grafana: StandIn) -> None:
    run(grafana, "deploy", "--clickhouse", STORE)
    content = copy.deepcopy(grafana.state.boards[BOARD]["dashboard"])
    content["title"] = "Mine \x1b[2J"
    grafana.state.save_board({"dashboard": content, "folderUid": "watchkeeper"}, "ada")
    shown = run(grafana, "diff", "--clickhouse", STORE)
    assert shown.exit_code == ExitCode.FAILED
    assert shown.stdout.splitlines()[:4] == [
        f"dashboard {BOARD} was changed in Grafana (version 2, saved by ada at 2026-03-02T10:00:00)",
        "  title",
        '    - "Mine \\u001b[2J"',
        f'    + "{documents()[BOARD]["title"]}"',
    ]
    left = run(grafana, "deploy", "--clickhouse", STORE)
    assert left.exit_code == ExitCode.FAILED
    assert "--force overwrites it" in left.stdout
    told = json.loads(run(grafana, "deploy", "--clickhouse", STORE, "--force", "--json").stdout)
    assert {one["done"] for one in told["things"]} == {"unchanged", "overwritten", "updated"}
    assert (told["grafana"], told["dry_run"], told["trouble"]) == ("12.1.1", False, None)


def test_a_diff_for_machines(grafana: StandIn) -> None:
    told = json.loads(run(grafana, "diff", "--clickhouse", STORE, "--json").stdout)
    assert {one["state"] for one in told["things"]} == {"missing"}


def test_a_store_that_does_not_answer_fails_the_command(grafana: StandIn) -> None:
    grafana.state.clickhouse_answers = False
    made = run(grafana, "deploy", "--clickhouse", STORE)
    assert made.exit_code == ExitCode.FAILED
    assert "the data source does not answer" in made.stderr
    assert "connection refused" in made.stderr


def test_the_token_from_a_file(grafana: StandIn, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{ADMIN}\n")
    assert run(grafana, "diff", "--token-file", str(file), token="").exit_code == ExitCode.FAILED
    assert grafana.headers[-1]["Authorization"] == f"Bearer {ADMIN}"


@pytest.mark.parametrize(
    ("token", "code", "said"),
    [
        ("", ExitCode.CONFIGURATION, "no token is given: make a service account"),
        ("two words", ExitCode.CONFIGURATION, "is it copied whole"),
        ("glsa_unknown", ExitCode.CONFIGURATION, "401 Invalid API key; the token is unknown or has expired"),
        (VIEWER, ExitCode.CONFIGURATION, "403 You'll need additional permissions"),
        (EDITOR, ExitCode.CONFIGURATION, "make one for a service account with the role Admin"),
    ],
)
def test_tokens_that_will_not_do(grafana: StandIn, token: str, code: ExitCode, said: str) -> None:
    refused = run(grafana, "deploy", "--clickhouse", STORE, token=token)
    assert refused.exit_code == code
    assert said in refused.stderr
    assert grafana.writes == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("grafana.example.com", "is no address of a Grafana"),
        ("ftp://grafana.example.com", "is no address of a Grafana"),
        ("https://ada:pw@grafana.example.com", "--url names a user"),
        ("https://grafana.example.com?orgId=1", "has a query"),
        ("https://grafana.example.com:99999", "is no URL"),
    ],
)
def test_addresses_that_will_not_do(grafana: StandIn, url: str, said: str) -> None:
    refused = run(grafana, "diff", url=url)
    assert refused.exit_code == ExitCode.CONFIGURATION
    assert said in refused.stderr
    assert "pw" not in refused.stderr


def test_options_that_exclude_each_other(grafana: StandIn) -> None:
    for given in (
        ["--clickhouse", STORE, "--datasource", "mine"],
        ["--notify", "https://example.com", "--contact-point", "Ops"],
        ["--no-alerts", "--notify", "https://example.com"],
        ["--clickhouse", "clickhouse"],
    ):
        refused = run(grafana, "deploy", *given)
        assert refused.exit_code == ExitCode.CONFIGURATION, given
        assert refused.stderr.startswith("watchkeeper: ")
    assert grafana.asked == []


def test_neither_token_nor_password_is_told(grafana: StandIn, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "very-secret"
    grafana.instead["POST", "/datasources"] = (500, {"message": "no"}, {"Content-Type": "application/json"})
    outputs = [
        run(grafana, "deploy", "--clickhouse", STORE, "--notify", f"https://hooks.example.com/{secret}"),
        run(grafana, "diff", "--clickhouse", STORE, "--notify", f"https://hooks.example.com/{secret}", "--json"),
        run(grafana, "deploy", token="glsa_unknown"),
    ]
    told = caplog.text + "".join(one.stdout + one.stderr for one in outputs)
    assert outputs[0].exit_code == ExitCode.UNAVAILABLE
    for hidden in (ADMIN, "glsa_unknown", "s3cret", secret):
        assert hidden not in told


def test_an_open_line_is_warned_of(grafana: StandIn) -> None:
    # Leads to this machine, and does not say so.
    warned = run(grafana, "diff", url=grafana.url.replace("127.0.0.1", "0.0.0.0"))
    assert "is not encrypted" in warned.stderr
    assert "is not encrypted" not in run(grafana, "diff").stderr
