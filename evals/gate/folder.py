"""A run as it is kept: a directory with the attempts of each side, one a line, and what was decided.

    run.json          what was asked for: a run that was broken off goes on only as the same
    candidate.jsonl   one attempt a line (`attempts.Attempt`), in the order in which they were done
    baseline.jsonl    the same of the baseline, where one was asked
    summary.json      what was asked, how, and what the gate said
    summary.md        the same for a pull request
    junit.xml         the same for a build server
    output.txt        what candidates printed

An earlier run as a baseline is its `candidate.jsonl`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import ValidationError

from watchkeeper.evals.gate.attempts import Attempt, Side, Trouble, TroubleKind, digest_of_case
from watchkeeper.evals.gate.running import grade_answer
from watchkeeper.evals.grading.grade import Grader
from watchkeeper.evals.grading.running import full_name
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.errors import ConfigurationError

ASKED: Final = "run.json"
SUMMARY: Final = "summary.json"
MARKDOWN: Final = "summary.md"
JUNIT: Final = "junit.xml"
PRINTED: Final = "output.txt"


class RunFolder:
    """One run's directory.

    Args:
        path: of a run that is made, a directory that is not there or is empty.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, asked: Mapping[str, Any]) -> None:
        """Makes the directory, and keeps what is asked for.

        Raises:
            ConfigurationError: something stands there, or it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            taken = next(self.path.iterdir(), None)
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be a run's directory: {error.strerror}") from error
        if taken is not None:
            raise ConfigurationError(
                f"{self.path} is not empty ({taken.name}): go on with it by --resume, name another --out, or remove it"
            )
        (self.path / ASKED).write_bytes(orjson.dumps(dict(asked), option=orjson.OPT_INDENT_2))

    def resume(self, asked: Mapping[str, Any]) -> str:
        """Goes on with a run that was broken off; returns its id.

        Raises:
            ConfigurationError: there is none, or something else is asked for now.
        """
        try:
            before = orjson.loads((self.path / ASKED).read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            raise ConfigurationError(f"{self.path} holds no run to go on with ({ASKED}: {error})") from error
        for name, value in asked.items():
            if name != "run_id" and before.get(name) != value:
                raise ConfigurationError(
                    f"the run in {self.path} was begun with {name} {before.get(name)!r}, not {value!r}: "
                    "give the same, or begin another run"
                )
        return str(before["run_id"])

    def answered(self, side: Side) -> list[Attempt]:
        """The attempts of a run that was broken off that have an answer; the file is left with these alone."""
        path = self.path / f"{side}.jsonl"
        if not path.is_file():
            return []
        found = []
        for line in path.read_bytes().splitlines():
            # The last line may be half written.
            with contextlib.suppress(ValidationError):
                found.append(Attempt.model_validate_json(line))
        kept = [attempt for attempt in found if attempt.trouble is None]
        new = path.with_suffix(".new")
        new.write_bytes(b"".join(attempt.model_dump_json().encode() + b"\n" for attempt in kept))
        new.replace(path)
        return kept

    def keep(self, side: Side, attempt: Attempt) -> None:
        """Appends an attempt: a run that is broken off leaves what was done."""
        with (self.path / f"{side}.jsonl").open("ab") as file:
            file.write(attempt.model_dump_json().encode() + b"\n")

    def end(self, summary: Mapping[str, Any], texts: Mapping[str, str]) -> None:
        """Writes the summary and what else is told, by file name."""
        option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        (self.path / SUMMARY).write_bytes(orjson.dumps(dict(summary), option=option, default=str))
        for name, text in texts.items():
            (self.path / name).write_text(text, encoding="utf-8")

    def attempts(self, side: Side = "candidate") -> list[Attempt]:
        """The attempts of a side.

        Raises:
            ConfigurationError: there are none, or they cannot be read.
        """
        path = self.path / f"{side}.jsonl"
        try:
            lines = path.read_bytes().splitlines()
        except OSError as error:
            raise ConfigurationError(f"{self.path} holds no run ({path.name}: {error.strerror})") from error
        found = []
        for number, line in enumerate(lines, start=1):
            try:
                found.append(Attempt.model_validate_json(line))
            except ValidationError as error:
                problem = error.errors(include_url=False, include_input=False)[0]
                raise ConfigurationError(
                    f"{path}:{number}: no attempt of a run ({'.'.join(map(str, problem['loc']))}: {problem['msg']})"
                ) from error
        if not found:
            raise ConfigurationError(f"{path} is empty: make the run again")
        return found


def regraded(
    attempts: Iterable[Attempt], cases: Sequence[Case], graders: Sequence[Grader], *, run_id: str, suite: str
) -> list[Attempt]:
    """An earlier run's attempts at these cases, with scores of these graders.

    Scores of the same grader and version are kept, since graders may be dear; what else is wanted is graded now. A case
    that has changed since counts as not answered.
    """
    by_id = {case.case_id: case for case in cases}
    found = []
    for attempt in attempts:
        case = by_id.get(attempt.case_id)
        if case is None:
            continue
        if attempt.case_digest != digest_of_case(case):
            text = f"case {attempt.case_id} has changed since the earlier run answered it: make that run again"
            found.append(_without(case, attempt.repeat, "changed", text))
            continue
        kept = {score.grader: score for score in attempt.scores}
        wanted = [grader for grader in graders if full_name(grader) not in kept]
        scores = [kept[name] for name in map(full_name, graders) if name in kept]
        if attempt.interaction is not None and wanted:
            scores.extend(grade_answer(wanted, attempt.interaction, case, run_id=run_id, suite=suite))
        found.append(attempt.model_copy(update={"scores": tuple(scores)}))
    return found


def completed(attempts: Sequence[Attempt], cases: Sequence[Case], repeats: int) -> list[Attempt]:
    """The same in the cases' order, with a failure in the place of each attempt that the earlier run did not make."""
    made = {(attempt.case_id, attempt.repeat): attempt for attempt in attempts}
    return [
        made.get((case.case_id, repeat))
        or _without(case, repeat, "missing", f"the earlier run holds no answer to case {case.case_id}: make it again")
        for case in cases
        for repeat in range(repeats)
    ]


def _without(case: Case, repeat: int, kind: TroubleKind, text: str) -> Attempt:
    return Attempt(
        case_id=case.case_id,
        case_digest=digest_of_case(case),
        intent=case.intent,
        repeat=repeat,
        trouble=Trouble(kind=kind, text=text),
    )
