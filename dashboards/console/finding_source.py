"""What was found, as the pages read it and say what they think of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from watchkeeper.dashboards.console.rows import Row
from watchkeeper.schemas.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """What somebody says of a finding; `mute_for` only of a `mute`."""

    verdict: Verdict
    reason: str
    who: str
    mute_for: timedelta | None = None


@dataclass(frozen=True, slots=True)
class IncidentText:
    """A report, and the ids in it that have pages of their own.

    Attributes:
        markdown: the report.
        tenant: whose it is.
        sessions: of which there are records.
        findings: that it tells of.
        events: by id, the session in which each is.
    """

    markdown: str
    tenant: str
    sessions: frozenset[str]
    findings: frozenset[str]
    events: Mapping[str, str]


class Findings(Protocol):
    """What was found. `watchkeeper.cli.console.findings` fills it in."""

    def listed(self, *, stored_since: datetime, limit: int, after: Row | None = None, **filters: Any) -> list[Row]:
        """Findings by the time of storage, newest first.

        Args:
            stored_since: bounds what is read.
            limit: how many at most.
            after: `stored_at`, `detected_at` and `finding_id` of the last one of the page before.
            **filters: `tenant`, `mode`, `kind`, `agent`, `session`, `origin`, `status`, `verdict`: a name, empty for
                all; `severities`: any of them; `muted`: whether those too that are muted.
        """
        ...

    def one(self, finding_id: str, tenant: str) -> tuple[Row, list[Row]]:
        """A finding as last revised, and what people said of it, the earliest first.

        Raises:
            NotThereError: there is none; the message says what is near.
        """
        ...

    def judge(self, finding_id: str, tenant: str, judgement: Judgement) -> None:
        """Keeps what somebody says, as `watchkeeper finding ack|wrong|mute` does.

        Raises:
            AskedWrongError: the reason or the name is missing or too long.
            NotThereError: there is no such finding.
        """
        ...

    def incident(self, finding_id: str, tenant: str) -> IncidentText:
        """The report of the incident to which the finding belongs, as `watchkeeper incident report` writes it.

        Raises:
            NotThereError: there is no such finding.
        """
        ...
