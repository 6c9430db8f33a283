"""Graders of what the agent said last: against a reference, or against what it must and must not say."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

import re2  # type: ignore[import-untyped] # it ships no types
from pydantic import Field, field_validator, model_validator

from watchkeeper.evals.grading.configured import ConfiguredGrader
from watchkeeper.evals.grading.grade import Grade, number, passed
from watchkeeper.evals.grading.texts import contains_words, sequence_f1, token_f1, words_of
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.patterns import MAX_PATTERN

_SILENT = "The agent gave no answer."

Share = Annotated[float, Field(ge=0, le=1)]
Phrase = Annotated[str, Field(min_length=1, max_length=2000)]


class _AgainstReference(ConfiguredGrader):
    def applies(self, interaction: Interaction, case: Case | None) -> bool:  # noqa: ARG002 # the protocol's
        """Where the case fixes what a good answer says."""
        return case is not None and bool(case.reference_answer)


class ExactMatch(_AgainstReference):
    """Whether the last answer is the reference answer.

    Attributes:
        normalise: letter case, punctuation, white space and the spelling of numbers do not count.
    """

    NAME: ClassVar[str] = "exact_match"

    normalise: bool = True

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:
        """Passed or not."""
        reference = case.reference_answer if case else ""
        answer = interaction.answer
        if not answer:
            return passed(False, _SILENT)
        same = words_of(answer) == words_of(reference) if self.normalise else answer.strip() == reference.strip()
        return passed(same, "" if same else "The answer is not the reference answer.")


class FuzzyMatch(_AgainstReference):
    """How much the last answer shares with the reference answer.

    Attributes:
        method: `token_f1`: words, in any order; `sequence_f1`: words in the same order.
        bar: from which value on it passes.
    """

    NAME: ClassVar[str] = "fuzzy_match"

    method: Literal["token_f1", "sequence_f1"] = "token_f1"
    bar: Share = 0.7

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:
        """A number with a verdict."""
        reference = words_of(case.reference_answer if case else "")
        answer = words_of(interaction.answer)
        if not answer:
            return number(0.0, bar=self.bar, reason=_SILENT)
        value = token_f1(answer, reference) if self.method == "token_f1" else sequence_f1(answer, reference)
        return number(value, bar=self.bar, reason=f"{self.method} is {value:.2f}; {self.bar:g} is good enough.")


class _Said(ConfiguredGrader):
    """Looks at what the agent said.

    Attributes:
        where: the last answer, or everything that the agent said to the user.
    """

    where: Literal["answer", "session"] = "answer"

    def applies(self, interaction: Interaction, case: Case | None) -> bool:  # noqa: ARG002 # the protocol's
        """Always: an agent that said nothing did not say what it must."""
        return True

    def _said(self, interaction: Interaction) -> str:
        if self.where == "answer":
            return interaction.answer
        return "\n".join(turn.text for turn in interaction.turns if turn.speaker == "assistant" and turn.text)


class Contains(_Said):
    """Whether phrases stand in what the agent said: whole words, whatever their case and punctuation.

    Attributes:
        all_of: all of these.
        any_of: at least one of these.
        none_of: none of these.
    """

    NAME: ClassVar[str] = "contains"

    all_of: tuple[Phrase, ...] = ()
    any_of: tuple[Phrase, ...] = ()
    none_of: tuple[Phrase, ...] = ()

    @field_validator("all_of", "any_of", "none_of")
    @classmethod
    def _has_words(cls, phrases: tuple[str, ...]) -> tuple[str, ...]:
        for phrase in phrases:
            if not words_of(phrase):
                raise ValueError(f"{phrase!r} has neither words nor numbers, so nothing contains it")
        return phrases

    @model_validator(mode="after")
    def _asks_something(self) -> Contains:
        if not (self.all_of or self.any_of or self.none_of):
            raise ValueError("name phrases in all_of, any_of or none_of")
        return self

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:  # noqa: ARG002 # the protocol's
        """Passed or not; the reason counts, it does not quote."""
        text = words_of(self._said(interaction))
        missing = sum(not contains_words(text, words_of(phrase)) for phrase in self.all_of)
        unwanted = sum(contains_words(text, words_of(phrase)) for phrase in self.none_of)
        chosen = not self.any_of or any(contains_words(text, words_of(phrase)) for phrase in self.any_of)
        faults = [
            f"{missing} of {len(self.all_of)} phrases of all_of are missing" if missing else "",
            "" if chosen else "none of any_of is there",
            f"{unwanted} of none_of are there" if unwanted else "",
        ]
        told = "; ".join(filter(None, faults))
        return passed(not told, f"{told[:1].upper()}{told[1:]}." if told else "")


class Regex(_Said):
    """Whether a regular expression of RE2 matches somewhere in what the agent said.

    Attributes:
        pattern: in RE2's syntax; `(?i)` before it for any letter case.
        wanted: False where it must not match.
    """

    NAME: ClassVar[str] = "regex"

    pattern: Annotated[str, Field(min_length=1, max_length=MAX_PATTERN)]
    wanted: bool = True

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            _compiled(pattern)
        except re2.error as error:
            raise ValueError(f"is no expression of RE2 ({_plain(error)}): no look-around, no backreferences") from error
        return pattern

    @cached_property
    def _expression(self) -> Any:
        return _compiled(self.pattern)

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:  # noqa: ARG002 # the protocol's
        """Passed or not."""
        found = self._expression.search(self._said(interaction)) is not None
        if found == self.wanted:
            return passed(True)
        return passed(False, "The expression matches." if found else "The expression does not match.")


def _compiled(pattern: str) -> Any:
    options = re2.Options()
    # Its own complaints would go to standard error.
    options.log_errors = False
    return re2.compile(pattern, options)


def _plain(error: Exception) -> str:
    told = error.args[0] if error.args else error
    return told.decode(errors="replace") if isinstance(told, bytes) else str(told)
