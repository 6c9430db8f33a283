"""The grants of one delegation tree as a graph: who holds which, and from which others it derives.

Delegations are known by what `Delegated` told of them, grants that were issued outside of the tree by the book
(`grant_book`). A chain is a grant and those that it derives from, back to the root, the nearest first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypedDict

from watchkeeper.schemas.evidence.cascading_approval import DelegationFault
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.policy_delegation import DelegationRules
from watchkeeper.schemas.signals import Delegated
from watchkeeper.schemas.wildcards import covers
from watchkeeper.stream_processors.detection.constraints import Reduced
from watchkeeper.stream_processors.detection.grant_book import GrantBook, Registered

MAX_CHAIN = 32


class Handed(TypedDict):
    """A delegation as the tree keeps it.

    Attributes:
        at_us: when.
        rules: what the policy of the session that delegates asks, as JSON.
        left: whether the session that delegates has come to its end.
        told: revision, and whether it stands, of each fault that was told.
    """

    event: str
    id: str
    session: str
    agent: str
    is_first: bool
    child: str
    child_agent: str
    grant: str
    parent: str
    by: str
    scope: list[str]
    delegable: list[str]
    constraints: dict[str, Reduced]
    expires_us: int | None
    at_us: int
    rules: DelegationRulesJson
    left: bool
    told: dict[DelegationFault, list[int]]


class DelegationRulesJson(TypedDict):
    """See `DelegationRules`."""

    max_depth: int | None
    require_grants: bool
    root_grantors: list[str] | None
    signed_grants: bool


@dataclass(frozen=True, slots=True)
class Hop:
    """One grant of a chain; see `GrantHop`."""

    grant_id: str
    by: str
    session: str
    agent: str
    scope: list[str]
    delegable: list[str]
    constraints: dict[str, Reduced] = field(default_factory=dict)
    expires_us: int | None = None
    revoked_us: int | None = None

    @property
    def declares(self) -> bool:
        """Whether it says what may be done; a delegation without scopes says nothing of it."""
        return bool(self.scope or self.delegable)


Chain: TypeAlias = list[Hop]
Origin: TypeAlias = Literal["root", "known", "missing", "foreign", "unheard"]
"""Where a delegation's authority comes from: nobody's grant, grants that are known, one that is not, one of another
holder; or the delegation to this session was not heard of."""


def handed(signal: Delegated) -> Handed:
    """What the tree keeps of a delegation."""
    return Handed(
        event=signal.event_id,
        id=signal.delegation_id,
        session=signal.session_id,
        agent=signal.agent_id,
        is_first=signal.is_first,
        child=signal.child_session_id,
        child_agent=signal.child_agent_id,
        grant=signal.grant_id,
        parent=signal.parent_grant_id,
        by=signal.granted_by,
        scope=signal.scope,
        delegable=signal.delegable,
        constraints=signal.constraints or {},
        expires_us=None if signal.expires_at is None else to_us(signal.expires_at),
        at_us=to_us(signal.occurred_at),
        rules=rules_json(signal.rules),
        left=False,
        told={},
    )


def rules_json(rules: DelegationRules) -> DelegationRulesJson:
    """The rules as a state holds them."""
    return DelegationRulesJson(
        max_depth=rules.max_depth,
        require_grants=rules.require_grants,
        root_grantors=rules.root_grantors,
        signed_grants=rules.signed_grants,
    )


class GrantTree:
    """A view of the delegations of one tree, and of the book.

    Args:
        tenant_id: whose tree it is.
        delegations: all that are known.
        book: grants that were issued outside.
    """

    def __init__(self, tenant_id: str, delegations: list[Handed], book: GrantBook) -> None:
        self._tenant_id = tenant_id
        self._delegations = delegations
        self._book = book

    def registered(self, grant_id: str) -> Registered | None:
        """The grant of that name on `agent.grants`."""
        return self._book.get(self._tenant_id, grant_id)

    @property
    def verifies(self) -> bool:
        """Whether signatures can be told."""
        return self._book.verifies

    def held_by(self, session: str) -> list[Handed]:
        """The delegations to a session."""
        return [one for one in self._delegations if one["child"] == session]

    def sources(self, one: Handed) -> tuple[Origin, list[Chain]]:
        """The chains that a delegation may derive from: one is enough."""
        known = self.registered(one["grant"])
        named = one["parent"] or ("" if known is None else known.grant.parent_grant_id)
        if named:
            return self._named(one, named)
        if one["is_first"]:
            return "root", [[]]
        held = self.held_by(one["session"])
        return ("known", [self.chain(two) for two in held]) if held else ("unheard", [])

    def chain(self, one: Handed, seen: frozenset[str] = frozenset()) -> Chain:
        """A delegation's grant and those that it derives from, as far as they are known."""
        known = self.registered(one["grant"])
        hop = self._hop(one, known)
        if one["event"] in seen or len(seen) >= MAX_CHAIN:
            return [hop]
        seen |= {one["event"]}
        named = one["parent"] or ("" if known is None else known.grant.parent_grant_id)
        above = self._holding(one, named) if named else [] if one["is_first"] else self.held_by(one["session"])
        if above:
            return [hop, *self.chain(above[0], seen)]
        issued = self.registered(named)
        return [hop] if issued is None else [hop, *self.issued_chain(issued)]

    def issued_chain(self, known: Registered) -> Chain:
        """A grant of the book and those of the book that it derives from."""
        chain: Chain = []
        one: Registered | None = known
        seen: set[str] = set()
        while one is not None and one.grant.grant_id not in seen and len(chain) < MAX_CHAIN:
            seen.add(one.grant.grant_id)
            chain.append(_issued_hop(one))
            one = self.registered(one.grant.parent_grant_id)
        return chain

    def path(self, one: Handed) -> list[Handed]:
        """The delegations by which work came here from the first session, this one first; as far as they are known."""
        path = [one]
        while not path[-1]["is_first"] and len(path) < MAX_CHAIN:
            above = [two for two in self.held_by(path[-1]["session"]) if two not in path]
            if not above:
                break
            path.append(above[0])
        return path

    def _named(self, one: Handed, named: str) -> tuple[Origin, list[Chain]]:
        holding = self._holding(one, named)
        if holding:
            return "known", [self.chain(two) for two in holding]
        issued = self.registered(named)
        if issued is not None:
            holder = issued.grant.agent_id
            if not holder or covers(holder, one["agent"]):
                return "known", [self.issued_chain(issued)]
            return "foreign", [self.issued_chain(issued)]
        others = [two for two in self._delegations if two["grant"] == named and two is not one]
        return ("foreign", [self.chain(two) for two in others]) if others else ("missing", [])

    def _holding(self, one: Handed, named: str) -> list[Handed]:
        """The delegations of that grant that this one may rest on: its session's, its agent's, or its session's own."""
        of_grant = [two for two in self._delegations if two["grant"] == named and two is not one]
        entitled = [two for two in of_grant if two["child"] == one["session"]]
        entitled += [two for two in of_grant if two not in entitled and two["child_agent"] == one["agent"]]
        # Who gave a grant may give the same, or less of it, to somebody else.
        return entitled + [two for two in of_grant if two not in entitled and two["session"] == one["session"]]

    def _hop(self, one: Handed, known: Registered | None) -> Hop:
        scope, delegable, ends = one["scope"], one["delegable"], [one["expires_us"]]
        revoked_us = None
        if known is not None:
            if known.grant.scope or known.grant.delegable:
                scope, delegable = known.grant.scope, known.grant.delegable
            ends.append(known.expires_us)
            revoked_us = known.revoked_us
        return Hop(
            grant_id=one["grant"],
            by=one["by"],
            session=one["child"],
            agent=one["child_agent"],
            scope=scope,
            delegable=delegable,
            constraints=one["constraints"],
            expires_us=min((end for end in ends if end is not None), default=None),
            revoked_us=revoked_us,
        )


def _issued_hop(known: Registered) -> Hop:
    grant = known.grant
    return Hop(
        grant_id=grant.grant_id,
        by=grant.granted_by,
        session="",
        agent=grant.agent_id,
        scope=grant.scope,
        delegable=grant.delegable,
        constraints=known.constraints or {},
        expires_us=known.expires_us,
        revoked_us=known.revoked_us,
    )
