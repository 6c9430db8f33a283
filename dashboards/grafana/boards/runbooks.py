"""Runbooks: what to do about each failure mode, where one looks already."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders.text import Panel as Text
from grafana_foundation_sdk.models.text import TextMode

from watchkeeper.dashboards.grafana.board import Board
from watchkeeper.dashboards.grafana.tables import WHOLE
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.failure_modes import FAILURE_MODES, FailureMode, runbook_of

UID = "watchkeeper-runbooks"
ROOT: Final = Path(__file__).resolve().parents[3]
_TO_COME: Final = "No rule finds this mode yet, so there is no runbook."
_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]+\)")


def board() -> Board:
    """The dashboard. Its panels are numbered as the catalogue counts its modes; links go by that."""
    return Board(
        uid=UID,
        title="Watchkeeper: Runbooks",
        description="What each failure mode means, how to confirm it, and what to do.",
        variables=(),
        annotated=False,
        rows=((None, tuple(runbook(mode) for mode in FAILURE_MODES)),),
    )


def panel_of(mode: FailureMode) -> int:
    """The number of the panel that tells of a mode."""
    return FAILURE_MODES.index(mode) + 1


def runbook(mode: FailureMode) -> Text:
    """The page of one mode."""
    return (
        Text()
        .title(mode)
        .description(f"The runbook of {mode}: {runbook_of(mode)} of the repository.")
        .mode(TextMode.MARKDOWN)
        .content(_text(mode))
        .span(WHOLE)
        .height(12)
    )


def _text(mode: FailureMode) -> str:
    """Links lead to pages beside it, which Grafana does not have."""
    page = ROOT / runbook_of(mode)
    if not page.parent.is_dir():
        raise ConfigurationError(
            f"{page.parent} is missing: dashboards are made in a checkout of the repository; what was made is in json/"
        )
    return _LINK.sub(r"\1", page.read_text()) if page.is_file() else _TO_COME
