"""Authority narrows on its way down; what is missing waits; published grants are believed as far as they are signed."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.schemas.errors import RejectedError
from watchkeeper.schemas.grants import Grant, sign
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.scopes import lies_within
from watchkeeper.stream_processors.detection.constraints import looser, reduced
from watchkeeper.stream_processors.detection.grant_book import GrantBook
from watchkeeper.stream_processors.detection.sequences.delegations import WORKER, begun, end, first_of, hand
from watchkeeper.stream_processors.detection.sequences.sequence import Scene
from watchkeeper.stream_processors.detection.sequences.story import START_US
from watchkeeper.stream_processors.detection.session_rules.delegated_authority import DelegatedAuthority
from watchkeeper.stream_processors.detection.subject_rules.cascading_approval import (
    MAX_ACTIONS,
    MAX_DELEGATIONS,
    MAX_TEXT,
    CascadingApproval,
)

KEY = b"0123456789abcdef"
START = from_us(START_US)


def judged(stories: Any, scene: Scene, book: GrantBook | None = None, **hall: Any) -> Any:
    return stories.Hall([DelegatedAuthority()], rules=[CascadingApproval(book)], **hall).hear(scene.events)


def told(hall: Any) -> list[tuple[str, str]]:
    """Reason and status of each finding as people see it at the end."""
    return [
        (getattr(finding.evidence, "reason", ""), finding.status)
        for finding in hall.latest.values()
        if finding.kind != "unjudged"
    ]


def chain(*grants: dict[str, Any], policy: AgentPolicy = WORKER) -> Scene:
    """Sessions that delegate one to the next."""
    scene = Scene("chain")
    last = first_of(scene, policy)
    for number, one in enumerate(grants):
        last = hand(scene, last, f"agent-{number}", **{"grant_id": f"g-{number}"} | one)
    end(*scene.stories)
    return scene


RIGHTS: dict[str, Any] = {"scope": ["orders:*"], "delegable": ["orders:*"]}


@pytest.mark.parametrize(
    ("second", "reasons"),
    [
        ({"scope": ["orders:read"]}, []),
        ({"scope": []}, []),
        ({"scope": ["orders:*"], "delegable": ["orders:*"]}, []),
        ({"scope": ["*"]}, ["amplified"]),
        ({"delegable": ["orders:*", "refunds:write"]}, ["amplified"]),
        ({"scope": ["orders:read"], "expires_at": START + timedelta(seconds=100)}, []),
        ({"scope": ["orders:read"], "expires_at": START + timedelta(seconds=101)}, ["outlives"]),
        ({"scope": ["orders:read"], "constraints": {"max_items": 10}}, []),
        ({"scope": ["orders:read"], "constraints": {"max_items": 11}}, ["widened"]),
        ({"scope": ["orders:read"], "constraints": {"max_items": "10"}}, ["widened"]),
        ({"scope": ["*"], "constraints": {"max_items": 11}}, ["amplified", "widened"]),
        ({"scope": ["orders:read"], "parent_grant_id": "g-0"}, []),
        ({"scope": ["orders:read"], "parent_grant_id": "g-9"}, ["missing_parent"]),
    ],
)
def test_a_delegation_is_held_to_its_givers(stories: Any, second: dict[str, Any], reasons: list[str]) -> None:
    first = RIGHTS | {"expires_at": START + timedelta(seconds=100), "constraints": {"max_items": 10}}
    assert told(judged(stories, chain(first, second))) == [(reason, "open") for reason in reasons]


@pytest.mark.parametrize(
    ("inner", "outer", "names"),
    [
        ({"amount": 5}, {"amount": 5}, []),
        ({"amount": 5.01}, {"amount": 5}, ["amount"]),
        ({"min_age": 17}, {"min_age": 18}, ["min_age"]),
        ({"min_age": 19}, {"min_age": 18}, []),
        ({}, {"amount": 5}, []),
        ({"amount": 5}, {}, []),
        ({"region": "EU"}, {"region": ["EU", "US"]}, []),
        ({"region": ["EU", "CN"]}, {"region": ["EU", "US"]}, ["region"]),
        ({"region": ["EU"]}, {"region": "EU"}, ["region"]),
        ({"region": "US"}, {"region": "EU"}, ["region"]),
        ({"limits": {"a": 2, "b": 1}}, {"limits": {"a": 1, "b": 1}}, ["limits.a"]),
        ({"dry_run": False}, {"dry_run": True}, ["dry_run"]),
        ({"dry_run": 1}, {"dry_run": True}, ["dry_run"]),
        ({"amount": None}, {"amount": 5}, ["amount"]),
    ],
)
def test_constraints_may_only_narrow(inner: Any, outer: Any, names: list[str]) -> None:
    one, other = reduced(inner, repr), reduced(outer, repr)
    assert one is not None
    assert other is not None
    assert looser(one, other) == names


def test_constraints_that_are_too_many_are_not_compared_and_said_so(stories: Any) -> None:
    hall = judged(stories, chain(RIGHTS | {"constraints": {f"c{number}": number for number in range(40)}}))
    assert hall.kinds() == ["unjudged"]


def lies_within_any(scope: str, allowed: list[str]) -> bool:
    return any(lies_within(scope, one) for one in allowed)


SCOPES = st.lists(st.sampled_from(["a:r", "a:w", "a:*", "b:r", "*", "a:w<=5", "a:w<=50"]), max_size=3)


@settings(max_examples=60)
@given(st.lists(st.tuples(SCOPES, SCOPES), min_size=1, max_size=4))
def test_a_chain_in_which_each_hop_gets_what_its_giver_may_hand_on_is_clean(stories: Any, hops: Any) -> None:
    grants: list[dict[str, Any]] = []
    delegable = ["*"]
    for scope, passed in hops:
        # Cut to what the giver may hand on: the same again, where nothing of it is.
        narrowed = [one for one in scope if lies_within_any(one, delegable)] or delegable
        delegable = [one for one in passed if lies_within_any(one, delegable)] or delegable
        grants.append({"scope": narrowed, "delegable": delegable})
    assert told(judged(stories, chain(*grants))) == []


@settings(max_examples=40)
@given(st.permutations(range(5)), st.booleans())
def test_the_order_in_which_delegations_are_heard_changes_nothing_in_the_end(
    stories: Any, order: list[int], broken: bool
) -> None:
    scopes = [["a:*"], ["a:*"], ["b:r"] if broken else ["a:r"], ["a:r"], ["a:r"]]
    scene = chain(*({"scope": one, "delegable": one} for one in scopes))
    hall = stories.Hall([DelegatedAuthority()], rules=[])
    hall.hear(scene.events)
    delegated = [signal for signal in hall.signals if signal.kind == "delegated"]
    rest = [signal for signal in hall.signals if signal.kind != "delegated"]
    judge = stories.Hall(rules=[CascadingApproval()]).subject_judge
    state = judge.open(delegated[0])
    shown: dict[tuple[str, str], str] = {}
    for offset, signal in enumerate([delegated[place] for place in order] + rest):
        moved = signal.model_copy(update={"source_offset": offset, "ordinal": 0})
        for finding in judge.step(state, moved, clock_us=START_US).findings:
            shown[finding.evidence.reason, finding.evidence.delegation_id] = finding.status
    # The third hop was given b by one that has a; the fourth was given a by one that has b.
    expected = {("amplified", "d-s-4"), ("amplified", "d-s-5")} if broken else set()
    assert {key for key, status in shown.items() if status == "open"} == expected


def test_a_missing_parent_is_told_when_the_tree_has_gone_on_and_taken_back_when_it_comes(stories: Any) -> None:
    scene = Scene("late")
    first = first_of(scene)
    second = hand(scene, first, "support", grant_id="g-1", **RIGHTS)
    hand(scene, second, "helper", grant_id="g-2", parent_grant_id="g-x", scope=["orders:read"])
    assert told(judged(stories, scene)) == []
    second.wait(60)
    hand(scene, second, "helper", grant_id="g-3", scope=["orders:read"])
    assert told(judged(stories, scene)) == [("missing_parent", "open")]
    first.now_us = second.now_us
    again = {"delegation_id": "d-x", "child_session_id": second.session, "child_agent_id": "support"}
    first.say("delegation", again | {"grant_id": "g-x"} | RIGHTS)
    assert told(judged(stories, scene)) == [("missing_parent", "resolved")]


def test_who_was_given_nothing_by_name_may_rest_on_what_was_never_published(stories: Any) -> None:
    scene = chain({"grant_id": ""}, {"parent_grant_id": "ticket-1", "scope": ["orders:read"]})
    assert told(judged(stories, scene)) == []


STRICT = AgentPolicy.model_validate(
    {"agent": "a", "tools": WORKER.model_dump()["tools"], "delegation": {"require_grants": True}}
)


@pytest.mark.parametrize(
    ("grant", "reasons"),
    [({}, ["ungranted"]), ({"grant_id": "", "scope": ["orders:read"]}, ["ungranted"]), (RIGHTS, [])],
)
def test_grants_that_are_required(stories: Any, grant: dict[str, Any], reasons: list[str]) -> None:
    assert [reason for reason, _ in told(judged(stories, chain(grant, policy=STRICT)))] == reasons


def test_a_session_that_nobody_delegated_to_acts_without_a_grant_where_one_is_required(stories: Any) -> None:
    for policy, reasons in ((STRICT, ["ungranted"]), (WORKER, [])):
        scene = Scene("unheard")
        first = first_of(scene, policy)
        second = begun(scene, first, "support", first.now_us)
        second.ask("get_order", "shipped", order="orders/7")
        assert told(judged(stories, scene)) == []
        end(first, second)
        assert [reason for reason, _ in told(judged(stories, scene))] == reasons


@pytest.mark.parametrize(
    ("arguments", "kinds"),
    [
        ({"amount": 500}, []),
        ({"amount": "500.00"}, []),
        ({"amount": 500.01}, ["action_beyond_grant"]),
        ({"amount": -9000}, ["action_beyond_grant"]),
        ({"amount": 10**400}, ["action_beyond_grant"]),
        ({}, ["unjudged"]),
        ({"amount": "all of it"}, ["unjudged"]),
    ],
)
def test_a_call_is_held_to_the_limit_of_its_grant(stories: Any, arguments: Any, kinds: list[str]) -> None:
    scene = Scene("limit")
    first = first_of(scene)
    second = hand(scene, first, "support", grant_id="g-1", scope=["refunds:write<=500"])
    second.call("refund", arguments)
    second.result("done")
    end(first, second)
    assert judged(stories, scene).kinds() == kinds


def test_a_call_is_held_to_every_grant_above(stories: Any) -> None:
    scene = Scene("above")
    first = first_of(scene)
    second = hand(scene, first, "support", grant_id="g-1", **RIGHTS)
    third = hand(scene, second, "helper", grant_id="g-2", scope=["refunds:write"])
    third.ask("refund", "done", amount=1)
    end(first, second, third)
    hall = judged(stories, scene)
    assert told(hall) == [("amplified", "open"), ("not_inherited", "open")]
    [_, action] = hall.findings
    assert (action.session_id, action.agent_id) == ("s-3", "helper")
    assert [hop.grant_id for hop in action.evidence.chain] == ["g-2", "g-1"]


def published(**given: Any) -> Grant:
    base = {"tenant_id": "chain", "grant_id": "g-0", "granted_by": "ada@example.com", "issued_at": START} | RIGHTS
    return Grant.model_validate(base | given)


@pytest.mark.parametrize(
    ("grant", "reasons"),
    [
        (published(), []),
        (published(agent_id="agent-*"), []),
        (published(agent_id="somebody"), ["forged"]),
        (published(scope=["orders:read"], delegable=[]), ["forged", "not_delegable"]),
        (published(revoked_at=START), ["revoked", "revoked"]),
        (published(revoked_at=START + timedelta(seconds=1000)), []),
        (published(expires_at=START), ["expired", "expired"]),
        (published(parent_grant_id="g-root"), []),
    ],
)
def test_a_published_grant_says_what_was_granted(stories: Any, grant: Grant, reasons: list[str]) -> None:
    book = GrantBook()
    book.add(grant)
    hall = judged(stories, chain(RIGHTS, {"scope": ["orders:read"]}), book)
    assert [reason for reason, _ in told(hall)] == reasons


def test_a_revoked_root_ends_what_derives_from_it(stories: Any) -> None:
    book = GrantBook()
    book.add(published(parent_grant_id="g-root"))
    book.add(published(grant_id="g-root", revoked_at=START))
    reasons = [reason for reason, _ in told(judged(stories, chain(RIGHTS, {"scope": ["orders:read"]}), book))]
    assert reasons == ["revoked", "revoked"]


SIGNED = AgentPolicy.model_validate({"agent": "a", "delegation": {"require_grants": True, "signed_grants": True}})


@pytest.mark.parametrize(
    ("grants", "reasons"),
    [
        ([sign(published(), KEY)], []),
        ([published()], ["forged"]),
        ([sign(published(), KEY[::-1])], ["forged"]),
        ([], ["forged"]),
        # Who lacks the key takes back no revocation.
        ([sign(published(revoked_at=START), KEY), published()], ["revoked"]),
    ],
)
def test_signed_grants(stories: Any, grants: list[Grant], reasons: list[str]) -> None:
    book = GrantBook(KEY)
    for grant in grants:
        with suppress(RejectedError):
            book.take(grant.key, grant.model_dump_json().encode())
    assert [reason for reason, _ in told(judged(stories, chain(RIGHTS, policy=SIGNED), book))] == reasons


def test_without_a_key_signatures_are_not_judged_and_it_is_said(stories: Any) -> None:
    hall = judged(stories, chain(RIGHTS, policy=SIGNED))
    assert hall.kinds() == ["unjudged"]


def test_a_book_takes_grants_and_nothing_else() -> None:
    book = GrantBook(capacity=2)
    for number in range(3):
        grant = published(grant_id=f"g-{number}")
        assert book.take(grant.key, grant.model_dump_json().encode()) is not None
    assert (len(book), book.forgotten) == (2, 1)
    assert book.get("chain", "g-0") is None
    for key, value, reason in (
        (b"chain/other", published().model_dump_json().encode(), "wrong_key"),
        (b"chain/g-1", b"{}", "invalid_field"),
        (b"chain/g-1", b"{", "not_json"),
        (b"chain/g-1", b"", "not_json"),
    ):
        with pytest.raises(RejectedError) as refused:
            book.take(key, value)
        assert refused.value.reason == reason
    assert book.get("chain", "g-1") is not None
    book.take(b"chain/g-1", None)
    assert book.get("chain", "g-1") is None
    assert book.get("chain", "") is None


def test_what_a_tree_keeps_is_bounded(stories: Any) -> None:
    scene = Scene("broad")
    first = first_of(scene)
    children = [
        hand(scene, first, "support", grant_id=f"g-{number}", scope=["orders:read" + "x" * 200] * 4)
        for number in range(MAX_DELEGATIONS + 5)
    ]
    for number in range(MAX_ACTIONS + 10):
        children[0].call("refund", amount=number)
    hall = judged(stories, scene)
    [subject] = hall.subjects.values()
    [_, state] = subject.folds["cascading_approval"]
    assert state.overflow
    assert state.characters <= MAX_TEXT
    assert len(state.delegations) <= MAX_DELEGATIONS
    assert len(state.actions) == MAX_ACTIONS
    assert hall.kinds().count("unjudged") == 1
    assert len(subject.dump()) < 3 * MAX_TEXT


def test_a_circle_of_grants_ends(stories: Any) -> None:
    scene = Scene("circle")
    first = first_of(scene)
    second = hand(scene, first, "a", grant_id="g-1", parent_grant_id="g-2", **RIGHTS)
    third = hand(scene, second, "b", grant_id="g-2", parent_grant_id="g-1", **RIGHTS)
    fourth = hand(scene, third, "a", grant_id="g-1", parent_grant_id="g-2", **RIGHTS)
    fourth.ask("get_order", "shipped", order="orders/7")
    end(first, second, third, fourth)
    judged(stories, scene)


def test_without_delegation_and_scope_nothing_is_told(stories: Any) -> None:
    story = stories.Story(policy=WORKER)
    story.start()
    story.ask("refund", "done", amount=9000)
    story.end()
    assert stories.Hall([DelegatedAuthority()], rules=[]).hear(story.events).signals == []
