"""Records that did not arrive: by which loss each is counted, and what the host's log says of it, once a minute."""

from __future__ import annotations

from typing import Final

from watchkeeper.producers.losses import LossReason
from watchkeeper.producers.recording.boundary import LOG, Quiet

_REASONS: Final[dict[str, LossReason]] = {
    "spool_full": "spool_full",
    "spool_failed": "spool_failed",
    "spool_damaged": "spool_damaged",
    "MSG_SIZE_TOO_LARGE": "too_large",
}

_ADVICE: Final[dict[str, str]] = {
    "MSG_SIZE_TOO_LARGE": (
        "the broker takes no record of this size: set max.message.bytes of the topic, or message.max.bytes of the "
        "broker, to 1048588 or more"
    ),
    "UNKNOWN_TOPIC_OR_PART": "the broker has no such topic: make the topics by `watchkeeper topics --kafka host:port`",
    "TOPIC_AUTHORIZATION_FAILED": "this process may not write to the topic: give it the right",
    "_MSG_TIMED_OUT": "the broker did not acknowledge it within Settings.delivery_seconds",
    "spool_full": "the spool holds Settings.spool_bytes, or as many records as it may",
    "spool_failed": "the spool's disk refuses, and Settings.buffer_bytes wait in memory",
}


def reason_of(error: str) -> LossReason:
    """The loss by which it is counted that a record was given up with this error, librdkafka's name or our own.

    What librdkafka itself gives up has a name with an underscore before it; the others are the broker's answers.
    """
    if error in _REASONS:
        return _REASONS[error]
    return "refused" if error.isupper() and not error.startswith("_") else "delivery_failed"


def tell_given_up(quiet: Quiet, error: str, events: int) -> None:
    """Says in the log that a record was given up, with what can be done about it."""
    reason = reason_of(error)
    if (held := quiet.passes(f"given up: {reason}")) is not None:
        LOG.warning(
            "A record of %d events was given up, %s%s (%d more such records in the last minute). The agent goes on; "
            "the events are counted as `%s` in losses().",
            events,
            error,
            f": {_ADVICE[error]}" if error in _ADVICE else "",
            held,
            reason,
        )


def tell_stalled(quiet: Quiet, seconds: float, records: int) -> None:
    """Says in the log that nothing arrives, though nothing was refused either."""
    # One complaint with that of a broker that cannot be reached: it is the same trouble.
    if (held := quiet.passes("broker")) is not None:
        LOG.warning(
            "The broker has acknowledged nothing for %.0f s, and %d records wait (%d more complaints in the last "
            "minute). Is it reachable, has it the topics (`watchkeeper topics`), and may this process write to them? "
            "Trying on.",
            seconds,
            records,
            held,
        )
