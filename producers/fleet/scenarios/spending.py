"""Money that sessions spend: more than an hour may cost, and more than the agent ever did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from watchkeeper.producers.fleet.model import Turn, steps
from watchkeeper.producers.fleet.scenario import Brief, Expectation, Job, Scenario
from watchkeeper.producers.fleet.scenarios.everyday import QUARTERS, call, ordinary
from watchkeeper.producers.fleet.series import after, in_series, nothing_known, over_days, within_one_hour

SPEND: Final = "cost_runaway"
PAST_DAYS: Final = 4
PAST_SESSIONS: Final = 30
"""On each of them: a session is held against a hundred others at least."""

ANALYSES: Final = 4
"""Sessions of the quarter analyst, each of which costs between a quarter and a third of the hour's budget."""


def _analysis(number: int) -> Callable[[Brief], Job]:
    def job(brief: Brief) -> Job:
        account = f"acct-{brief.chance.randint(100, 999)}-{number}"
        return Job(
            goal="Explain what stands out in an account.",
            asks=(f"What stands out in the statement of {account} for the last quarter?",),
            intent="report",
            script=steps(
                call("read_statement", account=account, quarter=QUARTERS[-1]),
                Turn("Nothing stands twice; two postings are round sums, both to suppliers that you know."),
            ),
        )

    return job


def _look_up(brief: Brief, day: int, number: int) -> Job:
    account = f"acct-{brief.chance.randint(100, 999)}-{day}-{number}"
    return Job(
        goal="Explain what stands out in an account.",
        asks=(f"What was the turnover of {account} in the last quarter?",),
        intent="report",
        script=steps(
            call("query_account", account=account, quarter=QUARTERS[-1]),
            lambda seen: Turn(f"It was {seen.last['turnover']}."),
        ),
    )


def _everything(brief: Brief) -> Job:
    reads = (call("read_statement", account=f"acct-{brief.key}", quarter=quarter) for quarter in QUARTERS)
    return Job(
        goal="Explain what stands out in an account.",
        asks=("Go through the statements of the whole year and tell me what stands out.",),
        intent="report",
        script=steps(*reads, Turn("Nothing stands twice, and no supplier is new.")),
        caches=False,
    )


SPENDING_EVERYDAY: Final = (
    ordinary("everyday-analysis", "book-analyst", "Reads a statement and says what stands out.", _analysis(0)),
)
SPENDING: Final = (
    Scenario(
        name="budget-of-an-hour",
        agent="quarter-analyst",
        chapter=SPEND,
        happens="Four sessions within minutes spend what all sessions of an hour may spend; none reaches its own cap.",
        shows="Spend by agent and hour against a budget, in bands: 80 %, then all of it.",
        job=_analysis(0),
        expects=(
            Expectation(SPEND, "budget_use", "low", {"per": "hour", "band": 0.8}, about="agent"),
            Expectation(SPEND, "budget_use", "high", {"per": "hour", "band": 1.0}, about="agent"),
            Expectation(SPEND, "budget_use", "low", {"per": "hour", "band": None}, about="agent", optional=True),
        ),
        play=within_one_hour(in_series(*(_analysis(number) for number in range(ANALYSES)))),
        alone=True,
    ),
    Scenario(
        name="dollars-among-cents",
        agent="night-analyst",
        chapter=SPEND,
        happens="After days of sessions that cost cents, one reads a whole year and costs dollars, within its cap.",
        shows="A session against the agent's own past, where no budget and no cap would tell.",
        job=_everything,
        expects=(Expectation(SPEND, "spend_outlier", "medium", about="agent"),),
        play=after(over_days(PAST_DAYS, PAST_SESSIONS, _look_up, nothing_known), _everything),
        alone=True,
        past=True,
    ),
)
