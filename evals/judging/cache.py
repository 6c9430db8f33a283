"""Answers on disk, by everything that they depend on: nothing is asked, or paid for, twice.

A file holds the judge's answer and nothing of the session; its name is a digest. Files are the user's alone to read.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from watchkeeper.schemas.errors import ConfigurationError

_FORM: Final = 1


class AnswerCache:
    """A folder of answers. Threads and processes may share it.

    Args:
        folder: made where it is missing.

    Raises:
        ConfigurationError: the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise ConfigurationError(f"answers of judges cannot be kept in {folder}: {error.strerror}") from error
        self._folder = folder

    @staticmethod
    def key_of(question: Mapping[str, Any]) -> str:
        """The digest of a question with all that its answer depends on."""
        return hashlib.sha256(orjson.dumps({"form": _FORM, **question}, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def get(self, key: str) -> str | None:
        """The answer; None where there is none that can be read."""
        try:
            found = orjson.loads(self._path(key).read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return None
        text = found.get("text") if isinstance(found, dict) else None
        return text if isinstance(text, str) else None

    def put(self, key: str, text: str) -> None:
        """Keeps an answer, whole or not at all. A full disk loses the saving, not the grade."""
        path = self._path(key)
        with contextlib.suppress(OSError):
            path.parent.mkdir(exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(orjson.dumps({"text": text}))
                Path(name).replace(path)
            except OSError:
                Path(name).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key[2:]}.json"
