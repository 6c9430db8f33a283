"""Logs that never hold payloads: one JSON object a line, or plain lines where a person looks on.

Whatever is judged is personal. An exception's text may quote it (pydantic quotes the input, ClickHouse the row), so
of an exception only its class and the places in the code are written, and its text only where it is one of ours.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

import orjson

from watchkeeper.schemas.errors import ConfigurationError, RejectedError, WatchkeeperError

OURS = "watchkeeper"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FIELDS = (
    "topic", "partition", "offset", "first_offset", "last_offset", "generation", "partitions",
    "events", "table", "error", "minutes", "seconds",
)  # fmt: skip
"""What a call may add by `extra=`: numbers, names of our own, classes of errors."""

_MOST_CHARACTERS = 8_000
_PLACES = re.compile(r"%(?:%|[-#0 +]*\d*(?:\.\d+)?[sdifgrxa])")
_SILENT = ("urllib3", "clickhouse_connect", "aiokafka.cluster", "aiokafka.conn")
"""They tell every attempt, with the whole address; the engine says once what is away, and repeats itself slowly."""


def set_up_logs(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Sends all logs of this process, with uncaught exceptions, to a stream, and nothing of any payload.

    Args:
        stream: by default stderr.
        level: of our own loggers. Those of libraries stay at WARNING: at DEBUG, Kafka's client writes whole records.

    Raises:
        ConfigurationError: the level is none of `LEVELS`.
    """
    if level not in LEVELS:
        raise ConfigurationError(f"the log level is {level!r}: set it to one of {', '.join(LEVELS)}")
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainLines() if stream.isatty() else JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger(OURS).setLevel(level)
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # Their plain form prints the text of whatever was raised.
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable


def told(error: BaseException) -> str:
    """What may be said of an exception: its text only where it is known to quote nothing."""
    if isinstance(error, WatchkeeperError) and not isinstance(error, RejectedError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return type(error).__name__


def message_of(record: logging.LogRecord) -> str:
    """The record's sentence, with exceptions among its arguments told as `told` tells them."""
    arguments = record.args
    if isinstance(arguments, tuple):
        arguments = tuple(_argument(one) for one in arguments)
    text = told(record.msg) if isinstance(record.msg, BaseException) else str(record.msg)
    # asyncio puts the failed task, with its exception's text, on a second line.
    shown = text if _is_ours(record) else text.split("\n", 1)[0]
    try:
        shown = shown % arguments if arguments else shown
    except (TypeError, ValueError):
        return shown[:_MOST_CHARACTERS]
    return shown[:_MOST_CHARACTERS]


def places(error: BaseException) -> str:
    """Where an exception came from, and those behind it: classes, files, lines and code, no values."""
    lines: list[str] = []
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        lines.append(f"{type(following).__name__} at\n{''.join(traceback.format_tb(following.__traceback__))}")
        following = following.__cause__ or following.__context__
    return "behind it ".join(lines)[-_MOST_CHARACTERS:]


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, event, message, worker (the process), and `FIELDS`.

    `event` is the sentence without its values: the same for each time that the same thing happens.
    """

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter.format`."""
        message = message_of(record)
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": _event_of(record.msg) if _is_ours(record) and isinstance(record.msg, str) else message,
            "worker": os.getpid(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        error = _error_of(record)
        if error is not None:
            line["error"] = type(error).__name__
        if record.exc_info and record.exc_info[1] is not None:
            line["places"] = places(record.exc_info[1])
        line["message"] = message
        return orjson.dumps(line, default=lambda value: type(value).__name__).decode()


class PlainLines(logging.Formatter):
    """For a terminal: time (UTC), level, logger and sentence, and below it where an exception came from."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter.format`."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = "".join(f" {name}={getattr(record, name)}" for name in FIELDS if hasattr(record, name))
        line = f"{at} {record.levelname} {record.name} {message_of(record)}{fields}"
        if record.exc_info and record.exc_info[1] is not None:
            line += f"\n{places(record.exc_info[1])}"
        return line


def _event_of(template: str) -> str:
    """A sentence with a mark in place of each of its values."""
    return _PLACES.sub(lambda found: "%" if found.group() == "%%" else "…", template)


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name.split(".", 1)[0] == OURS


def _argument(value: object) -> object:
    return told(value) if isinstance(value, BaseException) else value


def _error_of(record: logging.LogRecord) -> BaseException | None:
    if record.exc_info and record.exc_info[1] is not None:
        return record.exc_info[1]
    arguments = record.args if isinstance(record.args, tuple) else ()
    return next((one for one in arguments if isinstance(one, BaseException)), None)


def _uncaught(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger(OURS).critical("uncaught: %s", error, exc_info=error)


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        logging.getLogger(OURS).critical("uncaught in a thread: %s", args.exc_value, exc_info=args.exc_value)


def _unraisable(args: sys.UnraisableHookArgs) -> None:
    if args.exc_value is not None:
        logging.getLogger(OURS).error("could not be raised: %s", args.exc_value, exc_info=args.exc_value)
