"""Two sessions compared, each way round: a judge that prefers a place and not a session has not preferred anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.judging.answers import Preferred, comparison_schema, read_comparison
from watchkeeper.evals.judging.asking import Asker, total
from watchkeeper.evals.judging.discretion import discreet
from watchkeeper.evals.judging.prompts import comparing_messages
from watchkeeper.evals.judging.transcript import show_session
from watchkeeper.evals.rubric import Rubric
from watchkeeper.evals.suites.case import Case

Side = Literal["one", "other", "neither"]
_SCHEMA_NAME: Final = "comparison"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a judge says of two sessions.

    Attributes:
        better: `neither` also where the two ways round disagree.
        as_given: the place that it preferred with `one` first.
        turned: the place that it preferred with `other` first.
        cost_usd: None without prices.
    """

    better: Side
    as_given: Preferred
    turned: Preferred
    reason: str
    cost_usd: float | None

    @property
    def consistent(self) -> bool:
        """Whether both ways round say the same of the sessions."""
        return _side(self.as_given, turned=False) == _side(self.turned, turned=True)

    @property
    def by_place(self) -> Preferred | None:
        """The place that it preferred both times, whichever session stood there; None where it did not."""
        return self.as_given if self.as_given == self.turned != "neither" else None


def compare(asker: Asker, rubric: Rubric, one: Interaction, other: Interaction, case: Case | None = None) -> Comparison:
    """Asks twice, the second time with the sessions turned round.

    Raises:
        WatchkeeperError: see `Asker.ask`; one way round alone is no comparison.
    """
    room = asker.settings.max_prompt_characters // 2
    first, second = (show_session(each, case, room).text for each in (one, other))
    schema = comparison_schema()
    given, turned = (
        asker.ask(
            comparing_messages(rubric.criteria, schema, *pair), schema, _SCHEMA_NAME, repeat=0, read=read_comparison
        )
        for pair in ((first, second), (second, first))
    )
    (as_given, reason), (as_turned, _) = given.value, turned.value
    side = _side(as_given, turned=False)
    return Comparison(
        better=side if side == _side(as_turned, turned=True) else "neither",
        as_given=as_given,
        turned=as_turned,
        reason=discreet(reason) if asker.settings.keep_notes else "",
        cost_usd=total([given.cost_usd, turned.cost_usd]),
    )


def _side(preferred: Preferred, *, turned: bool) -> Side:
    if preferred == "neither":
        return "neither"
    return "one" if (preferred == "first") != turned else "other"
