"""Secrets of channels: read from the environment or from files, never logged, never kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from watchkeeper.dashboards.alerting.config import Secret
from watchkeeper.schemas.errors import ConfigurationError


class Secrets:
    """Looks secrets up, and takes them out of what is said.

    Args:
        folder: from which the paths of files are read.
        environment: where variables are looked up; the process's own if left out.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._environment = os.environ if environment is None else environment
        self._values: set[str] = set()

    def of(self, given: str | Secret, what: str) -> str:
        """The value; `what` names the field in errors.

        Raises:
            ConfigurationError: it is nowhere, or empty.
        """
        if isinstance(given, str):
            return given
        value = self._from_environment(given.env, what) if given.env else self._from_file(given.file or "", what)
        self._values.add(value)
        return value

    def hidden(self, text: str) -> str:
        """The text without any secret that was looked up."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, "…")
        return text

    def _from_environment(self, name: str, what: str) -> str:
        value = self._environment.get(name, "").strip()
        if not value:
            raise ConfigurationError(f"{what}: the environment variable {name} is not set; set it to the secret")
        return value

    def _from_file(self, name: str, what: str) -> str:
        path = self._folder / name
        try:
            value = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{what}: {path} cannot be read; check path and rights") from error
        if not value:
            raise ConfigurationError(f"{what}: {path} is empty; write the secret into it")
        return value
