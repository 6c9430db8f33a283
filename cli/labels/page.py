"""A session as a labeller sees it: what was said and done, and nothing of what graders think of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import orjson
from rich.console import Console
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.output import STATUS_STYLES, indented, one_line
from watchkeeper.evals.interaction import Interaction, ToolUse, Turn
from watchkeeper.schemas.visible_text import visible

_INDENT: Final = " " * 11
_SHORT: Final = 1500
_STYLES: Final = {"system": "dim", "user": "bold", "assistant": "cyan", "tool": "yellow"}


def session_lines(console: Console, interaction: Interaction, *, full: bool) -> Iterator[Text]:
    """The session's lines.

    Args:
        console: says how wide.
        interaction: the session.
        full: long texts are not shortened, and what the system said is shown.
    """
    yield Text(f"session    {one_line(interaction.interaction_id)}", "bold")
    about = [interaction.agent_id, interaction.agent_version, interaction.intent]
    yield Text(one_line(f"agent      {' · '.join(part for part in about if part)}"))
    status = Text(f"ended      {formats.at(interaction.ended_at)}  ")
    yield status.append(interaction.status, STATUS_STYLES.get(interaction.status, ""))
    if interaction.goal:
        yield from _said(console, "goal", interaction.goal, "", full=full)
    if not interaction.complete:
        yield Text("parts of this session are not stored: label what can be told from the rest", "yellow")
    yield Text()
    for turn in interaction.turns:
        if turn.speaker != "system" or full:
            yield from _turn(console, turn, full=full)
    for document in interaction.documents if full else ():
        yield from _said(console, "document", f"{document.document_id}: {document.text}", "dim", full=full)
    if interaction.documents and not full:
        yield Text(f"{_INDENT}{formats.plural(len(interaction.documents), 'document')} retrieved (f shows them)", "dim")


def _turn(console: Console, turn: Turn, *, full: bool) -> Iterator[Text]:
    if turn.text:
        yield from _said(console, turn.speaker, turn.text, _STYLES[turn.speaker], full=full)
    for use in turn.tools:
        yield from _said(console, "call", _call(use), "yellow", full=full)
        if use.result is not None:
            label = "failed" if use.failed else "result"
            yield from _said(console, label, use.result, "red" if use.failed else "dim", full=full)


def _call(use: ToolUse) -> str:
    arguments = "" if use.arguments is None else orjson.dumps(use.arguments).decode()
    return f"{use.name} {arguments}"


def _said(console: Console, label: str, text: str, style: str, *, full: bool) -> Iterator[Text]:
    safe = visible(text)
    shown = safe if full or len(safe) <= _SHORT else safe[:_SHORT]
    body = Text(shown)
    if len(shown) < len(safe):
        body.append(f"\n… {formats.count(len(safe) - len(shown))} more characters (f)", style="dim")
    for index, line in enumerate(indented(console, body, _INDENT)):
        head = Text(f"{label:<{len(_INDENT)}}", style=style)
        yield line if index else head.append_text(line[len(_INDENT) :])
