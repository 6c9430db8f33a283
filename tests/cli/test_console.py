"""`watchkeeper console`: the process, its address, its end."""

from __future__ import annotations

import os
import re
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from watchkeeper.cli.console.place import console_keys, port_of
from watchkeeper.cli.stack.child import Child, free_port
from watchkeeper.cli.stack.console_part import console_address, console_problem
from watchkeeper.cli.stack.status import PartStatus, StackStatus
from watchkeeper.schemas.errors import ConfigurationError

START_SECONDS = 90.0


def test_it_prints_the_address_that_opens_it_and_ends_at_a_signal(broker: str, clickhouse: str, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "console.log"
    where = {"WATCHKEEPER_KAFKA_BOOTSTRAP": broker, "WATCHKEEPER_CLICKHOUSE_DSN": clickhouse}
    own = {"WATCHKEEPER_HOME": str(tmp_path), "WATCHKEEPER_CONSOLE_PORT": str(port)}
    url = f"http://127.0.0.1:{port}/"
    command = [sys.executable, "-m", "watchkeeper.cli.main", "console"]
    child = Child("the console", command, log, {**os.environ, **where, **own})
    try:
        child.wait_until(lambda: not console_problem(url), START_SECONDS)
        (told,) = re.findall(r"^http\S+$", log.read_text(), re.MULTILINE)
        assert told == f"{url}?token={console_keys(tmp_path, {}).token}"
        part = PartStatus("console", "console", "running", url=url)
        assert console_address(StackStatus("running", str(tmp_path), parts=(part,)), tmp_path) == told
        with urllib.request.urlopen(told) as answer:
            assert f"watchkeeper_console_{port}=" in answer.headers["set-cookie"]
    finally:
        child.stop(20)
    assert console_problem(url) != ""


def test_a_port_that_is_taken_is_told_with_the_remedy(run: Callable[..., Result], broker: str, tmp_path: Path) -> None:
    port = broker.rpartition(":")[2]
    ended = run("console", "--port", port, "--home", str(tmp_path))
    assert ended.exit_code == 78
    assert "give another --port or --bind" in ended.stderr


def test_a_token_that_keeps_nobody_out_is_refused(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHKEEPER_CONSOLE_TOKEN", "short")
    ended = run("console", "--home", str(tmp_path))
    assert ended.exit_code == 78
    assert "fewer than 16 characters" in ended.stderr


@pytest.mark.parametrize("value", ["http", "-1", "70000"])
def test_a_port_of_the_environment_that_is_none_is_told(value: str) -> None:
    with pytest.raises(ConfigurationError, match="WATCHKEEPER_CONSOLE_PORT"):
        port_of({"WATCHKEEPER_CONSOLE_PORT": value})


def test_an_address_is_told_of_a_running_console_alone(tmp_path: Path) -> None:
    away = PartStatus("console", "console", "restarting", url="http://127.0.0.1:1/")
    assert console_address(StackStatus("running", str(tmp_path), parts=(away,)), tmp_path) == ""
    assert console_address(StackStatus("running", str(tmp_path)), tmp_path) == ""
