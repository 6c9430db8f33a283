"""What is said of a value that left its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from watchkeeper.schemas.events import CheckedValue, Checkpoint
from watchkeeper.schemas.evidence import StaleSource, ValueChanged, ValueMismatch
from watchkeeper.schemas.policy import Fact
from watchkeeper.stream_processors.detection.agreement import apart, as_declared
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.session_rules.untyped_fact import described, is_masked
from watchkeeper.stream_processors.detection.session_rules.violations import describe, key
from watchkeeper.stream_processors.detection.source_versions import Versions


@dataclass(frozen=True, slots=True)
class Look:
    """A value at a step.

    Attributes:
        tolerance: None where the policy does not list it there.
    """

    name: str
    checked: CheckedValue
    event: Checkpoint
    fact: Fact | None
    tolerance: float | None

    @property
    def has_source_value(self) -> bool:
        """Whether the source's own value stands beside it."""
        return self.checked.source_value is not None and not is_masked(self.checked.source_value)


def _place(look: Look) -> str:
    return f"step {key(look.event.step)}" if look.event.step else "a step without a name"


def value_mismatch(look: Look) -> Found:
    """The value is not its source's."""
    checked = look.checked
    one, other = as_declared(checked.value, look.fact), as_declared(checked.source_value, look.fact)
    share = None if look.fact is not None and look.fact.pii else apart(one, other)
    by = f" by {share:.2%}" if share is not None else ""
    return Found(
        about=(look.event.event_id, look.name, "mismatch"),
        severity="medium" if look.tolerance is None else "high",
        summary=f"At {_place(look)} the agent holds another {key(look.name)} than its source{by}.",
        evidence=ValueMismatch(
            step=look.event.step,
            checkpoint_id=look.event.data.checkpoint_id,
            value=key(look.name),
            source=checked.source,
            source_version=checked.source_version,
            held=_described(checked.value, look),
            in_source=_described(checked.source_value, look),
            apart=share,
        ),
    )


def value_changed(look: Look, since: str) -> Found:
    """The value is not what it was at an earlier step."""
    checked = look.checked
    return Found(
        about=(look.event.event_id, look.name, "changed"),
        severity="medium" if look.tolerance is None else "high",
        summary=f"At {_place(look)} {key(look.name)} is not what it was at {since or 'an earlier step'}; "
        "its source has not changed.",
        evidence=ValueChanged(
            step=look.event.step,
            checkpoint_id=look.event.data.checkpoint_id,
            value=key(look.name),
            source=checked.source,
            source_version=checked.source_version,
            since_step=since,
            now=_described(checked.value, look),
        ),
    )


def stale_source(look: Look, versions: Versions) -> Found:
    """The value is of a version that was left behind."""
    checked = look.checked
    return Found(
        about=(look.event.event_id, look.name, "stale"),
        severity="medium",
        summary=f"At {_place(look)} {key(look.name)} is of version {key(checked.source_version)} of its source; "
        f"{key(versions['seen'][-1])} was seen at {versions['step'] or 'another step'}.",
        evidence=StaleSource(
            step=look.event.step,
            checkpoint_id=look.event.data.checkpoint_id,
            value=key(look.name),
            source=checked.source,
            source_version=checked.source_version,
            newer_version=versions["seen"][-1],
            newer_step=versions["step"],
        ),
    )


def _described(value: Any, look: Look) -> str:
    return describe(value) if look.fact is None else described(value, look.fact)
