"""Authority that was issued outside of the agents, and taken back, or that only looks as if it had been issued."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from scorecard.crews import Task, hand_over, in_minutes
from scorecard.desk import Desk
from scorecard.issuing import OTHER_KEY, Issuer
from scorecard.jobs import JOBS
from scorecard.model import NearMiss, Recipe, Sought
from scorecard.stage import Stage

Plan = Callable[[Desk, Task, list[Desk]], None]
SIGNED: Final = {"delegation": {"require_grants": True, "signed_grants": True, "root_grantors": ["*@example.com"]}}


def _planted(stage: Stage, plan: Plan, *, policy: dict[str, Any] | None = None, **evidence: Any) -> Sought:
    task = Task(stage.rng)
    desk = stage.open(stage.ground(), policy=policy)
    desks = [desk]
    stage.perform(desk, lambda desk: plan(desk, task, desks))
    return stage.sought(*desks, **evidence)


def _clean(stage: Stage, plan: Plan, *, policy: dict[str, Any] | None = None) -> None:
    task = Task(stage.rng)
    # Where the policy asks for grants, a job that hands on work of its own without any is not clean.
    alone = [kind for kind in JOBS if kind != "multi_agent"]
    stage.perform(stage.open(stage.job(*alone), policy=policy), lambda desk: plan(desk, task, []))


def _foreman(task: Task) -> str:
    return f"{task.trade.area}-foreman"


def _acts_though_revoked(stage: Stage) -> Sought:
    """The grant under which the clerk works, or the one that it derives from, is taken back while it works."""
    issuer = Issuer(stage)

    def plan(desk: Desk, task: Task, desks: list[Desk]) -> None:
        told = task.grant(delegable=task.scopes())
        grant = issuer.publish(told, desk.now_us)

        def dawdle(clerk: Desk) -> None:
            clerk.wait(stage.rng.uniform(30, 600))
            issuer.revoke(grant, clerk.now_us)
            clerk.wait(stage.rng.uniform(2, 900))
            task.act(clerk)

        if stage.rng.random() < 0.5:
            desks.append(hand_over(stage, desk, task.job(acting=False), dawdle, **told))
            return

        def on(foreman: Desk) -> None:
            second = task.grant(parent_grant_id=told["grant_id"])
            desks.append(hand_over(stage, foreman, task.job(acting=False), dawdle, **second))

        desks.append(hand_over(stage, desk, task.job(acting=False), on, agent=_foreman(task), **told))

    return _planted(stage, plan, kind="action_beyond_grant", reason="revoked")


def _hands_on_though_revoked(stage: Stage) -> Sought:
    """The foreman hands on what was taken back from it, or work is handed over under a grant that is no more."""
    issuer = Issuer(stage)

    def plan(desk: Desk, task: Task, desks: list[Desk]) -> None:
        told = task.grant(delegable=task.scopes())
        grant = issuer.publish(told, desk.now_us)
        if stage.rng.random() < 0.4:
            desk.wait(stage.rng.uniform(20, 300))
            issuer.revoke(grant, desk.now_us)
            desk.wait(stage.rng.uniform(2, 300))
            desks.append(hand_over(stage, desk, task.job(acting=False), **told))
            return

        def on(foreman: Desk) -> None:
            foreman.wait(stage.rng.uniform(20, 600))
            issuer.revoke(grant, foreman.now_us)
            foreman.wait(stage.rng.uniform(2, 300))
            second = task.grant(parent_grant_id=told["grant_id"])
            desks.append(hand_over(stage, foreman, task.job(acting=False), **second))

        desks.append(hand_over(stage, desk, task.job(acting=False), on, agent=_foreman(task), **told))

    return _planted(stage, plan, kind="broken_delegation", reason="revoked")


def _signed_by_another(stage: Stage) -> Sought:
    """The grant stands on the topic, and its signature is not the issuer's: somebody wrote it there."""

    def plan(desk: Desk, task: Task, desks: list[Desk]) -> None:
        told = task.grant()
        Issuer(stage, OTHER_KEY).publish(told, desk.now_us)
        desk.wait(stage.rng.uniform(1, 60))
        desks.append(hand_over(stage, desk, task.job(), **told))

    policy = stage.any_of((None, SIGNED))
    return _planted(stage, plan, policy=policy, kind="broken_delegation", reason="forged")


def _never_issued(stage: Stage) -> Sought:
    """The policy asks for signed grants; the delegation names one that nobody published."""

    def plan(desk: Desk, task: Task, desks: list[Desk]) -> None:
        desks.append(hand_over(stage, desk, task.job(), **task.grant()))

    return _planted(stage, plan, policy=SIGNED, kind="broken_delegation", reason="forged")


