"""Questions to any endpoint that speaks OpenAI's chat completions, with patience, a deadline and a cap."""

from __future__ import annotations

import os
import threading
import time
import urllib.request
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import urllib3

from watchkeeper.evals.judging.dialect import Dialect, Message
from watchkeeper.evals.judging.errors import JudgeAnswerError, JudgeUnavailableError
from watchkeeper.evals.judging.replies import Answer, read_answer, refusal_of, wait_asked_for
from watchkeeper.evals.judging.settings import JudgeSettings
from watchkeeper.evals.judging.spending import Prices, Spending
from watchkeeper.schemas.errors import ConfigurationError

MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024

CLOSED_SECONDS: Final = 300.0
"""For so long an endpoint that refused key, address or credit is not asked: then somebody may have put it right."""

_CONNECT_SECONDS: Final = 10.0
_MAX_CHANGES: Final = 6
_BUSY: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class _LostError(Exception):
    """No whole reply came; the message says what happened.

    Attributes:
        sent: whether the question may have arrived.
    """

    def __init__(self, told: str, *, sent: bool = True) -> None:
        super().__init__(told)
        self.sent = sent


class ChatEndpoint:
    """An endpoint with one model. Threads may share it.

    Args:
        settings: the judge's.
        environment: where the key is looked up; the process's own if left out.
        spending: what is spent, shared with other judges perhaps; by default with the settings' cap.
        sleep: waits so many seconds between attempts.
        clock: seconds that never go back.

    Raises:
        ConfigurationError: the environment variable of the key is not set.
    """

    def __init__(
        self,
        settings: JudgeSettings,
        *,
        environment: Mapping[str, str] | None = None,
        spending: Spending | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.spending = spending or Spending(settings.cap_usd)
        self.prices = Prices(settings.input_usd_per_million, settings.output_usd_per_million)
        self._url = f"{settings.base_url}/chat/completions"
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        key = _key(settings, os.environ if environment is None else environment)
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._pool = _pool(settings)
        # Graders are never closed; whoever lets go of one lets go of its connections.
        weakref.finalize(self, self._pool.clear)
        self._sleep, self._clock = sleep, clock
        self._places = threading.BoundedSemaphore(settings.concurrency)
        self._dialect = Dialect()
        self._closed: tuple[ConfigurationError, float] | None = None

    def ask(self, messages: Sequence[Message], schema: Mapping[str, Any], name: str) -> Answer:
        """Puts one question.

        Args:
            messages: as the protocol has them.
            schema: the JSON Schema of the answer.
            name: what the schema is called.

        Raises:
            ConfigurationError: key, address or model are refused, or there is no credit left; for the next
                `CLOSED_SECONDS` at once, without asking again.
            JudgeUnavailableError: nobody answers, or not in time, or the endpoint stays busy.
            JudgeRefusedError: the model or its provider's filter will not answer.
            JudgeAnswerError: what came back is none of the protocol's answers, or was cut off.
            SpendingCapError: it could cost more than is left.
        """
        with self._places:
            for _ in range(_MAX_CHANGES):
                self._raise_if_closed()
                dialect = self._dialect
                reply, held = self._put(dialect, messages, schema, name)
                if reply.status == 200:
                    return self._settled(reply, held)
                self.spending.settle(held, 0.0)
                self._adapt(dialect, reply)
        raise ConfigurationError(f"{self._where()} refuses each form of the question: see docs/evals/judges.md")

    def _raise_if_closed(self) -> None:
        closed = self._closed
        if closed is not None and self._clock() < closed[1]:
            # Each raise its own: one that is raised twice gathers the tracebacks of all.
            raise ConfigurationError(str(closed[0]))

    def close(self) -> None:
        """Closes connections."""
        self._pool.clear()

    def _settled(self, reply: _Reply, held: float) -> Answer:
        cost = held
        try:
            answer, usage = read_answer(reply.body, self._where(), self.settings.max_output_tokens)
            if usage is not None:
                cost = self.prices.cost(*usage) or 0.0
        finally:
            # What cannot be read was paid for all the same, nobody says how much.
            self.spending.settle(held, cost)
        if isinstance(answer, Exception):
            raise answer
        return replace(answer, cost_usd=cost if self.prices.known else None)

    def _adapt(self, dialect: Dialect, reply: _Reply) -> None:
        """Leaves out what was refused, or raises what the refusal means."""
        refused = refusal_of(reply.body)
        if reply.status in {400, 422}:
            weaker = dialect.without(refused.words)
            if weaker is not None:
                # Another thread may have learned something in the meantime: only what this one was told of is changed.
                if self._dialect == dialect:
                    self._dialect = weaker
                return
        error = refused.error(reply.status, self._where(), self.settings)
        if isinstance(error, ConfigurationError):
            self._closed = error, self._clock() + CLOSED_SECONDS
        raise error

    def _put(
        self, dialect: Dialect, messages: Sequence[Message], schema: Mapping[str, Any], name: str
    ) -> tuple[_Reply, float]:
        """A reply that says something, and what is set aside for it; asks again while the endpoint is busy."""
        body = orjson.dumps(dialect.body(self.settings, messages, schema, name))
        most = self.prices.most(len(body), len(messages), self.settings.max_output_tokens)
        why = ""
        for attempt in range(self.settings.attempts):
            self.spending.hold(most)
            wait: float | None = None
            try:
                reply = self._post(body)
            except _LostError as error:
                # It may have been answered, and paid for.
                self.spending.settle(most, most if error.sent else 0.0)
                why = str(error)
            except BaseException:
                self.spending.settle(most, most)
                raise
            else:
                if reply.status not in _BUSY or refusal_of(reply.body).is_final:
                    return reply, most
                self.spending.settle(most, 0.0)
                why, wait = f"it answers with status {reply.status}", wait_asked_for(reply.headers)
            if attempt + 1 < self.settings.attempts:
                self._wait(attempt, wait, why)
        raise JudgeUnavailableError(
            f"{self._where()} did not answer in {self.settings.attempts} attempts: {why}. Try later, lower "
            "concurrency, or raise attempts or timeout_seconds"
        )

    def _wait(self, attempt: int, asked: float | None, why: str) -> None:
        longest = self.settings.longest_wait_seconds
        if asked is not None and asked > longest:
            raise JudgeUnavailableError(
                f"{self._where()} asks to wait {asked:.0f} s ({why}): try later, or raise longest_wait_seconds"
            )
        # Threads that were turned away together do not come back together.
        spread = 0.75 + threading.get_ident() // 64 % 100 / 400
        self._sleep(min(longest, max(asked or 0.0, 0.5 * 2**attempt * spread)))

    def _post(self, body: bytes) -> _Reply:
        seconds = self.settings.timeout_seconds
        deadline = time.monotonic() + seconds
        timeout = urllib3.Timeout(connect=min(seconds, _CONNECT_SECONDS), read=seconds)
        try:
            response = self._pool.request(
                *("POST", self._url),
                body=body,
                headers=self._headers,
                timeout=timeout,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            whole = False
            try:
                found = self._read(response, deadline)
                whole = True
            finally:
                # What was not read to its end must not serve another question.
                response.release_conn() if whole else response.close()
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            raise _LostError(f"nobody takes the connection ({type(error).__name__})", sent=False) from error
        except urllib3.exceptions.TimeoutError as error:
            raise _LostError(f"no answer within {seconds:g} s") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _LostError(f"the connection failed ({type(error).__name__})") from error
        return _Reply(response.status, {name.lower(): value for name, value in response.headers.items()}, found)

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        parts, size = [], 0
        # As the bytes come: an endpoint that sends one each second must not keep us for ever.
        while part := response.read1(65_536):
            parts.append(part)
            size += len(part)
            if size > MAX_ANSWER_BYTES:
                raise JudgeAnswerError(f"{self._where()} sent more than {MAX_ANSWER_BYTES} bytes: that is no judge")
            if time.monotonic() > deadline:
                raise _LostError(f"no whole answer within {self.settings.timeout_seconds:g} s")
        return b"".join(parts)

    def _where(self) -> str:
        return f"the judge {self.settings.model} at {self.settings.base_url}"


def _key(settings: JudgeSettings, environment: Mapping[str, str]) -> str:
    if not settings.key_variable:
        return ""
    key = environment.get(settings.key_variable, "").strip()
    if not key:
        raise ConfigurationError(
            f"the judge {settings.model} needs a key: set the environment variable {settings.key_variable}, or write "
            'key_variable: "" where the endpoint takes none'
        )
    if not (key.isascii() and key.isprintable()):
        raise ConfigurationError(f"{settings.key_variable} holds characters that no key has: set it anew")
    return key


def _pool(settings: JudgeSettings) -> urllib3.PoolManager:
    """Through the proxy that the environment names, if any."""
    parts = urlsplit(settings.base_url)
    assert parts.hostname
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.hostname):
        return urllib3.ProxyManager(proxy, maxsize=settings.concurrency)
    return urllib3.PoolManager(maxsize=settings.concurrency)
