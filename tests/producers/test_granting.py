"""Grants are published, read back and taken back; what cannot be is told with the remedy."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Producer

from watchkeeper.cli.stack.child import free_port
from watchkeeper.producers import granting
from watchkeeper.producers.granting import GrantIssuer
from watchkeeper.schemas.errors import BusUnavailableError, ConfigurationError
from watchkeeper.schemas.grants import is_signed
from watchkeeper.schemas.topics import GRANTS

KEY = b"0123456789abcdef"


@pytest.fixture
def tenant() -> str:
    return f"t-{uuid.uuid4().hex}"


def test_grants_are_published_signed_and_read_back(bootstrap: str, tenant: str) -> None:
    ends = datetime.now(UTC) + timedelta(hours=1)
    with GrantIssuer(bootstrap, tenant=tenant, key=KEY) as issuer, GrantIssuer(bootstrap, tenant="other") as other:
        first = issuer.grant("g-1", scope=["orders:*"], delegable=["orders:read"], granted_by="ada", expires_at=ends)
        second = issuer.grant(scope=["refunds:write<=500"], constraints={"max_items": 3}, parent_grant_id="g-1")
        other.grant("g-1", scope=["*"])
        assert issuer.grants() == sorted([first, second], key=lambda grant: grant.grant_id)
        assert all(is_signed(grant, KEY) for grant in issuer.grants())
        assert second.grant_id not in {"", "g-1"}


def test_a_revocation_stands_and_moves_to_an_earlier_time_only(bootstrap: str, tenant: str) -> None:
    with GrantIssuer(bootstrap, tenant=tenant, key=KEY) as issuer:
        made = issuer.grant("g-1", scope=["orders:*"])
        revoked = issuer.revoke("g-1")
        assert revoked.revoked_at is not None
        assert revoked.revoked_at >= made.issued_at
        assert is_signed(revoked, KEY)
        assert issuer.revoke(made, at=made.issued_at).revoked_at == made.issued_at
        assert issuer.revoke("g-1").revoked_at == made.issued_at
        assert [grant.revoked_at for grant in issuer.grants()] == [made.issued_at]
        with pytest.raises(ConfigurationError, match="has no grant g-2 on"):
            issuer.revoke("g-2")


def test_what_is_no_grant_or_forgotten_is_passed_over(bootstrap: str, tenant: str) -> None:
    with GrantIssuer(bootstrap, tenant=tenant, key=b"") as issuer:
        issuer.grant("g-1", scope=["*"])
        kept = issuer.grant("g-2", scope=["*"])
        producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
        producer.produce(GRANTS.name, key=f"{tenant}/g-1".encode(), value=None)
        assert producer.flush(30) == 0
        assert issuer.grants() == [kept]


def test_what_cannot_be_published_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(granting, "SECONDS", 0.5)
    monkeypatch.delenv("WATCHKEEPER_KAFKA_BOOTSTRAP", raising=False)
    with pytest.raises(ConfigurationError, match="Set WATCHKEEPER_KAFKA_BOOTSTRAP=host:port"):
        GrantIssuer()
    away = f"127.0.0.1:{free_port()}"
    with pytest.raises(ConfigurationError, match="at least 16 bytes"):
        GrantIssuer(away, key=b"short").grant("g-1", scope=["*"])
    with pytest.raises(ConfigurationError, match=r"scope: List should have at most 64 items"):
        GrantIssuer(away, key=b"").grant("g-1", scope=["a"] * 65)
    with pytest.raises(BusUnavailableError, match="did not take grant g-1"):
        GrantIssuer(away, key=b"").grant("g-1", scope=["*"])
    with pytest.raises(BusUnavailableError, match=r"agent\.grants at .* cannot be read"):
        GrantIssuer(away, key=b"").grants()
