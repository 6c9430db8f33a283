"""Grants on the real path: published, revoked and forged, judged by a worker that starts, restarts and shares."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import Producer

from watchkeeper.cli.stack.testing import running_broker, running_worker
from watchkeeper.producers import Session, Watchkeeper
from watchkeeper.producers.granting import GrantIssuer
from watchkeeper.schemas.topics import GRANTS, TOPICS
from watchkeeper.stream_processors.clickhouse import connect

KEY = "a-key-that-issuers-and-workers-share"
PATIENCE_SECONDS = 90.0
STRICT = {"agent": "first", "delegation": {"require_grants": True, "signed_grants": True}}


class Office:
    """Sessions that delegate, grants, and what a worker finds, in a tenant of its own."""

    def __init__(self, bootstrap: str, dsn: str) -> None:
        self.tenant = f"t-{uuid.uuid4().hex}"
        self.watch = Watchkeeper("first", bootstrap=bootstrap, tenant=self.tenant)
        self.strict = Watchkeeper("first", policy=STRICT, bootstrap=bootstrap, tenant=self.tenant)
        self.issuer = GrantIssuer(bootstrap, tenant=self.tenant, key=KEY.encode())
        self.forger = GrantIssuer(bootstrap, tenant=self.tenant, key=b"another-key-than-the-workers")
        self._client = connect(dsn)

    def hand(self, watch: Watchkeeper | None = None, **grant: Any) -> str:
        """A session that delegates to another one; the delegating session's id."""
        with (watch or self.watch).session(goal="refund order 7") as first:
            self.below(first, **grant)
        self.sent()
        return first.session_id

    def below(self, giver: Session, agent: str = "helper", **grant: Any) -> None:
        with giver.delegate(agent, task="look", **grant) as child:
            child.response("done", answer=True)

    def sent(self) -> None:
        assert self.watch.flush(30)
        assert self.strict.flush(30)

    def reasons(self, session: str) -> list[str]:
        """Why delegations of the session are broken, as people see it now."""
        found = self._client.query(
            "SELECT evidence FROM findings FINAL WHERE tenant_id = {tenant:String} AND session_id = {session:String} "
            "AND failure_mode = 'cascading_approval' AND status = 'open' AND kind = 'broken_delegation'",
            parameters={"tenant": self.tenant, "session": session},
        )
        return sorted(orjson.loads(row[0])["reason"] for row in found.result_rows)

    def folded(self, session: str) -> bool:
        """Whether stage 2 has seen the end of the session's tree."""
        found = self._client.query(
            "SELECT count() FROM subjects FINAL WHERE tenant_id = {tenant:String} "
            "AND position(subject, {session:String}) > 0 AND position(state, '\"left\":true') > 0",
            parameters={"tenant": self.tenant, "session": session},
        )
        return bool(found.result_rows[0][0])

    def tree_known(self, session: str) -> bool:
        """Whether stage 2 has seen a delegation of the session's tree."""
        found = self._client.query(
            "SELECT count() FROM subjects FINAL WHERE tenant_id = {tenant:String} "
            "AND position(subject, {session:String}) > 0 AND position(state, 'c-1') > 0",
            parameters={"tenant": self.tenant, "session": session},
        )
        return bool(found.result_rows[0][0])

    def letters(self) -> list[str]:
        """Reasons of the dead letters of `agent.grants` under this tenant's keys."""
        found = self._client.query(
            "SELECT reason FROM dead_letters FINAL WHERE source_topic = 'agent.grants' "
            "AND startsWith(base64Decode(key_base64), {tenant:String}) ORDER BY reason",
            parameters={"tenant": self.tenant},
        )
        return [row[0] for row in found.result_rows]

    def close(self) -> None:
        self.watch.close()
        self.strict.close()
        self._client.close()


