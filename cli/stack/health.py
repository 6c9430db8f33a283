"""Asks the workers of a directory whether they still do their work, and for their figures."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from watchkeeper.stream_processors.watching.place import watch_file

if TYPE_CHECKING:
    from pathlib import Path

ANSWER_SECONDS = 1.0


def health_problem(home: Path, pid: int) -> str:
    """What is wrong with the worker; empty where it answers that it is well, or has not told yet where to ask."""
    return _problem(home, pid, "healthz")


def ready_problem(home: Path, pid: int) -> str | None:
    """Why the worker does not take events, empty where it does; None where it has not told yet where to ask."""
    return None if _port(home, pid) is None else _problem(home, pid, "readyz")


def figures(home: Path, pid: int) -> str:
    """The worker's figures in Prometheus' text form; empty where it does not answer."""
    port = _port(home, pid)
    if port is None:
        return ""
    try:
        return _asked(port, "metrics")
    except OSError:
        return ""


def local_workers(home: Path) -> list[int]:
    """The process ids of the workers that told in this directory where to ask, and that still run."""
    found = (file.stem for file in (home / "watch").glob("*.json"))
    return sorted(int(pid) for pid in found if pid.isdecimal() and runs(int(pid)))


def _problem(home: Path, pid: int, path: str) -> str:
    port = _port(home, pid)
    if port is None:
        return ""
    try:
        _asked(port, path)
    except urllib.error.HTTPError as refusal:
        return refusal.read(500).decode(errors="replace")
    except OSError as error:
        return f"it does not answer within {ANSWER_SECONDS:.0f} s ({type(error).__name__})"
    return ""


def _port(home: Path, pid: int) -> int | None:
    try:
        return int(json.loads(watch_file(home, pid).read_text())["port"])
    except (OSError, ValueError, KeyError):
        return None


def _asked(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=ANSWER_SECONDS) as answer:
        text: str = answer.read().decode()
        return text


def runs(pid: int) -> bool:
    """Whether a process of this machine has this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
