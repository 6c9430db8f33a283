"""Agents whose proxy rises while the outcome that it stands for falls.

What it sees. What came of an agent's sessions (`told_outcome`), by the day on which they began: the last `window_days`
against as many days before, younger sessions than `lag_days` left out. A proxy that improved while the outcome got
worse is `proxy_divergence` (high), with the size of both moves. It is one episode until, at a later look, the outcome
is no worse than before or the proxy no better; then it is taken back.

Method. Welch's test, one-sided, for each of the two (`moves`). Both must have moved: the larger of the two chances is
that of a false alarm (an intersection-union test, Berger 1982), so that no correction for two tests is needed. One
look for each new day on which a session began, before that day counts; the k-th look of a period of two windows at a
risk of 6/(pi k)^2 of the whole, which sums to it (Bonferroni), so that looking daily costs nothing in false alarms.
Beside that both must have moved by `min_effect` standard deviations: with a hundred thousand sessions anything is
significant.

Parameters: `outcomes` of the policy: `window_days` 14, so that each weekday stands twice in both windows;
`min_sessions` 50, from where on a mean of yes and no is nearly normal; `min_effect` 0.2, a small effect (Cohen 1988).
`risk` 0.01 in each period of two windows, over all looks.

What it gets wrong. It says that the two moved apart, not that the agent moved them: a season, a price or another kind
of customers does the same. Outcomes that are known sooner when they are bad make young sessions look worse: `lag_days`
is there for that. A session whose clock runs days ahead, and that of its outcome too, empties the windows. Sessions of
one customer are taken for independent. Values with a few huge ones (money) hide a move. A slow drift over months is
smaller than the effect in any two windows. Another pair of names begins anew. What comes for a day that has left both
windows is not counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from watchkeeper.schemas.evidence import Move, ProxyDivergence
from watchkeeper.schemas.model import from_us, to_us
from watchkeeper.schemas.policy_outcomes import Better, ProxyAndOutcome
from watchkeeper.schemas.signals import OutcomeTold, Signal
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.moves import Sample, effect, p_of_rise
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule

_DAY_US = 86_400_000_000

Day = dict[str, list[float]]
"""`[count, mean, squares]` of the proxy and of the outcome."""


@dataclass(slots=True)
class ProxyDivergenceState:
    """One agent.

    Attributes:
        pair: proxy and outcome that are counted.
        days: by day since 1970.
        head: the latest day on which a session began.
        looks: how many were made since `family`.
        family: the day on which the risk began to be spent.
        episode: the day of the look that found it; -1 while there is none.
        ended: the day of the finding that was taken back last.
        revision: of what was told.
    """

    pair: list[str] = field(default_factory=list)
    days: dict[str, Day] = field(default_factory=dict)
    head: int = -1
    looks: int = 0
    family: int = -1
    episode: int = -1
    ended: int = -1
    revision: int = 0


class ProxyDivergences(SubjectRule[ProxyDivergenceState]):
    """See the module."""

    rule_id = "proxy_divergence"
    failure_mode = "goal_misgeneralization"
    listens = frozenset({"outcome_told"})
    state_type = ProxyDivergenceState

    def __init__(self, *, risk: float = 0.01) -> None:
        self._risk = risk

    def fold(self, state: ProxyDivergenceState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        if not isinstance(signal, OutcomeTold):
            return ()
        pair = signal.pair
        if state.pair != [pair.proxy, pair.outcome]:
            _begin(state, pair)
        day = to_us(signal.started_at) // _DAY_US
        # A session that began after its outcome was told has a clock that runs ahead: it would empty the windows.
        if day > to_us(signal.occurred_at) // _DAY_US:
            return ()
        found: list[Found] = []
        if day > state.head:
            if state.head >= 0:
                found = self._look(state, pair, day)
            state.head = day
            oldest = day - 2 * pair.window_days - pair.lag_days - 1
            state.days = {name: told for name, told in state.days.items() if int(name) >= oldest}
        if day >= state.head - 2 * pair.window_days - pair.lag_days - 1:
            _add(state.days.setdefault(str(day), {}), signal)
        return found

    def _look(self, state: ProxyDivergenceState, pair: ProxyAndOutcome, today: int) -> list[Found]:
        """Compares the two windows that end before `today`, less the lag."""
        end = today - pair.lag_days
        proxy = _move(state, pair, "proxy", end)
        outcome = _move(state, pair, "outcome", end)
        if min(one.sessions_before for one in (proxy, outcome)) < pair.min_sessions:
            return []
        if min(one.sessions_after for one in (proxy, outcome)) < pair.min_sessions:
            return []
        if state.family < 0 or today - state.family >= 2 * pair.window_days:
            state.family, state.looks = today, 0
        state.looks += 1
        risk = self._risk * 6 / (math.pi * state.looks) ** 2
        apart = proxy.effect >= pair.min_effect and outcome.effect <= -pair.min_effect
        if state.episode < 0:
            if not apart or max(proxy.p_value, outcome.p_value) > risk:
                return []
            state.revision = state.revision + 1 if state.ended == today else 0
            state.episode = today
        elif proxy.effect > 0 > outcome.effect:
            return []
        else:
            state.revision += 1
            state.episode, state.ended = -1, state.episode
        return [self._found(state, pair, proxy, outcome, end)]

    def _found(self, state: ProxyDivergenceState, pair: ProxyAndOutcome, proxy: Move, outcome: Move, end: int) -> Found:
        resolved = state.episode < 0
        began = (end - pair.window_days) * _DAY_US
        says = "no longer improves while" if resolved else "improved while"
        got = "gets worse" if resolved else "got worse"
        return Found(
            about=("divergence", pair.proxy, pair.outcome, state.ended if resolved else state.episode),
            severity="high",
            summary=(
                f"The proxy {pair.proxy} {says} {pair.outcome} {got}: {proxy.before:.4g} to {proxy.after:.4g}, and "
                f"{outcome.before:.4g} to {outcome.after:.4g}, over {pair.window_days} days against those before."
            ),
            evidence=ProxyDivergence(
                proxy=proxy,
                outcome=outcome,
                window_from=from_us(began),
                window_days=pair.window_days,
                confidence=1 - self._risk,
            ),
            first_us=began,
            revision=state.revision,
            status="resolved" if resolved else "open",
        )


def _begin(state: ProxyDivergenceState, pair: ProxyAndOutcome) -> None:
    fresh = ProxyDivergenceState()
    state.pair, state.days, state.head = [pair.proxy, pair.outcome], fresh.days, fresh.head
    state.looks, state.family = fresh.looks, fresh.family
    state.episode, state.ended, state.revision = fresh.episode, fresh.ended, fresh.revision


def _add(day: Day, signal: OutcomeTold) -> None:
    sample = _sample(day.get(signal.which))
    sample.add(signal.value)
    day[signal.which] = [sample.count, sample.mean, sample.squares]


def _sample(kept: list[float] | None) -> Sample:
    return Sample() if kept is None else Sample(int(kept[0]), kept[1], kept[2])


def _move(state: ProxyDivergenceState, pair: ProxyAndOutcome, which: str, end: int) -> Move:
    """How it moved, improvement counted as positive."""
    samples = [
        _window(state, which, range(end - windows * pair.window_days, end - (windows - 1) * pair.window_days))
        for windows in (2, 1)
    ]
    better: Better = pair.proxy_better if which == "proxy" else pair.outcome_better
    # The proxy must have improved and the outcome must have got worse: that is a rise or a fall, as each is meant.
    rises = (better == "higher") == (which == "proxy")
    before, after = samples if rises else [_mirrored(one) for one in samples]
    size = effect(*samples)
    return Move(
        name=pair.proxy if which == "proxy" else pair.outcome,
        before=samples[0].mean,
        after=samples[1].mean,
        effect=size if better == "higher" else -size,
        sessions_before=samples[0].count,
        sessions_after=samples[1].count,
        p_value=p_of_rise(before, after),
    )


def _mirrored(sample: Sample) -> Sample:
    return Sample(sample.count, -sample.mean, sample.squares)


def _window(state: ProxyDivergenceState, which: str, days: range) -> Sample:
    whole = Sample()
    for day in days:
        told = state.days.get(str(day))
        if told is not None:
            whole.join(_sample(told.get(which)))
    return whole
