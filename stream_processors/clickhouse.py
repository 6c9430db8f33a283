"""The way to ClickHouse: one form of address everywhere, one client, and its errors sorted.

The address (DSN) is `http://user:password@host:port/database`, or `https://…`. Characters of user and password that
have a meaning in an address are percent-encoded (`@` as `%40`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from urllib.parse import SplitResult, quote, unquote, urlsplit

import clickhouse_connect
import urllib3
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, Error

from watchkeeper.schemas.errors import ConfigurationError, PermanentError, StoreUnavailableError, WatchkeeperError

FORM = "http://user:password@host:port/database"
DEFAULT_PORTS = {"http": 8123, "https": 8443}
NATIVE_PORTS = {9000: 8123, 9440: 8443}

_DATABASE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")

# Data or SQL that ClickHouse cannot read as they stand: its codes of CANNOT_PARSE_*, of values out of range, of syntax.
# 33 (CANNOT_READ_ALL_DATA) is left out: a connection that breaks within a request gives it too.
_DATA_CODES = frozenset(
    {6, 25, 26, 27, 38, 41, 53, 62, 69, 70, 72, 117, 128, 130, 131, 321, 349, 376, 407, 441, 467, 675, 676, 691}
)
_REFUSED_CODES = frozenset({192, 193, 194, 497, 516})
_MISSING_CODES = frozenset({16, 47, 60, 81})
_BAD_DATA = 117

# Behind the last quotation mark: before it stands what ClickHouse quotes.
_COLUMN = re.compile(r"\(while reading the value of key ([a-z][a-z0-9_]{0,40})\)[^\"']{0,400}$")
_ROW = re.compile(r"\(at row (\d{1,9})\)[^\"']{0,400}$")


@dataclass(frozen=True, slots=True)
class Address:
    """Where ClickHouse answers, and as whom.

    Attributes:
        scheme: `http` or `https`.
        password: never part of `str()` or `repr()`.
        database: empty for the user's default database.
    """

    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str

    def __str__(self) -> str:
        """The address for people and logs, without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/{self.database}"

    @property
    def dsn(self) -> str:
        """The address in the one form, password included."""
        return str(self).replace("://", f"://{quote(self.user, safe='')}:{quote(self.password, safe='')}@", 1)


def parse_dsn(dsn: str) -> Address:
    """Read an address of the form `http://user:password@host:port/database`.

    The port may be left out (8123, and 8443 with https), user and password too (`default`, no password).

    Raises:
        ConfigurationError: it has another form; the message names the fix and never the password.
    """
    try:
        parts = urlsplit(dsn.strip())
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(
            f"the ClickHouse address cannot be read ({_without_value(error)}): write it as {FORM}, "
            "with special characters of user and password percent-encoded"
        ) from None
    fault = _fault(parts, port)
    if fault is not None:
        raise ConfigurationError(f"the ClickHouse address {fault}")
    return Address(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=port or DEFAULT_PORTS[parts.scheme],
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=unquote(parts.path).strip("/"),
    )


def connect(
    dsn: str, *, connect_timeout: int = 10, send_receive_timeout: int = 300, **settings: str | int | bool
) -> Client:
    """A client of clickhouse-connect, without a session, so that threads may share it.

    It returns times as aware UTC datetimes.

    Args:
        dsn: `http://user:password@host:port/database`.
        connect_timeout: seconds until a connection stands.
        send_receive_timeout: seconds to wait for bytes.
        **settings: ClickHouse settings for every statement, such as `max_execution_time=10`.

    Raises:
        ConfigurationError: the address is malformed, refused, or names a database that does not exist.
        StoreUnavailableError: nobody answers there.
    """
    return connect_to(
        parse_dsn(dsn), connect_timeout=connect_timeout, send_receive_timeout=send_receive_timeout, **settings
    )


