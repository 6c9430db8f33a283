"""Where a worker tells the port of its self-watch; imports nothing, for those who only ask."""

from __future__ import annotations

from pathlib import Path


def watch_file(home: Path, pid: int) -> Path:
    """The file: `{"pid": …, "port": …}`."""
    return home / "watch" / f"{pid}.json"
