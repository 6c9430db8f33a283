"""YAML read as JSON, with the line of every field, and with YAML 1.1's surprises told instead of kept.

Only what JSON can say is taken: mappings with text as keys, lists, texts, numbers, booleans, null. Aliases, merge keys
and tags of any other kind are refused, so that no file can grow in memory or build an object.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.constructor import SafeConstructor

Path = tuple[str | int, ...]

MAX_DEPTH = 32
BOOLEAN_WORDS = frozenset({"yes", "no", "on", "off"})
"""What YAML 1.1 reads as booleans and people mean as words, in small letters."""

HALF_A_PAIR = "half a surrogate pair is no character; write the character itself, or \\U and its eight digits"
_HALF = re.compile("[\ud800-\udfff]")
_TOO_DEEP = "nested too deeply to be read; write it with fewer levels"
_TAG = "tag:yaml.org,2002:"
_BARE_KEY = re.compile(r"^[A-Za-z0-9_-]+$")
_OCTAL = re.compile(r"^[-+]?0[0-7_]+$")
_REMEDIES = (
    ("'\\t'", "a tab stands where YAML wants spaces; indent with spaces"),
    (
        "another document",
        "a second document begins here; a file holds one: remove the `---` or split the file",
    ),
    ("mapping values", "a second `:` on this line, or a wrong indentation; put a text that holds `: ` in quotes"),
    ("cannot start any token", "a text begins with a character that YAML keeps for itself; put the text in quotes"),
    ("unexpected end of stream", "a quote is opened and never closed; close it"),
    ("expected ':'", "a key without its colon; write `key: value`"),
    ("<block end>", "this line fits no line above; indent the lines of one mapping alike"),
    ("expected the node content", "a value is missing here, or a bracket is wrong; write the value"),
    ("flow ", "a bracket is opened and never closed; close it"),
    ("alias", "aliases (`*name`) are not read; write the value out"),
)


def half_a_pair(text: str) -> bool:
    """Whether half a surrogate pair stands in the text, which UTF-8 cannot say."""
    return _HALF.search(text) is not None


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it is, what is wrong and what to do."""

    line: int
    path: Path
    text: str
    column: int = 1


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a field begins, counted from 1; `plain` is how its value was written without quotes, if it was."""

    line: int
    plain: str | None = None
    column: int = 1


@dataclass(slots=True)
class Document:
    """A document as JSON values, where each of them stands, and the mistakes so far.

    `unread` holds the paths whose value is a stand-in: nothing more can be said of them.
    """

    value: Any = None
    spots: dict[Path, Spot] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unread: set[Path] = field(default_factory=set)

    def unreadable(self, path: Path, text: str) -> None:
        """Note a value that could not be read."""
        self.unread.add(path)
        self.problems.append(self.problem(path, text))

    def problem(self, path: Path, text: str) -> Problem:
        """A mistake of a field, placed at it or at the nearest field around it that is written down."""
        spot = self.spot_of(path)
        return Problem(spot.line, path, text, spot.column)

    def spot_of(self, path: Path) -> Spot:
        """Where a field stands, or the nearest field around it that is written down."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.spots:
                return self.spots[path[:length]]
        return Spot(1)


def spell(path: Path) -> str:
    """A path as people write it: `tools.refund.bounds.amount`, `constraints[0].require`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            bare = step if _BARE_KEY.match(step) else json.dumps(step, ensure_ascii=False)
            text += f".{bare}" if text else bare
    return text or "document"


def read_document(text: str) -> Document:
    """Read one YAML document. Mistakes are in `problems`; what could be read in spite of them is in `value`."""
    document = Document()
    try:
        root = _compose(text)
    except yaml.YAMLError as error:
        document.problems.append(_syntax_problem(error, text))
        return document
    except RecursionError:
        document.problems.append(Problem(1, (), _TOO_DEEP))
        return document
    if root is not None:
        document.value = _Reader(document).value(root, (), root.start_mark)
    return document


class _Loader(yaml.SafeLoader):
    """The safe loader without aliases: a few lines of them can stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]  # types-pyyaml leaves this one bare
            raise ComposerError(None, None, "alias", event.start_mark)
        return super().compose_node(parent, index)


