"""`watchkeeper topics`."""

from __future__ import annotations

from pathlib import Path

import click

from watchkeeper.cli.addresses import kafka_bootstrap
from watchkeeper.cli.command import command
from watchkeeper.cli.options import home_option, kafka_option
from watchkeeper.cli.stack.broker import ensure_topics
from watchkeeper.schemas.topics import TOPICS


@command(
    "topics",
    examples=(
        ("the topics of a Kafka elsewhere", "watchkeeper topics --kafka kafka.internal:9092"),
        ("with three copies of each partition", "watchkeeper topics --kafka kafka.internal:9092 --replication 3"),
    ),
)
@click.option(
    "--replication",
    type=click.IntRange(-1, 32767),
    default=-1,
    metavar="N",
    help="Copies of each partition of a topic that is made. Default: as the broker is set.",
)
@kafka_option
@home_option
def topics(*, replication: int, kafka: str | None, home: Path | None) -> None:
    """Make the topics that are missing. Safe to repeat; topics that are there are left as they are."""
    made = ensure_topics(kafka_bootstrap(kafka, home), TOPICS, replication=replication)
    for name in made:
        click.echo(f"made {name}")
    if not made:
        click.echo("all topics are there")
