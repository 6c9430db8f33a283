"""Precision from drawn findings: right where people look at what strikes them, and honest about what it rests on."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from watchkeeper.evals.agreement.drawing import Found, drawn, in_order
from watchkeeper.evals.agreement.precision import Precision, by_mode, overall, precision_of, queue, verdicts_needed


def findings(count: int, mode: str = "scope_creep", *, start: int = 0) -> list[Found]:
    return [Found("acme", f"{mode}-{number}", mode) for number in range(start, start + count)]


def judged(found: list[Found], truth: dict[str, bool], ids: set[str]) -> list[Found]:
    return [replace(one, true=truth[one.finding_id]) if one.finding_id in ids else one for one in found]


def verdicts(pattern: str) -> list[Found]:
    """t: true, f: false, .: not judged; in the order of drawing."""
    marks = {"t": True, "f": False, ".": None}
    return [Found("acme", f"f-{at}", "scope_creep", true=marks[mark]) for at, mark in enumerate(pattern)]


def test_the_order_is_of_ids_alone() -> None:
    found = findings(200)
    order = [one.finding_id for one in in_order(found)]
    assert order == [one.finding_id for one in in_order(found[::-1])]
    assert order != [one.finding_id for one in in_order(found, "another")]
    said = judged(found, dict.fromkeys(order, True), set(order[50:90]))
    assert [one.finding_id for one in in_order(said)] == order
    # What is found later comes between, and moves nobody past another.
    more = [one.finding_id for one in in_order(findings(400))]
    assert [name for name in more if name in set(order)] == order


@pytest.mark.parametrize(
    ("pattern", "sampled", "missing", "basis"),
    [
        ("", 0, 0, "none"),
        ("....", 0, 0, "none"),
        ("ttftf" + "." * 40, 5, 0, "sampled"),
        ("ttf.tfttttttfttttttt" + "." * 40, 20, 1, "sampled"),
        # Judged here and there, as strikes people: no sample.
        ("...t....f...t......t....", 0, 0, "chosen"),
        ("t" + "." * 40, 0, 0, "chosen"),
        ("ft", 2, 0, "all"),
        # What is judged out of turn stays out.
        ("tttttttt" + "." * 50 + "f.f.f", 8, 0, "sampled"),
    ],
)
def test_what_an_estimate_rests_on(pattern: str, sampled: int, missing: int, basis: str) -> None:
    found = precision_of("scope_creep", verdicts(pattern))
    assert (found.sampled, found.missing, found.basis) == (sampled, missing, basis)
    assert found.judged == sum(mark in "tf" for mark in pattern)
    assert found.is_estimate == (basis in {"sampled", "all"})


def test_the_interval_holds_whatever_the_missing_ones_are() -> None:
    known = precision_of("scope_creep", verdicts("t" * 15 + "f" * 5 + "." * 80))
    gap = precision_of("scope_creep", verdicts("t" * 7 + ".." + "t" * 6 + "f" * 5 + "." * 80))
    assert (gap.sampled, gap.missing) == (20, 2)
    ends = [
        precision_of("scope_creep", verdicts("t" * 7 + filled + "t" * 6 + "f" * 5 + "." * 80))
        for filled in ("tt", "ff")
    ]
    assert known.low is not None
    assert gap.low == ends[1].low
    assert gap.high == ends[0].high


def test_which_verdicts_count_does_not_depend_on_what_they_say() -> None:
    draw = random.Random(4)
    for _ in range(100):
        pattern = "".join(draw.choice("tf.") for _ in range(draw.randrange(1, 60)))
        other = "".join(draw.choice("tf") if mark in "tf" else mark for mark in pattern)
        assert len(drawn(verdicts(pattern))) == len(drawn(verdicts(other)))


def test_drawn_findings_say_the_truth_where_chosen_ones_do_not() -> None:
    """People look first at what seems false. The true precision is 0.7; theirs is far below."""
    draw = random.Random(9)
    held, naive = 0, 0.0
    runs = 400
    for run in range(runs):
        found = [Found(f"t{run}", f"f-{number}", "scope_creep") for number in range(400)]
        truth = {one.finding_id: number < 280 for number, one in enumerate(found)}
        struck = {name for name, true in truth.items() if draw.random() < (0.03 if true else 0.3)}
        asked = {one.finding_id for one in in_order(found)[:30]}
        (told,) = by_mode(judged(found, truth, struck | asked))
        assert told.sampled >= 30
        assert told.low is not None
        assert told.high is not None
        held += told.low <= 0.7 <= told.high
        naive += sum(truth[name] for name in struck) / len(struck) / runs
    assert held / runs >= 0.93
    assert naive < 0.3


def test_graders_narrow_the_interval_and_are_corrected_where_they_err() -> None:
    draw = random.Random(12)
    held, ratio = 0, 0.0
    runs = 150
    for run in range(runs):
        found = []
        for number in range(400):
            true = draw.random() < 0.7
            # It takes every fourth true finding for false.
            weak = float(true and draw.random() < 0.75)
            found.append(Found(f"t{run}", f"f-{number}", "ungrounded_answer", true=true, weak=weak))
        asked = {one.finding_id for one in in_order(found)[:60]}
        partly = [one if one.finding_id in asked else replace(one, true=None) for one in found]
        (told,) = by_mode(partly)
        (alone,) = by_mode([replace(one, weak=None) for one in partly])
        assert (told.basis, alone.basis) == ("sampled_and_graded", "sampled")
        assert told.low is not None
        assert told.high is not None
        assert alone.low is not None
        assert alone.high is not None
        held += told.low <= 0.7 <= told.high
        ratio += (told.high - told.low) / (alone.high - alone.low) / runs
    assert held / runs >= 0.93
    assert ratio < 0.97


def test_over_all_modes_each_counts_by_how_often_it_is_found() -> None:
    often = precision_of("scope_creep", verdicts("t" * 20 + "." * 80))
    seldom = Precision("incident", 10, 10, 5, 10, 0, 0, "all", 0.5, 0.24, 0.76)
    together = overall([often, seldom])
    assert together is not None
    value, low, high = together
    assert value == pytest.approx((100 * 1.0 + 10 * 0.5) / 110)
    assert low < value <= high <= 1
    assert overall([often, precision_of("incident", verdicts("..."))]) is None
    assert overall([]) is None


def test_the_queue_asks_about_what_is_known_worst() -> None:
    often, seldom = findings(500, "scope_creep"), findings(6, "incident")
    known = in_order(often)[:100]
    said = judged(often, dict.fromkeys((one.finding_id for one in often), True), {one.finding_id for one in known})
    picked = queue(said + seldom, size=20, within=0.1)
    # A hundred true ones are known within ten points; of the rare mode all are asked for, and then nothing is left.
    assert {one.mode for one in picked} == {"incident"}
    assert [one.finding_id for one in picked] == [one.finding_id for one in in_order(seldom)]
    both = queue(findings(50, "scope_creep") + findings(50, "incident"), size=10, within=0.1)
    assert [one.mode for one in both].count("incident") == 5
    assert queue(said + seldom, size=0, within=0.1) == []


def test_verdicts_needed_are_those_that_bring_it_there() -> None:
    found = findings(1000)
    truth = {one.finding_id: number % 5 != 0 for number, one in enumerate(found)}
    (nothing,) = by_mode(found)
    needed = verdicts_needed(nothing, 0.1)
    assert 80 < needed < 110
    order = in_order(found)
    (some,) = by_mode(judged(found, truth, {one.finding_id for one in order[:40]}))
    further = verdicts_needed(some, 0.1)
    (done,) = by_mode(judged(found, truth, {one.finding_id for one in order[: 40 + further]}))
    assert done.low is not None
    assert done.high is not None
    assert done.high - done.low <= 0.22
    (few,) = by_mode(findings(3))
    assert verdicts_needed(few, 0.01) == 3
