"""People's verdicts on findings, as they are kept, whoever asks for them: a command or the console."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from watchkeeper.cli.store import ReadStore, Row
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.verdicts import Verdict, VerdictRow

_COPIED: Final = ("tenant_id", "finding_id", "revision", "failure_mode", "kind", "rule_id", "rule_version", "agent_id")


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of findings.

    Attributes:
        muted_until: of a `mute`; else None.
    """

    verdict: Verdict
    reason: str
    given_by: str
    given_at: datetime
    muted_until: datetime | None = None


def keep_verdicts(store: ReadStore, findings: Sequence[Row], said: Said) -> list[VerdictRow]:
    """Keeps what was said of each finding; nothing where it cannot be kept of all.

    Args:
        store: where they are kept.
        findings: of `watchkeeper.cli.findings.find`.
        said: what is said.

    Raises:
        ValidationError: a reason or a name is missing or too long.
        StoreUnavailableError: see `ReadStore`.
    """
    rows = [_row(finding, said) for finding in findings]
    store.insert("verdicts", [row.model_dump_json().encode() for row in rows])
    return rows


def _row(finding: Row, said: Said) -> VerdictRow:
    return VerdictRow(
        **{name: finding[name] for name in _COPIED},
        about=finding["about"],
        verdict_id=uuid7(),
        verdict=said.verdict,
        reason=said.reason,
        given_by=said.given_by,
        given_at=said.given_at,
        muted_until=said.muted_until,
    )
