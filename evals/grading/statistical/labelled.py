"""Labelled sessions to train on: labels from a file or from outcomes, sessions from recordings or from the store."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
from pydantic import ConfigDict, Field, ValidationError

from watchkeeper.evals.grading.statistical.training import Labelled
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.reading.recordings import RecordingError, from_recording
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.model import Model, Name

DEFAULT_GOOD_FROM: Final = 0.5


class Label(Model):
    """A line of a file of labels, as `watchkeeper evals label --from` takes it too; other keys are for others.

    Attributes:
        passed: whether the session is good.
        value: 0 to 1, where `passed` is not said.
        group: the task or the customer.
    """

    model_config = ConfigDict(extra="ignore")

    session_id: Name
    tenant_id: str = ""
    passed: bool | None = None
    value: Annotated[float, Field(ge=0, le=1)] | None = None
    group: str = ""

    def good(self, good_from: float) -> bool | None:
        """What it says; None where it says nothing of the whole session."""
        if self.passed is not None:
            return self.passed
        return None if self.value is None else self.value >= good_from


@dataclass(frozen=True, slots=True)
class Matched:
    """Labels that found their sessions.

    Attributes:
        missing: labelled sessions that are not there.
        silent: sessions, or labels, that say nothing of what is asked.
    """

    sessions: tuple[Labelled, ...]
    missing: int = 0
    silent: int = 0


def read_labels(path: Path) -> list[Label]:
    """The labels of a file, one JSON object a line.

    Raises:
        ConfigurationError: it cannot be read, or a line is no label; file, line and remedy are told.
    """
    labels = []
    for number, line in _lines(path):
        try:
            labels.append(Label.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or "the line"
            raise ConfigurationError(
                f'{path}:{number}: {place}: {first["msg"]}: write {{"session_id": "…", "passed": true, "group": "…"}}'
            ) from error
    return labels


def read_recordings(paths: Iterable[Path], tenant: str = "default") -> list[Interaction]:
    """The sessions of recordings, one a line.

    Raises:
        ConfigurationError: a file cannot be read, or a line is no recorded session.
    """
    found = []
    for path in paths:
        for number, line in _lines(path):
            try:
                found.append(from_recording(line, tenant=tenant))
            except RecordingError as error:
                raise ConfigurationError(f"{path}:{number}: {error}") from error
    return found


def by_labels(
    labels: Sequence[Label], sessions: Iterable[Interaction], good_from: float = DEFAULT_GOOD_FROM
) -> Matched:
    """Sessions with the labels of a file; where several people labelled one, at least half must call it good."""
    said: dict[tuple[str, str], list[Label]] = {}
    for label in labels:
        said.setdefault((label.tenant_id, label.session_id), []).append(label)
    found, silent, seen, matched = [], 0, set(), set()
    for interaction in sessions:
        whose = (interaction.tenant_id, interaction.interaction_id)
        # A label that names no tenant is of whoever has the session.
        ways = [way for way in (whose, ("", interaction.interaction_id)) if way in said]
        mine = [label for way in ways for label in said[way]]
        if not mine or whose in seen:
            continue
        seen.add(whose)
        matched.update(ways)
        votes = [vote for vote in (label.good(good_from) for label in mine) if vote is not None]
        if not votes:
            silent += 1
            continue
        group = next((label.group for label in mine if label.group), "")
        found.append(Labelled(interaction, 2 * sum(votes) >= len(votes), group))
    return Matched(tuple(found), missing=len(said.keys() - matched), silent=silent)


def by_outcome(
    sessions: Iterable[Interaction], outcome: str, good_from: float = DEFAULT_GOOD_FROM, group_by: str = ""
) -> Matched:
    """Sessions labelled by an outcome: true, or a number from `good_from` on, is good.

    Args:
        sessions: with outcomes.
        outcome: its name.
        good_from: of numbers.
        group_by: names of outcomes, with commas between them, that tell the task or the customer.

    Raises:
        ConfigurationError: the outcome is a text, so that nobody knows which are good.
    """
    names = [name.strip() for name in group_by.split(",") if name.strip()]
    found, silent = [], 0
    for interaction in sessions:
        value = interaction.outcomes.get(outcome)
        if isinstance(value, str):
            raise ConfigurationError(
                f"the outcome {outcome} of session {interaction.interaction_id} is a text: name one that is true or "
                "false, or a number"
            )
        if value is None:
            silent += 1
            continue
        parts = [str(interaction.outcomes.get(name, "")) for name in names]
        group = "/".join(parts) if any(parts) else ""
        found.append(Labelled(interaction, value >= good_from, group))
    return Matched(tuple(found), silent=silent)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        raw = path.read_bytes()
        text: Any = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"{path} cannot be read ({reason}): correct the path, or the file") from error
    for number, line in enumerate(io.BytesIO(text), start=1):
        if line.strip():
            try:
                orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise ConfigurationError(f"{path}:{number}: is no JSON ({error}): write one object a line") from error
            yield number, line
