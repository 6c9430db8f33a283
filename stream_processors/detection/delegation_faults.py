"""What is wrong with a delegation, or with an action by delegated authority: pure, over a `GrantTree`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from watchkeeper.schemas.evidence.cascading_approval import ActionFault, DelegationFault
from watchkeeper.schemas.scopes import allows, exceeding
from watchkeeper.schemas.wildcards import covers
from watchkeeper.stream_processors.detection.constraints import Reduced, looser
from watchkeeper.stream_processors.detection.grant_tree import Chain, GrantTree, Handed, Hop


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a delegation.

    Attributes:
        waits: whether it rests on something not heard of, which may still come.
    """

    reason: DelegationFault
    exceeding: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    ended_us: int | None = None
    depth: int | None = None
    max_depth: int | None = None
    chain: Chain = field(default_factory=list)
    waits: bool = False


@dataclass(frozen=True, slots=True)
class ActionVerdict:
    """What is wrong with an action: nothing, where `reason` is None.

    Attributes:
        unknown: it cannot be told, because the call's amount is not known.
        waits: as for `Fault`.
    """

    reason: ActionFault | None = None
    ended_us: int | None = None
    chain: Chain = field(default_factory=list)
    unknown: bool = False
    waits: bool = False


def faults(one: Handed, tree: GrantTree) -> list[Fault]:
    """All that is wrong with a delegation; where it may derive from several grants, by the one that suits it best."""
    origin, chains = tree.sources(one)
    found = [*_of_form(one, tree), *_of_registration(one, tree)]
    if origin == "missing" and _claims_are_checked(one, tree):
        found.append(Fault("missing_parent", waits=True))
    elif origin == "foreign":
        found.append(Fault("foreign_parent", chain=chains[0], waits=True))
    elif origin == "unheard" and one["rules"]["require_grants"]:
        found.append(Fault("ungranted", waits=True))
    elif chains:
        best: list[Fault] = min((list(_of_chain(one, chain)) for chain in chains), key=len)
        found += best
    return found


def action_verdict(
    needed: str, amount: float | None, at_us: int, held: list[Chain], *, required: bool
) -> ActionVerdict:
    """What is wrong with an action by a session that holds these grants; one that allows it is enough.

    Args:
        needed: the scope that it needs.
        amount: None where it has none, or it is not known.
        at_us: when it was done.
        held: the chains of the grants.
        required: whether it must be granted by somebody.
    """
    if not held:
        return ActionVerdict("ungranted", waits=True) if required else ActionVerdict(waits=True)
    verdicts = [_by_chain(needed, amount, at_us, chain, required=required) for chain in held]
    for verdict in verdicts:
        if verdict.reason is None and not verdict.unknown:
            return verdict
    return next((verdict for verdict in verdicts if verdict.unknown), verdicts[0])


def _claims_are_checked(one: Handed, tree: GrantTree) -> bool:
    """Whether a parent that nobody knows is a fault: where grants are required, or the session was given one itself.

    The first session of a tree may rest on authority that was never published; so may all where nobody names grants.
    """
    return one["rules"]["require_grants"] or any(held["grant"] for held in tree.held_by(one["session"]))


def _of_form(one: Handed, tree: GrantTree) -> Iterator[Fault]:
    rules = one["rules"]
    declares = bool(one["scope"] or one["delegable"])
    if rules["require_grants"] and not (one["grant"] and declares):
        yield Fault("ungranted")
    grantors = rules["root_grantors"]
    if one["is_first"] and grantors is not None and (one["grant"] or declares):
        _, chains = tree.sources(one)
        by = chains[0][-1].by if chains and chains[0] else one["by"]
        if not any(covers(pattern, by) for pattern in grantors):
            yield Fault("not_entitled", exceeding=[by], allowed=list(grantors))
    path = tree.path(one)
    limit = _depth_limit(path)
    if path[-1]["is_first"] and limit is not None and len(path) > limit:
        above = _depth_limit(path[1:])
        # Of a branch that is too deep, the first hop beyond the limit is told.
        if above is None or len(path) - 1 <= above:
            yield Fault("too_deep", depth=len(path), max_depth=limit)


def _depth_limit(path: list[Handed]) -> int | None:
    limits = [one["rules"]["max_depth"] for one in path]
    return min((limit for limit in limits if limit is not None), default=None)


