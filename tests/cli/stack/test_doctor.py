from __future__ import annotations

import os
import re
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import clickhouse_connect
import pytest

from watchkeeper.cli.stack import doctor
from watchkeeper.cli.stack.checks import Check
from watchkeeper.cli.stack.child import free_port
from watchkeeper.cli.stack.doctor import run_doctor
from watchkeeper.cli.stack.lifecycle import stack_status
from watchkeeper.cli.stack.settings import KNOWN_VARIABLES, StackSettings
from watchkeeper.cli.stack.testing import running_broker, running_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKER = ("python3", "-c", "import signal; signal.pause()")
SOURCES = Path(__file__).parents[3]
FOLDERS = ("cli", "dashboards", "evals", "producers", "schemas", "stream_processors")


def _checks(settings: StackSettings, environment: dict[str, str] | None = None) -> dict[str, Check]:
    return {check.name: check for check in run_doctor(settings, environment or {})}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackSettings]:
    made = StackSettings(
        data_dir=tmp_path_factory.mktemp("doctor"),
        worker_command=WORKER,
        rollups_command=(),
        scheduler_command=(),
        console_command=(),
        worker_settles_seconds=0.2,
    )
    with running_stack(made):
        yield made


def test_all_is_well_while_a_stack_runs(settings: StackSettings) -> None:
    deadline = time.monotonic() + 60
    # The router is up before the broker has given it its partitions.
    while (checks := _checks(settings))["alert router"].verdict == "warn":
        assert time.monotonic() < deadline, checks["alert router"]
        time.sleep(0.2)
    wrong = [check for check in checks.values() if check.verdict != "ok"]
    assert wrong == []
    assert list(checks) == [
        "python",
        "environment",
        "broker program",
        "engine",
        "directory",
        "disk",
        "ports",
        "stack",
        "broker",
        "clickhouse",
        "migrations",
        "worker",
        "alerts.yaml",
        "alert router",
        "alerts",
    ]
    assert re.match(r"version \d+\.\d+", checks["clickhouse"].found)
    assert not any("@" in check.found for check in checks.values()), "a password could be shown"


def test_a_router_that_stands_still_is_told(settings: StackSettings) -> None:
    part = stack_status(settings.data_dir).part("alerts")
    assert part is not None
    assert part.pid
    os.kill(part.pid, signal.SIGSTOP)
    try:
        check = _checks(settings)["alert router"]
    finally:
        os.kill(part.pid, signal.SIGCONT)
    assert (check.verdict, check.remedy) == ("fail", f"see {part.log}")
    assert "does not answer" in check.found


def test_a_mistake_in_alerts_yaml_is_told(tmp_path: Path) -> None:
    settings = StackSettings(data_dir=tmp_path)
    assert _checks(settings)["alerts.yaml"].verdict == "ok"
    file = tmp_path / "alerts.yaml"
    file.write_text("chanels: {}\nstorm: {pages: 0}\n")
    check = _checks(settings)["alerts.yaml"]
    assert check.verdict == "fail"
    assert check.found == f"{file}:1: chanels: unknown field; did you mean `channels`? (and 1 more)"
    assert check.remedy == f"watchkeeper alerts check {file}"
    file.write_text("channels: {chat: {kind: slack, url: {env: NOT_HERE}}}\nroutes: [{channels: [chat]}]\n")
    assert _checks(settings)["alerts.yaml"].found == f"{file}: 1 channel, 1 route"


def test_nothing_runs_yet(tmp_path: Path) -> None:
    checks = _checks(StackSettings(data_dir=tmp_path / "new" / "home"))
    assert {name for name, check in checks.items() if check.verdict != "ok"} == {
        "stack",
        "broker",
        "clickhouse",
        "migrations",
        "worker",
        "alert router",
        "alerts",
    }
    assert all(
        "watchkeeper up" in checks[name].remedy
        for name in ("stack", "broker", "clickhouse", "worker", "alert router", "alerts")
    )
    assert not (tmp_path / "new").exists(), "the doctor changes nothing"


def test_variables_that_nothing_reads_are_named_with_the_nearest(tmp_path: Path) -> None:
    environment = {"WATCHKEEPER_KAFKA_BOOTSTAP": "x", "WATCHKEEPER_XYZ": "y", "PATH": "z", "WATCHKEEPER_GROUP": "g"}
    check = _checks(StackSettings(data_dir=tmp_path), environment)["environment"]
    assert check.verdict == "warn"
    assert check.found == "nothing reads WATCHKEEPER_KAFKA_BOOTSTAP, WATCHKEEPER_XYZ"
    assert "did you mean WATCHKEEPER_KAFKA_BOOTSTRAP?" in check.remedy


def test_every_variable_that_the_code_reads_is_known() -> None:
    read = {
        name
        for folder in FOLDERS
        for path in (SOURCES / folder).rglob("*.py")
        for name in re.findall(r"WATCHKEEPER_[A-Z][A-Z_]*[A-Z]", path.read_text())
    }
    missing = read - KNOWN_VARIABLES.keys()
    assert missing == set(), "add them to KNOWN_VARIABLES in cli/stack/settings.py, with their meaning"


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        check = _checks(StackSettings(data_dir=tmp_path, broker_port=port))["ports"]
    assert (check.verdict, check.found) == ("fail", f"in use: {port} (broker)")


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check = _checks(StackSettings(data_dir=tmp_path / "file" / "home"))["directory"]
    assert check.verdict == "fail"
    assert "WATCHKEEPER_HOME" in check.remedy


def test_little_space_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LOW_DISK_BYTES", 1 << 62)
    assert _checks(StackSettings(data_dir=tmp_path))["disk"].verdict == "warn"
    monkeypatch.setattr(doctor, "NO_DISK_BYTES", 1 << 62)
    assert _checks(StackSettings(data_dir=tmp_path))["disk"].verdict == "fail"


def test_a_program_that_is_missing_is_told_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALF_TANSU_BIN", str(tmp_path / "missing"))
    check = _checks(StackSettings(data_dir=tmp_path))["broker program"]
    assert check.verdict == "fail"
    assert "set WATCHKEEPER_KAFKA_BOOTSTRAP to a broker that runs" in check.remedy


def test_what_runs_elsewhere_is_asked(tmp_path: Path, endpoint_dsn: str) -> None:
    with running_broker() as bootstrap:
        given: dict[str, Any] = {"data_dir": tmp_path, "kafka_bootstrap": bootstrap, "clickhouse_dsn": endpoint_dsn}
        checks = _checks(StackSettings(**given))
    assert (checks["broker"].verdict, checks["clickhouse"].verdict) == ("ok", "ok")
    assert checks["broker program"].found.startswith("not needed")
    assert checks["migrations"].verdict == "fail"
    assert checks["migrations"].found.startswith("not applied: 0001_events.sql")
    with clickhouse_connect.get_client(dsn=endpoint_dsn) as client:
        assert client.command("EXISTS TABLE events") == 0, "the doctor changes nothing"


def test_what_does_not_answer_elsewhere_fails(tmp_path: Path) -> None:
    dsn = f"http://u:secret@127.0.0.1:{free_port()}/d"
    nobody = StackSettings(data_dir=tmp_path, kafka_bootstrap=f"127.0.0.1:{free_port()}", clickhouse_dsn=dsn)
    checks = _checks(nobody)
    assert {checks[name].verdict for name in ("broker", "clickhouse", "migrations")} == {"fail"}
    assert not any("secret" in check.found for check in checks.values())
