"""A host's own test run with the recorder inside: its outcome is the host's, and the run ends in time."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from watchkeeper.cli.stack.child import free_port

HOST = """
import pytest
from watchkeeper.producers import Settings, Watchkeeper

watch = Watchkeeper("host", bootstrap="127.0.0.1:{port}", settings=Settings(exit_seconds=0.5))

@watch.tool
def add(a: int, b: int) -> int:
    return a + b

def test_passes(capfd):
    with watch.session(goal="g"):
        assert add(1, 2) == 3
    assert capfd.readouterr() == ("", "")

def test_raises_what_the_host_raised():
    with pytest.raises(KeyError), watch.session():
        raise KeyError

def test_fails():
    with watch.session():
        assert add(1, 2) == 4
"""


def test_a_test_run_is_the_host_s_own(tmp_path: Path) -> None:
    (tmp_path / "test_host.py").write_text(HOST.format(port=free_port()))
    began = time.monotonic()
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert time.monotonic() - began < 60
    assert done.returncode == 1, done.stdout
    assert "1 failed, 2 passed" in done.stdout, done.stdout
    assert "assert 3 == 4" in done.stdout
