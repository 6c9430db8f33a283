"""How other processes start and find the ClickHouse endpoint, without loading the engine themselves."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LOCK_FILE = "endpoint.lock"
ADDRESS_FILE = "endpoint.json"
ENGINE_DIRECTORY = "engine"
DEFAULT_DATABASE = "watchkeeper"
STOP_SECONDS = 8.0
"""How long statements may go on after SIGTERM; what runs longer is cancelled. The supervisor kills after ten."""

_MODULE = "watchkeeper.cli.stack.clickhouse_http"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a running endpoint listens, as it writes it into its data directory."""

    port: int
    pid: int


def clickhouse_command(
    directory: Path, port: int = 0, database: str = DEFAULT_DATABASE, stop_seconds: float = STOP_SECONDS
) -> list[str]:
    """The command that serves the engine on a directory; port 0 takes a free one."""
    options = {"--data": directory, "--port": port, "--database": database, "--stop-seconds": stop_seconds}
    return [sys.executable, "-m", _MODULE, *(str(part) for option in options.items() for part in option)]


def read_address(directory: Path, pid: int | None = None) -> Address | None:
    """The address that the directory's endpoint wrote at its start, or None where it has not (yet).

    Args:
        directory: the endpoint's data directory.
        pid: the process whose address is wanted; that of an earlier one is then ignored.
    """
    try:
        found = json.loads((directory / ADDRESS_FILE).read_text())
        address = Address(port=int(found["port"]), pid=int(found["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return address if pid in {None, address.pid} else None


def write_address(directory: Path, port: int) -> None:
    """Say where this process serves the directory."""
    written = directory / f"{ADDRESS_FILE}.new"
    written.write_text(json.dumps({"port": port, "pid": os.getpid()}))
    written.replace(directory / ADDRESS_FILE)
