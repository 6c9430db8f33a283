"""The order of labelling: fair wherever somebody stops, over one draw or several."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from watchkeeper.evals.labelling.drawing import Place, Worth, inclusion_of, inclusions, order
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.labels import DrawRow

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def rows(places: list[Place], draw: str = "d1") -> list[DrawRow]:
    return [
        DrawRow(
            tenant_id="acme",
            draw_id=draw,
            session_id=one.session_id,
            agent_id="refunds",
            position=position,
            size=one.size,
            priority=one.priority,
            next_priority=one.next_priority,
            stratum=one.stratum,
            why=one.why,
            candidates=1000,
            since=NOON,
            until=NOON,
            drawn_by="ada",
            drawn_at=NOON,
        )
        for position, one in enumerate(places)
    ]


def sessions(count: int, *, worthy: int = 0, name: str = "s") -> list[Worth]:
    """The first of them are worth more."""
    return [
        Worth(f"{name}{index}", 1.0 if index < worthy else 0.0, "risk" if index < worthy else "uniform")
        for index in range(count)
    ]


def test_the_order_is_the_same_whenever_it_is_drawn_and_falls_in_priority() -> None:
    candidates = sessions(300, worthy=30)
    found = order("acme", candidates, 40)
    assert found == order("acme", list(reversed(candidates)), 40)
    assert len({one.session_id for one in found}) == 40
    priorities = [one.priority for one in found]
    assert priorities == sorted(priorities, reverse=True)
    assert [one.next_priority for one in found[:-1]] == priorities[1:]
    assert order("acme", candidates, 20) == found[:20]
    assert order("other", candidates, 40) != found


def test_worthy_sessions_come_more_often_and_the_others_still_do() -> None:
    found = order("acme", sessions(1000, worthy=100), 100)
    worthy = sum(one.stratum == "risk" for one in found)
    # Seven tenths by worth, and a tenth of the rest.
    assert 55 < worthy < 90
    even = order("acme", sessions(1000, worthy=100), 100, random_share=1.0)
    assert sum(one.stratum == "risk" for one in even) < 25
    assert {one.size for one in even} == {1.0}


def test_everything_is_drawn_where_there_is_no_more() -> None:
    found = order("acme", sessions(5, worthy=2), 40)
    assert len(found) == 5
    assert found[-1].next_priority == 0
    assert inclusions(rows(found), {one.session_id for one in found}) == dict.fromkeys(
        (one.session_id for one in found), 1.0
    )


def test_weights_are_right_on_average_wherever_one_stops() -> None:
    ratios = []
    for number in range(400):
        candidates = sessions(200, worthy=40, name=f"{number}-")
        found = order("acme", candidates, 50)
        done = {one.session_id for one in found[: 20 + number % 30]}
        chances = inclusions(rows(found), done)
        assert set(chances) == done
        ratios.append(sum(1 / chance for chance in chances.values()) / 200)
    # The weights of a sample add up to the number of all.
    error = np.std(ratios) / len(ratios) ** 0.5
    assert abs(np.mean(ratios) - 1) < 4 * error
    assert error < 0.02


def test_labels_out_of_order_are_not_drawn() -> None:
    found = order("acme", sessions(100), 10)
    names = [one.session_id for one in found]
    chances = inclusions(rows(found), {*names[:3], names[6]})
    assert set(chances) == set(names[:3])
    assert chances[names[0]] == inclusion_of(found[0].size, found[3].priority)


def test_a_later_draw_keeps_what_was_labelled_and_asks_for_new_ones() -> None:
    candidates = sessions(500, worthy=50)
    first = order("acme", candidates, 20)
    done = {one.session_id for one in first}
    second = order("acme", candidates, 20, handled=done)
    assert len(second) == 40
    assert done < {one.session_id for one in second}
    # Drawn by either: the larger probability is the whole one, since a session's place is the same in both.
    everything = done | {one.session_id for one in second}
    together = inclusions(rows(first, "d1") + rows(second, "d2"), everything)
    alone = inclusions(rows(second, "d2"), everything)
    assert together == alone


def test_two_draws_of_other_sizes_are_right_on_average_together() -> None:
    ratios = []
    for number in range(300):
        even, uneven = sessions(150, name=f"{number}-"), sessions(150, worthy=30, name=f"{number}-")
        first, second = order("acme", even, 20), order("acme", uneven, 25)
        done = {one.session_id for one in [*first, *second]}
        chances = inclusions(rows(first, "d1") + rows(second, "d2"), done)
        ratios.append(sum(1 / chance for chance in chances.values()) / 150)
    error = np.std(ratios) / len(ratios) ** 0.5
    assert abs(np.mean(ratios) - 1) < 4 * error


@pytest.mark.parametrize("share", [0.0, -1.0, 1.1])
def test_a_sample_without_an_even_part_is_refused(share: float) -> None:
    with pytest.raises(ConfigurationError, match="random share"):
        order("acme", sessions(5), 2, random_share=share)
