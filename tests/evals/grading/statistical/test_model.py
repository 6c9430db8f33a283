"""Features, the model file and the grader: pure, the same everywhere, and nothing in a file that runs."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedKFold

from watchkeeper.evals.grading.registry import build_grader
from watchkeeper.evals.grading.statistical import grader as grading
from watchkeeper.evals.grading.statistical.candidates import CANDIDATES, fit_calibrated, table_of
from watchkeeper.evals.grading.statistical.encoding import FIRST_WORD, encoding_of
from watchkeeper.evals.grading.statistical.features import BUCKETS, FEATURES, STRUCTURE, Features, features_of
from watchkeeper.evals.grading.statistical.grader import StatisticalGrader
from watchkeeper.evals.grading.statistical.model_file import (
    Calibration,
    Linear,
    TrainedModel,
    read_model,
    write_model,
)
from watchkeeper.evals.interaction import FindingNote, Interaction, ToolUse, Turn
from watchkeeper.schemas.errors import ConfigurationError

STATUSES: tuple[Literal["open", "resolved"], ...] = ("open", "resolved", "open")
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def session(**fields: Any) -> Interaction:
    values: dict[str, Any] = {
        "interaction_id": "s1",
        "agent_id": "support",
        "turns": (
            Turn(speaker="user", text="Where is order 1234?"),
            Turn(speaker="assistant", tools=(ToolUse(name="find", arguments={}, result="gone", failed=True),)),
            Turn(speaker="assistant", text="I could not find order 1234."),
        ),
        "started_at": NOW,
        "ended_at": NOW + timedelta(seconds=90),
        "status": "completed",
    }
    return Interaction(**{**values, **fields})


def model(**fields: Any) -> TrainedModel:
    seen = [features_of(session()), features_of(session(turns=(Turn(speaker="user", text="Hello order"),)))]
    values: dict[str, Any] = {
        "features": FEATURES,
        "target": "reward",
        "trained_at": NOW,
        "agents": ("support",),
        "sessions": 100,
        "good": 60,
        "groups": 20,
        "chosen": "counts",
        "measures": (),
        "encoding": encoding_of(seen),
        "model": Linear(intercept=0.3, counts={"calls_failed": -1.2, "user_turns": 0.1}, words={5: 0.4}),
        "calibration": Calibration(slope=-1.0, offset=0.0),
    }
    return TrainedModel(**{**values, **fields})


def test_features_tell_what_happened() -> None:
    found = features_of(session()).structure
    assert set(found) == set(STRUCTURE)
    assert (found["calls"], found["calls_failed"], found["ends_with_failure"]) == (1, 1, 1)
    assert (found["user_turns"], found["answer_words"], found["answer_declines"], found["seconds"]) == (1, 6, 1, 90)


def test_features_never_tell_who_it_was_nor_how_it_ended() -> None:
    other = session(
        agent_id="x",
        agent_version="9",
        model="m",
        prompt_version="p",
        tenant_id="t",
        outcomes={"reward": 1.0},
        interaction_id="s2",
    )
    assert features_of(other) == features_of(session())


def test_identifiers_are_no_words() -> None:
    turns = session().turns
    other = session(
        turns=(
            Turn(speaker="user", text="Where is order 98?"),
            turns[1],
            Turn(speaker="assistant", text="I could not find order 77."),
        )
    )
    assert features_of(other).words == features_of(session()).words


def test_open_findings_count_by_severity() -> None:
    notes = tuple(
        FindingNote(finding_id=f"f{at}", failure_mode="data_leak", kind="data_leaked", severity="high", status=status)
        for at, status in enumerate(STATUSES)
    )
    assert features_of(session(findings=notes)).structure["findings_high"] == 2


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.integers(0, BUCKETS - 1), st.integers(1, 50), max_size=30), min_size=1, max_size=8))
def test_rows_are_standardised_and_words_have_length_one_or_none(words: list[dict[int, int]]) -> None:
    sessions = [Features(dict.fromkeys(STRUCTURE, float(at)), some) for at, some in enumerate(words)]
    encoding = encoding_of(sessions)
    rows = [encoding.row(one) for one in sessions]
    for row in rows:
        length = sum(value * value for at, value in row.items() if at >= FIRST_WORD)
        assert length == pytest.approx(1) or length == 0
    assert sum(row[0] for row in rows) == pytest.approx(0, abs=1e-9)


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    digest = write_model(model(), tmp_path / "m.json")
    again, read_digest = read_model(tmp_path / "m.json")
    assert again == model()
    assert digest == read_digest
    assert len(digest) == 64


@pytest.mark.parametrize("name", [one.name for one in CANDIDATES])
def test_what_is_in_the_file_grades_as_scikit_learn_does(name: str, tmp_path: Path) -> None:
    candidate = next(one for one in CANDIDATES if one.name == name)
    draw = np.random.default_rng(7)
    labels = draw.integers(0, 2, 120)
    rows = [
        {
            **{at: float(draw.normal(labels[of] if at == 3 else 0)) for at in range(FIRST_WORD)},
            **{FIRST_WORD + int(w): float(draw.random()) for w in draw.integers(0, BUCKETS, 6)},
        }
        for of in range(120)
    ]
    matrix = table_of(rows)
    assert matrix.matrix.shape == (120, FIRST_WORD + len(matrix.buckets))
    splits = list(StratifiedKFold(4).split(np.zeros(120), labels))
    fitted = fit_calibrated(candidate, matrix, labels, splits)
    stored = TrainedModel.model_validate_json(
        model(model=fitted.model, calibration=fitted.calibration).model_dump_json()
    )
    mine = [stored.calibration.probability(stored.model.score(row)) for row in rows]
    if candidate.kind == "prior":
        assert mine == pytest.approx([labels.mean()] * 120)
        return
    machine = CalibratedClassifierCV(candidate.estimator(), method="sigmoid", cv=splits, ensemble=False)
    machine.fit(candidate.columns(matrix), labels)
    theirs = machine.predict_proba(candidate.columns(matrix))[:, 1]
    assert mine == pytest.approx(theirs.tolist(), abs=1e-9)


def _changed(**changes: Any) -> bytes:
    document = orjson.loads(model().model_dump_json())
    for path, value in changes.items():
        place = document
        *steps, last = path.split("__")
        for step in steps:
            place = place[step]
        place[last] = value
    return orjson.dumps(document)


LEAF: dict[str, Any] = {"columns": [-1], "thresholds": [0], "left": [-1], "right": [-1], "values": [1]}


def _trees(**changes: Any) -> dict[str, Any]:
    return {"kind": "trees", "initial": 0, "rate": 0.1, "trees": [{**LEAF, **changes}]}


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (pickle.dumps({"format": "watchkeeper.statistical/1"}), "no model of"),
        (b"", "no model of"),
        (b"{}", "no model of"),
        (_changed(format="watchkeeper.statistical/2"), "format"),
        (_changed(model__intercept="NaN"), "intercept"),
        (_changed(model__counts={"outcome_reward": 1.0}), "columns that are not there"),
        (_changed(model__words={"8192": 1.0}), "columns that are not there"),
        # A tree that never ends, and one that reaches beyond itself.
        (_changed(model=_trees(columns=[0], left=[0], right=[0])), "children come after their parents"),
        (_changed(model=_trees(columns=[0], left=[1], right=[2])), "children come after their parents"),
        (_changed(model=_trees(thresholds=[])), "of one length"),
        (_changed(code="__import__('os').system('true')"), "code"),
    ],
)
def test_a_file_that_is_no_model_is_refused_with_the_remedy(raw: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_bytes(raw)
    with pytest.raises(ConfigurationError, match=told) as raised:
        read_model(tmp_path / "m.json")
    assert "train it anew" in str(raised.value)


def test_a_missing_file_is_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="watchkeeper evals train --out"):
        build_grader(f"statistical:model={tmp_path / 'no.json'}")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_model(model(), tmp_path / "m.json")
    return tmp_path / "m.json"


def test_it_grades_with_a_probability_and_says_what_counts(file: Path) -> None:
    grader = build_grader({"name": "statistical", "model": str(file)})
    seen = session(turns=(*session().turns, *session().turns))
    grade = grader.grade(seen, None)
    assert grade.value == model().probability(features_of(seen))
    assert 0 < (grade.value or 0) < 0.5
    assert grade.passed is False
    assert "Most against it: calls_failed" in grade.reason
    assert grader.grade(seen, None) == grade


def test_the_version_follows_the_file_s_content_and_the_options(file: Path, tmp_path: Path) -> None:
    version = StatisticalGrader(file).version
    other = tmp_path / "copy.json"
    other.write_bytes(file.read_bytes())
    assert StatisticalGrader(other).version == version
    assert StatisticalGrader(file, 0.6).version != version
    write_model(model(target="csat"), other)
    assert StatisticalGrader(other).version != version


def test_it_abstains_where_it_was_trained_on_other_features(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grading, "FEATURES", FEATURES + 1)
    grade = StatisticalGrader(file).grade(session(), None)
    assert grade.result_type == "failure"
    assert "train it anew" in grade.reason


def test_it_abstains_on_parts_of_sessions_and_on_other_agents(file: Path) -> None:
    grader = StatisticalGrader(file)
    assert grader.grade(session(complete=False), None).result_type == "failure"
    assert not grader.applies(session(agent_id="sales"), None)
    assert grader.applies(session(), None)
    assert StatisticalGrader(file, any_agent=True).applies(session(agent_id="sales"), None)


def test_a_bar_that_is_none_is_refused(file: Path) -> None:
    with pytest.raises(ConfigurationError, match="bar is 2: write a probability"):
        build_grader({"name": "statistical", "model": str(file), "bar": 2})
