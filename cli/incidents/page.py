"""A report as one HTML page without scripts, made of its Markdown: to be sent, printed, and read on a telephone."""

from __future__ import annotations

from html import escape
from typing import Final

from markdown_it import MarkdownIt

from watchkeeper.schemas.visible_text import visible

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; max-width: 100%; }
th, td { border: 1px solid #8888; padding: .25rem .5rem; text-align: left; vertical-align: top; }
code { font-size: .9em; overflow-wrap: anywhere; }
@media print { body { font-size: 11px; max-width: none; } table { display: table; } }
"""


def page_of(markdown: str, title: str) -> str:
    """The page.

    Args:
        markdown: the report; HTML in it is shown, not obeyed.
        title: of the page.
    """
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    return (
        "<!doctype html>\n"
        f'<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(visible(title))}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
