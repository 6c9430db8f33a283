"""One POST: no redirects, no retries of its own, and what was said as an answer."""

from __future__ import annotations

import urllib.request
import weakref
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import urllib3

from watchkeeper.dashboards.alerting.ports import Answer

_PERMANENT: Final = frozenset({400, 401, 403, 404, 405, 410, 413, 415, 422})
_LONGEST_WAIT: Final = 3600.0
_SAID: Final = 200


class Poster:
    """POSTs to one address.

    Args:
        url: where to.
        timeout_seconds: for connecting, and for each read of the answer.
    """

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self._url = url
        self._timeout = urllib3.Timeout(connect=timeout_seconds, read=timeout_seconds)
        proxy = _proxy(url)
        self._pool: urllib3.PoolManager = urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()
        # Channels are never closed; whoever lets go of one lets go of its connections.
        weakref.finalize(self, self._pool.clear)

    def post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """What came back; a network that fails is an answer too."""
        return self.ask("POST", body, {"Content-Type": "application/json", **headers})

    def ask(self, method: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """See `post`."""
        try:
            reply = self._pool.request(
                method,
                self._url,
                body=body,
                headers={"User-Agent": "watchkeeper-alerts", **(headers or {})},
                timeout=self._timeout,
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            return Answer(ok=False, text=f"{host_of(self._url)} did not answer: {_kind(error)}")
        said = " ".join(reply.data[:_SAID].decode("utf-8", "replace").split())
        text = f"HTTP {reply.status}" + (f": {said}" if said else "")
        if 200 <= reply.status < 300:
            return Answer(ok=True, text=text)
        return Answer(
            ok=False,
            text=text,
            retry_seconds=wait_asked_for(reply.headers.get("Retry-After")),
            permanent=reply.status in _PERMANENT or 300 <= reply.status < 400,
        )


def host_of(url: str) -> str:
    """Scheme and host: paths and queries may hold secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def wait_asked_for(header: str | None) -> float:
    """Seconds that a `Retry-After` asks for, an hour at most; 0 where it says nothing."""
    if not header:
        return 0.0
    if header.strip().isdecimal():
        return min(float(header), _LONGEST_WAIT)
    try:
        seconds = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return 0.0
    return min(max(0.0, seconds), _LONGEST_WAIT)


def _proxy(url: str) -> str:
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return ""
    return urllib.request.getproxies().get(parts.scheme, "")


def _kind(error: Exception) -> str:
    """What happened without the address, which urllib3's own words hold."""
    words = {
        urllib3.exceptions.ConnectTimeoutError: "no connection in time",
        urllib3.exceptions.ReadTimeoutError: "no answer in time",
        urllib3.exceptions.NameResolutionError: "its name is not known",
        urllib3.exceptions.NewConnectionError: "nobody listens there",
        urllib3.exceptions.SSLError: "its certificate is not trusted, or the connection is not encrypted",
        urllib3.exceptions.ProxyError: "the proxy did not let it through",
    }
    return next((text for kind, text in words.items() if isinstance(error, kind)), type(error).__name__)
