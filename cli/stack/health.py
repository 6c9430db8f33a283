"""Asks a worker whether it still does its work."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from watchkeeper.stream_processors.watching.place import watch_file

if TYPE_CHECKING:
    from pathlib import Path

ANSWER_SECONDS = 1.0


def health_problem(home: Path, pid: int) -> str:
    """What is wrong with the worker; empty where it answers that it is well, or has not told yet where to ask."""
    try:
        port = int(json.loads(watch_file(home, pid).read_text())["port"])
    except (OSError, ValueError, KeyError):
        return ""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=ANSWER_SECONDS) as answer:
            answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.read(500).decode(errors="replace")
    except OSError as error:
        return f"it does not answer within {ANSWER_SECONDS:.0f} s ({type(error).__name__})"
    return ""
