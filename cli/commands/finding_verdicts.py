"""`watchkeeper finding ack`, `wrong`, `mute` and `precision`: people's verdicts, and what they add up to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
from pydantic import ValidationError

from watchkeeper.cli import finding_queries, formats
from watchkeeper.cli.addresses import clickhouse_dsn
from watchkeeper.cli.command import Example, TaughtCommand, command
from watchkeeper.cli.findings import find
from watchkeeper.cli.operator_name import operator_name
from watchkeeper.cli.options import clickhouse_option, home_option, json_option, period_options
from watchkeeper.cli.output import Column, make_console, one_line, print_json_lines, print_table
from watchkeeper.cli.store import Row, open_store
from watchkeeper.cli.times import Span
from watchkeeper.cli.verdicts import Said, keep_verdicts
from watchkeeper.schemas.model import LATEST
from watchkeeper.schemas.verdicts import Verdict
from watchkeeper.stream_processors.detection.proportions import score_interval

_ID: Final = "0199c8f2-6a41-7c3e-9b55-2f8d3a1e6b70"
_RECENT: Final = timedelta(days=90)
_COLUMNS: Final = (
    Column("rule"),
    Column("mode", place="below"),
    Column("found", "right"),
    Column("judged", "right"),
    Column("true", "right"),
    Column("false", "right"),
    Column("muted", "right"),
    Column("precision", "right"),
    Column("95 % interval", "right"),
)


def _options(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        home_option,
        clickhouse_option,
        json_option("JSON lines, one verdict on each"),
        click.option("--as", "given_by", metavar="NAME", help="Who says so. Default: the system's user."),
        click.option("--tenant", metavar="NAME", default="", help="Whose findings they are. Default: looked up."),
        click.option("--reason", required=True, metavar="TEXT", help="Why: it is kept with the verdict."),
        click.argument("finding_ids", metavar="ID...", nargs=-1, required=True),
    ):
        function = option(function)
    return function


def _command(name: str, text: str, examples: tuple[Example, ...]) -> Callable[[Callable[..., None]], TaughtCommand]:
    def decorate(function: Callable[..., None]) -> TaughtCommand:
        made = click.command(name, cls=TaughtCommand, examples=examples, help=text)(_options(function))
        assert isinstance(made, TaughtCommand)
        return made

    return decorate


@_command(
    "ack",
    "Say that findings are true, and that somebody has taken note.",
    (("it was so, and is dealt with", f"watchkeeper finding ack {_ID} --reason 'ticket 4711'"),),
)
def ack(**given: Any) -> None:
    """See the help."""
    _say("ack", None, **given)


@_command(
    "wrong",
    "Say that findings are false alarms.",
    (("the agent did nothing wrong", f"watchkeeper finding wrong {_ID} --reason 'refund agreed by phone'"),),
)
def wrong(**given: Any) -> None:
    """See the help."""
    _say("wrong", None, **given)


def _mute(*, span: timedelta, **given: Any) -> None:
    _say("mute", datetime.now(UTC) + span, **given)


mute = _command(
    "mute",
    "Leave findings of the same rule about the same, by the same agent, out of lists for a while.",
    (("until the tool is mended", f"watchkeeper finding mute {_ID} --for 3d --reason 'CRM drops calls, known'"),),
)(click.option("--for", "span", type=Span(), default="7d", show_default=True, help="For how long.")(_mute))


def _say(
    verdict: Verdict,
    muted_until: datetime | None,
    *,
    finding_ids: tuple[str, ...],
    reason: str,
    tenant: str,
    given_by: str | None,
    as_json: bool,
    clickhouse: str | None,
    home: Path | None,
) -> None:
    """All findings are looked up before the first verdict is kept: a mistyped id leaves nothing half done."""
    who, now = given_by or operator_name(), datetime.now(UTC)
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        found = [find(store, finding_id, tenant) for finding_id in dict.fromkeys(finding_ids)]
        said = Said(verdict, reason, who, now, muted_until)
        try:
            rows = keep_verdicts(store, found, said)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            raise click.UsageError(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from error
    if as_json:
        print_json_lines(row.model_dump(mode="json") for row in rows)
        return
    for one, row in zip(found, rows, strict=True):
        click.echo(one_line(f"{verdict} {row.finding_id}, by {row.given_by}: {one['summary']}"))
        if muted_until is not None:
            what = f"{row.rule_id} / {row.kind} {row.about}".strip()
            click.echo(one_line(f"{what} of agent {row.agent_id} is muted until {formats.at(muted_until)} UTC"))


@command(
    "precision",
    examples=(
        ("which rules can be relied on", "watchkeeper finding precision --since 30d"),
        ("one agent's, for a script", "watchkeeper finding precision --agent support --json"),
    ),
)
@click.option("--tenant", metavar="NAME", default="", help="Only this tenant's. Default: all tenants.")
@click.option("--agent", metavar="NAME", default="", help="Only this agent's.")
@period_options("judged")
@json_option("JSON lines, one rule on each")
@clickhouse_option
@home_option
def precision(
    *,
    tenant: str,
    agent: str,
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
    clickhouse: str | None,
    home: Path | None,
) -> None:
    """Say for each rule how many of the findings that people judged are true.

    --since and --until bound when people judged, and when findings were found. Default: the last 90 days. Where nobody
    judged, the precision is not known. People judge what strikes them: where few were judged, it says little of the
    others.
    """
    bounds = {"since": since or datetime.now(UTC) - _RECENT, "until": until or LATEST, "tenant": tenant, "agent": agent}
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        judged = store.rows(finding_queries.JUDGED, **bounds)
        found = store.rows(finding_queries.FOUND_BY_RULE, **bounds)
    rules = _summed(judged, found)
    if as_json:
        print_json_lines(rules)
    elif rules:
        print_table(make_console(), _COLUMNS, [_cells(rule) for rule in rules])
    else:
        click.echo("nothing was found, and nobody judged; look further back with --since 365d")


def _summed(judged: list[Row], found: list[Row]) -> list[dict[str, Any]]:
    """One document for each rule of which something was found or judged, by name."""
    by_rule: dict[str, dict[str, Any]] = {}
    for row in [*found, *judged]:
        by_rule.setdefault(row["rule_id"], {}).update(row)
    return [_summary(by_rule[rule]) for rule in sorted(by_rule)]


def _summary(row: Row) -> dict[str, Any]:
    right, false = int(row.get("true_findings", 0)), int(row.get("false_findings", 0))
    interval = score_interval(right, right + false)
    return {
        "rule_id": row["rule_id"],
        "failure_mode": row["failure_mode"],
        "findings": int(row.get("findings", 0)),
        "judged": right + false,
        "true": right,
        "false": false,
        "muted": int(row.get("muted", 0)),
        "precision": right / (right + false) if interval else None,
        "lower": interval[0] if interval else None,
        "upper": interval[1] if interval else None,
    }


def _cells(rule: dict[str, Any]) -> list[str]:
    known = rule["precision"] is not None
    return [
        rule["rule_id"],
        rule["failure_mode"],
        *(formats.count(rule[name]) for name in ("findings", "judged", "true", "false", "muted")),
        f"{rule['precision']:.1%}" if known else "not known",
        f"{rule['lower']:.1%} to {rule['upper']:.1%}" if known else "-",
    ]
