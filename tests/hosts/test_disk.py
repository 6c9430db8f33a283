"""A disk that refuses the spool, by the kernel's own word: nothing is lost, nothing raised, and it is told once."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HOST = """
import os, resource, sys
from watchkeeper.producers import Watchkeeper
bootstrap, tenant, way = sys.argv[1:]
watch = Watchkeeper("host", bootstrap=bootstrap, tenant=tenant)
if way == "quota":
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
if way == "another's" and os.getuid() == 0:
    os.setuid(65534)
with watch.session(session_id="s") as s:
    for number in range(1000):
        s.outcome("n", number)
    print("told", flush=True)
    sys.stdin.readline()
print(watch.close(40), watch.losses())
"""

SAID = {
    "quota": "File too large",
    "another's": "Permission denied",
    "size=16k": "No space left on device",
    "ro": "Read-only file system",
}
"""What the kernel answers; the last two are options of a small file system of the host's own."""

MOUNTED = """
import subprocess, sys, os
place, options, *command = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)
os.execv(command[0], command)
"""


def in_a_namespace(place: Path, options: str) -> list[str]:
    """The words before a command that give it a file system which ends with it."""
    if shutil.which("unshare") is None or shutil.which("mount") is None:
        pytest.skip("unshare or mount is missing")
    words = ["unshare", "--user", "--map-root-user", "--mount", sys.executable, "-c", MOUNTED, str(place), options]
    tried = subprocess.run([*words, sys.executable, "-c", ""], capture_output=True, text=True, timeout=60, check=False)
    if tried.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {shlex.join(words[:4])}: {tried.stderr.strip()}")
    return words


@pytest.fixture
def place() -> Iterator[Path]:
    """Apart from the test's own directory, which nobody else may enter."""
    with tempfile.TemporaryDirectory(prefix="watchkeeper-spool-") as made:
        yield Path(made)


@pytest.mark.few(2)
@pytest.mark.parametrize("way", list(SAID))
def test_a_disk_that_refuses_is_borne_in_memory_and_told_once(
    way: str, host: Callable[..., Any], proxied: Any, tenant: str, read: Any, place: Path
) -> None:
    before = in_a_namespace(place, way) if way in {"size=16k", "ro"} else []
    if way == "another's":
        place.chmod(0o555)
    proxied.proxy.cut()
    process = host(HOST, proxied.bootstrap, tenant, way, before=before, WATCHKEEPER_SPOOL_DIR=str(place))
    assert process.stdout.readline() == "told\n", process.communicate()
    proxied.proxy.open()
    said, errors = process.communicate("\n", timeout=90)
    assert said == "True {}\n", errors
    assert process.returncode == 0
    complaints = [line for line in errors.splitlines() if "cannot be written" in line]
    assert len(complaints) == 1, errors
    assert SAID[way] in complaints[0]
    events = read(proxied.bootstrap, tenant, lambda found: len(found) >= 1002)
    assert [event.seq for event in events] == list(range(1002))
