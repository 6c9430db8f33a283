# ruff: noqa: INP001 - a script of its own: it runs before anything is installed.
"""Writes `.env` for docker compose: random passwords, readable by its owner alone. Standard library only.

    python3 deploy/make_env.py [FILE]

A file that is there is left as it is: its passwords are those of the data in the volumes.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

SECRETS = ("WATCHKEEPER_CLICKHOUSE_PASSWORD", "GRAFANA_CLICKHOUSE_PASSWORD", "GRAFANA_ADMIN_PASSWORD")


def make_env(path: Path) -> bool:
    """Write the file; False where it was there already."""
    try:
        # From its first byte on nobody else may read it.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w") as file:
        # URL-safe characters: they stand in an address, and in XML, as they are.
        file.writelines(f"{name}={secrets.token_urlsafe(24)}\n" for name in SECRETS)
    return True


def main() -> int:
    """Write the file that the command line names, else `.env` beside docker-compose.yml."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1] / ".env"
    made = make_env(path)
    sys.stdout.write(f"{path}: {'written' if made else 'is there already and was left as it is'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
