"""The same in a real terminal: single keys, without Enter."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from typing import Any


def press_until(master: int, key: bytes, text: bytes, seen: bytearray, seconds: float = 120) -> None:
    """Presses a key again and again: what is pressed between two questions is thrown away by the terminal."""
    deadline = time.monotonic() + seconds
    while text not in seen:
        assert time.monotonic() < deadline, f"{text!r} did not come: {bytes(seen[-2000:])!r}"
        try:
            os.write(master, key)
            while text not in seen and select.select([master], [], [], 0.5)[0]:
                seen.extend(os.read(master, 65_536))
        except OSError:  # the other end is closed
            assert text in seen, bytes(seen[-2000:])


def test_keys_in_a_terminal(floor: Any, clickhouse: str) -> None:
    floor.session("s1")
    floor.session("s2")
    floor.store()
    master, slave = pty.openpty()
    environment = {**os.environ, "WATCHKEEPER_CLICKHOUSE_DSN": clickhouse, "TERM": "xterm"}
    line = ("evals", "label", "--tenant", floor.tenant, "--agent", floor.agent, "--as", "ada")
    command = [sys.executable, "-m", "watchkeeper.cli.main", *line]
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environment)
    os.close(slave)
    seen = bytearray()
    try:
        # Yes to each criterion and to the whole, then, perhaps, to some of the next session, which is forgotten.
        press_until(master, b"y", b"kept: good enough", seen)
        press_until(master, b"q", b"1 session of this draw left", seen)
        assert process.wait(60) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)
    sql = "SELECT session_id, passed FROM labels FINAL WHERE tenant_id = {tenant:String}"
    kept = floor.shelf.client.query(sql, parameters={"tenant": floor.tenant}).result_rows
    assert [passed for _, passed in kept] == [True]
