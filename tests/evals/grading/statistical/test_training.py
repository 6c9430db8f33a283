"""Training: it learns what is there, does not learn what is not, and says honestly which of the two."""

from __future__ import annotations

import gzip
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from watchkeeper.evals.grading.statistical.candidates import CANDIDATES, Candidate
from watchkeeper.evals.grading.statistical.labelled import (
    Label,
    by_labels,
    by_outcome,
    read_labels,
    read_recordings,
)
from watchkeeper.evals.grading.statistical.model_card import is_no_better_than_chance, model_card
from watchkeeper.evals.grading.statistical.model_file import Measure
from watchkeeper.evals.grading.statistical.training import MIN_EACH, Labelled, Trained, train
from watchkeeper.evals.interaction import Interaction, ToolUse, Turn
from watchkeeper.schemas.errors import ConfigurationError

NOW = datetime(2026, 3, 2, tzinfo=UTC)
COUNTS = tuple(one for one in CANDIDATES if one.name in {"prior", "counts, C=0.05"})
WORDS = tuple(one for one in CANDIDATES if one.name in {"prior", "counts and words, C=1"})


def labelled(at: int, good: bool, *, group: str = "", failures: int = 0, said: str = "Done.") -> Labelled:
    calls = tuple(ToolUse(name="pay", arguments={"n": one}, result="no", failed=one < failures) for one in range(4))
    turns = (
        Turn(speaker="user", text=f"Please do task {at}"),
        Turn(speaker="assistant", tools=calls),
        Turn(speaker="assistant", text=said),
    )
    interaction = Interaction(
        interaction_id=f"s{at:04}",
        agent_id="support",
        turns=turns,
        started_at=NOW,
        ended_at=NOW + timedelta(seconds=60),
        outcomes={"reward": float(good), "note": "fine", "task": group},
    )
    return Labelled(interaction, good, group or f"task-{at % 40}")


def failing(count: int) -> list[Labelled]:
    """Of bad sessions more calls fail, mostly."""
    draw = random.Random(11)
    found = []
    for at in range(count):
        good = draw.random() < 0.6
        found.append(labelled(at, good, failures=draw.choice([0, 0, 0, 1] if good else [0, 1, 2, 3])))
    return found


def run(sessions: Sequence[Labelled], candidates: Sequence[Candidate] = COUNTS) -> Trained:
    return train(sessions, target="reward", trained_at=NOW, candidates=candidates)


def of(trained: Trained, name: str) -> Measure:
    return next(one for one in trained.model.measures if one.name == name)


@pytest.fixture(scope="module")
def learned() -> Trained:
    return run(failing(240))


def test_it_learns_what_goes_along_with_the_label(learned: Trained) -> None:
    auc, skill, error = of(learned, "auc"), of(learned, "brier_skill"), of(learned, "calibration_error")
    assert auc.low is not None
    assert auc.low > 0.6
    assert skill.low is not None
    assert skill.low > 0
    assert error.value is not None
    assert error.value < 0.15
    assert not is_no_better_than_chance(learned.model)
    assert (learned.model.sessions, learned.model.groups, learned.model.agents) == (240, 40, ("support",))


def test_it_is_the_same_model_in_whichever_order_sessions_come(learned: Trained) -> None:
    sessions = failing(240)
    order = list(range(240))
    random.Random(2).shuffle(order)
    again = run([sessions[at] for at in order])
    assert again.model == learned.model
    assert [again.out_of_fold[order.index(at)] for at in range(240)] == list(learned.out_of_fold)


def test_noise_is_told_to_be_noise() -> None:
    draw = random.Random(4)
    trained = run([labelled(at, draw.random() < 0.5, failures=draw.randrange(4)) for at in range(200)])
    assert is_no_better_than_chance(trained.model)
    assert "It is not better than chance: do not use it." in model_card(trained, "m.json", "00")


def test_what_only_tells_the_task_is_no_skill() -> None:
    """Each task is always good or always bad, and its sessions share a word: folds that divide tasks would know it."""
    draw = random.Random(9)
    names = [
        f"{a}{b}"
        for a in ("red", "tall", "old", "wet", "odd", "raw")
        for b in ("oak", "ash", "elm", "fir", "yew", "bay")
    ]
    kinds = {name: draw.random() < 0.5 for name in names}
    sessions = [
        labelled(at, kinds[name], group=name, said=f"It is about {name} and nothing but {name}.")
        for at, name in enumerate(names * 6)
    ]
    grouped = run(sessions, WORDS)
    divided = run([Labelled(one.interaction, one.good, str(at)) for at, one in enumerate(sessions)], WORDS)
    assert is_no_better_than_chance(grouped.model)
    assert (of(divided, "auc").value or 0) > 0.95


