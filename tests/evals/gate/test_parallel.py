"""Threads that can be left."""

from __future__ import annotations

import threading

import pytest

from watchkeeper.evals.gate.parallel import in_parallel


def test_every_job_is_done_once_by_several_threads() -> None:
    done: list[int] = []
    names = set()
    together = threading.Barrier(4)

    def work(job: int) -> None:
        if job < 4:
            together.wait(30)
        names.add(threading.current_thread().name)
        done.append(job)

    in_parallel(work, range(200), 4)
    assert sorted(done) == list(range(200))
    assert len(names) == 4
    in_parallel(work, [], 4)


def test_what_is_raised_ends_it_though_another_thread_hangs() -> None:
    release, hanging = threading.Event(), threading.Event()
    begun: list[int] = []

    def work(job: int) -> None:
        begun.append(job)
        if job == 0:
            hanging.set()
            release.wait(60)
        elif job == 1:
            assert hanging.wait(30)
            raise KeyError("two graders of one name")

    with pytest.raises(KeyError, match="two graders"):
        in_parallel(work, range(1000), 2)
    assert begun == [0, 1]
    release.set()


def test_an_interrupt_does_not_wait_for_the_last_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    begun: list[int] = []
    joins = iter([None, None])

    class Interrupted(threading.Thread):
        def join(self, timeout: float | None = None) -> None:
            super().join(timeout)
            if next(joins, "over") == "over":
                raise KeyboardInterrupt

    def work(job: int) -> None:
        begun.append(job)
        release.wait(60)

    monkeypatch.setattr(threading, "Thread", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        in_parallel(work, range(10), 1)
    assert begun == [0]
    release.set()
