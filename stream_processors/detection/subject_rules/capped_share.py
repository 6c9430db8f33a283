"""Agents of whose sessions too many hit a cap.

What it sees. How many of an agent's sessions began, and which of them crossed which cap (`cost_runaway` tells). A cap
that many sessions hit is no runaway session but a wrong design: field reports put the line at 5 %.

Method. A sliding window over the time at which sessions *began*, in buckets: a crossing counts in the bucket of its
session's start, so that numerator and denominator are about the same sessions. The window ends with the latest
start; silence does not move it. For each cap: alarm when more than the policy's share of the sessions in the window
crossed it, with enough sessions and enough crossings for a share to mean something. One alarm is one episode: it is
taken back (`resolved`) and armed again when the share has fallen below the limit by a margin, and armed again when
the window has wholly left the episode's start. Sessions that crossed are remembered by a short digest, so that a
crossing told twice counts once.

Parameters: `window_buckets` 60 and `bucket_seconds` 60 (an hour in minutes: short enough to catch a bad release, long
enough for 20 sessions of a small agent), the limit from the policy (`thresholds.capped_sessions_share`, 0.05 by field
reports), `min_sessions` 20 (below it one session is more than 5 %) and `min_capped` 3 (of 20 sessions, one or two
over the cap are chance: at a true share of 5 % three or more come in 8 % of windows), `rearm_share` 0.8 of the limit
(a share that trembles about the limit is one episode).

What it gets wrong. A session counts as begun at once and as capped later: in the first minutes of a bad release the
share is too low. A session that crosses more than an hour after its start is not seen. An agent with less than 20
sessions an hour is never judged. At a true share just under the limit a window exceeds it now and then. A clock far
ahead empties the window; after 20 starts in a row from before it, the window goes back to them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from watchkeeper.schemas.evidence import CappedShare
from watchkeeper.schemas.model import from_us, to_us
from watchkeeper.schemas.policy import CAP_NAMES, CapName
from watchkeeper.schemas.signals import CapHit, SessionOpened, Signal
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.fingerprints import digest
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule

MAX_REMEMBERED = 2048
"""Capped sessions remembered one by one. Beyond it the oldest are forgotten: a crossing of theirs told again counts
twice, and `overflow` says so."""

MAX_EXAMPLES = 5


@dataclass(slots=True)
class CappedShareState:
    """One agent's window.

    Attributes:
        head: the bucket of the latest start, in units of `bucket_seconds` since 1970; -1 before the first.
        buckets: `[sessions begun, capped by each of CAP_NAMES]`, by bucket.
        sums: the same over the window.
        capped: `[bucket, caps crossed as bits]`, by the digest of the session.
        examples: the latest capped sessions as `[session id, bucket]`, by cap.
        alarms: `[bucket, revision]` of the episode, by cap; while it is open.
        ended: the same of the latest episode that was taken back.
        behind: starts in a row from before the window.
        overflow: capped sessions forgotten for want of room.
    """

    head: int = -1
    limit: float = 0.05
    buckets: dict[str, list[int]] = field(default_factory=dict)
    sums: list[int] = field(default_factory=lambda: [0] * (1 + len(CAP_NAMES)))
    capped: dict[str, list[int]] = field(default_factory=dict)
    examples: dict[str, list[list[Any]]] = field(default_factory=dict)
    alarms: dict[str, list[int]] = field(default_factory=dict)
    ended: dict[str, list[int]] = field(default_factory=dict)
    behind: int = 0
    overflow: int = 0


class CappedShareRule(SubjectRule[CappedShareState]):
    """See the module."""

    rule_id = "capped_share"
    failure_mode = "cost_runaway"
    listens = frozenset({"session_opened", "cap_hit"})
    state_type = CappedShareState

    def __init__(
        self,
        *,
        window_buckets: int = 60,
        bucket_seconds: int = 60,
        min_sessions: int = 20,
        min_capped: int = 3,
        rearm_share: float = 0.8,
    ) -> None:
        self._window = window_buckets
        self._bucket_us = bucket_seconds * 1_000_000
        self._min_sessions = min_sessions
        self._min_capped = min_capped
        self._rearm_share = rearm_share

    def fold(self, state: CappedShareState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        if isinstance(signal, SessionOpened):
            self._open(state, signal)
        elif isinstance(signal, CapHit):
            self._hit(state, signal)
        return [found for index, cap in enumerate(CAP_NAMES) for found in self._judge(state, index, cap)]

    def _open(self, state: CappedShareState, signal: SessionOpened) -> None:
        bucket = to_us(signal.occurred_at) // self._bucket_us
        state.limit = signal.capped_sessions_share
        if bucket <= state.head - self._window:
            state.behind += 1
            if state.behind < self._min_sessions:
                return
            _restart(state)
        state.behind = 0
        self._move(state, bucket)
        state.buckets.setdefault(str(bucket), [0] * len(state.sums))[0] += 1
        state.sums[0] += 1

    def _hit(self, state: CappedShareState, signal: CapHit) -> None:
        bucket = to_us(signal.started_at) // self._bucket_us
        if bucket <= state.head - self._window:
            return
        index = CAP_NAMES.index(signal.cap)
        session = digest(f"{signal.tenant_id}/{signal.session_id}")
        known = state.capped.get(session)
        if known is not None and known[1] & 1 << index:
            return
        self._move(state, bucket)
        state.capped.setdefault(session, [bucket, 0])[1] |= 1 << index
        if len(state.capped) > MAX_REMEMBERED:
            del state.capped[next(iter(state.capped))]
            state.overflow += 1
        state.buckets.setdefault(str(bucket), [0] * len(state.sums))[1 + index] += 1
        state.sums[1 + index] += 1
        state.examples[signal.cap] = [*state.examples.get(signal.cap, ()), [signal.session_id, bucket]][-MAX_EXAMPLES:]

    def _move(self, state: CappedShareState, bucket: int) -> None:
        """Moves the window's end to a later bucket and forgets what leaves it."""
        if bucket <= state.head:
            return
        state.head = bucket
        oldest = bucket - self._window
        for left in [known for known in state.buckets if int(known) <= oldest]:
            counts = state.buckets.pop(left)
            state.sums = [total - count for total, count in zip(state.sums, counts, strict=True)]
        state.capped = {session: known for session, known in state.capped.items() if known[0] > oldest}
        state.examples = {cap: [one for one in listed if one[1] > oldest] for cap, listed in state.examples.items()}
        state.alarms = {cap: alarm for cap, alarm in state.alarms.items() if alarm[0] > oldest}

    def _judge(self, state: CappedShareState, index: int, cap: CapName) -> Iterable[Found]:
        capped = state.sums[1 + index]
        sessions = max(state.sums[0], capped)
        share = capped / sessions if sessions else 0.0
        alarm = state.alarms.get(cap)
        if alarm is not None:
            if share >= state.limit * self._rearm_share:
                return ()
            del state.alarms[cap]
            state.ended[cap] = alarm = [alarm[0], alarm[1] + 1]
            return [self._found(state, cap, capped, sessions, alarm)]
        if share <= state.limit or sessions < self._min_sessions or capped < self._min_capped:
            return ()
        ended = state.ended.get(cap)
        # Twice within one bucket it is the same episode, gone on.
        alarm = [state.head, ended[1] + 1 if ended is not None and ended[0] == state.head else 0]
        state.alarms[cap] = alarm
        return [self._found(state, cap, capped, sessions, alarm)]

    def _found(self, state: CappedShareState, cap: CapName, capped: int, sessions: int, alarm: list[int]) -> Found:
        share = capped / sessions
        from_bucket = state.head - self._window + 1
        resolved = cap not in state.alarms
        word = "no more than" if resolved else "more than"
        return Found(
            about=(cap, alarm[0]),
            severity="high",
            summary=(
                f"{capped} of the {sessions} sessions that began within "
                f"{self._window * self._bucket_us // 60_000_000} min hit the cap on {cap}: "
                f"{share:.1%}, {word} the {state.limit:.1%} that its policy allows."
            ),
            evidence=CappedShare(
                cap=cap,
                sessions=sessions,
                capped=capped,
                share=share,
                limit=state.limit,
                window_from=from_us(from_bucket * self._bucket_us),
                window_to=from_us((state.head + 1) * self._bucket_us),
                examples=[session for session, _ in state.examples.get(cap, ())],
            ),
            first_us=alarm[0] * self._bucket_us,
            revision=alarm[1],
            status="resolved" if resolved else "open",
        )


def _restart(state: CappedShareState) -> None:
    """Begins a window anew, further back: its end was set by a clock that ran ahead."""
    fresh = CappedShareState()
    state.head, state.buckets, state.sums = fresh.head, fresh.buckets, fresh.sums
    state.capped, state.examples, state.alarms = fresh.capped, fresh.examples, fresh.alarms
