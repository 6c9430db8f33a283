"""Whether a ClickHouse answers, by the standard library alone: a probe needs no client with a pool and settings."""

from __future__ import annotations

import base64
import http.client
from urllib.parse import unquote, urlsplit

from watchkeeper.schemas.errors import ConfigurationError, StoreUnavailableError

_QUERY = "/?query=SELECT%20version()"
_PORTS = {"http": 8123, "https": 8443}


def clickhouse_version(dsn: str, seconds: float = 2.0) -> str:
    """The version of the ClickHouse at an address.

    Args:
        dsn: `http://user:password@host:port/database`; the database need not be there.
        seconds: how long to wait for an answer.

    Raises:
        ConfigurationError: the address is malformed, or its user and password are refused.
        StoreUnavailableError: nobody answers, or the answer is an error; the message holds it.
    """
    parts = urlsplit(dsn)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ConfigurationError("the address of ClickHouse must be http://user:password@host:port/database")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname, parts.port or _PORTS[parts.scheme], timeout=seconds)
    identity = f"{unquote(parts.username or 'default')}:{unquote(parts.password or '')}"
    headers = {"Authorization": "Basic " + base64.b64encode(identity.encode()).decode()}
    where = f"{parts.hostname}:{parts.port or _PORTS[parts.scheme]}"
    try:
        connection.request("GET", _QUERY, headers=headers)
        answer = connection.getresponse()
        text = answer.read(4096).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        raise StoreUnavailableError(f"no ClickHouse answers at {where}: {error}") from error
    finally:
        connection.close()
    if answer.status in {http.client.UNAUTHORIZED, http.client.FORBIDDEN}:
        raise ConfigurationError(f"ClickHouse at {where} refuses user and password of the address: {text}")
    if answer.status != http.client.OK:
        raise StoreUnavailableError(f"ClickHouse at {where} answers {answer.status}: {text}")
    return text
