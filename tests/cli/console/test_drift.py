"""Drift as the console reads it: what the worker keeps, and the course replayed from stored scores."""

from __future__ import annotations

from datetime import timedelta

import pytest
from console_scored_agent import CHANGES_AT, GRADER, SCORES, ScoredAgent

from watchkeeper.cli.console.drift import StoredDrift
from watchkeeper.cli.console.drift_replay import thinned
from watchkeeper.cli.store import ReadStore
from watchkeeper.dashboards.console.drift_source import Step


def test_a_stream_that_drifted_is_told_as_the_worker_holds_it(store: ReadStore, graded: ScoredAgent) -> None:
    graded.watch(graded.judge(graded.history()))
    (stream,) = [one for one in StoredDrift(store).streams(graded.tenant) if one.family == "graders"]
    assert (stream.agent_id, stream.origin, stream.name, stream.state) == ("clerk", "live", GRADER, "drifted")
    assert stream.told_at is not None
    assert graded.at(CHANGES_AT) < stream.told_at <= graded.at(SCORES)
    level = stream.level
    assert level is not None
    assert level.baseline_scores >= 500
    assert 0.92 < level.before < 0.98
    assert level.limit < level.before
    assert level.low <= level.after <= level.high < level.before
    assert abs(level.since - graded.at(CHANGES_AT)) < timedelta(days=1)


def test_the_course_is_the_workers_own(store: ReadStore, graded: ScoredAgent) -> None:
    scores = graded.history()
    # Graded twice and stored twice: it counts once.
    graded.store([*scores, *scores[:50]])
    graded.watch(graded.judge(scores))
    drift = StoredDrift(store)
    (stream,) = [one for one in drift.streams(graded.tenant, "clerk") if one.family == "graders"]
    course = drift.course(stream)
    assert not course.differs
    assert not course.too_many
    assert stream.level is not None
    assert course.before == stream.level.before
    assert course.limit == pytest.approx(stream.level.limit)
    assert course.steps[-1].share == pytest.approx(stream.level.share)
    assert sum(block.scores for block in course.blocks) == SCORES
    whole = sum(block.mean * block.scores for block in course.blocks)
    assert whole == pytest.approx(sum(score.value or 0.0 for score in scores))
    (alarm,) = course.alarms
    assert alarm.at == stream.told_at
    assert CHANGES_AT < alarm.number < SCORES
    assert {one.name for one in alarm.told.segments if one.dimension == "intent"} == {"refund"}
    before = [step.share for step in course.steps if step.number <= CHANGES_AT]
    assert max(before) < 1 <= max(step.share for step in course.steps)


def test_a_baseline_that_is_gathered_says_how_far_it_is(store: ReadStore, graded: ScoredAgent) -> None:
    scores = graded.history(120)
    graded.store(scores)
    graded.watch(graded.judge(scores))
    drift = StoredDrift(store)
    (stream,) = [one for one in drift.streams(graded.tenant) if one.family == "graders"]
    assert (stream.state, stream.gathered, stream.wanted, stream.level) == ("gathering", 120, 500, None)
    assert stream.days == pytest.approx(119 / 72, abs=0.1)
    course = drift.course(stream)
    assert course.steps == ()
    assert course.before is None
    assert len(course.blocks) == 24


def test_what_the_worker_heard_besides_is_said(store: ReadStore, graded: ScoredAgent) -> None:
    scores = graded.history()
    graded.store(scores[:-20])
    graded.watch(graded.judge(scores))
    drift = StoredDrift(store)
    (stream,) = [one for one in drift.streams(graded.tenant) if one.family == "graders"]
    assert drift.course(stream).differs


def test_nothing_watched_is_nothing(store: ReadStore, graded: ScoredAgent) -> None:
    assert StoredDrift(store).streams(graded.tenant) == []


def test_thinning_keeps_what_stands_out(graded: ScoredAgent) -> None:
    steps = [Step(graded.at(number), number, 0.9 if number == 777 else 0.1) for number in range(2000)]
    kept = thinned(steps, 100)
    assert len(kept) <= 101
    assert steps[777] in kept
    assert kept[-1] == steps[-1]
