"""Imports small files into memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from watchkeeper.producers.importers import Choices, Importer, Report
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.schemas.events import EVENT_ADAPTER, Event


class Imported:
    """What an import did, and what it put on the wire."""

    def __init__(self, report: Report, transports: list[MemoryTransport]) -> None:
        self.report = report
        self.lines = [line for transport in transports for line in transport.lines()]
        self.records = [record for transport in transports for record in transport.records]
        self.events: list[Event] = [EVENT_ADAPTER.validate_json(line) for line in self.lines]

    def of(self, kind: str, session_id: str | None = None) -> list[Any]:
        """The events of one type."""
        return [e for e in self.events if e.type == kind and session_id in (None, e.session_id)]

    @property
    def reasons(self) -> list[str]:
        """Why lines were not imported."""
        return [problem.reason for problem in self.report.problems]


class RunImport(Protocol):
    def __call__(self, *contents: Any, choices: Choices | None = None) -> Imported: ...


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file: bytes as they are, anything else as JSON lines."""
    count = 0

    def written(content: Any, name: str = "") -> Path:
        nonlocal count
        count += 1
        path = tmp_path / (name or f"file-{count}.jsonl")
        rows = content if isinstance(content, list) else [content]
        path.write_bytes(content if isinstance(content, bytes) else b"".join(_line(row) for row in rows))
        return path

    return written


def _line(row: Any) -> bytes:
    return (row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n"


@pytest.fixture
def run_import(write: Callable[..., Path]) -> RunImport:
    """Imports files of the given contents."""

    def run(*contents: Any, choices: Choices | None = None) -> Imported:
        transports: list[MemoryTransport] = []

        def transport() -> MemoryTransport:
            transports.append(MemoryTransport())
            return transports[-1]

        paths = [content if isinstance(content, Path) else write(content) for content in contents]
        return Imported(Importer(transport, choices).run(paths), transports)

    return run
