"""What sessions of an agent consist of: first a window is gathered, then what follows is held against it. Plain JSON.

A session is a set of categories (its intent, the tools that it called, what is wrong with its record). Windows are kept
as text, one character a session, which stands for one of at most `MAX_SETS` different sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypedDict

from watchkeeper.schemas.policy_quality import QualityRules
from watchkeeper.stream_processors.detection.drift.mix import (
    MixBaseline,
    MixWatch,
    Moved,
    estimate_mix,
    fold_parts,
    moved,
    new_mix,
)
from watchkeeper.stream_processors.detection.drift.scored import Direction

DAY_US: Final = 86_400_000_000
MAX_SETS: Final = 90
MAX_RECENT: Final = 5
MAX_NEW: Final = 8
OTHER: Final = "(other)"
_FIRST: Final = 35
_LEFT_OUT: Final = 92
_LEAST_SHARE: Final = 0.005
_BOTH: Final[tuple[Direction, ...]] = ("fall", "rise")
_RISES: Final[tuple[Direction, ...]] = ("rise",)


class Mix(TypedDict):
    """One stream of sets.

    Attributes:
        packed: the window's sessions, as long as it is gathered; `sets` what their characters stand for.
        since_us: when the first of them was, epoch microseconds; `until_us` the latest.
        stride: one session in so many is looked at; `skipped`: how many were not, since the last that was.
        baseline: None as long as it is gathered; `watch` likewise.
        new: categories that the baseline does not have, the latest last.
        recent: sessions with one of these, or of the watched ones, the latest last.
        generation: counts baselines; part of findings' ids.
    """

    packed: str
    sets: list[list[str]]
    since_us: int
    until_us: int
    stride: int
    skipped: int
    baseline: MixBaseline | None
    watch: MixWatch | None
    new: list[str]
    recent: list[str]
    generation: int


def empty_mix(generation: int = 0) -> Mix:
    """A stream that has heard nothing yet."""
    return Mix(
        packed="",
        sets=[],
        since_us=0,
        until_us=0,
        stride=1,
        skipped=0,
        baseline=None,
        watch=None,
        new=[],
        recent=[],
        generation=generation,
    )


class Session(NamedTuple):
    """What a stream is shown of a session.

    Attributes:
        at_us: when it ended, epoch microseconds.
        categories: each once.
    """

    session_id: str
    at_us: int
    categories: Sequence[str]


def take_set(mix: Mix, session: Session, rules: QualityRules, *, rises_only: bool, promise: int) -> tuple[Moved, ...]:
    """Takes a session in, in place; what has moved, where that alarms.

    Args:
        mix: see `Mix`.
        session: its categories share it; where only rises count, each is a whole one.
        rules: the agent's.
        rises_only: for problems, of which a session may have several.
        promise: on average at most one false alarm in so many sessions of this stream.
    """
    at_us, categories = session.at_us, session.categories
    mix["skipped"] += 1
    if mix["skipped"] < mix["stride"]:
        return ()
    mix["skipped"] = 0
    baseline, watch = mix["baseline"], mix["watch"]
    if baseline is None or watch is None:
        _gather(mix, categories, at_us, rules)
        if _is_enough(mix, rules):
            _finish(mix, rises_only=rises_only, promise=promise)
        return ()
    _remember(mix, baseline, categories, session.session_id)
    sides = fold_parts(watch, baseline, _parts(categories, whole=rises_only), at_us)
    found = moved(watch, baseline, sides)
    return tuple(one for one in found if abs(one.after - one.before) >= max(rules.min_effect, _LEAST_SHARE))


def _parts(categories: Sequence[str], *, whole: bool) -> dict[str, float]:
    return dict.fromkeys(categories, 1.0 if whole else 1.0 / max(1, len(categories)))


def _gather(mix: Mix, categories: Sequence[str], at_us: int, rules: QualityRules) -> None:
    if not mix["packed"]:
        mix["since_us"] = mix["until_us"] = at_us
    mix["since_us"], mix["until_us"] = min(mix["since_us"], at_us), max(mix["until_us"], at_us)
    listed = sorted(categories)
    if listed not in mix["sets"]:
        if len(mix["sets"]) >= MAX_SETS - 1:
            listed = [OTHER]
        if listed not in mix["sets"]:
            mix["sets"].append(listed)
    mix["packed"] += _character(mix["sets"].index(listed))
    if len(mix["packed"]) >= 2 * rules.baseline and not _is_enough(mix, rules):
        mix["packed"] = mix["packed"][::2]
        mix["stride"] *= 2


def _is_enough(mix: Mix, rules: QualityRules) -> bool:
    days = (mix["until_us"] - mix["since_us"]) / DAY_US
    return len(mix["packed"]) >= rules.baseline and days >= rules.baseline_days


def _finish(mix: Mix, *, rises_only: bool, promise: int) -> None:
    window = [_parts(mix["sets"][_digit(character)], whole=rises_only) for character in mix["packed"]]
    baseline = estimate_mix(window, directions=_RISES if rises_only else _BOTH)
    mix["baseline"], mix["watch"] = baseline, new_mix(baseline, promise=promise)
    mix["packed"], mix["sets"] = "", []


def _remember(mix: Mix, baseline: MixBaseline, categories: Sequence[str], session_id: str) -> None:
    unknown = [name for name in categories if name not in baseline["parts"]]
    if unknown:
        mix["new"] = [*(name for name in mix["new"] if name not in unknown), *unknown][-MAX_NEW:]
        mix["recent"] = [*mix["recent"], session_id][-MAX_RECENT:]


def _character(digit: int) -> str:
    code = digit + _FIRST
    return chr(code + (code >= _LEFT_OUT))


def _digit(character: str) -> int:
    code = ord(character)
    return code - _FIRST - (code > _LEFT_OUT)
