"""What agents that behave do: the sessions into which failures are planted, and most of the clean ones."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from scorecard.ground import Job, Kind
from scorecard.jobs import coding, finance, multi_agent, retrieval, support

JOBS: Final[dict[Kind, Callable[[Random], Job]]] = {
    "support": support.job,
    "retrieval": retrieval.job,
    "coding": coding.job,
    "finance": finance.job,
    "multi_agent": multi_agent.job,
}
"""A job of each kind, made anew by chance."""
