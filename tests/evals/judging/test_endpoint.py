"""The client against a real server: answers, refusals, patience, caps, and what it never tells."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from contract_judge import KEY, Behaviour, Body, Desk, completion, fails, says
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from watchkeeper.evals.judging.endpoint import CLOSED_SECONDS, ChatEndpoint
from watchkeeper.evals.judging.errors import (
    JudgeAnswerError,
    JudgeRefusedError,
    JudgeUnavailableError,
    SpendingCapError,
)
from watchkeeper.evals.judging.replies import Answer
from watchkeeper.evals.judging.settings import JudgeSettings
from watchkeeper.evals.judging.spending import Spending
from watchkeeper.schemas.errors import ConfigurationError, WatchkeeperError

MESSAGES = [{"role": "system", "content": "Judge."}, {"role": "user", "content": "This: “é”."}]
SCHEMA: dict[str, Any] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
Make = Callable[..., ChatEndpoint]


def ask(endpoint: ChatEndpoint) -> Answer:
    return endpoint.ask(MESSAGES, SCHEMA, "grades")


def test_a_question_is_what_the_protocol_says_and_costs_what_the_usage_says(desk: Desk, endpoint: Make) -> None:
    desk.will(says('{"a": 1}'))
    made = endpoint(seed=7)
    answer = ask(made)
    assert answer.text == '{"a": 1}'
    assert answer.cost_usd == pytest.approx(1000 / 1e6 + 100 * 10 / 1e6)
    assert made.spending.spent_usd == pytest.approx(0.002)
    (body,) = desk.asked
    assert body == {
        "model": "gpt-test",
        "messages": MESSAGES,
        "max_tokens": 4000,
        "temperature": 0.0,
        "seed": 7,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "grades", "strict": True, "schema": SCHEMA},
        },
    }
    assert desk.headers[0]["authorization"] == f"Bearer {KEY}"


def test_an_endpoint_without_a_key_is_sent_none(desk: Desk, endpoint: Make) -> None:
    desk.will(says("{}"))
    ask(endpoint(key_variable=""))
    assert "authorization" not in desk.headers[0]


def test_text_in_parts_is_put_together(desk: Desk, endpoint: Make) -> None:
    reply = completion(None)
    reply["choices"][0]["message"]["content"] = [{"type": "text", "text": "{"}, {"type": "text", "text": "}"}]
    desk.will(lambda _: JSONResponse(reply))
    assert ask(endpoint()).text == "{}"


def picky(*, known: set[str]) -> Behaviour:
    """A server that knows few parameters, and says so as OpenAI does."""

    def answer(body: Body) -> Response:
        for name in body:
            if name not in known | {"model", "messages"}:
                told = {"message": f"Unsupported parameter: '{name}' is not supported with this model.", "param": name}
                return JSONResponse({"error": {**told, "code": "unsupported_parameter"}}, 400)
        return JSONResponse(completion("{}"))

    return answer


def test_what_an_endpoint_does_not_know_is_left_out_from_then_on(desk: Desk, endpoint: Make) -> None:
    desk.will(picky(known={"max_completion_tokens"}))
    made = endpoint(seed=1)
    ask(made)
    first = len(desk.asked)
    # Form of answer (twice), name of the limit, temperature, seed; then it is taken.
    assert first == 6
    ask(made)
    assert len(desk.asked) == first + 1
    assert set(desk.asked[-1]) == {"model", "messages", "max_completion_tokens"}


def test_json_objects_are_asked_for_where_schemas_are_not_known(desk: Desk, endpoint: Make) -> None:
    def no_schemas(body: Body) -> Response:
        if body["response_format"]["type"] == "json_schema":
            return JSONResponse({"object": "error", "message": "response_format json_schema is not supported"}, 422)
        return JSONResponse(completion("{}"))

    desk.will(no_schemas)
    assert ask(endpoint()).text == "{}"
    assert [body["response_format"]["type"] for body in desk.asked] == ["json_schema", "json_object"]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_a_busy_endpoint_is_asked_again_with_growing_waits(
    desk: Desk, endpoint: Make, waits: list[float], status: int
) -> None:
    desk.will(fails(status), fails(status), fails(status), says("{}"))
    made = endpoint()
    assert ask(made).text == "{}"
    assert len(waits) == 3
    assert 0 < waits[0] < waits[1] < waits[2] < 3
    # What was turned away cost nothing.
    assert made.spending.spent_usd == pytest.approx(0.002)


def test_retry_after_is_obeyed_in_seconds_and_as_a_date(desk: Desk, endpoint: Make, waits: list[float]) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    desk.will(fails(429, retry_after="7"), fails(503, retry_after=date), fails(429, retry_after="soon"), says("{}"))
    ask(endpoint())
    assert waits[0] == 7
    assert 25 < waits[1] <= 40
    assert waits[2] < 3


def test_an_endpoint_that_asks_for_too_much_patience_is_given_up(
    desk: Desk, endpoint: Make, waits: list[float]
) -> None:
    desk.will(fails(429, retry_after="3600"))
    with pytest.raises(JudgeUnavailableError, match=r"asks to wait 3600 s.*longest_wait_seconds"):
        ask(endpoint())
    assert (len(desk.asked), waits) == (1, [])


def test_attempts_come_to_an_end(desk: Desk, endpoint: Make, waits: list[float]) -> None:
    desk.will(fails(503))
    with pytest.raises(JudgeUnavailableError, match=r"3 attempts: it answers with status 503"):
        ask(endpoint(attempts=3))
    assert (len(desk.asked), len(waits)) == (3, 2)


def test_no_credit_left_is_not_waited_for(desk: Desk, endpoint: Make) -> None:
    desk.will(fails(429, {"code": "insufficient_quota", "message": "You exceeded your current quota"}))
    with pytest.raises(ConfigurationError, match="billing"):
        ask(endpoint())
    assert len(desk.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "match"),
    [
        (401, {"message": f"Incorrect API key provided: {KEY}"}, "JUDGE_KEY"),
        (403, {"message": "no access"}, "not open to this key"),
        (404, {"message": "model not found"}, "correct base_url"),
        (402, {"message": "Insufficient Balance"}, "billing"),
        (307, None, "write that address as base_url"),
    ],
)
def test_a_refused_key_address_or_model_is_told_once_and_not_asked_again(
    desk: Desk, endpoint: Make, status: int, body: Any, match: str
) -> None:
    desk.will(fails(status, body, location="http://127.0.0.1:1/"))
    made = endpoint()
    for _ in range(3):
        with pytest.raises(ConfigurationError, match=match) as told:
            ask(made)
        assert KEY not in str(told.value)
    assert len(desk.asked) == 1


def test_what_was_put_right_is_found_out_after_a_while(desk: Desk, endpoint: Make) -> None:
    desk.will(fails(402), says("{}"))
    now = 0.0
    made = endpoint(clock=lambda: now)
    with pytest.raises(ConfigurationError, match="billing"):
        ask(made)
    now = CLOSED_SECONDS - 1
    with pytest.raises(ConfigurationError, match="billing"):
        ask(made)
    now = CLOSED_SECONDS + 1
    assert ask(made).text == "{}"
    assert len(desk.asked) == 2


@pytest.mark.parametrize(
    ("behaviour", "error", "match"),
    [
        (says("{", finish="length"), JudgeAnswerError, "cut off after 4000 tokens: raise max_output_tokens"),
        (says(None, refusal="I cannot"), JudgeRefusedError, "a person must"),
        (says("", finish="content_filter"), JudgeRefusedError, "content_filter"),
        (says("  "), JudgeAnswerError, "answered nothing"),
        (lambda _: JSONResponse({"choices": []}), JudgeAnswerError, "does not speak chat completions"),
        (lambda _: PlainTextResponse("<html>hello</html>"), JudgeAnswerError, "Correct base_url"),
        (lambda _: PlainTextResponse('{"choices": [{"mess'), JudgeAnswerError, "Correct base_url"),
        (lambda _: JSONResponse([1]), JudgeAnswerError, "Correct base_url"),
        (fails(400, {"code": "context_length_exceeded", "message": "maximum context length is 8192 tokens"}),
         JudgeAnswerError, "lower max_prompt_characters"),
        (fails(413), JudgeAnswerError, "lower max_prompt_characters"),
        (fails(400, {"code": "content_filter", "message": "filtered"}), JudgeRefusedError, "a person must"),
        (fails(403, {"message": "your input was flagged by moderation"}), JudgeRefusedError, "a person must"),
        (fails(400, {"message": "bad thing of ada@example.com, 4111 1111 1111 1111"}), JudgeAnswerError, r"\[mail\]"),
    ],
)  # fmt: skip
def test_what_is_no_answer_says_what_to_do(
    desk: Desk, endpoint: Make, behaviour: Behaviour, error: type[Exception], match: str
) -> None:
    desk.will(behaviour)
    with pytest.raises(error, match=match) as told:
        ask(endpoint())
    assert isinstance(told.value, WatchkeeperError)
    assert "4111" not in str(told.value)
    assert len(desk.asked) == 1


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Lets slow answers end, so that the server is free for the next test."""
    event = threading.Event()
    yield event
    event.set()


