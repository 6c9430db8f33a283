"""How much one policy may make a worker do before it judges anything: policies come by the stream, from any agent.

An expression of a thousand characters takes up to 140 ms to compile, a condition of four thousand up to 20 ms. The
limits keep the worst policy at some 15 seconds of one core, below what a worker's watchdog takes for a standstill.
"""

from __future__ import annotations

from typing import Any, Final

MAX_CANONICAL_BYTES: Final = 1024 * 1024
"""Of the canonical form, in which defaults are written out."""

MAX_PATTERNS: Final = 64
"""Regular expressions in one policy: in bounds, in masking, and of customers' ids."""

MAX_CONDITIONS: Final = 256
"""Conditions in CEL in one policy: of tools and of constraints."""

_PATTERNS: Final = frozenset({"pattern", "regex", "customer_ids"})
_CONDITIONS: Final = frozenset({"condition", "when", "require"})


def over_the_limits(size: int, document: Any) -> str | None:
    """What of a policy is too much, in words that hold nothing out of it; None where nothing is.

    Args:
        size: bytes of the canonical form.
        document: the policy as JSON values.
    """
    if size > MAX_CANONICAL_BYTES:
        return f"with defaults written out it takes more than {MAX_CANONICAL_BYTES} bytes: shorten it"
    patterns = conditions = 0
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            patterns += sum(1 for key, inner in value.items() if key in _PATTERNS and _is_text(inner))
            conditions += sum(1 for key, inner in value.items() if key in _CONDITIONS and _is_text(inner))
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    if patterns > MAX_PATTERNS:
        return f"it has {patterns} regular expressions: write at most {MAX_PATTERNS}"
    if conditions > MAX_CONDITIONS:
        return f"it has {conditions} conditions: write at most {MAX_CONDITIONS}"
    return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
