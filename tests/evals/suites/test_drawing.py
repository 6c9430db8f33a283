"""The draw: sizes, minima, weights that sum up, nothing twice, the same every time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.suites.allocation import allocate
from watchkeeper.evals.suites.candidates import READ_AT_LEAST, Candidate, Wanted, gather, judge
from watchkeeper.evals.suites.clustering import clusters_of
from watchkeeper.evals.suites.drawing import Draw, counted, draw
from watchkeeper.evals.suites.likeness import ALIKE, group_alike, jaccard, shingles_of
from watchkeeper.evals.suites.strata import band_of, bands_of, difficulty_of, outcome_of, parts_of

sizes = st.integers(0, 60)
strata = st.dictionaries(
    st.sampled_from("abcdefgh"), st.tuples(st.floats(0.5, 5000), st.integers(1, 80)), min_size=1, max_size=8
)


@given(strata, sizes, st.integers(0, 6))
def test_places_are_shared_out(given_strata: dict[str, tuple[float, int]], size: int, minimum: int) -> None:
    weights = {name: weight for name, (weight, _) in given_strata.items()}
    available = {name: number for name, (_, number) in given_strata.items()}
    got = allocate(weights, available, size, minimum=minimum)
    assert sum(got.values()) == min(size, sum(available.values()))
    assert all(0 <= got[name] <= available[name] for name in available)
    floors = {name: min(minimum, available[name]) for name in available}
    if sum(floors.values()) <= size:
        assert all(got[name] >= floors[name] for name in available)
    else:
        assert max(got.values()) <= minimum
    assert got == allocate(dict(reversed(weights.items())), available, size, minimum=minimum)


@pytest.mark.parametrize(
    ("weights", "size", "minimum", "expected"),
    [
        ({"a": 50, "b": 30, "c": 20}, 10, 0, {"a": 5, "b": 3, "c": 2}),
        ({"a": 970, "b": 20, "c": 10}, 100, 3, {"a": 94, "b": 3, "c": 3}),
        ({"a": 970, "b": 20, "c": 10}, 2, 3, {"a": 1, "b": 1, "c": 0}),
        ({"a": 1, "b": 1}, 0, 3, {"a": 0, "b": 0}),
    ],
)
def test_places_in_proportion(weights: dict[str, float], size: int, minimum: int, expected: dict[str, int]) -> None:
    assert allocate(weights, dict.fromkeys(weights, 1000), size, minimum=minimum) == expected


def test_places_beside_those_that_are_held() -> None:
    weights, plenty = {"a": 60.0, "b": 30.0, "c": 10.0}, {"a": 99, "b": 99, "c": 99}
    assert allocate(weights, plenty, 5, minimum=0, held={"a": 12, "b": 2}) == {"a": 0, "b": 3, "c": 2}
    assert allocate(weights, plenty, 3, minimum=2, held={"a": 2, "b": 1}) == {"a": 0, "b": 1, "c": 2}


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(1, 50)), min_size=1, max_size=60))
def test_bands_hold_a_third_each_as_far_as_ties_allow(measured: list[tuple[float, float]]) -> None:
    hard, weights = [one for one, _ in measured], [weight for _, weight in measured]
    bands = bands_of(hard, weights)
    assert bands[0] <= bands[1]
    total = sum(weights)
    ties = max(sum(weight for other, weight in measured if other == one) for one in hard)
    held = {band: sum(w for one, w in measured if band_of(one, bands) == band) for band in ("easy", "medium", "hard")}
    assert total / 3 - 1e-6 <= held["easy"] <= total / 3 + ties + 1e-6
    assert held["hard"] <= total / 3 + 1e-6
    assert sum(held.values()) == pytest.approx(total)


def test_what_is_equally_hard_is_easy() -> None:
    assert {band_of(0.25, bands_of([0.25] * 9, [1.0] * 9)) for _ in range(9)} == {"easy"}


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.sampled_from(["a parcel", "the lost parcel", "", "?", "an invoice", "my flight"]), min_size=1),
    st.integers(1, 12),
    st.integers(0, 5),
)
def test_clusters_part_the_texts(texts: list[str], number: int, seed: int) -> None:
    clusters = clusters_of(texts, number, seed=seed)
    assert sorted(place for cluster in clusters for place in cluster) == list(range(len(texts)))
    assert len(clusters) == min(number, len(texts))
    assert all(clusters)
    assert clusters == clusters_of(texts, number, seed=seed)


def test_clusters_tell_subjects_apart() -> None:
    parcels = [f"where is my parcel number {word}" for word in ("one", "two", "three", "four")]
    invoices = [f"send the invoice of {word} again" for word in ("march", "april", "may", "june")]
    found = clusters_of([*parcels, *invoices], 2, seed=1)
    assert found == [[0, 1, 2, 3], [4, 5, 6, 7]]


LONG = "I would like to send back the blue jacket that I bought last week because one of its sleeves is too short"


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Where is order 4711?", "where is order 4712", True),
        (LONG, LONG.upper() + "!", True),
        (LONG, LONG.replace("blue", "green"), False),
        (LONG, LONG + " for me", True),
        ("Cancel my flight", "Cancel my train", False),
        ("ok", "OK.", True),
        ("?", "!", True),
        ("", "Where is it?", False),
    ],
)
def test_near_duplicates(one: str, other: str, alike: bool) -> None:
    assert (jaccard(shingles_of(one), shingles_of(other)) >= ALIKE) == alike
    assert group_alike([one, other]) == [0, 0 if alike else 1]


WORDS = ("lorem", "ipsum", "dolor", "sit", "amet", "12", "345", "elit", "sed", "do")
words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=40)


@given(st.lists(words.map(" ".join), min_size=1, max_size=25))
def test_the_index_finds_what_counting_finds(texts: list[str]) -> None:
    groups = group_alike(texts)
    first: dict[int, str] = {}
    for text, group in zip(texts, groups, strict=True):
        if group in first:
            assert jaccard(shingles_of(text), shingles_of(first[group])) >= ALIKE
        else:
            assert group == len(first)
            first[group] = text
    kept = [shingles_of(text) for text in first.values()]
    assert not any(one == other for place, one in enumerate(kept) for other in kept[:place])


def drawn_from(sessions: Sequence[Interaction], size: int, **options: Any) -> Draw:
    candidates = [one for session in sessions if isinstance(one := judge(session, "internal"), Candidate)]
    assert len(candidates) == len(sessions)
    return draw(candidates, size, **options)


@settings(max_examples=12, deadline=None)
@given(number=st.integers(1, 150), size=st.integers(1, 60), seed=st.integers(0, 9), minimum=st.integers(1, 4))
def test_a_draw_keeps_its_promises(made_up: ModuleType, number: int, size: int, seed: int, minimum: int) -> None:
    sessions = made_up.many(number, seed)
    drawn = drawn_from(sessions, size, seed=seed, minimum=minimum)
    assert len(drawn.picks) == min(size, sum(drawn.available.values()))
    assert sum(drawn.available.values()) + drawn.alike == number
    assert sum(drawn.shares.values()) == pytest.approx(1, abs=1e-4)
    served = counted(drawn.picks)
    if sum(min(minimum, available) for available in drawn.available.values()) <= size:
        assert all(served[name] >= min(minimum, available) for name, available in drawn.available.items())
        assert sum(1 / pick.inclusion for pick in drawn.picks) == pytest.approx(number)
    for name in served:
        stands_for = sum(1 / pick.inclusion for pick in drawn.picks if pick.stratum == name)
        assert stands_for == pytest.approx(drawn.shares[name] * number, rel=1e-2)
    requests = [(pick.candidate.interaction.intent, pick.candidate.cut.request) for pick in drawn.picks]
    for intent in {intent for intent, _ in requests}:
        of_intent = [request for one, request in requests if one == intent]
        assert len(set(of_intent)) == len(of_intent)
    for pick in drawn.picks:
        intent, outcome, _ = parts_of(pick.stratum)
        assert (intent, outcome) == (pick.candidate.interaction.intent, outcome_of(pick.candidate.interaction))
        assert 0 < pick.inclusion <= 1
        assert pick.candidate in pick.alike
    assert drawn_from(sessions, size, seed=seed, minimum=minimum) == drawn


def test_another_seed_draws_others(made_up: ModuleType) -> None:
    sessions = made_up.many(200)
    chosen = [
        {pick.candidate.interaction.interaction_id for pick in drawn_from(sessions, 40, seed=seed).picks}
        for seed in (1, 2)
    ]
    assert chosen[0] != chosen[1]


def test_what_is_asked_again_and_again_is_one_case(made_up: ModuleType) -> None:
    often = [made_up.session(number, f"Where is order {number}?", outcomes={"csat": 5.0}) for number in range(40)]
    failed = made_up.session(77, "Where is order 77?", status="failed")
    other = [made_up.session(90, "Cancel my flight to Lisbon")]
    drawn = drawn_from([*often, failed, *other], 10)
    assert len(drawn.picks) == 2
    again = next(pick for pick in drawn.picks if "order" in pick.candidate.cut.request)
    # A request with which an agent failed once is one of those with which it may fail.
    assert again.candidate.interaction.status == "failed"
    assert again.stratum.startswith("refund/bad/")
    assert len(again.alike) == 41
    assert again.inclusion == pytest.approx(1 / 41)


def test_within_a_cluster_chance_is_fair(made_up: ModuleType) -> None:
    sessions = [made_up.session(number, f"Where is order {number}?") for number in range(4)]
    picks = Counter(
        drawn_from(sessions, 1, seed=seed).picks[0].candidate.interaction.interaction_id for seed in range(400)
    )
    assert len(picks) == 4
    assert all(60 < times < 140 for times in picks.values())


def test_of_many_sessions_so_many_are_read_as_are_needed(made_up: ModuleType) -> None:
    sessions = made_up.many(4000)
    memory = made_up.InMemory(sessions)
    wanted = Wanted("default", "desk", made_up.BEGIN, made_up.BEGIN + timedelta(days=30), size=50, seed=3)
    told: list[tuple[str, int]] = []
    pool = gather(memory, wanted, lambda what, number: told.append((what, number)))
    assert pool.sessions == 4000
    assert memory.read == pool.read == READ_AT_LEAST
    assert sum(one.weight for one in pool.candidates) == pytest.approx(4000)
    failed = [one for one in sessions if one.status == "failed" and one.intent == "complaint"]
    read = [one for one in pool.candidates if one.interaction in failed]
    assert len(read) == min(30, len(failed))
    drawn = draw(pool.candidates, 50, seed=3)
    assert sum(1 / pick.inclusion for pick in drawn.picks) == pytest.approx(4000)
    assert {what for what, _ in told} == {"listing sessions", "reading sessions"}
    again = gather(made_up.InMemory(reversed(sessions)), wanted)
    assert again.candidates == pool.candidates


def test_what_bars_a_session(made_up: ModuleType) -> None:
    plain = made_up.session(1, "Where is it?")
    assert isinstance(judge(plain, "legitimate_interest"), Candidate)
    regulated = plain.model_copy(update={"retention_class": "regulated"})
    assert judge(regulated, "legitimate_interest") == "regulated"
    assert isinstance(judge(regulated, "consented"), Candidate)
    assert judge(plain.model_copy(update={"complete": False}), "internal") == "incomplete"
    assert judge(plain.model_copy(update={"turns": plain.turns[:2]}), "internal") == "no_request"
    assert judge(made_up.session(2, "word " * 90_000), "internal") == "too_long"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "quiet"),
        ({"status": "failed", "outcomes": {"csat": 5.0}}, "bad"),
        ({"status": "silent"}, "bad"),
        ({"outcomes": {"reward": 1.0}}, "good"),
        ({"outcomes": {"reward": 0.0}}, "bad"),
        ({"outcomes": {"success": True, "duration_s": 0.0}}, "good"),
        ({"outcomes": {"csat": 3.0}}, "quiet"),
        ({"outcomes": {"csat": 2.0}}, "bad"),
        ({"outcomes": {"thumbs": "down"}}, "bad"),
        ({"outcomes": {"thumbs_up": 1.0}}, "good"),
        ({"outcomes": {"refund_reversed": 1.0}}, "bad"),
        ({"outcomes": {"refund_reversed": 0.0}}, "good"),
        ({"outcomes": {"resolved": True, "refund_reversed": True}}, "bad"),
        ({"outcomes": {"domain": "airline", "score_of_something": 9.0}}, "quiet"),
        ({"found": "high"}, "flagged"),
        ({"found": "info"}, "quiet"),
        ({"found": "high", "outcomes": {"csat": 5.0}}, "flagged"),
    ],
)
def test_how_a_session_came_out(made_up: ModuleType, given: dict[str, Any], expected: str) -> None:
    severity = given.pop("found", None)
    values = given | ({"findings": made_up.found(severity)} if severity else {})
    assert outcome_of(made_up.session(1, "x", **values)) == expected
    if severity:
        given["found"] = severity


def test_difficulty_grows_with_what_was_observed(made_up: ModuleType) -> None:
    easy = made_up.session(1, "x", calls=0)
    hard = made_up.session(1, "x", calls=9, failed=3, findings=made_up.found())
    assert difficulty_of(easy) == 0
    steps = [made_up.session(1, "x", calls=calls) for calls in range(6)]
    measured = [difficulty_of(one) for one in steps]
    assert measured == sorted(measured)
    assert measured[5] == pytest.approx(0.15)
    assert 0.3 < difficulty_of(hard) < 1
