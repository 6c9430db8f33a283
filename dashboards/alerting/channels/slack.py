"""An incoming webhook of Slack, with blocks."""

from __future__ import annotations

from typing import Any, Final

import orjson

from watchkeeper.dashboards.alerting.channels.http import Poster
from watchkeeper.dashboards.alerting.message import Message
from watchkeeper.dashboards.alerting.ports import Answer
from watchkeeper.dashboards.alerting.text import facts, finding_lines, group_lines, headline

_MARKS: Final = {"critical": ":rotating_light:", "high": ":red_circle:", "medium": ":large_orange_circle:"}
_HEADER: Final = 150
_SECTION: Final = 2900
"""Slack refuses a header over 150 characters, and a section over 3,000."""


class Slack:
    """See the module.

    Args:
        poster: the webhook's address.
    """

    def __init__(self, poster: Poster) -> None:
        self._poster = poster

    def send(self, message: Message) -> Answer:
        """Sends it; see `Answer`."""
        return self._poster.post(orjson.dumps(blocks_of(message)), {})


def blocks_of(message: Message) -> dict[str, Any]:
    """The request's body. `text` is what notifications and screen readers say."""
    mark = ":white_check_mark:" if message.is_over else _MARKS.get(message.severity, ":information_source:")
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(headline(message), _HEADER), "emoji": True}},
        _section(f"{mark} " + "\n".join(f"*{name}:* {escaped(value)}" for name, value in facts(message))),
    ]
    if message.new > 1:
        lines = [*group_lines(message), *(f"• {line}" for line in finding_lines(message))]
        blocks.append(_section(f"*New in this message: {message.new} findings*\n" + "\n".join(map(escaped, lines))))
    if message.evidence:
        blocks.append(_section("*Evidence*\n" + "\n".join(f"{n}: {escaped(v)}" for n, v in message.evidence)))
    if message.runbook:
        blocks.append(_section(f"*What to do:* {_address(message.runbook)}"))
    if message.commands:
        code = "\n".join(f"# {purpose}\n{line}" for purpose, line in message.commands)
        blocks.append(_section(f"*Look further*\n```{escaped(code)}```"))
    if message.link:
        blocks.append(_section(f"<{message.link}|Console>"))
    foot = f"alert {message.alert_id}"
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": foot}]})
    return {"text": escaped(headline(message)), "blocks": blocks}


def escaped(text: str) -> str:
    """Slack's three characters: what an agent wrote makes no link and calls nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, _SECTION)}}


def _address(runbook: str) -> str:
    return f"<{runbook}>" if runbook.startswith(("http://", "https://")) else f"`{runbook}`"


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    cut = text[: most - 5]
    # A block of code that was cut is closed again.
    return f"{cut}…" + ("```" if cut.count("```") % 2 else "")
