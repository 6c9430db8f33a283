"""Candidates that are Python callables: each call in a thread of its own, or as a task of one event loop."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import Any, Final

from watchkeeper.evals.gate.answers import Answer, CandidateError, read_answer
from watchkeeper.evals.gate.candidates import Question
from watchkeeper.evals.gate.prompts import chat_messages
from watchkeeper.schemas.errors import ConfigurationError

_FURTHER: Final = ("documents", "case_id", "intent", "repeat", "seed")
_PATIENCE_S: Final = 10.0
_TRANSIENT: Final = (ConnectionError, TimeoutError)


class AgentCallable:
    """`package.module:function`, called with the case's messages.

    The first argument is a list of chat messages (`role`, `content`). Those of `documents` (texts by id), `case_id`,
    `intent`, `repeat` and `seed` that the function names are handed over too. It returns a text, an `Answer`, or a dict
    with an answer's keys. `ConnectionError` and `TimeoutError` are tried again; whatever else it raises is a failure.

    A call that takes too long is left behind: a thread cannot be ended, an async call is cancelled.

    Raises:
        ConfigurationError: there is no such module or function, or it takes no messages.
    """

    timed: Final = True

    def __init__(self, named: str) -> None:
        self._function = _found(named)
        self._names = _further_names(self._function, named)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def ask(self, question: Question) -> Answer:
        """Calls it; see `Candidate`."""
        case = question.case
        known = {
            "documents": dict(case.documents),
            "case_id": case.case_id,
            "intent": case.intent,
            "repeat": question.repeat,
            "seed": question.seed,
        }
        given = {name: known[name] for name in self._names}
        future = self._begin(chat_messages(case), given)
        try:
            return read_answer(future.result(question.timeout_s))
        except FutureTimeoutError as error:
            if not future.cancel() and future.done():
                raise CandidateError("raised", _told(error), transient=True) from error
            raise CandidateError(
                "timed_out", f"no answer within {question.timeout_s:g} s: raise --timeout, or see what it waits for"
            ) from error
        except CandidateError:
            raise
        except Exception as error:
            raise CandidateError("raised", _told(error), transient=isinstance(error, _TRANSIENT)) from error

    def _begin(self, messages: list[dict[str, Any]], given: dict[str, Any]) -> Future[Any]:
        if _is_async(self._function):
            called: Coroutine[Any, Any, Any] = self._function(messages, **given)
            return asyncio.run_coroutine_threadsafe(called, self._running_loop())
        future: Future[Any] = Future()

        def call() -> None:
            try:
                future.set_result(self._function(messages, **given))
            except BaseException as error:  # noqa: BLE001 - whatever it raises belongs to whoever waits
                future.set_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))

        future.set_running_or_notify_cancel()
        threading.Thread(target=call, name="candidate", daemon=True).start()
        return future

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        """One loop for all calls: clients that a module keeps belong to the loop in which they were first used."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_run, args=(self._loop,), name="candidate-loop", daemon=True)
                self._thread.start()
            return self._loop

    def close(self) -> None:
        """Ends the event loop, and what still runs in it; what does not end within seconds is left behind."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_PATIENCE_S)
            self._loop = None


def _run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.run_until_complete(_end_others())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


async def _end_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _found(named: str) -> Callable[..., Any]:
    module_name, _, attribute = named.partition(":")
    if (here := str(Path.cwd())) not in sys.path:
        # As `python -m` does: what is under test mostly lies in the working directory.
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{named}: there is no module {error.name}: correct the name, or run where it can be imported"
        ) from error
    except Exception as error:
        raise ConfigurationError(f"{named}: importing {module_name} raised {_told(error)}") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise ConfigurationError(f"{named}: {module_name} has no {attribute}: correct the name after the colon")
        found = getattr(found, part)
    if not callable(found):
        raise ConfigurationError(f"{named} is a {type(found).__name__}, and cannot be called: name a function")
    return found  # type: ignore[no-any-return] # somebody's own module; what it returns is read with care


def _further_names(function: Callable[..., Any], named: str) -> tuple[str, ...]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ()
    if not any(one.kind in {one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD, one.VAR_POSITIONAL} for one in parameters):
        raise ConfigurationError(f"{named} takes no messages: its first argument is a list of chat messages")
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        return _FURTHER
    first = next(iter(parameters)).name
    return tuple(one.name for one in parameters if one.name in _FURTHER and one.name != first)


def _is_async(function: Callable[..., Any]) -> bool:
    # An object with an async `__call__` is one too.
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _told(error: BaseException) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