def _compose(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        node: yaml.Node | None = loader.get_single_node()
        return node
    finally:
        loader.dispose()


class _Reader:
    """Turns nodes into JSON values, and writes down spots and problems on the way."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._constructor = SafeConstructor()

    def value(self, node: yaml.Node, path: Path, mark: yaml.Mark) -> Any:
        """The node's value; `mark` is where its key stands, or it itself in a list."""
        plain = node.value if isinstance(node, yaml.ScalarNode) and node.style is None else None
        self._document.spots[path] = Spot(mark.line + 1, plain, mark.column + 1)
        if len(path) > MAX_DEPTH:
            return self._document.unreadable(path, _TOO_DEEP)
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return {key: self.value(child, (*path, key), at) for key, child, at in self._entries(node, path)}
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self.value(child, (*path, index), child.start_mark) for index, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        return self._tag_problem(node, path)

    def _entries(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, yaml.Node, yaml.Mark]]:
        first: dict[str, int] = {}
        for key, child in node.value:
            mark = key.start_mark
            fault = _key_fault(key)
            if fault is not None:
                self._problem(mark, path, fault)
            elif key.value in first:
                twice = f"stands twice, first on line {first[key.value]}; remove one of them"
                self._problem(mark, (*path, key.value), twice)
            else:
                first[key.value] = mark.line + 1
                yield key.value, child, mark

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        kind, raw = node.tag.removeprefix(_TAG), node.value
        if kind in ("str", "value"):
            return self._text(raw, path)
        if kind == "null":
            return None
        if kind == "bool":
            return self._constructor.construct_yaml_bool(node)
        if kind in ("int", "float"):
            return self._number(node, kind, path)
        if kind == "timestamp":
            self._document.unreadable(path, f'YAML reads {raw} as a date; write it in quotes: "{raw}"')
            return raw
        return self._tag_problem(node, path)

    def _text(self, raw: str, path: Path) -> str:
        if half_a_pair(raw):
            self._document.unreadable(path, HALF_A_PAIR)
            return ""
        return raw

    def _number(self, node: yaml.ScalarNode, kind: str, path: Path) -> Any:
        raw = node.value
        try:
            number = (
                self._constructor.construct_yaml_int(node)
                if kind == "int"
                else self._constructor.construct_yaml_float(node)
            )
        except ValueError:
            self._document.unreadable(path, "a number of so many digits cannot be read; write a smaller one")
            return 0
        base = 60 if ":" in raw else 8 if _OCTAL.match(raw) and number >= 8 else 10
        if base != 10:
            self._document.unreadable(
                path, f'YAML reads {raw} in base {base}, as {number}; write {number}, or "{raw}" for a text'
            )
        elif not math.isfinite(number):
            self._document.unreadable(path, f"{raw} is no usable number; leave the field out where there is no limit")
            return 0
        return number

    def _tag_problem(self, node: yaml.Node, path: Path) -> None:
        tag = node.tag.replace(_TAG, "!!")
        self._document.unreadable(
            path, f"the tag {tag} is not read; remove it and write a text, a number, a list or a mapping"
        )

    def _problem(self, mark: yaml.Mark, path: Path, text: str) -> None:
        self._document.problems.append(Problem(mark.line + 1, path, text, mark.column + 1))


def _key_fault(key: yaml.Node) -> str | None:
    if not isinstance(key, yaml.ScalarNode):
        return "a key that is a list or a mapping; write a text as key"
    kind, raw = key.tag.removeprefix(_TAG), key.value
    if kind in ("str", "value"):
        return HALF_A_PAIR if half_a_pair(raw) else None
    if kind == "merge":
        return "merge keys (`<<`) are not read; write the fields out"
    read_as = {"bool": "a boolean", "null": "null", "timestamp": "a date"}.get(kind, "a number")
    return f'YAML 1.1 reads the key {raw or "(empty)"} as {read_as}; write it in quotes: "{raw}"'


def _syntax_problem(error: yaml.YAMLError, text: str) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError):
        said = " ".join(filter(None, (error.problem, error.context)))
        mark = error.problem_mark or error.context_mark
        if error.problem == "found unexpected end of stream" and error.context_mark is not None:
            mark = error.context_mark
        line, column = (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
        remedy = next((remedy for sign, remedy in _REMEDIES if sign in said), f"YAML: {said}; correct it here")
        return Problem(line, (), remedy, column)
    position = getattr(error, "position", 0)
    return Problem(
        text.count("\n", 0, position) + 1, (), "a control character that YAML does not allow stands here; remove it"
    )
