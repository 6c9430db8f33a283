"""Where the console of a stack is, and what opens it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from watchkeeper.dashboards.console.keys import Keys, load_keys
from watchkeeper.schemas.errors import ConfigurationError

LOOPBACK: Final = "127.0.0.1"
PORT: Final = "WATCHKEEPER_CONSOLE_PORT"
BIND: Final = "WATCHKEEPER_CONSOLE_BIND"
HOSTS: Final = "WATCHKEEPER_CONSOLE_HOSTS"
TOKEN: Final = "WATCHKEEPER_CONSOLE_TOKEN"  # noqa: S105 - the name of a variable, not a token.
TOKEN_FILE: Final = "console.token"  # noqa: S105 - the name of a file, not a token.


def port_of(variables: Mapping[str, str]) -> int:
    """The port that the environment names; 0, for a free one, where it names none.

    Raises:
        ConfigurationError: it is no port.
    """
    value = variables.get(PORT, "").strip() or "0"
    if not value.isdecimal() or int(value) > 65_535:
        raise ConfigurationError(f"{PORT} is {value!r}: set it to a port, or to 0 for a free one")
    return int(value)


def console_keys(directory: Path, variables: Mapping[str, str] = os.environ) -> Keys:
    """The token of the environment, else that of the stack's directory, made where it is missing.

    Raises:
        ConfigurationError: the token is too short, or its file cannot be used.
    """
    given = variables.get(TOKEN, "").strip()
    return Keys(given) if given else load_keys(directory / TOKEN_FILE)


def console_url(port: int, keys: Keys) -> str:
    """The address that lets in whoever opens it."""
    return f"http://{LOOPBACK}:{port}/?token={keys.token}"
