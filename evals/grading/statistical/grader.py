"""Grades by a trained model: how likely the session is good."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from watchkeeper.evals.grading.digests import digest_of
from watchkeeper.evals.grading.grade import Grade, failure, number
from watchkeeper.evals.grading.statistical.features import FEATURES, features_of
from watchkeeper.evals.grading.statistical.model_file import Linear, TrainedModel, read_model
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.errors import ConfigurationError

REVISION: Final = "1"
_TOLD: Final = 3
_SLIGHT: Final = 0.1


class StatisticalGrader:
    """See the module.

    Args:
        model: the file that `watchkeeper evals train` wrote.
        bar: from which probability on a session passes.
        any_agent: whether sessions of agents are graded on which the model was not trained. What is good elsewhere may
            look quite different: by default they get no score.

    Raises:
        ConfigurationError: the file cannot be used, or the bar is no probability.
    """

    name: Final = "statistical"

    def __init__(self, model: str | Path, bar: float = 0.5, *, any_agent: bool = False) -> None:
        if not isinstance(bar, (int, float)) or not 0 <= bar <= 1:
            raise ConfigurationError(f"grader statistical: bar is {bar!r}: write a probability from 0 to 1")
        self._model, digest = read_model(Path(model))
        self._bar = float(bar)
        self._any_agent = any_agent
        self.version = f"{REVISION}.{digest_of([digest, self._bar, any_agent])}"

    @property
    def model(self) -> TrainedModel:
        """By which it grades."""
        return self._model

    def applies(self, interaction: Interaction, case: Case | None) -> bool:  # noqa: ARG002 # the protocol's
        """Sessions of the agents on which it was trained."""
        return bool(interaction.turns) and (self._any_agent or interaction.agent_id in self._model.agents)

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:  # noqa: ARG002 # the protocol's
        """A probability with a verdict; a failure where the model was trained on other features, or events are lost."""
        if self._model.features != FEATURES:
            return failure(
                f"The model was trained on features of version {self._model.features}, and this program makes version "
                f"{FEATURES}: train it anew, `watchkeeper evals train`."
            )
        if not interaction.complete:
            return failure("Events of this session are missing: counts and words would be those of a part of it.")
        row = self._model.encoding.row(features_of(interaction))
        value = self._model.calibration.probability(self._model.model.score(row))
        return number(value, bar=self._bar, reason=self._reason(value, row))

    def _reason(self, value: float, row: dict[int, float]) -> str:
        told = f"Good with probability {value:.2f}."
        if not isinstance(self._model.model, Linear):
            return told
        parts = self._model.model.contributions(row)
        against = sorted((added, name) for name, added in parts.items() if added < -_SLIGHT)[:_TOLD]
        most = ", ".join(f"{name} ({added:+.1f})" for added, name in against)
        return f"{told} Most against it: {most}." if most else told
