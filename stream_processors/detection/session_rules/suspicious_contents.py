"""Contents that read like instructions to agents, as `prompt_injection` remembers them between events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypedDict

from watchkeeper.schemas.evidence import InjectionSignal, SuspiciousContent
from watchkeeper.stream_processors.detection.instruction_signals import WEIGHTS
from watchkeeper.stream_processors.detection.session_rules.kept_findings import Kept

Source = Literal["tool_result", "retrieval", "file"]

HOSTILE: frozenset[InjectionSignal] = frozenset({"override", "chat_markup", "hidden", "encoded", "secrecy"})
SIGNALS: tuple[InjectionSignal, ...] = tuple(WEIGHTS)
SOURCES: dict[Source, str] = {"tool_result": "A result of", "retrieval": "The document", "file": "A file of the"}


class Remembered(TypedDict):
    """A suspicious content as the state holds it.

    `signals` and `deeds` are bits; `handles` are digests; `weak` where it only asks; `talks` where it discusses
    attacks; `fresh` until a user speaks.
    """

    address: str
    event: str
    us: int
    source: Source
    name: str
    signals: int
    score: int
    at: int
    length: int
    handles: str
    deeds: int
    weak: bool
    talks: bool
    fresh: bool


@dataclass(slots=True)
class PromptInjectionState:
    """What is kept between events.

    Attributes:
        deeds: for which user, goal or system prompt give a reason, as bits.
        known: handles that they named.
        called: digests of the tools called so far.
        delegates: a user hands over the say to what the agent reads.
        contents: suspicious contents, the heaviest at most.
        told: calls told so far.
        unread: a text was too long to be read, and that was told.
        kept: findings whose calls wait for their results.
    """

    deeds: int = 0
    known: str = ""
    called: str = ""
    delegates: bool = False
    contents: list[Remembered] = field(default_factory=list)
    told: int = 0
    unread: bool = False
    kept: list[Kept] = field(default_factory=list)


def signals_of(content: Remembered) -> list[InjectionSignal]:
    """What reads like instructions in it."""
    return [signal for place, signal in enumerate(SIGNALS) if content["signals"] >> place & 1]


def evidence_of(content: Remembered) -> SuspiciousContent:
    """The content as findings hold it."""
    return SuspiciousContent(
        source=content["source"],
        name=content["name"],
        address=content["address"],
        event_id=content["event"],
        signals=signals_of(content),
        score=content["score"],
        offset=content["at"],
        length=content["length"],
    )


def listed_signals(content: Remembered) -> str:
    """The same in words, for a summary."""
    return ", ".join(signal.replace("_", " ") for signal in signals_of(content))
