"""`watchkeeper evals agreement` on the real engine: verdicts given by commands, scores as the worker stores them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from click.testing import Result

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.schemas.evidence import UnknownTool
from watchkeeper.schemas.scores import Score, score_id_of, subject_of_scores

Run = Callable[..., Result]


def agreement(run: Run, shelf: Any, *given: str) -> Any:
    ended = run("evals", "agreement", "--tenant", shelf.tenant, "--json", *given)
    assert ended.exit_code == 0, ended.output
    return orjson.loads(ended.stdout)


def judge(run: Run, verdict: str, ids: list[str]) -> None:
    assert run("finding", verdict, *ids, "--reason", "looked at").exit_code == 0


def filled(shelf: Any, count: int, **given: Any) -> None:
    for number in range(count):
        evidence = UnknownTool(tool_name=f"t{number}", tool_call_id="c1", nearest=[], registered=3)
        shelf.finding(evidence=evidence, **given)


def test_judging_the_queue_from_the_top_makes_an_estimate(run: Run, shelf: Any) -> None:
    filled(shelf, 24)
    before = agreement(run, shelf, "--queue", "12")
    (mode,) = before["modes"]
    assert (mode["findings"], mode["basis"], mode["precision"]) == (24, "none", None)
    assert before["overall"] is None
    asked = [row["finding_id"] for row in before["queue"]]
    assert len(asked) == 12
    assert set(before["queue"][0]) >= {"failure_mode", "severity", "agent_id", "session_id", "summary"}
    judge(run, "ack", asked[:9])
    judge(run, "wrong", asked[9:])
    after = agreement(run, shelf)
    (mode,) = after["modes"]
    assert [mode[name] for name in ("judged", "true", "false", "sampled", "missing")] == [12, 9, 3, 12, 0]
    assert (mode["basis"], mode["precision"], mode["inclusion"]) == ("sampled", 0.75, 0.5)
    assert mode["lower"] < 0.75 < mode["upper"]
    assert after["overall"]["precision"] == 0.75
    assert not set(asked) & {row["finding_id"] for row in after["queue"]}
    # What people take back, and what they mute, is read as `finding precision` reads it.
    judge(run, "ack", asked[9:10])
    judge(run, "mute", asked[:1])
    (mode,) = agreement(run, shelf)["modes"]
    assert (mode["true"], mode["false"]) == (10, 2)


def test_what_people_chose_to_judge_is_told_as_that(run: Run, shelf: Any) -> None:
    filled(shelf, 20)
    last = [row["finding_id"] for row in agreement(run, shelf, "--queue", "20", "--within", "0.1")["queue"]][-4:]
    judge(run, "wrong", last)
    (mode,) = agreement(run, shelf)["modes"]
    assert (mode["basis"], mode["judged"], mode["sampled"]) == ("chosen", 4, 0)
    table = run("evals", "agreement", "--tenant", shelf.tenant).stdout
    assert "chosen by people: not for the others" in table
    assert "Over all modes: not known" in table
    assert "To be judged next, from the top" in table


def test_what_is_found_in_no_session_is_asked_about_too(run: Run, shelf: Any) -> None:
    found = shelf.finding(session_id=None, subject=f"quality:{shelf.tenant}/live/{shelf.agent}")
    told = run("evals", "agreement", "--tenant", shelf.tenant)
    assert told.exit_code == 0, told.output
    assert found.finding_id in told.stdout
    (row,) = agreement(run, shelf)["queue"]
    assert row["session_id"] is None


def test_only_what_stands_in_production_is_counted(run: Run, shelf: Any) -> None:
    filled(shelf, 3)
    filled(shelf, 2, failure_mode="scope_creep", rule_id="scope_creep")
    shelf.finding(origin="import")
    gone = shelf.finding()
    shelf.finding(finding_id=gone.finding_id, revision=2, status="resolved")
    found = {one["failure_mode"]: one["findings"] for one in agreement(run, shelf)["modes"]}
    assert found == {"hallucinated_tool": 3, "scope_creep": 2}
    (mode,) = agreement(run, shelf, "--mode", "scope_creep")["modes"]
    assert mode["findings"] == 2
    (mode,) = agreement(run, shelf, "--origin", "import")["modes"]
    assert mode["findings"] == 1
    assert agreement(run, shelf, "--until", "1d")["modes"] == []
    assert "nothing was found" in run("evals", "agreement", "--tenant", shelf.tenant, "--until", "1d").stdout


def test_graders_scores_of_the_sessions_take_part(run: Run, shelf: Any) -> None:
    for number in range(40):
        filled(shelf, 1, failure_mode="ungrounded_answer", rule_id="ungrounded_answer", session_id=f"s-{number}")
        shelf.put("scores", row_of(shelf, f"s-{number}", grounded=number % 4 == 0))
    asked = agreement(run, shelf, "--queue", "20")["queue"]
    assert len(asked) == 20
    for verdict in ("ack", "wrong"):
        ids = [row["finding_id"] for row in asked if (int(row["session_id"][2:]) % 4 == 0) == (verdict == "wrong")]
        judge(run, verdict, ids)
    (mode,) = agreement(run, shelf)["modes"]
    assert (mode["basis"], mode["graded"], mode["sampled"]) == ("sampled_and_graded", 40, 20)
    # The grader agrees with people so far, and says of all forty what they say of twenty. Which twenty is chance, and
    # so is how far the estimate leans on the grader.
    assert mode["precision"] == pytest.approx(0.75, abs=0.15)
    (other,) = agreement(run, shelf, "--weak", "ungrounded_answer=nobody")["modes"]
    assert (other["basis"], other["graded"]) == ("sampled", 0)


@pytest.mark.parametrize("given", [("--weak", "groundedness"), ("--mode", "nonsense"), ("--within", "0")])
def test_what_cannot_be_meant_is_refused(run: Run, given: tuple[str, str]) -> None:
    ended = run("evals", "agreement", *given)
    assert (ended.exit_code, given[0] in ended.stderr) == (ExitCode.USAGE, True)


def row_of(shelf: Any, session: str, *, grounded: bool) -> bytes:
    """A score as the worker stores it."""
    now = datetime.now(UTC)
    score = Score(
        score_id=score_id_of(tenant_id=shelf.tenant, source="live", session_id=session, grader="groundedness@1"),
        subject=subject_of_scores(shelf.tenant, "live", shelf.agent),
        tenant_id=shelf.tenant,
        origin="live",
        source="live",
        session_id=session,
        agent_id=shelf.agent,
        grader="groundedness@1",
        result_type="number",
        value=0.9 if grounded else 0.1,
        occurred_at=now,
        graded_at=now,
    )
    document = score.model_dump(mode="json")
    return orjson.dumps(document | {"criteria": orjson.dumps(document["criteria"]).decode()})
