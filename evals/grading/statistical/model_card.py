"""What a trained model is, how good, and what it is not for: Markdown, for people."""

from __future__ import annotations

from typing import Final

from watchkeeper.evals.grading.statistical.model_file import Linear, Measure, TrainedModel
from watchkeeper.evals.grading.statistical.training import INNER, OUTER, Trained

_TOLD: Final = 12

_CAVEATS: Final = (
    "## What it is not",
    "",
    (
        "- It has learned what goes along with the label, not what makes a session good. It is no reason to blame "
        "a session, and no target to train an agent on."
    ),
    (
        "- It holds for the agents and the time it was trained on. `watchkeeper evals train` makes it anew; one "
        "of other features grades nothing."
    ),
    (
        "- The file holds counts and weights of hashed words, no texts. Who guesses a word can test whether it had "
        "weight."
    ),
    "",
)


def model_card(trained: Trained, file: str, digest: str) -> str:
    """The card.

    Args:
        trained: the model and how it was chosen.
        file: its name.
        digest: SHA-256 of the file.
    """
    model = trained.model
    lines = [
        f"# Model card: {file}",
        "",
        f"Says how likely a session is good, where good means: **{model.target}**. {_verdict(model)}",
        "",
        *_facts(model, digest),
        "## How good it is on sessions it has not seen",
        "",
        (
            f"{OUTER} folds that keep groups together; in each, encoding, choice ({INNER} inner folds) and calibration "
            "are made from the others alone. Intervals: 95 %, bootstrap over groups."
        ),
        "",
        "| measure | value | 95 % interval | what it is |",
        "|---|---|---|---|",
        *map(_row, model.measures),
        "",
        "## What was weighed",
        "",
        "| candidate | log loss in cross-validation |",
        "|---|---|",
        *(f"| {name} | {loss:.4f} |" for name, loss in trained.candidates.items()),
        "",
        *_weights(model),
        *_CAVEATS,
    ]
    return "\n".join(lines)


def _facts(model: TrainedModel, digest: str) -> list[str]:
    return [
        "| | |",
        "|---|---|",
        f"| trained | {model.trained_at:%Y-%m-%d %H:%M} UTC |",
        f"| sessions | {model.sessions}: {model.good} good, {model.sessions - model.good} bad |",
        f"| groups (tasks, customers) | {model.groups} |",
        f"| agents | {', '.join(model.agents)} |",
        f"| model | {model.chosen}, calibrated by Platt's method |",
        f"| features | version {model.features} |",
        f"| SHA-256 | `{digest}` |",
        "",
    ]


def is_no_better_than_chance(model: TrainedModel) -> bool:
    """Whether its AUC's interval holds 0.5, or it says the same of every session."""
    auc = next((one for one in model.measures if one.name == "auc"), None)
    return auc is None or auc.low is None or auc.low <= 0.5


def _verdict(model: TrainedModel) -> str:
    if is_no_better_than_chance(model):
        return "**It is not better than chance: do not use it.** More labels, or labels of more tasks, may help."
    return "It is better than chance."


def _row(measure: Measure) -> str:
    if measure.value is None or measure.low is None or measure.high is None:
        return f"| {measure.name} | not defined | | {measure.says} |"
    return f"| {measure.name} | {measure.value:.3f} | {measure.low:.3f} to {measure.high:.3f} | {measure.says} |"


def _weights(model: TrainedModel) -> list[str]:
    if not isinstance(model.model, Linear) or not model.model.counts:
        return []
    heaviest = sorted(model.model.counts.items(), key=lambda item: -abs(item[1]))[:_TOLD]
    return [
        "## What counts most",
        "",
        (
            "Change of the log odds for one standard deviation more of log(1 + count), the rest being equal. Counts "
            "that go together share their weight."
        ),
        "",
        "| count | weight |",
        "|---|---|",
        *(f"| {name} | {weight:+.2f} |" for name, weight in heaviest if weight),
        "",
    ]
