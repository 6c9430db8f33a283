"""After how long a session without an event counts as over."""

from __future__ import annotations

from watchkeeper.stream_processors.detection.detector import Context


def close_limit_us(context: Context) -> int:
    """Microseconds, by the policy in force."""
    return round(context.policy.thresholds.close_timeout_seconds * 1_000_000)
