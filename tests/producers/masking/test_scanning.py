"""The work of a pass grows with the text and not with its square: counted, as times differ."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.producers.masking.scanning import Span, outside

MANY = 20_000


class Counting(list[tuple[int, int]]):
    """Counts how often it is looked into."""

    looks = 0

    def __getitem__(self, index: object) -> tuple[int, int]:  # type: ignore[override]  # only places are asked for
        self.looks += 1
        assert isinstance(index, int)
        return super().__getitem__(index)


def test_what_is_kept_is_looked_into_once_for_each_place() -> None:
    kept = Counting((place * 10, place * 10 + 4) for place in range(MANY))
    spans: list[Span] = [(place * 10 + shift, place * 10 + shift + 2, "x") for place in range(MANY) for shift in (1, 5)]
    assert len(list(outside(spans, kept))) == MANY
    assert kept.looks <= 2 * len(kept) + 2 * len(spans)


EDGES = st.lists(st.integers(0, 60), max_size=20, unique=True).map(sorted)


@given(EDGES, EDGES)
def test_it_says_what_a_comparison_of_all_with_all_says(ends: list[int], edges: list[int]) -> None:
    spans: list[Span] = [(start, end, "x") for start, end in zip(ends[::2], ends[1::2], strict=False)]
    kept = list(zip(edges[::2], edges[1::2], strict=False))
    slow = [one for one in spans if not any(one[0] >= first and one[1] <= last for first, last in kept)]
    assert list(outside(spans, kept)) == slow
