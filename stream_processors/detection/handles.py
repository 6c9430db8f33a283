"""What texts and arguments have in common where one follows the other: addresses, accounts, paths, identifiers, names.

A *handle* is a value that somebody could copy from a text into a call: an e-mail address, a URL or its host, a number
of six digits or more, an identifier, a path, two capitalised words, something in quotes. States keep digests of six
hexadecimal digits, one after the other, since handles are personal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from pydantic_core import SchemaValidator, core_schema

from watchkeeper.stream_processors.detection.fingerprints import digest

SIZE: Final = 6
"""Hexadecimal digits of a handle in a state: of a hundred, one passes for another once in 170,000 comparisons."""

MAX_VALUE: Final = 2000
"""Characters of an argument that are read."""

MAX_VALUES: Final = 64
MAX_DEPTH: Final = 5

_SPELLED: Final = (
    ("e-mail address", r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"),
    ("URL", r"(?:https?://|\bwww\.)[^\s\"'`<>()\[\]{}|\\]{3,400}"),
    (
        "path",
        r"(?<![\w/])(?:~|\.{1,2})?/[\w.-]+(?:/[\w.-]+)+/?|\b[\w-]{2,60}\.[a-z]{2,5}\b|\b[\w-]{2,60}(?:/[\w.-]{1,60}[\w-]){1,8}",
    ),
    ("identifier", r"[#@]?\b(?=[\w-]*[\d_-])[A-Za-z][\w-]{3,80}\b|\b[a-z]+[A-Z]\w{2,60}\b|[#@][A-Za-z][\w-]{1,60}"),
)
_IN_A_WORD: Final = re.compile("|".join(f"({pattern})" for _, pattern in _SPELLED))
_KINDS: Final = tuple(kind for kind, _ in _SPELLED)
_NUMBER: Final = re.compile(r"\d[\d ().-]{4,30}\d")
_SOME_DIGITS: Final = SchemaValidator(core_schema.str_schema(strict=True, pattern=r"\d[\d ().-]{4}"))
_SOME_NAME: Final = SchemaValidator(core_schema.str_schema(strict=True, pattern="[A-Z][a-z]+ [A-Z]"))
"""Without these a text names no number, and nobody; the linear engine tells at a glance."""

_NAME: Final = re.compile(r"[A-Z][a-z]+(?: [A-Z][a-z]+){1,2}")
_QUOTED: Final = re.compile(r"`([^`\n]{6,160})`|\"([^\"\n]{6,160})\"|(?<!\w)'([^'\n]{6,160})'(?!\w)")
_PUNCTUATION: Final = "\"'`.,;:!?()[]{}<>"
_URL: Final = re.compile(r"^(?:https?://)?(?:www\.)?([^/?#\s:]+)(?::\d+)?([^\s]*)$")
_NO_DIGIT: Final = re.compile(r"\D+")
_MIN_DIGITS: Final = 6
_FROM: Final = re.compile(r"(?i)\b(?:from|sender|author|by|reply[_-]to|cc)\b[\"']?\s*[:=]?\s*[\"'<(]{0,2}$")
_LISTED: Final = re.compile(r"\s*[,;]\s*")


class Value(NamedTuple):
    """A value in arguments that could have been copied.

    Attributes:
        path: JSON pointer.
        kind: what it is.
        digests: all spellings of it, as states hold them.
        whole: whether it is all of the argument; False for a part of a command.
    """

    path: str
    kind: str
    digests: tuple[str, ...]
    whole: bool


def handles_in(text: str, *, skip_senders: bool = False) -> Iterator[tuple[str, str]]:
    """Kind and plain form of each handle of a text; `skip_senders` leaves out who the text says it is from."""
    words = text.split()
    # Most words are plain: only the others are looked at.
    for place in [place for place, word in enumerate(words) if not word.isalpha() or not word[1:].islower()]:
        word = words[place]
        if _is_plain(word.strip(_PUNCTUATION)):
            continue
        for match in _IN_A_WORD.finditer(word):
            kind = _KINDS[(match.lastindex or 1) - 1]
            before = words[place - 1] if place else ""
            if not (skip_senders and _FROM.search(f"{before} {word[: match.start()]}")):
                for plain in _plain(kind, match.group()):
                    yield kind, plain
    yield from _of_several_words(text)


def _of_several_words(text: str) -> Iterator[tuple[str, str]]:
    for found in _NUMBER.findall(text) if _SOME_DIGITS.isinstance_python(text) else ():
        for plain in _plain("number", found):
            yield "number", plain
    for found in _NAME.findall(text) if _SOME_NAME.isinstance_python(text) else ():
        yield "name", found.casefold()
    if '"' in text or "`" in text or "'" in text:
        for match in _QUOTED.finditer(text):
            inner = match[match.lastindex or 1].strip()
            # A single word in quotes is mostly a value of the data itself.
            if not inner.isalpha():
                yield "quoted text", inner.casefold()


def _is_plain(word: str) -> bool:
    return not word or (word.isalpha() and (word.islower() or word.istitle() or word.isupper()))


def note(known: str, texts: Iterable[str], limit: int) -> str:
    """Adds handles to those that a state holds."""
    return note_digests(known, map(brief, texts), limit)


def note_digests(known: str, digests: Iterable[str], limit: int) -> str:
    """Adds handles that are digests already (`brief`)."""
    for one in digests:
        if len(known) >= limit * SIZE:
            break
        if not holds(known, one):
            known += one
    return known


def brief(plain: str) -> str:
    """A handle as states hold it."""
    return digest(plain)[:SIZE]


def holds(known: str, one: str) -> bool:
    """Whether a state's handles hold this one."""
    at = known.find(one)
    while at >= 0 and at % SIZE:
        at = known.find(one, at + 1)
    return at >= 0


