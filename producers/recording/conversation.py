"""Recording the conversation with a model: requests, responses, reasoning, and the tools that it calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from watchkeeper.producers.recording.boundary import contained, nothing
from watchkeeper.producers.recording.telling import Telling, remember
from watchkeeper.producers.writing.names import text_of

ResultStatus: TypeAlias = Literal["ok", "error", "timeout", "rejected", "cancelled"]
Trust: TypeAlias = Literal["trusted", "untrusted"]


class Conversation(Telling):
    """The methods that tell of models and tools."""

    def __init__(self, model: str = "", provider: str = "") -> None:
        self._model = model
        self._provider = provider
        self._calls: dict[str, tuple[str, int]] = {}
        self._requests: dict[str, tuple[str, str, int]] = {}
        self._last_request = ""

    @contained(fallback=str)
    def prompt(
        self,
        messages: Any,
        *,
        system: Any = None,
        tools: Any = None,
        model: str = "",
        provider: str = "",
        prompt_version: str = "",
        parameters: Mapping[str, Any] | None = None,
        request_id: str | None = None,
    ) -> str:
        """A request to a model begins.

        Args:
            messages: all messages that the model is shown, in order, in whatever form the client takes: each one is
                kept verbatim. What was sent before is not sent again.
            system: the system prompt, where it stands apart from the messages.
            tools: tool schemas as handed to the model, where they differ from the session's.
            model: its name.
            provider: who runs it.
            prompt_version: the version of the template.
            parameters: temperature and the like.
            request_id: names the request; made up where it is None.

        Returns:
            The request's id, for `response`.
        """
        request = request_id or self._new_id("request")
        model, provider = model or self._model, provider or self._provider
        remember(self._requests, request, (model, provider, self._stopwatch()))
        self._last_request = request
        fields = {
            "request_id": request,
            "model": model,
            "provider": provider,
            "prompt_version": prompt_version,
            "system": system,
            "messages": messages,
            "tools": tools,
            "parameters": parameters,
        }
        self._about_to("prompt", fields)
        return request

    @contained(fallback=nothing)
    def reasoning(self, text: str, *, summary: bool = False) -> None:
        """Reasoning that the model exposed; `summary` where it is only a digest of it."""
        self._happened("reasoning", {"text": text, "summary": summary})

    @contained(fallback=nothing)
    def response(
        self,
        text: Any = None,
        *,
        usage: Any = None,
        request_id: str | None = None,
        answer: bool = False,
        model: str = "",
        provider: str = "",
        finish_reason: str = "",
        abstained: bool | None = None,
        error: BaseException | str | None = None,
        reported_cost_usd: float | None = None,
        duration_us: int | None = None,
    ) -> None:
        """A request to a model ended.

        Args:
            text: what the model said; None where it only called tools.
            usage: token counts, as the client gives them (see `watchkeeper.producers.writing.usage`).
            request_id: what `prompt` answered; the session's last request, if None.
            answer: whether the text is meant for the user. The last one is the session's best answer so far.
            model: the model that answered, where it differs from the one that was asked.
            provider: likewise.
            finish_reason: why the model stopped.
            abstained: whether the agent declined to answer; None where it does not say.
            error: the exception that ended the request, or the name of its kind.
            reported_cost_usd: the cost that the runtime reports, in US dollars.
            duration_us: microseconds that it took; measured from `prompt` where it is None.
        """
        request = request_id or self._last_request or self._new_id("request")
        asked_model, asked_provider, begun = self._requests.pop(request, (self._model, self._provider, None))
        if duration_us is None and begun is not None:
            duration_us = max(0, self._stopwatch() - begun)
        if answer and text is not None:
            self._best_answer = text_of(text)
        fields = {
            "request_id": request,
            "model": model or asked_model,
            "provider": provider or asked_provider,
            "text": text,
            "answer": answer or None,
            "usage": usage,
            "finish_reason": finish_reason,
            "duration_us": duration_us,
            "abstained": abstained,
            "error_type": type(error).__name__ if isinstance(error, BaseException) else error,
            "reported_cost_usd": reported_cost_usd,
        }
        self._happened("response", fields)

    @contained(fallback=str)
    def tool_call(
        self, tool_name: str, arguments: Any = None, *, call_id: str | None = None, idempotency_key: str = ""
    ) -> str:
        """A tool call begins: say so *before* the tool runs, so that one which hangs is seen.

        Args:
            tool_name: the tool's name, as the model gave it.
            arguments: a mapping, or the model's own text: JSON in it is read, anything else is kept as text.
            call_id: the model's id for the call; made up where it is None.
            idempotency_key: what makes a repeat harmless.

        Returns:
            The call's id, for `tool_result`.
        """
        call = call_id or self._new_id("call")
        remember(self._calls, call, (tool_name, self._stopwatch()))
        fields = {
            "tool_call_id": call,
            "tool_name": tool_name,
            "arguments": arguments,
            "idempotency_key": idempotency_key,
        }
        self._about_to("tool_call", fields)
        return call

    @contained(fallback=nothing)
    def tool_result(
        self,
        call_id: str,
        result: Any = None,
        *,
        status: ResultStatus | None = None,
        error: BaseException | str | None = None,
        trust: Trust = "untrusted",
        tool_name: str = "",
        duration_us: int | None = None,
    ) -> None:
        """A tool call ended.

        Args:
            call_id: what `tool_call` answered.
            result: what the tool gave back: a text, or anything that has a JSON form.
            status: how it went; `error` where an error is given, else `ok`.
            error: the exception, or the name of its kind. Without a result its message is kept as the result.
            trust: whether the source may carry instructions; what comes from outside is `untrusted`.
            tool_name: needed only where the call was begun by another process.
            duration_us: microseconds that it took; measured from `tool_call` where it is None.
        """
        fields = self._result_fields(
            call_id, result, status=status, error=error, trust=trust, tool_name=tool_name, duration_us=duration_us
        )
        self._happened("tool_result", fields)

    @contained(fallback=nothing)
    def tool_failed(
        self, call_id: str, error: BaseException, *, status: ResultStatus = "error", trust: Trust = "untrusted"
    ) -> None:
        """A tool call ended in an exception that is about to reach the host.

        Unlike `tool_result` it never raises, also where the session was stopped: the host must see its own exception.
        """
        self._record("tool_result", self._result_fields(call_id, None, status=status, error=error, trust=trust))

    def _result_fields(
        self,
        call_id: str,
        result: Any,
        *,
        status: ResultStatus | None,
        error: BaseException | str | None,
        trust: Trust,
        tool_name: str = "",
        duration_us: int | None = None,
    ) -> dict[str, Any]:
        name, begun = self._calls.pop(call_id, ("", None))
        raised = isinstance(error, BaseException)
        if duration_us is None and begun is not None:
            duration_us = max(0, self._stopwatch() - begun)
        return {
            "tool_call_id": call_id,
            "tool_name": tool_name or name or "(unknown)",
            "status": status or ("ok" if error is None else "error"),
            "result": text_of(str(error)) if raised and result is None else result,
            "error_type": type(error).__name__ if raised else error,
            "duration_us": duration_us,
            "trust": trust,
        }
