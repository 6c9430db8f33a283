"""Rubrics from files, and one for those who have none yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from watchkeeper.evals.grading.digests import digest_of
from watchkeeper.evals.rubric import Criterion, Rubric
from watchkeeper.schemas.errors import ConfigurationError

GENERAL: Final = Rubric(
    intent="*",
    criteria=(
        Criterion(
            name="correctness",
            asks="Did the user get what they asked for, or the right reason why not, with facts that are right?",
            dimension="correctness",
            weight=3.0,
            must_pass=True,
        ),
        Criterion(
            name="groundedness",
            asks="Does every fact in the answers rest on a tool's result, a document or what the user said?",
            dimension="groundedness",
            weight=2.0,
        ),
        Criterion(
            name="tool_use",
            asks="Were the right tools called, with right arguments, and none without need?",
            dimension="tool_use",
        ),
        Criterion(
            name="escalation",
            asks="Was the session handed to a person where that was needed, and only there?",
            dimension="escalation",
        ),
        Criterion(name="tone", asks="Is the tone clear, friendly and fit for the user?", dimension="tone"),
    ),
)
"""For those who have not written one."""


def load_rubrics(path: Path) -> tuple[Rubric, ...]:
    """Rubrics from a YAML file: one rubric, a list of them, or `rubrics:` with a list, as in a suite's `suite.yaml`.

    Args:
        path: the file, or a suite's folder.

    Raises:
        ConfigurationError: it cannot be read, or is no rubric; the message names file and field.
    """
    place = path / "suite.yaml" if path.is_dir() else path
    try:
        found = yaml.safe_load(place.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{place}: cannot be read ({error}): name a file of rubrics or a suite") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{place}: is no YAML: {' '.join(str(error).split())}") from error
    if isinstance(found, dict) and "rubrics" in found:
        found = found["rubrics"]
    rubrics = tuple(_rubric(place, one) for one in (found if isinstance(found, list) else [found]))
    intents = [rubric.intent for rubric in rubrics]
    if not rubrics or len(set(intents)) < len(intents):
        raise ConfigurationError(f"{place}: needs rubrics, one for each intent: there is none, or two for one intent")
    return rubrics


def _rubric(place: Path, found: Any) -> Rubric:
    try:
        return Rubric.model_validate(found, strict=False)
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the whole'}: {one['msg']}"
            for one in error.errors(include_url=False, include_input=False)
        )
        raise ConfigurationError(f"{place}: is no rubric: {told}") from error


def rubric_for(rubrics: tuple[Rubric, ...], intent: str) -> Rubric | None:
    """That of an intent, else that of `*`; None where there is neither."""
    by_intent = {rubric.intent: rubric for rubric in rubrics}
    return by_intent.get(intent) or by_intent.get("*")


def reference_of(rubric: Rubric) -> str:
    """What labels call it: `intent@digest`."""
    return f"{rubric.intent}@{digest_of(rubric.model_dump(mode='json'))}"
