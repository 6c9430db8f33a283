"""What a candidate answers to a case, in whichever form it hands it over, and the interaction that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, ValidationError

from watchkeeper.evals.interaction import Document, Interaction, ToolUse, Turn
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.errors import WatchkeeperError
from watchkeeper.schemas.ids import derived_id
from watchkeeper.schemas.json_text import dump_json
from watchkeeper.schemas.model import Model, Name


class CandidateError(WatchkeeperError):
    """A candidate gave no usable answer.

    Attributes:
        kind: see `attempts.Trouble`.
        transient: whether the same question may be answered later.
        wait_s: how long the candidate asks to be left alone, in seconds.
    """

    def __init__(self, kind: str, message: str, *, transient: bool = False, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.transient = transient
        self.wait_s = wait_s


class Answer(Model):
    """A rich answer: all but the text may be left out. A dict with these keys is as good.

    Attributes:
        tools: the calls that were made on the way, in order.
        turns: the turns in full, in place of `text` and `tools`, where there were several.
        documents: what was retrieved; the case's own where none is told.
        session_id: under which the agent recorded itself, if it did.
        escalated: whether it was handed to a person.
        outcomes: what became of it, by name.
    """

    text: str = ""
    reasoning: str = ""
    tools: tuple[ToolUse, ...] = ()
    turns: tuple[Turn, ...] = ()
    documents: tuple[Document, ...] | None = None
    session_id: Annotated[str, Field(max_length=256)] = ""
    agent_id: str = ""
    agent_version: str = ""
    model: str = ""
    prompt_version: str = ""
    escalated: bool | None = None
    outcomes: dict[str, float | bool | str] = Field(default_factory=dict)
    input_tokens: Annotated[int, Field(ge=0)] = 0
    output_tokens: Annotated[int, Field(ge=0)] = 0
    cost_usd: Annotated[float, Field(ge=0)] | None = None


class Identity(Model):
    """Whose answers they are, where the answers do not say it themselves."""

    tenant_id: Name = "default"
    agent_id: str = ""
    agent_version: str = ""
    environment: str = "gate"


def read_answer(given: Any) -> Answer:
    """An answer of what a callable returned: text, an `Answer`, or a mapping with its keys.

    Raises:
        CandidateError: it is none of these.
    """
    if isinstance(given, Answer):
        return given
    if isinstance(given, str):
        return Answer(text=given)
    if not isinstance(given, Mapping):
        raise CandidateError(
            "malformed",
            f"the candidate returned a {type(given).__name__}: return a text, or an Answer "
            "(watchkeeper.evals.gate.answers), or a dict with its keys",
        )
    try:
        # By way of JSON: a dict made by hand has lists where the model has tuples.
        return Answer.model_validate_json(dump_json(dict(given)))
    except (ValidationError, TypeError) as error:
        raise CandidateError("malformed", f"the candidate's answer cannot be read: {_first(error)}") from error


def _first(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    problem = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"


def interaction_of(
    case: Case, answer: Answer, whose: Identity, *, run: str, repeat: int, begun: datetime, ended: datetime
) -> Interaction:
    """The case's messages with the answer to them, as graders see it.

    `run` names the run and the side: with case and repeat it makes the id where the answer names no session.
    """
    own = answer.turns or (
        Turn(speaker="assistant", text=answer.text, reasoning=answer.reasoning, tools=answer.tools, at=ended),
    )
    documents = answer.documents
    if documents is None:
        documents = tuple(Document(document_id=name, text=text) for name, text in case.documents.items())
    return Interaction(
        interaction_id=answer.session_id or derived_id("gate", run, case.case_id, repeat),
        tenant_id=whose.tenant_id,
        origin="simulated",
        agent_id=answer.agent_id or whose.agent_id or case.provenance.agent_id,
        agent_version=answer.agent_version or whose.agent_version,
        model=answer.model,
        prompt_version=answer.prompt_version,
        intent=case.intent,
        environment=whose.environment,
        turns=(*case.messages, *own),
        documents=documents,
        outcomes=answer.outcomes,
        escalated=answer.escalated,
        status="completed",
        started_at=begun,
        ended_at=ended,
        cost_usd=answer.cost_usd,
        tokens=answer.input_tokens + answer.output_tokens,
    )
