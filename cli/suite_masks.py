"""What is hidden in texts before a suite keeps them: everything that masking knows."""

from __future__ import annotations

import importlib.util
import secrets
from typing import Final, get_args

from watchkeeper.evals.suites.casting import Masks
from watchkeeper.producers.masking.masker import PolicyMasker
from watchkeeper.schemas.policy_masking import Masking, MaskKind

KINDS: Final[tuple[MaskKind, ...]] = get_args(MaskKind)
_PHONES: Final = "phonenumbers"


def full_masks() -> tuple[Masks, str]:
    """A masker of all kinds, and a sentence on what it cannot find here; empty where it can find all."""
    kinds, missing = list(KINDS), ""
    if importlib.util.find_spec(_PHONES) is None:
        kinds.remove("phone")
        missing = "phone numbers are not masked: pip install 'watchkeeper[masking]'"
    # Constants, not pseudonyms: what is the same for one person would tell who it is.
    masker = PolicyMasker(Masking(kinds=kinds, replacement="constant"), secrets.token_bytes(32))

    def masks(text: str, *, is_json: bool) -> str:
        return masker.mask(text, "application/json" if is_json else "text/plain").text

    return masks, missing
