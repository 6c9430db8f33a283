"""`watchkeeper grants`: what stands on `agent.grants`, published and taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.addresses import kafka_bootstrap
from watchkeeper.cli.command import TaughtCommand, complain
from watchkeeper.cli.exit_codes import NotFoundError
from watchkeeper.cli.options import home_option, json_option, kafka_option
from watchkeeper.cli.output import Column, make_console, one_line, print_json, print_json_lines, print_table
from watchkeeper.cli.times import Moment, Span
from watchkeeper.producers.granting import KEY_VARIABLE, GrantIssuer
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.grants import MIN_KEY_BYTES, Grant, is_signed

F = TypeVar("F", bound=Callable[..., Any])
_STYLES: Final = {"holds": "green", "revoked": "red", "expired": "yellow"}
_COLUMNS: Final = (
    Column("grant"),
    Column("state"),
    Column("signature"),
    Column("to agent", place="below"),
    Column("by", place="below"),
    Column("until", place="below"),
    Column("scope", place="text"),
)


def _common(function: F) -> F:
    function = home_option(kafka_option(function))
    return click.option("--tenant", default="default", show_default=True, metavar="NAME", help="Whose grants.")(
        function
    )


@click.group("grants")
def grants() -> None:
    """Authority that agents hand on: see, publish and revoke grants.

    With WATCHKEEPER_GRANT_KEY set, the same as the workers', grants are signed, and it is told whose signature holds.
    """


@grants.command(
    "list",
    cls=TaughtCommand,
    examples=(
        ("what agents of a tenant may hand on", "watchkeeper grants list --tenant acme"),
        ("only what holds now, for a script", "watchkeeper grants list --tenant acme --holding --json"),
    ),
)
@click.option("--holding", is_flag=True, help="Only those that are neither revoked nor expired.")
@json_option("JSON lines, one grant on each")
@_common
def list_(*, tenant: str, holding: bool, as_json: bool, kafka: str | None, home: Path | None) -> None:
    """List the grants that stand on the topic."""
    with GrantIssuer(kafka_bootstrap(kafka, home), tenant=tenant) as issuer:
        found = [grant for grant in issuer.grants() if not holding or _state(grant) == "holds"]
    if as_json:
        print_json_lines(_document(grant) for grant in found)
    elif found:
        print_table(make_console(), _COLUMNS, [_cells(grant) for grant in found])
    else:
        click.echo(f"no grants of tenant {tenant}; --tenant names another one")


@grants.command(
    "show", cls=TaughtCommand, examples=(("one grant, in full", "watchkeeper grants show g-7 --tenant acme"),)
)
@click.argument("grant_id", metavar="ID")
@json_option("One JSON document")
@_common
def show(*, grant_id: str, tenant: str, as_json: bool, kafka: str | None, home: Path | None) -> None:
    """Show one grant, with those that it derives from."""
    with GrantIssuer(kafka_bootstrap(kafka, home), tenant=tenant) as issuer:
        known = {grant.grant_id: grant for grant in issuer.grants()}
    if grant_id not in known:
        raise NotFoundError(f"tenant {tenant} has no grant {grant_id}: `watchkeeper grants list` names them")
    chain = _chain(known, grant_id)
    if as_json:
        print_json({**_document(chain[0]), "chain": [_document(grant) for grant in chain[1:]]})
        return
    for grant in chain:
        _print(grant)
    missing = chain[-1].parent_grant_id
    if missing and missing not in known:
        complain(f"grant {chain[-1].grant_id} derives from {missing}, which is not published")


@grants.command(
    "issue",
    cls=TaughtCommand,
    examples=(
        (
            "an agent may read orders, and let others read them, for a day",
            "watchkeeper grants issue g-7 --agent support --scope 'orders:*' --delegable orders:read --for 1d",
        ),
        (
            "a part of it, for another agent",
            "watchkeeper grants issue g-8 --parent g-7 --agent helper --scope orders:read --by ada@example.com",
        ),
    ),
)
@click.argument("grant_id", metavar="ID")
@click.option("--scope", multiple=True, metavar="SCOPE", help="What the holder may do itself; may be repeated.")
@click.option("--delegable", multiple=True, metavar="SCOPE", help="What the holder may hand on; may be repeated.")
@click.option("--agent", default="", metavar="NAME", help="To whom; wildcards allowed. Default: any agent.")
@click.option("--by", "granted_by", default="", metavar="NAME", help="On whose word.")
@click.option("--parent", default="", metavar="ID", help="The grant that it derives from.")
@click.option("--for", "span", type=Span(), help="How long it holds. Default: until it is revoked.")
@json_option("One JSON document")
@_common
def issue(
    *,
    grant_id: str,
    scope: tuple[str, ...],
    delegable: tuple[str, ...],
    agent: str,
    granted_by: str,
    parent: str,
    span: timedelta | None,
    tenant: str,
    as_json: bool,
    kafka: str | None,
    home: Path | None,
) -> None:
    """Publish a grant, in the place of an earlier one of its name."""
    if not scope and not delegable:
        raise click.UsageError("a grant allows something: give --scope or --delegable")
    with GrantIssuer(kafka_bootstrap(kafka, home), tenant=tenant) as issuer:
        made = issuer.grant(
            grant_id,
            scope=scope,
            delegable=delegable,
            agent_id=agent,
            granted_by=granted_by,
            parent_grant_id=parent,
            expires_at=None if span is None else datetime.now(UTC) + span,
        )
    _tell(made, as_json=as_json)


@grants.command(
    "revoke",
    cls=TaughtCommand,
    examples=(
        ("from now on", "watchkeeper grants revoke g-7 --tenant acme"),
        ("since an hour ago: what was done on it since is found", "watchkeeper grants revoke g-7 --since 1h"),
    ),
)
@click.argument("grant_id", metavar="ID")
@click.option("--since", type=Moment(), metavar="TIME", help="Since when it holds no more: 1h, 2025-11-21T10:00.")
@json_option("One JSON document")
@_common
def revoke(
    *, grant_id: str, since: datetime | None, tenant: str, as_json: bool, kafka: str | None, home: Path | None
) -> None:
    """Take a grant back, and with it what derives from it."""
    with GrantIssuer(kafka_bootstrap(kafka, home), tenant=tenant) as issuer:
        try:
            revoked = issuer.revoke(grant_id, at=since)
        except ConfigurationError as error:
            raise NotFoundError(str(error)) from error
    _tell(revoked, as_json=as_json)


def _tell(grant: Grant, *, as_json: bool) -> None:
    if as_json:
        print_json(_document(grant))
    else:
        _print(grant)
    if not grant.signature:
        complain(f"the grant is not signed: set {KEY_VARIABLE} where policies ask for signed grants")


def _chain(known: dict[str, Grant], grant_id: str) -> list[Grant]:
    chain: list[Grant] = []
    while grant_id in known and known[grant_id] not in chain:
        chain.append(known[grant_id])
        grant_id = chain[-1].parent_grant_id
    return chain


def _state(grant: Grant) -> str:
    now = datetime.now(UTC)
    if grant.revoked_at is not None and grant.revoked_at <= now:
        return "revoked"
    return "expired" if grant.expires_at is not None and grant.expires_at < now else "holds"


def _signature(grant: Grant) -> str:
    key = GrantIssuer.key_of_environment()
    if not grant.signature:
        return "none"
    if len(key) < MIN_KEY_BYTES:
        return "not verified"
    return "holds" if is_signed(grant, key) else "does not hold"


def _document(grant: Grant) -> dict[str, Any]:
    return {**grant.model_dump(mode="json"), "state": _state(grant), "signature_verdict": _signature(grant)}


def _cells(grant: Grant) -> list[Text | str]:
    state = _state(grant)
    ends = grant.revoked_at if state == "revoked" else grant.expires_at
    return [
        grant.grant_id,
        Text(state, style=_STYLES[state]),
        _signature(grant),
        grant.agent_id or "any",
        grant.granted_by or "-",
        formats.at(ends) if ends else "-",
        _scopes(grant),
    ]


def _scopes(grant: Grant) -> str:
    may = " ".join(grant.scope) or "nothing itself"
    return f"{may}; may hand on {' '.join(grant.delegable) or 'nothing'}"


def _print(grant: Grant) -> None:
    state = _state(grant)
    click.echo(one_line(f"grant {grant.grant_id} of tenant {grant.tenant_id}: {state}, signature: {_signature(grant)}"))
    facts = {
        "to agent": grant.agent_id or "any",
        "by": grant.granted_by,
        "derives from": grant.parent_grant_id,
        "may do": " ".join(grant.scope),
        "may hand on": " ".join(grant.delegable),
        "constraints": ", ".join(f"{name}: {value}" for name, value in grant.constraints.items()),
        "issued": formats.at(grant.issued_at),
        "expires": formats.at(grant.expires_at) if grant.expires_at else "",
        "revoked": formats.at(grant.revoked_at) if grant.revoked_at else "",
    }
    for name, value in facts.items():
        if value:
            click.echo(one_line(f"  {name:<13} {value}"))
