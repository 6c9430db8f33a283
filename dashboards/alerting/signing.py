"""The signature of webhooks, and its verification: what a receiver runs is what is tested here."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Final

HEADER: Final = "Watchkeeper-Signature"
TOLERANCE_SECONDS: Final = 300


def sign(key: str, body: bytes, at: int) -> str:
    """The header's value: `t=<seconds since 1970>,v1=<hex>`, HMAC-SHA256 over the time, a full stop and the body."""
    digest = hmac.new(key.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def verify(key: str, body: bytes, header: str, *, now: float | None = None) -> bool:
    """Whether a body was signed with this key, and lately: an old one may be somebody's recording.

    Args:
        key: the secret that both sides have.
        body: the request's bytes as they came, before anything reads them.
        header: `Watchkeeper-Signature`.
        now: seconds since 1970; the clock's, if None.
    """
    fields = dict(part.partition("=")[::2] for part in header.split(","))
    at = fields.get("t", "")
    if not at.isdecimal() or abs((time.time() if now is None else now) - int(at)) > TOLERANCE_SECONDS:
        return False
    return hmac.compare_digest(sign(key, body, int(at)), f"t={at},v1={fields.get('v1', '')}")
