"""Suites in folders that people read and edit, and keep beside their code.

A suite is the folder `suites/<name>/`: `suite.yaml` (what it is, how it was drawn, the rubrics) and `cases.jsonl` (one
case a line). These two are the working copy. Each version as it was frozen stands in `versions/<n>/` beside them, so
that a comparison with an earlier one, or a score of long ago, still has its cases.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from watchkeeper.evals.suites.case import Case
from watchkeeper.evals.suites.mistakes import SuiteError, mistakes
from watchkeeper.evals.suites.suite import Suite
from watchkeeper.schemas.json_text import dump_json
from watchkeeper.schemas.yaml_document import Document, read_document, spell

HEADER: Final = "suite.yaml"
CASES: Final = "cases.jsonl"
VERSIONS: Final = "versions"
ROOT: Final = Path("suites")
"""Where suites stand unless something else is said: below the directory one works in."""

MAX_HEADER_BYTES: Final = 4 * 1024 * 1024
MAX_CASES: Final = 10_000

_REFERENCE: Final = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,63})(@(?P<version>\d{1,9}))?")
_WIDTH: Final = 110


def open_suite(reference: str, root: Path = ROOT) -> Suite:
    """A suite by name, by `name@version`, or by the path of its folder.

    Args:
        reference: which.
        root: where named suites stand.

    Raises:
        SuiteError: there is no such suite or version, or its files are wrong; `problems` holds every mistake.
    """
    named = _REFERENCE.fullmatch(reference)
    folder = Path(reference)
    if named is None or (folder / HEADER).is_file():
        return read_suite(folder)
    folder = root / named["name"]
    if not (folder / HEADER).is_file():
        there = ", ".join(names_in(root)) or "none"
        raise SuiteError(
            [f"{folder}: there is no suite of this name (there are: {there}); draw one: watchkeeper evals suite create"]
        )
    return read_suite(folder, int(named["version"]) if named["version"] else None)


def read_suite(folder: Path, version: int | None = None) -> Suite:
    """A suite out of its folder: the working copy, or one of its versions as it was frozen.

    The working copy may have been edited since: its `state` and `reference` say so.

    Raises:
        SuiteError: files are missing or wrong, or a frozen version is not what was frozen.
    """
    if version is None:
        return _read(folder)
    frozen = folder / VERSIONS / str(version)
    if not (frozen / HEADER).is_file():
        working = _read(folder)
        if working.version == version:
            return working
        there = ", ".join(map(str, versions_in(folder))) or "none"
        raise SuiteError([f"{folder}: there is no version {version} (frozen are: {there}); name one of these"])
    suite = _read(frozen)
    if suite.state != "frozen" or suite.version != version:
        told = f"is not what was frozen as version {version} (its hash is {suite.content_hash})"
        raise SuiteError([f"{frozen}: {told}; restore it from version control, and edit {folder} in its place"])
    return suite


def write_suite(suite: Suite, folder: Path) -> Suite:
    """Freezes a suite, and writes it as the working copy and as a version; answers it as frozen.

    Raises:
        SuiteError: another suite is frozen under this version already, or the folder cannot be written.
    """
    frozen = suite.refrozen()
    kept = folder / VERSIONS / str(frozen.version)
    if (kept / HEADER).is_file() and _read(kept).content_hash != frozen.content_hash:
        raise SuiteError([f"{kept}: holds another suite of this version; a frozen version is never replaced, count on"])
    try:
        for place in (kept, folder):
            place.mkdir(parents=True, exist_ok=True)
            _replace(place / CASES, _case_lines(frozen.cases))
            _replace(place / HEADER, _header(frozen))
    except OSError as error:
        raise SuiteError([f"{folder}: cannot be written ({error.strerror}); check path and rights"]) from error
    return frozen


def names_in(root: Path) -> list[str]:
    """The names of the suites that stand in a directory."""
    return sorted(header.parent.name for header in root.glob(f"*/{HEADER}"))


def versions_in(folder: Path) -> list[int]:
    """The versions of a suite that are kept."""
    found = (header.parent.name for header in folder.glob(f"{VERSIONS}/*/{HEADER}"))
    return sorted(int(name) for name in found if name.isdigit())


def _read(folder: Path) -> Suite:
    header, problems = folder / HEADER, []
    document = read_document(_text(header, MAX_HEADER_BYTES))
    problems += [f"{header}:{one.line}: {spell(one.path)}: {one.text}" for one in document.problems]
    cases, wrong = _cases(folder / CASES)
    problems += wrong
    if not problems and not isinstance(document.value, dict):
        problems.append(f"{header}:1: is no mapping; begin with `name: ` and the suite's name")
    if not problems:
        suite, problems = _whole(document, cases, header, folder / CASES)
        if suite is not None:
            return suite
    raise SuiteError(problems)


def _whole(document: Document, cases: list[Case], header: Path, path: Path) -> tuple[Suite | None, list[str]]:
    if "cases" in document.value:
        return None, [f"{header}:{document.spot_of(('cases',)).line}: cases: stand in {path.name}, one on each line"]
    if not cases:
        return None, [f"{path}:1: holds no case; write one JSON object on each line"]
    try:
        # As JSON, where a list is good for a tuple and a text for a time; the cases were read already.
        raw = {**document.value, "cases": [_STAND_IN]}
        suite = Suite.model_validate_json(dump_json(raw)).model_copy(update={"cases": tuple(cases)})
    except ValidationError as error:
        return None, [
            f"{header}:{document.spot_of(where).line}: {spell(where)}: {text}" for where, text in mistakes(error, Suite)
        ]
    return suite, []


_STAND_IN: Final[dict[str, Any]] = {"case_id": "x", "messages": [{"speaker": "user", "text": "x"}]}


def _cases(path: Path) -> tuple[list[Case], list[str]]:
    """The cases, and what is wrong with those that cannot be read."""
    cases: list[Case] = []
    lines: dict[str, int] = {}
    problems: list[str] = []
    for number, line in enumerate(_text(path, None).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            case = Case.model_validate_json(line)
        except ValidationError as error:
            problems += [f"{path}:{number}: {_place(where)}{text}" for where, text in mistakes(error, Case)]
            continue
        if case.case_id in lines:
            problems.append(
                f"{path}:{number}: case_id: {case.case_id} stands on line {lines[case.case_id]} already; give this "
                "case an id of its own, or remove it"
            )
        lines.setdefault(case.case_id, number)
        cases.append(case)
    if len(cases) > MAX_CASES:
        problems.append(f"{path}:1: holds {len(cases)} cases; a suite has at most {MAX_CASES}")
    return cases, problems


def _place(path: tuple[str | int, ...]) -> str:
    return f"{spell(path)}: " if path else ""


def _text(path: Path, limit: int | None) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SuiteError([f"{path}: cannot be read ({error.strerror}); a suite has {HEADER} and {CASES}"]) from error
    if limit is not None and len(raw) > limit:
        raise SuiteError([f"{path}:1: is larger than {limit} bytes; a suite's header is short"])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SuiteError([f"{path}:{line}: is not UTF-8 here; save it as UTF-8"]) from error


def _header(suite: Suite) -> Iterator[str]:
    whole = suite.model_dump(mode="json", exclude={"cases", "rubrics"})
    # Without what is as it would be anyway: rubrics are there to be read.
    whole["rubrics"] = [
        {"intent": rubric.intent, "bar": rubric.bar}
        | {"criteria": [criterion.model_dump(mode="json", exclude_defaults=True) for criterion in rubric.criteria]}
        for rubric in suite.rubrics
    ]
    yield f"# The suite {suite.name}, version {suite.version}: {len(suite.cases)} cases in {CASES}, one on each line.\n"
    yield "# Edit freely; `watchkeeper evals suite refresh` freezes what you edited as the next version.\n"
    for key in ("name", "version", "created", "agent", "description", "frozen", "drawn", "rubrics"):
        if whole[key] not in (None, ""):
            yield yaml.dump({key: whole[key]}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


class _Dumper(yaml.SafeDumper):
    """Writes texts with unusual characters escaped: a bare NEL or line separator would come back as a space."""


def _written(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = all(character.isprintable() or character == "\n" for character in text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _written)


def _case_lines(cases: tuple[Case, ...]) -> Iterator[str]:
    for case in cases:
        yield case.model_dump_json(exclude_defaults=True) + "\n"


def _replace(path: Path, pieces: Iterator[str]) -> None:
    """Writes a file whole or not at all."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
