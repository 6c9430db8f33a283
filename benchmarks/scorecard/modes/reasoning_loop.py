"""The same again and again, and nothing learnt by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.ground import Ground, tool
from scorecard.model import ModeCard, NearMiss, Recipe, Sought
from scorecard.recorded import Recording
from scorecard.stage import Stage

TOOLS: Final = [
    tool("search_docs", "Searches documents.", ["query"], query="string", page="integer"),
    tool("get_page", "Opens a document.", ["document_id"], document_id="string"),
    tool("job_status", "How far a job is.", ["job_id"], job_id="string"),
    tool("check_stock", "What is in stock.", ["product"], product="string", store="string"),
]
TOPICS: Final = (
    "refund of damaged goods",
    "export of customer list",
    "roaming abroad",
    "invoice address",
    "lost badge",
)
SEARCHED: Final = ("bicycle leasing", "canteen", "dental insurance", "fire drill", "company car", "guest network")
PRODUCTS: Final = ("kettle", "desk lamp", "rucksack", "toaster", "printer ink")
EMPTY: Final = ("[]", "No results.", '{"hits": []}', "Nothing found for this query.")
BEFORE: Final = ("", "how to handle ", "rules for ", "information on ", "the ")
AFTER: Final = ("", " policy", " process", " help", "?")
ERRORS: Final = (
    "503 Service Unavailable, request {id}",
    "Internal error (trace {id}), try again",
    "TimeoutError: upstream did not answer, request id {id}",
    "rate limited, ticket {id}",
)


def _with_tools(stage: Stage, ground: Ground) -> Desk:
    """A session in which the tools of this module are registered beside the ground's own."""
    policy = {"tools": {one["name"]: {"effect": "read"} for one in TOOLS}} if ground.policy is not None else None
    return stage.open(ground, policy=policy, tools=[*(ground.tools or ()), *TOOLS])


def _planted(stage: Stage, desk: Desk, loop: Callable[[Desk], None], cycle: Sequence[str]) -> Sought:
    since: list[int] = []

    def act(desk: Desk) -> None:
        since.append(desk.now_us)
        loop(desk)

    stage.perform(desk, act)
    # Where a cycle is seen to begin is a matter of taste: any of its turns will do.
    evidence: dict[str, Any] = {"cycle": list(cycle)} if len(cycle) == 1 else {}
    return stage.sought(desk, since_us=since[0], **evidence)


def _same_call(stage: Stage) -> Sought:
    ground = stage.ground()
    desk = _with_tools(stage, ground)
    name, arguments = _call(ground, stage.rng)
    answer = stage.any_of(EMPTY)

    def loop(desk: Desk) -> None:
        for _ in range(stage.rng.randrange(3, 8)):
            desk.use(name, arguments, answer)

    return _planted(stage, desk, loop, [name])


def _call(ground: Ground, rng: Random) -> tuple[str, Any]:
    """A call of the recording itself where there is one: an agent repeats what it does anyway."""
    names = {str(one.get("name")) for one in ground.tools or ()}
    own = [one for one in ground.calls if one[0] in names] if isinstance(ground, Recording) else []
    return rng.choice(own) if own else ("search_docs", {"query": rng.choice(TOPICS)})


def _failing(stage: Stage) -> Sought:
    """The same call fails each time, with an error that differs in nothing but its id."""
    desk = _with_tools(stage, stage.ground())
    error, product = stage.any_of(ERRORS), stage.any_of(PRODUCTS)

    def loop(desk: Desk) -> None:
        for _ in range(stage.rng.randrange(3, 7)):
            told = error.format(id=f"{stage.rng.getrandbits(64):016x}")
            desk.use("check_stock", {"product": product}, told, status="error", error="ToolError")

    return _planted(stage, desk, loop, ["check_stock"])


def _back_and_forth(stage: Stage) -> Sought:
    """Two to four calls in turn, each answering what it answered before."""
    desk = _with_tools(stage, stage.ground())
    topic, number = stage.any_of(TOPICS), stage.rng.randrange(10**4)
    turn = [
        ("search_docs", {"query": topic}, f'[{{"id": "doc-{number}"}}]'),
        ("get_page", {"document_id": f"doc-{number}"}, f"This page has moved. See the search for {topic}."),
        ("check_stock", {"product": stage.any_of(PRODUCTS)}, "unknown product"),
        ("job_status", {"job_id": f"j-{number}"}, "no such job"),
    ][: stage.rng.randrange(2, 5)]

    def loop(desk: Desk) -> None:
        for _ in range(stage.rng.randrange(3, 6)):
            for name, arguments, answer in turn:
                desk.use(name, arguments, answer)

    return _planted(stage, desk, loop, [name for name, _, _ in turn])


def _reworded(stage: Stage) -> Sought:
    """The same question in other words, and the same answer."""
    desk = _with_tools(stage, stage.ground())
    topic, answer = stage.any_of(TOPICS), stage.any_of(EMPTY)
    ways = [f"{before}{topic}{after}" for before in BEFORE for after in AFTER]

    def loop(desk: Desk) -> None:
        for way in stage.rng.sample(ways, stage.rng.randrange(4, 7)):
            desk.use("search_docs", {"query": way}, answer)

    return _planted(stage, desk, loop, ["search_docs"])


