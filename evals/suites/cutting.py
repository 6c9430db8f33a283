"""Where in a session a case begins: at the request that made the agent do most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from watchkeeper.evals.interaction import Turn


@dataclass(frozen=True, slots=True)
class Cut:
    """A session in two.

    Attributes:
        shown: what was said up to and with the request: what a candidate is shown.
        answer: what the agent did and said to it, up to the user's next word.
        last: whether the user said nothing more.
    """

    shown: tuple[Turn, ...]
    answer: tuple[Turn, ...]
    last: bool

    @property
    def request(self) -> str:
        """What the user said, up to here."""
        return "\n".join(turn.text for turn in self.shown if turn.speaker == "user")


def cut_of(turns: Sequence[Turn]) -> Cut | None:
    """The cut behind the request to which the agent made most calls; of equals behind the longest, then the first.

    A greeting, or a thank-you at the end, shows nothing of an agent. None where no request was answered.
    """
    cuts = list(_cuts(turns))
    return max(cuts, key=_worth) if cuts else None


def _worth(cut: Cut) -> tuple[int, int, int]:
    calls = sum(len(turn.tools) for turn in cut.answer)
    return calls, len(cut.shown[-1].text), -len(cut.shown)


def _cuts(turns: Sequence[Turn]) -> Iterator[Cut]:
    asked = [index for index, turn in enumerate(turns) if turn.speaker == "user" and turn.text]
    for place, index in enumerate(asked):
        following = asked[place + 1] if place + 1 < len(asked) else len(turns)
        answer = tuple(turns[index + 1 : following])
        if any(turn.speaker == "assistant" and (turn.text or turn.tools) for turn in answer):
            yield Cut(tuple(turns[: index + 1]), answer, last=following == len(turns))
