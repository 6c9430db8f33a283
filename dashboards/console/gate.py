"""Who may ask at all: the host's name, the token, the cookie; and the headers that go with every answer."""

from __future__ import annotations

from html import escape
from typing import Final
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from watchkeeper.dashboards.console.keys import Keys

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
OPEN_PATHS: Final = ("/static/", "/livez")
"""Nothing of anybody's data is there."""

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Not `no-referrer`: under it browsers say of our own forms that they come from nowhere (`Origin: null`).
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_CHANGING: Final = frozenset({"POST"})
_YEAR_SECONDS: Final = 365 * 86_400
_PAGE: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} · Watchkeeper</title>{more}'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<link rel="icon" href="/static/icon.svg" type="image/svg+xml">'
    '<link rel="stylesheet" href="/static/console.css"></head><body class="bare"><main><h1>{title}</h1>{body}</main>'
    "</body></html>"
)


class Gate:
    """Stands before the application.

    Args:
        app: the application.
        keys: of the token.
        hosts: names by which the console may be called, besides those of this machine. A page of another site whose
            name was made to lead here (DNS rebinding) calls it by its own.
        cookie: the cookie's name. Browsers do not keep cookies of two ports apart: two consoles need two names.
    """

    def __init__(self, app: ASGIApp, keys: Keys, hosts: frozenset[str], cookie: str) -> None:
        self._app = app
        self._keys = keys
        self._hosts = LOOPBACK | hosts
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, or lets the application answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        answer = self._refused(request) or self._asked_in(request)
        await (answer or self._app)(scope, receive, guarded)

    def _refused(self, request: Request) -> Response | None:
        host = request.headers.get("host", "")
        name = _parts(f"//{host}")[0]
        if name not in self._hosts:
            return PlainTextResponse(
                f"The console is not called {name!r}: open it by 127.0.0.1, or start it with --allow-host.", 421
            )
        if request.method not in _CHANGING:
            return None
        # Browsers tell where a form was sent from; programs need not.
        origin = request.headers.get("origin")
        foreign = origin is not None and _parts(origin)[1] != host
        if foreign or request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return PlainTextResponse("The form was sent from another site: nothing was done.", 403)
        return None

    def _asked_in(self, request: Request) -> Response | None:
        """The answer to who is not in yet; None for who is."""
        token = request.query_params.get("token")
        if token is not None and request.method == "GET":
            return self._let_in(request) if self._keys.opens(token) else _stranger("The token in the address is wrong.")
        if request.url.path.startswith(OPEN_PATHS) or self._keys.knows(request.cookies.get(self._cookie, "")):
            return None
        if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
            # A link on another site was followed, to which the browser adds no cookie: from here it does.
            return _onward(str(request.url.path) + (f"?{request.url.query}" if request.url.query else ""))
        return _stranger("This browser has not been let in yet.")

    def _let_in(self, request: Request) -> Response:
        rest = [(name, value) for name, value in request.query_params.multi_items() if name != "token"]
        # A page, not a redirection: after one, a browser that came from another site would keep the cookie back.
        answer = _onward(request.url.path + (f"?{urlencode(rest)}" if rest else ""))
        answer.set_cookie(
            self._cookie, self._keys.cookie, max_age=_YEAR_SECONDS, httponly=True, samesite="strict", path="/"
        )
        return answer


def _parts(address: str) -> tuple[str, str]:
    """The host's name, and the name with its port; both empty where the address cannot be read."""
    try:
        found = urlsplit(address)
        return found.hostname or "", found.netloc
    except ValueError:
        return "", ""


def _onward(path: str) -> Response:
    # Two slashes at the beginning would name another host.
    target = escape("/" + path.lstrip("/\\"), quote=True)
    return HTMLResponse(
        _PAGE.format(
            title="Opening",
            more=f'<meta http-equiv="refresh" content="0; url={target}">',
            body=f'<p><a href="{target}">Go on</a></p>',
        )
    )


def _stranger(why: str) -> Response:
    body = (
        f"<p>{escape(why)}</p><p>Open the address with the token in it: <code>watchkeeper status</code> prints it, "
        "and <code>watchkeeper console</code> does when it starts.</p>"
    )
    return HTMLResponse(_PAGE.format(title="Who is there?", more="", body=body), 401)
