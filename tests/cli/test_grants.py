"""`watchkeeper grants`: published over a real broker, listed, shown and taken back."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from click.testing import Result

from watchkeeper.cli.exit_codes import ExitCode

Run = Callable[..., Result]
KEY = "a-key-that-issuers-and-workers-share"


@pytest.fixture
def grants(run: Run, broker: str) -> Callable[..., Result]:
    """Runs a subcommand for a tenant of the test's own."""
    tenant = f"t-{uuid.uuid4().hex}"
    return lambda *args: run("grants", *args, "--tenant", tenant, kafka=broker)


def document(ended: Result) -> Any:
    assert ended.exit_code == 0, ended.output
    return orjson.loads(ended.stdout)


def test_issue_list_show_and_revoke(grants: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHKEEPER_GRANT_KEY", KEY)
    told = ("--agent", "support", "--scope", "orders:*", "--delegable", "orders:read", "--for", "1d", "--by", "ada")
    root = document(grants("issue", "g-1", *told, "--json"))
    assert (root["scope"], root["delegable"], root["state"]) == (["orders:*"], ["orders:read"], "holds")
    assert root["signature_verdict"] == "holds"
    part = grants("issue", "g-2", "--parent", "g-1", "--scope", "orders:read")
    assert (part.exit_code, part.stderr) == (0, "")
    shown = document(grants("show", "g-2", "--json"))
    assert (shown["grant_id"], [grant["grant_id"] for grant in shown["chain"]]) == ("g-2", ["g-1"])

    assert document(grants("revoke", "g-1", "--since", "1h", "--json"))["state"] == "revoked"
    listed = [orjson.loads(line) for line in grants("list", "--json").stdout.splitlines()]
    assert {grant["grant_id"]: grant["state"] for grant in listed} == {"g-1": "revoked", "g-2": "holds"}
    holding = [orjson.loads(line) for line in grants("list", "--holding", "--json").stdout.splitlines()]
    assert [grant["grant_id"] for grant in holding] == ["g-2"]
    table = grants("list").stdout
    assert "orders:*; may hand on orders:read" in table
    assert "may hand on" in grants("show", "g-1").stdout

    monkeypatch.setenv("WATCHKEEPER_GRANT_KEY", KEY[::-1])
    assert document(grants("show", "g-1", "--json"))["signature_verdict"] == "does not hold"
    monkeypatch.delenv("WATCHKEEPER_GRANT_KEY")
    assert document(grants("show", "g-1", "--json"))["signature_verdict"] == "not verified"


def test_what_is_not_signed_is_said(grants: Callable[..., Result]) -> None:
    ended = grants("issue", "g-1", "--scope", "orders:read", "--parent", "g-0")
    assert ended.exit_code == 0
    assert "not signed: set WATCHKEEPER_GRANT_KEY" in ended.stderr
    assert "derives from g-0, which is not published" in grants("show", "g-1").stderr


def test_what_is_not_there_or_not_whole(run: Run, grants: Callable[..., Result]) -> None:
    assert grants("list").stdout.startswith("no grants of tenant")
    for command in ("show", "revoke"):
        ended = grants(command, "g-9")
        assert (ended.exit_code, "watchkeeper grants list" in ended.stderr) == (ExitCode.NOT_FOUND, True)
    ended = grants("issue", "g-1")
    assert (ended.exit_code, "give --scope or --delegable" in ended.stderr) == (ExitCode.USAGE, True)


def test_no_broker(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchkeeper.producers.granting.SECONDS", 0.5)
    assert run("grants", "list").exit_code == ExitCode.UNAVAILABLE
    assert run("grants", "issue", "g-1", "--scope", "a").exit_code == ExitCode.UNAVAILABLE
