"""One question with its cache, and once more where the answer cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from watchkeeper.evals.judging.cache import AnswerCache
from watchkeeper.evals.judging.dialect import Message
from watchkeeper.evals.judging.errors import JudgeAnswerError
from watchkeeper.evals.judging.prompts import VERSION
from watchkeeper.evals.judging.replies import Answer
from watchkeeper.evals.judging.settings import JudgeSettings
from watchkeeper.evals.judging.spending import Prices, Spending

T = TypeVar("T")


class Endpoint(Protocol):
    """Who answers; `endpoint.ChatEndpoint` does."""

    @property
    def settings(self) -> JudgeSettings:
        """The judge's."""

    @property
    def spending(self) -> Spending:
        """What is spent there."""

    @property
    def prices(self) -> Prices:
        """What a question costs."""

    def ask(self, messages: Sequence[Message], schema: Mapping[str, Any], name: str) -> Answer:
        """See `ChatEndpoint.ask`."""


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """An answer that was understood.

    Attributes:
        cost_usd: what it cost now, of unreadable answers before it too; 0 out of the cache, None without prices.
    """

    value: T
    cost_usd: float | None


class Asker:
    """Asks an endpoint.

    Args:
        endpoint: who answers.
        cache: where answers are kept; nothing is kept if None.
    """

    def __init__(self, endpoint: Endpoint, cache: AnswerCache | None = None) -> None:
        self.endpoint = endpoint
        self._cache = cache

    @property
    def settings(self) -> JudgeSettings:
        """The judge's."""
        return self.endpoint.settings

    @property
    def is_priced(self) -> bool:
        """Whether it is known what a question costs."""
        return self.endpoint.prices.known

    @property
    def spent_here_usd(self) -> float:
        """See `Spending.spent_here_usd`."""
        return self.endpoint.spending.spent_here_usd

    def ask(
        self,
        messages: Sequence[Message],
        schema: Mapping[str, Any],
        name: str,
        *,
        repeat: int,
        read: Callable[[str], T],
    ) -> Reading[T]:
        """The answer, as `read` understands it.

        Args:
            messages: the question.
            schema: of the answer.
            name: what the schema is called.
            repeat: the how-manieth time the same is asked on purpose, from 0.
            read: raises `JudgeAnswerError` where it does not understand.

        Raises:
            WatchkeeperError: see `ChatEndpoint.ask`; `JudgeAnswerError` also where two answers could not be read.
        """
        key = AnswerCache.key_of(
            {
                "prompts": VERSION,
                "judge": self.settings.of_answers(),
                "messages": list(messages),
                "schema": schema,
                "repeat": repeat,
            }
        )
        kept = self._cache.get(key) if self._cache else None
        if kept is not None:
            try:
                return Reading(read(kept), 0.0)
            except JudgeAnswerError:
                pass
        costs: list[float | None] = []
        for last in (False, True):
            answer = self.endpoint.ask(messages, schema, name)
            costs.append(answer.cost_usd)
            try:
                value = read(answer.text)
            except JudgeAnswerError:
                if last:
                    raise
                continue
            if self._cache:
                self._cache.put(key, answer.text)
            break
        return Reading(value, total(costs))


def total(costs: Sequence[float | None]) -> float | None:
    """The sum of what is known; None where nothing is."""
    known = [cost for cost in costs if cost is not None]
    return sum(known) if known else None
