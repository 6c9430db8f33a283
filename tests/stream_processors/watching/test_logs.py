"""Logs are JSON lines, and of what was judged they hold nothing."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from watchkeeper.schemas.errors import ConfigurationError, RejectedError, StoreUnavailableError
from watchkeeper.stream_processors.watching.logs import FIELDS, set_up_logs

CANARY = "canary-4711"
log = logging.getLogger("watchkeeper.test")


class _Strict(BaseModel):
    number: int


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the logs go at DEBUG; afterwards all is as it was."""
    root, ours = logging.getLogger(), logging.getLogger("watchkeeper")
    before = root.handlers[:], root.level, ours.level
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    root.handlers = []
    written = io.StringIO()
    set_up_logs("DEBUG", written)
    yield written
    root.handlers = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    assert CANARY not in stream.getvalue()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def failed() -> BaseException:
    """What pydantic raises quotes its input, and what is behind it does too."""
    with pytest.raises(ValueError, match=CANARY) as caught:
        _convert()
    return caught.value


def _convert() -> None:
    try:
        _Strict.model_validate({"number": CANARY})
    except ValueError as error:
        raise ValueError(str(error)) from error


def test_a_line_has_its_fields(stream: io.StringIO) -> None:
    log.info("%s: read", "agent.events", extra={"topic": "agent.events", "partition": 3, "first_offset": 9})
    (line,) = lines(stream)
    assert set(line) - set(FIELDS) == {"time", "level", "logger", "event", "worker", "message"}
    assert (line["event"], line["message"]) == ("…: read", "agent.events: read")
    assert (line["topic"], line["partition"], line["first_offset"]) == ("agent.events", 3, 9)
    assert line["time"].endswith("+00:00")


def test_an_event_is_the_same_each_time_it_happens(stream: io.StringIO) -> None:
    for seconds in (0.5, 20.0):
        log.warning("stalled for %.0f s, at 100%% of %s", seconds, "it")
    log.warning("as it stands: 100%")
    events = [line["event"] for line in lines(stream)]
    assert events == ["stalled for … s, at 100% of …"] * 2 + ["as it stands: 100%"]


def test_an_exception_is_its_class_and_its_places(stream: io.StringIO) -> None:
    error = failed()
    log.critical("it cannot go on: %s", error, exc_info=error)
    log.error(error)
    logging.getLogger("elsewhere").error("crashed: %r", error, exc_info=error)
    first, second, third = lines(stream)
    assert first["message"] == "it cannot go on: ValueError"
    assert first["error"] == "ValueError"
    assert "test_logs.py" in first["places"]
    assert "ValidationError at" in first["places"]
    assert second["message"] == "ValueError"
    assert third["message"] == "crashed: 'ValueError'"


def test_our_own_errors_keep_their_words_but_for_those_that_explain_data(stream: io.StringIO) -> None:
    log.warning("waits: %s", StoreUnavailableError("start it"))
    log.warning("waits: %s", RejectedError("not_json", CANARY))
    assert [line["message"] for line in lines(stream)] == ["waits: start it", "waits: RejectedError"]


def test_what_nobody_caught_is_told_in_the_same_way(stream: io.StringIO) -> None:
    def fail() -> None:
        raise ValueError(CANARY)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    error = failed()
    sys.excepthook(type(error), error, None)
    assert [line["error"] for line in lines(stream)] == ["ValueError", "ValueError"]


def test_a_task_that_nobody_awaited(stream: io.StringIO) -> None:
    loop = asyncio.new_event_loop()
    error = failed()
    task = loop.create_future()
    task.set_exception(error)
    loop.default_exception_handler({"message": "never retrieved", "exception": error, "future": task})
    assert isinstance(task.exception(), ValueError)
    loop.close()
    (line,) = lines(stream)
    assert line["message"] == "never retrieved"


def test_libraries_stay_quiet_at_debug(stream: io.StringIO) -> None:
    logging.getLogger("aiokafka.conn").debug("Response %s", CANARY)
    logging.getLogger("urllib3.connectionpool").warning("%s", CANARY)
    log.debug("ours")
    assert [line["message"] for line in lines(stream)] == ["ours"]


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="set it to one of DEBUG, INFO, WARNING, ERROR"):
        set_up_logs("LOUD")
