"""Where cells lead: from a finding to its session, its agent, its runbook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_VARIABLES: Final = "${tenant:queryparam}&${origin:queryparam}&${__url_time_range}"

AGENT: Final = f"/d/watchkeeper-agent?var-agent=${{__value.raw}}&{_VARIABLES}"
TOOL: Final = f"/d/watchkeeper-tools?{_VARIABLES}"
MODE: Final = f"/d/watchkeeper-modes?{_VARIABLES}"
SESSION: Final = (
    "/d/watchkeeper-session?var-session=${__value.raw}&var-tenant=${__data.fields.tenant}"
    "&from=${__data.fields.from_ms}&to=${__data.fields.to_ms}"
)
"""A table with this link has the columns `tenant`, `from_ms` and `to_ms`: around what the row tells of."""

RUNBOOK: Final = "/d/watchkeeper-runbooks?viewPanel=${__data.fields.runbook_panel}"
"""A table with this link has the column `runbook_panel`; see `sql/parts/runbook_panel.sql`."""

OF_FINDINGS: Final[Mapping[str, str]] = {"session": SESSION, "agent": AGENT, "mode": RUNBOOK, "runbook": RUNBOOK}
"""Of the columns that tables of findings share."""

HIDDEN: Final = ("tenant", "from_ms", "to_ms", "runbook_panel")
"""Columns that only links read."""
