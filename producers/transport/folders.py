"""The directories of spools: one for each process, locked while it lives, and taken over when it has died.

`<spool>/<broker>/<process>/` holds `lock` and the segments. The lock is `flock`'s: the kernel lets go of it when the
process ends, however it ends. What cannot be read whole goes to `<spool>/<broker>/damaged/`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from pathlib import Path
from typing import Final

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has none
    fcntl = None  # type: ignore[assignment]  # the module is missing there; `can_lock` says so

LOCK: Final = "lock"
SUFFIX: Final = ".spool"
DAMAGED: Final = "damaged"
_BORN: Final = ".new-"
_PRIVATE: Final = 0o700


def can_lock() -> bool:
    """Whether this system has the locks that a spool needs."""
    return fcntl is not None


def of_broker(root: Path, bootstrap: str) -> Path:
    """Where the spools for one broker stand: what was meant for one is never sent to another."""
    brokers = ",".join(sorted(part.strip() for part in bootstrap.split(",")))
    return root / hashlib.sha256(brokers.encode()).hexdigest()[:16]


class Folder:
    """A directory that this process holds the lock of.

    Attributes:
        path: the directory.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock
        self._next = 0

    @classmethod
    def make(cls, root: Path) -> Folder:
        """A new one, locked before anybody else can see it.

        Raises:
            OSError: it cannot be made.
        """
        root.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
        name = f"{os.getpid()}-{uuid.uuid4().hex[:12]}"
        hidden = root / f"{_BORN}{name}"
        hidden.mkdir(mode=_PRIVATE)
        lock = _lock(hidden / LOCK)
        if lock is None:
            raise OSError(f"{hidden / LOCK} cannot be locked")
        try:
            hidden.rename(root / name)
        except OSError:
            os.close(lock)
            raise
        return cls(root / name, lock)

    def segment_path(self) -> Path:
        """The path of the next segment."""
        self._next += 1
        return self.path / f"{self._next:08d}{SUFFIX}"

    def segments(self) -> list[Path]:
        """Its segments, oldest first."""
        return sorted(self.path.glob(f"*{SUFFIX}"))

    def set_aside(self, segment: Path) -> None:
        """Keeps a damaged segment where nobody sends it.

        Raises:
            OSError: it cannot be moved.
        """
        aside = self.path.parent / DAMAGED
        aside.mkdir(mode=_PRIVATE, exist_ok=True)
        segment.rename(aside / f"{self.path.name}-{segment.name}")

    def remove(self) -> None:
        """Removes the directory where nothing is left in it, and lets go of the lock."""
        with contextlib.suppress(OSError):
            if not self.segments():
                (self.path / LOCK).unlink(missing_ok=True)
                self.path.rmdir()
        self.let_go()

    def let_go(self) -> None:
        """Lets go of the lock; in the child of a fork, without taking it from the parent."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def abandoned(root: Path, most: int) -> list[Folder]:
    """The directories of processes that are no more, locked for this one: at most so many."""
    found: list[Folder] = []
    with contextlib.suppress(OSError):
        for path in sorted(root.iterdir(), key=_age):
            if len(found) >= most:
                break
            if path.name == DAMAGED or path.name.startswith(_BORN) or not path.is_dir():
                continue
            lock = _lock(path / LOCK, make=False)
            if lock is not None:
                found.append(Folder(path, lock))
    return found


def prune_damaged(root: Path, most_bytes: int, since: float) -> None:
    """Removes damaged files written before `since` (epoch seconds), and the oldest beyond so many bytes in all."""
    with contextlib.suppress(OSError):
        kept = 0
        for path in sorted((root / DAMAGED).iterdir(), key=_age, reverse=True):
            about = path.stat()
            kept += about.st_size
            if kept > most_bytes or about.st_mtime < since:
                path.unlink(missing_ok=True)


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _lock(path: Path, *, make: bool = True) -> int | None:
    """The locked file; None where somebody else holds it, or has just removed it."""
    assert fcntl is not None
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if make else 0), 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file).st_nlink > 0:
            return file
    except OSError:
        pass
    os.close(file)
    return None
