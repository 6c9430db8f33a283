"""A file of settings in YAML, read with every mistake told at once: what all such files have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.json_text import dump_json
from watchkeeper.schemas.yaml_document import Document, Path, Problem, read_document, spell

MAX_BYTES: Final = 256 * 1024
"""A larger file is refused unread."""

SettingsT = TypeVar("SettingsT", bound=BaseModel)


class SettingsFileError(ConfigurationError):
    """A file of settings is refused.

    Attributes:
        problems: one `file:line: field: what is wrong, and the remedy` for each mistake, in the order of lines.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


# Without slots: Python 3.11 cannot make a frozen class with both through `Written[X]`.
@dataclass(frozen=True)
class Written(Generic[SettingsT]):
    """What a file says, and the folder from which its paths are read."""

    config: SettingsT
    folder: FilePath


@dataclass(frozen=True, slots=True)
class SettingsFile(Generic[SettingsT]):
    """How one kind of file is read.

    Attributes:
        model: what is read; without arguments it holds the defaults.
        begins_with: the keys of which one begins such a file, as a sentence's end: "`live:` or `suites:`".
        refused: the error to raise.
        sentence: what is wrong with a field, and the remedy: of what pydantic says, and where.
        of_the_whole: what is wrong though every field is right by itself.
    """

    model: type[SettingsT]
    begins_with: str
    refused: type[SettingsFileError]
    sentence: Callable[[ErrorDetails, Path, Document], str]
    of_the_whole: Callable[[SettingsT, Document], Iterable[Problem]]

    def load(self, path: FilePath | None) -> Written[SettingsT]:
        """The settings in a file; the defaults where there is none.

        Raises:
            SettingsFileError: it cannot be read, or something in it is wrong.
        """
        if path is None:
            return Written(self.model(), FilePath())
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise self.refused([f"{path}:1: file: cannot be read ({error.strerror}); check path and rights"]) from error
        return Written(self.read(raw, str(path)), path.resolve().parent)

    def read(self, raw: bytes, name: str) -> SettingsT:
        """The settings in a YAML text; `name` stands for the file's in problems.

        Raises:
            SettingsFileError: see `load`.
        """
        document = self._document(raw, name)
        problems = list(document.problems)
        settings = self.model()
        if isinstance(document.value, dict):
            try:
                settings = self.model.model_validate_json(dump_json(document.value))
            except ValidationError as error:
                problems += self._of_fields(error, document)
        elif document.value is not None:
            problems.append(Problem(1, (), f"is no mapping; begin with {self.begins_with}"))
        if not problems:
            problems += self.of_the_whole(settings, document)
        if problems:
            problems.sort(key=lambda problem: problem.line)
            raise self.refused([f"{name}:{one.line}: {spell(one.path)}: {one.text}" for one in problems])
        return settings

    def _document(self, raw: bytes, name: str) -> Document:
        if len(raw) > MAX_BYTES:
            raise self.refused([f"{name}:1: file: is larger than {MAX_BYTES} bytes; shorten it"])
        try:
            return read_document(raw.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise self.refused([f"{name}:{line}: file: is not UTF-8 here; save it as UTF-8"]) from error

    def _of_fields(self, error: ValidationError, document: Document) -> list[Problem]:
        problems: dict[Path, Problem] = {}
        for detail in error.errors(include_url=False):
            path = _written(detail["loc"], document.value, detail["type"])
            # A list of which every entry was refused is not told to be empty beside that.
            follows = detail["type"] == "too_short" and any(one[: len(path)] == path for one in problems)
            if path not in document.unread and not follows:
                problems.setdefault(path, document.problem(path, self.sentence(detail, path, document)))
        return list(problems.values())


def _written(location: tuple[int | str, ...], value: Any, kind: str) -> Path:
    """A place as it stands in the file: pydantic adds steps for keys and for alternatives."""
    path: list[int | str] = []
    for index, step in enumerate(location):
        here = (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int) and step < len(value)
        )
        if here:
            path.append(step)
            value = value[step]
        elif index == len(location) - 1 and kind == "missing":
            path.append(step)
    return (*path, "kind") if kind in {"union_tag_invalid", "union_tag_not_found"} else tuple(path)
