"""What `watchkeeper evals suite` draws from, by its options."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from watchkeeper.cli.addresses import clickhouse_dsn
from watchkeeper.cli.command import complain
from watchkeeper.cli.store import open_store
from watchkeeper.cli.suite_masks import full_masks
from watchkeeper.evals.reading.reader import InteractionReader
from watchkeeper.evals.suites.candidates import OnProgress, Wanted
from watchkeeper.evals.suites.casting import Casting, Masks, unmasked
from watchkeeper.evals.suites.files import HEADER
from watchkeeper.evals.suites.strata import OutcomeClass
from watchkeeper.evals.suites.suite import Suite
from watchkeeper.schemas.errors import ConfigurationError

RECENT: Final = timedelta(days=30)


_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_name(name: str) -> None:
    """Refuses what is no name of a suite, before anything is drawn.

    Raises:
        ConfigurationError: the name is none.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is no name of a suite: use up to 64 letters, digits, `.`, `_` and `-`; its place is --out"
        )


def folder_of(reference: str, out: Path) -> Path:
    """The folder of a suite that is named, or that is named by its folder."""
    return Path(reference) if (Path(reference) / HEADER).is_file() else out / reference


def wanted_of(given: dict[str, Any], *, size: int, agent: str) -> Wanted:
    """The sessions that options ask for.

    Raises:
        ConfigurationError: they end before they begin.
    """
    since, until = given["since"], given.get("until") or datetime.now(UTC)
    if since >= until:
        raise ConfigurationError(f"--since {since:%Y-%m-%d %H:%M} is not before --until {until:%Y-%m-%d %H:%M}")
    return Wanted(
        tenant=given["tenant"],
        agent=agent,
        since=since,
        until=until,
        size=size,
        seed=given.get("seed", 0),
        origin=given["origin"],
        consent=given.get("consent", "legitimate_interest"),
    )


def as_drawn(found: Suite, given: dict[str, Any]) -> Wanted:
    """The sessions that a suite was drawn from, since then."""
    drawn = found.drawn
    defaults = {
        "tenant": drawn.tenant if drawn else "default",
        "origin": drawn.origin if drawn else "live",
        "since": drawn.until if drawn else datetime.now(UTC) - RECENT,
    }
    chosen = given | {name: given.get(name) or value for name, value in defaults.items()}
    return wanted_of(
        chosen, size=max(len(found.cases), drawn.size if drawn else 1), agent=given.get("agent") or found.agent
    )


def casting_of(given: dict[str, Any]) -> Casting:
    """How sessions become cases, by the options. What cannot be masked here is told on stderr."""
    trusted: set[OutcomeClass] = {"good", "quiet"} if given["trust_quiet"] else {"good"}
    masks: Masks = unmasked
    if not given["unmasked"]:
        masks, missing = full_masks()
        if missing:
            complain(f"{missing}; or say --unmasked where texts are clean already")
    return Casting(drawn_at=datetime.now(UTC), consent=given["consent"], masks=masks, trusted=frozenset(trusted))


@contextmanager
def reading(given: dict[str, Any]) -> Iterator[tuple[InteractionReader, OnProgress]]:
    """A reader, and a progress display on stderr where that is a terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,}"), TimeElapsedColumn())
    console = Console(stderr=True)
    tasks: dict[str, TaskID] = {}
    with (
        open_store(clickhouse_dsn(given["clickhouse"], given["home"])) as store,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
    ):

        def told(what: str, many: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=None)
            progress.update(tasks[what], completed=many)

        yield InteractionReader(store), told