def test_an_answer_that_does_not_come_is_not_waited_for(desk: Desk, endpoint: Make, release: threading.Event) -> None:
    def slow(_: Body) -> Response:
        release.wait(30)
        return JSONResponse(completion("{}"))

    desk.will(slow)
    made = endpoint(timeout_seconds=0.3, attempts=2, max_output_tokens=1000)
    with pytest.raises(JudgeUnavailableError, match=r"no answer within 0\.3 s"):
        ask(made)
    release.set()
    assert len(desk.asked) == 2
    # Both may have been answered and paid for: they count in full, at the most that they can have cost.
    assert made.spending.spent_usd > 2 * 1000 * 10 / 1e6


def test_an_answer_in_drops_has_a_deadline_as_a_whole(desk: Desk, endpoint: Make, release: threading.Event) -> None:
    def drops(_: Body) -> Response:
        def parts() -> Iterator[bytes]:
            while not release.wait(0.05):
                yield b" "

        return StreamingResponse(parts(), media_type="application/json")

    desk.will(drops)
    began = time.monotonic()
    with pytest.raises(JudgeUnavailableError, match="no whole answer within 1 s"):
        ask(endpoint(timeout_seconds=1.0, attempts=1))
    assert time.monotonic() - began < 20


def test_a_flood_is_not_read_to_its_end(desk: Desk, endpoint: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchkeeper.evals.judging.endpoint.MAX_ANSWER_BYTES", 1000)
    desk.will(lambda _: PlainTextResponse("x" * 100_000))
    with pytest.raises(JudgeAnswerError, match="that is no judge"):
        ask(endpoint())


def test_nobody_there(endpoint: Make, waits: list[float]) -> None:
    made = endpoint(base_url="http://127.0.0.1:1/v1", attempts=2)
    with pytest.raises(JudgeUnavailableError, match="2 attempts: nobody takes the connection"):
        ask(made)
    assert len(waits) == 1
    assert made.spending.spent_usd == 0


def test_a_connection_that_breaks_may_have_been_paid_for(endpoint: Make, waits: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            connection, _ = listener.accept()
            connection.recv(10)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        made = endpoint(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}/v1", attempts=1)
        with pytest.raises(JudgeUnavailableError, match="the connection failed"):
            ask(made)
        thread.join(30)
    assert made.spending.spent_usd > 4000 * 10 / 1e6


def test_the_cap_stops_before_it_is_crossed(desk: Desk, endpoint: Make) -> None:
    desk.will(says("{}"))
    # One question can cost a little over a cent: 1,000 tokens of answer at most, and a token for each of its bytes.
    made = endpoint(cap_usd=0.05, max_output_tokens=1000)
    for _ in range(20):
        ask(made)
    with pytest.raises(SpendingCapError, match=r"cap of \$0\.05 would not hold.*Raise cap_usd"):
        ask(made)
    assert len(desk.asked) == 20
    assert made.spending.spent_usd == pytest.approx(0.04)


def test_the_cap_holds_over_threads(desk: Desk, endpoint: Make) -> None:
    desk.will(says("{}", usage=(300, 1000)))
    made = endpoint(cap_usd=0.055, max_output_tokens=1000, concurrency=8)

    def one(_: int) -> bool:
        try:
            ask(made)
        except SpendingCapError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        answered = sum(pool.map(one, range(40)))
    assert answered == len(desk.asked)
    assert 1 <= answered <= 5
    assert made.spending.spent_usd <= 0.055


def test_an_answer_without_usage_counts_in_full(desk: Desk, endpoint: Make) -> None:
    desk.will(says("{}", usage=None))
    made = endpoint(max_output_tokens=1000)
    assert ask(made).cost_usd == made.spending.spent_usd > 1000 * 10 / 1e6


def test_spending_can_be_shared_and_prices_left_out(desk: Desk, endpoint: Make) -> None:
    desk.will(says("{}"))
    purse = Spending(1.0)
    ask(endpoint(spending=purse))
    ask(endpoint(spending=purse))
    assert purse.spent_usd == pytest.approx(0.004)
    free = endpoint(input_usd_per_million=None, output_usd_per_million=None)
    assert ask(free).cost_usd is None


def test_no_more_questions_are_under_way_than_allowed(desk: Desk, endpoint: Make) -> None:
    meet = threading.Barrier(2, timeout=30)

    def together(_: Body) -> Response:
        meet.wait()
        return JSONResponse(completion("{}"))

    desk.will(together)
    made = endpoint(concurrency=2)
    with ThreadPoolExecutor(8) as pool:
        assert all(answer.text == "{}" for answer in pool.map(lambda _: ask(made), range(8)))
    assert desk.most == 2


@pytest.mark.parametrize("key", ["", "  ", "sk-\x00", "schlüssel"])
def test_a_key_that_is_none_is_told_before_anything_is_asked(endpoint: Make, key: str) -> None:
    with pytest.raises(ConfigurationError, match="JUDGE_KEY"):
        endpoint(key=key)


def test_a_proxy_of_the_environment_is_used(desk: Desk, endpoint: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", desk.url.removesuffix("/v1"))
    monkeypatch.setenv("no_proxy", "")
    desk.will(says("{}"))
    # The proxy is asked for a host that no resolver knows; this one answers whatever stands in its path.
    with pytest.raises(ConfigurationError, match="is not there"):
        ask(endpoint(base_url="http://judge.invalid/elsewhere"))
    assert desk.asked == []


def test_settings_hold_no_key(settings: Callable[..., JudgeSettings], endpoint: Make) -> None:
    assert KEY not in settings().model_dump_json()
    assert KEY not in repr(endpoint().settings)
