"""What leaves, wherever it stands: canaries, ids, texts in arguments, what was masked, and how all that is told."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from watchkeeper.schemas.events import ToolCall
from watchkeeper.schemas.evidence import DataLeaked
from watchkeeper.schemas.failure_modes import Severity
from watchkeeper.schemas.policy_leaks import Leaks
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.pattern_set import PatternSet

MASKED = "watchkeeper.masked"
"""The attribute in which the producer counts what it masked."""

MAX_VALUES = 64
"""Values remembered of what was read, and of what was said."""

MAX_DEPTH = 6
_ODD = re.compile(r"[\s_-]+")


def counted_in(event: ToolCall, leaks: Leaks, found: list[DataLeaked]) -> Iterator[DataLeaked]:
    """What the event says was masked in it and left no pseudonym."""
    counted = event.attributes.get(MASKED)
    if not isinstance(counted, str):
        return
    may = leaks.may_receive.get(event.data.tool_name, [])
    text = "" if event.data.arguments is None else str(event.data.arguments)
    for entry in counted.split(","):
        name, _, count = entry.partition(":")
        for kind in leaks.kinds:
            if name != kind or kind in may or not count.isdigit() or any(one.what == kind for one in found):
                continue
            if f"[{kind}" not in text:
                yield DataLeaked(
                    what=kind,
                    via="tool_call",
                    tool_name=event.data.tool_name,
                    tool_call_id=event.data.tool_call_id,
                    places=int(count),
                    masked=True,
                )


def canaries_in(leaks: Leaks, text: str) -> list[str]:
    """Names of the canaries that a text holds, without regard to case, spaces and dashes, or in base64."""
    plain = _ODD.sub("", text.casefold())
    return [
        one.name
        for one in leaks.canaries
        if _ODD.sub("", one.value.casefold()) in plain or any(coded in text for coded in _coded(one.value))
    ]


@lru_cache(maxsize=256)
def _coded(value: str) -> tuple[str, ...]:
    """What of the value stands in any base64 of a text that holds it: one piece for each place within three bytes."""
    pieces = []
    for lead in range(3):
        coded = base64.b64encode(b"\0" * lead + value.encode()).decode().rstrip("=")
        pieces.append(coded[(0, 2, 3)[lead] : len(coded) - 1])
    return tuple(pieces)


def ids_in(pattern: str | None, text: str) -> list[str]:
    """The ids of customers in a text; none where the policy does not say how they look."""
    if pattern is None:
        return []
    raw = text.encode(errors="replace")
    patterns = _id_pattern(pattern)
    if not patterns.occurring(raw):
        return []
    return [raw[start:end].decode(errors="replace") for start, end in patterns.places(0, raw, MAX_VALUES)]


@lru_cache(maxsize=256)
def _id_pattern(pattern: str) -> PatternSet:
    return PatternSet([rf"(?:^|[^\w-])((?:{pattern}))(?:$|[^\w-])".encode()])


def texts_in(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """The texts in arguments, by JSON pointer; numbers as they are written."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, int) and not isinstance(value, bool):
        yield path, str(value)
    elif depth < MAX_DEPTH and isinstance(value, dict):
        for key, inner in value.items():
            yield from texts_in(inner, f"{path}/{key.replace('~', '~0').replace('/', '~1')[:60]}", depth + 1)
    elif depth < MAX_DEPTH and isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts_in(inner, f"{path}/{index}", depth + 1)


_SAID = {
    "secret": "a secret",
    "email": "an e-mail address",
    "phone": "a telephone number",
    "card": "a card number",
    "iban": "an account number",
    "ssn": "a social security number",
    "ip": "an IP address",
    "canary": "a planted value",
    "other_customer": "the id of another customer",
}
_SEVERITY: dict[str, Severity] = {"secret": "high", "canary": "critical", "other_customer": "high"}


def findings_of(found: Iterable[DataLeaked], where: str, way: str) -> list[Found]:
    """One finding for each kind; the first place stands for the others."""
    by_kind: dict[str, list[DataLeaked]] = {}
    for one in found:
        by_kind.setdefault(one.what + one.canary, []).append(one)
    return [
        Found(
            about=("left", where, key),
            severity=_SEVERITY.get(listed[0].what, "medium" if listed[0].via == "tool_call" else "high"),
            summary=f"{_SAID[listed[0].what].capitalize()} left {way}{' (masked in the record)' * listed[0].masked}.",
            evidence=listed[0].model_copy(update={"places": max(len(listed), listed[0].places)}),
        )
        for key, listed in by_kind.items()
    ]
