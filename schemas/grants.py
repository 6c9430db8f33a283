"""Grants, as whoever issues authority publishes them: who may do what, until when, on whose word.

They travel on `agent.grants`, a compacted topic keyed by tenant and grant: the last record of a grant is what holds.
A grant is revoked by publishing it again with `revoked_at`; a record without a value forgets it.

A grant may be signed: HMAC with SHA-256 (RFC 2104) over its canonical JSON, by a key that issuers and workers share.
It keeps those who can write to the topic, and lack the key, from granting anything. It does not tell one holder of
the key from another.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated, Any

from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from watchkeeper.schemas.envelope import TenantId
from watchkeeper.schemas.errors import ConfigurationError, RejectedError
from watchkeeper.schemas.json_text import dump_json
from watchkeeper.schemas.model import Model, Moment, Name

MIN_KEY_BYTES = 16
MAX_SCOPES = 64

Scopes = Annotated[list[Name], Field(max_length=MAX_SCOPES)]


class Grant(Model):
    """A grant.

    Attributes:
        grant_id: what delegations name.
        parent_grant_id: the grant that it derives from; empty for a root.
        granted_by: on whose word.
        agent_id: to whom, wildcards allowed; empty for any agent.
        scope: what the holder may do itself; wildcards and limits allowed (`schemas.scopes`).
        delegable: what the holder may hand on.
        constraints: further limits; numbers are maxima, unless the name begins with `min`.
        issued_at: from when it holds.
        expires_at: until when; None for no end.
        revoked_at: since when it holds no more.
        signature: see `sign`.
    """

    schema_version: Annotated[int, Field(ge=1, le=1)] = 1
    tenant_id: TenantId
    grant_id: Name
    parent_grant_id: Annotated[str, StringConstraints(max_length=256)] = ""
    granted_by: Annotated[str, StringConstraints(max_length=256)] = ""
    agent_id: Annotated[str, StringConstraints(max_length=256)] = ""
    scope: Scopes = []
    delegable: Scopes = []
    constraints: dict[str, Any] = {}
    issued_at: Moment
    expires_at: Moment | None = None
    revoked_at: Moment | None = None
    signature: Annotated[str, StringConstraints(max_length=128)] = ""

    @property
    def key(self) -> bytes:
        """The Kafka key: the last record of a grant is what holds."""
        return f"{self.tenant_id}/{self.grant_id}".encode()


GRANT_ADAPTER: TypeAdapter[Grant] = TypeAdapter(Grant)


def read_grant(key: bytes | None, value: bytes) -> Grant:
    """The grant that a record of the topic holds.

    Raises:
        RejectedError: it holds none, or stands under another key than its own: then the topic's compaction would keep
            it beside what it replaces.
    """
    try:
        grant = GRANT_ADAPTER.validate_json(value)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        reason = "not_json" if problem["type"] == "json_invalid" else "invalid_field"
        where = ".".join(map(str, problem["loc"])) or "grant"
        raise RejectedError(reason, f"{where}: {problem['msg']}") from None
    if grant.key != key:
        raise RejectedError("wrong_key", f"the grant is {grant.key.decode()[:300]}: key its record by that")
    return grant


def sign(grant: Grant, key: bytes) -> Grant:
    """The grant with its signature.

    Raises:
        ConfigurationError: the key is too short to be one.
    """
    if len(key) < MIN_KEY_BYTES:
        raise ConfigurationError(f"a key for grants has at least {MIN_KEY_BYTES} bytes, this one has {len(key)}")
    return grant.model_copy(update={"signature": _signature(grant, key)})


def is_signed(grant: Grant, key: bytes) -> bool:
    """Whether the grant's signature was made with this key, over what the grant says now."""
    return hmac.compare_digest(grant.signature, _signature(grant, key))


def _signature(grant: Grant, key: bytes) -> str:
    # Without what holds by default: a field that a later version adds must not break the signatures there are.
    told = dump_json(grant.model_dump(mode="json", exclude={"signature"}, exclude_defaults=True), sort_keys=True)
    return hmac.new(key, told, hashlib.sha256).hexdigest()
