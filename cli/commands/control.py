"""`watchkeeper stop`, `pause` and `resume`: an operator's hand on running agents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

import click
from pydantic import ValidationError

from watchkeeper.cli import formats
from watchkeeper.cli.addresses import clickhouse_dsn, kafka_bootstrap
from watchkeeper.cli.command import Example, TaughtCommand, complain
from watchkeeper.cli.controlling import Aim, UnsentError, command_for, issue
from watchkeeper.cli.operator_name import operator_name
from watchkeeper.cli.options import clickhouse_option, home_option, json_option, kafka_option
from watchkeeper.cli.output import one_line, print_json
from watchkeeper.cli.store import open_store
from watchkeeper.cli.times import Span
from watchkeeper.schemas.control import MAX_COMMAND_SECONDS, Action, Control, Target

DEFAULT_TENANT: Final = "default"
MAX_NAME: Final = 256
_DONE: Final[dict[Action, str]] = {"terminate": "stop", "pause": "pause", "resume": "resume"}

_STOP: Final = """Stop agents: their sessions end with their best answer so far.

Sessions that begin while the command is in force are stopped too. What a stop can do is for the agent's policy to say:
in mode enforce the session is ended, in warn and observe the program is told.
"""
_PAUSE: Final = """Hold agents: their sessions wait before the next step, until they are resumed or the time is over."""
_RESUME: Final = """Lift what was stopped or held, for the same session, agent or tenant.

A session that has ended stays ended; new ones may run again.
"""


def _options(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        home_option,
        kafka_option,
        clickhouse_option,
        json_option("One JSON document"),
        click.option("--as", "issued_by", metavar="NAME", help="Who orders it. Default: the system's user."),
        click.option(
            "--for", "span", type=Span(), default="1h", show_default=True, help="How long it is in force; 1d at most."
        ),
        click.option("--reason", required=True, metavar="TEXT", help="Why: agents log it, auditors read it."),
        click.option("--tenant-id", metavar="NAME", help="Whose the session or agent is.  [default: default]"),
        click.option("--tenant", metavar="NAME", help="All sessions of a tenant."),
        click.option("--agent", metavar="NAME", help="All sessions of an agent."),
        click.option("--session", metavar="ID", help="One session, with those it delegated to."),
    ):
        function = option(function)
    return function


def _command(name: str, action: Action, text: str, examples: tuple[Example, ...]) -> TaughtCommand:
    @click.command(name, cls=TaughtCommand, examples=examples, help=text)
    @_options
    def run(**given: Any) -> None:
        _issue(action, **given)

    assert isinstance(run, TaughtCommand)
    return run


stop = _command(
    "stop",
    "terminate",
    _STOP,
    (
        ("one session", "watchkeeper stop --session 0199c8f2-6a41-7c3e-9b55-2f8d3a1e6b70 --reason 'wrong customer'"),
        ("every session of an agent, for a day", "watchkeeper stop --agent support --for 1d --reason 'incident 4711'"),
        ("everything that a tenant runs", "watchkeeper stop --tenant acme --reason 'credentials leaked'"),
    ),
)
pause = _command(
    "pause",
    "pause",
    _PAUSE,
    (("an agent, while its tool is mended", "watchkeeper pause --agent support --for 30m --reason 'CRM is down'"),),
)
resume = _command(
    "resume",
    "resume",
    _RESUME,
    (("let the agent go on", "watchkeeper resume --agent support --reason 'CRM is back'"),),
)


def _issue(  # the options of the three commands
    action: Action,
    *,
    session: str | None,
    agent: str | None,
    tenant: str | None,
    tenant_id: str | None,
    reason: str,
    span: timedelta,
    issued_by: str | None,
    as_json: bool,
    clickhouse: str | None,
    kafka: str | None,
    home: Path | None,
) -> None:
    aim = _aim(session, agent, tenant, tenant_id)
    if span.total_seconds() > MAX_COMMAND_SECONDS:
        raise click.BadParameter(
            "a command is in force for at most 1d: repeat it where that is too short", param_hint="--for"
        )
    command = _control(action, aim, reason=reason, span=span, issued_by=issued_by or operator_name())
    dsn, bootstrap = clickhouse_dsn(clickhouse, home), kafka_bootstrap(kafka, home)
    with open_store(dsn) as store:
        try:
            reached = issue(store, bootstrap, command)
        except UnsentError as error:
            complain(error.told)
            raise error.why from error
    if as_json:
        print_json({**command.model_dump(mode="json"), "open_sessions": reached})
        return
    _confirm(command, reached)


def _aim(session: str | None, agent: str | None, tenant: str | None, tenant_id: str | None) -> Aim:
    kinds: tuple[tuple[Literal["session", "agent", "tenant"], str | None], ...] = (
        ("session", session),
        ("agent", agent),
        ("tenant", tenant),
    )
    given = [(kind, name) for kind, name in kinds if name]
    if len(given) != 1:
        raise click.UsageError("give one of --session, --agent and --tenant")
    kind, name = given[0]
    assert name is not None
    if kind == "tenant" and tenant_id not in {None, name}:
        raise click.UsageError(f"--tenant {name} and --tenant-id {tenant_id} contradict each other: leave one out")
    if len(name) > MAX_NAME:
        raise click.UsageError(f"--{kind} has {len(name)} characters, a name has at most {MAX_NAME}")
    return Aim(name if kind == "tenant" else tenant_id or DEFAULT_TENANT, Target(kind=kind, id=name))


def _control(action: Action, aim: Aim, *, reason: str, span: timedelta, issued_by: str) -> Control:
    try:
        return command_for(action, aim, reason=reason, span=span, issued_by=issued_by)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise click.UsageError(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from error


def _confirm(command: Control, reached: int) -> None:
    whom = f"{command.target.kind} {command.target.id}"
    if command.target.kind != "tenant":
        whom += f" of tenant {command.tenant_id}"
    click.echo(one_line(f"{_DONE[command.action]} sent to {whom}, by {command.issued_by}: {command.reason}"))
    span = (command.expires_at - command.issued_at).total_seconds()
    click.echo(
        f"command {command.command_id}, in force until {formats.at(command.expires_at)} UTC ({formats.duration(span)})"
    )
    click.echo(f"open sessions that it reaches now: {reached:,}")
    if not reached:
        complain("no open session is known that it reaches; sessions that begin while it is in force obey it")
