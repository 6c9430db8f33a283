"""What docker-compose.yml tells services, given to the real parts: Kafka's properties, the worker's health check."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from watchkeeper.cli.stack.apache.node import KafkaNode, new_cluster_id, prepare_node
from watchkeeper.cli.stack.apache.properties import NodePlace
from watchkeeper.cli.stack.child import free_port
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


def health_check(port: int) -> subprocess.CompletedProcess[str]:
    """The worker's health check, asked of another port."""
    kind, python, *arguments = SERVICES["worker"]["healthcheck"]["test"]
    assert (kind, python) == ("CMD", "python")
    stated = SERVICES["worker"]["environment"]["WATCHKEEPER_WATCH_PORT"]
    asked, count = re.subn(rf":{stated}/healthz", f":{port}/healthz", arguments[-1])
    assert count == 1, "the health check asks the port that the worker is told"
    command = [sys.executable, *arguments[:-1], asked]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_the_health_check_asks_the_worker(broker: str, clickhouse: str) -> None:
    port = free_port()
    assert health_check(port).returncode != 0
    with running_worker(broker, clickhouse, WATCHKEEPER_WATCH_PORT=str(port), WATCHKEEPER_GROUP="deploy-health"):
        ended = health_check(port)
    assert ended.returncode == 0, ended.stderr
