"""Work in several threads that whoever waits can leave at any time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Final, TypeVar

T = TypeVar("T")

_LOOK_S: Final = 0.2


def in_parallel(work: Callable[[T], None], jobs: Iterable[T], threads: int) -> None:
    """Does every job.

    The threads are daemons: at an interrupt nobody waits until the last question is answered, as an executor's exit
    does. What is under way then is left behind, and no further job is begun.

    Args:
        work: called with one job, by several threads at once.
        jobs: in which order they are begun.
        threads: how many.

    Raises:
        Exception: the first that `work` raised.
    """
    waiting: SimpleQueue[T] = SimpleQueue()
    for job in jobs:
        waiting.put(job)
    failures: list[Exception] = []
    stopped = threading.Event()

    def loop() -> None:
        while not stopped.is_set():
            try:
                job = waiting.get_nowait()
            except Empty:
                return
            try:
                work(job)
            except Exception as error:  # noqa: BLE001 - raised again by whoever waits
                failures.append(error)
                stopped.set()

    crew = [threading.Thread(target=loop, name=f"gate-{number}", daemon=True) for number in range(threads)]
    for thread in crew:
        thread.start()
    try:
        for thread in crew:
            while thread.is_alive() and not failures:
                thread.join(_LOOK_S)
    finally:
        stopped.set()
    if failures:
        raise failures[0]
