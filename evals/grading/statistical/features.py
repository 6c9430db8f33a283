"""What the statistical grader looks at: counts of what happened, and words, hashed.

Never who it was: agent, model, versions, tenant and customer are left out, so that a session is graded by what happened
in it. Never outcomes: labels are made of them. Numbers and identifiers in texts become `#`: the words of a session are
to be like those of others.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from watchkeeper.evals.grading.groundedness import Groundedness
from watchkeeper.evals.grading.tool_use import ToolUseQuality
from watchkeeper.evals.interaction import Interaction
from watchkeeper.schemas.failure_modes import SEVERITIES
from watchkeeper.stream_processors.detection.abstention import declines, says_nothing

FEATURES: Final = 1
"""Raised whenever the same interaction may get other features: models that were trained on others then abstain."""

BUCKETS: Final = 1 << 13
"""Into which words fall. Of a few thousand distinct words some share one; the model then sees their sum."""

MAX_TEXT: Final = 20_000
"""Characters of one turn that are looked at."""

_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_TOOLS: Final = ToolUseQuality()
_CLAIMS: Final = Groundedness()

STRUCTURE: Final = (
    *("user_turns", "assistant_turns", "calls", "distinct_tools", "documents", "seconds", "tokens", "cost_usd"),
    *("user_words", "assistant_words", "answer_words", "last_user_words", "words_a_turn"),
    *("calls_unknown", "calls_invalid", "calls_failed", "calls_repeated", "share_of_calls_wrong"),
    *("longest_run_of_failures", "ends_with_failure", "claims", "claims_unsupported"),
    *("answer_declines", "answer_asks_back", "no_answer", "escalated", "user_spoke_last", "not_completed"),
    *(f"findings_{severity}" for severity in SEVERITIES),
)
"""Names of the counts, in the order of the columns. Counts are taken as log(1 + count)."""


@dataclass(frozen=True, slots=True)
class Features:
    """Of one session.

    Attributes:
        structure: by name, each of `STRUCTURE`.
        words: how often each bucket was hit.
    """

    structure: dict[str, float]
    words: dict[int, int]


def features_of(interaction: Interaction) -> Features:
    """The features of a session; the same for the same session, on any machine."""
    structure = dict.fromkeys(STRUCTURE, 0.0)
    structure.update(_counts(interaction))
    structure.update(_calls(interaction))
    structure.update(_ending(interaction))
    for note in interaction.findings:
        if note.status == "open":
            structure[f"findings_{note.severity}"] += 1
    words = Counter(zlib.crc32(word.encode()) % BUCKETS for word in _said(interaction))
    return Features(structure, dict(words))


def _counts(interaction: Interaction) -> dict[str, float]:
    by_speaker: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for turn in interaction.turns:
        if turn.text:
            by_speaker[turn.speaker] += 1
            words[turn.speaker] += len(turn.text.split())
    seconds = (interaction.ended_at - interaction.started_at).total_seconds()
    return {
        "user_turns": by_speaker["user"],
        "assistant_turns": by_speaker["assistant"],
        "documents": len(interaction.documents),
        "seconds": max(0.0, seconds),
        "tokens": interaction.tokens,
        "cost_usd": 100 * (interaction.cost_usd or 0.0),
        "user_words": words["user"],
        "assistant_words": words["assistant"],
        "words_a_turn": words["assistant"] / max(1, by_speaker["assistant"]),
    }


def _calls(interaction: Interaction) -> dict[str, float]:
    calls = interaction.calls
    found = _TOOLS.faults(interaction).by_fault
    longest = run = 0
    for call in calls:
        run = run + 1 if call.failed else 0
        longest = max(longest, run)
    checked, unsupported = _CLAIMS.claims(interaction) if calls or interaction.documents else (0, 0)
    return {
        "calls": len(calls),
        "distinct_tools": len({call.name for call in calls}),
        **{f"calls_{fault}": count for fault, count in found.items()},
        "share_of_calls_wrong": sum(found.values()) / len(calls) if calls else 0.0,
        "longest_run_of_failures": longest,
        "ends_with_failure": float(bool(calls) and calls[-1].failed),
        "claims": checked,
        "claims_unsupported": unsupported,
    }


def _ending(interaction: Interaction) -> dict[str, float]:
    answer = interaction.answer
    spoken = [turn for turn in interaction.turns if turn.text and turn.speaker in {"user", "assistant"}]
    last_user = next((turn.text for turn in reversed(spoken) if turn.speaker == "user"), "")
    return {
        "answer_words": len(answer.split()),
        "last_user_words": len(last_user.split()),
        "answer_declines": float(declines(answer)),
        "answer_asks_back": float(bool(answer) and says_nothing(answer)),
        "no_answer": float(not answer),
        "escalated": float(bool(interaction.escalated)),
        "user_spoke_last": float(bool(spoken) and spoken[-1].speaker == "user"),
        "not_completed": float(interaction.status != "completed"),
    }


def _said(interaction: Interaction) -> Iterator[str]:
    """Words with a letter before them that tells whose they are: what users say is not what agents say."""
    for turn in interaction.turns:
        if turn.speaker in {"user", "assistant"}:
            yield from _grams(turn.speaker[0], _words(turn.text))
    yield from _grams("l", _words(interaction.answer))
    yield from _grams("t", [call.name for call in interaction.calls])
    for call in interaction.calls:
        if call.failed:
            yield f"f:{call.name}"
            yield from _grams("e", _words((call.result or "")[:200]))


def _words(text: str) -> list[str]:
    found = _WORD.findall(text[:MAX_TEXT].casefold())
    return ["#" if any(char.isdigit() for char in word) else word for word in found]


def _grams(whose: str, words: list[str]) -> Iterable[str]:
    yield from (f"{whose}:{word}" for word in words)
    yield from (f"{whose}:{one} {other}" for one, other in pairwise(words))
