"""What `evals judge` needs: labels from the store or a file, and sessions scored and compared by a judge."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from watchkeeper.evals.grading.running import Occasion, run_graders
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.judging.asking import Asker
from watchkeeper.evals.judging.cache import AnswerCache
from watchkeeper.evals.judging.endpoint import ChatEndpoint
from watchkeeper.evals.judging.llm_judge import LlmJudge
from watchkeeper.evals.judging.pairwise import Comparison, compare
from watchkeeper.evals.judging.settings import JudgeSettings
from watchkeeper.evals.labelling.importing import label_row, read_text
from watchkeeper.evals.labelling.records import Labelled, together
from watchkeeper.evals.labelling.rubrics import rubric_for
from watchkeeper.evals.rubric import Rubric
from watchkeeper.evals.sampling import unit_of
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.scores import Score

T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Judging:
    """A judge at work.

    Attributes:
        settings: the judge's.
        rubrics: by which it judges.
        cache: where its answers are kept.
    """

    settings: JudgeSettings
    rubrics: tuple[Rubric, ...]
    cache: Path

    def run(
        self, interactions: Sequence[Interaction], pairs: int
    ) -> tuple[list[Score], list[Comparison], float | None]:
        """Scores of sessions, pairs of them compared each way round, and what it cost; None without prices.

        Raises:
            WatchkeeperError: a comparison failed; a grade that fails is a score of type `failure`.
        """
        endpoint = ChatEndpoint(self.settings)
        asker = Asker(endpoint, AnswerCache(self.cache))
        judge, occasion = LlmJudge(asker, self.rubrics), Occasion("live", graded_at=datetime.now(UTC))

        def compared(both: tuple[Interaction, Interaction]) -> Comparison:
            rubric = rubric_for(self.rubrics, both[0].intent)
            assert rubric is not None
            return compare(asker, rubric, *both)

        try:
            scored = self._each(lambda one: run_graders([judge], one, occasion=occasion), interactions)
            chosen = pairs_of([one for one in interactions if rubric_for(self.rubrics, one.intent)], pairs)
            found = self._each(compared, chosen)
        finally:
            endpoint.close()
        spent = endpoint.spending.spent_usd if endpoint.prices.known else None
        return [score for some in scored for score in some], found, spent

    def _each(self, work: Callable[[S], T], items: Sequence[S]) -> list[T]:
        with ThreadPoolExecutor(self.settings.concurrency) as pool:
            return list(pool.map(work, items))


def pairs_of(interactions: Sequence[Interaction], wanted: int) -> list[tuple[Interaction, Interaction]]:
    """Pairs of sessions of one intent, the same ones in each run."""
    ordered = sorted(interactions, key=lambda one: (one.intent, unit_of("pair", one.interaction_id)))
    found = [(one, other) for one, other in itertools.pairwise(ordered) if one.intent == other.intent]
    return sorted(found, key=lambda both: unit_of("pair", both[0].interaction_id, both[1].interaction_id))[:wanted]


def labels_from(path: Path, tenant: str) -> list[Labelled]:
    """The labels of a file, as `evals label --from` takes them.

    Raises:
        ConfigurationError: it cannot be read, or a line is no label.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read ({error}): name a file of labels, JSON lines") from error
    now = datetime.now(UTC)
    return together(label_row(one, tenant=tenant, given_by="unnamed", now=now) for _, one in read_text(text, str(path)))


def length_of(interaction: Interaction) -> int:
    """Characters of all that the agent said."""
    return sum(len(turn.text) for turn in interaction.turns if turn.speaker == "assistant")
