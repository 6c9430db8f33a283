"""Labels that were given in another tool: one JSON object a line.

    {"session_id": "…", "passed": true, "value": 0.9, "criteria": {"tone": 1, "correctness": 0.5}, "note": "…",
     "given_by": "ada", "given_at": "2026-03-02T09:15:09Z", "inclusion": 0.1, "tenant_id": "…", "intent": "…"}

`session_id` and one of `passed`, `value` and `criteria` are needed. `inclusion` is the probability with which the
session was drawn to be labelled: 1 where all were. Without it a label counts for agreement, and not for estimates.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, ValidationError

from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.ids import derived_id
from watchkeeper.schemas.labels import LabelRow
from watchkeeper.schemas.model import Model, Moment, Name, Sentence, format_utc
from watchkeeper.schemas.scores import CriterionScore

Share = Annotated[float, Field(ge=0, le=1)]


class ImportedLabel(Model):
    """One line; see the module."""

    session_id: Name
    passed: bool | None = None
    value: Share | None = None
    criteria: dict[Name, Share | None] = Field(default_factory=dict)
    note: Sentence = ""
    given_by: Name | None = None
    given_at: Moment | None = None
    inclusion: Annotated[float, Field(gt=0, le=1)] | None = None
    tenant_id: Name | None = None
    intent: str | None = None


def read_labels(lines: Iterable[str], name: str) -> Iterator[tuple[int, ImportedLabel]]:
    """The labels of a file, with their lines, from 1; empty lines are left out.

    Raises:
        ConfigurationError: a line is none; the message names file, line and field.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found = ImportedLabel.model_validate_json(line)
        except ValidationError as error:
            told = "; ".join(
                f"{'.'.join(map(str, one['loc'])) or 'the line'}: {one['msg']}"
                for one in error.errors(include_url=False, include_input=False)
            )
            raise ConfigurationError(f"{name}:{number}: is no label: {told}") from error
        if found.passed is None and found.value is None and not any(v is not None for v in found.criteria.values()):
            raise ConfigurationError(f"{name}:{number}: says nothing: give passed, value or criteria")
        yield number, found


def read_text(text: str, name: str) -> list[tuple[int, ImportedLabel]]:
    """The same of a whole text."""
    return list(read_labels(io.StringIO(text), name))


def label_row(
    found: ImportedLabel, *, tenant: str, given_by: str, now: datetime, session: Mapping[str, Any] | None = None
) -> LabelRow:
    """A label as it is stored. The same line imported twice is the same label.

    Args:
        found: the line.
        tenant: whose session it is, where the line does not say.
        given_by: who says so, where the line does not.
        now: when, where the line does not.
        session: fields of `LabelRow` that are known of the session: agent, intent, when it ended.
    """
    who, when = found.given_by or given_by, found.given_at or now
    whose = found.tenant_id or tenant
    # Without a time of its own a line is the same label whenever it is imported.
    told = format_utc(found.given_at) if found.given_at else ""
    parts = (whose, found.session_id, who, told, found.model_dump_json(exclude={"given_at", "given_by", "tenant_id"}))
    own = {
        "tenant_id": whose,
        "session_id": found.session_id,
        "label_id": derived_id("label", *parts),
        "way": "import",
        "passed": found.passed,
        "value": found.value,
        "criteria": tuple(CriterionScore(name=name, value=value) for name, value in found.criteria.items()),
        "note": found.note,
        "given_by": who,
        "given_at": when,
        "inclusion": found.inclusion,
    }
    known: dict[str, Any] = dict(session) if session is not None else {"occurred_at": when}
    if found.intent is not None:
        known["intent"] = found.intent
    return LabelRow.model_validate(known | own)
