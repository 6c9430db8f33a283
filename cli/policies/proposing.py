"""A policy proposed from what an agent did, as YAML that tells on which figures each line rests.

Caps are half as much again as the 99th percentile of the sessions, rounded up to two digits: one session in a hundred
comes near them. Rate limits and budgets are twice the 99th percentile of an hour or a day: a busy day is no fault. What
traffic does not tell (the goal, effects of tools, approvals) stands as a guess that says so, or as a comment.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from watchkeeper.cli.policies.kinds import SCHEMA_NAME
from watchkeeper.cli.policies.observing import MIN_USERS, Observed, Quantiles, SeenTool
from watchkeeper.cli.policies.yaml_names import commented, spelled
from watchkeeper.schemas.policy import Effect
from watchkeeper.stream_processors.detection.calls import Call
from watchkeeper.stream_processors.detection.deeds import deed_of

CAP_FACTOR: Final = 1.5
LIMIT_FACTOR: Final = 2.0
TIMEOUT_FACTOR: Final = 3.0
LEAST_TIMEOUT_SECONDS: Final = 5.0

_UNITS: Final = {"tool_calls": "calls", "tokens": "tokens", "wall_clock_seconds": "s", "cost_usd": "USD"}
_WHOLE: Final = frozenset({"tool_calls", "tokens"})
_IRREVERSIBLE: Final = frozenset({"delete", "pay", "cancel"})


def proposal(observed: Observed) -> str:
    """The policy, as a YAML text with comments."""
    return "\n".join([*_head(observed), *_caps(observed), *_budgets(observed), *_tools(observed)]) + "\n"


def rounded_up(value: float) -> float:
    """The next figure of two digits: 12.3 is 13, 1234 is 1300, 0.0421 is 0.043."""
    if value <= 0:
        return 0.0
    digits = math.floor(math.log10(value)) - 1
    # The division brings 1.1 / 0.1 to a little above 11; that is no reason to go one further.
    steps = math.ceil(round(value / 10.0**digits, 6))
    return round(steps * 10.0**digits, max(0, -digits))


def _head(observed: Observed) -> Iterator[str]:
    learnt = observed.sessions - observed.accused
    yield f"# yaml-language-server: $schema={SCHEMA_NAME}"
    period = f"{observed.since:%Y-%m-%d %H:%M} to {observed.until:%Y-%m-%d %H:%M} (UTC)"
    yield f"# Proposed from {learnt} sessions that began {period}."
    if observed.accused:
        yield f"# {observed.accused} more, with findings of severity high or critical, were left out."
    yield "# Each figure tells on what it rests: p50, p95 and p99 are quantiles over those sessions."
    yield "# Traffic shows what an agent did, and not what it may do: read every line, then `watchkeeper policy check`."
    yield f"agent: {spelled(observed.agent)}"
    yield "mode: warn"
    yield ""
    yield "# What the agent is for, in five sentences or more, and what it must refuse: no traffic tells that."
    yield "# goal:"
    yield "#   statement: >-"
    yield "#     ..."
    yield "#   refuses_actions: []"
    yield ""


def _caps(observed: Observed) -> Iterator[str]:
    yield "caps:"
    for name, seen in observed.caps.items():
        cap = _cap(name, seen)
        if cap:
            yield _line(f"  {name}: {_figure(cap)}", _told(seen, _UNITS[name]))
    if "cost_usd" not in observed.caps:
        why = (
            f"{observed.unpriced} sessions have requests without a price" if observed.unpriced else "nothing was priced"
        )
        yield f"  # cost_usd: {why}; the default stands"
    yield ""


def _cap(name: str, seen: Quantiles) -> float:
    cap = rounded_up(seen.p99 * CAP_FACTOR)
    return max(1, math.ceil(cap)) if name in _WHOLE else cap


def _budgets(observed: Observed) -> Iterator[str]:
    if not observed.spend or not observed.spend["day"].p99:
        yield "# budgets: nothing to learn them from, since requests have no price"
        yield ""
        return
    hour, day = (rounded_up(observed.spend[name].p99 * LIMIT_FACTOR) for name in ("hour", "day"))
    day = max(hour, day)
    yield "budgets:                      # in US dollars; a session's money counts where it began"
    yield _line(f"  per_hour_usd: {_figure(hour)}", f"of an hour: {_told(observed.spend['hour'], 'USD')}")
    yield _line(f"  per_day_usd: {_figure(day)}", f"of a day: {_told(observed.spend['day'], 'USD')}")
    users = observed.spend.get("user_day")
    if users is not None and observed.users >= MIN_USERS and users.p99:
        user = min(day, rounded_up(users.p99 * LIMIT_FACTOR))
        yield _line(f"  per_user_day_usd: {_figure(user)}", f"of a user's day: {_told(users, 'USD')}")
    yield ""


def _tools(observed: Observed) -> Iterator[str]:
    known = observed.registered
    listed = [tool for tool in observed.tools if known is None or tool.name in known]
    unknown = [tool for tool in observed.tools if known is not None and tool.name not in known]
    unused = [] if known is None else [name for name in known.names if name not in {tool.name for tool in listed}]
    yield "allow_unlisted_tools: false   # only what was called; add what is needed and was not"
    yield "tools:" if listed else "tools: {}"
    for tool in listed:
        yield from _tool(tool, observed, None if known is None else known.schemas[tool.name])
    for name in unused:
        yield f"  # {commented(name)}: registered, and not called in the period: left out"
    for tool in unknown:
        yield f"  # {commented(tool.name)}: called {tool.calls} times, and not registered: left out"


def _tool(tool: SeenTool, observed: Observed, schema: Any) -> Iterator[str]:
    yield f"  {spelled(tool.name)}:"
    yield f"    # {tool.calls} calls in {tool.sessions} sessions; {tool.failed_share:.1%} failed"
    if schema is not None:
        yield f"    # as registered: {_signature(schema)}"
    effect = _effect(tool.name)
    yield _line(f"    effect: {effect}", "guessed from its name: read, write or irreversible?")
    if effect == "irreversible":
        yield "    # approval: {argument: ..., above: ...}"
    calls = math.ceil(rounded_up(tool.an_hour.p99 * LIMIT_FACTOR))
    yield f"    # of an hour: {_told(tool.an_hour, 'calls')}"
    yield f"    rate_limit: {{calls: {_figure(calls)}, seconds: 3600, per: agent}}"
    if tool.seconds is not None:
        limit = max(LEAST_TIMEOUT_SECONDS, rounded_up(tool.seconds.p99 * TIMEOUT_FACTOR))
        wall = _cap("wall_clock_seconds", observed.caps["wall_clock_seconds"])
        if limit <= wall:
            yield _line(f"    timeout_seconds: {_figure(limit)}", f"of a call: {_told(tool.seconds, 's')}")


def _effect(name: str) -> Effect:
    done = deed_of(Call(name, "", {}, ""))
    if done is None:
        return "read"
    return "irreversible" if done.deed in _IRREVERSIBLE else "write"


def _signature(schema: Any) -> str:
    """The arguments of a JSON Schema in one line: `order_id string, amount number?`, a question mark for optional."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or not properties:
        return (
            "no arguments" if isinstance(schema, dict) and schema.get("additionalProperties") is False else "anything"
        )
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    told = []
    for name, inner in properties.items():
        kind = inner.get("type", "any") if isinstance(inner, dict) else "any"
        words = "|".join(map(str, kind)) if isinstance(kind, list) else str(kind)
        told.append(f"{commented(name)} {commented(words)}{'' if name in needed else '?'}")
    return ", ".join(told)[:400]


def _line(text: str, comment: str) -> str:
    return f"{text:<28}  # {comment}"


def _figure(value: float) -> str:
    """A number as YAML 1.1 reads it: without an exponent."""
    return str(int(value)) if value == int(value) else f"{value:.12f}".rstrip("0")


def _told(seen: Quantiles, unit: str) -> str:
    return f"p50 {seen.p50:.4g}, p95 {seen.p95:.4g}, p99 {seen.p99:.4g}, most {seen.most:.4g} {unit}"
