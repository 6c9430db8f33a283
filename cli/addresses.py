"""Where ClickHouse and Kafka are: from the command line, else the environment, else the local stack that runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.stream_processors import settings

if TYPE_CHECKING:
    from watchkeeper.cli.stack.layout import StackLayout
    from watchkeeper.cli.stack.status import StackStatus


def data_directory(home: Path | None) -> Path:
    """The local stack's directory: `--home`, else $WATCHKEEPER_HOME, else `.watchkeeper`."""
    return home or Path(os.environ.get(settings.HOME) or ".watchkeeper")


def clickhouse_dsn(option: str | None, home: Path | None) -> str:
    """ClickHouse's address, `http://user:password@host:port/database`.

    Raises:
        ConfigurationError: nothing says where it is; the message names the three ways.
    """
    given = option or os.environ.get(settings.CLICKHOUSE)
    if given:
        return given
    layout, status = _running_stack(home)
    part = status.part("clickhouse") if status is not None else None
    if layout is None or part is None or not part.url:
        raise _unknown(
            "ClickHouse", "--clickhouse http://user:password@host:8123/watchkeeper", settings.CLICKHOUSE, home
        )
    # The stack's parts bring its own dependencies, which a machine without a local stack need not have.
    from watchkeeper.cli.stack.parts import dsn  # noqa: PLC0415
    from watchkeeper.cli.stack.settings import StackSettings  # noqa: PLC0415

    try:
        told = StackSettings.from_json(layout.settings_file.read_text())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{layout.settings_file} cannot be read ({error}): restart the stack") from error
    return dsn(told, layout, part.url)


def kafka_bootstrap(option: str | None, home: Path | None) -> str:
    """Kafka's address, `host:port[,host:port…]`.

    Raises:
        ConfigurationError: nothing says where it is; the message names the three ways.
    """
    given = option or os.environ.get(settings.KAFKA)
    if given:
        return given
    _, status = _running_stack(home)
    part = status.part("broker") if status is not None else None
    if part is None or not part.url:
        raise _unknown("Kafka", "--kafka host:9092", settings.KAFKA, home)
    return part.url


def _running_stack(home: Path | None) -> tuple[StackLayout | None, StackStatus | None]:
    try:
        from watchkeeper.cli.stack.layout import StackLayout  # noqa: PLC0415 - as above
        from watchkeeper.cli.stack.status import read_status  # noqa: PLC0415
    except ModuleNotFoundError:
        return None, None
    layout = StackLayout(data_directory(home))
    status = read_status(layout)
    return (layout, status) if status.is_alive else (None, None)


def _unknown(what: str, option: str, variable: str, home: Path | None) -> ConfigurationError:
    return ConfigurationError(
        f"where is {what}? No stack runs in {data_directory(home)}. Start one with `watchkeeper up`, "
        f"or give {option}, or set {variable}"
    )
