"""Sessions as data for a judge: JSON in which no text can end its own string, and no text can look like ours.

Everything that agents, users, tools and documents said is the value of a JSON string. `<` and `>` are spelled as
escapes, so the marks that stand around data cannot be written inside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from watchkeeper.evals.interaction import Interaction, Turn
from watchkeeper.evals.suites.case import Case

_LENGTHS: Final = (40_000, 20_000, 10_000, 5_000, 2_500, 1_200, 600, 300)
_KEPT_TURNS: Final = (400, 200, 100, 60, 30, 16, 8)


@dataclass(frozen=True, slots=True)
class Shown:
    """A session as a judge is shown it.

    Attributes:
        text: JSON.
        shortened: whether something was left out, because it was too long or is not stored.
    """

    text: str
    shortened: bool


def show_session(interaction: Interaction, case: Case | None, max_characters: int) -> Shown:
    """A session, whole where it fits; else with long texts, then turns, shortened in their middle."""
    for length in _LENGTHS:
        found = data_text(_session(interaction, case, length, None))
        if len(found) <= max_characters:
            return Shown(
                found, shortened=not interaction.complete or length != _LENGTHS[0] or _cuts(interaction, length)
            )
    for turns in _KEPT_TURNS:
        found = data_text(_session(interaction, case, _LENGTHS[-1], turns))
        if len(found) <= max_characters:
            break
    # The last word: a session of 8 turns with hundreds of calls each.
    return Shown(found if len(found) <= max_characters else data_text(_bones(interaction)), shortened=True)


def data_text(value: Any) -> str:
    """JSON that holds neither `<` nor `>`."""
    raw = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return raw.replace("<", "\\u003c").replace(">", "\\u003e")


def _session(interaction: Interaction, case: Case | None, length: int, turns: int | None) -> dict[str, Any]:
    kept = [_turn(turn, length) for turn in interaction.turns]
    if turns is not None and len(kept) > turns:
        left_out = {"left_out": f"{len(kept) - turns} turns"}
        kept = [*kept[: turns // 2], left_out, *kept[len(kept) - turns // 2 :]]
    found: dict[str, Any] = {
        "goal": _cut(interaction.goal, length),
        "intent": interaction.intent,
        "registered_tools": list(interaction.tools[:200]),
        "turns": kept,
        "documents": [
            {"id": one.document_id, "text": _cut(one.text, length)} for one in interaction.documents[: turns or None]
        ],
        "ended_as": interaction.status,
        "handed_to_a_person": interaction.escalated,
        "record_is_complete": interaction.complete,
    }
    if case is not None:
        found["reference"] = _reference(case, length)
    return found


def _reference(case: Case, length: int) -> dict[str, Any]:
    calls = case.reference_calls
    return {
        "good_answer": _cut(case.reference_answer, length),
        "good_calls": None if calls is None else [one.model_dump(mode="json") for one in calls],
        "a_person_must_take_over": case.expects_escalation,
        "documents": {name: _cut(text, length) for name, text in case.documents.items()},
    }


def _bones(interaction: Interaction) -> dict[str, Any]:
    """Little more than the question and the answer."""
    return {
        "goal": _cut(interaction.goal, 200),
        "turns": [
            {"speaker": "user", "text": _cut(interaction.asked, 500)},
            {"left_out": f"{len(interaction.turns)} turns with {len(interaction.calls)} calls"},
            {"speaker": "assistant", "text": _cut(interaction.answer, 800)},
        ],
    }


def _turn(turn: Turn, length: int) -> dict[str, Any]:
    found: dict[str, Any] = {"speaker": turn.speaker}
    if turn.text:
        found["text"] = _cut(turn.text, length)
    if turn.tools:
        found["calls"] = [
            {
                "tool": use.name,
                "arguments": None if use.arguments is None else _cut(data_text(use.arguments), length),
                "result": None if use.result is None else _cut(use.result, length),
                "failed": use.failed,
            }
            for use in turn.tools
        ]
    return found


def _cuts(interaction: Interaction, length: int) -> bool:
    longest = [len(turn.text) for turn in interaction.turns] + [len(one.text) for one in interaction.documents]
    return max(longest + [len(use.result or "") for use in interaction.calls], default=0) > length


def _cut(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    half = length // 2
    return f"{text[:half]} [... {len(text) - 2 * half} characters left out ...] {text[-half:]}"
