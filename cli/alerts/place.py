"""Where `alerts.yaml` is, and where the router tells of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from watchkeeper.cli.addresses import written_file

CONFIG: Final = "WATCHKEEPER_ALERTS"
FILE: Final = "alerts.yaml"
DIRECTORY: Final = "alerts"
"""Below the stack's directory: where the router tells its port."""


def alerts_path(option: Path | None, home: Path) -> Path | None:
    """The file: the option's, else the environment's, else the one in the stack's directory; None where none is."""
    return written_file(option, CONFIG, home, FILE)
