from __future__ import annotations

from watchkeeper.stream_processors.detection.subject_keys import MIN_SECRET_BYTES, UNKEYED, SubjectKeys

KEYS = SubjectKeys(b"a secret of the installation")


def test_equal_things_have_equal_names_whatever_the_order_of_their_keys() -> None:
    assert KEYS.name("t", {"a": 1, "b": [2]}) == KEYS.name("t", {"b": [2], "a": 1})


def test_a_name_depends_on_tenant_thing_and_secret() -> None:
    names = [KEYS.name("t", "c-1"), KEYS.name("u", "c-1"), KEYS.name("t", "c-2"), UNKEYED.name("t", "c-1")]
    assert len(set(names)) == 4
    assert {len(name) for name in names} == {32}


def test_things_are_told_apart_by_where_they_end() -> None:
    assert KEYS.name("t", "ab", "c") != KEYS.name("t", "a", "bc")
    assert KEYS.name("t", 1) != KEYS.name("t", "1")


def test_the_secret_shows_nowhere_and_must_be_long_enough() -> None:
    assert "secret" not in repr(KEYS).replace("is_secret", "")
    assert KEYS.is_secret
    assert not SubjectKeys(b"x" * (MIN_SECRET_BYTES - 1)).is_secret
