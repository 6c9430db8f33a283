"""Processes that a host makes: forked, spawned and pooled; each event arrives, once, in an unbroken numbering."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HOST = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
from watchkeeper.producers import Settings, Watchkeeper

bootstrap, tenant, way = sys.argv[1:]
# Children end by themselves: a busy machine may need longer than the usual two seconds.
watch = Watchkeeper("host", bootstrap=bootstrap, tenant=tenant, settings=Settings(exit_seconds=20))

def work(number):
    with watch.session(session_id=f"child-{number}") as s:
        s.outcome("n", number)
    return number

def go_on(s):
    s.outcome("n", 7)

def by_fork(s):
    child = os.fork()
    if child == 0:
        s.outcome("n", 7)
        work(0)
        sys.exit(0)
    assert os.waitpid(child, 0)[1] == 0

def by_process(method):
    context = multiprocessing.get_context(method)
    children = [context.Process(target=work, args=(number,)) for number in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0

def by_pool(method):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        assert list(pool.map(work, range(6))) == list(range(6))

if __name__ == "__main__":
    with watch.session(session_id="parent") as s:
        s.outcome("n", 1)
        # So that there is a client, with threads, at the fork.
        assert watch.flush(30)
        {"fork": lambda: by_fork(s), "mp-fork": lambda: by_process("fork"), "mp-spawn": lambda: by_process("spawn"),
         "pool-fork": lambda: by_pool("fork"), "pool-spawn": lambda: by_pool("spawn")}[way]()
        s.outcome("n", 2)
    print(watch.close(30), watch.losses())
"""

CHILDREN = {"fork": 1, "mp-fork": 3, "mp-spawn": 3, "pool-fork": 6, "pool-spawn": 6}


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("way", "spool"), [*((way, False) for way in CHILDREN), ("fork", True), ("mp-fork", True), ("mp-spawn", True)]
)
def test_children_send_their_own_and_not_their_parent_s(
    way: str, spool: bool, host: Any, broker: str, tenant: str, read: Callable[..., Any], tmp_path: Path
) -> None:
    variables = {"WATCHKEEPER_SPOOL_DIR": str(tmp_path / "spool")} if spool else {}
    said, errors = host(HOST, broker, tenant, way, **variables).communicate(timeout=90)
    assert said == "True {}\n", (said, errors)
    # In the child of a bare fork the session goes on as a writer of its own, and ends there too.
    own = 2 if way == "fork" else 0
    wanted = 4 + own + 3 * CHILDREN[way]
    events = read(broker, tenant, lambda found: len(found) >= wanted)
    assert Counter(event.session_id for event in events) == {
        "parent": 4 + own,
        **{f"child-{number}": 3 for number in range(CHILDREN[way])},
    }
    writers: dict[str, list[int]] = defaultdict(list)
    for event in events:
        writers[f"{event.session_id} {event.writer_id}"].append(event.seq)
    assert all(numbers == list(range(len(numbers))) for numbers in writers.values())


SILENT = """
import os, sys, threading
from watchkeeper.producers import Watchkeeper

watch = Watchkeeper("host", bootstrap=sys.argv[1], tenant=sys.argv[2])
with watch.session(session_id="parent"):
    pass
assert watch.flush(30)
children = []
for _ in range(4):
    children.append(os.fork())
    if children[-1] == 0:
        # The C library now unmaps the stacks of threads that the fork did not copy: who waits for one, crashes.
        gate = threading.Barrier(30)
        threads = [threading.Thread(target=gate.wait) for _ in range(30)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        sys.exit(3)
codes = {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children}
print(codes, watch.close(30), watch.losses())
"""


def test_children_that_tell_nothing_end_by_their_own_exit_code(host: Any, broker: str, tenant: str) -> None:
    said, errors = host(SILENT, broker, tenant).communicate(timeout=90)
    assert said == "{3} True {}\n", (said, errors)
