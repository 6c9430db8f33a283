"""A trained model as JSON: numbers alone, so that a file from anywhere can be opened; nothing in it runs.

The model is evaluated here, in plain Python: what was trained by one version of scikit-learn grades the same under
every other, and without it.
"""

from __future__ import annotations

import ctypes
import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError, model_validator

from watchkeeper.evals.grading.statistical.encoding import FIRST_WORD, Encoding
from watchkeeper.evals.grading.statistical.features import BUCKETS, STRUCTURE, Features
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.model import Model, Moment, Name, Sentence

FORMAT: Final = "watchkeeper.statistical/1"
MAX_BYTES: Final = 50_000_000
MAX_TREES: Final = 5_000


class Measure(Model):
    """How good the model is on sessions that it had not seen.

    Attributes:
        value: None where it is not defined: of one kind of sessions alone, say.
        low: of the 95 % interval.
        says: what it is, for people.
    """

    name: Name
    value: float | None
    low: float | None = None
    high: float | None = None
    says: Sentence = ""


class Linear(Model):
    """A logistic regression: the score is the log of the odds.

    Attributes:
        counts: coefficients by name.
        words: coefficients by bucket.
    """

    kind: Literal["linear"] = "linear"
    intercept: float
    counts: dict[str, float]
    words: dict[int, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _knows_its_columns(self) -> Linear:
        unknown = sorted(set(self.counts) - set(STRUCTURE))
        if unknown or any(not 0 <= bucket < BUCKETS for bucket in self.words):
            raise ValueError(f"has coefficients of columns that are not there: {', '.join(unknown) or 'words'}")
        return self

    def score(self, row: Mapping[int, float]) -> float:
        """Of one session."""
        terms = [self.intercept]
        terms += [coefficient * row.get(_COLUMN[name], 0.0) for name, coefficient in self.counts.items()]
        terms += [self.words[at - FIRST_WORD] * value for at, value in row.items() if at - FIRST_WORD in self.words]
        return math.fsum(terms)

    def contributions(self, row: Mapping[int, float]) -> dict[str, float]:
        """What each count adds to the score, and all words together."""
        told = {name: coefficient * row.get(_COLUMN[name], 0.0) for name, coefficient in self.counts.items()}
        told["words"] = self.score(row) - self.intercept - math.fsum(told.values())
        return told


class Tree(Model):
    """A regression tree: node 0 is the root, and children come after their parents.

    Attributes:
        columns: on which a node decides; -1 of a leaf.
        thresholds: up to which one goes left.
        values: of leaves.
    """

    columns: tuple[int, ...]
    thresholds: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    values: tuple[float, ...]

    @model_validator(mode="after")
    def _ends(self) -> Tree:
        count = len(self.columns)
        if not count or {len(self.thresholds), len(self.left), len(self.right), len(self.values)} != {count}:
            raise ValueError("a tree has at least one node, and its lists are of one length")
        for node, column in enumerate(self.columns):
            if column == -1:
                continue
            if not 0 <= column < FIRST_WORD or not all(
                node < child < count for child in (self.left[node], self.right[node])
            ):
                raise ValueError("a tree's columns are counts, and children come after their parents")
        return self

    def value(self, row: Mapping[int, float]) -> float:
        """Of one session."""
        node = 0
        while self.columns[node] >= 0:
            # Trees were grown on 32-bit numbers: compared as such, no session falls on the other side.
            value = ctypes.c_float(row.get(self.columns[node], 0.0)).value
            node = self.left[node] if value <= self.thresholds[node] else self.right[node]
        return self.values[node]


class Trees(Model):
    """Gradient-boosted trees over the counts: the score is the log of the odds."""

    kind: Literal["trees"] = "trees"
    initial: float
    rate: float
    trees: Annotated[tuple[Tree, ...], Field(max_length=MAX_TREES)]

    def score(self, row: Mapping[int, float]) -> float:
        """Of one session."""
        return self.initial + self.rate * math.fsum(tree.value(row) for tree in self.trees)


class Calibration(Model):
    """Platt's: how likely a session is good whose score is s, 1 / (1 + exp(slope * s + offset))."""

    slope: float
    offset: float

    def probability(self, score: float) -> float:
        """0 to 1."""
        power = self.slope * score + self.offset
        return 1 / (1 + math.exp(power)) if power < 700 else 0.0


class TrainedModel(Model):
    """What `watchkeeper evals train` writes.

    Attributes:
        features: `features.FEATURES` of the program that trained it.
        target: what a good session is, in the words of the labels (`reward`, `csat from 4`).
        agents: whose sessions it was trained on.
        sessions: with a label; `good` of them are.
        groups: of sessions that must not stand on both sides of a fold: the same task, or customer.
        measures: out of fold, with the choice of the model inside each fold.
        chosen: which candidate.
    """

    format: Literal["watchkeeper.statistical/1"] = FORMAT
    features: int
    target: Name
    trained_at: Moment
    agents: tuple[Name, ...]
    sessions: Annotated[int, Field(gt=0)]
    good: Annotated[int, Field(ge=0)]
    groups: Annotated[int, Field(gt=0)]
    chosen: Name
    measures: tuple[Measure, ...]
    encoding: Encoding
    model: Annotated[Linear | Trees, Field(discriminator="kind")]
    calibration: Calibration

    def probability(self, features: Features) -> float:
        """How likely a session of these features is good."""
        return self.calibration.probability(self.model.score(self.encoding.row(features)))


_COLUMN: Final = {name: at for at, name in enumerate(STRUCTURE)}


def read_model(path: Path) -> tuple[TrainedModel, str]:
    """A model, and the SHA-256 of its file.

    Raises:
        ConfigurationError: it cannot be read, or is no such model.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigurationError(f"{path} has more than {MAX_BYTES:,} bytes, so it is no model of `evals train`")
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"the model {path} cannot be read ({error.strerror}): train one, `watchkeeper evals train --out {path}`"
        ) from error
    try:
        return TrainedModel.model_validate_json(raw), hashlib.sha256(raw).hexdigest()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigurationError(
            f"{path} is no model of `watchkeeper evals train` ({place}: {first['msg']}): train it anew"
        ) from error


def write_model(model: TrainedModel, path: Path) -> str:
    """Writes a model; gives the SHA-256 of the file.

    Raises:
        ConfigurationError: it cannot be written.
    """
    raw = (model.model_dump_json() + "\n").encode()
    try:
        path.write_bytes(raw)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written ({error.strerror}): check folder and rights") from error
    return hashlib.sha256(raw).hexdigest()
