"""Who may use the ClickHouse endpoint: one user, whose password is made at the first start."""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from watchkeeper.schemas.errors import ConfigurationError

CREDENTIALS_FILE = "credentials.json"
USER_VARIABLE = "WATCHKEEPER_CLICKHOUSE_USER"
PASSWORD_VARIABLE = "WATCHKEEPER_CLICKHOUSE_PASSWORD"  # noqa: S105 - the name of a variable, not a password.
DEFAULT_USER = "watchkeeper"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and a password of the endpoint."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r}, password=...)"

    def admits(self, user: str, password: str) -> bool:
        """Whether these are the right ones, in a time that does not depend on where they differ."""
        same_user = hmac.compare_digest(self.user.encode(), user.encode())
        same_password = hmac.compare_digest(self.password.encode(), password.encode())
        return same_user and same_password

    def dsn(self, port: int, database: str) -> str:
        """The address with user and password in it, for clickhouse-connect."""
        return f"http://{quote(self.user, safe='')}:{quote(self.password, safe='')}@127.0.0.1:{port}/{database}"


def load_credentials(directory: Path, environment: Mapping[str, str] = os.environ) -> Credentials:
    """The endpoint's user and password: from the environment, else from the directory's file, made when missing.

    Args:
        directory: the endpoint's data directory.
        environment: where `WATCHKEEPER_CLICKHOUSE_USER` and `WATCHKEEPER_CLICKHOUSE_PASSWORD` are looked for.

    Raises:
        ConfigurationError: the file cannot be read; the message names it.
    """
    user = environment.get(USER_VARIABLE, "")
    password = environment.get(PASSWORD_VARIABLE, "")
    if password:
        return Credentials(user or DEFAULT_USER, password)
    path = directory / CREDENTIALS_FILE
    directory.mkdir(parents=True, exist_ok=True)
    _make_once(path, user or DEFAULT_USER)
    return _read(path)


def _make_once(path: Path, user: str) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as file:
        json.dump({"user": user, "password": secrets.token_urlsafe(24)}, file)


def _read(path: Path) -> Credentials:
    try:
        found = json.loads(path.read_text())
        return Credentials(str(found["user"]), str(found["password"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path} cannot be read ({error}); delete it, and the next start makes a new password"
        raise ConfigurationError(message) from error
