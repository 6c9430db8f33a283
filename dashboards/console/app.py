"""The console as an ASGI application: all pages behind one gate."""

from __future__ import annotations

import importlib
import logging
import pkgutil
import traceback
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from watchkeeper.dashboards.console import pages
from watchkeeper.dashboards.console.errors import AskedWrongError, ForgedError, NotThereError, UnforeseenError
from watchkeeper.dashboards.console.forms import read_form
from watchkeeper.dashboards.console.gate import Gate
from watchkeeper.dashboards.console.keys import Keys
from watchkeeper.dashboards.console.live import Feed, Live
from watchkeeper.dashboards.console.looks import Looks
from watchkeeper.dashboards.console.sources import Sources
from watchkeeper.dashboards.console.visit import Page, Visit
from watchkeeper.schemas.errors import ConfigurationError, TransientError, WatchkeeperError

COOKIE: Final = "watchkeeper_console"
AT_ONCE: Final = 6
"""Pages that wait for the store at the same time; others queue, so that a store on two cores is not flooded."""

RETRY_SECONDS: Final = 5

_LOG: Final = logging.getLogger("watchkeeper.console")
_FRAMES: Final = 8
_STATIC: Final = Path(__file__).parent / "static"
_STATUS: Final[tuple[tuple[type[WatchkeeperError], int, str], ...]] = (
    (NotThereError, 404, "Not found"),
    (AskedWrongError, 400, "This cannot be read"),
    (ForgedError, 403, "Nothing was done"),
    (TransientError, 503, "The store or the broker is away"),
    (ConfigurationError, 500, "A setting must be put right"),
    (WatchkeeperError, 500, "This could not be done"),
)


def all_pages() -> list[Page]:
    """The pages of all modules in `pages/`."""
    names = sorted(module.name for module in pkgutil.iter_modules(pages.__path__))
    found = (importlib.import_module(f"{pages.__name__}.{name}") for name in names)
    return [page for module in found for page in getattr(module, "PAGES", ())]


def build_app(sources: Sources, keys: Keys, *, hosts: frozenset[str] = frozenset(), cookie: str = COOKIE) -> Starlette:
    """The application.

    Args:
        sources: what the pages read and do.
        keys: who is let in.
        hosts: names by which it may be called besides `127.0.0.1` and `localhost`.
        cookie: the cookie's name; see `Gate`.
    """
    found = all_pages()
    menu = sorted((page for page in found if page.menu), key=lambda page: (page.order, page.menu))
    looks = Looks(sources.formats, menu, keys.form)
    limiter = anyio.CapacityLimiter(AT_ONCE)
    routes = [
        Route(
            page.path,
            _endpoint(page, partial(Visit, sources=sources, looks=looks), keys, limiter),
            methods=[page.method],
        )
        for page in found
    ]
    return Starlette(
        routes=[
            *routes,
            Route("/livez", _lives),
            Route("/live/findings", Live(Feed(sources.findings), looks).answer),
            Mount("/static", StaticFiles(directory=_STATIC)),
            Route("/{path:path}", _endpoint(_NOWHERE, partial(Visit, sources=sources, looks=looks), keys, limiter)),
        ],
        middleware=[Middleware(Gate, keys=keys, hosts=hosts, cookie=cookie)],
    )


async def _lives(_: Request) -> Response:
    return PlainTextResponse("ok")


def _nowhere(visit: Visit) -> Response:
    raise NotThereError(f"there is no page {visit.request.url.path}")


_NOWHERE: Final = Page("/{path:path}", _nowhere)
_Visiting = Callable[..., Visit]


def _endpoint(
    page: Page, visiting: _Visiting, keys: Keys, limiter: anyio.CapacityLimiter
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    async def answer(request: Request) -> Response:
        visit = visiting(request)
        try:
            if page.method == "POST":
                visit = visiting(request, form=await read_form(request, keys))
            return await anyio.to_thread.run_sync(page.answer, visit, limiter=limiter)
        except WatchkeeperError as error:
            return failure(visit, error)
        except Exception as error:  # noqa: BLE001 - a person waits for a page, whatever happens
            return failure(visit, _unforeseen(request, error))

    return answer


def _unforeseen(request: Request, error: Exception) -> UnforeseenError:
    # The error's own message may quote what agents were told: the log gets its type and where it was raised.
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    _LOG.error("%s %s failed: %s at %s", request.method, request.url.path, type(error).__name__, where)
    done = "" if request.method == "GET" else " Whether it was done is not known: look before you send it again."
    return UnforeseenError(
        f"This failed in a way that nobody foresaw ({type(error).__name__}).{done} "
        "The console's log says where: please report that line."
    )


def failure(visit: Visit, error: WatchkeeperError) -> Response:
    """The page that says what went wrong, and looks again by itself where that may help."""
    status, title = next((status, title) for kind, status, title in _STATUS if isinstance(error, kind))
    again = RETRY_SECONDS if isinstance(error, TransientError) and visit.request.method == "GET" else 0
    answer = visit.show("failure.html", title, status=status, message=str(error), again=again)
    if again:
        answer.headers["Retry-After"] = str(again)
    return answer
