"""Puts the scheduler of evaluations together: configuration, store, broker, clock."""

from __future__ import annotations

import importlib.util
import logging
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from watchkeeper.cli.addresses import written_file
from watchkeeper.cli.scheduler_watch import SchedulerWatch
from watchkeeper.cli.score_sending import ScorePublisher
from watchkeeper.cli.store import ReadStore, open_store
from watchkeeper.evals.grading.registry import build_graders
from watchkeeper.evals.reading.reader import InteractionReader
from watchkeeper.evals.scheduling.config import Live
from watchkeeper.evals.scheduling.config_file import WrittenConfig, load_config
from watchkeeper.evals.scheduling.lease import Lease
from watchkeeper.evals.scheduling.ledger import Ledger
from watchkeeper.evals.scheduling.live import LiveScoring
from watchkeeper.evals.scheduling.ports import SystemClock
from watchkeeper.evals.scheduling.scheduler import LONGEST_WAIT_SECONDS, Job, Scheduler, run_until
from watchkeeper.evals.scheduling.totals import Totals
from watchkeeper.evals.scheduling.versions import VersionWatch
from watchkeeper.schemas.errors import ConfigurationError, TransientError
from watchkeeper.stream_processors.settings import SIMULATED_ACTS

CONFIG: Final = "WATCHKEEPER_EVALS"
FILE: Final = "evals.yaml"
ANSWER_SECONDS: Final = 60
"""For one question to the store."""

_LOG = logging.getLogger("watchkeeper.evals.scheduler")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the scheduler works.

    Attributes:
        dsn: ClickHouse's address.
        bootstrap: Kafka's.
    """

    dsn: str
    bootstrap: str


def config_path(option: Path | None, home: Path) -> Path | None:
    """The file: the option's, else the environment's, else the one in the stack's directory; None where none is."""
    return written_file(option, CONFIG, home, FILE)


def written_config(path: Path | None) -> WrittenConfig:
    """The configuration. Without a file, a stack whose simulated sessions act has them graded too.

    Raises:
        EvalsFileError: something in the file is wrong.
    """
    written = load_config(path)
    if path is not None or os.environ.get(SIMULATED_ACTS) != "1":
        return written
    live = Live(origins=("live", "simulated"))
    return WrittenConfig(written.config.model_copy(update={"live": live}), written.folder)


def build_scheduler(
    written: WrittenConfig, store: ReadStore, bootstrap: str, totals: Totals, beat: Callable[[], None]
) -> Scheduler:
    """The scheduler over an open store.

    Raises:
        ConfigurationError: a grader cannot be made.
    """
    config, clock, name = written.config, SystemClock(), f"{socket.gethostname()}/{os.getpid()}"
    ledger, publisher = Ledger(store), ScorePublisher(bootstrap)
    live = LiveScoring(
        config.live,
        build_graders(config.live.graders),
        store=store,
        sessions=InteractionReader(store),
        publisher=publisher,
        clock=clock,
        beat=beat,
    )
    parts = _Parts(store, ledger, publisher, clock, name, beat)
    look_back = timedelta(hours=config.live.look_back_hours)
    watch = VersionWatch(store, ledger, clock, look_back=look_back, name=name)
    jobs: list[Job] = [watch, *_inputs(written, parts), *_suites(written, parts)]
    return Scheduler(config.live, live, ledger, clock, name, jobs, totals, beat)


@dataclass(frozen=True, slots=True)
class _Parts:
    store: ReadStore
    ledger: Ledger
    publisher: ScorePublisher
    clock: SystemClock
    name: str
    beat: Callable[[], None]


def _inputs(written: WrittenConfig, parts: _Parts) -> list[Job]:
    config = written.config
    if not (config.live.enabled and config.inputs.enabled and has_statistics()):
        return []
    from watchkeeper.evals.scheduling.inputs import InputsWatch  # noqa: PLC0415 - it needs the extra `evals`

    watch = InputsWatch(
        config.inputs,
        store=parts.store,
        ledger=parts.ledger,
        sessions=InteractionReader(parts.store),
        publisher=parts.publisher,
        clock=parts.clock,
        name=parts.name,
        beat=parts.beat,
    )
    return [watch]


def _suites(written: WrittenConfig, parts: _Parts) -> list[Job]:
    if not written.config.suites:
        return []
    # With suites come numpy and scipy, of the extra `evals`.
    from watchkeeper.evals.scheduling.suites import SuiteScoring  # noqa: PLC0415

    return [
        SuiteScoring(
            named,
            job,
            written.config.targets[job.target],
            folder=written.folder,
            ledger=parts.ledger,
            publisher=parts.publisher,
            clock=parts.clock,
            scheduler=parts.name,
            beat=parts.beat,
        )
        for named, job in written.config.suites.items()
    ]


def suite_mistakes(written: WrittenConfig) -> list[str]:
    """What would keep suites from running here. Folders, rubrics, judges and targets are opened as the scheduler does.

    Nobody is asked anything.
    """
    if not written.config.suites:
        return []
    from watchkeeper.evals.scheduling.suites import open_suite_job  # noqa: PLC0415 - see `_suites`

    found = []
    for name, job in written.config.suites.items():
        try:
            open_suite_job(job, written.config.targets[job.target], written.folder).candidate.close()
        except ConfigurationError as error:
            found.append(f"suites.{name}: {error}")
    return found


def has_statistics() -> bool:
    """Whether scikit-learn is there, with which prompts are compared: the extra `evals` brings it."""
    return importlib.util.find_spec("sklearn") is not None


def lease_at(place: Place) -> Lease:
    """This process's claim to be the scheduler that works there."""
    return Lease(lambda: open_store(place.dsn, seconds=ANSWER_SECONDS))


def keep_scoring(stop: threading.Event, written: WrittenConfig, place: Place, watch: SchedulerWatch) -> None:
    """Runs the scheduler until told to stop; a store that is away at the start is waited for as one that goes away.

    As long as another scheduler works on the same store, this one stands by.

    Args:
        stop: ends it.
        written: the configuration.
        place: where it works.
        watch: is told what was done, and which scheduler works.

    Raises:
        ConfigurationError: an address is malformed, the user is refused, or a grader cannot be made.
        PermanentError: the store will never do this.
    """
    trouble, lease, before = "", lease_at(place), ""
    while not stop.is_set():
        try:
            with open_store(place.dsn, seconds=ANSWER_SECONDS) as store:
                # Made before anything is claimed: what cannot be made ends the process.
                scheduler = build_scheduler(written, store, place.bootstrap, watch.totals, watch.beat)
                worker = lease.take(store)
                watch.stands_by(worker)
                if worker:
                    if worker != before:
                        _LOG.info("another scheduler works (%s): this one stands by", worker)
                    stop.wait(LONGEST_WAIT_SECONDS)
                else:
                    with lease.kept():
                        run_until(stop, scheduler, lease.holds)
                before = worker
                watch.beat()
        except TransientError as error:
            if str(error) != trouble:
                _LOG.warning("grading waits: %s", error)
            trouble = str(error)
            watch.beat()
            stop.wait(LONGEST_WAIT_SECONDS)
