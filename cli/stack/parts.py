"""The parts of a local stack, as data: what is started, how it is known to answer, what must be done when it does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from watchkeeper.cli.stack.apache import part as apache
from watchkeeper.cli.stack.broker import broker_command, broker_problem, ensure_topics
from watchkeeper.cli.stack.child import free_port
from watchkeeper.cli.stack.clickhouse_probe import clickhouse_version
from watchkeeper.cli.stack.clickhouse_process import clickhouse_command, read_address
from watchkeeper.cli.stack.console_part import CONSOLE, console_place, console_problem
from watchkeeper.cli.stack.credentials import load_credentials
from watchkeeper.cli.stack.health import health_problem, ready_problem
from watchkeeper.cli.stack.part import Part
from watchkeeper.cli.stack.settings import APACHE, CLICKHOUSE, EMBEDDED, HOME, KAFKA, READY_FILE, load_named
from watchkeeper.schemas.errors import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchkeeper.cli.stack.layout import StackLayout
    from watchkeeper.cli.stack.settings import StackSettings

BROKER = "broker"
CLICKHOUSE_PART = "clickhouse"
WORKER = "worker"
ROLLUPS = "rollups"
SCHEDULER = "scheduler"
ALERTS = "alerts"

ELSEWHERE = "elsewhere"
"""The kind of a broker that the stack uses and does not start."""

_PROBE_SECONDS = 1.0


def plan(settings: StackSettings, layout: StackLayout) -> tuple[Part, ...]:
    """The parts in the order in which they start; each needs those before it.

    Raises:
        StackError: a program is not installed.
        ConfigurationError: a setting names something that is not there.
    """
    broker = _broker_of(settings, layout)
    clickhouse = _clickhouse_elsewhere(settings) if settings.clickhouse_dsn else _clickhouse(settings, layout)
    if not settings.worker_command:
        return (broker, clickhouse)
    parts = [broker, clickhouse, _worker(settings, layout, broker.url, clickhouse.url)]
    if settings.rollups_command:
        parts.append(_rollups(settings, layout, clickhouse.url))
    beside = (
        (SCHEDULER, "scheduled scoring", settings.scheduler_command),
        (ALERTS, "alert router", settings.alerts_command),
    )
    parts += [_watched(settings, layout, broker.url, clickhouse.url, named) for named in beside if named[2]]
    if settings.console_command:
        parts.append(_console(settings, layout, broker.url, clickhouse.url))
    return tuple(parts)


def dsn(settings: StackSettings, layout: StackLayout, url: str) -> str:
    """The address of ClickHouse with user and password in it, for `url` as the stack shows it."""
    if settings.clickhouse_dsn:
        return settings.clickhouse_dsn
    return load_credentials(layout.clickhouse).dsn(urlsplit(url).port or 0, settings.database)


def _broker_of(settings: StackSettings, layout: StackLayout) -> Part:
    if settings.kafka_bootstrap:
        return _kafka_elsewhere(settings)
    return _apache(settings, layout) if settings.broker == APACHE else _broker(settings, layout)


def _apache(settings: StackSettings, layout: StackLayout) -> Part:
    port = settings.broker_port or free_port()
    bootstrap = f"127.0.0.1:{port}"
    topics = load_named(settings.topics)
    apache.check_apache()

    def prepare(restarts: int) -> Sequence[str]:
        del restarts
        ensure_topics(bootstrap, topics)
        return ()

    return Part(
        name=BROKER,
        title="Apache Kafka",
        kind=APACHE,
        url=bootstrap,
        command=lambda: apache.apache_command(layout.kafka, port),
        problem=lambda _: broker_problem(bootstrap, _PROBE_SECONDS),
        prepare=prepare,
        start_seconds=apache.START_SECONDS,
        stop_seconds=apache.STOP_SECONDS,
    )


def _broker(settings: StackSettings, layout: StackLayout) -> Part:
    port = settings.broker_port or free_port()
    bootstrap = f"127.0.0.1:{port}"
    topics = load_named(settings.topics)
    broker_command(port)

    def prepare(restarts: int) -> Sequence[str]:
        made = ensure_topics(bootstrap, topics)
        if not restarts:
            return _records_aside(layout)
        return (
            (
                f"the broker kept everything in memory and ended: records that were not processed yet are lost, and"
                f" {len(made)} topics were made anew"
            ),
        )

    return Part(
        name=BROKER,
        title="Kafka broker (Tansu, in memory)",
        kind=EMBEDDED,
        url=bootstrap,
        command=lambda: broker_command(port),
        problem=lambda _: broker_problem(bootstrap, _PROBE_SECONDS),
        prepare=prepare,
    )


def _records_aside(layout: StackLayout) -> Sequence[str]:
    if not layout.kafka.exists():
        return ()
    return (f"{layout.kafka} holds records of Apache Kafka, which does not run now: `watchkeeper up --broker apache`",)


def _kafka_elsewhere(settings: StackSettings) -> Part:
    def prepare(restarts: int) -> Sequence[str]:
        del restarts
        made = ensure_topics(settings.kafka_bootstrap, load_named(settings.topics), replication=-1)
        return (f"topics made at {settings.kafka_bootstrap}: {', '.join(made)}",) if made else ()

    return Part(
        name=BROKER,
        title=f"Kafka, from {KAFKA}",
        kind=ELSEWHERE,
        url=settings.kafka_bootstrap,
        problem=lambda _: broker_problem(settings.kafka_bootstrap, _PROBE_SECONDS),
        prepare=prepare,
        start_seconds=settings.elsewhere_seconds,
    )


def _clickhouse(settings: StackSettings, layout: StackLayout) -> Part:
    port = settings.clickhouse_port or free_port()
    url = f"http://127.0.0.1:{port}/{settings.database}"

    def problem(pid: int) -> str:
        if read_address(layout.clickhouse, pid) is None:
            return "the engine is still being opened"
        return _store_problem(dsn(settings, layout, url))

    return Part(
        name=CLICKHOUSE_PART,
        title="ClickHouse (chDB)",
        url=url,
        command=lambda: clickhouse_command(layout.clickhouse, port, settings.database),
        problem=problem,
        prepare=lambda _: _migrated(settings, dsn(settings, layout, url)),
    )


def _clickhouse_elsewhere(settings: StackSettings) -> Part:
    parts = urlsplit(settings.clickhouse_dsn)
    shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return Part(
        name=CLICKHOUSE_PART,
        title=f"ClickHouse, from {CLICKHOUSE}",
        url=shown,
        problem=lambda _: _store_problem(settings.clickhouse_dsn),
        prepare=lambda _: _migrated(settings, settings.clickhouse_dsn),
        start_seconds=settings.elsewhere_seconds,
    )


def _store_problem(address: str) -> str:
    try:
        clickhouse_version(address, _PROBE_SECONDS)
    except StoreUnavailableError as error:
        return str(error)
    return ""


def _migrated(settings: StackSettings, address: str) -> Sequence[str]:
    applied = load_named(settings.migrate)(address)
    return (f"the database was brought up to date: {', '.join(applied)}",) if applied else ()


def _worker(settings: StackSettings, layout: StackLayout, bootstrap: str, url: str) -> Part:
    ready_file = layout.ready_file(WORKER)
    started_at = 0.0

    def command() -> Sequence[str]:
        nonlocal started_at
        started_at = time.monotonic()
        ready_file.unlink(missing_ok=True)
        return settings.worker_command

    def problem(pid: int) -> str:
        said = ready_file.read_text().strip() if ready_file.exists() else ""
        if said == str(pid):
            return ""
        unready = ready_problem(layout.data_dir, pid)
        # One that waits for a store or a broker elsewhere is up: starting it again would not bring them back.
        if unready == "" or time.monotonic() > started_at + settings.worker_settles_seconds:
            return ""
        return unready or "the worker is still starting"

    environment = {KAFKA: bootstrap, HOME: str(layout.data_dir), READY_FILE: str(ready_file), **settings.environment}
    # The password is made by the endpoint's first start, which comes before the worker's.
    environment[CLICKHOUSE] = dsn(settings, layout, url)
    return Part(
        name=WORKER,
        title="stream processor (Faust)",
        command=command,
        environment=environment,
        problem=problem,
        stalled=lambda pid: health_problem(layout.data_dir, pid),
        restarts_with=frozenset({BROKER}),
    )


def _rollups(settings: StackSettings, layout: StackLayout, url: str) -> Part:
    return Part(
        name=ROLLUPS,
        title="minute rollups",
        command=lambda: settings.rollups_command,
        environment={CLICKHOUSE: dsn(settings, layout, url), HOME: str(layout.data_dir)},
    )


def _watched(
    settings: StackSettings, layout: StackLayout, bootstrap: str, url: str, named: tuple[str, str, tuple[str, ...]]
) -> Part:
    """A process beside the worker that tells on loopback whether it goes on; `named` is name, title and command."""
    name, title, command = named
    where = {KAFKA: bootstrap, HOME: str(layout.data_dir), **settings.environment}
    return Part(
        name=name,
        title=title,
        command=lambda: command,
        environment={**where, CLICKHOUSE: dsn(settings, layout, url)},
        stalled=lambda pid: health_problem(layout.data_dir / name, pid),
    )


def _console(settings: StackSettings, layout: StackLayout, bootstrap: str, url: str) -> Part:
    address, environment = console_place(settings.console_port)
    environment |= {KAFKA: bootstrap, HOME: str(layout.data_dir), CLICKHOUSE: dsn(settings, layout, url)}
    return Part(
        name=CONSOLE,
        title="console",
        url=address,
        command=lambda: settings.console_command,
        environment=environment,
        problem=lambda _: console_problem(address),
        stalled=lambda _: console_problem(address),
        start_seconds=90.0,
    )
