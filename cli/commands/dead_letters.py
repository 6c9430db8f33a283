"""`watchkeeper dead-letters`: what could not be read, and how it is sent again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import click

from watchkeeper.cli import formats, letter_queries
from watchkeeper.cli.addresses import clickhouse_dsn, kafka_bootstrap
from watchkeeper.cli.command import TaughtCommand, complain
from watchkeeper.cli.letters import Letter, Place, read_letters
from watchkeeper.cli.options import (
    clickhouse_option,
    home_option,
    json_option,
    kafka_option,
    limit_option,
    period_options,
)
from watchkeeper.cli.output import print_json
from watchkeeper.cli.pages.letters import contents_of, facts_of, letter_document, print_letters
from watchkeeper.cli.sending import Outgoing, Sender
from watchkeeper.cli.store import ReadStore, open_store
from watchkeeper.schemas.errors import WatchkeeperError
from watchkeeper.schemas.model import EARLIEST, LATEST
from watchkeeper.schemas.rows import RejectReason

F = TypeVar("F", bound=Callable[..., Any])
REASONS: Final[tuple[str, ...]] = get_args(RejectReason)
ASK_ABOVE: Final = 100
AT_ONCE: Final = 50
"""Letters read, sent and marked together: a record may have 8 MiB."""

MOST_PLACES: Final = 100_000


class PlaceType(click.ParamType):
    """A place on the command line."""

    name = "place"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Place:
        """Reads `topic/partition/offset/line`."""
        if isinstance(value, Place):
            return value
        try:
            return Place.parse(str(value))
        except ValueError:
            self.fail(f"{value!r} is no place: write topic/partition/offset/line, as `list` does", param, ctx)


def _reason_option(what: str) -> Callable[[F], F]:
    return click.option("--reason", type=click.Choice(REASONS), metavar="REASON", help=what)


@click.group("dead-letters")
def dead_letters() -> None:
    """See what could not be read, and send it again."""


@dead_letters.command(
    "list",
    cls=TaughtCommand,
    examples=(
        ("what was unreadable today", "watchkeeper dead-letters list --since 24h"),
        ("what a newer SDK sent", "watchkeeper dead-letters list --reason future_schema_version"),
        ("how many of each, for a script", "watchkeeper dead-letters list --json | jq .counts"),
    ),
)
@_reason_option("Only those with this reason.")
@click.option("--status", type=click.Choice(("open", "redriven")), help="Only those in this state.")
@period_options("received")
@limit_option(20)
@json_option("One JSON document")
@clickhouse_option
@home_option
def list_letters(
    *,
    reason: str | None,
    status: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    as_json: bool,
    clickhouse: str | None,
    home: Path | None,
) -> None:
    """Count dead letters by reason, and list the newest."""
    wanted = {"reason": reason or "", "status": status or "", "since": since or EARLIEST, "until": until or LATEST}
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        counts = store.rows(letter_queries.DEAD_LETTER_COUNTS, **wanted)
        found = store.rows(letter_queries.DEAD_LETTER_PLACES, **wanted, limit=limit)
    if as_json:
        print_json({"counts": counts, "letters": [{"place": str(Place.of(row)), **row} for row in found]})
    elif counts:
        print_letters(counts, found)
    else:
        click.echo("no dead letters")


@dead_letters.command(
    "show",
    cls=TaughtCommand,
    examples=(
        ("why it could not be read", "watchkeeper dead-letters show agent.events/3/1042/0"),
        ("with what it holds, which may be personal", "watchkeeper dead-letters show agent.events/3/1042/0 --raw"),
        ("save the bytes, to mend them", "watchkeeper dead-letters show agent.events/3/1042/0 --save line.json"),
    ),
)
@click.argument("place", type=PlaceType(), metavar="PLACE")
@click.option("--raw", is_flag=True, help="Show what it holds: as JSON where it is that, else in hexadecimal.")
@click.option("--save", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the bytes there.")
@json_option("One JSON document")
@clickhouse_option
@home_option
def show(
    *, place: Place, raw: bool, save: Path | None, as_json: bool, clickhouse: str | None, home: Path | None
) -> None:
    """Show one dead letter. PLACE is topic/partition/offset/line, as `list` prints it."""
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        letter = read_letters(store, [place])[0]
    if save is not None:
        _save(letter, save)
    if as_json:
        print_json(letter_document(letter, raw=raw))
        return
    for line in facts_of(letter):
        click.echo(line)
    if raw:
        click.echo()
        for line in contents_of(letter.raw):
            click.echo(line)


@dead_letters.command(
    "redrive",
    cls=TaughtCommand,
    examples=(
        ("after the workers were upgraded", "watchkeeper dead-letters redrive --reason future_schema_version"),
        ("one, as it was", "watchkeeper dead-letters redrive agent.events/3/1042/0"),
        ("one, mended", "watchkeeper dead-letters redrive agent.events/3/1042/0 --file line.json"),
        ("one that had the wrong key", "watchkeeper dead-letters redrive agent.events/3/1042/0 --key acme/order-4711"),
    ),
)
@click.argument("places", nargs=-1, type=PlaceType(), metavar="[PLACE]...")
@_reason_option("All open ones with this reason.")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Send these bytes instead.")
@click.option("--key", metavar="KEY", help="Send it under this key, tenant_id/session_id, instead of its own.")
@click.option("--force", is_flag=True, help="Also those that were sent again before.")
@click.option("--yes", is_flag=True, help=f"Do not ask where there are over {ASK_ABOVE}.")
@json_option("One JSON document")
@clickhouse_option
@kafka_option
@home_option
def redrive(
    *,
    places: tuple[Place, ...],
    reason: str | None,
    file: Path | None,
    key: str | None,
    force: bool,
    yes: bool,
    as_json: bool,
    clickhouse: str | None,
    kafka: str | None,
    home: Path | None,
) -> None:
    """Send dead letters again, to the topic they came from, under their own key.

    Each goes as a record of its own, byte for byte. An event that takes its place in a session then counts as late.
    What was sent again is marked, and is not sent twice unless --force is given.
    """
    _check_choice(places, reason, one_only=bool(file or key))
    dsn, bootstrap = clickhouse_dsn(clickhouse, home), kafka_bootstrap(kafka, home)
    with open_store(dsn) as store:
        chosen = list(dict.fromkeys(places)) or _open_places(store, reason or "", with_sent=force)
        if len(chosen) > ASK_ABOVE and not yes:
            _confirm(len(chosen))
        sender = Sender(bootstrap)
        for index, some in enumerate(_cut(chosen)):
            try:
                _send(store, sender, some, replacement=file, key=key, force=force)
            except WatchkeeperError:
                complain(f"{index * AT_ONCE:,} of {len(chosen):,} were sent again before this:")
                raise
    if as_json:
        print_json({"redriven": [str(place) for place in chosen]})
    elif chosen:
        click.echo(f"sent again: {formats.plural(len(chosen), 'dead letter')}")
    else:
        click.echo(f"no open dead letters with reason {reason}")


def _check_choice(places: Sequence[Place], reason: str | None, *, one_only: bool) -> None:
    if bool(places) == bool(reason):
        raise click.UsageError("give places, or --reason for all that have it")
    if one_only and len(places) != 1:
        raise click.UsageError("--file and --key are for one dead letter: give its PLACE alone")


def _open_places(store: ReadStore, reason: str, *, with_sent: bool) -> list[Place]:
    rows = store.rows(
        letter_queries.DEAD_LETTER_PLACES,
        reason=reason,
        status="" if with_sent else "open",
        since=EARLIEST,
        until=LATEST,
        limit=MOST_PLACES,
    )
    # In the order in which they came, so that a session's events keep theirs.
    return sorted(Place.of(row) for row in rows)


def _confirm(number: int) -> None:
    try:
        agreed = click.confirm(f"Send {number:,} dead letters again?", err=True)
    except click.Abort:
        # Nobody is there to answer.
        agreed = False
    if not agreed:
        raise click.ClickException("nothing was sent; --yes sends without asking")


def _cut(places: list[Place]) -> Iterator[list[Place]]:
    for start in range(0, len(places), AT_ONCE):
        yield places[start : start + AT_ONCE]


def _send(
    store: ReadStore, sender: Sender, places: list[Place], *, replacement: Path | None, key: str | None, force: bool
) -> None:
    """Sends some, then marks them: after a crash in between they are sent once more, which changes nothing."""
    letters = read_letters(store, places)
    again = [letter for letter in letters if letter.status == "redriven"]
    if again and not force:
        raise click.ClickException(f"{again[0].place} was sent again before; --force sends it once more")
    sender.send(
        [
            Outgoing(
                topic=letter.place.topic,
                key=letter.key if key is None else key.encode(),
                value=letter.raw if replacement is None else replacement.read_bytes(),
            )
            for letter in letters
        ]
    )
    store.insert("dead_letters", [letter.sent_again() for letter in letters])


def _save(letter: Letter, path: Path) -> None:
    try:
        path.write_bytes(letter.raw)
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error
    click.echo(f"wrote {formats.size(len(letter.raw))} to {path}", err=True)
