"""What stands between this machine and a stack that works: one check for each thing, with its remedy."""

from __future__ import annotations

import difflib
import os
import shutil
import socket
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from watchkeeper.cli.stack.apache.jars import LOCK, jars_directory
from watchkeeper.cli.stack.apache.programs import java_program, maven_program
from watchkeeper.cli.stack.broker import broker_binary, broker_problem
from watchkeeper.cli.stack.checks import Check
from watchkeeper.cli.stack.clickhouse_probe import clickhouse_version
from watchkeeper.cli.stack.doctor_alerts import alert_router, alerts_file, alerts_told
from watchkeeper.cli.stack.layout import StackLayout
from watchkeeper.cli.stack.lifecycle import stack_environment
from watchkeeper.cli.stack.settings import APACHE, CLICKHOUSE, KAFKA, KNOWN_VARIABLES, StackSettings, load_named
from watchkeeper.cli.stack.status import read_status
from watchkeeper.cli.stack.versions import versions
from watchkeeper.schemas.errors import WatchkeeperError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watchkeeper.cli.stack.status import StackStatus

OLDEST_PYTHON = (3, 11)
LOW_DISK_BYTES = 5 * 1024**3
NO_DISK_BYTES = 1024**3
_PREFIX = "WATCHKEEPER_"
_UP = "start it by `watchkeeper up`"


def run_doctor(settings: StackSettings, environment: Mapping[str, str] = os.environ) -> list[Check]:
    """Look at the installation, the directory, the environment, and at what runs.

    Args:
        settings: the stack that is meant.
        environment: where variables are looked at.

    Returns:
        All checks in the order in which they should be mended.
    """
    layout = StackLayout(settings.data_dir.resolve())
    status = read_status(layout)
    checks = [
        _python(),
        _environment(environment),
        _broker_program(settings),
        _engine(settings),
        _directory(layout),
        _disk(layout),
        _ports(settings, status),
        _stack(status),
    ]
    addresses, problem = _addresses(settings)
    checks.append(_answer("broker", addresses.get(KAFKA), problem, _broker_answer))
    checks.append(_answer("clickhouse", addresses.get(CLICKHOUSE), problem, _clickhouse_answer))
    migrations = _answer("migrations", addresses.get(CLICKHOUSE), problem, lambda dsn: _migrations(settings, dsn))
    checks += [migrations, _worker(status), alerts_file(layout.data_dir), alert_router(settings, status)]
    return [*checks, _answer("alerts", addresses.get(CLICKHOUSE), problem, alerts_told)]


def _python() -> Check:
    found = sys.version.split()[0]
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return Check("python", "ok", found)
    return Check("python", "fail", found, "install Python 3.11 or later")


def _environment(environment: Mapping[str, str]) -> Check:
    given = sorted(name for name in environment if name.startswith(_PREFIX))
    unknown = [name for name in given if name not in KNOWN_VARIABLES]
    if not unknown:
        return Check("environment", "ok", ", ".join(given) or f"no {_PREFIX}* variable is set")
    remedies = []
    for name in unknown:
        near = difflib.get_close_matches(name, KNOWN_VARIABLES, 1)
        remedies.append(f"unset {name}" + (f", or did you mean {near[0]}?" if near else ""))
    return Check("environment", "warn", f"nothing reads {', '.join(unknown)}", "; ".join(remedies))


def _broker_program(settings: StackSettings) -> Check:
    if settings.kafka_bootstrap:
        return Check("broker program", "ok", f"not needed: {KAFKA} is set")
    try:
        if settings.broker == APACHE:
            return Check("broker program", "ok", _apache_programs())
        return Check("broker program", "ok", str(broker_binary()))
    except WatchkeeperError as error:
        return Check("broker program", "fail", "not found", str(error))


def _apache_programs() -> str:
    """The Java that runs Apache Kafka, and where its jars are or what will fetch them."""
    jars = jars_directory(LOCK)
    return f"{java_program()}, {jars if jars.is_dir() else f'jars not fetched yet, by {maven_program()}'}"


def _engine(settings: StackSettings) -> Check:
    if settings.clickhouse_dsn:
        return Check("engine", "ok", f"not needed: {CLICKHOUSE} is set")
    if find_spec("chdb") is not None:
        return Check("engine", "ok", f"chDB {versions().get('chdb', 'of unknown version')}")
    remedy = f"pip install 'watchkeeper[local]', or set {CLICKHOUSE} to a ClickHouse that runs"
    return Check("engine", "fail", "chDB is not installed", remedy)


