"""`alerts.yaml`, read with every mistake told at once: file, line, field, what is wrong, and the remedy."""

from __future__ import annotations

import types
from collections.abc import Iterator
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from watchkeeper.dashboards.alerting.config import AlertsConfig, AnyChannel
from watchkeeper.dashboards.alerting.errors import AlertsFileError
from watchkeeper.dashboards.alerting.routing import takes_all_of
from watchkeeper.schemas.field_faults import sentence
from watchkeeper.schemas.settings_file import SettingsFile, Written
from watchkeeper.schemas.yaml_document import Document, Path, Problem

_ELSEWHERE: Final = "a secret stands here; write where it is instead: {env: NAME}, or {file: PATH}"
_KINDS: Final = tuple(
    kind for model in get_args(get_args(AnyChannel)[0]) for kind in get_args(model.model_fields["kind"].annotation)
)
_SECRETS: Final = frozenset({"url", "routing_key", "password", "signing_key", "token"})


WrittenAlerts = Written[AlertsConfig]


def load_alerts(path: FilePath | None) -> WrittenAlerts:
    """The configuration in a file; the defaults, by which nothing is sent, where there is none.

    Raises:
        AlertsFileError: it cannot be read, or something in it is wrong.
    """
    return _FILE.load(path)


def read_alerts(raw: bytes, name: str) -> AlertsConfig:
    """The configuration in a YAML text; `name` stands for the file's in problems.

    Raises:
        AlertsFileError: see `load_alerts`.
    """
    return _FILE.read(raw, name)


def parse_time(text: str) -> datetime:
    """A moment with its zone.

    Raises:
        ValueError: it is no such text.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no zone")
    return moment


def _of_the_whole(config: AlertsConfig, document: Document) -> Iterator[Problem]:
    for path, name in _named(config):
        if name not in config.channels:
            near = get_close_matches(name, config.channels, n=1)
            there = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(config.channels) or 'none'}"
            yield document.problem(path, f"there is no channel {name!r}; name one under `channels` ({there})")
    yield from _unreached(config, document)
    for index, window in enumerate(config.maintenance):
        moments = []
        for name in ("since", "until"):
            try:
                moments.append(parse_time(getattr(window, name)))
            except ValueError:
                text = 'is no moment; write it with its zone and in quotes: "2026-11-30T22:00:00+01:00"'
                yield document.problem(("maintenance", index, name), text)
        if len(moments) == 2 and moments[0] >= moments[1]:
            yield document.problem(
                ("maintenance", index, "until"), "is not after `since`; a window ends after it began"
            )


def _unreached(config: AlertsConfig, document: Document) -> Iterator[Problem]:
    """Routes of which one before them takes all that fits."""
    for index, route in enumerate(config.routes):
        for number, earlier in enumerate(config.routes[:index]):
            if not earlier.also and takes_all_of(earlier.match, route.match):
                text = f"is never reached: routes[{number}] takes all that fits it; move it before that one, "
                yield document.problem(("routes", index), f"{text}or add `continue: true` there")
                break


def _named(config: AlertsConfig) -> Iterator[tuple[Path, str]]:
    """Every place where a channel is named."""
    for index, route in enumerate(config.routes):
        yield from _list(("routes", index, "channels"), route.channels)
        for step, escalation in enumerate(route.escalate):
            yield from _list(("routes", index, "escalate", step, "channels"), escalation.channels)
    yield from _list(("pipeline", "channels"), config.pipeline.channels)
    yield from _list(("fallback",), config.fallback)


def _list(path: Path, names: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    for index, name in enumerate(names):
        yield (*path, index), name


def _sentence(detail: ErrorDetails, path: Path, document: Document) -> str:
    kind, value = detail["type"], detail["input"]
    if kind in {"model_type", "model_attributes_type"} and value is not None and path and path[-1] in _SECRETS:
        return _ELSEWHERE
    match kind:
        case "extra_forbidden":
            text = _unknown(path, document)
        case "union_tag_invalid":
            text = f"is no kind of channel; write one of {', '.join(_KINDS)}"
        case "union_tag_not_found":
            text = f"missing; add `kind`, one of {', '.join(_KINDS)}"
        case "string_type" if path and path[-1] == "url" and value is not None:
            text = _no_address(detail, path)
        case "string_pattern_mismatch":
            text = _misspelt(detail, path)
        case "literal_error" if value == "import" and "origins" in path:
            text = "recordings that are imported never page; leave `import` out"
        case "tuple_type":
            text = "a list is wanted; write [ … ]"
        case "too_short":
            text = "is empty; give at least one entry, or remove the line"
        case _:
            spot = document.spots.get(path)
            text = sentence(detail, path, spot, model=AlertsConfig, guide="docs/alerts.md")
    return text


def _misspelt(detail: ErrorDetails, path: Path) -> str:
    """What is wrong with a text that has to have a certain form."""
    names = [step for step in path if isinstance(step, str)]
    match names[-1]:
        case "url" | "console":
            return _no_address(detail, path)
        case "sender" | "to":
            return f'the text "{detail["input"]}" is no mail address; write name@host'
        case "env":
            return "is no name of an environment variable; use letters, digits and `_`, such as PAGER_KEY"
        case _:
            return "is no name; use letters, digits, `.`, `_` and `-`"


def _no_address(detail: ErrorDetails, path: Path) -> str:
    # Of a field that may hold either, pydantic adds which of both it tried.
    either = ", or where it is: {env: NAME}, or {file: PATH}" if detail["loc"][-1] != path[-1] else ""
    return f"is no address; write http://… or https://…{either}"


def _unknown(path: Path, document: Document) -> str:
    known = _fields_at(path[:-1], document.value)
    near = get_close_matches(str(path[-1]), known, n=1)
    return f"unknown field; did you mean `{near[0]}`?" if near else f"unknown field; use one of {', '.join(known)}"


def _fields_at(path: Path, value: Any) -> list[str]:
    kind: Any = AlertsConfig
    for step in path:
        kind, value = _below(_bare(kind, value), step), value[step]
    kind = _bare(kind, value)
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return []
    return [field.alias or name for name, field in kind.model_fields.items()]


def _below(kind: Any, step: str | int) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        names = {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
        return names[str(step)]
    return get_args(kind)[0 if isinstance(step, int) else -1]


def _bare(kind: Any, value: Any) -> Any:
    """The type itself; of several, the one that the value's `kind` names, else the first that is a model."""
    while get_origin(kind) in (Annotated, Union, types.UnionType):
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
            continue
        options = [one for one in get_args(kind) if isinstance(one, type) and issubclass(one, BaseModel)]
        named = [one for one in options if _tag(one) == (value or {}).get("kind")] if isinstance(value, dict) else []
        kind = (named or options or get_args(kind))[0]
    return kind


def _tag(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("kind")
    return get_args(field.annotation)[0] if field is not None else None


_FILE: Final = SettingsFile(AlertsConfig, "`channels:` or `routes:`", AlertsFileError, _sentence, _of_the_whole)
