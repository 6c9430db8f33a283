"""What can be a candidate or a baseline, and how a command line names it.

| named as | what answers |
|---|---|
| `package.module:function` | a callable, sync or async |
| `https://host/v1#model` | an endpoint that speaks OpenAI-compatible chat |
| `answers.jsonl` | answers that were recorded elsewhere |
| `recorded` | the sessions from which the suite was drawn, as they went on |
| a directory | an earlier run that was kept |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from watchkeeper.evals.gate.answers import Answer
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.errors import ConfigurationError

RECORDED: Final = "recorded"


@dataclass(frozen=True, slots=True)
class Question:
    """One attempt at a case.

    Attributes:
        repeat: which one, from 0.
        seed: of whatever the candidate draws: derived from the run's seed, the case and the repeat.
        timeout_s: in seconds.
    """

    case: Case
    repeat: int
    seed: int
    timeout_s: float


class Candidate(Protocol):
    """Answers cases, from several threads at once."""

    @property
    def timed(self) -> bool:
        """Whether the time that an answer takes says anything of the agent."""

    def ask(self, question: Question) -> Answer:
        """The answer.

        Raises:
            CandidateError: there is none, and why.
        """

    def close(self) -> None:
        """Lets go of what it holds."""


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """What endpoints need beside their address.

    Attributes:
        key: sent as a bearer token; empty for none.
        body: further fields of each request; one that is null is left out of it.
    """

    key: str
    body: Mapping[str, Any]


def open_candidate(named: str, options: EndpointOptions) -> Candidate:
    """The candidate under a name; not an earlier run, whose answers need no asking (`folder.RunFolder`).

    Raises:
        ConfigurationError: it names nothing that can answer; the message says what is missing.
    """
    # Each kind brings modules of its own, here and below: whoever asks one does not load the others.
    if named == RECORDED:
        from watchkeeper.evals.gate.recorded import RecordedSessions  # noqa: PLC0415 - see above

        return RecordedSessions()
    if named.startswith(("http://", "https://")):
        from watchkeeper.evals.gate.endpoint import ChatEndpoint  # noqa: PLC0415 - see above

        return ChatEndpoint(named, options)
    if named.endswith(".jsonl"):
        from watchkeeper.evals.gate.recorded import RecordedAnswers  # noqa: PLC0415 - see above

        return RecordedAnswers(Path(named))
    if ":" in named:
        from watchkeeper.evals.gate.callables import AgentCallable  # noqa: PLC0415 - see above

        return AgentCallable(named)
    raise ConfigurationError(
        f"{named!r} names no candidate: give package.module:function, https://host/v1#model, a file of answers "
        f"(.jsonl), the directory of an earlier run, or {RECORDED}"
    )
