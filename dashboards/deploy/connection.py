"""One Grafana: where it is, what it says, and its errors as ours.

grafana-client asks; its session is replaced by one that does what an operator expects and no more: no redirects (a POST
that is redirected becomes a GET), no retries, no HTTP/3, no questions to certificate authorities about revocation, no
credentials of `.netrc`. Proxies of the environment are used as elsewhere. The token is sent as a header and is in no
message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import niquests
from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaException, GrafanaTimeoutError

from watchkeeper.dashboards.deploy.errors import (
    GrafanaAccessError,
    GrafanaConflictError,
    GrafanaError,
    GrafanaUnavailableError,
)
from watchkeeper.schemas.errors import ConfigurationError

T = TypeVar("T")

TIMEOUT_SECONDS: Final = 15.0
_ROLE: Final = "a service account with the role Admin (Administration, Users and access, Service accounts)"
_PAGES: Final = ("<!doctype", "<html")
_TOO_MANY_REQUESTS: Final = 429


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Grafana answers.

    Attributes:
        prefix: of its paths, `grafana/` where it is served below a path; else empty.
    """

    scheme: str
    host: str
    port: int | None
    prefix: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Reads `https://host:port/prefix`.

        Raises:
            ConfigurationError: it is no such URL, or says what does not belong there.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConfigurationError(f"--url {url} is no URL ({error}): give https://host:port/prefix") from error
        if parts.username or parts.password:
            raise ConfigurationError("--url names a user: give a token of " + _ROLE + " in its place")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigurationError(f"--url {url} is no address of a Grafana: give https://host:port/prefix")
        if parts.query or parts.fragment:
            raise ConfigurationError(f"--url {url} has a query or fragment: give https://host:port/prefix alone")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        path = parts.path.strip("/")
        return cls(parts.scheme, host, port, f"{path}/" if path else "")

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}/{self.prefix}".rstrip("/")


class Grafana:
    """Asks one Grafana.

    Attributes:
        url: its address, for messages.
        version: as it tells; None before `check`, or where it hides it.
    """

    def __init__(self, address: Address, token: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.url = str(address)
        self.version: str | None = None
        self._timeout_seconds = timeout_seconds
        self._api = GrafanaApi(
            token,
            host=address.host,
            port=address.port,
            url_path_prefix=address.prefix,
            protocol=address.scheme,
            timeout=timeout_seconds,
            user_agent="watchkeeper",
        )
        self._api.client.s.close()
        session = niquests.Session(retries=0, disable_http3=True, revocation_configuration=None)
        session.max_redirects = 0
        session.headers["User-Agent"] = "watchkeeper"
        self._api.client.s = session

    def close(self) -> None:
        """Closes its connections."""
        self._api.client.s.close()

    def check(self) -> None:
        """Makes sure that a Grafana is there.

        Raises:
            GrafanaAccessError: something else answers.
            GrafanaUnavailableError: nothing does.
        """
        # The client's own check asks for the settings of the front end, which are not for every token.
        told: Any = self.find("ask for its health", lambda api: api.client.GET("/health"))
        if not isinstance(told, dict) or "database" not in told:
            raise self._no_grafana()
        self.version = told.get("version")

    def ask(self, doing: str, question: Callable[[Any], T]) -> T:
        """Asks, and turns errors into ours.

        Args:
            doing: what is done, for messages: `read the folder watchkeeper`.
            question: what is asked of the client, a `GrafanaApi`, whose functions have no types.

        Raises:
            GrafanaAccessError: the address, the token or its permissions are wrong.
            GrafanaConflictError: somebody else wrote meanwhile.
            GrafanaError: it was refused for another reason.
            GrafanaUnavailableError: no answer, or an error of Grafana's own.
        """
        try:
            return question(self._api)
        except GrafanaTimeoutError as error:
            raise GrafanaUnavailableError(
                f"cannot {doing}: Grafana at {self.url} did not answer within "
                f"{self._timeout_seconds:g} s; try again later"
            ) from error
        except GrafanaException as error:
            raise self._refused(doing, error) from error
        except niquests.exceptions.TooManyRedirects as error:
            to = error.response.headers.get("Location", "") if error.response is not None else ""
            raise GrafanaAccessError(
                f"cannot {doing}: {self.url} sends on to {to or 'elsewhere'}; give --url as it is after that"
            ) from error
        except niquests.exceptions.JSONDecodeError as error:
            raise self._no_grafana() from error
        except niquests.exceptions.SSLError as error:
            raise GrafanaAccessError(
                f"cannot {doing}: the certificate of {self.url} is not trusted ({_last(error)}); name the authority's "
                "file in REQUESTS_CA_BUNDLE"
            ) from error
        except niquests.exceptions.RequestException as error:
            raise GrafanaUnavailableError(
                f"cannot {doing}: no Grafana answers at {self.url} ({_last(error)}); is it running, and is --url right?"
            ) from error

    def find(self, doing: str, question: Callable[[Any], T]) -> T | None:
        """The same for what may not be there: None on 404."""
        try:
            return self.ask(doing, question)
        except GrafanaError as error:
            if error.status == 404:
                return None
            raise

    def _no_grafana(self) -> GrafanaAccessError:
        return GrafanaAccessError(
            f"what answers at {self.url} is no Grafana; is --url right, with the path below which it is served?"
        )

    def _refused(self, doing: str, error: GrafanaException) -> Exception:
        status, said = error.status_code, _said(error)
        if status < 500 and said.lower().startswith(_PAGES):
            # Grafana answers in JSON: this is another server, or what stands before Grafana.
            return self._no_grafana()
        told = f"cannot {doing}: Grafana says {status} {said}"
        if status == 401:
            return GrafanaAccessError(f"{told}; the token is unknown or has expired: make one for {_ROLE}")
        if status == 403:
            return GrafanaAccessError(f"{told}; the token may not do that: make one for {_ROLE}")
        if status in {409, 412}:
            remedy = "somebody else wrote it meanwhile: look at it" if status == 412 else "mend that in Grafana"
            return GrafanaConflictError(f"{told}; {remedy}, then run the command again", status=status, said=said)
        if status >= 500 or status == _TOO_MANY_REQUESTS:
            return GrafanaUnavailableError(f"{told}; try again later, and see its log")
        return GrafanaError(told, status=status, said=said)


def _said(error: GrafanaException) -> str:
    """Grafana's own message; for what has none, the beginning of what was answered."""
    told: Any = error.response
    if isinstance(told, dict):
        parts = [str(told[name]) for name in ("message", "error") if told.get(name)]
        return ": ".join(dict.fromkeys(parts)) or str(told)
    return " ".join(str(told or error.message).split())[:200]


def _last(error: BaseException) -> str:
    """The words of the error that began it: the client's own wrap each other five times."""
    while error.__cause__ is not None or (error.args and isinstance(error.args[0], BaseException)):
        inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error.__cause__
        if inner is None or inner is error:
            break
        error = inner
    reason = getattr(error, "reason", None)
    return str(reason if isinstance(reason, BaseException) else error)
