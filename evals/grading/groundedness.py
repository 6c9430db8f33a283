"""Whether what the agent says stands in what it had before it: the method of the detector `ungrounded_answer`.

Numbers, days, names and quotations are looked up in what was said, retrieved and answered by tools before (`claims`).
A detector must do so in a few kilobytes of state, and gives up when there is more; a grader sees the whole session, and
keeps its sources in pages, each small enough to be exact. A claim is supported where one page supports it, or
where it follows from the numbers of all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from watchkeeper.evals.grading.configured import ConfiguredGrader
from watchkeeper.evals.grading.grade import Grade, failure, number
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.suites.case import Case
from watchkeeper.stream_processors.detection.claims import judge_claims
from watchkeeper.stream_processors.detection.known_text import BITMAP, MAX_VALUES, Known, is_full, take_in
from watchkeeper.stream_processors.detection.shown_texts import plain

PIECE: Final = 60
"""Words that are taken in at once: few enough that a page of `MAX_LISTED` hashes holds two of them."""

OVERLAP: Final = 20
"""Words that two pieces share: a quotation at the seam still finds most of its runs in one of them."""

MAX_PAGES: Final = 160
"""Exact pages. What comes after shares one that is not, as in the detector: a session of this size is a book."""


@dataclass(slots=True)
class Sources:
    """Everything the agent had before it."""

    pages: list[Known] = field(default_factory=lambda: [Known()])
    values: list[float] = field(default_factory=list)
    days: set[int] = field(default_factory=set)

    def take(self, text: str) -> None:
        """Takes a source in."""
        words = plain(text).split()
        for start in range(0, max(1, len(words)), PIECE - OVERLAP):
            self._take_piece(" ".join(words[start : start + PIECE]))
            if start + PIECE >= len(words):
                break

    def _take_piece(self, piece: str) -> None:
        alone = Known()
        take_in(alone, piece)
        # The latest last: they are kept where there are too many to reckon with.
        self.values = [value for value in self.values if value not in alone.values] + alone.values
        self.days.update(alone.days)
        if len(self.pages) >= MAX_PAGES:
            take_in(self.pages[-1], piece)
            return
        tried = copy(self.pages[-1])
        take_in(tried, piece)
        if tried.words[:1] == BITMAP or tried.crowded:
            self.pages.append(alone)
        else:
            self.pages[-1] = tried

    def judge(self, answer: str, today: int) -> tuple[int, int]:
        """How many claims of an answer were checked, and how many nothing supports.

        Args:
            answer: its text.
            today: the day of the answer, as an ordinal.
        """
        reckoned = Known(values=sorted(self.values[-MAX_VALUES:]), days=sorted(self.days))
        first = judge_claims(answer, reckoned, today)
        left = {(claim.claim, claim.start, claim.length) for claim in first.unsupported}
        for page in reversed(self.pages):
            if not left:
                break
            if not is_full(page.words):
                judged = judge_claims(answer, page, today)
                left &= {(claim.claim, claim.start, claim.length) for claim in judged.unsupported}
        return first.checked, len(left)


class Groundedness(ConfiguredGrader):
    """The share of an agent's claims that its sources support.

    Sources are documents, results of tools, and what users and the system prompt said, each before the answer that is
    judged. Sessions that looked nothing up, and those that claim nothing, have no grade.

    Attributes:
        where: `session` judges everything that the agent said, `answer` its last words alone.
        require_sources: whether only sessions are graded in which something was looked up.
        bar: from which share on it passes.
    """

    NAME: ClassVar[str] = "groundedness"

    where: Literal["session", "answer"] = "session"
    require_sources: bool = True
    bar: Annotated[float, Field(ge=0, le=1)] = 0.9

    def applies(self, interaction: Interaction, case: Case | None) -> bool:
        """Where something was looked up, and something is claimed."""
        found = bool(interaction.documents) or any(call.result for call in interaction.calls)
        if self.require_sources and not (found or (case is not None and case.documents)):
            return False
        return any(judge_claims(text, Known(), 1).checked for text in self._answers(interaction))

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:
        """A number with a verdict; a failure where a source may have been lost."""
        checked, unsupported = self.claims(interaction, case)
        if not checked:
            return failure("Nothing is claimed that can be looked up.")
        if unsupported and not interaction.complete:
            return failure("Events of this session are missing: what seems unsupported may stand in what was lost.")
        if unsupported and any(call.result is None and not call.failed for call in interaction.calls):
            return failure("Results of tools were not recorded: what seems unsupported may stand in them.")
        reason = f"{unsupported} of {checked} numbers, dates, names and quotations stand in nothing it had before it."
        return number(1 - unsupported / checked, bar=self.bar, reason=reason)

    def claims(self, interaction: Interaction, case: Case | None = None) -> tuple[int, int]:
        """Claims that were checked, and those that nothing supports."""
        sources = Sources()
        for text in _given(interaction, case):
            sources.take(text)
        last = max(
            (at for at, turn in enumerate(interaction.turns) if turn.speaker == "assistant" and turn.text), default=-1
        )
        checked = unsupported = 0
        for at, turn in enumerate(interaction.turns):
            if turn.speaker == "assistant":
                if turn.text and (self.where == "session" or at == last):
                    today = (turn.at or interaction.ended_at).toordinal()
                    some, wrong = sources.judge(turn.text, today)
                    checked, unsupported = checked + some, unsupported + wrong
            else:
                sources.take(turn.text)
            for call in turn.tools:
                if call.result:
                    sources.take(call.result)
        return checked, unsupported

    def _answers(self, interaction: Interaction) -> Iterator[str]:
        if self.where == "answer":
            yield interaction.answer
        else:
            yield from (turn.text for turn in interaction.turns if turn.speaker == "assistant" and turn.text)


def _given(interaction: Interaction, case: Case | None) -> Iterator[str]:
    yield interaction.goal
    yield from (document.text for document in interaction.documents)
    if case is not None:
        yield from case.documents.values()
