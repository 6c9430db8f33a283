"""A drawn session as a case: its texts masked, what identifies a person left out, and what a good answer is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import orjson

from watchkeeper.evals.interaction import Interaction, ToolUse, Turn
from watchkeeper.evals.reading.escalation import is_escalation_tool
from watchkeeper.evals.reading.messages import arguments_of
from watchkeeper.evals.suites.candidates import Candidate
from watchkeeper.evals.suites.case import Case, ConsentClass, ExpectedCall, Provenance
from watchkeeper.evals.suites.cutting import Cut
from watchkeeper.evals.suites.drawing import Pick
from watchkeeper.evals.suites.strata import OutcomeClass, difficulty_of, outcome_of
from watchkeeper.schemas.json_text import dump_json

_LONGEST_LABEL: Final = 200
_NOT_A_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")


class Masks(Protocol):
    """Hides secrets and personal data in a text; `is_json` where it must stay JSON."""

    def __call__(self, text: str, *, is_json: bool) -> str:
        """The text as it may be kept."""


def unmasked(text: str, *, is_json: bool) -> str:
    """Leaves a text as it is: it was masked at its source."""
    del is_json
    return text


@dataclass(frozen=True, slots=True)
class Casting:
    """How sessions become cases.

    Attributes:
        drawn_at: when.
        masks: hides what must not be kept.
        trusted: what must have become of a session for its answer to be a reference.
    """

    drawn_at: datetime
    consent: ConsentClass = "legitimate_interest"
    masks: Masks = unmasked
    trusted: frozenset[OutcomeClass] = frozenset({"good"})

    def case_of(self, pick: Pick) -> Case:
        """A pick as a case. Its reference comes from a session that asked alike and ended well, if there is one."""
        session, cut = pick.candidate.interaction, pick.candidate.cut
        shown = tuple(self._turn(turn) for turn in cut.shown)
        model = self._reference(pick)
        return Case(
            case_id=case_id_of(session.intent, shown),
            intent=session.intent,
            messages=shown,
            recorded=tuple(self._turn(turn) for turn in cut.answer),
            reference_answer="" if model is None else self._mask(_answer_in(model.cut)),
            reference_calls=None if model is None else tuple(self._expected(_calls_in(model.cut))),
            expects_escalation=None if model is None else escalates(model.interaction, model.cut),
            documents=self._documents(session),
            difficulty=difficulty_of(session),
            labels=self._labels(session),
            consent="synthetic" if session.origin == "simulated" else self.consent,
            provenance=Provenance(
                session_id=session.interaction_id,
                agent_id=session.agent_id,
                agent_version=session.agent_version,
                drawn_at=self.drawn_at,
                stratum=pick.stratum,
                cluster=pick.cluster,
                inclusion=pick.inclusion,
            ),
        )

    def _reference(self, pick: Pick) -> Candidate | None:
        """The drawn session itself, if it ended well, else the first of those that asked alike and did."""
        fitting = (one for one in (pick.candidate, *pick.alike) if outcome_of(one.interaction) in self.trusted)
        return next((one for one in fitting if _answer_in(one.cut) or _calls_in(one.cut)), None)

    def _mask(self, text: str) -> str:
        return self.masks(text, is_json=False) if text else text

    def _turn(self, turn: Turn) -> Turn:
        return turn.model_copy(
            update={
                "text": self._mask(turn.text),
                "reasoning": self._mask(turn.reasoning),
                "tools": tuple(self._use(use) for use in turn.tools),
                # When it was said says who said it, to whoever has a log of that time.
                "at": None,
            }
        )

    def _use(self, use: ToolUse) -> ToolUse:
        result = use.result
        if result:
            result = self.masks(result, is_json=_is_json(result))
        return use.model_copy(update={"arguments": self._arguments(use.arguments), "result": result})

    def _arguments(self, arguments: dict[str, Any] | None) -> dict[str, Any] | None:
        if not arguments:
            return arguments
        return arguments_of(self.masks(dump_json(arguments).decode(), is_json=True))

    def _expected(self, uses: Iterable[ToolUse]) -> Iterable[ExpectedCall]:
        """Calls with those of their arguments that nothing was masked in: what was masked is never called with."""
        for use in uses:
            before, after = use.arguments or {}, self._arguments(use.arguments) or {}
            kept = {name: value for name, value in before.items() if name in after and after[name] == value}
            yield ExpectedCall(name=use.name, arguments=kept)

    def _documents(self, session: Interaction) -> dict[str, str]:
        documents: dict[str, str] = {}
        for number, document in enumerate(session.documents):
            name = document.document_id or f"document-{number + 1}"
            documents[name if name not in documents else f"{name}#{number + 1}"] = self._mask(document.text)
        return documents

    def _labels(self, session: Interaction) -> dict[str, float | bool | str]:
        return {
            name: self._mask(value) if isinstance(value, str) else value
            for name, value in session.outcomes.items()
            if not isinstance(value, str) or len(value) <= _LONGEST_LABEL
        }


def case_id_of(intent: str, shown: Iterable[Turn]) -> str:
    """A case's id: the intent, and a hash of what is shown. The same request keeps it in every version of a suite."""
    said = [(turn.speaker, turn.text, [(use.name, use.result) for use in turn.tools]) for turn in shown]
    digest = hashlib.sha256(orjson.dumps([intent, said])).hexdigest()[:12]
    name = _NOT_A_NAME.sub("-", intent).strip("-._")[:60]
    return f"{name}-{digest}" if name else digest


def escalates(session: Interaction, cut: Cut) -> bool | None:
    """Whether the answer handed over to a person; None where the session tells it of some other moment, or not."""
    if any(is_escalation_tool(use.name) for turn in cut.answer for use in turn.tools):
        return True
    if session.escalated is False:
        return False
    return True if session.escalated and cut.last else None


def _answer_in(cut: Cut) -> str:
    return next((turn.text for turn in reversed(cut.answer) if turn.speaker == "assistant" and turn.text), "")


def _calls_in(cut: Cut) -> list[ToolUse]:
    return [use for turn in cut.answer for use in turn.tools if not use.failed]


def _is_json(text: str) -> bool:
    if text.lstrip()[:1] not in {"{", "["}:
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
