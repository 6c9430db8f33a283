"""What looks like a failure and is none. An agent that is accused here is accused wrongly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from watchkeeper.producers.fleet.model import Call, Conversation, Turn, steps
from watchkeeper.producers.fleet.plays import Play, delegated, resumed
from watchkeeper.producers.fleet.scenario import Brief, Expectation, Job, Scenario
from watchkeeper.producers.fleet.scenarios.caps import warning
from watchkeeper.producers.fleet.scenarios.everyday import QUARTERS, call

_THOUGHT: Final = (
    "The allowance depends on the length of the journey, on the country and on who pays for the meals; each of these"
    " can be read from the question, but the handbook of that year counts a day from noon to noon. "
)


def _pages(_: Brief) -> Job:
    pages = (call("search_documents", query="policy", page=page) for page in range(1, 7))
    return Job(
        goal="Answer from the documents, with the passage.",
        asks=("List every policy that we have.",),
        intent="question",
        script=steps(*pages, Turn("Those are all of them.")),
    )


def _polling(brief: Brief) -> Job:
    def check(conversation: Conversation) -> Turn:
        started = conversation.results[0]["job_id"]
        return call("export_status", job_id=started)

    def answer(conversation: Conversation) -> Turn:
        return Turn(f"It is {conversation.last['status']}.")

    return Job(
        goal="Report the turnover of an account.",
        asks=("Please export the yearly report.", *["Is it ready now?"] * 4),
        intent="report",
        script=steps(call("start_export", report=brief.key), answer, *(check, answer) * 4),
    )


def _retry(brief: Brief) -> Job:
    rate = call("fetch_rate", source="EUR", target="GBP", reference=f"month-end-{brief.key}")
    return Job(
        goal="Report the turnover of an account.",
        asks=("What is a pound worth for the month's end?",),
        intent="report",
        script=steps(rate, rate, lambda seen: Turn(f"A euro is {seen.last['rate']} pounds.")),
    )


def _at_the_cap(brief: Brief) -> Job:
    shop = f"shop-{brief.key}"
    return Job(
        goal="Note the prices of a shop.",
        asks=(f"What does {shop} charge, on all of its six pages?",),
        intent="prices",
        script=steps(*(call("fetch_page", shop=shop, page=page) for page in range(1, 7)), Turn("Noted all of them.")),
    )


def _thinking(_: Brief) -> Job:
    return Job(
        goal="Answer from the documents, with the passage.",
        asks=("Before you look anything up: what would the allowance depend on?",),
        intent="question",
        script=steps(
            Turn("On the length of the journey, the country and who pays for meals.", reasoning=_THOUGHT * 80)
        ),
    )


def _parallel(brief: Brief) -> Job:
    account = f"acct-{brief.chance.randint(100, 999)}"
    calls = tuple(Call("query_account", {"account": account, "quarter": quarter}) for quarter in QUARTERS)
    return Job(
        goal="Report the turnover of an account.",
        asks=(f"Compare the last four quarters of {account}.",),
        intent="report",
        script=steps(Turn(calls=calls), Turn("The second quarter was the best.")),
    )


def _declared_keys(brief: Brief) -> Job:
    return Job(
        goal="Keep notes.",
        asks=("Note what we agreed on, under review.",),
        intent="note",
        script=steps(
            call("save_note", title=f"agreed {brief.key}", body="We ship on Monday.", tags=["review"]), Turn("Noted.")
        ),
    )


def _delegation(brief: Brief) -> Job:
    account = f"acct-{brief.chance.randint(100, 999)}"
    return Job(
        goal="Report the turnover of an account.",
        asks=(f"Report the last quarter of {account}, with our rule on it, and book the review.",),
        intent="report",
        script=steps(
            call("query_account", account=account, quarter="2025-Q2"),
            lambda seen: Turn(f"The turnover was {seen.last['turnover']}."),
        ),
    )


def _in_two_halves(brief: Brief) -> Job:
    order = f"{brief.customer}-1"
    return Job(
        goal="Settle the customer's refund.",
        asks=(f"Where is my order {order}?", "It came broken after all. I want five euros back."),
        intent="refund",
        script=steps(
            call("get_order", order_id=order),
            Turn("It was delivered."),
            call("refund_order", order_id=order, amount=5.0, reason="damaged"),
            Turn("Five euros have been paid back."),
        ),
    )


def _cached(_: Brief) -> Job:
    reports = (call("read_document", document_id=f"annual-report-{year}") for year in range(2020, 2024))
    return Job(
        goal="Answer from the documents, with the passage.",
        asks=("How did our travel rules change since 2020?",),
        intent="question",
        script=steps(*reports, Turn("They grew stricter every year.")),
    )


def near(
    name: str,
    agent: str,
    happens: str,
    shows: str,
    job: Callable[[Brief], Job],
    *,
    expects: tuple[Expectation, ...] = (),
    play: Play | None = None,
    alone: bool = False,
) -> Scenario:
    """A scenario that looks like a failure."""
    return Scenario(
        name=name,
        agent=agent,
        chapter="near_miss",
        happens=happens,
        shows=shows,
        job=job,
        expects=expects,
        play=play,
        alone=alone,
    )


NEAR_MISSES: Final = (
    near(
        "pagination",
        "librarian",
        "Asks for page after page of one search.",
        "Calls that look alike and bring something new are no loop.",
        _pages,
    ),
    near(
        "polling-across-turns",
        "finance-reporter",
        "Makes the same status call each time that the user asks.",
        "Polling across the user's turns is no loop.",
        _polling,
    ),
    near(
        "retry-succeeds",
        "finance-reporter",
        "Repeats a call that failed, and succeeds.",
        "A retry after an error is no loop.",
        _retry,
    ),
    near(
        "exactly-at-cap",
        "price-watch",
        "Uses all six of the calls that it may.",
        "A cap that is reached is warned of, and is not crossed.",
        _at_the_cap,
        expects=(warning("tool_calls"),),
    ),
    near(
        "long-reasoning",
        "librarian",
        "Thinks for pages without calling a tool.",
        "Length is no loop, and an answer without a call is no gap.",
        _thinking,
    ),
    near(
        "parallel-reads",
        "finance-reporter",
        "Calls one tool four times at once, for four quarters.",
        "The same tool with other arguments is no loop.",
        _parallel,
    ),
    near(
        "open-schema",
        "diary-keeper",
        "Uses a tool that takes any key, with the keys that it declares.",
        "An open schema alone is no finding.",
        _declared_keys,
    ),
    near(
        "delegation",
        "finance-reporter",
        "Hands work to two other agents, which do it in sessions of their own.",
        "Three sessions, one tree, each whole.",
        _delegation,
        play=delegated,
    ),
    near(
        "resumed-elsewhere",
        "refund-desk",
        "A session goes on in another process.",
        "Two writers number one session, and there is no gap.",
        _in_two_halves,
        play=resumed,
    ),
    near(
        "cached-context",
        "librarian",
        "Sends a long context again with each request, from the provider's cache.",
        "Cached tokens are no work done again: the cap on tokens stays far.",
        _cached,
    ),
)
