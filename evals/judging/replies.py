"""Replies of endpoints, read: answers, refusals, and how long they ask to wait."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from watchkeeper.evals.judging.discretion import discreet
from watchkeeper.evals.judging.errors import JudgeAnswerError, JudgeRefusedError, JudgeUnavailableError
from watchkeeper.evals.judging.settings import JudgeSettings
from watchkeeper.schemas.errors import ConfigurationError, WatchkeeperError

_FINAL_CODES: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_TOO_LONG: Final = re.compile(
    r"context.{0,20}(length|window)|too (long|many tokens)|maximum.{0,20}tokens", re.IGNORECASE
)
_FILTERED: Final = ("content_filter", "content_policy", "flagged", "moderation")
_CLOSED: Final = {
    401: "does not take the key: correct {variable}",
    403: "is not open to this key: ask for the model, or take another",
    404: "is not there: correct base_url (it ends with /v1 mostly) or model",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a judge said.

    Attributes:
        text: as it came.
        cost_usd: None where no price is known; 0 out of the cache.
    """

    text: str
    cost_usd: float | None = None


def read_answer(
    body: bytes, where: str, max_output_tokens: int
) -> tuple[Answer | WatchkeeperError, tuple[int, int] | None]:
    """The answer in a reply of status 200, or what is wrong with it; and its usage, input and output, where told."""
    try:
        found = orjson.loads(body)
        choice = found["choices"][0]
        message = choice["message"]
        text = _text(message.get("content"))
        refusal = message.get("refusal")
        reason = choice.get("finish_reason")
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        fault = f"{where} does not speak chat completions: its answer has no choices[0].message. Correct base_url"
        return JudgeAnswerError(fault), None
    usage = _usage(found.get("usage"))
    if refusal or reason == "content_filter":
        return JudgeRefusedError(f"{where} will not judge this session ({reason or 'refusal'}): a person must"), usage
    if reason == "length":
        cut = f"{where} was cut off after {max_output_tokens} tokens: raise max_output_tokens"
        return JudgeAnswerError(cut), usage
    if not text.strip():
        return JudgeAnswerError(f"{where} answered nothing: raise max_output_tokens, or take another model"), usage
    return Answer(text), usage


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _usage(found: Any) -> tuple[int, int] | None:
    if not isinstance(found, dict):
        return None
    counts = (found.get("prompt_tokens"), found.get("completion_tokens"))
    if all(isinstance(one, int) and one >= 0 for one in counts):
        return counts[0], counts[1]  # type: ignore[return-value] # both were looked at
    return None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a reply that is no answer says of itself."""

    code: str
    words: str

    @property
    def is_final(self) -> bool:
        """Whether waiting does not help, though the status says so."""
        return self.code in _FINAL_CODES

    def error(self, status: int, where: str, settings: JudgeSettings) -> WatchkeeperError:
        """The error that it is, with what to do."""
        if any(word in self.words for word in _FILTERED):
            return JudgeRefusedError(f"{where} will not judge this session (content filter): a person must")
        if self.is_final or status == 402:
            return ConfigurationError(f"{where} has no credit left ({self.code or status}): see to its billing")
        if 300 <= status < 400:
            return ConfigurationError(f"{where} sends elsewhere (status {status}): write that address as base_url")
        if status in _CLOSED:
            advice = _CLOSED[status].format(variable=settings.key_variable or "key_variable")
            return ConfigurationError(f"{where} {advice}")
        told = discreet(self.words)[:200].strip()
        if status in {400, 413, 422}:
            long = status == 413 or _TOO_LONG.search(self.words)
            advice = "finds the session too long: lower max_prompt_characters"
            refuses = f"refuses the question (status {status}): {told or 'no reason given'}"
            return JudgeAnswerError(f"{where} {advice if long else refuses}")
        return JudgeUnavailableError(f"{where} answers with status {status}: {told or 'no reason given'}; try later")


def refusal_of(body: bytes) -> Refusal:
    """Reads the bodies that endpoints send with errors; they agree on little."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Refusal("", body[:500].decode(errors="replace") if not body.lstrip().startswith(b"<") else "")
    inner = found.get("error", found) if isinstance(found, dict) else found
    if not isinstance(inner, dict):
        return Refusal("", str(inner)[:500])
    parts = [inner.get(name) for name in ("param", "code", "type", "message", "detail")]
    words = " ".join(part if isinstance(part, str) else orjson.dumps(part).decode() for part in parts if part)
    return Refusal(str(inner.get("code") or inner.get("type") or ""), words[:2000])


def wait_asked_for(headers: Mapping[str, str]) -> float | None:
    """Seconds of `Retry-After`, as a number or a date; None where it is not there or cannot be read."""
    told = headers.get("retry-after", "").strip()
    if not told:
        return None
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        moment = email.utils.parsedate_to_datetime(told)
    except ValueError:
        return None
    return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())
