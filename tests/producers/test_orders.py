"""Commands in force: who is addressed, until when, and what lifts them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from watchkeeper.producers.obeying.orders import OrderBoard
from watchkeeper.schemas.control import Action, Control, Target
from watchkeeper.schemas.model import from_us

SECOND = 1_000_000
NOW = 1_700_000_000 * SECOND
SCOPES = (("session", "s"), ("agent", "a"), ("session", "parent"), ("agent", "b"), ("tenant", "t"))
NUMBERS = itertools.count()


def command(action: Action, target: str = "session:s", at: int = 0, seconds: int = 60, **more: Any) -> Control:
    kind, _, name = target.partition(":")
    fields: dict[str, Any] = {
        "command_id": f"c{next(NUMBERS)}",
        "tenant_id": "t",
        "target": Target(kind=kind, id=name),  # type: ignore[arg-type] # one of the three
        "action": action,
        "reason": "why",
        "issued_by": "worker",
        "issued_at": from_us(NOW + at * SECOND),
        "expires_at": from_us(NOW + (at + seconds) * SECOND),
    }
    return Control(**(fields | more))


def board_with(*commands: Control, at: int = 0) -> OrderBoard:
    board = OrderBoard("t")
    for one in commands:
        board.apply(one, NOW + at * SECOND)
    return board


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        ("session:s", True),
        ("agent:a", True),
        ("session:parent", True),
        ("agent:b", True),
        ("tenant:t", True),
        ("session:other", False),
        ("agent:s", False),
        ("tenant:u", False),
    ],
)
def test_whom_a_command_reaches(target: str, reached: bool) -> None:
    assert bool(board_with(command("terminate", target)).in_force(SCOPES, NOW)) == reached


def test_commands_expire() -> None:
    board = board_with(command("pause", seconds=10))
    assert board.in_force(SCOPES, NOW + 10 * SECOND - 1)
    assert not board.in_force(SCOPES, NOW + 10 * SECOND)
    assert not OrderBoard("t").apply(command("pause", seconds=10), NOW + 10 * SECOND)


def test_another_tenant_s_commands_are_not_ours() -> None:
    assert not OrderBoard("t").apply(command("terminate", tenant_id="u"), NOW)


def test_a_repeat_changes_nothing_even_after_it_was_lifted() -> None:
    stop = command("terminate")
    board = board_with(stop, command("resume", at=1))
    version = board.version
    assert not board.apply(stop, NOW)
    assert board.version == version
    assert not board.in_force(SCOPES, NOW)


@pytest.mark.parametrize("action", ["terminate", "pause", "slow_down", "circuit_open"])
def test_resume_lifts_what_came_before_for_the_same_target(action: Action) -> None:
    before, after = command(action, tool_name="x"), command(action, at=2, tool_name="x")
    assert not board_with(before, command("resume", at=1)).in_force(SCOPES, NOW)
    assert board_with(before, command("resume", "agent:a", at=1)).in_force(SCOPES, NOW) == (before,)
    assert board_with(after, command("resume", at=1)).in_force(SCOPES, NOW) == (after,)


def test_circuits_are_open_by_tool() -> None:
    opened = (command("circuit_open", "agent:a", tool_name="x"), command("circuit_open", "agent:a", tool_name="y"))
    assert board_with(*opened).in_force(SCOPES, NOW) == opened
    closed = command("resume", "agent:a", at=1, tool_name="x")
    assert board_with(*opened, closed).in_force(SCOPES, NOW) == opened[1:]


def test_the_nearest_command_comes_first() -> None:
    far, near = command("terminate", "tenant:t"), command("terminate", "session:s")
    assert board_with(far, near).in_force(SCOPES, NOW) == (near, far)


def test_a_later_command_takes_the_place_of_an_earlier_one_but_not_of_an_operator_s() -> None:
    earlier, later, operator = command("pause"), command("pause", at=1), command("pause", issued_by="ops")
    assert set(board_with(earlier, operator, later).in_force(SCOPES, NOW)) == {operator, later}


def test_what_is_over_is_forgotten() -> None:
    board = board_with(*(command("pause", f"session:{number}", seconds=1) for number in range(100)))
    board.apply(command("pause", at=50), NOW + 50 * SECOND)
    assert len(board._orders) == 1
