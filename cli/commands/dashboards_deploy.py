"""`watchkeeper dashboards deploy`, `diff` and `remove`."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from rich.text import Text

from watchkeeper.cli.command import command, complain
from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.options import json_option
from watchkeeper.cli.output import Column, make_console, one_line, print_json, print_table
from watchkeeper.dashboards.deploy.connection import TIMEOUT_SECONDS, Address, Grafana
from watchkeeper.dashboards.deploy.data_source import ClickHouse
from watchkeeper.dashboards.deploy.deployment import Deployment, Report, Wishes
from watchkeeper.dashboards.deploy.resource import Outcome, Standing
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.visible_text import visible
from watchkeeper.stream_processors.clickhouse import parse_dsn

F = TypeVar("F", bound=Callable[..., Any])

URL_VARIABLE: Final = "WATCHKEEPER_GRAFANA_URL"
TOKEN_VARIABLE: Final = "WATCHKEEPER_GRAFANA_TOKEN"  # noqa: S105 - the variable's name
CLICKHOUSE_VARIABLE: Final = "WATCHKEEPER_GRAFANA_CLICKHOUSE_DSN"
NOTIFY_VARIABLE: Final = "WATCHKEEPER_GRAFANA_NOTIFY"

_COLUMNS: Final = (Column("what"), Column("uid"), Column("done"), Column("why", place="text"))
_STYLES: Final = {"left alone": "yellow", "unchanged": "dim", "absent": "dim", "removed": "red"}
_TOLD: Final = {
    "missing": "is not there",
    "outdated": "stands as it was deployed before",
    "changed": "was changed in Grafana",
    "locked": "comes from a file in Grafana",
    "stale": "is not made any more",
}


def _where(function: F) -> F:
    """`--url`, `--token`, `--token-file`, `--folder`, `--datasource`, `--timeout`."""
    for option in (
        click.option(
            "--timeout",
            type=click.FloatRange(0.1, 600),
            default=TIMEOUT_SECONDS,
            show_default=True,
            metavar="SECONDS",
            help="For one answer.",
        ),
        click.option("--datasource", metavar="UID", help="Ask this ClickHouse data source of yours, not one of ours."),
        click.option("--folder", metavar="UID", help="Use this folder of yours, not one of ours."),
        click.option(
            "--token-file",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="A file that holds the token and nothing else.",
        ),
        click.option(
            "--token",
            metavar="TOKEN",
            envvar=TOKEN_VARIABLE,
            help=f"Of a service account with the role Admin. Default: ${TOKEN_VARIABLE}, which other users of this "
            "machine cannot read, as they can a command line.",
        ),
        click.option(
            "--url",
            metavar="URL",
            envvar=URL_VARIABLE,
            required=True,
            help=f"Where Grafana answers, with its path where it has one. Default: ${URL_VARIABLE}.",
        ),
    ):
        function = option(function)
    return function


def _what(function: F) -> F:
    """What is to stand there."""
    for option in (
        click.option("--no-alerts", is_flag=True, help="Without alert rules."),
        click.option("--runbooks", metavar="URL", help="Where docs/runbooks/ is published; alert rules link to it."),
        click.option("--contact-point", metavar="NAME", help="Send alerts to this contact point of yours."),
        click.option(
            "--notify",
            metavar="URL",
            envvar=NOTIFY_VARIABLE,
            help="Send alerts to this webhook, by a contact point of ours. Without it and --contact-point your "
            f"notification policies decide. Default: ${NOTIFY_VARIABLE}.",
        ),
        click.option(
            "--clickhouse",
            metavar="DSN",
            envvar=CLICKHOUSE_VARIABLE,
            help="ClickHouse as Grafana reaches it, with a user that may only read: "
            f"http://user:password@host:port/database. Default: ${CLICKHOUSE_VARIABLE}, else as it stands there.",
        ),
    ):
        function = option(function)
    return function


@command(
    "deploy",
    examples=(
        (
            "everything; $READER is http://user:password@clickhouse:8123/watchkeeper",
            "watchkeeper dashboards deploy --url https://grafana.example.com --clickhouse $READER",
        ),
        (
            "with your data source, alerts to your contact point (--dry-run only says what would be done)",
            "watchkeeper dashboards deploy --url https://grafana.example.com --datasource ch --contact-point Ops",
        ),
    ),
)
@_where
@_what
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@click.option("--force", is_flag=True, help="Overwrite what was changed in Grafana, and send the password again.")
@json_option("One JSON document")
def deploy(*, dry_run: bool, force: bool, as_json: bool, **given: Any) -> ExitCode:
    """Put dashboards, data source and alert rules into a Grafana.

    What stands there is compared first; what is the same is not written. What a person changed is left alone, and the
    command exits with 1; so it does where the data source does not answer. The options say the whole of what is to
    stand there: give the same ones each time.
    """
    with _grafana(given) as grafana:
        report = Deployment(grafana, _wishes(given)).deploy(force=force, dry_run=dry_run)
        _tell(grafana, report, dry_run=dry_run, as_json=as_json)
    return ExitCode.FAILED if report.left or report.trouble else ExitCode.OK


@command(
    "diff",
    examples=(
        ("how everything stands", "watchkeeper dashboards diff --url https://grafana.example.com"),
        ("for a script", "watchkeeper dashboards diff --url https://grafana.example.com --json"),
    ),
)
@_where
@_what
@json_option("One JSON document")
def diff(*, as_json: bool, **given: Any) -> ExitCode:
    """Say how dashboards, data source and alert rules stand in a Grafana, and where they differ.

    Lines with `-` are as Grafana has it, lines with `+` as would be deployed. Exits with 1 where anything differs.
    Takes the options of `deploy`.
    """
    with _grafana(given) as grafana:
        standings = Deployment(grafana, _wishes(given)).diff()
        if as_json:
            print_json(
                {"url": grafana.url, "grafana": grafana.version, "things": [_standing(one) for one in standings]}
            )
        else:
            _show(standings)
    return ExitCode.OK if all(one.state == "same" for one in standings) else ExitCode.FAILED


@command(
    "remove",
    examples=(
        ("what would go", "watchkeeper dashboards remove --url https://grafana.example.com --dry-run"),
        ("all of it, changed or not", "watchkeeper dashboards remove --url https://grafana.example.com --force"),
    ),
)
@_where
@click.option("--dry-run", is_flag=True, help="Say what would be done, and take nothing away.")
@click.option("--force", is_flag=True, help="Also what was changed in Grafana.")
@json_option("One JSON document")
def remove(*, dry_run: bool, force: bool, as_json: bool, **given: Any) -> ExitCode:
    """Take what was deployed out of a Grafana, and nothing else.

    A folder goes when nothing is left in it. What a person changed is left alone, and the command exits with 1.
    """
    wishes = Wishes(folder=given["folder"], datasource=given["datasource"])
    with _grafana(given) as grafana:
        report = Deployment(grafana, wishes).remove(force=force, dry_run=dry_run)
        _tell(grafana, report, dry_run=dry_run, as_json=as_json)
    return ExitCode.FAILED if report.left else ExitCode.OK


@contextmanager
def _grafana(given: dict[str, Any]) -> Iterator[Grafana]:
    address = Address.parse(given["url"])
    token = _token(given["token"], given["token_file"])
    if address.scheme == "http" and not _loopback(address.host):
        complain(f"{address} is not encrypted: whoever is between here and there can read the token")
    grafana = Grafana(address, token, timeout_seconds=given["timeout"])
    try:
        yield grafana
    finally:
        grafana.close()


def _token(given: str | None, file: Path | None) -> str:
    if file is not None:
        try:
            given = file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"the token cannot be read from {file}: {error}") from error
    token = (given or "").strip()
    if not token:
        raise ConfigurationError(
            f"no token is given: make a service account with the role Admin in Grafana (Administration, Users and "
            f"access, Service accounts), and put its token into {TOKEN_VARIABLE} or a file for --token-file"
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError("the token has characters that no token has: is it copied whole, and alone?")
    return token


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _wishes(given: dict[str, Any]) -> Wishes:
    clickhouse = None
    if given["clickhouse"]:
        address = parse_dsn(given["clickhouse"])
        clickhouse = ClickHouse(
            address.host, address.port, address.database, address.user, address.password, address.scheme == "https"
        )
    runbooks = given["runbooks"]
    return Wishes(
        folder=given["folder"],
        datasource=given["datasource"],
        clickhouse=clickhouse,
        alerts=not given["no_alerts"],
        notify=given["notify"] or None,
        contact_point=given["contact_point"],
        runbooks=f"{runbooks.rstrip('/')}/" if runbooks else None,
    )


def _tell(grafana: Grafana, report: Report, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        things = [_outcome(one) for one in report.outcomes]
        told = {"url": grafana.url, "grafana": grafana.version, "dry_run": dry_run}
        print_json({**told, "things": things, "trouble": report.trouble})
        return
    rows = [
        (one.kind, one.name, Text(_done(one.done, dry_run), style=_STYLES.get(one.done, "green")), one_line(one.detail))
        for one in report.outcomes
    ]
    print_table(make_console(), _COLUMNS, rows)
    if report.trouble:
        complain(f"the data source does not answer: {report.trouble}")


def _done(done: str, dry_run: bool) -> str:
    return f"would be {done}" if dry_run and done not in {"unchanged", "absent"} else done


def _outcome(one: Outcome) -> dict[str, Any]:
    return {"kind": one.kind, "uid": one.name, "state": one.state, "done": one.done, "detail": one.detail}


def _standing(one: Standing) -> dict[str, Any]:
    differences = [{"path": d.path, "there": d.there, "here": d.here} for d in one.differences]
    return {"kind": one.resource.kind, "uid": one.resource.name, "state": one.state, "differences": differences}


def _show(standings: Sequence[Standing]) -> None:
    console = make_console()
    unlike = [one for one in standings if one.state != "same"]
    for one in unlike:
        told = f" ({one.found.told})" if one.state == "changed" and one.found is not None and one.found.told else ""
        head = f"{one.resource.kind} {one.resource.name} {_TOLD[one.state]}{told}"
        console.print(Text(one_line(head), style="bold"))
        for difference in one.differences:
            for line in difference.lines():
                sign = line.strip()[:1]
                style = {"-": "red", "+": "green", "@": "cyan"}.get(sign, "") if line.startswith("  ") else ""
                console.print(Text(f"  {visible(line)}", style=style))
    same = len(standings) - len(unlike)
    console.print(f"{same} of {len(standings)} things are as they would be deployed")
