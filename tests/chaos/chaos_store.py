"""The store of the runs: one process for all of them, a database for each."""

from __future__ import annotations

import os
import signal
import uuid
from pathlib import Path

from watchkeeper.cli.stack.child import Child, free_port
from watchkeeper.cli.stack.clickhouse_process import clickhouse_command, read_address
from watchkeeper.cli.stack.credentials import load_credentials
from watchkeeper.stream_processors.clickhouse import connect_to, parse_dsn
from watchkeeper.stream_processors.migrate import migrate


class Store:
    """The ClickHouse endpoint's process, with its data kept."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.child: Child | None = None
        self.database = "chaos"

    @property
    def dsn(self) -> str:
        """The address of the run's database."""
        return load_credentials(self.home).dsn(self.port, self.database)

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        command = clickhouse_command(self.home, self.port, "default_chaos")
        self.child = child = Child("ClickHouse", command, self.home / "clickhouse.log")
        child.wait_until(lambda: read_address(self.home, child.pid) is not None, 60)

    def new_database(self) -> None:
        """Goes on with an empty database."""
        self.database = f"chaos_{uuid.uuid4().hex[:8]}"
        migrate(self.dsn)

    def drop(self) -> None:
        """Forgets the database."""
        address = parse_dsn(self.dsn)
        admin = parse_dsn(load_credentials(self.home).dsn(self.port, "default_chaos"))
        connect_to(admin).command(f"DROP DATABASE {address.database}")

    def end(self, how: signal.Signals) -> None:
        """Ends it and waits for that."""
        assert self.child is not None
        os.kill(self.child.pid, how)
        self.child.stop(20)

    def restart(self) -> None:
        """Starts it anew, whatever state it was left in."""
        assert self.child is not None
        self.child.kill()
        self.start()
