"""Where texts are masked: in the sender's thread, before anything is hashed, spooled or sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from watchkeeper.schemas.contents import MediaType


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without what had to be hidden.

    Attributes:
        text: what goes out.
        places: how many places were masked.
    """

    text: str
    places: int = 0


class Masker(Protocol):
    """Hides secrets and personal data. It is called in the sender's thread, one text at a time.

    A masker that raises, or answers `application/json` with what is no JSON, loses the event under `mask_failed`:
    nothing is ever sent unmasked.
    """

    def mask(self, text: str, media_type: MediaType) -> Masked:
        """The text as it may leave the process."""
