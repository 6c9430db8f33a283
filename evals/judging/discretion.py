"""What judges and endpoints wrote, before it is kept: without what most often names a person."""

from __future__ import annotations

import re
from typing import Final

_EMAIL: Final = re.compile(r"[^\s@<>,;]{1,64}@[^\s@<>,;]{1,190}")
_NUMBER: Final = re.compile(r"\+?\d(?:[ ().\-/]{0,2}\d){5,40}")
_KEY: Final = re.compile(r"\b(?:sk|pk|key|token|bearer)[-_ ][A-Za-z0-9*_.\-]{8,200}", re.IGNORECASE)


def discreet(text: str) -> str:
    """A text without addresses of mail, numbers of six digits or more, and keys.

    It is no masking of all that is personal: names stay.
    """
    for pattern, said in ((_KEY, "[key]"), (_EMAIL, "[mail]"), (_NUMBER, "[number]")):
        text = pattern.sub(said, text)
    return text
