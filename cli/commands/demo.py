"""`watchkeeper demo`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from watchkeeper.cli.command import command
from watchkeeper.cli.demo.closing import hint, look_further, print_next, print_report
from watchkeeper.cli.demo.picture import picture_on
from watchkeeper.cli.demo.run import SESSIONS, run_demo
from watchkeeper.cli.demo.stack_in_use import stack_in_use
from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.options import json_option
from watchkeeper.cli.output import make_console, print_json
from watchkeeper.cli.stack.settings import BROKERS
from watchkeeper.producers.fleet.fleet import make_plan
from watchkeeper.producers.fleet.scenarios import REGISTRY
from watchkeeper.schemas.errors import ConfigurationError


@command(
    "demo",
    examples=(
        ("the whole of it, in one to two minutes", "watchkeeper demo"),
        ("and look around afterwards", "watchkeeper demo --keep"),
        ("two scenarios, for a script", "watchkeeper demo --only token-cap --only pagination --json"),
    ),
)
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Use the stack that runs there. Default: start one in a temporary directory.",
)
@click.option(
    "--broker",
    type=click.Choice(BROKERS),
    help="The broker of a stack that is started: in memory, or Apache Kafka (needs Java 17, and Maven once).",
)
@click.option("--keep", is_flag=True, help="Leave the stack running, to look further.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The same seed, the same fleet.")
@click.option(
    "--sessions",
    type=click.IntRange(min=1, max=100_000),
    metavar="N",
    help=f"So many sessions, if the scenarios do not ask for more. Default: {SESSIONS}.",
)
@click.option(
    "--only", multiple=True, metavar="SCENARIO", help="Only this scenario; may be repeated. See docs/demo.md."
)
@json_option("Progress on stderr, and one JSON document at the end")
def demo(
    *,
    home: Path | None,
    broker: str | None,
    keep: bool,
    seed: int,
    sessions: int | None,
    only: tuple[str, ...],
    as_json: bool,
) -> int:
    """Run a simulated fleet through the whole pipeline.

    Starts a stack of its own (what WATCHKEEPER_KAFKA_BOOTSTRAP and WATCHKEEPER_CLICKHOUSE_DSN name is used instead),
    lets agents work on it of which some fail in declared ways, shows what is found as it comes, and compares. Exits
    with 1 where an injected failure went unseen or a clean agent was accused. Leaves nothing running without --keep.
    """
    # Before anything is started: a scenario that does not exist must not cost a minute.
    if home is not None and broker is not None:
        raise ConfigurationError(f"the stack in {home} has its broker already: leave out --broker, or --home")
    wanted = SESSIONS if sessions is None and not only else sessions
    plan = make_plan(REGISTRY, seed=seed, sessions=wanted, only=only)
    with picture_on(sys.stderr if as_json else sys.stdout) as picture:
        picture.phase("Starting broker, ClickHouse and worker" if home is None else f"Looking at the stack in {home}")
        with stack_in_use(home, keep=keep, broker=broker) as stack:
            report = run_demo(plan, stack, picture)
            picture.phase("Done" if stack.stays else "Stopping broker, ClickHouse and worker")
    if as_json:
        print_json(
            {
                **report.to_json(),
                "home": str(stack.home) if stack.stays else None,
                "look_further": look_further(report, stack) if stack.stays else [],
            }
        )
    else:
        console = make_console()
        print_report(console, report)
        advised = hint(report, stack)
        if advised is not None:
            console.print(advised)
        print_next(console, report, stack)
    return ExitCode.OK if report.passed else ExitCode.FAILED
