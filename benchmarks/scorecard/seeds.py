"""The seed of a published run: drawn from the commit that froze the parameters, so that nobody could choose it."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FROZEN: Final = ("benchmarks/scorecard", "producers", "schemas", "stream_processors")
"""What decides what is planted and what is found. Whatever differs from the commit here, the seed says nothing."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A run's seed.

    Attributes:
        commit: whose hash it comes from; empty where it was chosen.
        changed: files under `FROZEN` that differ from the commit; a run with such files is none to publish.
    """

    seed: str
    commit: str = ""
    changed: tuple[str, ...] = ()

    @property
    def publishable(self) -> bool:
        """Whether it was drawn after everything was frozen."""
        return bool(self.commit) and not self.changed


def drawn() -> Seed:
    """The seed of the commit at hand."""
    commit = _git("rev-parse", "HEAD").strip()
    changed = tuple(line[3:] for line in _git("status", "--porcelain", "--", *FROZEN).splitlines())
    return Seed(hashlib.sha256(f"scorecard {commit}".encode()).hexdigest()[:16], commit, changed)


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout
