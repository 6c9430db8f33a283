# ruff: noqa: INP001 - a script of its own: it runs before anything is installed.
"""Writes `.env` for docker compose: random passwords, readable by its owner alone. Standard library only.

    python3 deploy/make_env.py [FILE]

What is in a file that is there is left as it is: its passwords are those of the data in the volumes.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from pathlib import Path

SECRETS = (
    "WATCHKEEPER_CLICKHOUSE_PASSWORD",
    "GRAFANA_CLICKHOUSE_PASSWORD",
    "GRAFANA_ADMIN_PASSWORD",
    "WATCHKEEPER_CONSOLE_TOKEN",
)


def make_env(path: Path) -> list[str]:
    """Write the file, or add to it what a later version needs; the names that were written."""
    with contextlib.suppress(FileExistsError):
        # From its first byte on nobody else may read it.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    text = path.read_text()
    there = {line.partition("=")[0].strip() for line in text.splitlines()}
    missing = [name for name in SECRETS if name not in there]
    with path.open("a") as file:
        file.write("\n" if missing and text and not text.endswith("\n") else "")
        # URL-safe characters: they stand in an address, and in XML, as they are.
        file.writelines(f"{name}={secrets.token_urlsafe(24)}\n" for name in missing)
    return missing


def main() -> int:
    """Write the file that the command line names, else `.env` beside docker-compose.yml."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1] / ".env"
    made = make_env(path)
    sys.stdout.write(f"{path}: {', '.join(made)} written\n" if made else f"{path}: whole already, left as it is\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
