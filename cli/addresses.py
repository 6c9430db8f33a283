"""Where ClickHouse, Kafka and files of settings are: told by the command line, the environment or the local stack."""

from __future__ import annotations

import os
from pathlib import Path

from watchkeeper.schemas.errors import ConfigurationError, StackError
from watchkeeper.stream_processors import settings


def data_directory(home: Path | None) -> Path:
    """The local stack's directory: `--home`, else $WATCHKEEPER_HOME, else `.watchkeeper`."""
    return home or Path(os.environ.get(settings.HOME) or ".watchkeeper")


def written_file(option: Path | None, variable: str, home: Path, name: str) -> Path | None:
    """A file of settings: the option's, else the one that a variable names, else the stack's; None where none is."""
    named = option or (Path(os.environ[variable]) if os.environ.get(variable) else None)
    if named is not None:
        return named
    here = home / name
    return here if here.is_file() else None


def clickhouse_dsn(option: str | None, home: Path | None) -> str:
    """ClickHouse's address, `http://user:password@host:port/database`.

    Raises:
        ConfigurationError: nothing says where it is; the message names the three ways.
    """
    return _found("ClickHouse", "--clickhouse http://user:password@host:8123/watchkeeper", option, home)


def kafka_bootstrap(option: str | None, home: Path | None) -> str:
    """Kafka's address, `host:port[,host:port…]`.

    Raises:
        ConfigurationError: nothing says where it is; the message names the three ways.
    """
    return _found("Kafka", "--kafka host:9092", option, home)


def _found(what: str, form: str, option: str | None, home: Path | None) -> str:
    variable = settings.CLICKHOUSE if what == "ClickHouse" else settings.KAFKA
    given = option or os.environ.get(variable) or _running_stack(home).get(variable)
    if given:
        return given
    raise ConfigurationError(
        f"where is {what}? No stack runs in {data_directory(home)}. Start one with `watchkeeper up`, "
        f"or give {form}, or set {variable}"
    )


def _running_stack(home: Path | None) -> dict[str, str]:
    """The variables of the local stack; none where none runs, or where what a stack needs is not installed."""
    directory = data_directory(home)
    if not directory.is_dir():
        return {}
    try:
        # The stack brings dependencies of its own, which a machine without one need not have.
        from watchkeeper.cli.stack.lifecycle import stack_environment  # noqa: PLC0415
        from watchkeeper.cli.stack.settings import StackSettings  # noqa: PLC0415

        return stack_environment(StackSettings(data_dir=directory))
    except (ModuleNotFoundError, StackError):
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"the stack in {directory} cannot be read ({error}): restart it") from error
