"""`watchkeeper alerts check`, `new` and `schema`."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from importlib import resources
from pathlib import Path

import click
from pydantic import TypeAdapter

from watchkeeper.cli import formats
from watchkeeper.cli.addresses import data_directory
from watchkeeper.cli.alerts.place import alerts_path
from watchkeeper.cli.command import command
from watchkeeper.cli.options import home_option
from watchkeeper.dashboards.alerting.channels.making import address_of, make_channel
from watchkeeper.dashboards.alerting.config import AlertsConfig, Route
from watchkeeper.dashboards.alerting.config_file import WrittenAlerts, load_alerts
from watchkeeper.dashboards.alerting.errors import AlertsFileError
from watchkeeper.dashboards.alerting.secrets import Secrets
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.yaml_document import read_document, spell

SCHEMA_NAME = "alerts.schema.json"


@command(
    "check",
    examples=(
        ("before it is used", "watchkeeper alerts check alerts.yaml"),
        ("the file that the local stack uses", "watchkeeper alerts check"),
    ),
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("--no-secrets", is_flag=True, help="Do not look up secrets: where they are not at hand, as in CI.")
@home_option
def check(*, file: Path | None, no_secrets: bool, home: Path | None) -> None:
    """Say what is wrong with alerts.yaml: every mistake at once, with its line and its remedy.

    Nothing is sent; `watchkeeper alerts test` does that. Default: $WATCHKEEPER_ALERTS, else alerts.yaml in the stack's
    directory.
    """
    path = alerts_path(file, data_directory(home))
    if path is None:
        raise ConfigurationError(
            "there is no alerts.yaml: name one, or begin with `watchkeeper alerts new alerts.yaml`"
        )
    written = load_alerts(path)
    if not no_secrets:
        _look_up_secrets(path, written)
    config = written.config
    counted = (formats.plural(len(config.channels), "channel"), formats.plural(len(config.routes), "route"))
    click.echo(f"{path}: {', '.join(counted)}")
    for number, route in enumerate(config.routes, 1):
        click.echo(f"  {number}. {_said(route)}")
    if not config.routes:
        click.echo("  no route: nobody is told anything; findings are recorded and counted")


@command(
    "new",
    examples=(("a commented file to begin with", "watchkeeper alerts new alerts.yaml"),),
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def new(*, file: Path, force: bool) -> None:
    """Write a commented alerts.yaml, and beside it the JSON Schema by which editors complete it."""
    if file.exists() and not force:
        raise ConfigurationError(f"{file} exists: name another file, or write over it with --force")
    text = resources.files("watchkeeper.cli.alerts").joinpath("examples/alerts.yaml").read_text("utf-8")
    schema_file = file.with_name(SCHEMA_NAME)
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
        schema_file.write_text(schema_text(), encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written ({error.strerror}): check folder and rights") from error
    click.echo(f"wrote {file}, and {schema_file} for editors; next: watchkeeper alerts check {file}")


@command(
    "schema",
    examples=(("beside the file, for editors", "watchkeeper alerts schema"),),
)
def schema() -> None:
    """Print the JSON Schema of alerts.yaml."""
    click.echo(schema_text(), nl=False)


def schema_text() -> str:
    """The JSON Schema, as the models say it."""
    body = TypeAdapter(AlertsConfig).json_schema()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:watchkeeper:alerts:v1"}
    return json.dumps(head | body, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _look_up_secrets(path: Path, written: WrittenAlerts) -> None:
    """Makes every channel and the heartbeat, as the router will.

    Raises:
        AlertsFileError: secrets are missing, or are no addresses.
    """
    secrets, config = Secrets(written.folder), written.config
    lines = {spell(at): spot.line for at, spot in read_document(path.read_text("utf-8-sig")).spots.items()}
    problems: list[tuple[int, str]] = []
    made: list[Callable[[], object]] = [
        partial(make_channel, name, channel, secrets) for name, channel in config.channels.items()
    ]
    if config.heartbeat is not None:
        made.append(partial(address_of, config.heartbeat.url, secrets, "heartbeat"))
    for make in made:
        try:
            make()
        except ConfigurationError as error:
            problems.append((lines.get(str(error).partition(": ")[0], 1), str(error)))
    if problems:
        raise AlertsFileError([f"{path}:{line}: {text}" for line, text in sorted(problems)])


def _said(route: Route) -> str:
    match = route.match
    parts = [f"{match.severity} or worse"] if match.severity != "info" else ["every severity"]
    for name in ("modes", "kinds", "agents", "tenants", "environments"):
        values = getattr(match, name)
        if values:
            parts.append(f"{name} {', '.join(values)}")
    if "simulated" in match.origins:
        parts.append("simulated sessions too" if "live" in match.origins else "simulated sessions only")
    whom = ", ".join(route.channels) or "nobody: recorded and counted"
    steps = "".join(f"; after {step.after_seconds:g} s {', '.join(step.channels)}" for step in route.escalate)
    return f"{'; '.join(parts)} -> {whom}{steps}{'; and goes on' if route.also else ''}"
