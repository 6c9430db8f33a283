"""Who runs the command: what people do to agents, and say of findings, is kept under a name."""

from __future__ import annotations

import getpass

import click


def operator_name() -> str:
    """The system's user.

    Raises:
        click.UsageError: the system does not say; `--as` does.
    """
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:
        raise click.UsageError("the system does not say who you are: give --as NAME") from error
