"""Takes out of a case what it does not need of what people and tools said: it may be passed on more freely then.

Texts, arguments, facts and personal names are replaced where the finding is found all the same; of a text that is
needed, the sentences that are not. What is left is needed to find it, and may be personal all the same: look at it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from watchkeeper.cli.repro.search import OnProgress, Trial
from watchkeeper.cli.repro.shrink import Budget, shrink
from watchkeeper.cli.repro.telling import Piece, is_content

LEFT_OUT: Final = "-"

_PERSONAL: Final = ("user_id", "customer_id")
_STRUCTURE: Final = frozenset({
    *("type", "kind", "status", "role", "trust", "model", "provider", "name", "version", "agent", "intent", "unit"),
    *("scope", "delegable", "effect", "finish_reason", "error_type", "media_type", "action", "resource"),
})  # fmt: skip
"""Fields that say what happened, and not what was said."""
_SENTENCE: Final = re.compile(r"(?<=[.!?\n])\s*")
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Redacted:
    """What became of texts and values: how many were replaced, how many stand as they were.

    Attributes:
        is_complete: whether all that stand are needed; else the time was over before all were tried.
    """

    replaced: int
    kept: int
    is_complete: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """Where something personal may stand: a text by its address, or a value in the event of that index."""

    address: str = ""
    index: int = 0
    path: Path = ()


def redact(
    trial: Trial, pieces: Sequence[Piece], budget: Budget, on_progress: OnProgress
) -> tuple[list[Piece], Redacted]:
    """The events with as little of what was said as it takes; the trial's teller learns the texts.

    It is shrinking once more: of the places that are left as they are, all others being replaced.
    """
    teller = trial.teller
    places = [_Place(address=address) for address in teller.addresses(pieces)]
    places += [_Place(index=index, path=path) for index, piece in enumerate(pieces) for path in _leaves(piece.document)]

    def replaced(verbatim: Iterable[_Place]) -> list[Piece]:
        kept = set(verbatim)
        told = list(pieces)
        teller.texts.clear()
        for place in places:
            if place in kept:
                continue
            if place.address:
                teller.texts[place.address] = _emptied(teller.text(place.address))
            else:
                piece = told[place.index]
                told[place.index] = replace(piece, document=_replaced(piece.document, place.path))
        return told

    verbatim = shrink(places, lambda some: trial.fires(replaced(some)), budget, partial(on_progress, "values"))
    changed = replaced(verbatim)
    for place in verbatim:
        if place.address and not budget.is_spent:
            _shorten(trial, changed, place.address, budget)
    return changed, Redacted(len(places) - len(verbatim), len(verbatim), not budget.is_spent)


def _shorten(trial: Trial, pieces: Sequence[Piece], address: str, budget: Budget) -> None:
    """Leaves out the sentences of a text, or of a message's content, that are not needed."""
    teller = trial.teller
    whole = teller.text(address)
    said, build = _speech(whole)
    sentences = [sentence for sentence in _SENTENCE.split(said) if sentence]
    if len(sentences) < 2:
        return

    def fires(some: Sequence[str]) -> bool:
        teller.texts[address] = build(" ".join(some))
        return trial.fires(pieces)

    kept = shrink(sentences, fires, budget)
    if len(kept) < len(sentences):
        teller.texts[address] = build(" ".join(kept))
    else:
        teller.texts.pop(address, None)


def _speech(text: str) -> tuple[str, Callable[[str], str]]:
    """What a text says, and how it is put together again: a chat message is JSON around its content."""
    try:
        message = json.loads(text)
    except ValueError:
        return text, str
    if isinstance(message, dict) and isinstance(message.get("content"), str):
        return message["content"], lambda said: json.dumps({**message, "content": said}, ensure_ascii=False)
    return text, str


def _emptied(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return LEFT_OUT
    if isinstance(value, dict) and "role" in value:
        return json.dumps({"role": value["role"], "content": LEFT_OUT}, ensure_ascii=False)
    return "{}" if isinstance(value, dict) else "[]" if isinstance(value, list) else LEFT_OUT


def _leaves(document: dict[str, Any]) -> Iterator[Path]:
    for name in _PERSONAL:
        if document.get(name):
            yield (name,)
    for name in document.get("attributes") or {}:
        if isinstance(document["attributes"][name], str):
            yield ("attributes", name)
    yield from _strings(document["data"], ("data",))


def _strings(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, str) and value and value != LEFT_OUT:
        yield path
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _strings(item, (*path, index))
    elif isinstance(value, dict) and not is_content(value):
        for name, item in value.items():
            if name not in _STRUCTURE and not name.endswith(("_id", "_name", "_at", "_us", "_version")):
                yield from _strings(item, (*path, name))


def _replaced(value: Any, path: Path) -> Any:
    if not path:
        return LEFT_OUT
    first, rest = path[0], path[1:]
    if isinstance(value, list):
        return [_replaced(item, rest) if index == first else item for index, item in enumerate(value)]
    return {**value, first: _replaced(value[first], rest)}