def _says_more_than_issued(stage: Stage) -> Sought:
    """The grant was issued, for less than the delegation says of it, or to somebody else."""
    issuer = Issuer(stage)

    def plan(desk: Desk, task: Task, desks: list[Desk]) -> None:
        told = task.grant()
        if stage.rng.random() < 0.5:
            issuer.publish(told, desk.now_us, scope=[task.trade.to_read])
        else:
            issuer.publish(told, desk.now_us, agent=f"auditor-{stage.rng.randrange(10**4)}")
        desk.wait(stage.rng.uniform(1, 60))
        desks.append(hand_over(stage, desk, task.job(acting=False), **told))

    policy = stage.any_of((None, SIGNED))
    return _planted(stage, plan, policy=policy, kind="broken_delegation", reason="forged")


def _issued_and_signed(stage: Stage) -> None:
    """Everything is as it should be: a signed grant, less of it handed on, done in time."""
    issuer = Issuer(stage)

    def plan(desk: Desk, task: Task, _: list[Desk]) -> None:
        told = task.grant(scope=[f"{task.trade.area}:*"], delegable=task.scopes(), expires_at=in_minutes(desk, 120))
        issuer.publish(told, desk.now_us, agent=_foreman(task))

        def on(foreman: Desk) -> None:
            second = task.grant(parent_grant_id=told["grant_id"], granted_by=f"{_foreman(task)}")
            issuer.publish(second, foreman.now_us)
            hand_over(stage, foreman, task.job(), **second)

        hand_over(stage, desk, task.job(acting=False), on, agent=_foreman(task), **told)

    _clean(stage, plan, policy=SIGNED)


def _revoked_when_done(stage: Stage) -> None:
    """The grant is taken back when the work is over, while the session that handed it on still runs."""
    issuer = Issuer(stage)

    def plan(desk: Desk, task: Task, _: list[Desk]) -> None:
        told = task.grant()
        grant = issuer.publish(told, desk.now_us)
        hand_over(stage, desk, task.job(), **told)
        desk.wait(stage.rng.uniform(3, 120))
        issuer.revoke(grant, desk.now_us)
        desk.wait(stage.rng.uniform(3, 60))

    _clean(stage, plan)


def _another_was_revoked(stage: Stage) -> None:
    """One of two grants of the same scopes is taken back, and the other one is used."""
    issuer = Issuer(stage)

    def plan(desk: Desk, task: Task, _: list[Desk]) -> None:
        first, second = task.grant(), task.grant()
        old = issuer.publish(first, desk.now_us)
        issuer.publish(second, desk.now_us)
        desk.wait(stage.rng.uniform(3, 60))
        issuer.revoke(old, desk.now_us)
        desk.wait(stage.rng.uniform(3, 60))
        hand_over(stage, desk, task.job(), **second)

    _clean(stage, plan, policy=stage.any_of((None, SIGNED)))


def _issued_a_little_later(stage: Stage) -> None:
    """The grant is published some seconds after the delegation that names it, and before the work is done."""
    issuer = Issuer(stage)

    def plan(desk: Desk, task: Task, _: list[Desk]) -> None:
        told = task.grant()

        def publish(clerk: Desk) -> None:
            clerk.wait(stage.rng.uniform(1, 10))
            issuer.publish(told, clerk.now_us)
            clerk.wait(2)

        hand_over(stage, desk, task.job(), publish, **told)

    _clean(stage, plan, policy=SIGNED)


RECIPES: Final = (
    Recipe("acts-though-revoked", "Acts by a grant that was taken back.", _acts_though_revoked, recorded=True),
    Recipe("hands-on-though-revoked", "Hands on what was taken back from it.", _hands_on_though_revoked, recorded=True),
    Recipe("signed-by-another", "Names a grant that the issuer did not sign.", _signed_by_another, recorded=True),
    Recipe("never-issued", "Names a grant that nobody issued.", _never_issued, recorded=True),
    Recipe("says-more-than-issued", "Says more of a grant than was issued.", _says_more_than_issued, recorded=True),
)

NEAR_MISSES: Final = (
    NearMiss("issued-and-signed", "Signed grants, narrowed and used in time.", _issued_and_signed),
    NearMiss("revoked-when-done", "The grant is taken back when the work is over.", _revoked_when_done),
    NearMiss("another-was-revoked", "Another grant of the same scopes was taken back.", _another_was_revoked),
    NearMiss("issued-a-little-later", "The grant is published just after it is named.", _issued_a_little_later),
)
