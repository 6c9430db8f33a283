"""The templates: everything that they are given is escaped, and a name that they are not given is an error."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from watchkeeper.schemas.visible_text import visible

if TYPE_CHECKING:
    from watchkeeper.dashboards.console.sources import Formats
    from watchkeeper.dashboards.console.visit import Page

FOLDER: Final = Path(__file__).parent / "templates"
_FORMATS: Final = ("at", "duration", "offset", "money", "cost", "count", "size", "plural")


def _shown(value: Any) -> Any:
    """What a template is given, before it is escaped: what a screen would obey or hide is spelled out."""
    return visible(value) if type(value) is str else value


def coded(text: str) -> Markup:
    """A text in which what stands between two backticks is code, as Grafana shows descriptions."""
    parts = visible(text).split("`")
    if len(parts) % 2 == 0:
        return escape(visible(text))
    shown = (Markup("<code>{}</code>").format(part) if odd % 2 else escape(part) for odd, part in enumerate(parts))
    return Markup("").join(shown)


class Looks:
    """Templates by name.

    Args:
        formats: how figures are written; filters of the same names.
        menu: the pages of the navigation, in order.
        seal: what stands in every form.
    """

    def __init__(self, formats: Formats, menu: Sequence[Page], seal: str) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_shown,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update({name: getattr(formats, name) for name in _FORMATS})
        self._environment.filters["coded"] = coded
        # Agents give sessions and tenants their names: what is pasted into a shell must be quoted.
        self._environment.filters["shell"] = shlex.quote
        self._environment.globals.update(menu=menu, seal=seal)

    def render(self, template: str, **values: Any) -> str:
        """The page's text."""
        return self._environment.get_template(template).render(values)
