"""What docker-compose.yml tells services, given to the real parts: Kafka's properties, the worker's health check."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from watchkeeper.cli.stack.apache.node import KafkaNode, new_cluster_id, prepare_node
from watchkeeper.cli.stack.apache.properties import NodePlace
from watchkeeper.cli.stack.child import Child, free_port
from watchkeeper.cli.stack.testing import running_worker

ROOT = Path(__file__).resolve().parents[2]
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
NOT_PROPERTIES = {"KAFKA_HEAP_OPTS"}
"""Variables that the image's start script reads itself."""


def properties_of(environment: dict[str, str]) -> dict[str, str]:
    """The broker's properties by the image's rule: KAFKA_ goes, one underscore is a dot."""
    assert not any("__" in name for name in environment), "two underscores mean something else to the image"
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in environment.items()
        if name not in NOT_PROPERTIES
    }


@pytest.mark.long
def test_kafka_starts_with_the_properties(apache: None, tmp_path: Path) -> None:
    inside, host, controller = free_port(), free_port(), free_port()
    told = properties_of(SERVICES["kafka"]["environment"])
    # What differs here: names and ports of the network, and the directory.
    moved = {
        "listeners": f"INSIDE://127.0.0.1:{inside},HOST://127.0.0.1:{host},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"INSIDE://127.0.0.1:{inside},HOST://127.0.0.1:{host}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "log.dirs": str(tmp_path / "node" / "data"),
    }
    assert moved.keys() <= told.keys()
    place = NodePlace(int(told["node.id"]), tmp_path / "node", host, controller)
    prepare_node(place, "".join(f"{name}={value}\n" for name, value in (told | moved).items()), new_cluster_id())
    node = KafkaNode(place)
    try:
        node.start(120)
        # Kafka passes over names that it does not know, and says so.
        assert "were supplied but are not used" not in node.log.read_text()
        assert config_of(node.bootstrap, told.keys() - moved.keys()) == {
            name: value for name, value in told.items() if name not in moved
        }
    finally:
        node.kill()


def config_of(bootstrap: str, names: set[str]) -> dict[str, str]:
    """What the broker itself says that these are set to."""
    wanted = ConfigResource(ResourceType.BROKER, "1")
    admin = AdminClient({"bootstrap.servers": bootstrap})
    found = admin.describe_configs([wanted])[wanted].result(30)
    return {name: str(entry.value) for name, entry in found.items() if name in names}


