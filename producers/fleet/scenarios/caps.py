"""Sessions that run away: calls, tokens, money and time."""

from __future__ import annotations

from typing import Final

from watchkeeper.producers.fleet.model import Call, Conversation, Script, Turn, steps
from watchkeeper.producers.fleet.plays import in_a_hurry, in_the_past
from watchkeeper.producers.fleet.scenario import Brief, Expectation, Job, Scenario
from watchkeeper.producers.fleet.scenarios.everyday import call
from watchkeeper.producers.fleet.worlds.all_worlds import COLD_SECONDS

MODE: Final = "cost_runaway"
HURRY_SECONDS: Final = 5.0
EVERY: Final = 8
"""Of the price-watch sessions every so manieth runs over its cap: an eighth, where the policy allows a twentieth."""


def breach(cap: str, *, by_tick: bool = False) -> Expectation:
    """A cap crossed: at the event that crosses it, or by a tick while no event comes."""
    evidence = {"cap": cap, "by_tick": by_tick}
    return Expectation(MODE, "cap_use", "high", evidence)


def warning(cap: str, *, by_tick: bool = False) -> Expectation:
    """Four fifths of a cap used. Where time tells, a tick may come too late for it, or an event on a slow machine."""
    evidence = {"cap": cap} if by_tick else {"cap": cap, "by_tick": False}
    return Expectation(MODE, "cap_use", "low", evidence, optional=by_tick)


def _orders_without_end(brief: Brief) -> Job:
    def look(conversation: Conversation) -> Turn:
        return Turn(
            "I am still looking through the orders." if conversation.replies % 3 == 2 else "",
            (Call("get_order", {"order_id": f"{brief.customer}-{conversation.replies}"}),),
        )

    return Job(
        goal="Settle the customer's refund.",
        asks=("I want a refund for the thing I bought some time last year.",),
        intent="refund",
        script=lambda conversation, _: look(conversation),
    )


def _report_after_report(first: int) -> Script:
    def read(conversation: Conversation) -> Turn:
        year = first + conversation.replies
        return call("read_document", document_id=f"annual-report-{year}")

    return lambda conversation, _: read(conversation)


def _tokens(_: Brief) -> Job:
    return Job(
        goal="Answer from the documents, with the passage.",
        asks=("How did our travel rules change over the years?",),
        intent="question",
        script=_report_after_report(1960),
        caches=False,
    )


def _money(brief: Brief) -> Job:
    def read(conversation: Conversation) -> Turn:
        account = f"acct-{brief.chance.randint(100, 999)}-{conversation.replies}"
        return call("read_statement", account=account, quarter="2025-Q1")

    return Job(
        goal="Report the turnover of an account.",
        asks=("Go through the statements of all accounts and tell me what stands out.",),
        intent="report",
        script=lambda conversation, _: read(conversation),
        caches=False,
    )


def _slow_shard(brief: Brief) -> Job:
    def next_shard(conversation: Conversation) -> Turn:
        return call("rebuild_index", shard=f"warm-{brief.key}-{conversation.replies}")

    return Job(
        goal="Rebuild the indexes.",
        asks=("Rebuild what changed, the coldest shard first.",),
        intent="rebuild",
        script=steps(
            call("shard_size", shard=f"cold-{brief.key}"), call("rebuild_index", shard=f"cold-{brief.key}"), next_shard
        ),
    )


def _hang(brief: Brief) -> Job:
    return Job(
        goal="Rebuild the indexes.",
        asks=("Rebuild what changed.",),
        script=steps(call("shard_size", shard=f"warm-{brief.key}"), Turn(hangs=True)),
    )


def _nearly(brief: Brief) -> Job:
    owners = ("ada", "ben", "cleo", "dan", "eve", "finn", "gus", "hal", "ida")
    return Job(
        goal="Find an hour and book it.",
        asks=("Who of the team is free on the first of June?",),
        intent="booking",
        script=steps(
            Turn(
                calls=tuple(
                    Call("list_events", {"owner": f"{owner}-{brief.key}", "day": "2025-06-01"}) for owner in owners
                )
            ),
            Turn("Most of them are free in the afternoon."),
        ),
    )


def overshoots(brief: Brief) -> bool:
    """Whether this price-watch session runs over its cap."""
    return brief.number % EVERY == 1


def _prices(brief: Brief) -> Job:
    shop = f"shop-{brief.key}"
    pages = 7 if overshoots(brief) else 2
    return Job(
        goal="Note the prices of a shop.",
        asks=(f"What does {shop} charge today?",),
        intent="prices",
        script=steps(
            *(call("fetch_page", shop=shop, page=page) for page in range(1, pages + 1)), Turn("Noted all of them.")
        ),
    )


CAPS: Final = (
    Scenario(
        name="tool-call-cap",
        agent="refund-desk",
        chapter=MODE,
        happens="Looks at one order after another and never comes to an end.",
        shows="A breach at the very call that crosses the cap, and the session stopped with its best answer so far.",
        job=_orders_without_end,
        # Beyond the cap it is far beyond what its job needs as well.
        expects=(
            warning("tool_calls"),
            breach("tool_calls"),
            Expectation("scope_creep", "tool_budget_exceeded", "medium", {"budget": 5}),
            Expectation("incident", "incident", "high"),
        ),
        stopped=True,
    ),
    Scenario(
        name="token-cap",
        agent="librarian",
        chapter=MODE,
        happens="Reads annual reports, and its provider caches nothing: each request pays for all of them again.",
        shows="Tokens counted as uncached input plus output; stopped.",
        job=_tokens,
        expects=(warning("tokens"), breach("tokens")),
        stopped=True,
    ),
    Scenario(
        name="money-cap",
        agent="finance-reporter",
        chapter=MODE,
        happens="Reads full statements with a model that costs twenty dollars a million tokens.",
        shows="Money by the price book, per request; stopped.",
        job=_money,
        expects=(breach("cost_usd"),),
        stopped=True,
    ),
    Scenario(
        name="slow-tool",
        agent="night-batch",
        chapter=MODE,
        happens="One tool takes longer than the whole session may, and the agent goes on.",
        shows="The wall clock crossed at an event, the tool's result; stopped.",
        job=_slow_shard,
        expects=(breach("wall_clock_seconds"),),
        stopped=True,
        play=in_the_past(COLD_SECONDS),
    ),
    Scenario(
        name="silent-hang",
        agent="night-batch",
        chapter=MODE,
        happens="A request to the model never comes back.",
        shows="Found by the passing of time alone, where no event arrives; the waiting agent is called back.",
        job=_hang,
        expects=(warning("wall_clock_seconds", by_tick=True), breach("wall_clock_seconds", by_tick=True)),
        stopped=True,
        play=in_a_hurry(HURRY_SECONDS),
        slow=True,
    ),
    Scenario(
        name="cap-warning",
        agent="diary-keeper",
        chapter=MODE,
        happens="Uses nine of ten calls, and ends.",
        shows="A warning at 80 % of a cap, and no breach.",
        job=_nearly,
        expects=(warning("tool_calls"),),
    ),
    Scenario(
        name="capped-share",
        agent="price-watch",
        chapter=MODE,
        happens="Every eighth session follows page after page, over its cap.",
        shows="What no session shows: an eighth of the agent's sessions hit the cap, where a twentieth is allowed.",
        job=_prices,
        expects=(
            warning("tool_calls"),
            breach("tool_calls"),
            Expectation(MODE, "capped_share", evidence={"cap": "tool_calls"}, about="agent"),
        ),
        sessions=3 * EVERY,
        misbehaves=overshoots,
    ),
)
