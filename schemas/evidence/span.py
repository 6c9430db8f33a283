"""Where in a text something stands: findings outlive the erasure of the text, and so do not quote it."""

from __future__ import annotations

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model


class Span(Model):
    """A stretch of a text, in characters.

    Attributes:
        start: of its first character.
        length: how many characters.
    """

    start: Count
    length: Count
