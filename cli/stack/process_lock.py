"""One process per directory: a lock that dies with its holder, and says who holds it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self

from watchkeeper.schemas.errors import StackError


class DirectoryLock:
    """A lock file that is held while the process lives.

    The lock is the kernel's (`flock`), so it ends with the process however that ends; the number in the file only
    tells people and other processes who holds it.

    Args:
        path: the lock file; made when missing.
        purpose: what holds the lock, for the message.

    Raises:
        StackError: another process holds it; the message names the process.
    """

    def __init__(self, path: Path, purpose: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._handle, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._handle)
            message = f"{purpose} already runs on {path.parent} as process {holder}; stop it or use another directory"
            raise StackError(message) from error
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the lock up."""
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.release()
