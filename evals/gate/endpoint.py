"""Candidates behind HTTP: whatever speaks OpenAI-compatible chat."""

from __future__ import annotations

from typing import Any, Final

import orjson
import urllib3

from watchkeeper.evals.gate.answers import Answer, CandidateError
from watchkeeper.evals.gate.candidates import EndpointOptions, Question
from watchkeeper.evals.gate.prompts import chat_messages, documents_message
from watchkeeper.evals.interaction import ToolUse
from watchkeeper.evals.reading.messages import calls_of, reasoning_of, text_of
from watchkeeper.schemas.errors import ConfigurationError

_PATH: Final = "/chat/completions"
_AGAIN: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_SHOWN: Final = 300


class ChatEndpoint:
    """`https://host/v1#model`: asked by POST to `/chat/completions` below the address.

    Documents go into a system message before the others. `seed` is sent; where an endpoint refuses it, `body` may say
    `{"seed": null}`. Calls of tools are told as they were asked for; nobody carries them out.

    Raises:
        ConfigurationError: the address names no model.
    """

    timed: Final = True

    def __init__(self, named: str, options: EndpointOptions) -> None:
        address, _, model = named.partition("#")
        if not model:
            raise ConfigurationError(f"{address} names no model: write {address.rstrip('/')}#gpt-4o-mini")
        self._address = address.rstrip("/") + ("" if address.rstrip("/").endswith(_PATH) else _PATH)
        self._model = model
        self._options = options
        self._pool = urllib3.PoolManager(maxsize=64, retries=False)

    def ask(self, question: Question) -> Answer:
        """Asks it; see `Candidate`."""
        sent = {"model": self._model, "messages": _messages(question), "seed": question.seed, **self._options.body}
        body = orjson.dumps({name: value for name, value in sent.items() if value is not None})
        headers = {"Content-Type": "application/json"}
        if self._options.key:
            headers["Authorization"] = f"Bearer {self._options.key}"
        try:
            response = self._pool.request("POST", self._address, body=body, headers=headers, timeout=question.timeout_s)
        except urllib3.exceptions.NewConnectionError as error:
            # Some versions count it among time-outs.
            raise self._away(error) from error
        except urllib3.exceptions.TimeoutError as error:
            raise CandidateError(
                "timed_out", f"{self._address} did not answer within {question.timeout_s:g} s", transient=True
            ) from error
        except urllib3.exceptions.HTTPError as error:
            raise self._away(error) from error
        raw = response.data or b""
        if response.status >= 300:
            raise self._refused(response.status, response.headers.get("Retry-After"), raw)
        return self._read(raw)

    def _away(self, error: Exception) -> CandidateError:
        return CandidateError("unavailable", f"{self._address} cannot be reached: {error}", transient=True)

    def _refused(self, status: int, wait: str | None, raw: bytes) -> CandidateError:
        again = status in _AGAIN
        return CandidateError(
            "unavailable" if again else "refused",
            f"{self._address} answered {status}: {raw[:_SHOWN].decode(errors='replace')}",
            transient=again,
            wait_s=float(wait) if wait and wait.replace(".", "", 1).isdigit() else None,
        )

    def _read(self, raw: bytes) -> Answer:
        try:
            document = orjson.loads(raw)
            message = document["choices"][0]["message"]
            usage = document.get("usage") or {}
            tokens = int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError, ValueError) as error:
            raise CandidateError(
                "malformed",
                f"{self._address} did not answer as a chat endpoint does: {raw[:_SHOWN].decode(errors='replace')}",
            ) from error
        tools = [
            ToolUse(call_id=call.call_id, name=call.name, arguments=call.arguments)
            for call in calls_of(message)
            if call.name
        ]
        return Answer(
            text=text_of(message),
            reasoning=reasoning_of(message),
            tools=tuple(tools),
            model=_word(document.get("model")) or self._model,
            input_tokens=tokens[0],
            output_tokens=tokens[1],
        )

    def close(self) -> None:
        """Closes connections."""
        self._pool.clear()


def _messages(question: Question) -> list[dict[str, Any]]:
    documents = documents_message(question.case)
    return [*([documents] if documents else []), *chat_messages(question.case)]


def _word(given: Any) -> str:
    return given if isinstance(given, str) else ""
