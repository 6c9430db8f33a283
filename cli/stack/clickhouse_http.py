"""The process that owns ClickHouse's engine: chDB behind ClickHouse's HTTP interface, on loopback only.

Run it as `python -m watchkeeper.cli.stack.clickhouse_http --data DIR --port P`. Any ClickHouse client that speaks HTTP
uses it as a server. What a server does and this endpoint does not:

- sessions: each request stands alone, so SET, USE and temporary tables end with it;
- `compress=1` and `decompress=1`, ClickHouse's own block compression (code 48);
- INTO OUTFILE and FROM INFILE (code 48); external tables in multipart bodies (code 48);
- asynchronous inserts: every insert is written when it is answered;
- a column of type `DateTime('zone')` is called `DateTime` in Native format (`DateTime64` keeps its zone);
- `query_id` is echoed, but `system.processes` shows ids of the engine's own making.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from watchkeeper.cli.stack.chdb_engine import Engine, Session, quote_name
from watchkeeper.cli.stack.clickhouse_app import Endpoint
from watchkeeper.cli.stack.clickhouse_process import (
    ADDRESS_FILE,
    DEFAULT_DATABASE,
    ENGINE_DIRECTORY,
    LOCK_FILE,
    STOP_SECONDS,
    write_address,
)
from watchkeeper.cli.stack.clickhouse_runner import Runner
from watchkeeper.cli.stack.credentials import load_credentials
from watchkeeper.cli.stack.process_lock import DirectoryLock
from watchkeeper.schemas.errors import StackError, WatchkeeperError
from watchkeeper.stream_processors.watching.logs import set_up_logs

if TYPE_CHECKING:
    from collections.abc import Sequence

KEEP_ALIVE_SECONDS = 600
"""Long: a client that reuses a connection just as the server closes it sees an error. On loopback it costs nothing."""

_LOG = logging.getLogger("watchkeeper.clickhouse")


def serve(directory: Path, *, port: int, database: str, stop_seconds: float = STOP_SECONDS) -> None:
    """Serve the engine until SIGTERM or SIGINT; returns when everything is closed.

    Args:
        directory: data, credentials and lock; made when missing.
        port: where to listen on 127.0.0.1; 0 takes a free port.
        database: made when missing.
        stop_seconds: how long statements may go on after the signal.

    Raises:
        StackError: another process serves this directory, or the port is taken.
        WatchkeeperError: the engine or the credentials cannot be opened.
    """
    with DirectoryLock(directory / LOCK_FILE, "a ClickHouse endpoint"):
        # As on a server in a container: times without a zone mean the same on every machine.
        os.environ["TZ"] = "UTC"
        credentials = load_credentials(directory)
        listener = _listen(port)
        engine = Engine(directory / ENGINE_DIRECTORY)
        engine.query(f"CREATE DATABASE IF NOT EXISTS {quote_name(database)}", "Null", Session())
        timezone = engine.query("SELECT timezone()", "TSVRaw", Session()).body.decode().strip()
        runner = Runner(engine)
        write_address(directory, listener.getsockname()[1])
        _LOG.info("serving %s on http://127.0.0.1:%s", directory, listener.getsockname()[1])
        try:
            _run(Endpoint(runner, credentials, timezone), listener, stop_seconds)
        finally:
            (directory / ADDRESS_FILE).unlink(missing_ok=True)
            runner.close()
            _LOG.info("closed")


def _listen(port: int) -> socket.socket:
    # Without the protocol's number asyncio does not switch Nagle's algorithm off, and each answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise StackError(f"port {port} of 127.0.0.1 cannot be used ({error}); give another with --port") from error
    listener.listen(256)
    return listener


def _run(endpoint: Endpoint, listener: socket.socket, stop_seconds: float) -> None:
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
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(stop_seconds)),
    )
    uvicorn.Server(config).run(sockets=[listener])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the endpoint from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="clickhouse_http", description="chDB behind ClickHouse's HTTP interface")
    parser.add_argument("--data", type=Path, required=True, help="directory of data, credentials and lock")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--database", default=DEFAULT_DATABASE, help="database made at the start")
    parser.add_argument("--stop-seconds", type=float, default=STOP_SECONDS, help="patience after SIGTERM")
    given = parser.parse_args(arguments)
    set_up_logs()
    try:
        serve(given.data, port=given.port, database=given.database, stop_seconds=given.stop_seconds)
    except WatchkeeperError as error:
        print(f"clickhouse_http: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