def health_check(service: str, stands: str, instead: str) -> subprocess.CompletedProcess[str]:
    """A service's health check, asked of another place."""
    kind, python, *arguments = SERVICES[service]["healthcheck"]["test"]
    assert (kind, python) == ("CMD", "python")
    assert arguments[-1].count(stands) == 1, f"the health check asks of {stands}"
    command = [sys.executable, *arguments[:-1], arguments[-1].replace(stands, instead)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def until_well(check: Callable[[], subprocess.CompletedProcess[str]]) -> None:
    deadline = time.monotonic() + 60
    while (ended := check()).returncode != 0:
        assert time.monotonic() < deadline, ended.stderr
        time.sleep(0.2)


@pytest.mark.long
def test_a_worker_is_well_with_partitions_and_a_store_and_not_without(
    broker: str, clickhouse: str, tmp_path: Path
) -> None:
    port = free_port()
    told = SERVICES["worker"]["environment"]["WATCHKEEPER_WATCH_PORT"]

    def check() -> subprocess.CompletedProcess[str]:
        return health_check("worker", f":{told}/", f":{port}/")

    assert check().returncode != 0
    own: dict[str, Any] = {"WATCHKEEPER_WATCH_PORT": str(port), "WATCHKEEPER_GROUP": "deploy-health"}
    nowhere = f"http://nobody:none@127.0.0.1:{free_port()}/none"
    with running_worker(broker, nowhere, tmp_path, ready=False, **own) as worker:
        worker.wait_until(lambda: "does not answer" in worker.log.read_text(), 60)
        # It lives and answers, and has loaded nothing.
        assert "503" in check().stderr
    with running_worker(broker, clickhouse, **own):
        until_well(check)


def test_rollups_are_well_while_passes_are_made(clickhouse: str, tmp_path: Path) -> None:
    home = re.search(r"WATCHKEEPER_HOME=(\S+)", (ROOT / "Dockerfile").read_text())
    assert home is not None

    def check() -> subprocess.CompletedProcess[str]:
        return health_check("rollups", home[1], str(tmp_path))

    assert check().returncode != 0
    command = [sys.executable, "-m", "watchkeeper.cli.main", *SERVICES["rollups"]["command"]]
    job = Child(
        "rollups",
        command,
        tmp_path / "rollups.log",
        os.environ | {"WATCHKEEPER_HOME": str(tmp_path), "WATCHKEEPER_CLICKHOUSE_DSN": clickhouse},
    )
    try:
        until_well(check)
    finally:
        job.stop(10)
    (alive,) = tmp_path.glob("*.alive")
    os.utime(alive, (time.time() - 600,) * 2)
    assert check().returncode != 0


def test_the_scheduler_is_well_once_it_has_looked(broker: str, clickhouse: str, tmp_path: Path) -> None:
    port = free_port()
    told = SERVICES["scheduler"]["environment"]["WATCHKEEPER_SCHEDULER_PORT"]

    def check() -> subprocess.CompletedProcess[str]:
        return health_check("scheduler", f":{told}/", f":{port}/")

    assert check().returncode != 0
    own = {"WATCHKEEPER_SCHEDULER_PORT": str(port), "WATCHKEEPER_HOME": str(tmp_path)}
    where = {"WATCHKEEPER_KAFKA_BOOTSTRAP": broker, "WATCHKEEPER_CLICKHOUSE_DSN": clickhouse}
    command = [sys.executable, "-m", "watchkeeper.cli.main", *SERVICES["scheduler"]["command"]]
    job = Child("the scheduler", command, tmp_path / "scheduler.log", os.environ | own | where)
    try:
        until_well(check)
    finally:
        job.stop(30)
    assert check().returncode != 0


def test_the_alert_router_is_well_once_it_has_ended_a_pass(broker: str, clickhouse: str, tmp_path: Path) -> None:
    port = free_port()
    told = SERVICES["alerts"]["environment"]["WATCHKEEPER_ALERTS_PORT"]

    def check() -> subprocess.CompletedProcess[str]:
        return health_check("alerts", f":{told}/", f":{port}/")

    own = {"WATCHKEEPER_ALERTS_PORT": str(port), "WATCHKEEPER_HOME": str(tmp_path)}
    where = {"WATCHKEEPER_KAFKA_BOOTSTRAP": broker, "WATCHKEEPER_CLICKHOUSE_DSN": clickhouse}
    command = [sys.executable, "-m", "watchkeeper.cli.main", *SERVICES["alerts"]["command"], "--group", "deploy-alerts"]
    job = Child("the alert router", command, tmp_path / "alerts.log", os.environ | own | where)
    try:
        until_well(check)
    finally:
        job.stop(30)
    assert check().returncode != 0


def test_the_console_is_well_while_it_answers_with_or_without_a_store(
    broker: str, clickhouse: str, tmp_path: Path
) -> None:
    port = free_port()
    told = SERVICES["console"]["environment"]["WATCHKEEPER_CONSOLE_PORT"]

    def check() -> subprocess.CompletedProcess[str]:
        return health_check("console", f":{told}/", f":{port}/")

    assert check().returncode != 0
    own = {
        "WATCHKEEPER_CONSOLE_PORT": str(port),
        "WATCHKEEPER_HOME": str(tmp_path),
        "WATCHKEEPER_CONSOLE_TOKEN": "t" * 40,
    }
    command = [sys.executable, "-m", "watchkeeper.cli.main", *SERVICES["console"]["command"]]
    # Starting it again would not bring a store back: then the page itself says what is away.
    for dsn in (clickhouse, f"http://nobody:none@127.0.0.1:{free_port()}/none"):
        where = {"WATCHKEEPER_KAFKA_BOOTSTRAP": broker, "WATCHKEEPER_CLICKHOUSE_DSN": dsn}
        job = Child("the console", command, tmp_path / "console.log", os.environ | own | where)
        try:
            until_well(check)
        finally:
            job.stop(30)
        assert check().returncode != 0
