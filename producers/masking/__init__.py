"""Where texts are masked: in the sender's thread, before anything is hashed, spooled or sent. See `docs/masking.md`."""

from __future__ import annotations

from watchkeeper.producers.masking.masker import Masked, Masker, PolicyMasker
from watchkeeper.producers.masking.maskers import Maskers

__all__ = ["Masked", "Masker", "Maskers", "PolicyMasker"]
