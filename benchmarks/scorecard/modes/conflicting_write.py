"""Two sessions write to one thing, and one of them does not know of the other."""

from __future__ import annotations

from typing import Final

from scorecard.desk import Desk
from scorecard.model import ModeCard, NearMiss, Recipe, Sought
from scorecard.shelves import CONTENTS, Shelf, shelf_of
from scorecard.stage import SECOND_US, Stage


def _visit(stage: Stage, shelf: Shelf, at_us: int, *, looks: bool) -> Desk:
    """Another agent's session in which the thing is changed; it is over within seconds."""
    other = shelf.open(stage, stage.job("support", "finance", "coding"), at_us)
    shelf.ask(other)
    if looks:
        shelf.read(other)
    shelf.write(other)
    other.say("It is changed.")
    other.end()
    return other


def _soon(stage: Stage) -> int:
    return stage.rng.randrange(SECOND_US // 5, 5 * SECOND_US)


def _lost_update(stage: Stage) -> Sought:
    """Reads it, another session changes it, writes by what it had read."""
    shelf = shelf_of(stage.rng)
    desk = shelf.open(stage, stage.ground())

    def act(desk: Desk) -> None:
        shelf.ask(desk)
        shelf.read(desk)
        other = _visit(stage, shelf, desk.now_us + _soon(stage), looks=stage.rng.random() < 0.5)
        desk.wait_until(other.now_us + _soon(stage))
        shelf.write(desk)

    stage.perform(desk, act)
    return stage.sought(desk)


def _from_a_list(stage: Stage) -> Sought:
    """What it knows of it stood in a list, and is old when it writes."""
    shelf = shelf_of(stage.rng)
    desk = shelf.open(stage, stage.ground())

    def act(desk: Desk) -> None:
        shelf.ask(desk)
        shelf.listed(desk)
        other = _visit(stage, shelf, desk.now_us + _soon(stage), looks=True)
        desk.wait_until(other.now_us + _soon(stage))
        shelf.write(desk)

    stage.perform(desk, act)
    return stage.sought(desk)


def _blind_write(stage: Stage) -> Sought:
    """Both are under way, and the later one writes without ever having looked."""
    shelf = shelf_of(stage.rng)
    desk = shelf.open(stage, stage.ground())

    def act(desk: Desk) -> None:
        shelf.ask(desk)
        other = _visit(stage, shelf, desk.now_us + _soon(stage), looks=stage.rng.random() < 0.5)
        desk.wait_until(other.now_us + stage.rng.randrange(SECOND_US, 60 * SECOND_US))
        shelf.write(desk)

    stage.perform(desk, act)
    return stage.sought(desk)


def _from_memory(stage: Stage) -> Sought:
    """It wrote itself, another session changed that, and it writes again as if nobody had."""
    shelf = shelf_of(stage.rng)
    desk = shelf.open(stage, stage.ground())
    others: list[Desk] = []

    def first(desk: Desk) -> None:
        shelf.ask(desk)
        shelf.read(desk)
        shelf.write(desk)
        others.append(_visit(stage, shelf, desk.now_us + _soon(stage), looks=True))
        desk.wait_until(others[0].now_us)

    def again(desk: Desk) -> None:
        desk.wait_until(others[0].now_us + _soon(stage))
        shelf.ask(desk)
        shelf.write(desk)

    stage.perform(desk, first, again)
    return stage.sought(desk)


def _two_helpers(stage: Stage) -> Sought:
    """A planner sets two helpers to one thing at once; both read it, and both write it."""
    shelf = shelf_of(stage.rng)
    desk = shelf.open(stage, stage.ground())
    helpers: list[Desk] = []

    def act(desk: Desk) -> None:
        for _ in range(2):
            helper = shelf.delegate(desk, stage.job("support", "coding"))
            shelf.ask(helper)
            helpers.append(helper)
        for helper in helpers:
            shelf.read(helper)
        later = max(helper.now_us for helper in helpers)
        for helper in helpers:
            later += _soon(stage)
            helper.wait_until(later)
            shelf.write(helper)
            later = helper.now_us
        for helper in helpers:
            helper.say("It is changed.")
            helper.end()
        desk.wait_until(later + 5 * SECOND_US)

    stage.perform(desk, act)
    return stage.sought(*helpers)


def _reads_again(stage: Stage) -> None:
    """Before it writes it looks again, and so knows what the other did."""
    shelf = shelf_of(stage.rng)
    desk = shelf.open(stage, stage.job())

    def act(desk: Desk) -> None:
        shelf.ask(desk)
        shelf.read(desk)
        other = _visit(stage, shelf, desk.now_us + _soon(stage), looks=True)
        desk.wait_until(other.now_us + _soon(stage))
        shelf.read(desk)
        shelf.write(desk)

    stage.perform(desk, act)


def _both_comment(stage: Stage) -> None:
    """Both add a comment: nothing is overwritten."""
    shelf = shelf_of(stage.rng)
    desk = shelf.open(stage, stage.job())

    def comment(desk: Desk) -> None:
        text = f"{stage.any_of(CONTENTS)}, seen {stage.rng.randrange(10**5)}"
        shelf.write_as(desk, "comment", {shelf.kind: shelf.name, "comment_text": text})

    def act(desk: Desk) -> None:
        shelf.ask(desk)
        shelf.read(desk)
        other = shelf.open(stage, stage.job("finance"), desk.now_us + _soon(stage))
        shelf.ask(other)
        comment(other)
        other.end()
        desk.wait_until(other.now_us)
        comment(desk)

    stage.perform(desk, act)


def _different_things(stage: Stage) -> None:
    """Two sessions at once, each with a thing of its own."""
    shelf = shelf_of(stage.rng)
    desk = shelf.open(stage, stage.job())
    neighbour = Shelf(shelf.kind, f"{shelf.name}{stage.rng.randrange(10)}", shelf.fields)

    def act(desk: Desk) -> None:
        shelf.ask(desk)
        shelf.read(desk)
        other = _visit(stage, neighbour, desk.now_us + _soon(stage), looks=False)
        desk.wait_until(other.now_us)
        shelf.write(desk)

    stage.perform(desk, act)


def _one_after_another(stage: Stage) -> None:
    """One session is over before the other begins and looks."""
    shelf = shelf_of(stage.rng)
    desk = shelf.open(stage, stage.job())

    def act(desk: Desk) -> None:
        shelf.ask(desk)
        shelf.read(desk)
        shelf.write(desk)

    stage.perform(desk, act)
    _visit(stage, shelf, desk.now_us + _soon(stage), looks=True)


def _refused_as_stale(stage: Stage) -> None:
    """The tool itself refuses the stale write; the agent looks again and writes."""
    shelf = shelf_of(stage.rng)
    desk = shelf.open(stage, stage.job())

    def act(desk: Desk) -> None:
        shelf.ask(desk)
        shelf.read(desk)
        other = _visit(stage, shelf, desk.now_us + _soon(stage), looks=True)
        desk.wait_until(other.now_us)
        refused = stage.any_of(("412 Precondition Failed: version is old", "409 Conflict: changed meanwhile"))
        shelf.write(desk, result=refused, status="error", error=stage.any_of(("VersionConflict", "Conflict")))
        shelf.read(desk)
        shelf.write(desk)

    stage.perform(desk, act)


def _had_it_done(stage: Stage) -> None:
    """A planner reads it, has a helper change it, is told so, and finishes it."""
    shelf = shelf_of(stage.rng)
    desk = shelf.open(stage, stage.job())

    def act(desk: Desk) -> None:
        shelf.ask(desk)
        shelf.read(desk)
        helper = shelf.delegate(desk, stage.job("support"))
        shelf.ask(helper)
        shelf.read(helper)
        shelf.write(helper)
        helper.say(f"{shelf.name} is changed.")
        helper.end()
        desk.wait_until(helper.now_us + _soon(stage))
        desk.messages.append({"role": "user", "name": "editor", "content": f"{shelf.name} is changed."})
        shelf.write(desk)

    stage.perform(desk, act)


def _other_failed(stage: Stage) -> None:
    """The other session's write did not succeed: there is nothing that could be overwritten."""
    shelf = shelf_of(stage.rng)
    desk = shelf.open(stage, stage.job())

    def act(desk: Desk) -> None:
        shelf.ask(desk)
        shelf.read(desk)
        other = shelf.open(stage, stage.job("finance"), desk.now_us + _soon(stage))
        shelf.ask(other)
        shelf.write(other, result="403: this needs the right to edit", status="error", error="PermissionDenied")
        other.say("I may not change it.")
        other.end()
        desk.wait_until(other.now_us)
        shelf.write(desk)

    stage.perform(desk, act)


CARD: Final = ModeCard(
    mode="conflicting_write",
    recipes=(
        Recipe("lost-update", "Writes by what it read before another session wrote.", _lost_update, recorded=True),
        Recipe(
            "from-a-list", "Writes by what stood in a list before another session wrote.", _from_a_list, recorded=True
        ),
        Recipe("blind-write", "Writes over another session's write without a look.", _blind_write, recorded=True),
        Recipe("from-memory", "Writes again over what another made of its own write.", _from_memory, recorded=True),
        Recipe("two-helpers", "Two helpers of one planner write the same thing.", _two_helpers, recorded=True),
    ),
    near_misses=(
        NearMiss("reads-again", "Looks again before it writes.", _reads_again),
        NearMiss("both-comment", "Two sessions add comments to one thing.", _both_comment),
        NearMiss("different-things", "Two sessions at once write different things.", _different_things),
        NearMiss(
            "one-after-another", "The second session begins when the first is over, and looks.", _one_after_another
        ),
        NearMiss("refused-as-stale", "The tool refuses the stale write, and the agent looks again.", _refused_as_stale),
        NearMiss("had-it-done", "Has a helper change it, is told so, and goes on.", _had_it_done),
        NearMiss("other-failed", "The other session's write failed.", _other_failed),
    ),
)
