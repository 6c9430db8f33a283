"""Writes the dashboards as Grafana reads them: `python -m watchkeeper.dashboards.grafana.build`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from watchkeeper.dashboards.grafana.board import Board
from watchkeeper.dashboards.grafana.boards import (
    agent,
    modes,
    overview,
    pipeline,
    quality,
    runbooks,
    session,
    spend,
    tools,
)

FOLDER: Final = Path(__file__).parent / "json"


def boards() -> tuple[Board, ...]:
    """All dashboards."""
    return (
        *(overview.board(), agent.board(), session.board(), modes.board(), spend.board()),
        *(quality.board(), tools.board(), pipeline.board(), runbooks.board()),
    )


def texts() -> dict[str, str]:
    """The files by name."""
    return {
        f"{board.uid}.json": json.dumps(board.document(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        for board in boards()
    }


def write() -> None:
    """Writes them, and takes away what is no dashboard any more."""
    FOLDER.mkdir(exist_ok=True)
    made = texts()
    for old in FOLDER.glob("*.json"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    write()
