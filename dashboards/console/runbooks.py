"""Runbooks as pages: the committed texts that Grafana shows as well."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from watchkeeper.dashboards.console.boards import FOLDER

_FILE: Final = "watchkeeper-runbooks.json"
# HTML in a text is shown and not obeyed; links and pictures are left as they were written.
_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["link", "image", "autolink"])


@cache
def _texts() -> Mapping[str, str]:
    panels = json.loads((FOLDER / _FILE).read_text())["panels"]
    return {panel["title"]: panel["options"]["content"] for panel in panels}


def runbook(mode: str) -> Markup:
    """What to do about a failure mode; empty where nothing is written."""
    text = _texts().get(mode, "")
    # The page has its own heading.
    return rendered(text.partition("\n")[2] if text.startswith("# ") else text)


def rendered(markdown: str, *, heading: int = 0, links: Mapping[str, str] | None = None) -> Markup:
    """Markdown as HTML; nothing in it becomes a picture, a tag or a script, and no address of its own a link.

    Args:
        markdown: the text.
        heading: by how much its headings stand lower than they say.
        links: the console's own addresses, by the id that leads there where it stands as code.
    """
    tokens = _MARKDOWN.parse(markdown)
    for index, token in enumerate(tokens):
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + heading)}"
        if token.type == "inline" and not token.content and tokens[index - 1].tag == "th":
            # A column without a name has no heading that could be read out.
            tokens[index - 1].tag = tokens[index + 1].tag = "td"
        if links and token.children:
            token.children = [one for child in token.children for one in _linked(child, links)]
        if token.type == "table_open":
            # On a phone a wide table scrolls sideways, which must be possible by keyboard.
            token.attrs["tabindex"] = "0"
        # The policy of contents forbids inline style, of which columns are made.
        token.attrs.pop("style", None)
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # noqa: S704 - escaped by the renderer


def _linked(token: Token, links: Mapping[str, str]) -> Sequence[Token]:
    address = links.get(token.content) if token.type == "code_inline" else None
    if address is None:
        return (token,)
    return (Token("link_open", "a", 1, attrs={"href": address}), token, Token("link_close", "a", -1))
