"""Evidence of `ungrounded_answer`: what an answer says and nothing that was looked up supports."""

from __future__ import annotations

from typing import Literal, TypeAlias

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model

ClaimKind: TypeAlias = Literal["number", "date", "name", "quotation"]


class AnsweredAnyway(Model):
    """The agent answered where it should have abstained.

    Attributes:
        reason: `nothing_retrieved`, or the best similarity was below the threshold.
        retrievals: since the answer before.
        documents: that they found.
        best_score: of these documents, as a share of `retrieval.score_range`; None where nothing was found.
    """

    kind: Literal["answered_anyway"] = "answered_anyway"
    request_id: str
    reason: Literal["nothing_retrieved", "below_threshold"]
    retrievals: Count
    documents: Count
    best_score: float | None
    threshold: float


class UnsupportedClaim(Model):
    """A claim of an answer that stands in nothing the agent had before it.

    Attributes:
        claim: what it claims.
        start: of its first character in the answer.
        length: how many characters.
        described: what stands there, by type and size.
    """

    claim: ClaimKind
    start: Count
    length: Count
    described: str


class UnsupportedClaims(Model):
    """An answer with claims that stand in nothing the agent had before it.

    Attributes:
        claims: the first of them, in the order of the answer.
        more: how many there are besides.
        checked: claims of the answer that could be judged.
    """

    kind: Literal["unsupported_claims"] = "unsupported_claims"
    request_id: str
    claims: list[UnsupportedClaim]
    more: Count = 0
    checked: Count
