"""`evals.yaml`, read with every mistake told at once: file, line, field, what is wrong, and the remedy."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any, Final

from pydantic_core import ErrorDetails

from watchkeeper.evals.grading.registry import build_grader
from watchkeeper.evals.scheduling.config import EvalsConfig
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.field_faults import described, sentence
from watchkeeper.schemas.settings_file import SettingsFile, SettingsFileError, Written
from watchkeeper.schemas.yaml_document import Document, Path, Problem

_UNPRICED: Final = (
    "the judge's prices are not known, so that `budget.usd_a_day` would not hold; write input_usd_per_million and "
    "output_usd_per_million into its file (0 where it costs nothing), or `usd_a_day: null` here"
)


class EvalsFileError(SettingsFileError):
    """`evals.yaml` is refused."""


WrittenConfig = Written[EvalsConfig]


def load_config(path: FilePath | None) -> WrittenConfig:
    """The configuration in a file; the defaults where there is none.

    Raises:
        EvalsFileError: it cannot be read, or something in it is wrong.
    """
    return _FILE.load(path)


def read_config(raw: bytes, name: str) -> EvalsConfig:
    """The configuration in a YAML text; `name` stands for the file's in problems.

    Raises:
        EvalsFileError: see `load_config`.
    """
    return _FILE.read(raw, name)


def _of_the_whole(config: EvalsConfig, document: Document) -> list[Problem]:
    problems = []
    for name, job in config.suites.items():
        if job.target not in config.targets:
            there = ", ".join(config.targets) or "none"
            text = f"there is no target {job.target!r}; name one under `targets` (there are: {there})"
            problems.append(document.problem(("suites", name, "target"), text))
        if not job.schedule and not job.on_new_version:
            text = "it would never run; give it a `schedule`, or leave `on_new_version` on"
            problems.append(document.problem(("suites", name), text))
        if job.judge and job.graders:
            text = "it would never be asked: `graders` stand in place of the suite's rubrics; leave one of them out"
            problems.append(document.problem(("suites", name, "judge"), text))
        problems += _grader_problems(document, ("suites", name, "graders"), job.graders or ())
    has_budget = config.live.enabled and config.live.budget.usd_a_day is not None
    return problems + _grader_problems(document, ("live", "graders"), config.live.graders, has_budget=has_budget)


def _grader_problems(
    document: Document, path: Path, entries: tuple[Any, ...], *, has_budget: bool = False
) -> list[Problem]:
    problems = []
    for index, entry in enumerate(entries):
        try:
            grader = build_grader(entry)
        except ConfigurationError as error:
            problems.append(document.problem((*path, index), str(error)))
            continue
        # Of graders, judges alone say it: the others cost nothing, or tell what they cost.
        if has_budget and not getattr(grader, "is_priced", True):
            problems.append(document.problem((*path, index), _UNPRICED))
    return problems


def _sentence(detail: ErrorDetails, path: Path, document: Document) -> str:
    match detail["type"]:
        case "string_pattern_mismatch":
            return f"{described(detail['input'])} is no name; use letters, digits, `.`, `_` and `-`"
        case "too_short":
            return "is empty; give at least one entry, or remove the line"
        case _:
            spot = document.spots.get(path)
            return sentence(detail, path, spot, model=EvalsConfig, guide="docs/evals/scheduling.md")


_FILE: Final = SettingsFile(
    EvalsConfig, "`live:`, `inputs:`, `suites:` or `targets:`", EvalsFileError, _sentence, _of_the_whole
)