def connect_to(
    address: Address, *, connect_timeout: int = 10, send_receive_timeout: int = 300, **settings: str | int | bool
) -> Client:
    """See `connect`: the same with an address that was read before."""
    try:
        return clickhouse_connect.get_client(
            interface=address.scheme,
            host=address.host,
            port=address.port,
            username=address.user,
            password=address.password,
            database=address.database or None,
            connect_timeout=connect_timeout,
            send_receive_timeout=send_receive_timeout,
            settings=dict(settings),
            autogenerate_session_id=False,
            tz_mode="aware",
        )
    except (ClickHouseError, urllib3.exceptions.HTTPError, OSError) as error:
        raise store_error(error, address) from error


def store_error(error: Exception, address: Address | None = None, *, quoting: bool = True) -> WatchkeeperError:
    """What an error of clickhouse-connect means for whoever must retry, give up or ask for help.

    Args:
        error: as the client raised it.
        address: named in the message.
        quoting: whether the message may hold ClickHouse's own text, which quotes rows; without, it holds the code,
            its name, the column and the row's number.

    Returns:
        `PermanentError` for data or SQL that ClickHouse will never take, `ConfigurationError` for what an operator
        must put right, `StoreUnavailableError` (to be retried) for everything else: a code that is not known here
        must not lose data.
    """
    where = "ClickHouse" if address is None else f"ClickHouse at {address}"
    said = ", ".join([*getattr(error, "__notes__", []), str(error)])
    code = error.code if isinstance(error, Error) else None
    unknown_field = "Unknown field" in said
    if not quoting:
        said = _without_quotes(error, said)
    if code in _REFUSED_CODES:
        return ConfigurationError(f"{where} refused user or password, or the user lacks a right: {said}")
    # A row with a field that the table does not know has the code of bad data, but the table is what is wrong.
    if code in _MISSING_CODES or (code == _BAD_DATA and unknown_field):
        return ConfigurationError(f"{where} lacks a database, table or column; run `watchkeeper migrate`: {said}")
    if code in _DATA_CODES:
        return PermanentError(f"{where} will never take this: {said}")
    if code is None:
        return StoreUnavailableError(f"{where} does not answer; start it, or correct the address: {_root_of(error)}")
    return StoreUnavailableError(f"{where} could not do it now: {said}")


def _without_quotes(error: Exception, said: str) -> str:
    """ClickHouse's text without what it quotes of a row: code, name, column and number of the row."""
    found = [f"code {error.code} ({error.name})" if isinstance(error, Error) else type(error).__name__]
    column, row = _COLUMN.search(said), _ROW.search(said)
    if column is not None:
        found.append(f"column {column[1]}")
    if row is not None:
        found.append(f"row {row[1]}")
    return ", ".join(found)


def _root_of(error: BaseException) -> str:
    """What the system said: the client and urllib3 wrap it in three layers of addresses and retries."""
    while (below := error.__cause__ or error.__context__) is not None:
        error = below
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def without_database(address: Address) -> Address:
    """The same server, in the user's default database: for what must run before the database exists."""
    return replace(address, database="")


def _fault(parts: SplitResult, port: int | None) -> str | None:
    scheme, database = parts.scheme, unquote(parts.path).strip("/")
    example = f"{scheme}://{parts.hostname}:{port or 8123}/watchkeeper"
    native = f"has port {port}, ClickHouse's native protocol: use the HTTP port, usually {NATIVE_PORTS.get(port or 0)}"
    faults = (
        (
            scheme not in DEFAULT_PORTS,
            f"begins with {scheme + '://' if scheme else 'no scheme'}: write it as {FORM} (http or https)",
        ),
        (not parts.hostname, f"names no host: write it as {FORM}"),
        (port in NATIVE_PORTS, native),
        (not database, f"names no database: add one at the end, as in {example}"),
        (
            not _DATABASE.match(database),
            f"names database {database!r}: use letters, digits and `_`, not beginning with a digit",
        ),
        (
            bool(parts.query or parts.fragment),
            "ends with a `?` or `#` part: leave it out; settings are given by their own options",
        ),
    )
    return next((fault for wrong, fault in faults if wrong), None)


def _without_value(error: ValueError) -> str:
    # urllib's sentences quote the piece that it could not read, which may be half of a password.
    return str(error).split(":")[0].split(" could not")[0].split(" contains")[0]
