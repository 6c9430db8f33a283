"""docker-compose.yml starts what `watchkeeper up` starts, and names nothing that does not exist."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from watchkeeper.cli.command import all_commands
from watchkeeper.cli.root import watchkeeper
from watchkeeper.cli.stack.layout import StackLayout
from watchkeeper.cli.stack.parts import plan
from watchkeeper.cli.stack.settings import KNOWN_VARIABLES, StackSettings
from watchkeeper.schemas.topics import TOPICS
from watchkeeper.stream_processors.clickhouse import connect

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
SERVICE_OF = {
    "broker": "kafka",
    "clickhouse": "clickhouse",
    "worker": "worker",
    "rollups": "rollups",
    "scheduler": "scheduler",
    "alerts": "alerts",
    "console": "console",
}
"""Services by the part of `watchkeeper up` that they stand for."""

ONLY_HERE = {"migrate", "topics", "grafana"}
"""`up` prepares tables and topics itself, and starts no Grafana."""


def test_each_part_of_up_has_its_service_and_no_service_is_unknown(tmp_path: Path) -> None:
    layout = StackLayout(tmp_path)
    layout.make()
    parts = {part.name for part in plan(StackSettings(data_dir=tmp_path), layout)}
    assert parts == SERVICE_OF.keys(), "a part of `up` needs a service in docker-compose.yml, and a line in SERVICE_OF"
    assert set(SERVICES) == set(SERVICE_OF.values()) | ONLY_HERE


def test_what_it_starts_are_commands() -> None:
    known = {path for path, _ in all_commands(watchkeeper)}
    assert {tuple(service["command"]) for service in OURS.values()} <= known


def test_variables_of_ours_are_known() -> None:
    given = {name for service in OURS.values() for name in service["environment"]}
    assert given <= KNOWN_VARIABLES.keys()


def test_paths_exist() -> None:
    mounted = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    named = {volume.split(":")[0] for volume in mounted if not volume.startswith(".")}
    assert named == set(COMPOSE["volumes"])
    assert all((ROOT / volume.split(":")[0]).exists() for volume in mounted if volume.startswith("."))
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sources = [source for line in copied for source in line.split()]
    assert len(sources) > 5
    assert all((ROOT / source).exists() for source in sources)
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(sources) == let_in


def test_the_alert_router_begins_with_the_example_and_its_secrets_are_not_committed() -> None:
    mounted, inside, _ = SERVICES["alerts"]["volumes"][0].split(":")
    given = ROOT / mounted / "alerts.yaml"
    assert given.read_text() == (ROOT / "cli/alerts/examples/alerts.yaml").read_text()
    assert SERVICES["alerts"]["environment"]["WATCHKEEPER_ALERTS"] == f"{inside}/alerts.yaml"
    assert {"deploy/alerts/*", "!deploy/alerts/alerts.yaml"} <= set((ROOT / ".gitignore").read_text().splitlines())


def test_ports_are_open_on_this_machine_alone() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(ports) == 4
    assert all(port.startswith("127.0.0.1:") for port in ports)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_bounded_and_looked_after(name: str) -> None:
    service = SERVICES[name]
    assert {"mem_limit", "restart", "logging", "networks"} <= service.keys()
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert "healthcheck" in service or name in {"migrate", "topics"}


def test_passwords_are_required_and_made(tmp_path: Path) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    named = set(re.findall(r"\$\{(\w*(?:PASSWORD|TOKEN))", text))
    assert named == set(re.findall(r"\$\{(\w*(?:PASSWORD|TOKEN)):\?", text))
    made = tmp_path / ".env"
    command = [sys.executable, str(ROOT / "deploy" / "make_env.py"), str(made)]
    subprocess.run(command, check=True)
    first = made.read_text()
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    names = dict(line.split("=", 1) for line in first.splitlines())
    assert names.keys() == named
    assert all(len(value) >= 32 for value in names.values())
    subprocess.run(command, check=True)
    assert made.read_text() == first
    # One of an earlier version gets what it lacks, and keeps what it has.
    *kept, last = first.splitlines(keepends=True)
    made.write_text("".join(kept).rstrip())
    subprocess.run(command, check=True)
    assert made.read_text().startswith("".join(kept))
    assert made.read_text().splitlines()[-1].partition("=")[0] == last.partition("=")[0]
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


def test_kafka_takes_the_largest_record_and_makes_no_topics() -> None:
    kafka = SERVICES["kafka"]["environment"]
    assert int(kafka["KAFKA_MESSAGE_MAX_BYTES"]) >= max(topic.max_message_bytes for topic in TOPICS)
    assert kafka["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_clickhouse_knows_the_settings_of_the_reader(clickhouse: str) -> None:
    client = connect(clickhouse)
    users = ET.parse(ROOT / "deploy/clickhouse/users.d/watchkeeper.xml").getroot()
    reader = users.find("profiles/reader")
    assert reader is not None
    used = {child.tag for child in reader} - {"constraints"}
    known = {row[0] for row in client.query("SELECT name FROM system.settings").result_rows}
    assert used <= known
    assert {user.get("remove") for user in users.findall("users/default")} == {"1"}


def test_grafana_is_told_of_a_store_a_user_and_a_password_that_exist() -> None:
    grafana = SERVICES["grafana"]
    mounted, _ = [volume for volume in grafana["volumes"] if volume.startswith("./")]
    # Where Grafana looks, by its documentation.
    assert mounted.split(":")[1] == "/etc/grafana/provisioning"
    file = ROOT / mounted.split(":")[0] / "datasources" / "clickhouse.yaml"
    (source,) = yaml.safe_load(file.read_text())["datasources"]
    told = source["jsonData"]
    address = f"@{told['host']}:{told['port']}/{told['defaultDatabase']}"
    assert OURS["worker"]["environment"]["WATCHKEEPER_CLICKHOUSE_DSN"].endswith(address)
    assert told["host"] in SERVICES
    variable = source["secureJsonData"]["password"].removeprefix("$")
    assert grafana["environment"][variable] == SERVICES["clickhouse"]["environment"][variable]
    users = ET.parse(ROOT / "deploy/clickhouse/users.d/watchkeeper.xml").getroot()
    password = users.find(f"users/{told['username']}/password")
    assert password is not None
    assert password.get("from_env") == variable
    assert source["type"] in grafana["environment"]["GF_PLUGINS_PREINSTALL_SYNC"].split(",")


def test_grafana_finds_the_dashboards_and_they_find_their_store() -> None:
    _, mounted = [volume for volume in SERVICES["grafana"]["volumes"] if volume.startswith("./")]
    folder, place, mode = mounted.split(":")
    provisioning = ROOT / "deploy/grafana/provisioning"
    (provider,) = yaml.safe_load((provisioning / "dashboards/watchkeeper.yaml").read_text())["providers"]
    assert (provider["options"]["path"], mode) == (place, "ro")
    (source,) = yaml.safe_load((provisioning / "datasources/clickhouse.yaml").read_text())["datasources"]
    files = list((ROOT / folder).glob("*.json"))
    assert files
    for file in files:
        document = json.loads(file.read_text())
        asking = [panel for panel in document["panels"] if panel["type"] not in {"row", "text"}]
        assert {panel["datasource"]["uid"] for panel in asking} <= {source["uid"]}
        assert asking or document["uid"] == "watchkeeper-runbooks"


def test_clickhouse_knows_the_settings_of_the_server(clickhouse: str) -> None:
    config = ET.parse(ROOT / "deploy/clickhouse/config.d/watchkeeper.xml").getroot()
    assert {log.tag for log in config if log.tag.endswith("_log") and log.find("ttl") is not None} == {
        "query_log",
        "part_log",
    }
    removed = {log.tag for log in config if log.tag.endswith("_log") and log.get("remove")}
    assert removed >= {"trace_log", "text_log", "metric_log", "asynchronous_metric_log", "processors_profile_log"}
    known = {row[0] for row in connect(clickhouse).query("SELECT name FROM system.server_settings").result_rows}
    # Sections that the server reads without listing them among its settings.
    rest = {child.tag for child in config if not child.tag.endswith("_log")}
    assert rest - known <= {"logger", "listen_host", "mysql_port", "postgresql_port"}
