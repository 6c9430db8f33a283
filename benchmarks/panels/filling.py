"""Fills a store by the statements of `fill`, two at once: what one of them makes, the other one's disk waits for."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from rich.progress import Progress

from panels.fill import Statement, phases
from panels.fleet import Fleet
from watchkeeper.stream_processors.clickhouse import connect

AT_ONCE = 2
_ANSWER_SECONDS = 1_800


def fill(dsn: str, fleet: Fleet, progress: Progress) -> None:
    """Runs all statements; what ClickHouse refuses is raised, and nothing more is begun."""
    work = phases(fleet)
    weight = sum(statement.weight for phase in work for lane in phase for statement in lane)
    task = progress.add_task("filling", total=round(weight, 1))

    def run(lane: Sequence[Statement]) -> None:
        client = connect(dsn, send_receive_timeout=_ANSWER_SECONDS)
        try:
            for statement in lane:
                progress.update(task, description=statement.what)
                client.command(statement.sql, parameters=dict(statement.parameters), settings=dict(statement.settings))
                progress.update(task, advance=statement.weight)
        finally:
            client.close()

    for phase in work:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            lanes = [pool.submit(run, lane) for lane in phase]
            try:
                for lane in lanes:
                    lane.result()
            finally:
                pool.shutdown(cancel_futures=True)
