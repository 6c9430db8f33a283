"""What the tests of judges share; the server itself is `contract_judge.Desk`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from contract_judge import KEY, Desk, desk_open, fails

from watchkeeper.evals.judging.asking import Asker
from watchkeeper.evals.judging.cache import AnswerCache
from watchkeeper.evals.judging.endpoint import ChatEndpoint
from watchkeeper.evals.judging.settings import JudgeSettings
from watchkeeper.evals.judging.spending import Spending


@pytest.fixture(scope="session")
def one_desk() -> Iterator[Desk]:
    with desk_open() as desk:
        yield desk


@pytest.fixture
def desk(one_desk: Desk) -> Desk:
    one_desk.will(fails(500))
    return one_desk


@pytest.fixture
def settings(desk: Desk) -> Callable[..., JudgeSettings]:
    """Settings of the desk's judge."""

    def make(**given: Any) -> JudgeSettings:
        prices = {"input_usd_per_million": 1.0, "output_usd_per_million": 10.0}
        values: dict[str, Any] = {
            "base_url": desk.url,
            "model": "gpt-test",
            "key_variable": "JUDGE_KEY",
            "timeout_seconds": 30.0,
            **prices,
        }
        return JudgeSettings(**(values | given))

    return make


@pytest.fixture
def waits() -> list[float]:
    """The seconds that the client waited, instead of waiting."""
    return []


@pytest.fixture
def endpoint(settings: Callable[..., JudgeSettings], waits: list[float]) -> Iterator[Callable[..., ChatEndpoint]]:
    made: list[ChatEndpoint] = []

    def make(
        *,
        key: str = KEY,
        spending: Spending | None = None,
        clock: Callable[[], float] = time.monotonic,
        **given: Any,
    ) -> ChatEndpoint:
        found = ChatEndpoint(
            settings(**given), environment={"JUDGE_KEY": key}, spending=spending, sleep=waits.append, clock=clock
        )
        made.append(found)
        return found

    yield make
    for one in made:
        one.close()


@pytest.fixture
def asker(endpoint: Callable[..., ChatEndpoint]) -> Callable[..., Asker]:
    def make(*, cache: AnswerCache | None = None, **given: Any) -> Asker:
        return Asker(endpoint(**given), cache)

    return make
