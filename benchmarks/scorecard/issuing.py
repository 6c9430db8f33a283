"""Grants as somebody responsible publishes them, beside what the agents tell: on `agent.grants`, signed."""

from __future__ import annotations

from typing import Any, Final

from scorecard.stage import SECOND_US, Stage
from watchkeeper.schemas.grants import Grant, sign
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.topics import GRANTS

KEY: Final = b"the scorecard's key of grants"
"""What the worker of a run verifies signatures with."""

OTHER_KEY: Final = b"somebody else's key of grants"


class Issuer:
    """Publishes grants of a stage's tenant.

    Args:
        stage: where, and when.
        key: what it signs with.
    """

    def __init__(self, stage: Stage, key: bytes = KEY) -> None:
        self._stage, self._key = stage, key

    def publish(self, told: dict[str, Any], at_us: int, *, agent: str = "", **registered: Any) -> Grant:
        """Publishes a grant of which a delegation tells so much, in the name that it has there.

        Args:
            told: what the delegation tells: `grant_id`, `granted_by`, `scope`, ….
            at_us: when it is published, and from when it holds.
            agent: to whom; anybody, if empty.
            **registered: what the registered grant says otherwise.
        """
        fields = {name: value for name, value in told.items() if name in Grant.model_fields}
        grant = Grant.model_validate(
            {**fields, "tenant_id": self._stage.tenant, "agent_id": agent, "issued_at": from_us(at_us), **registered}
        )
        return self._send(grant, at_us)

    def revoke(self, grant: Grant, at_us: int) -> None:
        """Takes a grant back: from then on it holds no more."""
        self._send(grant.model_copy(update={"revoked_at": from_us(at_us), "signature": ""}), at_us)

    def _send(self, grant: Grant, at_us: int) -> Grant:
        # A moment before what rests on it: an issuer waits for the broker's word, and then lets others go on.
        signed = sign(grant, self._key)
        self._stage.publish(GRANTS.name, signed.key, signed.model_dump_json().encode(), at_us - SECOND_US // 2)
        return signed
