"""The scorecard's runner: its statistics against known values, its counting, and a quick run."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from harness import RESULTS
from scorecard import run
from scorecard.intervals import precision, share, upper_bound
from scorecard.model import Sought, chances
from scorecard.modes import cards
from scorecard.page import PAGE, with_tables
from scorecard.plan import SESSIONS_OF_A_JOB, Plan, Size, near_counts
from scorecard.report import document, figures, missed_targets, spelled, tables
from scorecard.seeds import FROZEN, ROOT, Seed, drawn
from scorecard.seen import Seen
from scorecard.tally import Counts, Performed, Tally, tally
from scorecard.untouched import to_read, untouched

CARD = next(card for card in cards() if card.mode == "hallucinated_tool")


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        # Clopper and Pearson's bounds as R's binom.test gives them.
        (0, 10, 0.0, 0.3084971),
        (10, 10, 0.6915029, 1.0),
        (5, 10, 0.1870860, 0.8129140),
        (190, 200, 0.9100058, 0.9757701),
        (3, 5000, 0.0001237466, 0.0017524),
    ],
)
def test_bounds_of_a_share(hits: int, n: int, low: float, high: float) -> None:
    found = share(hits, n)
    assert (found.low, found.high) == pytest.approx((low, high), rel=2e-3, abs=1e-6)
    assert found.value == hits / n


def test_the_upper_bound_of_nothing_in_many_is_about_three() -> None:
    """The rule of three: 95 % of the time, none of n means fewer than 3 / n."""
    assert upper_bound(0, 5000) == pytest.approx(1 - 0.05 ** (1 / 5000), rel=1e-6)
    assert upper_bound(0, 0) == 1.0


def test_a_share_of_nothing_is_undefined_and_not_zero() -> None:
    assert share(0, 0).value is None
    assert precision(share(0, 0), share(0, 100)).value is None
    assert precision(share(0, 100), share(0, 100)).value is None
    assert spelled(None) == "undefined"


def test_more_hits_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="3 hits of 2"):
        share(3, 2)


def test_precision_at_a_base_rate() -> None:
    found = precision(share(190, 200), share(5, 5000))
    assert found.value == pytest.approx(0.95 * 0.01 / (0.95 * 0.01 + 0.001 * 0.99))
    assert None not in {found.low, found.high}
    assert (found.low or 1.0) < 0.9 < (found.value or 0.0) < (found.high or 0.0)


def test_without_false_alarms_precision_is_one_and_its_bound_comes_from_theirs() -> None:
    alarms = share(0, 5000)
    found = precision(share(200, 200), alarms)
    assert found.value == 1.0
    low = share(200, 200).low * 0.01
    assert found.low == pytest.approx(low / (low + alarms.high * 0.99))


def seen(session: str | None, mode: str = "data_leak", tenant: str = "clean-0", **changed: Any) -> Seen:
    one = Seen(tenant, f"f-{session}-{mode}", 0, True, session, None, "a", mode, "leak", "high", "s", {}, 500)
    return dataclasses.replace(one, **changed)


def clean(session: str, mode: str | None = None, name: str = "support") -> Performed:
    return Performed("clean-0", mode, name, None, False, frozenset({session}), 10)


def test_alarms_are_put_to_the_near_miss_that_raised_them() -> None:
    performed = [clean("s-1"), clean("s-2", "data_leak", "masked-card"), clean("s-3")]
    found = [seen("s-2"), seen("s-2", kind="other", finding_id="f-2"), seen("s-3", kind="unjudged")]
    counts = tally(performed, found)
    assert (counts.clean_sessions, counts.near_sessions) == (3, 1)
    # Two findings of one mode about one session are one false alarm of that session.
    assert (counts.alarmed(), counts.alarmed("data_leak"), counts.alarmed("audit_gap")) == (1, 1, 0)
    assert counts.alarms_of == {("data_leak", "masked-card"): 2}
    assert counts.unjudged == {"data_leak": 1}


def test_what_was_taken_back_is_no_alarm() -> None:
    found = [seen("s-1"), seen("s-1", revision=1, is_open=False)]
    assert tally([clean("s-1")], found).alarms == []


def test_notes_are_no_alarms_and_are_counted() -> None:
    counts = tally([clean("s-1")], [seen("s-1", severity="info"), seen("s-1", finding_id="f", kind="unjudged")])
    assert counts.alarms == []
    assert (counts.notes, counts.unjudged) == ({"data_leak": 1}, {"data_leak": 1})


def test_what_was_resolved_later_was_found() -> None:
    """In every revision that is known: a store may have replaced the first one."""
    plant = Performed("clean-0", "data_leak", "r", Sought(sessions=("s-1",)), False, frozenset({"s-1"}), 3)
    resolved = seen("s-1", revision=1, is_open=False, at_us=900)
    for found in ([seen("s-1"), resolved], [resolved]):
        assert tally([plant], found).modes["data_leak"].found == 1
    assert tally([plant], [seen("s-1", is_open=False)]).modes["data_leak"].found == 0


def test_near_misses_are_a_fifth_by_performances_and_by_sessions() -> None:
    sessions = [1] * 90 + [3] * 25 + [20] * 6 + [200]
    counts = near_counts(sessions, 5000)
    held = sum(count * chances(size) for count, size in zip(counts, sessions, strict=True))
    assert min(counts) == 1
    assert 0.15 < sum(counts) / 5000 < 0.2
    assert 0.18 < held / (held + (5000 - sum(counts)) * SESSIONS_OF_A_JOB) < 0.25
    # Fewer than there is room for: some of them, and the others not.
    assert sum(near_counts(sessions, 100)) in range(17, 22)


def test_parts_of_a_mode_have_targets_of_their_own() -> None:
    card = next(card for card in cards() if card.mode == "scope_creep")
    counts = Tally(clean_sessions=1000)
    for number, name in enumerate(["refused-tool"] * 10 + ["unasked"] * 10):
        plant = Performed(f"p-{number}", card.mode, name, Sought(subject="x"), False, frozenset(), 1)
        hit = seen(None, card.mode) if number < 19 else None
        counts.modes[card.mode].add(plant, hit)
        counts.recipes[card.mode, name].add(plant, hit)
    counts.alarms.append(seen("s-1", card.mode, kind="unexplained_action"))
    told = {figure.name: figure.value for figure in figures([card], counts)}
    assert told["recall/scope_creep"] == 0.95
    assert told["recall/scope_creep_with_reference"] == told["precision/scope_creep_with_reference"] == 1.0
    assert told["recall/scope_creep_without_reference"] == 0.9
    assert told["precision/scope_creep_without_reference"] == pytest.approx(0.009 / (0.009 + 0.00099))
    result = document([card], counts, [])
    assert missed_targets(result) == []
    assert "| `scope_creep_without_reference` | 0.900" in tables(result)["modes"]


def test_each_recipe_of_a_divided_card_has_its_part() -> None:
    card = next(card for card in cards() if card.mode == "scope_creep")
    with pytest.raises(ValueError, match="each recipe must belong to one part"):
        dataclasses.replace(card, parts=card.parts[:1])
    plants = Plan([card], Size(plants=20, clean=0), "s")._plants()
    assert all(sum(recipe.name in part.recipes for _, recipe, _ in plants) >= 20 for part in card.parts)


def test_the_time_to_a_finding_runs_from_when_the_broker_had_its_event() -> None:
    sent = [("s-1", 100, 200, 7_000_000), ("s-2", 300, 300, 8_000_000), ("s-1", 400, 600, 9_000_000)]
    plant = Performed("p", "data_leak", "r", Sought(sessions=("s-1",)), False, frozenset({"s-1"}), 3, sent)
    assert plant.due_us(seen("s-1", at_us=150)) == 7_000_000
    assert plant.due_us(seen("s-1", at_us=500)) == 9_000_000
    # Silence: its limit passed so long after the last event, and only then could it be found.
    assert plant.due_us(seen("s-1", at_us=2_000_600)) == 11_000_000
    assert plant.due_us(seen("s-9", at_us=150)) is None
    counts = Counts()
    counts.add(plant, seen("s-1", at_us=500, visible_us=9_500_000))
    assert (counts.found, counts.seconds) == (1, [0.5])


def test_plants_and_clean_performances_have_the_size_that_was_asked_for() -> None:
    plan = Plan([CARD], Size(plants=10, clean=50), "s")
    assert plan.total == 12 + 50
    near = [one for one in plan._clean([1] * len(CARD.near_misses)) if one.near is not None]
    assert 9 <= len(near) <= 12
    assert {one.near.name for one in near if one.near} == {one.name for one in CARD.near_misses}


def test_a_quick_run_tells_what_it_found(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--quick", "--mode", "hallucinated_tool", "--plants", "8", "--clean", "20", "--seed", "t", "--json"]
    code = run.main(arguments)
    result = json.loads(capsys.readouterr().out)
    (mode,) = result["modes"]
    assert (mode["recall"]["hits"], mode["recall"]["n"]) == (8, 8)
    assert mode["seconds_to_finding"] is None
    assert result["clean"]["sessions"] >= 20
    assert result["clean"]["alarms"] == 0
    assert not result["run"]["publishable"]
    assert code == 0


def test_a_missed_plant_and_a_false_alarm_show() -> None:
    counts = Tally()
    counts.clean_sessions = 100
    for number in range(10):
        plant = Performed(f"p-{number}", CARD.mode, "invented-name", Sought(subject="x"), False, frozenset(), 1)
        hit = seen(None, CARD.mode) if number else None
        counts.modes[CARD.mode].add(plant, hit)
        counts.recipes[CARD.mode, "invented-name"].add(plant, hit)
    counts.alarms.append(seen("s-1", CARD.mode))
    result = document([CARD], counts, [])
    assert result["modes"][0]["recipes"][0]["missed"] == ["p-0"]
    assert [line.split(":")[0] for line in missed_targets(result)] == [
        f"recall/{CARD.mode}",
        f"precision/{CARD.mode}",
        "false alarms per 1,000 clean sessions",
    ]
    assert {figure.name for figure in figures([CARD], counts)} == {
        f"recall/{CARD.mode}",
        f"precision/{CARD.mode}",
        "false_alarms_per_1000_clean_sessions",
    }


def test_tables_stand_at_their_places() -> None:
    page = "a\n<!-- table: modes -->old<!-- end: modes -->\nb"
    assert with_tables(page, {"modes": "| x |"}) == "a\n<!-- table: modes -->\n\n| x |\n\n<!-- end: modes -->\nb"
    with pytest.raises(ValueError, match="no place for the table recipes"):
        with_tables(page, {"recipes": ""})


def test_an_undefined_figure_is_shown_as_undefined() -> None:
    shown = tables(document([CARD], Tally(), []))
    assert "| `hallucinated_tool` | undefined | 0 | 0.95 | undefined |" in shown["modes"]


def test_the_seed_is_drawn_from_the_commit() -> None:
    """What was frozen must be there, and a change of it must show."""
    one = drawn()
    assert len(one.commit) == 40
    assert one.seed == drawn().seed
    assert all(Path(ROOT, place).is_dir() for place in FROZEN)
    assert dataclasses.replace(one, changed=("producers/x.py",)).publishable is False
    assert dataclasses.replace(one, changed=()).publishable is True


def test_a_run_that_is_not_published_says_why() -> None:
    whole = argparse.Namespace(quick=False, mode=None, dry_run=False)
    changed = Seed("s", "c" * 40, ("producers/x.py",))
    assert "leave out --seed" in run.why_not(Seed("s"), whole)
    assert "1 files differ" in run.why_not(changed, whole)
    assert "producers/x.py" in run.why_not(changed, whole)
    assert "--quick" in run.why_not(changed, argparse.Namespace(quick=True, mode=None, dry_run=False))


@pytest.mark.long
def test_a_small_run_through_the_real_pipeline(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--mode", "hallucinated_tool", "--plants", "4", "--clean", "10", "--seed", "t", "--json"]
    code = run.main(arguments)
    result = json.loads(capsys.readouterr().out)
    (mode,) = result["modes"]
    assert (code, mode["recall"]["hits"], mode["recall"]["n"]) == (0, 4, 4)
    assert 0 < mode["seconds_to_finding"]["p50"] <= mode["seconds_to_finding"]["p95"]


def test_the_page_shows_the_published_run() -> None:
    """Each table has its place; where a run is published the page shows its figures and no others."""
    page = PAGE.read_text()
    empty = tables(document([CARD], Tally(), []))
    assert with_tables(page, empty) != page
    path = RESULTS / "scorecard.json"
    if path.exists():
        result = json.loads(path.read_text())
        assert result["run"]["publishable"]
        assert with_tables(page, tables(result)) == page
        assert [one["about"] for one in result["recordings_read"] if not is_judged(one, page)] == []


def is_judged(alarm: dict[str, str], page: str) -> bool:
    """Whether the page has a row with a verdict on an alarm: long names are shortened there."""
    session = alarm["about"].replace("|", "/")
    session = session if len(session) <= 64 else f"{session[:63]}…"
    finding = f"`{alarm['mode']}`/`{alarm['kind']}`, {alarm['severity']}"
    return f"| {alarm['recording']} | `{session}` | {finding} |" in page


def test_alarms_to_read_are_drawn_by_what_they_say() -> None:
    found = [seen(f"s-{number}", tenant="recording-trail", at_us=number) for number in range(80)]
    recording = untouched("trail", 80, found)
    chosen = to_read([recording])
    assert len(chosen) == 50
    assert chosen == to_read([untouched("trail", 80, reversed(found))])
    assert chosen != found[:50]
