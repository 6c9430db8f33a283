"""What a session is like, as suites stratify: its intent, how it came out, and how hard it was.

Difficulty is made of what was observed: how often the user had to speak, how many calls it took, how many were tried
again after a failure, and what the detectors found. Each counts up to 1, half of it at the number given below, and the
difficulty is their weighted mean. It says how hard it was for *this* agent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeAlias

from watchkeeper.evals.interaction import Interaction

OutcomeClass: TypeAlias = Literal["bad", "flagged", "quiet", "good"]
"""`good`: an outcome says so. `bad`: one says so, or it did not complete. `flagged`: the detectors found something.
`quiet`: nothing says anything."""

Band: TypeAlias = Literal["easy", "medium", "hard"]

WORST_FIRST: Final[tuple[OutcomeClass, ...]] = ("bad", "flagged", "good", "quiet")
"""Of requests that are alike, the worst that is known counts: where one of them is known to have gone well, it did."""

NO_INTENT: Final = "(none)"

HALF: Final = {"requests": 3, "calls": 5, "retries": 1, "findings": 1}
"""At how many a count is worth one half."""

WEIGHTS: Final = {"requests": 0.3, "calls": 0.3, "retries": 0.2, "findings": 0.2}

_PRAISE: Final = re.compile(
    r"(?i)^(reward|success(ful)?|(re)?solved|csat|rating|stars?|thumbs?(_?up)?|satisf\w*|helpful|accepted|correct|passed)$"
)
_BLAME: Final = re.compile(
    r"(?i)(^|_)(revers\w*|complain\w*|churn\w*|re_?opened|disput\w*|charge_?back|thumbs_?down|failed|wrong|bad)(_|$)"
)
_OF_FIVE: Final = re.compile(r"(?i)^(csat|rating|stars?)$")
_YES: Final = frozenset(
    {"yes", "true", "up", "thumbs_up", "positive", "good", "great", "resolved", "solved", "success"}
)
_NO: Final = frozenset({"no", "false", "down", "thumbs_down", "negative", "bad", "poor", "unresolved", "failure"})
_ENDED_BADLY: Final = frozenset({"failed", "stopped", "silent"})
_HARMLESS: Final = frozenset({"info", "low"})


def outcome_of(interaction: Interaction) -> OutcomeClass:
    """How a session came out; what speaks against it counts before what speaks for it."""
    said = [good for name, value in interaction.outcomes.items() if (good := _verdict(name, value)) is not None]
    if interaction.status in _ENDED_BADLY or False in said:
        return "bad"
    if any(note.status == "open" and note.severity not in _HARMLESS for note in interaction.findings):
        return "flagged"
    return "good" if said else "quiet"


def _verdict(name: str, value: float | bool | str) -> bool | None:
    """Whether an outcome is good news; None where its name or value does not tell."""
    if _BLAME.search(name):
        return None if isinstance(value, str) and value.lower() not in _YES | _NO else not _is_yes(value)
    if not _PRAISE.match(name):
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return True if value.lower() in _YES else False if value.lower() in _NO else None
    if _OF_FIVE.match(name) and (value > 1 or value == int(value)):
        # Of one to five: three is neither.
        return None if value == 3 else value > 3
    return value >= 0.5


def _is_yes(value: float | bool | str) -> bool:
    return value.lower() in _YES if isinstance(value, str) else value > 0


def difficulty_of(interaction: Interaction) -> float:
    """How hard it was, 0 to 1 and never quite 1; rounded, so that it is written and read alike."""
    requests = sum(turn.speaker == "user" for turn in interaction.turns)
    counts = {
        "requests": max(0, requests - 1),
        "calls": len(interaction.calls),
        "retries": retries_in(interaction),
        "findings": sum(note.severity not in _HARMLESS for note in interaction.findings),
    }
    return round(sum(WEIGHTS[name] * count / (count + HALF[name]) for name, count in counts.items()), 4)


def retries_in(interaction: Interaction) -> int:
    """How many calls went to a tool whose call before had failed."""
    failed: set[str] = set()
    retries = 0
    for use in interaction.calls:
        retries += use.name in failed
        (failed.add if use.failed else failed.discard)(use.name)
    return retries


def bands_of(difficulties: Sequence[float], weights: Sequence[float]) -> tuple[float, float]:
    """Up to which difficulty a session is easy, and up to which medium: a third of the sessions each, or nearly.

    Sessions that are equally hard stay together, in the easier band.
    """
    ordered = sorted(zip(difficulties, weights, strict=True))
    total = sum(weights)
    cuts = []
    for share in (1 / 3, 2 / 3):
        up_to = 0.0
        cut = 0.0
        for difficulty, weight in ordered:
            up_to += weight
            cut = difficulty
            if up_to >= share * total:
                break
        cuts.append(cut)
    return cuts[0], cuts[1]


def band_of(difficulty: float, bands: tuple[float, float]) -> Band:
    """Easy, medium or hard."""
    return "easy" if difficulty <= bands[0] else "medium" if difficulty <= bands[1] else "hard"


def stratum_of(intent: str, outcome: OutcomeClass, band: Band) -> str:
    """`intent/outcome/difficulty`."""
    return f"{intent or NO_INTENT}/{outcome}/{band}"


def parts_of(stratum: str) -> tuple[str, str, str]:
    """Intent, outcome and difficulty of a stratum; an intent may hold slashes itself."""
    parts = stratum.rsplit("/", 2)
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else (stratum, "", "")


def worst_of(outcomes: Iterable[OutcomeClass]) -> OutcomeClass:
    """The worst of several that is known."""
    return min(outcomes, key=WORST_FIRST.index)