def values_of(arguments: Any, *, as_commands: bool) -> list[Value]:
    """The values in arguments that could have been copied; `as_commands` looks into texts too."""
    values: list[Value] = []
    _collect(arguments, "", 0, values, as_commands)
    return values


def _collect(value: Any, path: str, depth: int, values: list[Value], as_commands: bool) -> None:
    if len(values) >= MAX_VALUES or depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            _collect(inner, f"{path}/{key.replace('~', '~0').replace('/', '~1')[:60]}", depth + 1, values, as_commands)
    elif isinstance(value, list):
        for index, inner in enumerate(value[:MAX_VALUES]):
            _collect(inner, f"{path}/{index}", depth + 1, values, as_commands)
    elif isinstance(value, str):
        values += _of_text(value[:MAX_VALUE].strip(), path, as_commands)
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**_MIN_DIGITS:
        values.append(Value(path, "number", (brief(str(abs(value))),), whole=True))


def _of_text(text: str, path: str, as_commands: bool) -> Iterator[Value]:
    if not text:
        return
    if as_commands:
        for kind, plain in handles_in(text):
            yield Value(path, kind, (brief(plain),), whole=False)
    for one in _LISTED.split(text) if "@" in text else (text,):
        kind = _kind_of(one)
        spellings = {*_plain(kind, one), one.casefold()}
        yield Value(path, kind, tuple(sorted(map(brief, spellings))), whole=True)


def _kind_of(text: str) -> str:
    match = _IN_A_WORD.fullmatch(text)
    if match:
        return _KINDS[(match.lastindex or 1) - 1]
    if _NUMBER.fullmatch(text.removeprefix("+")):
        return "number"
    return "name" if _NAME.fullmatch(text) else "text"


def _plain(kind: str, text: str) -> Iterator[str]:
    if kind == "URL":
        match = _URL.match(text.rstrip(".,;:!?").casefold())
        if match:
            yield match[1]
            if match[2].strip("/"):
                yield match[1] + match[2].rstrip("/")
    elif kind == "number":
        digits = _NO_DIGIT.sub("", text)
        if len(digits) >= _MIN_DIGITS:
            yield digits
    else:
        yield text.casefold()
