"""One question of a browser and its answer: what a page is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

if TYPE_CHECKING:
    from watchkeeper.dashboards.console.looks import Looks
    from watchkeeper.dashboards.console.sources import Sources

WHO_COOKIE: Final = "watchkeeper_who"
"""The name that was given last, to be offered again; it proves nothing."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a page is given.

    Attributes:
        request: the question itself.
        sources: what can be read and done.
        looks: the templates.
        form: the fields of a form that was sent; each once, its seal already checked.
        now: the time of the question, in UTC.
    """

    request: Request
    sources: Sources
    looks: Looks
    form: Mapping[str, str] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def path(self) -> Mapping[str, str]:
        """The names in the page's path, `{session}` under `session`."""
        return self.request.path_params

    def query(self, name: str) -> str:
        """A value of the address, without blanks around it; empty where it is missing."""
        return self.request.query_params.get(name, "").strip()

    def queries(self, name: str) -> list[str]:
        """All values of the address with that name."""
        return [value for value in self.request.query_params.getlist(name) if value]

    def address(self, **changed: str) -> str:
        """This page's address with some values changed; an empty one is left out."""
        kept = [(name, value) for name, value in self.request.query_params.multi_items() if name not in changed]
        wanted = [(name, value) for name, value in [*kept, *changed.items()] if value]
        return self.request.url.path + (f"?{urlencode(wanted)}" if wanted else "")

    @property
    def who(self) -> str:
        """Under which name things are done; offered in forms."""
        return unquote(self.request.cookies.get(WHO_COOKIE, "")) or self.sources.operator

    @staticmethod
    def quoted(name: str) -> str:
        """A name as it may stand in an address or a cookie."""
        return quote(name, safe="")

    def show(self, template: str, title: str, *, status: int = 200, **values: Any) -> Response:
        """A page.

        Args:
            template: its file below `templates/`.
            title: of the page, its first heading as well.
            status: HTTP's.
            **values: what the template names.
        """
        text = self.looks.render(template, visit=self, title=title, **values)
        return HTMLResponse(text, status)

    def go(self, address: str) -> Response:
        """Sends the browser on to another page, after something was done."""
        return RedirectResponse(address, 303)


Answer = Callable[[Visit], Response]


@dataclass(frozen=True, slots=True)
class Page:
    """A page and where it stands.

    Attributes:
        path: `/sessions/{tenant}/{session}`; a part `{name:path}` may hold slashes.
        answer: called in a thread, so it may wait for the store.
        menu: its name in the navigation; empty for a page that is reached from others.
        order: its place in the navigation, the least first.
        method: `POST` for what changes something: its form is read and its seal checked.
    """

    path: str
    answer: Answer
    menu: str = ""
    order: int = 100
    method: str = "GET"
