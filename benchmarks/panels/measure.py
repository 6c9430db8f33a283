"""How long statements take, as a dashboard that asks over HTTP sees it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from panels.ask import Question

MOST_SECONDS = 300
ENOUGH_SECONDS = 20
_CACHES = ("MARK", "UNCOMPRESSED", "PRIMARY INDEX", "INDEX MARK", "INDEX UNCOMPRESSED", "QUERY CONDITION", "QUERY")


@dataclass(frozen=True, slots=True)
class Timing:
    """One question's times in seconds.

    Attributes:
        cold: with the engine's caches emptied; the system's own cache of files is left alone.
        warm: asked again, as a dashboard does that is refreshed.
        read_rows: how many rows the engine read for it; `read_bytes`: of how many bytes, unpacked.
    """

    question: Question
    cold: float
    warm: tuple[float, ...]
    read_rows: int
    read_bytes: int

    @property
    def least(self) -> float:
        """The fastest of the warm runs: what others do on the machine only ever adds."""
        return min(self.warm)


def measured(
    client: Client, questions: Sequence[Question], runs: int, told: Callable[[Question], None] = lambda _: None
) -> tuple[list[Timing], dict[str, str]]:
    """Asks all, each once cold and then warm.

    Args:
        told: called before each question.

    Returns:
        The times, and what the engine says to those that it refuses or does not answer within `MOST_SECONDS`.
    """
    found: list[Timing] = []
    refused: dict[str, str] = {}
    for question in questions:
        told(question)
        forget(client)
        try:
            cold, rows, size = asked(client, question)
        except ClickHouseError as error:
            refused[f"{question.name} ({question.chosen})"] = str(error)
            continue
        found.append(Timing(question, cold, tuple(_warm(client, question, runs)), rows, size))
    return found, refused


def _warm(client: Client, question: Question, runs: int) -> Iterator[float]:
    """So many runs, but no further one once they have taken `ENOUGH_SECONDS`."""
    spent = 0.0
    for _ in range(runs):
        seconds, _, _ = asked(client, question)
        yield seconds
        spent += seconds
        if spent > ENOUGH_SECONDS:
            return


def forget(client: Client) -> None:
    """Empties the engine's caches."""
    for name in _CACHES:
        client.command(f"SYSTEM DROP {name} CACHE")


def asked(client: Client, question: Question) -> tuple[float, int, int]:
    """Seconds until the answer was there, rows that were read, and bytes."""
    began = time.perf_counter()
    answer = client.query(question.sql, settings={"max_execution_time": MOST_SECONDS})
    seconds = time.perf_counter() - began
    return seconds, int(answer.summary.get("read_rows", 0)), int(answer.summary.get("read_bytes", 0))
