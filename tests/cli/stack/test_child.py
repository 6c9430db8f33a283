from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from watchkeeper.cli.stack import child as child_module
from watchkeeper.cli.stack.child import Child, describe_exit, tail
from watchkeeper.cli.stack.process_identity import ProcessIdentity
from watchkeeper.schemas.errors import StackError

if TYPE_CHECKING:
    from pathlib import Path

FOREVER = [sys.executable, "-c", "import signal; signal.pause()"]
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="PR_SET_PDEATHSIG is Linux's")


def test_a_program_is_stopped_by_sigterm(tmp_path: Path) -> None:
    child = Child("it", FOREVER, tmp_path / "log")
    # Before the program is there, the shim is: the signal ends either.
    assert child.exit_code is None
    assert child.stop(10) == -signal.SIGTERM
    assert child.stop(10) == -signal.SIGTERM


def test_a_program_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    child = Child("it", [sys.executable, "-c", DEAF], tmp_path / "log")
    child.wait_until(lambda: "deaf" in tail(tmp_path / "log"), 10)
    began = time.monotonic()
    assert child.stop(0.3) == -signal.SIGKILL
    assert time.monotonic() - began < 5


def test_what_a_program_prints_goes_into_its_log(tmp_path: Path) -> None:
    program = "import sys; print('out'); sys.stderr.write('err'); sys.exit(3)"
    child = Child("the thing", [sys.executable, "-c", program], tmp_path / "logs" / "it.log")
    with pytest.raises(StackError, match=r"(?s)the thing ended with exit code 3 at its start.*it\.log; it ends:.*err"):
        child.wait_until(lambda: False, 10)


def test_a_program_that_does_not_answer_in_time_is_named(tmp_path: Path) -> None:
    child = Child("the thing", FOREVER, tmp_path / "log")
    with pytest.raises(StackError, match="the thing did not answer within 0 s"):
        child.wait_until(lambda: False, 0.1)
    child.kill()


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="no-such-program"):
        Child("it", ["/no-such-program"], tmp_path / "log").wait_until(lambda: False, 10)


def test_a_large_log_is_set_aside_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "LOG_KEPT_BYTES", 10)
    log = tmp_path / "log"
    log.write_text("an earlier run said this\n")
    child = Child("it", [sys.executable, "-c", "print('now')"], log)
    child.wait_until(lambda: "now" in tail(log), 10)
    child.stop(10)
    assert log.read_text() == "now\n"
    assert (tmp_path / "log.1").read_text() == "an earlier run said this\n"


@linux_only
def test_a_program_does_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent_program = (
        "import sys; from pathlib import Path\n"
        "from watchkeeper.cli.stack.child import Child\n"
        "child = Child('it', sys.argv[2:], Path(sys.argv[1]))\n"
        "child.wait_until(lambda: 'deaf' in Path(sys.argv[1]).read_text(), 10)\n"
        "print(child.pid, flush=True)\n"
        "child.wait_until(lambda: False, 60)\n"
    )
    command = [sys.executable, "-c", parent_program, str(tmp_path / "log"), sys.executable, "-c", DEAF]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    identity = ProcessIdentity.of(int(parent.stdout.readline()))
    assert identity is not None
    assert identity.is_alive
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 5
    while identity.is_alive:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@linux_only
def test_the_shim_refuses_to_start_for_a_parent_that_is_gone(tmp_path: Path) -> None:
    command = child_module.tethered(["echo", "started"])
    command[command.index(str(os.getpid()))] = "1"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "process 1 has ended, so echo is not started" in done.stderr
    assert "started\n" not in done.stdout


def test_exit_codes_are_told_as_people_say_them() -> None:
    assert describe_exit(3) == "exit code 3"
    assert describe_exit(-9) == "signal SIGKILL"


def test_a_process_is_told_from_a_later_one_with_its_number() -> None:
    process = subprocess.Popen(FOREVER)
    identity = ProcessIdentity.of(process.pid)
    assert identity is not None
    earlier = ProcessIdentity(process.pid, identity.started - 60)
    assert (identity.is_alive, earlier.is_alive) == (True, False)
    assert earlier.terminate(1)
    assert process.poll() is None, "a bystander was ended"
    assert identity.terminate(10)
    process.wait()
    assert ProcessIdentity(identity.pid, identity.started).is_alive is False
    assert ProcessIdentity.of(process.pid) is None
