from __future__ import annotations

import io
import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from watchkeeper.cli.demo.closing import hint, look_further, print_next, print_report
from watchkeeper.cli.demo.picture import finding_line, picture_on
from watchkeeper.cli.demo.report import Report
from watchkeeper.cli.demo.stack_in_use import StackInUse
from watchkeeper.cli.demo.store import SessionSeen
from watchkeeper.cli.output import make_console
from watchkeeper.cli.root import watchkeeper
from watchkeeper.producers.fleet.ledger import Entry
from watchkeeper.producers.fleet.matching import Seen, compare
from watchkeeper.producers.fleet.scenario import Expectation
from watchkeeper.schemas.model import to_us

AT = datetime(2025, 6, 1, 12, tzinfo=UTC)
BREACH = Expectation("cost_runaway", "cap_use", "high")
FOUND = Seen(
    finding_id="f",
    session_id="one",
    agent_id="librarian",
    failure_mode="cost_runaway",
    kind="cap_use",
    severity="high",
    summary="The session used 96,178 tokens.\x1b[2J",
    evidence={},
    last_event_at=AT,
    detected_at=AT + timedelta(seconds=0.25),
    visible_at=AT + timedelta(seconds=0.5),
)
ROW = SessionSeen("one", "librarian", "stopped", 9, 3, 96_178, 0.25, 2, 1, "house-model")


def _report(found: tuple[Seen, ...] = (FOUND,), **entry: Any) -> Report:
    given: dict[str, Any] = {"must_stop": True, "stopped_us": to_us(AT) + 750_000, **entry}
    entries = [Entry("token-cap", "librarian", "one", (BREACH,), **given), Entry("pagination", "librarian", "two")]
    return Report(
        seed=0,
        tenant="demo-1",
        tallies=compare(entries, (), found),
        entries=entries,
        sessions={"one": ROW, "two": replace(ROW, session_id="two", findings=0, unpriced_requests=0)},
        unsettled=(),
        losses={},
    )


def _stack(**given: Any) -> StackInUse:
    fields: dict[str, Any] = {"bootstrap": "b", "dsn": "d", "home": Path("/tmp/demo"), "own": True, "stays": True}
    return StackInUse(**fields | given)


def _printed(report: Report) -> str:
    out = io.StringIO()
    print_report(make_console(out), report)
    return out.getvalue()


def test_a_row_tells_what_was_injected_found_stopped_and_spent() -> None:
    row = next(line for line in _printed(_report()).splitlines() if line.startswith("token-cap"))
    assert " ".join(row.split()) == "token-cap 1 1 1 0.25 s 0.50 s 1 of 1 0.75 s ≥ $0.2500 found"


def test_a_clean_scenario_says_so() -> None:
    row = next(line for line in _printed(_report()).splitlines() if line.startswith("pagination"))
    assert row.split()[-1] == "clean"


def test_what_has_no_price_is_named() -> None:
    assert "2 requests unpriced (no price is known for house-model)." in _printed(_report())


def test_an_injected_failure_that_went_unseen_is_named() -> None:
    text = _printed(_report(()))
    assert "1 UNSEEN" in text
    assert "UNSEEN token-cap: cost_runaway/cap_use, 1 of them, about one" in text
    assert "FAILED" in text


def test_an_accusation_is_told_in_full_and_cannot_move_the_cursor() -> None:
    text = _printed(_report((FOUND, replace(FOUND, finding_id="g", session_id="two"))))
    assert "UNEXPECTED pagination: cost_runaway/cap_use about two: The session used 96,178 tokens." in text
    assert "\x1b" not in text


def test_who_was_not_stopped_is_named() -> None:
    assert "NOT STOPPED token-cap: 1 of 1" in _printed(_report(stopped_us=None))


def _understand(found: click.Command, words: list[str]) -> None:
    with found.make_context(found.name, words) as context:
        if isinstance(found, click.Group):
            _, below, rest = found.resolve_command(context, [*context._protected_args, *context.args])
            assert below is not None
            _understand(below, rest)


def test_the_commands_to_look_further_are_understood() -> None:
    commands = look_further(_report(), _stack())
    assert len(commands) == 3
    assert "session show one " in commands[1]
    for line in commands:
        _understand(watchkeeper, shlex.split(line)[1:])


@pytest.mark.parametrize(
    ("stack", "said"),
    [
        (_stack(stays=False), "Nothing is left running. To look further: watchkeeper demo --keep"),
        (_stack(), "watchkeeper down --home /tmp/demo"),
    ],
)
def test_the_closing_words_tell_what_still_runs(stack: StackInUse, said: str) -> None:
    out = io.StringIO()
    print_next(make_console(out), _report(), stack)
    assert said in out.getvalue()


def test_a_stack_of_somebody_else_is_not_told_to_be_stopped() -> None:
    out = io.StringIO()
    print_next(make_console(out), _report(), _stack(own=False))
    assert "down" not in out.getvalue()


def test_where_nothing_was_stopped_the_likely_reason_is_given() -> None:
    advice = hint(_report(stopped_us=None), _stack(own=False))
    assert advice is not None
    assert "watchkeeper up --simulated-acts" in advice.plain
    assert hint(_report(), _stack(own=False)) is None


def test_without_a_terminal_the_picture_is_plain_lines() -> None:
    out = io.StringIO()
    with picture_on(out) as picture:
        picture.phase("Starting")
        picture.progress({"everyday": 1}, {"everyday": 2})
        picture.finding(FOUND)
        picture.stopped(Entry("token-cap", "librarian", "one"), 0.75)
        picture.progress({"everyday": 2}, {"everyday": 2})
    lines = out.getvalue().splitlines()
    assert lines[0] == "Starting …"
    found, stopped = (" ".join(line.split()) for line in lines[2:4])
    assert found == "high cost_runaway librarian 0.25 s The session used 96,178 tokens.\\x1b[2J"
    assert stopped == "stopped librarian 0.75 s session one ended by its agent"
    assert "past" not in found
    assert " past " in str(finding_line(replace(FOUND, detected_at=FOUND.last_event_at + timedelta(days=3))))
    assert lines[1::3] == ["1 of 2 runs", "2 of 2 runs"]