def _pages_of_nothing(stage: Stage) -> Sought:
    """Page after page of what is empty from the first one on."""
    desk = _with_tools(stage, stage.ground())
    topic, answer = stage.any_of(TOPICS), stage.any_of(EMPTY)

    def loop(desk: Desk) -> None:
        for page in range(1, stage.rng.randrange(5, 9)):
            desk.use("search_docs", {"query": topic, "page": page}, answer)

    return _planted(stage, desk, loop, ["search_docs"])


def _progress(stage: Stage) -> None:
    """A job is watched until it is done; each look brings news."""
    desk = _with_tools(stage, stage.job("support"))
    job, share = f"j-{stage.rng.randrange(10**5)}", 0

    def act(desk: Desk) -> None:
        nonlocal share
        while share < 100:
            share = min(100, share + stage.rng.randrange(15, 40))
            desk.use("job_status", {"job_id": job}, {"job_id": job, "done_percent": share})
            desk.wait(stage.rng.uniform(2, 8))

    stage.perform(desk, act)


def _asked_again(stage: Stage) -> None:
    """The customer asks four times whether something is back in stock, and each time it is looked up."""
    desk = _with_tools(stage, stage.job("support"))
    product = stage.any_of(PRODUCTS)

    def act(desk: Desk) -> None:
        for _ in range(stage.rng.randrange(3, 6)):
            desk.user(stage.any_of(("Is it back?", f"And now, is the {product} there?", "Please look once more.")))
            desk.use("check_stock", {"product": product}, {"product": product, "in_stock": 0})
            desk.say(f"I am sorry, the {product} is still sold out.")

    stage.perform(desk, act)


def _reading_on(stage: Stage) -> None:
    """Page after page, each with something new."""
    desk = _with_tools(stage, stage.job("retrieval"))
    topic = stage.any_of(TOPICS)

    def act(desk: Desk) -> None:
        for page in range(1, stage.rng.randrange(4, 8)):
            hits = [f"doc-{stage.rng.randrange(10**5)}" for _ in range(3)]
            desk.use("search_docs", {"query": topic, "page": page}, {"page": page, "hits": hits})

    stage.perform(desk, act)


def _one_retry(stage: Stage) -> None:
    """A call fails, is tried once more, and goes through."""
    desk = _with_tools(stage, stage.job("support"))
    product, number = stage.any_of(PRODUCTS), stage.rng.randrange(1, 90)

    def act(desk: Desk) -> None:
        told = stage.any_of(ERRORS).format(id=number)
        desk.use("check_stock", {"product": product}, told, status="error", error="ToolError")
        desk.wait(2)
        desk.use("check_stock", {"product": product}, {"product": product, "in_stock": number})

    stage.perform(desk, act)


def _several_searches(stage: Stage) -> None:
    """The handbook is searched for several things in like words, and has none of them."""
    desk = _with_tools(stage, stage.job("retrieval"))
    after, answer = stage.any_of(AFTER), stage.any_of(EMPTY)

    def act(desk: Desk) -> None:
        for topic in stage.rng.sample(SEARCHED, stage.rng.randrange(3, 6)):
            desk.use("search_docs", {"query": f"{topic}{after}"}, answer)

    stage.perform(desk, act)


def _several_things(stage: Stage) -> None:
    """One tool for several things, of which none is there: each is another question."""
    desk = _with_tools(stage, stage.job("support"))

    def act(desk: Desk) -> None:
        for product in stage.rng.sample(PRODUCTS, stage.rng.randrange(3, 6)):
            desk.use("check_stock", {"product": product}, "not in stock")

    stage.perform(desk, act)


def _stores(stage: Stage) -> None:
    """The same product in one store after another."""
    desk = _with_tools(stage, stage.job("support"))
    product = stage.any_of(PRODUCTS)

    def act(desk: Desk) -> None:
        for town in stage.rng.sample(("Leeds", "York", "Hull", "Bath", "Derby", "Truro"), 4):
            desk.use("check_stock", {"product": product, "store": town}, "not in stock")

    stage.perform(desk, act)


CARD: Final = ModeCard(
    mode="reasoning_loop",
    recipes=(
        Recipe("same-call", "Makes one call again and again, with one answer.", _same_call, recorded=True),
        Recipe("failing-call", "Repeats a call that fails the same way each time.", _failing, recorded=True),
        Recipe("back-and-forth", "Goes round between two to four calls.", _back_and_forth, recorded=True),
        Recipe("reworded", "Asks the same in other words, and gets the same.", _reworded, recorded=True),
        Recipe("pages-of-nothing", "Turns pages of which each is empty.", _pages_of_nothing, recorded=True),
    ),
    near_misses=(
        NearMiss("progress", "Watches a job whose state moves on.", _progress),
        NearMiss("asked-again", "Looks again because the customer asks again.", _asked_again),
        NearMiss("reading-on", "Turns pages of which each brings something new.", _reading_on),
        NearMiss("one-retry", "Tries once more what failed.", _one_retry),
        NearMiss("several-searches", "Searches for several things, of which none is there.", _several_searches),
        NearMiss("several-things", "Asks one tool about several things, none of which is there.", _several_things),
        NearMiss("several-stores", "Asks for one thing in several places.", _stores),
    ),
)
