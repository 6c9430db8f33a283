"""Whether a call needs a person's approval, and whether one that was given covers it: pure, for rules and guards.

**Needed** where the policy says so of every call of the tool, or the amount in an argument is above its threshold. What
stands there and is no number needs approval.

**Covers**: granted, and not taken back by a later word on the same approval; not expired when the call was made; by
somebody other than the agent, and by one of `approvers` where the policy names them; for this call, by its id, or for
this action, where its words name the tool (`refund_order`, "refund order 7"; "refund" covers `refund_order`); within
its limits; and not used by another call, unless its limits say how many (`calls`).

**Limits**: `{"amount": 200}` is a maximum, `{"amount": {"minimum": 1, "maximum": 200}}` says both, `max_amount` and
`min_amount` are read likewise; any other value must be equal, or among those of a list, and so must a number that names
something (`order_id`, `account`). A limit on what the call does not say is not kept.

**When**: before the call. While the call runs it counts where it was asked for: the runtime waits for it. What is given
without having been asked for, or when the call has run, comes after the fact.

What is remembered holds no text: words of actions and values of limits are digests.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from watchkeeper.schemas.argument_paths import values_at
from watchkeeper.schemas.events import Approval
from watchkeeper.schemas.evidence.unapproved_action import Unapproved
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.policy import ApprovalThreshold
from watchkeeper.schemas.wildcards import covers
from watchkeeper.stream_processors.detection.argument_leaves import MAX_LEAVES, Leaf, leaf_of
from watchkeeper.stream_processors.detection.boundaries import number_of
from watchkeeper.stream_processors.detection.fingerprints import short

MAX_LIMITS = 8
"""Of one approval; with more it covers nothing."""

MAX_WORDS = 24
"""Of an action."""

NEVER = 2**62

_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_USES = frozenset({"calls", "uses", "times"})
_MAXIMA = frozenset({"maximum", "max", "<="})
_MINIMA = frozenset({"minimum", "min", ">="})

_NAMES = frozenset(
    (
        *("id", "ids", "no", "nr", "number", "key", "code", "ref", "reference", "account", "order", "customer", "user"),
        *("ticket", "case", "invoice", "year"),
    )
)
"""Last words of arguments whose numbers name something: they are not more or less than others."""


class Given(TypedDict):
    """An approval, as a state holds it.

    Attributes:
        id: the approval's own.
        call: the call that it is for, "" for none by id.
        words: of its action, as digests.
        limits: `[name, how, values]`.
        us: when it was granted or refused; asked for, where it was not answered.
        asked_us: when it was first asked for; `NEVER` where nobody told.
        uses: how many calls it covers.
        by: calls that used it.
    """

    id: str
    status: Literal["requested", "granted", "denied", "expired"]
    call: str
    words: list[str]
    limits: list[tuple[str, str, list[Leaf]]]
    approver: str
    us: int
    until_us: int
    asked_us: int
    uses: int
    by: list[str]


@dataclass(frozen=True, slots=True)
class Need:
    """Why a call needs approval.

    Attributes:
        path: JSON pointer to the amount; empty where every call needs it.
        value: what stood there.
    """

    path: str
    value: Any
    above: float | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that needs approval, as coverage looks at it.

    Attributes:
        leaves: the values of its arguments by path (`argument_leaves`).
        us: when it was made.
        agents: names under which the agent may not approve itself.
        phase: whether it is being made, is running, or has its result.
    """

    call: str
    tool_name: str
    leaves: dict[str, Leaf]
    us: int
    agents: frozenset[str]
    phase: Literal["made", "running", "over"] = "made"


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What is wrong with an approval, or that there is none (`given` is None)."""

    reason: Unapproved
    given: Given | None = None
    limit: str = ""


def need_of(threshold: ApprovalThreshold, arguments: Any) -> Need | Literal["unknown"] | None:
    """Why a call with these arguments needs approval; None where it does not; `unknown` without the amount."""
    if threshold.argument is None or threshold.above is None:
        return Need("", None, None)
    found = False
    for pointer, value in values_at(arguments, threshold.argument):
        if value is None:
            continue
        found = True
        amount = number_of(value)
        if amount is None or amount > threshold.above:
            return Need(pointer, value, threshold.above)
    return None if found else "unknown"


def take_in(known: Given | None, event: Approval) -> Given:
    """What is known of an approval after this word on it: what it does not say again stays as it was."""
    data, at_us = event.data, to_us(event.occurred_at)
    given = known or Given(
        id=data.approval_id,
        status=data.status,
        call="",
        words=[],
        limits=[],
        approver="",
        us=at_us,
        until_us=NEVER,
        asked_us=NEVER,
        uses=1,
        by=[],
    )
    given["status"], given["us"] = data.status, at_us
    if data.status == "requested":
        given["asked_us"] = min(given["asked_us"], at_us)
    if data.tool_call_id:
        given["call"] = short(data.tool_call_id)
    if data.action:
        given["words"] = sorted(_words(data.action))[:MAX_WORDS]
    if data.approver:
        given["approver"] = data.approver
    if data.expires_at is not None:
        given["until_us"] = to_us(data.expires_at)
    if data.limits:
        given["limits"], given["uses"] = _limits(data.limits)
    return given


def shortfall_of(given: Iterable[Given], asked: Asked, approvers: list[str] | None) -> Shortfall | Given:
    """The approval that covers the call; what is wrong with the latest that is about it, where none does."""
    nearest: Shortfall = Shortfall("nobody_asked")
    latest_us = -1
    for one in given:
        if not is_about(one, asked.call, asked.tool_name):
            continue
        short_of = _shortfall(one, asked, approvers)
        if short_of is None:
            return one
        if one["us"] > latest_us:
            nearest, latest_us = short_of, one["us"]
    return nearest


def is_about(given: Given, call: str, tool_name: str) -> bool:
    """Whether an approval is for this call, by id or by action."""
    if given["call"]:
        return given["call"] == call
    action, tool = set(given["words"]), _words(tool_name)
    return bool(action) and (tool <= action or action <= tool)


def _shortfall(given: Given, asked: Asked, approvers: list[str] | None) -> Shortfall | None:
    status = given["status"]
    if status != "granted":
        reasons: dict[str, Unapproved] = {"requested": "not_answered", "denied": "denied", "expired": "expired"}
        return Shortfall(reasons[status], given)
    beyond = _beyond(given["limits"], asked)
    waited = asked.phase == "running" and given["asked_us"] <= given["us"]
    checks: tuple[tuple[bool, Unapproved], ...] = (
        (given["until_us"] <= asked.us, "expired"),
        (given["approver"].casefold() in asked.agents, "by_the_agent"),
        (not _is_entitled(given["approver"], approvers), "not_entitled"),
        (bool(beyond), "beyond_its_limits"),
        (len(given["by"]) >= given["uses"], "used_before"),
        (asked.phase != "made" and given["us"] > asked.us and not waited, "after_the_fact"),
    )
    reason = next((reason for holds, reason in checks if holds), None)
    return None if reason is None else Shortfall(reason, given, beyond if reason == "beyond_its_limits" else "")


def _is_entitled(approver: str, approvers: list[str] | None) -> bool:
    return approvers is None or any(covers(pattern, approver) for pattern in approvers)


def _beyond(limits: list[tuple[str, str, list[Leaf]]], asked: Asked) -> str:
    """The name of the first limit that is not kept; empty where all are."""
    for name, how, values in limits:
        leaf: Leaf | None = asked.leaves.get(short(name))
        if name in {"tool", "tool_name"} and leaf is None:
            leaf = leaf_of(asked.tool_name)
        if how == "is":
            kept = leaf in values
        else:
            number = leaf if isinstance(leaf, (int, float)) else None
            edge = values[0] if isinstance(values[0], (int, float)) else None
            kept = number is not None and edge is not None and (number <= edge if how == "max" else number >= edge)
        if not kept:
            return name
    return ""


def _limits(limits: dict[str, Any]) -> tuple[list[tuple[str, str, list[Leaf]]], int]:
    uses = 1
    found: list[tuple[str, str, list[Leaf]]] = []
    for name, value in limits.items():
        if name in _USES and isinstance(value, int):
            uses = value
        else:
            found += _limit(name, value)
    if len(found) > MAX_LIMITS:
        return [("more limits than are read", "is", [])], uses
    return found, uses


def _limit(name: str, value: Any) -> Iterator[tuple[str, str, list[Leaf]]]:
    for prefix, how in (("max_", "max"), ("min_", "min")):
        if name.startswith(prefix) and len(name) > len(prefix):
            yield name[len(prefix) :], how, [leaf_of(value)]
            return
    if isinstance(value, dict):
        for key, inner in value.items():
            how = "max" if key in _MAXIMA else "min" if key in _MINIMA else "is"
            yield (f"{name}.{key}" if how == "is" else name), how, [leaf_of(inner)]
    elif isinstance(value, list):
        yield name, "is", [leaf_of(one) for one in value[:MAX_LEAVES]]
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and not _names_something(name):
        yield name, "max", [value]
    else:
        yield name, "is", [leaf_of(value)]


def _names_something(name: str) -> bool:
    words = _WORD.findall(_CAMEL.sub(" ", name).replace("_", " ").casefold())
    return bool(words) and words[-1] in _NAMES


def _words(text: str) -> set[str]:
    spaced = _CAMEL.sub(" ", text).casefold()
    return {f"{zlib.crc32(word.encode()) & 0xFFFFFF:06x}" for word in _WORD.findall(spaced)}