def test_sessions_that_ask_the_same_are_one_group_where_none_is_named() -> None:
    sessions = [Labelled(one.interaction, one.good) for one in failing(120)]
    trained = run(sessions)
    assert trained.model.groups == 120
    same = [
        Labelled(
            one.interaction.model_copy(
                update={"turns": (Turn(speaker="user", text=f"Task {at % 12}"), *one.interaction.turns[1:])}
            ),
            one.good,
        )
        for at, one in enumerate(sessions)
    ]
    assert run(same).model.groups == 12


def test_too_few_labels_are_refused_with_the_number_that_is_needed() -> None:
    good = [labelled(at, True) for at in range(MIN_EACH)]
    with pytest.raises(ConfigurationError, match=r"40 good and 12 bad .* 40 of each are needed: label 28 more bad"):
        run([*good, *(labelled(100 + at, False) for at in range(12))])
    with pytest.raises(ConfigurationError, match=r"of 3 groups .* and 10 are needed"):
        run([labelled(at, at % 2 == 0, group=f"g{at % 3}") for at in range(90)])
    with pytest.raises(ConfigurationError, match="too few groups"):
        run([labelled(at, at < 60, group="one" if at >= 60 else f"g{at}") for at in range(110)])


def test_progress_is_told_to_the_end() -> None:
    steps: list[tuple[int, int]] = []
    train(
        failing(120),
        target="reward",
        trained_at=NOW,
        candidates=COUNTS[:1],
        progress=lambda done, of_all, _: steps.append((done, of_all)),
    )
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]


def test_the_card_says_what_it_is_and_what_it_is_not(learned: Trained) -> None:
    card = model_card(learned, "support.model.json", "ab" * 32)
    for part in ("# Model card: support.model.json", "| auc | 0.", "calls_failed", "What it is not", "ab" * 32):
        assert part in card


def test_labels_from_files(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(
        '{"session_id": "s0000", "passed": true, "group": "g", "given_by": "ada"}\n\n'
        '{"session_id": "s0001", "value": 0.4}\n{"session_id": "s0001", "value": 0.9}\n'
        '{"session_id": "s0002", "criteria": {"a": 1}}\n'
        '{"session_id": "s0003", "passed": false}\n{"session_id": "s0009", "passed": false}\n'
    )
    sessions = [labelled(at, True).interaction for at in range(5)]
    matched = by_labels(read_labels(path), sessions, 0.5)
    # Of two who disagree, half must call it good.
    assert [(one.interaction.interaction_id, one.good, one.group) for one in matched.sessions] == [
        ("s0000", True, "g"),
        ("s0001", True, ""),
        ("s0003", False, ""),
    ]
    assert (matched.missing, matched.silent) == (1, 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "labels.jsonl:1: is no JSON"),
        ('{"session_id": "a", "passed": true}\n{"passed": true}', "labels.jsonl:2: session_id: Field required: write"),
        ('{"session_id": "a", "passed": "yes"}', "labels.jsonl:1: passed: Input should be a valid boolean"),
        ('{"session_id": "a", "value": 4}', "labels.jsonl:1: value: Input should be less than or equal to 1"),
    ],
)
def test_mistakes_in_labels_are_told_with_file_and_line(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=told):
        read_labels(path)


def test_labels_from_outcomes() -> None:
    sessions = [labelled(at, at % 2 == 0, group=f"g{at}").interaction for at in range(4)]
    silent = sessions[0].model_copy(update={"outcomes": {}})
    matched = by_outcome([*sessions, silent], "reward", 0.5, "task")
    assert [(one.good, one.group) for one in matched.sessions] == [
        (True, "g0"),
        (False, "g1"),
        (True, "g2"),
        (False, "g3"),
    ]
    assert matched.silent == 1
    with pytest.raises(ConfigurationError, match="the outcome note of session s0000 is a text"):
        by_outcome(sessions, "note")


def test_recordings_may_be_compressed(tmp_path: Path) -> None:
    line = orjson.dumps(
        {"session_id": "r1", "messages": [{"role": "user", "content": "Hello"}], "labels": {"reward": 1.0}}
    )
    plain, packed = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
    plain.write_bytes(line + b"\n")
    packed.write_bytes(gzip.compress(line))
    assert [one.outcomes for one in read_recordings([plain, packed])] == [{"reward": 1.0}] * 2
    plain.write_bytes(b'{"session_id": "r1"}')
    with pytest.raises(ConfigurationError, match=r"a\.jsonl:1: a recorded session has a list of messages"):
        read_recordings([plain])
    packed.write_bytes(gzip.compress(line)[:20])
    with pytest.raises(ConfigurationError, match=r"b\.jsonl\.gz cannot be read"):
        read_recordings([packed])


def test_labels_take_what_others_write() -> None:
    assert Label(session_id="a", passed=True).good(0.5) is True
    assert Label(session_id="a", value=0.5).good(0.5) is True
    assert Label(session_id="a").good(0.5) is None
