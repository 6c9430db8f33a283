"""Evidence of `permission_leak`: documents that reached somebody who may not read them."""

from __future__ import annotations

from typing import Literal, TypeAlias

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.evidence.span import Span
from watchkeeper.schemas.model import Model

Reach: TypeAlias = Literal["unknown", "model", "answer"]


class LeakedDocument(Model):
    """A document that the asker may not read was looked up, and went further.

    Attributes:
        reach: how far it is known to have come: into a prompt, or into an answer; `unknown` where no prompt was
            recorded after it, or its text was not.
        allowed_groups: the right that is missing: one of these groups. Empty where the list admits nobody.
        more_groups: groups that are not listed.
        asker_groups: the groups that the asker was in.
        more_asker_groups: groups of the asker that are not listed.
        overlap: words of the answer that stand in the document, and in none that the asker may read.
        spans: where in the answer.
    """

    kind: Literal["leaked_document"] = "leaked_document"
    document_id: str
    version: str = ""
    retrieval_id: str
    source: str = ""
    reach: Reach
    allowed_groups: list[str]
    more_groups: Count = 0
    asker_groups: list[str]
    more_asker_groups: Count = 0
    overlap: Count = 0
    spans: list[Span] = []


class StaleAccessList(Model):
    """Documents were looked up by access lists that may no longer hold.

    Attributes:
        documents: those of the oldest lists first.
        more: documents that are not listed.
        age_seconds: of the oldest list, at query time.
    """

    kind: Literal["stale_access_list"] = "stale_access_list"
    retrieval_id: str
    source: str = ""
    documents: list[str]
    more: Count = 0
    age_seconds: float
    limit_seconds: float
