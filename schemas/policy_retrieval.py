"""What an agent may make of what it looks up: when it must abstain, and who may read what."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, field_validator

from watchkeeper.schemas.model import Model
from watchkeeper.schemas.policy_tools import Positive, Share

Group = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Figure = Annotated[float, Field(allow_inf_nan=False)]

PUBLIC_GROUPS: list[str] = ["*", "public", "everyone"]
"""Groups that everybody is in, by the names that retrievers commonly give them."""


class Retrieval(Model):
    """When the agent must abstain, and which documents it may show to whom.

    Attributes:
        threshold: below this best similarity the agent must abstain (field reports: 0.55).
        score_range: the scores of no and of full similarity in the retriever's own scale; the threshold is a share of
            the way from the first to the second. The first is the larger where scores are distances.
        require_grounding: whether answers must rest on what was looked up even in sessions that look nothing up.
        require_access_lists: whether it must be told where an access list or the asker's groups are not known.
        empty_access_list: whom an access list without entries admits: everybody, as in stores that restrict by
            adding entries, or nobody.
        public_groups: groups that everybody is in.
        access_list_max_age_seconds: how old an access list may be at query time; None for any age.
    """

    LATER: ClassVar[frozenset[str]] = frozenset(
        {
            "score_range",
            "require_grounding",
            "require_access_lists",
            "empty_access_list",
            "public_groups",
            "access_list_max_age_seconds",
        }
    )

    threshold: Share = 0.55
    score_range: Annotated[list[Figure], Field(min_length=2, max_length=2)] = [0.0, 1.0]
    require_grounding: bool = False
    require_access_lists: bool = False
    empty_access_list: Literal["public", "nobody"] = "public"
    public_groups: list[Group] = PUBLIC_GROUPS
    access_list_max_age_seconds: Positive | None = None

    @field_validator("score_range")
    @classmethod
    def _range_has_a_length(cls, ends: list[float]) -> list[float]:
        if ends[0] == ends[1]:
            raise ValueError(
                f"both ends are {ends[0]:g}: write the score of no similarity and then that of full similarity"
            )
        return ends
