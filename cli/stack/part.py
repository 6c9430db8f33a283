"""One part of a local stack, as data."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def _no_problem(pid: int) -> str:
    del pid
    return ""


def _nothing(restarts: int) -> Sequence[str]:
    del restarts
    return ()


@dataclass(frozen=True, slots=True)
class Part:
    """One part.

    Attributes:
        name: its name in files and messages.
        title: what it is, for people.
        kind: which of several it is: of the broker `embedded`, `apache` or `elsewhere`; else empty.
        url: where it answers, without a password.
        command: makes the command of one start; None where the part runs elsewhere and is only used.
        environment: variables beside those of the supervisor.
        problem: why the process with this id does not answer yet; empty when it does. May take a second.
        stalled: why the process, which answered before, seems to do its work no longer; empty where it does. May
            take a second, and is asked every few seconds.
        prepare: called when it answers, with the number of restarts so far; answers what people should know.
        start_seconds: how long it may take until it answers.
        stop_seconds: how long it may take to end after SIGTERM.
        restarts_with: parts whose restart it does not survive: it is then started again as well.
    """

    name: str
    title: str
    kind: str = ""
    url: str = ""
    command: Callable[[], Sequence[str]] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    problem: Callable[[int], str] = _no_problem
    stalled: Callable[[int], str] = _no_problem
    prepare: Callable[[int], Sequence[str]] = _nothing
    start_seconds: float = 30.0
    stop_seconds: float = 10.0
    restarts_with: frozenset[str] = frozenset()


def whole_environment(part: Part) -> dict[str, str]:
    """The environment of a part's process."""
    return {**os.environ, **part.environment}
