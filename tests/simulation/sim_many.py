"""Many seeds, on all cores."""

from __future__ import annotations

import logging
import multiprocessing
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from sim_run import run


@dataclass(frozen=True, slots=True)
class Played:
    """How a seed ended; `broken` is empty where all is well."""

    seed: int
    broken: list[str]
    counted: Counter[str]


def play(seed: int) -> Played:
    """Plays a seed, and keeps what is small."""
    logging.disable(logging.CRITICAL)
    try:
        result = run(seed)
    finally:
        logging.disable(logging.NOTSET)
    return Played(seed, result.broken, result.counted)


def play_all(seeds: Sequence[int]) -> Iterator[Played]:
    """How each seed ended, in their order."""
    # Not forked: whoever asks may have threads.
    # One process to a core: a seed is all computing.
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(play, seeds, chunksize=10)
