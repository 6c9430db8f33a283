"""What an agent did in a period, as `watchkeeper policy infer` needs it: quantiles out of the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from watchkeeper.cli import queries
from watchkeeper.cli.exit_codes import NotFoundError
from watchkeeper.cli.policies import observed_sql as sql
from watchkeeper.cli.store import ReadStore
from watchkeeper.schemas.errors import WatchkeeperError
from watchkeeper.schemas.policy import CAP_NAMES
from watchkeeper.stream_processors.detection.tools import ToolRegistry


class TooFewSessionsError(WatchkeeperError):
    """There are fewer sessions than quantiles can be taken of; the message says how to have more."""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """What a figure was: in the middle, and at its upper end."""

    p50: float
    p95: float
    p99: float
    most: float


@dataclass(frozen=True, slots=True)
class SeenTool:
    """How a tool was used.

    Attributes:
        calls: of all sessions.
        sessions: that called it.
        a_session: calls of a session that called it.
        an_hour: calls of an hour in which it was called.
        seconds: from call to result; None where nothing was timed.
        failed_share: of its results.
    """

    name: str
    calls: int
    sessions: int
    a_session: Quantiles
    an_hour: Quantiles
    seconds: Quantiles | None
    failed_share: float


@dataclass(frozen=True, slots=True)
class Observed:
    """What an agent did.

    Attributes:
        sessions: that it ended in the period.
        accused: of them, those in which something of severity high or critical was found: nothing is learnt from them.
        unpriced: of them, those with requests that have no price.
        caps: by the cap's name, over sessions that nothing was found in; without `cost_usd` where nothing has a price.
        spend: US dollars of an `hour`, a `day` and a `user_day`; empty where requests have no price.
        tools: that were called, by name.
        registered: the tools of the newest session that told them; None where none did.
        registered_list: the same as they were registered.
    """

    agent: str
    since: datetime
    until: datetime
    sessions: int
    accused: int
    unpriced: int
    users: int
    caps: dict[str, Quantiles]
    spend: dict[str, Quantiles]
    tools: list[SeenTool] = field(default_factory=list)
    registered: ToolRegistry | None = None
    registered_list: list[Any] = field(default_factory=list)


MIN_USERS: Final = 20
"""Users below which nothing is said of one user's day."""


def observe(
    store: ReadStore,
    agent: str,
    *,
    since: datetime,
    until: datetime,
    tenant: str = "",
    origin: str = "live",
    min_sessions: int,
) -> Observed:
    """Looks at an agent.

    Raises:
        NotFoundError: no session of the agent ended in the period.
        TooFewSessionsError: fewer than `min_sessions` did, those in which something bad was found left out.
    """
    about = {"agent": agent, "since": since, "until": until, "tenant": tenant, "origin": origin}
    counted = store.rows(sql.COUNTS, **about)[0]
    _enough(store, counted, about, min_sessions)
    caps = store.rows(sql.CAPS, **about)[0]
    names = [name for name in CAP_NAMES if name != "cost_usd" or (caps["priced"] and not counted["with_unpriced"])]
    registered = _registered(store, about)
    return Observed(
        agent=agent,
        since=since,
        until=until,
        sessions=counted["sessions"],
        accused=counted["accused"],
        unpriced=counted["with_unpriced"],
        users=counted["users"],
        caps={name: _quantiles(caps[name], caps[f"{name}_max"]) for name in names},
        spend=_spend(store, about) if "cost_usd" in names else {},
        tools=_tools(store, about),
        registered=None if registered is None else ToolRegistry(registered),
        registered_list=registered or [],
    )


def _enough(store: ReadStore, counted: dict[str, Any], about: dict[str, Any], least: int) -> None:
    sound = counted["sessions"] - counted["accused"]
    agent = about["agent"]
    if not counted["sessions"]:
        near = store.rows(sql.NEAREST_AGENTS, agent=agent, since=about["since"], tenant=about["tenant"])
        names = ", ".join(row["agent_id"] for row in near)
        raise NotFoundError(
            f"no {about['origin']} session of the agent {agent} ended in the period: "
            + (
                f"there are sessions of {names}; name one of them, or look further back with --since"
                if names
                else "look further back with --since"
            )
        )
    if sound < least:
        left_out = (
            f" ({counted['accused']} more with findings of severity high are left out)" if counted["accused"] else ""
        )
        raise TooFewSessionsError(
            f"{sound} sessions of {agent}{left_out} are too few to learn from: look further back with --since, "
            f"or ask for fewer than {least} with --min-sessions"
        )


def _spend(store: ReadStore, about: dict[str, Any]) -> dict[str, Quantiles]:
    row = store.rows(sql.SPEND, **about)[0]
    return {name: _quantiles(row[name], row[name][-1]) for name in ("hour", "day", "user_day") if row[name]}


def _tools(store: ReadStore, about: dict[str, Any]) -> list[SeenTool]:
    hours = {row["tool"]: row["an_hour"] for row in store.rows(sql.CALLS_AN_HOUR, type="tool_call", **about)}
    results = {row["tool"]: row for row in store.rows(sql.RESULTS, type="tool_result", **about)}
    found = []
    for row in store.rows(sql.CALLS, type="tool_call", **about):
        result = results.get(row["tool"])
        timed = result is not None and result["timed"] > 0
        found.append(
            SeenTool(
                name=row["tool"],
                calls=row["calls"],
                sessions=row["sessions"],
                a_session=_quantiles(row["a_session"]),
                an_hour=_quantiles(hours[row["tool"]]),
                seconds=_quantiles(result["seconds"]) if result is not None and timed else None,
                failed_share=result["failed"] / result["results"] if result is not None else 0.0,
            )
        )
    return found


def _registered(store: ReadStore, about: dict[str, Any]) -> list[Any] | None:
    named = store.rows(sql.REGISTERED, type="session_started", **about)
    if not named:
        return None
    parts = store.rows(queries.CONTENTS, tenant=named[0]["tenant_id"], addresses=[named[0]["address"]])
    if not parts or len(parts) != parts[0]["parts"]:
        return None
    try:
        listed = orjson.loads("".join(part["text"] for part in parts))
    except orjson.JSONDecodeError:
        return None
    return listed if isinstance(listed, list) else None


def _quantiles(row: list[float], most: float | None = None) -> Quantiles:
    p50, p95, p99 = (float(value) for value in row)
    return Quantiles(p50, p95, p99, p99 if most is None else float(most))
