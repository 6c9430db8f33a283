"""What any rule says where it cannot look."""

from __future__ import annotations

from typing import Any, Literal

from watchkeeper.schemas.model import Model


class Unjudged(Model):
    """A detector could not look: what it needs was missing or unusable. Silence is not a clean bill."""

    kind: Literal["unjudged"] = "unjudged"
    detector: str
    reason: str
    detail: dict[str, Any] = {}
