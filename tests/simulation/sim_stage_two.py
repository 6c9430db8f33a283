"""What of stage 2 is the same whichever order the sessions of different partitions came in."""

from __future__ import annotations

from typing import Any, Final

import orjson

from watchkeeper.stream_processors.detection.catalogue import default_subject_rules

RULES: Final = frozenset(rule.rule_id for rule in default_subject_rules())
"""Their findings are compared by id: the evidence tells in which order sessions came."""

_COUNTS: Final = ("head", "buckets", "sums", "capped", "days", "spent", "steps", "counts")


def folded(state: str | bytes) -> dict[str, Any]:
    """What each rule has folded of a subject: a signal that is lost or counted twice shows here.

    A rule that keeps no counts stands there by name: it has heard of the subject.
    """
    folds = orjson.loads(state)["s"]["folds"]
    return {rule: {name: _plain(fold[name]) for name in _COUNTS if name in fold} for rule, (_, fold) in folds.items()}


def _plain(value: Any) -> Any:
    """Sorted, and without the last digits of sums of money, which depend on the order of adding."""
    if isinstance(value, dict):
        return [(name, _plain(value[name])) for name in sorted(value)]
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return round(value, 9) if isinstance(value, float) else value
