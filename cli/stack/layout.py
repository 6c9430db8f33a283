"""Every path of a local stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchkeeper.schemas.errors import StackError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class StackLayout:
    """The files of a stack, all under one directory.

    Attributes:
        data_dir: the directory.
    """

    data_dir: Path

    @property
    def pid_file(self) -> Path:
        """The supervisor's process id; locked while it runs."""
        return self.data_dir / "stack.pid"

    @property
    def state_file(self) -> Path:
        """The state of all parts, for other processes: `StackStatus` as JSON."""
        return self.data_dir / "stack.json"

    @property
    def settings_file(self) -> Path:
        """What the supervisor was told; readable for its owner only, because an address may hold a password."""
        return self.data_dir / "settings.json"

    @property
    def logs(self) -> Path:
        """One file for each part."""
        return self.data_dir / "logs"

    @property
    def clickhouse(self) -> Path:
        """The engine's data, and the endpoint's password."""
        return self.data_dir / "clickhouse"

    @property
    def kafka(self) -> Path:
        """Apache Kafka's data, where the stack runs it."""
        return self.data_dir / "kafka"

    def log(self, part: str) -> Path:
        """The log file of a part."""
        return self.logs / f"{part}.log"

    def ready_file(self, part: str) -> Path:
        """Where a part writes its process id when it is ready."""
        return self.data_dir / f"{part}.ready"

    def make(self) -> None:
        """Make the directories that are missing, for their owner only.

        Raises:
            StackError: the directory cannot be made or written.
        """
        try:
            for directory in (self.data_dir, self.logs, self.clickhouse):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            message = f"{self.data_dir} cannot be used ({error}); set WATCHKEEPER_HOME to a directory that can"
            raise StackError(message) from error
