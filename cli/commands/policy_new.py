"""`watchkeeper policy new` and `watchkeeper policy schema`."""

from __future__ import annotations

from pathlib import Path

import click

from watchkeeper.cli.command import command
from watchkeeper.cli.policies.kinds import KINDS, SCHEMA_NAME, example, schema_text
from watchkeeper.schemas.errors import ConfigurationError


@command(
    "new",
    examples=(
        ("into a file, with the schema for editors beside it", "watchkeeper policy new --kind support support.yaml"),
        ("to read", "watchkeeper policy new --kind finance --agent payables"),
    ),
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("--kind", type=click.Choice(KINDS), required=True, help="The job that is nearest.")
@click.option("--agent", metavar="NAME", help="The agent's id. Default: the example's own.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def new(*, file: Path | None, kind: str, agent: str | None, force: bool) -> None:
    """Write a commented policy to begin with, for the nearest kind of job.

    Without a FILE it is printed. What it says is an example: tools, caps and rules are for you to change.
    """
    text = example(kind, agent)
    if file is None:
        click.echo(text, nl=False)
        return
    if file.exists() and not force:
        raise ConfigurationError(f"{file} exists: name another file, or write over it with --force")
    _write(file, text)
    schema = file.with_name(SCHEMA_NAME)
    _write(schema, schema_text())
    click.echo(f"wrote {file}, and {schema} for editors; next: watchkeeper policy check {file}")


@command(
    "schema",
    examples=(("beside the policies, for editors", f"watchkeeper policy schema --output {SCHEMA_NAME}"),),
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write it there.")
def schema(*, output: Path | None) -> None:
    """Print the JSON Schema of policies, by which editors complete and explain fields.

    A policy names it in its first line: `# yaml-language-server: $schema=policy.schema.json`.
    """
    if output is None:
        click.echo(schema_text(), nl=False)
        return
    _write(output, schema_text())
    click.echo(f"wrote {output}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written ({error.strerror}): check folder and rights") from error
