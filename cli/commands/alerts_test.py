"""`watchkeeper alerts test`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from watchkeeper.cli.addresses import data_directory
from watchkeeper.cli.alerts.place import alerts_path
from watchkeeper.cli.alerts.running import written_alerts
from watchkeeper.cli.command import command
from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.operator_name import operator_name
from watchkeeper.cli.options import home_option
from watchkeeper.cli.output import one_line
from watchkeeper.dashboards.alerting.channels.making import make_channel
from watchkeeper.dashboards.alerting.message import Message
from watchkeeper.dashboards.alerting.secrets import Secrets
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.model import format_utc


@command(
    "test",
    examples=(
        ("every channel", "watchkeeper alerts test"),
        ("one of them", "watchkeeper alerts test --channel on-call"),
    ),
)
@click.option("--channel", "channels", metavar="NAME", multiple=True, help="Only this one; may be repeated.")
@click.option(
    "--config", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Default: as for `run`."
)
@home_option
def test(*, channels: tuple[str, ...], config: Path | None, home: Path | None) -> None:
    """Send a marked test through each channel, once, and print what each answered.

    It says that it is a test, and goes past routes and ledger. A test that opened an incident at PagerDuty is resolved
    at once. Exits with 1 where a channel did not take it.
    """
    written = written_alerts(alerts_path(config, data_directory(home)))
    there = written.config.channels
    unknown = [name for name in channels if name not in there]
    if unknown:
        raise ConfigurationError(f"there is no channel {unknown[0]!r}; there are: {', '.join(there) or 'none'}")
    secrets, failed = Secrets(written.folder), 0
    if not there:
        click.echo("there is no channel in the file: nobody can be told anything")
    for name in channels or tuple(there):
        try:
            channel = make_channel(name, there[name], secrets)
        except ConfigurationError as error:
            failed += 1
            click.echo(f"{name}: {error}")
            continue
        message = _message("test")
        answer = channel.send(message)
        failed += not answer.ok
        said = one_line(secrets.hidden(answer.text))
        click.echo(f"{name} ({there[name].kind}): {'took it' if answer.ok else 'did not take it'}: {said}")
        if answer.ok and there[name].kind in {"pagerduty", "alertmanager"}:
            channel.send(_message("resolved", message.alert_id))
    if failed:
        raise click.exceptions.Exit(ExitCode.FAILED)


def _message(kind: str, alert_id: str = "") -> Message:
    now = format_utc(datetime.now(UTC))
    return Message(
        notice_id=uuid7(),
        alert_id=alert_id or f"test-{uuid7()}",
        kind=kind,
        sort="findings",
        severity="info",
        status="resolved" if kind == "resolved" else "open",
        tenant_id="",
        agent_id="",
        failure_mode="",
        title="this is a test of Watchkeeper's alerts: nothing happened",
        why=f"{operator_name()} ran `watchkeeper alerts test`",
        since=now,
        made_at=now,
        findings=0,
        standing=0,
        new=0,
    )
