"""Blocks of text on a session's page: indented, shortened, and marked where they are not what they should be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.output import indented, one_line
from watchkeeper.schemas.json_text import dump_json
from watchkeeper.schemas.prompts import RebuiltText
from watchkeeper.schemas.visible_text import visible

BODY: Final = " " * 14
"""Stands before every line below an entry's first: the width of its time."""

MAX_CHARACTERS: Final = 4_000
MAX_LINES: Final = 40


@dataclass(frozen=True, slots=True)
class Page:
    """How a page is written.

    Attributes:
        console: says how wide.
        full: texts are never shortened.
    """

    console: Console
    full: bool

    def block(self, text: Text, indent: str = BODY) -> Iterator[Text]:
        """Lines of the page's width, indented."""
        yield from indented(self.console, text, indent)

    def said(self, label: str, found: RebuiltText | None) -> Iterator[Text]:
        """A text under its label; nothing where there is none."""
        if found is None:
            return
        block = Text(f"{label}: " if label else "", style="bold")
        block.append_text(self.body(message_text(found) if label else found.text))
        block.append_text(marks_of(found))
        yield from self.block(block)

    def body(self, text: str | None) -> Text:
        """A text as agents wrote it, shortened where it is long."""
        if text is None:
            return Text()
        safe = visible(text)
        shown = safe if self.full else _shortened(safe)
        body = Text(shown, style="not bold")
        if len(shown) < len(safe):
            body.append(f"\n… {formats.count(len(safe) - len(shown))} more characters (--full)", style="dim not bold")
        return body

    def value(self, label: str, value: Any) -> Iterator[Text]:
        """A JSON value under its label, on one line."""
        yield from self.block(Text(f"{label}: ", style="bold").append_text(self.body(json_line(value))))


def json_line(value: Any) -> str:
    """A JSON value on one line; text as itself."""
    return one_line(value if isinstance(value, str) else dump_json(value).decode())


def marks_of(found: RebuiltText) -> Text:
    """What must be said of a text beside it."""
    marks = Text()
    if found.verdict == "missing":
        marks.append(f"[the text is missing: {found.address}]", style="bold red")
    elif found.verdict == "mismatch":
        marks.append(f" [the text does not match its hash: {found.address}]", style="bold red")
    elif found.verdict == "unverifiable":
        marks.append(" [not verified: the writer's salt is missing]", style="yellow")
    if found.masked:
        marks.append(f" [{formats.plural(found.masked, 'place')} masked]", style="dim")
    return marks


def message_text(found: RebuiltText) -> str | None:
    """What a message says: its content, and whatever else it holds as JSON. Other texts are as they are."""
    if found.text is None or found.media_type != "application/json":
        return found.text
    try:
        # orjson would make a fraction of a whole number beyond 64 bits.
        message = json.loads(found.text)
    except (ValueError, RecursionError):
        return found.text
    if not isinstance(message, dict) or "role" not in message:
        return found.text
    said = _said(message.pop("content", None))
    message.pop("role")
    rest = {name: value for name, value in message.items() if value not in (None, [], {})}
    if said is None:
        return dump_json(rest).decode()
    return f"{said}\n{dump_json(rest).decode()}" if rest else said


def _said(content: Any) -> str | None:
    """The content of a chat message: a text, or a list of parts of which some are texts."""
    if isinstance(content, list) and content:
        return "\n".join(_said_part(part) for part in content)
    return content if isinstance(content, str) and content else None


def _said_part(part: Any) -> str:
    if isinstance(part, dict) and isinstance(part.get("text"), str) and set(part) <= {"type", "text"}:
        return str(part["text"])
    return json_line(part)


def _shortened(text: str) -> str:
    lines = text.split("\n", MAX_LINES)
    if len(lines) > MAX_LINES:
        text = "\n".join(lines[:MAX_LINES])
    return text[:MAX_CHARACTERS]
