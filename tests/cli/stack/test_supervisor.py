"""A whole local stack with real parts, and a stand-in for the worker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from watchkeeper.cli.stack import lifecycle
from watchkeeper.cli.stack.broker import broker_answers
from watchkeeper.cli.stack.child import free_port
from watchkeeper.cli.stack.layout import StackLayout
from watchkeeper.cli.stack.lifecycle import stack_environment, stack_status, start_stack, stop_stack
from watchkeeper.cli.stack.process_identity import ProcessIdentity
from watchkeeper.cli.stack.settings import StackSettings
from watchkeeper.cli.stack.status import PartStatus, StackStatus
from watchkeeper.cli.stack.testing import running_broker, running_clickhouse
from watchkeeper.schemas.errors import ConfigurationError, StackError
from watchkeeper.schemas.topics import TOPICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORKER = (sys.executable, str(Path(__file__).with_name("stand_in_worker.py")))
NAMES = {topic.name for topic in TOPICS}


def _settings(tmp_path: Path, **changes: Any) -> StackSettings:
    given: dict[str, Any] = {
        "data_dir": tmp_path / "home",
        "worker_command": WORKER,
        "rollups_command": (),
        "scheduler_command": (),
        "alerts_command": (),
        "console_command": (),
        "environment": {"STAND_IN_FILE": str(tmp_path / "starts")},
    }
    return StackSettings(**{**given, **changes})


def _starts(tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "starts"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _part(status: StackStatus, name: str) -> PartStatus:
    found = status.part(name)
    assert found is not None
    return found


def _until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _gone(parts: Iterator[PartStatus] | tuple[PartStatus, ...]) -> bool:
    return not any(part.pid and ProcessIdentity(part.pid, part.pid_started).is_alive for part in parts)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[StackStatus]:
    yield start_stack(_settings(tmp_path), tether=True)
    stop_stack(tmp_path / "home")


def test_a_stack_starts_its_parts_in_order_and_stops_them(tmp_path: Path) -> None:
    up = start_stack(_settings(tmp_path), tether=True)
    assert up.state == "running"
    assert [(part.name, part.state) for part in up.parts] == [
        ("broker", "running"),
        ("clickhouse", "running"),
        ("worker", "running"),
    ]
    assert all(part.pid and part.log and Path(part.log).exists() for part in up.parts)
    assert up.versions["chdb"]
    _until(lambda: len(_starts(tmp_path)) == 1)
    start = _starts(tmp_path)[0]
    assert set(start["topics"]) >= NAMES
    assert "events" in start["tables"]
    assert start["home"] == str(tmp_path / "home")
    down = stop_stack(tmp_path / "home")
    assert (down.state, down.error) == ("stopped", "")
    assert [part.state for part in down.parts] == ["stopped"] * 3
    assert _gone(up.parts)
    assert not broker_answers(_part(up, "broker").url, 0.5)


def test_the_environment_of_a_running_stack(tmp_path: Path, stack: StackStatus) -> None:
    environment = stack_environment(_settings(tmp_path))
    assert environment["WATCHKEEPER_KAFKA_BOOTSTRAP"] == _part(stack, "broker").url
    shown, whole = urlsplit(_part(stack, "clickhouse").url), urlsplit(environment["WATCHKEEPER_CLICKHOUSE_DSN"])
    assert (shown.port, shown.path) == (whole.port, whole.path)
    assert shown.password is None
    assert whole.password
    written = "".join(path.read_text(errors="replace") for path in (tmp_path / "home").glob("**/*.log"))
    assert whole.password not in written + (tmp_path / "home" / "stack.json").read_text()


def test_a_second_start_names_the_first(tmp_path: Path, stack: StackStatus) -> None:
    with pytest.raises(StackError, match=f"already runs in .* as process {stack.pid}, .*`watchkeeper down` stops it"):
        start_stack(_settings(tmp_path))
    assert stack_status(tmp_path / "home").state == "running"


def test_parts_do_not_outlive_a_supervisor_that_is_killed(tmp_path: Path, stack: StackStatus) -> None:
    assert stack.pid
    os.kill(stack.pid, signal.SIGKILL)
    _until(lambda: _gone(stack.parts), 5)
    status = stack_status(tmp_path / "home")
    assert status.state == "stopped"
    assert f"process {stack.pid}) ended without saying so" in status.error
    again = start_stack(_settings(tmp_path), tether=True)
    assert again.state == "running"


def test_a_worker_that_dies_is_started_again(tmp_path: Path, stack: StackStatus) -> None:
    _until(lambda: len(_starts(tmp_path)) == 1)
    os.kill(_starts(tmp_path)[0]["pid"], signal.SIGKILL)
    _until(lambda: len(_starts(tmp_path)) == 2)
    _until(lambda: _part(stack_status(tmp_path / "home"), "worker").restarts == 1)
    status = stack_status(tmp_path / "home")
    assert status.state == "running"
    assert any("ended with signal SIGKILL" in note for note in status.notes)
    assert _part(status, "broker").restarts == 0


def test_a_broker_that_dies_comes_back_with_its_topics_and_a_new_worker(tmp_path: Path, stack: StackStatus) -> None:
    _until(lambda: len(_starts(tmp_path)) == 1)
    broker = _part(stack, "broker")
    assert broker.pid
    os.kill(broker.pid, signal.SIGKILL)
    # The system may refuse the port of the killed broker for a minute.
    _until(lambda: len(_starts(tmp_path)) >= 2, 100)
    first, second = _starts(tmp_path)[0], _starts(tmp_path)[-1]
    assert set(second["topics"]) >= NAMES
    assert first["cluster"] != second["cluster"], "clients must be able to tell that offsets begin anew"
    _until(lambda: stack_status(tmp_path / "home").state == "running")
    status = stack_status(tmp_path / "home")
    assert any("records that were not processed yet are lost" in note for note in status.notes)
    assert _part(status, "broker").url == broker.url
    assert _part(status, "broker").restarts >= 1
    log = StackLayout(tmp_path / "home").log("supervisor").read_text()
    assert "ERROR" in log
    assert "topics were made anew" in log


def test_a_store_that_dies_keeps_its_data_and_its_address(tmp_path: Path, stack: StackStatus) -> None:
    before = _part(stack, "clickhouse")
    assert before.pid
    os.kill(before.pid, signal.SIGKILL)
    _until(lambda: _part(stack_status(tmp_path / "home"), "clickhouse").restarts == 1)
    _until(lambda: stack_status(tmp_path / "home").part("clickhouse").state == "running")  # type: ignore[union-attr]  # it is there
    assert _part(stack_status(tmp_path / "home"), "clickhouse").url == before.url
    assert len(_starts(tmp_path)) <= 1


def test_what_runs_elsewhere_is_used_and_not_started(tmp_path: Path) -> None:
    with running_broker() as bootstrap, running_clickhouse(tmp_path / "elsewhere") as dsn:
        up = start_stack(_settings(tmp_path, kafka_bootstrap=bootstrap, clickhouse_dsn=dsn), tether=True)
        assert [(part.name, part.state, part.pid) for part in up.parts[:2]] == [
            ("broker", "external", None),
            ("clickhouse", "external", None),
        ]
        assert str(urlsplit(dsn).password) not in up.to_json()
        assert stack_environment(_settings(tmp_path))["WATCHKEEPER_CLICKHOUSE_DSN"] == dsn
        _until(lambda: len(_starts(tmp_path)) == 1)
        assert set(_starts(tmp_path)[0]["topics"]) >= NAMES
        assert "events" in _starts(tmp_path)[0]["tables"]
        stop_stack(tmp_path / "home")
        assert broker_answers(bootstrap)


def test_a_worker_that_cannot_start_fails_the_start(tmp_path: Path) -> None:
    settings = _settings(tmp_path, environment={"STAND_IN_EXIT": "78"})
    with pytest.raises(StackError, match=r"(?s)ended with exit code 78; its log ends: the stand-in was told to end"):
        start_stack(settings, tether=True)
    status = stack_status(tmp_path / "home")
    assert status.state == "failed"
    assert [part.state for part in status.parts] == ["stopped", "stopped", "failed"]
    assert _part(status, "worker").restarts == 0, "a worker that says EX_CONFIG is not tried again"
    assert _gone(status.parts)


def test_a_worker_that_says_nothing_is_up_when_it_has_settled(tmp_path: Path) -> None:
    environment = {"STAND_IN_FILE": str(tmp_path / "starts"), "STAND_IN_QUIET": "1"}
    settings = _settings(tmp_path, environment=environment, worker_settles_seconds=1.5)
    began = time.monotonic()
    try:
        assert start_stack(settings, tether=True).state == "running"
        assert time.monotonic() - began > 1.5
    finally:
        stop_stack(tmp_path / "home")


def test_a_store_that_refuses_fails_the_start_at_once(tmp_path: Path) -> None:
    with running_clickhouse(tmp_path / "elsewhere") as dsn:
        wrong = dsn.replace("@", "x@")
        with pytest.raises(StackError, match=r"refuses user and password of the address: .*Authentication failed"):
            start_stack(_settings(tmp_path, clickhouse_dsn=wrong), tether=True)


def test_a_part_that_cannot_be_prepared_fails_the_start_with_the_reason(tmp_path: Path) -> None:
    # `int` takes no address: an error that is none of ours.
    with pytest.raises(StackError, match=r"ClickHouse \(chDB\) could not be prepared: ValueError: invalid literal"):
        start_stack(_settings(tmp_path, migrate="builtins:int"), tether=True)
    assert _gone(stack_status(tmp_path / "home").parts)


def test_a_supervisor_that_ends_by_itself_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "_MODULE", "no.such.module")
    with pytest.raises(
        StackError, match=r"(?s)the supervisor ended with exit code 1\. See .*supervisor\.log; it ends:"
    ):
        start_stack(_settings(tmp_path), tether=True)


def test_a_broker_that_is_not_there_fails_the_start(tmp_path: Path) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    with pytest.raises(StackError, match=f"did not answer within 1 s: no broker answers at {nobody}"):
        start_stack(_settings(tmp_path, kafka_bootstrap=nobody, elsewhere_seconds=1), tether=True)


def test_settings_that_cannot_be_used_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no_such_module:topics cannot be loaded"):
        start_stack(_settings(tmp_path, topics="no_such_module:topics"))
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match="set WATCHKEEPER_HOME to a directory that can"):
        start_stack(_settings(tmp_path, data_dir=tmp_path / "file" / "home"))
    assert stack_status(tmp_path / "home").state == "stopped"


def test_given_ports_are_used(tmp_path: Path) -> None:
    ports = {"broker_port": free_port(), "clickhouse_port": free_port()}
    up = start_stack(_settings(tmp_path, worker_command=(), **ports), tether=True)
    try:
        assert [part.name for part in up.parts] == ["broker", "clickhouse"]
        assert _part(up, "broker").url == f"127.0.0.1:{ports['broker_port']}"
        assert urlsplit(_part(up, "clickhouse").url).port == ports["clickhouse_port"]
    finally:
        stop_stack(tmp_path / "home")


def test_a_stack_in_the_foreground_ends_by_ctrl_c(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from watchkeeper.cli.stack.lifecycle import start_stack\n"
        "from watchkeeper.cli.stack.settings import StackSettings\n"
        "settings = StackSettings.from_json(Path(sys.argv[1]).read_text())\n"
        "print(start_stack(settings, foreground=True).state)\n"
    )
    (tmp_path / "settings").write_text(_settings(tmp_path).to_json())
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "settings")], stdout=subprocess.PIPE, text=True
    )
    _until(lambda: stack_status(tmp_path / "home").state == "running")
    up = stack_status(tmp_path / "home")
    assert up.pid == process.pid
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30)[0] == "stopped\n"
    assert process.returncode == 0
    assert _gone(up.parts)


def test_stopping_nothing_is_no_error(tmp_path: Path) -> None:
    assert stop_stack(tmp_path).state == "stopped"


def test_another_process_with_the_supervisors_number_is_left_alone(tmp_path: Path) -> None:
    up = start_stack(_settings(tmp_path, worker_command=()), tether=True)
    stop_stack(tmp_path / "home")
    bystander = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    state = tmp_path / "home" / "stack.json"
    written = json.loads(up.to_json())
    state.write_text(json.dumps({**written, "pid": bystander.pid}))
    assert stack_status(tmp_path / "home").state == "stopped"
    stop_stack(tmp_path / "home")
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
