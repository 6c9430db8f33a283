"""Candidates whose answers are there already: the suite's own sessions, and files of answers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import orjson
from pydantic import ValidationError

from watchkeeper.evals.gate.answers import Answer, CandidateError, read_answer
from watchkeeper.evals.gate.candidates import Question
from watchkeeper.evals.interaction import Interaction
from watchkeeper.schemas.errors import ConfigurationError


class RecordedSessions:
    """What was answered in the sessions from which the cases were drawn: each case once, whatever the repeats."""

    timed: Final = False

    def ask(self, question: Question) -> Answer:
        """The case's recorded turns; see `Candidate`."""
        case = question.case
        if not case.recorded:
            raise CandidateError(
                "missing", f"case {case.case_id} keeps no recorded turns: refresh the suite, or name another baseline"
            )
        whose = case.provenance
        return Answer(turns=case.recorded, agent_id=whose.agent_id, agent_version=whose.agent_version)

    def close(self) -> None:
        """Holds nothing."""


class RecordedAnswers:
    """A file of answers, one JSON object a line.

    A line is either `{"case_id": …, "answer": …}`, the answer being a text or an object with an `Answer`'s keys, or an
    interaction as the exports give it, whose `interaction_id` is the case's id or the session from which the case was
    drawn. Several lines of one case are its repeats, in order.

    Raises:
        ConfigurationError: the file cannot be read, or a line is neither; the message names the line.
    """

    timed: Final = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._answers: dict[str, list[Answer]] = {}
        try:
            lines = path.read_bytes().splitlines()
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from error
        for number, line in enumerate(lines, start=1):
            if line.strip():
                name, answer = self._read(line, number)
                self._answers.setdefault(name, []).append(answer)

    def _read(self, line: bytes, number: int) -> tuple[str, Answer]:
        try:
            document = orjson.loads(line)
            if isinstance(document, dict) and isinstance(document.get("case_id"), str) and "answer" in document:
                return document["case_id"], read_answer(document["answer"])
            return self._interaction(Interaction.model_validate_json(line))
        except (orjson.JSONDecodeError, ValidationError, CandidateError) as error:
            raise ConfigurationError(
                f'{self._path}:{number}: neither {{"case_id": …, "answer": …}} nor an interaction: {error}'
            ) from error

    @staticmethod
    def _interaction(found: Interaction) -> tuple[str, Answer]:
        return found.interaction_id, Answer(
            turns=found.turns,
            documents=found.documents or None,
            session_id=found.interaction_id,
            agent_id=found.agent_id,
            agent_version=found.agent_version,
            model=found.model,
            prompt_version=found.prompt_version,
            escalated=found.escalated,
            outcomes=found.outcomes,
            input_tokens=found.tokens,
            cost_usd=found.cost_usd,
        )

    def ask(self, question: Question) -> Answer:
        """The file's answer; see `Candidate`."""
        case = question.case
        found = self._answers.get(case.case_id) or self._answers.get(case.provenance.session_id, [])
        if question.repeat >= len(found):
            held = f"{len(found)} answers" if found else "no answer"
            raise CandidateError("missing", f"{self._path} holds {held} to case {case.case_id}")
        answer = found[question.repeat]
        shown = len(case.messages)
        if answer.turns[:shown] and _said(answer.turns[:shown]) == _said(case.messages):
            # A whole session: it begins with what the case shows.
            return answer.model_copy(update={"turns": answer.turns[shown:]})
        return answer

    def close(self) -> None:
        """Holds nothing."""


def _said(turns: tuple[object, ...]) -> list[object]:
    return [(getattr(turn, "speaker", ""), getattr(turn, "text", "")) for turn in turns]
