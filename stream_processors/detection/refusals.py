"""What an agent's goal refuses: tools and resources by name, actions in words. Pure, for rules and guards.

**Tools** by name, with wildcards. **Resources** by the argument that the policy names (`resource`), and without one by
every text among the arguments: as a whole, and by its parts (`cat /repo/.env`) where the entry looks like a path or the
tool runs what it is given; in any spelling of a path. **Actions** are sentences such as "Delete customer accounts." A
call is one of them where

- the tool's name does not say that it only looks;
- the sentence's first word and the tool's name, or the deed that it tells, agree ("Remove …", `delete_…`); a word that
  says nothing of the deed ("Offer discounts") counts as agreeing; of several ("Change or delete …") one must agree;
- the last noun stands in the tool's name (for a word that says nothing) or among name, argument names and short values;
- and so do at least half of its other nouns. Where there is none but "anything", the word that agrees is enough.

Tools that write a text to somebody are also held against the text: one sentence of it holds the first word and two
thirds of the nouns. A sentence with a condition ("… of more than 500", "… unless") is not judged: words cannot tell
whether the condition holds. That is for `tools[name].require`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from watchkeeper.schemas.argument_paths import values_at
from watchkeeper.schemas.policy import Goal, ToolPolicy
from watchkeeper.schemas.wildcards import covers, spellings_of
from watchkeeper.stream_processors.detection.calls import Call
from watchkeeper.stream_processors.detection.deeds import (
    Done,
    deed_of,
    deed_of_verb,
    only_looks,
    runs_commands,
    words_of,
)
from watchkeeper.stream_processors.detection.word_lists import ANYTHING, CONDITIONS, EMPTY, LIGHT, WRITING, Deed, stem

MAX_TEXTS = 64
"""Texts among the arguments that are held against refusals."""

MAX_TEXT = 4000
"""Characters of a text that are read."""

_PATH_LIKE = re.compile(r"[/.:@_]")
_SPLIT = re.compile(r"[\s\"'`;|&<>(),=]+")
_WORD = re.compile(r"[a-z0-9]+")
_SEVERAL = re.compile(r"[a-z]+(?:\s*,\s*[a-z]+)*\s*,?\s+(?:or|and)\s+[a-z]+(?=\s+[a-z0-9])")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


class Refusal(NamedTuple):
    """An entry of the goal that refuses a call."""

    by: Literal["tool", "resource", "action"]
    entry: str
    path: str = ""


class _Action(NamedTuple):
    verbs: frozenset[str]
    deeds: frozenset[Deed]
    light: bool
    nouns: tuple[str, ...]


def refusals_of(call: Call, goal: Goal, tool: ToolPolicy | None) -> list[Refusal]:
    """What refuses the call: at most one entry for tools, for resources and for actions each.

    Args:
        call: where its arguments are not known, only its name is judged.
        goal: of the policy.
        tool: what the policy declares of the tool.
    """
    found = [Refusal("tool", entry) for entry in goal.refuses_tools if covers(entry, call.tool_name)][:1]
    if goal.refuses_resources:
        found += list(_refused_resources(call, goal.refuses_resources, tool))[:1]
    if goal.refuses_actions and not only_looks(call.tool_name):
        done = deed_of(call)
        found += [Refusal("action", entry) for entry in goal.refuses_actions if _is(call, done, _parsed(entry))][:1]
    return found


def _refused_resources(call: Call, refused: list[str], tool: ToolPolicy | None) -> Iterator[Refusal]:
    if tool is not None and tool.resource is not None:
        named = [(pointer, value) for pointer, value in values_at(call.arguments, tool.resource)]
    else:
        named = list(_texts(call.arguments, "", 0))
    runs = runs_commands(call.tool_name)
    folded = [(entry, entry.casefold(), runs or _is_path_like(entry)) for entry in refused]
    by_parts = any(is_path for _, _, is_path in folded)
    for pointer, value in named[:MAX_TEXTS]:
        text = (value if isinstance(value, str) else str(value))[:MAX_TEXT]
        whole = spellings_of(text)
        parts = whole.union(*(map(spellings_of, filter(None, _SPLIT.split(text))))) if by_parts else whole
        for entry, pattern, is_path in folded:
            if any(covers(pattern, spelling) for spelling in (parts if is_path else whole)):
                yield Refusal("resource", entry, pointer)
                return


@lru_cache(maxsize=1024)
def _is_path_like(entry: str) -> bool:
    return _PATH_LIKE.search(entry) is not None


def _texts(value: Any, pointer: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    elif depth < 4 and isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from _texts(inner, f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}", depth + 1)


@lru_cache(maxsize=1024)
def _parsed(sentence: str) -> _Action | None:
    """The action that a sentence refuses; None where it has a condition, or names nothing."""
    lowered = sentence.lower()
    several = _SEVERAL.match(lowered)
    words = _WORD.findall(lowered)
    if len(words) < 2 or not CONDITIONS.isdisjoint(words):
        return None
    verbs = words[:1]
    if several is not None:
        verbs = [word for word in _WORD.findall(several[0]) if word not in EMPTY]
        words = _WORD.findall(lowered[several.end() :])
    else:
        del words[0]
    nouns = tuple(stem(word) for word in words if word not in EMPTY and word not in ANYTHING)
    # Without any noun but "anything", what the verb says is all there is: one that says nothing refuses nothing.
    light = not LIGHT.isdisjoint(verbs)
    if not nouns and (light or ANYTHING.isdisjoint(words)):
        return None
    deeds = frozenset(deed for deed in map(deed_of_verb, verbs) if deed is not None)
    return _Action(frozenset(map(stem, verbs)), deeds, light, nouns)


def _is(call: Call, done: Done | None, action: _Action | None) -> bool:
    if action is None:
        return False
    name = _stems_of(call.tool_name)
    agrees = not action.verbs.isdisjoint(name) or (done is not None and done.deed in action.deeds)
    if agrees and not action.nouns:
        return True
    if agrees or action.light:
        around = name if action.light and not agrees else name | _words_around(call.arguments)
        held = sum(noun in around for noun in action.nouns)
        return action.nouns[-1] in around and 2 * held >= len(action.nouns)
    return bool(action.nouns) and not WRITING.isdisjoint(words_of(call.tool_name)) and _is_said(call, action)


@lru_cache(maxsize=4096)
def _stems_of(name: str) -> frozenset[str]:
    return frozenset(stem(word) for word in words_of(name))


def _is_said(call: Call, action: _Action) -> bool:
    for _, text in _texts(call.arguments, "", 0):
        for sentence in _SENTENCE.split(text[:MAX_TEXT].lower()):
            words = {stem(word) for word in _WORD.findall(sentence)}
            if not action.verbs.isdisjoint(words) and 3 * sum(noun in words for noun in action.nouns) >= 2 * len(
                action.nouns
            ):
                return True
    return False


def _words_around(arguments: Any) -> set[str]:
    """Stems of argument names and of short values."""
    found: set[str] = set()
    for pointer, text in list(_texts(arguments, "", 0))[:MAX_TEXTS]:
        found.update(stem(word) for word in words_of(pointer[:200]))
        if len(text) <= 80:
            found.update(stem(word) for word in _WORD.findall(text.lower()))
    if isinstance(arguments, dict):
        found.update(stem(word) for key in list(arguments)[:MAX_TEXTS] for word in words_of(key[:80]))
    return found
