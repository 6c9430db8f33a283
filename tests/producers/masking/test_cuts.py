"""Nothing is cut before it is masked: half a secret is not known for one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from watchkeeper.producers import Watchkeeper
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.producers.writing.encoding import REPR_LIMIT
from watchkeeper.producers.writing.headers import ATTRIBUTE_LENGTH, HELD_ATTRIBUTE
from watchkeeper.producers.writing.names import NAME_LENGTH

SECRET = "ghp_" + "a1B2" * 9
Make = Callable[..., Watchkeeper]


class Shown:
    """An object without a form in JSON."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def around(limit: int) -> list[str]:
    """Texts in which the secret straddles the limit, at every place."""
    return ["e" * before + " " + SECRET for before in range(limit - len(SECRET) - 1, limit + 1)]


@pytest.mark.parametrize("limit", [ATTRIBUTE_LENGTH, HELD_ATTRIBUTE])
def test_an_attribute_is_masked_before_it_is_cut(limit: int, make_watch: Make, memory: MemoryTransport) -> None:
    watch = make_watch()
    for text in around(limit):
        with watch.session(attributes={"note": text}) as s:
            s.annotate(other=text)
    assert watch.close()
    assert watch.losses() == {}
    assert b"ghp_" not in b"".join(memory.lines())
    assert all(len(str(value)) <= ATTRIBUTE_LENGTH for one in memory.events() for value in one.attributes.values())


def test_so_is_an_attribute_s_name(make_watch: Make, memory: MemoryTransport) -> None:
    watch = make_watch()
    for text in around(NAME_LENGTH):
        with watch.session(attributes={text: 1}):
            pass
    assert watch.close()
    assert watch.losses() == {}
    assert b"ghp_" not in b"".join(memory.lines())
    assert all(len(key) <= NAME_LENGTH for one in memory.events() for key in one.attributes)


def test_an_attribute_too_long_to_be_held_is_told_by_its_size(make_watch: Make, memory: MemoryTransport) -> None:
    watch = make_watch()
    with watch.session(attributes={"note": "x" * (HELD_ATTRIBUTE + 1)}):
        pass
    assert watch.close()
    assert memory.events()[0].attributes["note"] == f"… ({HELD_ATTRIBUTE + 1} characters)"


@pytest.mark.parametrize("limit", [1000, REPR_LIMIT])
def test_what_an_object_shows_of_itself_is_never_half_a_secret(
    limit: int, make_watch: Make, memory: MemoryTransport
) -> None:
    watch = make_watch()
    with watch.session() as s:
        for text in around(limit):
            s.tool_result(s.tool_call("t", {"x": Shown(text)}), [ValueError(text)])
    assert watch.close()
    assert watch.losses() == {}
    assert b"ghp_" not in b"".join(memory.lines())


def test_without_a_masker_attributes_still_fit(make_watch: Make, memory: MemoryTransport) -> None:
    watch = make_watch(policy={"masking": {"kinds": []}})
    with watch.session(attributes={"k" * 300: "v" * 3000}):
        pass
    assert watch.close()
    assert memory.events()[0].attributes == {"k" * NAME_LENGTH: "v" * ATTRIBUTE_LENGTH}
