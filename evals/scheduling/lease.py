"""Which of several schedulers works: the one whose claim is the oldest of those that are kept up.

A claim is a row of `eval_jobs`. ClickHouse knows no compare-and-set, so whoever claims waits a moment and looks again:
of claims that were made at once the older one holds, by the claimants' clocks, and by names where those are equal. How
old a claim's last sign is, the store's own clock says. A process that loses its claim, or cannot keep it up, ends what
it does after the few sessions that it is grading: for so long two may work at once, and where an insert took longer
than `SETTLE_SECONDS`, until the next sign. On a cluster, replicas must have followed.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from watchkeeper.evals.scheduling import statements
from watchkeeper.evals.scheduling.ports import Store
from watchkeeper.schemas.errors import WatchkeeperError
from watchkeeper.schemas.evaluations import JobRow
from watchkeeper.schemas.ids import uuid7

LEASE_SECONDS: Final = 30
"""A claim without a sign for so long holds no more."""
RENEW_SECONDS: Final = 5.0
SETTLE_SECONDS: Final = 1.0
"""Between a claim and its use: longer than an insert takes to be seen."""

_MARGIN_SECONDS: Final = 10.0
"""A holder stops so long before others may take its claim for lost."""


@dataclass(frozen=True, slots=True)
class _Claim:
    name: str
    claimed_at: datetime
    process: str

    @property
    def age(self) -> tuple[datetime, str]:
        return self.claimed_at, self.name


class Lease:
    """One process's claim.

    Args:
        opened: opens the store, for the thread that keeps the claim up.
        process: what tells the process from others of its machine; see `this_process`.
        settle: waits so many seconds.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        opened: Callable[[], AbstractContextManager[Store]],
        *,
        process: str | None = None,
        settle: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._opened, self._settle, self._clock = opened, settle, clock
        self._process = this_process() if process is None else process
        self._name = f"{socket.gethostname()}/{os.getpid()}/{uuid7()[-8:]}"
        self._mine = _Claim(self._name, datetime.now(UTC), self._process)
        self._written_at = self._mine.claimed_at
        self._renewed: float | None = None

    def take(self, store: Store) -> str:
        """Claims; answers the name of the scheduler that works, empty where it is this one.

        Raises:
            StoreUnavailableError: nobody knows.
        """
        others = self._others(store)
        if others:
            return _oldest(others)
        self._mine = _Claim(self._name, datetime.now(UTC), self._process)
        self._put(store, "running")
        self._settle(SETTLE_SECONDS)
        return self._kept_up(store)

    def holds(self) -> bool:
        """Whether this process may work now."""
        return self._renewed is not None and self._clock() - self._renewed < LEASE_SECONDS - _MARGIN_SECONDS

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Keeps the claim up in a thread of its own, for the length of a block, and gives it back."""
        done = threading.Event()
        thread = threading.Thread(target=self._keep, args=(done,), name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            self._give_back()

    def _keep(self, done: threading.Event) -> None:
        while not done.is_set():
            # A store that is away is tried again; `holds` says when that was too long.
            with contextlib.suppress(WatchkeeperError), self._opened() as store:
                while not done.wait(RENEW_SECONDS) and self._renewed is not None:
                    self._kept_up(store)
            if self._renewed is None:
                return
            done.wait(RENEW_SECONDS)

    def _kept_up(self, store: Store) -> str:
        """Gives a sign; gives way to an older claim, and answers whose it is."""
        if self._renewed is not None and not self.holds():
            # It slept for so long that others may have begun: it claims anew, behind them.
            self._renewed = None
            return ""
        begun = self._clock()
        self._put(store, "running")
        older = [claim for claim in self._others(store) if claim.age < self._mine.age]
        if older:
            self._renewed = None
            self._put(store, "idle")
            return _oldest(older)
        self._renewed = begun
        return ""

    def _give_back(self) -> None:
        held, self._renewed = self._renewed is not None, None
        if held:
            with contextlib.suppress(WatchkeeperError), self._opened() as store:
                self._put(store, "idle")

    def _others(self, store: Store) -> list[_Claim]:
        rows = store.rows(statements.CLAIMS, seconds=LEASE_SECONDS)
        claims = [_Claim(row["name"], row["claimed_at"], row["process"]) for row in rows]
        return [one for one in claims if one.name != self._name and not _is_dead(one.process, self._process)]

    def _put(self, store: Store, state: str) -> None:
        # The row that was written last counts, whatever the clock does.
        self._written_at = max(datetime.now(UTC), self._written_at + timedelta(microseconds=1))
        row = {"job": statements.CLAIM + self._name, "state": state, "watermark": self._mine.claimed_at}
        about = {"scheduler": self._process, "updated_at": self._written_at}
        store.insert("eval_jobs", [JobRow.model_validate({**row, **about}).model_dump_json().encode()])


def this_process() -> str:
    """Machine, space of process ids, and process; empty where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()} {os.getpid()}"
    except OSError:
        return ""


def _is_dead(process: str, own: str) -> bool:
    """Whether a process is known to be gone: it was one of this machine's, and is there no more."""
    where, _, number = process.rpartition(" ")
    if not where or where != own.rpartition(" ")[0]:
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    # Of its own number there was another before it.
    return process == own


def _oldest(claims: list[_Claim]) -> str:
    return min(claims, key=lambda claim: claim.age).name.rpartition("/")[0]