def _directory(layout: StackLayout) -> Check:
    place = _nearest(layout.data_dir)
    try:
        with tempfile.NamedTemporaryFile(dir=place):
            return Check("directory", "ok", str(layout.data_dir))
    except OSError as error:
        remedy = "set WATCHKEEPER_HOME to a directory that can be written"
        return Check("directory", "fail", f"{place} cannot be written: {error.strerror}", remedy)


def _disk(layout: StackLayout) -> Check:
    place = _nearest(layout.data_dir)
    free = shutil.disk_usage(place).free
    found = f"{free / 1024**3:.1f} GiB free for {layout.data_dir}"
    if free >= LOW_DISK_BYTES:
        return Check("disk", "ok", found)
    remedy = "free some space, or set WATCHKEEPER_HOME to another disk"
    return Check("disk", "fail" if free < NO_DISK_BYTES else "warn", found, remedy)


def _nearest(path: Path) -> Path:
    """The directory, or the nearest one above it that is there."""
    return next((place for place in (path, *path.parents) if place.exists()), Path("/"))


def _ports(settings: StackSettings, status: StackStatus) -> Check:
    wanted = {"broker": settings.broker_port, "clickhouse": settings.clickhouse_port}
    named = {part: port for part, port in wanted.items() if port}
    if not named:
        return Check("ports", "ok", "free ones are chosen at the start")
    if status.is_alive:
        return Check("ports", "ok", "the stack runs")
    taken = [f"{port} ({part})" for part, port in named.items() if not _is_free(port)]
    if taken:
        return Check("ports", "fail", f"in use: {', '.join(taken)}", "give others, or leave them out for free ones")
    return Check("ports", "ok", ", ".join(f"{port} ({part}) is free" for part, port in named.items()))


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _stack(status: StackStatus) -> Check:
    if status.state == "running":
        return Check("stack", "ok", f"runs as process {status.pid}")
    if status.state == "degraded":
        down = [f"{part.name}: {part.detail}" for part in status.parts if part.state == "failed"]
        return Check("stack", "fail", "; ".join(down), "see its log, then `watchkeeper down` and `watchkeeper up`")
    if status.error:
        return Check("stack", "warn", f"{status.state}: {status.error}", _UP)
    return Check("stack", "warn", status.state, "" if status.is_alive else _UP)


def _addresses(settings: StackSettings) -> tuple[dict[str, str], str]:
    """Where broker and store should answer, and why that is not known where it is not."""
    given = {KAFKA: settings.kafka_bootstrap, CLICKHOUSE: settings.clickhouse_dsn}
    found = {name: address for name, address in given.items() if address}
    try:
        return {**stack_environment(settings), **found}, ""
    except (WatchkeeperError, OSError) as error:
        return found, str(error)


def _answer(name: str, address: str | None, problem: str, look: Callable[[str], Check]) -> Check:
    if not address:
        return Check(name, "warn", problem, _UP)
    try:
        return look(address)
    except WatchkeeperError as error:
        return Check(name, "fail", str(error), "see the log of the part, and the address")


def _broker_answer(bootstrap: str) -> Check:
    problem = broker_problem(bootstrap)
    if problem:
        return Check("broker", "fail", problem, f"start it, or mend {KAFKA}")
    return Check("broker", "ok", f"answers at {bootstrap}")


def _clickhouse_answer(dsn: str) -> Check:
    return Check("clickhouse", "ok", f"version {clickhouse_version(dsn)} answers at {dsn.rpartition('@')[2]}")


def _migrations(settings: StackSettings, dsn: str) -> Check:
    missing = load_named(settings.migrate)(dsn, dry_run=True)
    if missing:
        return Check("migrations", "fail", f"not applied: {', '.join(missing)}", "run `watchkeeper migrate`")
    return Check("migrations", "ok", "the database is up to date")


def _worker(status: StackStatus) -> Check:
    part = status.part("worker")
    if not status.is_alive or part is None:
        return Check("worker", "warn", "none is run by a stack here", _UP)
    if part.state == "running":
        often = f", started again {part.restarts} times" if part.restarts else ""
        return Check("worker", "ok", f"process {part.pid} since {part.since:%Y-%m-%d %H:%M:%S} UTC{often}")
    return Check("worker", "fail", f"{part.state}: {part.detail}", f"see {part.log}")
