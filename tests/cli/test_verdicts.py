"""What people say of findings: kept with who, when and why, shown wherever findings are, and added up by rule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from click.testing import Result

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.schemas.evidence import UnknownTool
from watchkeeper.stream_processors.detection.proportions import score_interval

Run = Callable[..., Result]


def lines(ended: Result) -> list[Any]:
    assert ended.exit_code == 0, ended.output
    return [orjson.loads(line) for line in ended.stdout.splitlines()]


def document(ended: Result) -> Any:
    assert ended.exit_code == 0, ended.output
    return orjson.loads(ended.stdout)


def other_tool(name: str) -> UnknownTool:
    return UnknownTool(tool_name=name, tool_call_id="c1", nearest=[], registered=3)


def test_a_verdict_is_kept_and_the_latest_holds(run: Run, shelf: Any) -> None:
    found = shelf.finding()
    assert document(run("finding", "show", found.finding_id, "--json"))["verdict"] is None
    (kept,) = lines(run("finding", "wrong", found.finding_id, "--reason", "agreed by phone", "--as", "ada", "--json"))
    assert (kept["verdict"], kept["given_by"], kept["about"]) == ("wrong", "ada", "tool_name=refnd")
    ended = run("finding", "ack", found.finding_id, "--reason", "it was so", "--as", "bob")
    assert ended.stdout == f"ack {found.finding_id}, by bob: It called refnd, which is no tool.\n"
    shown = document(run("finding", "show", found.finding_id, "--json"))
    assert (shown["verdict"]["verdict"], shown["verdict"]["by"], shown["verdict"]["reason"]) == (
        *("ack", "bob"),
        "it was so",
    )
    assert [(one["verdict"], one["given_by"]) for one in shown["history"]] == [("wrong", "ada"), ("ack", "bob")]
    (listed,) = lines(run("findings", "--tenant", shelf.tenant, "--json"))
    assert listed["verdict"] == shown["verdict"]
    assert "(ack)" in run("findings", "--tenant", shelf.tenant).stdout
    page = run("finding", "show", found.finding_id).stdout
    assert "wrong by ada: agreed by phone" in page
    assert "tool_name=refnd" in page


def test_a_verdict_stands_on_the_session_s_page(run: Run, shelf: Any) -> None:
    shelf.event("session_started", 0, {})
    found = shelf.finding()
    run("finding", "wrong", found.finding_id, "--reason", "a test run", "--as", "ada")
    assert "wrong by ada: a test run" in run("session", "show", shelf.session).stdout
    story = document(run("session", "show", shelf.session, "--json"))["story"]
    (told,) = [entry["finding"] for entry in story if entry["kind"] == "finding"]
    assert told["verdict"]["verdict"] == "wrong"


def test_a_mute_hides_the_same_by_the_same_agent_until_it_is_over_or_replaced(
    run: Run, shelf: Any, new_shelf: Any
) -> None:
    found = shelf.finding()
    elsewhere = shelf.finding(session_id="another session")
    others = {
        shelf.finding(evidence=other_tool("lookup")).finding_id,
        shelf.finding(agent_id="somebody else").finding_id,
        shelf.finding(rule_id="another_rule").finding_id,
    }
    stranger = new_shelf().finding(agent_id=shelf.agent)

    def listed(*options: str) -> set[str]:
        return {row["finding_id"] for row in lines(run("findings", "--tenant", shelf.tenant, "--json", *options))}

    every = others | {found.finding_id, elsewhere.finding_id}
    assert listed() == every
    ended = run("finding", "mute", found.finding_id, "--for", "3d", "--reason", "known")
    assert f"unknown_tool tool_name=refnd of agent {shelf.agent} is muted until" in ended.stdout
    assert listed() == others
    assert listed("--muted") == every
    assert listed("--muted", "--verdict", "mute") == {found.finding_id}
    assert listed("--verdict", "none") == others
    assert document(run("finding", "show", elsewhere.finding_id, "--json"))["is_muted"] is True
    assert "[muted]" in run("finding", "show", elsewhere.finding_id).stdout
    # A finding of the same agent's name in another tenant is another agent's.
    assert document(run("finding", "show", stranger.finding_id, "--json"))["is_muted"] is False

    run("finding", "ack", found.finding_id, "--reason", "it was so")
    assert listed() == every


def test_a_mute_that_is_over_hides_nothing(run: Run, shelf: Any, client: Any) -> None:
    found = shelf.finding()
    (kept,) = lines(run("finding", "mute", found.finding_id, "--reason", "known", "--json"))
    over = {
        "verdict_id": "over",
        "given_at": datetime.now(UTC) + timedelta(seconds=1),
        "muted_until": "2026-01-01T00:00:00Z",
    }
    shelf.put("verdicts", orjson.dumps(kept | over))
    assert len(lines(run("findings", "--tenant", shelf.tenant, "--json"))) == 1


def test_precision_by_rule(run: Run, shelf: Any) -> None:
    judged = [shelf.finding() for _ in range(5)]
    shelf.finding(rule_id="never_judged")
    run("finding", "ack", *(one.finding_id for one in judged[:3]), "--reason", "so it was")
    run("finding", "wrong", judged[3].finding_id, "--reason", "not so")
    # What is muted stays judged; what was called wrong, and then true, is true.
    run("finding", "mute", judged[0].finding_id, "--reason", "known")
    run("finding", "wrong", judged[1].finding_id, "--reason", "not so")
    run("finding", "ack", judged[1].finding_id, "--reason", "so it was")
    rules = {row["rule_id"]: row for row in lines(run("finding", "precision", "--tenant", shelf.tenant, "--json"))}
    assert set(rules) == {"hallucinated_tool", "never_judged"}
    told = rules["hallucinated_tool"]
    assert [told[name] for name in ("findings", "judged", "true", "false", "muted")] == [5, 4, 3, 1, 1]
    assert told["precision"] == 0.75
    assert (round(told["lower"], 4), round(told["upper"], 4)) == (0.3006, 0.9544)
    unknown = rules["never_judged"]
    assert (unknown["findings"], unknown["judged"]) == (1, 0)
    assert unknown["precision"] is unknown["lower"] is unknown["upper"] is None
    table = run("finding", "precision", "--tenant", shelf.tenant).stdout
    assert "75.0%" in table
    assert "not known" in table
    later = lines(run("finding", "precision", "--tenant", shelf.tenant, "--until", "1d", "--json"))
    assert later == []


def test_what_does_not_exist_leaves_nothing_half_done(run: Run, shelf: Any) -> None:
    found = shelf.finding()
    ended = run("finding", "ack", found.finding_id, found.finding_id[:-2] + "zz", "--reason", "x")
    assert ended.exit_code == ExitCode.NOT_FOUND
    assert f"did you mean {found.finding_id}" in ended.stderr
    assert document(run("finding", "show", found.finding_id, "--json"))["history"] == []
    assert run("finding", "ack", found.finding_id, "--reason", "x", "--tenant", "other").exit_code == 3
    assert run("finding", "ack", "--reason", "x").exit_code == ExitCode.USAGE
    assert run("finding", "ack", found.finding_id).exit_code == ExitCode.USAGE
    long = run("finding", "ack", found.finding_id, "--reason", "x" * 1001)
    assert (long.exit_code, "at most 1000 characters" in long.stderr) == (ExitCode.USAGE, True)


@pytest.mark.parametrize(
    ("right", "trials", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_the_interval_is_wilson_s(right: int, trials: int, low: float, high: float) -> None:
    """The last are of Newcombe (1998), table I; the others of R's `prop.test(correct = FALSE)`."""
    interval = score_interval(right, trials)
    assert interval is not None
    assert [round(bound, 4) for bound in interval] == [low, high]


def test_without_trials_there_is_no_interval() -> None:
    assert score_interval(0, 0) is None
