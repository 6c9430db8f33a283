"""Evidence of `data_leak`: what left, and by which way. The value is not told: it is found by its place."""

from __future__ import annotations

from typing import Literal

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model

Leaked = Literal["secret", "email", "phone", "card", "iban", "ssn", "ip", "canary", "other_customer"]
"""The kinds that masking knows, a planted value, and the id of another customer."""


class DataLeaked(Model):
    """Something left that may not.

    Attributes:
        what: its kind; `canary` for a planted value, `other_customer` for the id of another customer.
        via: by which way.
        path: JSON pointer to the argument; empty for an answer, or where only the count is known.
        offset: where it stands in the text, in characters.
        length: how long it is.
        places: how many of its kind stand in the call or answer.
        masked: whether the producer had masked it: the record does not hold it, but the tool or user got it.
        was_read: whether the agent had read it before, in a result, a document or its system prompt.
        canary: the name of the canary.
    """

    kind: Literal["data_leaked"] = "data_leaked"
    what: Leaked
    via: Literal["tool_call", "answer"]
    tool_name: str = ""
    tool_call_id: str = ""
    path: str = ""
    offset: Count = 0
    length: Count = 0
    places: Count = 1
    masked: bool = False
    was_read: bool = False
    canary: str = ""
