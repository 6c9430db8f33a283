"""The process that owns ClickHouse's engine: chDB behind ClickHouse's HTTP interface, on loopback only.

Run it as `python -m watchkeeper.cli.stack.clickhouse_http --data DIR --port P`. Any ClickHouse client that speaks HTTP
uses it as a server. It differs from one in what is listed in `UNSUPPORTED`.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from watchkeeper.cli.stack.chdb_engine import Engine, Session, quote_name
from watchkeeper.cli.stack.clickhouse_app import Endpoint
from watchkeeper.cli.stack.clickhouse_runner import Runner
from watchkeeper.cli.stack.credentials import load_credentials
from watchkeeper.cli.stack.process_lock import DirectoryLock
from watchkeeper.schemas.errors import StackError, WatchkeeperError

LOCK_FILE = "endpoint.lock"
ADDRESS_FILE = "endpoint.json"
ENGINE_DIRECTORY = "engine"
DEFAULT_DATABASE = "watchkeeper"
STOP_SECONDS = 8
"""How long statements may go on after SIGTERM. The supervisor kills after ten."""

UNSUPPORTED = (
    "sessions: each request stands alone, so SET, USE and temporary tables end with it",
    "compress=1 and decompress=1, ClickHouse's own block compression",
    "INTO OUTFILE and FROM INFILE",
    "external tables in multipart bodies",
    "asynchronous inserts: every insert is written when it is answered",
)

_LOG = logging.getLogger("watchkeeper.clickhouse")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a running endpoint listens, as it writes it into its data directory."""

    port: int
    pid: int


def read_address(directory: Path) -> Address | None:
    """The address that the directory's endpoint wrote at its start, or None where it has not (yet)."""
    try:
        found = json.loads((directory / ADDRESS_FILE).read_text())
        return Address(port=int(found["port"]), pid=int(found["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def serve(directory: Path, *, port: int, database: str) -> None:
    """Serve the engine until SIGTERM or SIGINT; returns when everything is closed.

    Args:
        directory: data, credentials and lock; made when missing.
        port: where to listen on 127.0.0.1; 0 takes a free port.
        database: made when missing.

    Raises:
        StackError: another process serves this directory, or the port is taken.
        WatchkeeperError: the engine or the credentials cannot be opened.
    """
    with DirectoryLock(directory / LOCK_FILE, "a ClickHouse endpoint"):
        credentials = load_credentials(directory)
        listener = _listen(port)
        engine = Engine(directory / ENGINE_DIRECTORY)
        engine.query(f"CREATE DATABASE IF NOT EXISTS {quote_name(database)}", "Null", Session())
        timezone = engine.query("SELECT timezone()", "TSVRaw", Session()).body.decode().strip()
        runner = Runner(engine)
        _write_address(directory, listener.getsockname()[1])
        try:
            _run(Endpoint(runner, credentials, timezone), listener)
        finally:
            (directory / ADDRESS_FILE).unlink(missing_ok=True)
            runner.close()
            _LOG.info("closed")


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise StackError(f"port {port} of 127.0.0.1 cannot be used ({error}); give another with --port") from error
    listener.listen(256)
    return listener


def _write_address(directory: Path, port: int) -> None:
    written = directory / f"{ADDRESS_FILE}.new"
    written.write_text(json.dumps({"port": port, "pid": os.getpid()}))
    written.replace(directory / ADDRESS_FILE)
    _LOG.info("serving %s on http://127.0.0.1:%s", directory, port)


def _run(endpoint: Endpoint, listener: socket.socket) -> None:
    # uvicorn raises the signal that stopped it once more at its end: without handlers of ours, that would end this
    # process before the engine is closed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    config = uvicorn.Config(
        endpoint,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=600,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listener])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the endpoint from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="clickhouse_http", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory of data, credentials and lock")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--database", default=DEFAULT_DATABASE, help="database made at the start")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        serve(given.data, port=given.port, database=given.database)
    except WatchkeeperError as error:
        print(f"clickhouse_http: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
