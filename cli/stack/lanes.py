"""Threads for work that blocks, with a limit on what may wait before them."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from watchkeeper.cli.stack.clickhouse_errors import TOO_MANY_SIMULTANEOUS_QUERIES, ClickHouseError

if TYPE_CHECKING:
    from collections.abc import Callable

_Answer = TypeVar("_Answer")


class Lane:
    """A pool of threads for one kind of work.

    Args:
        name: for the threads' names.
        threads: how many calls run at once.
        waiting: how many more may wait.
    """

    def __init__(self, name: str, *, threads: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._limit = threads + waiting
        self._guard = threading.Lock()
        self._inside = 0

    async def run(self, call: Callable[..., _Answer], *args: Any) -> _Answer:
        """Run `call` in one of the threads. A caller that is cancelled does not stop a call that has begun.

        Raises:
            ClickHouseError: too much is waiting already.
        """
        return await asyncio.wrap_future(self.submit(call, *args))

    def submit(self, call: Callable[..., _Answer], *args: Any, even_if_full: bool = False) -> Future[_Answer]:
        """Let `call` run in one of the threads, without waiting for it.

        Raises:
            ClickHouseError: too much is waiting already, and the call is not one that must be made.
        """
        with self._guard:
            if self._inside >= self._limit and not even_if_full:
                raise ClickHouseError.refused(
                    TOO_MANY_SIMULTANEOUS_QUERIES, f"{self._inside} statements run or wait here; send fewer at once"
                )
            self._inside += 1
        future = self._pool.submit(call, *args)
        future.add_done_callback(self._leave)
        return future

    def close(self) -> None:
        """Wait for what runs, drop what waits, then end the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _leave(self, future: Future[Any]) -> None:
        del future
        with self._guard:
            self._inside -= 1