def until(ready: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """One of these tests' own: what is no grant would be told to the workers of all tests."""
    with running_broker(TOPICS) as bootstrap:
        yield bootstrap


@pytest.fixture
def office(broker: str, own_database: str) -> Iterator[Office]:
    made = Office(broker, own_database)
    yield made
    made.close()


pytestmark = pytest.mark.timeout(300)

Started = Callable[[str], Any]


@pytest.fixture
def worker(broker: str, own_database: str, tmp_path: Path) -> Started:
    group = uuid.uuid4().hex

    def started(name: str) -> Any:
        return running_worker(broker, own_database, tmp_path / name, WATCHKEEPER_GROUP=group, WATCHKEEPER_GRANT_KEY=KEY)

    return started


def judged(office: Office, *sessions: str) -> list[list[str]]:
    for session in sessions:
        until(partial(office.folded, session), f"{session} was not judged")
    return [office.reasons(session) for session in sessions]


def test_delegations_are_held_to_what_was_published(office: Office, worker: Started) -> None:
    """All that a grant may be, published just before the delegation that names it: nothing hangs on who is faster."""
    rights: dict[str, Any] = {"scope": ["orders:read"], "delegable": ["orders:read"]}
    with worker("one"):
        good, narrow, gone, late = (f"g-{name}" for name in ("good", "narrow", "gone", "late"))
        office.issuer.grant(good, **rights)
        office.issuer.grant(narrow, scope=["orders:*"], delegable=["orders:read"])
        office.issuer.grant(gone, **rights)
        revoked = office.issuer.revoke(gone)
        assert revoked.revoked_at is not None
        office.issuer.grant(late, **rights)
        office.issuer.revoke(late, at=revoked.revoked_at + timedelta(days=1))
        sessions = [
            office.hand(grant_id="c-1", parent_grant_id=good, scope=["orders:read"]),
            office.hand(grant_id="c-2", parent_grant_id=narrow, scope=["orders:read", "orders:write"]),
            office.hand(grant_id="c-3", parent_grant_id=gone, scope=["orders:read"]),
            office.hand(grant_id="c-4", parent_grant_id=late, scope=["orders:read"]),
        ]
        office.issuer.grant("g-signed", **rights)
        office.forger.grant("g-forged", **rights)
        sessions += [
            office.hand(office.strict, grant_id="g-signed", scope=["orders:read"]),
            office.hand(office.strict, grant_id="g-forged", scope=["orders:read"]),
            office.hand(office.strict, grant_id="g-nobody", scope=["orders:read"]),
        ]
        assert judged(office, *sessions) == [[], ["not_delegable"], ["revoked"], [], [], ["forged"], ["forged"]]


@pytest.mark.long
def test_a_forged_parent(office: Office, worker: Started) -> None:
    """A grant that another agent holds, and one that nobody gave where grants are required."""
    with worker("one"):
        office.issuer.grant("g-other", agent_id="treasurer", scope=["refunds:*"], delegable=["refunds:*"])
        office.issuer.grant("c-5", scope=["refunds:write"])
        office.issuer.grant("c-6", scope=["refunds:write"])
        foreign = office.hand(office.strict, grant_id="c-5", parent_grant_id="g-other", scope=["refunds:write"])
        nobody = office.hand(office.strict, grant_id="c-6", parent_grant_id="g-invented", scope=["refunds:write"])
        assert judged(office, foreign, nobody) == [["foreign_parent"], ["missing_parent"]]


@pytest.mark.long
def test_grants_survive_the_worker(office: Office, worker: Started) -> None:
    """A tree that goes on under another worker is held to grants that this one never heard anybody publish."""
    office.issuer.grant("g-1", scope=["orders:*"], delegable=["orders:read"])
    with office.watch.session(goal="a long one") as first:
        with worker("one") as one:
            office.below(first, grant_id="c-1", parent_grant_id="g-1", scope=["orders:read"])
            office.sent()
            until(lambda: office.tree_known(first.session_id), "the first delegation was not folded")
            one.kill()
        office.issuer.revoke("g-1")
        with worker("two"):
            office.below(first, grant_id="c-2", parent_grant_id="g-1", scope=["orders:read"])
            office.sent()
            until(lambda: office.reasons(first.session_id), "the second delegation was not found")
            assert office.reasons(first.session_id) == ["revoked"]


@pytest.mark.long
def test_two_workers_share_trees_and_know_all_grants(office: Office, worker: Started) -> None:
    """Partitions change hands in the middle; each tree is judged alike by whoever has it."""
    office.issuer.grant("g-1", scope=["orders:*"], delegable=["orders:read"])
    expected: dict[str, list[str]] = {}

    def tell(most: int) -> None:
        for _ in range(most):
            expected[office.hand(grant_id="c-1", parent_grant_id="g-1", scope=["orders:read"])] = []
            bad = office.hand(grant_id="c-1", parent_grant_id="g-1", scope=["orders:write"])
            expected[bad] = ["not_delegable"]

    with worker("one"):
        tell(4)
        with worker("two"):
            tell(8)
            judged(office, *expected)
        tell(4)
        assert judged(office, *expected) == list(expected.values())


@pytest.mark.long
def test_what_is_no_grant_becomes_a_dead_letter_and_the_worker_goes_on(
    office: Office, worker: Started, broker: str
) -> None:
    producer = Producer({"bootstrap.servers": broker, "acks": "all"})
    for name, value in (("bad", b"{"), ("worse", b'{"grant_id": 7}')):
        producer.produce(GRANTS.name, key=f"{office.tenant}/{name}".encode(), value=value)
    assert producer.flush(30) == 0
    with worker("one"):
        until(lambda: len(office.letters()) == 2, "the records were not told")
        assert office.letters() == ["invalid_field", "not_json"]
        office.issuer.grant("g-1", scope=["orders:read"], delegable=["orders:read"])
        session = office.hand(grant_id="c-1", parent_grant_id="g-1", scope=["orders:write"])
        assert judged(office, session) == [["amplified"]]
    # Another worker reads them again and says the same.
    with worker("two"):
        session = office.hand(grant_id="c-1", parent_grant_id="g-1", scope=["orders:write"])
        assert judged(office, session) == [["amplified"]]
        assert office.letters() == ["invalid_field", "not_json"]