def _of_registration(one: Handed, tree: GrantTree) -> Iterator[Fault]:
    """Against the grant of the same name on `agent.grants`."""
    known = tree.registered(one["grant"])
    if known is None:
        if one["rules"]["signed_grants"] and one["grant"] and tree.verifies:
            yield Fault("forged", waits=True)
        return
    grant = known.grant
    if known.is_signed is False:
        yield Fault("forged")
    elif grant.agent_id and not covers(grant.agent_id, one["child_agent"]):
        yield Fault("forged", exceeding=[one["child_agent"]], allowed=[grant.agent_id])
    elif known.revoked_us is not None and known.revoked_us <= one["at_us"]:
        yield Fault("revoked", ended_us=known.revoked_us)
    elif known.expires_us is not None and known.expires_us < one["at_us"]:
        yield Fault("expired", ended_us=known.expires_us)
    elif grant.scope or grant.delegable:
        beyond = exceeding(one["scope"], grant.scope) + exceeding(one["delegable"], grant.delegable)
        if beyond:
            yield Fault("forged", exceeding=beyond, allowed=[*grant.scope, *grant.delegable])


def _of_chain(one: Handed, chain: Chain) -> Iterator[Fault]:
    """Against the grants that it derives from: authority may only narrow."""
    giver = next((hop for hop in chain if hop.declares), None)
    if giver is not None:
        beyond = list(dict.fromkeys(exceeding([*one["scope"], *one["delegable"]], giver.delegable)))
        amplified = exceeding(beyond, giver.scope)
        kept = [scope for scope in beyond if scope not in amplified]
        if amplified:
            yield Fault("amplified", amplified, giver.delegable, chain=chain)
        if kept:
            yield Fault("not_delegable", kept, giver.delegable, chain=chain)
    wider = looser(one["constraints"], _inherited(chain))
    if wider:
        yield Fault("widened", wider, chain=chain)
    yield from _of_time(one, chain)


def _inherited(chain: Chain) -> dict[str, Reduced]:
    """Each constraint as the nearest grant states it."""
    stated: dict[str, Reduced] = {}
    for hop in reversed(chain):
        stated |= hop.constraints
    return stated


def _of_time(one: Handed, chain: Chain) -> Iterator[Fault]:
    revoked_us, expired_us = _ended(chain, one["at_us"])
    if revoked_us is not None:
        yield Fault("revoked", ended_us=revoked_us, chain=chain)
    if expired_us is not None:
        yield Fault("expired", ended_us=expired_us, chain=chain)
        return
    nearest = next((hop.expires_us for hop in chain if hop.expires_us is not None), None)
    if nearest is not None and one["expires_us"] is not None and one["expires_us"] > nearest:
        yield Fault("outlives", ended_us=nearest, chain=chain)


def _ended(chain: Chain, at_us: int) -> tuple[int | None, int | None]:
    """When the chain was revoked, and when it expired; None for what had not come to pass."""
    revoked = [hop.revoked_us for hop in chain if hop.revoked_us is not None and hop.revoked_us <= at_us]
    expired = [hop.expires_us for hop in chain if hop.expires_us is not None and hop.expires_us < at_us]
    return min(revoked, default=None), min(expired, default=None)


def _by_chain(needed: str, amount: float | None, at_us: int, chain: Chain, *, required: bool) -> ActionVerdict:
    declared = [(position, hop) for position, hop in enumerate(chain) if hop.declares]
    if not declared and required:
        return ActionVerdict("ungranted", chain=chain)
    unknown = False
    for position, hop in declared:
        allowed = allows(_for_holder(hop, position), needed, amount)
        if allowed is False:
            return ActionVerdict("not_inherited" if position else "beyond_scope", chain=chain)
        unknown = unknown or allowed is None
    revoked_us, expired_us = _ended(chain, at_us)
    if revoked_us is not None:
        return ActionVerdict("revoked", revoked_us, chain)
    if expired_us is not None:
        return ActionVerdict("expired", expired_us, chain)
    return ActionVerdict(chain=chain, unknown=unknown)


def _for_holder(hop: Hop, position: int) -> list[str]:
    """What the one who acts may do by this grant: by its own, what it may do itself; by others, what they hand on."""
    return hop.delegable if position else hop.scope
