"""Identifiers, addresses and the chain."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.contents import address_of, matches
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.ids import derived_id, uuid7
from watchkeeper.schemas.topics import CONTROL, EVENTS, TOPICS
from watchkeeper.schemas.wire import chain_link, data_digest, line_digest, record_key, split_lines

millis = st.integers(min_value=0, max_value=2**48 - 1)
entropies = st.binary(min_size=10, max_size=10)
salts = st.binary(min_size=16, max_size=16).map(bytes.hex)
parts_of_ids = st.lists(st.text(max_size=6), max_size=5)


@given(millis, entropies)
def test_uuid7_has_the_bits_of_its_version_and_the_time(epoch_ms: int, entropy: bytes) -> None:
    value = uuid.UUID(uuid7(epoch_ms, entropy))
    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert value.int >> 80 == epoch_ms
    assert uuid7(epoch_ms, entropy) == str(value)


@given(millis, millis, entropies, entropies)
def test_uuid7_sorts_by_time(one: int, other: int, first: bytes, second: bytes) -> None:
    if one != other:
        assert (uuid7(one, first) < uuid7(other, second)) == (one < other)


def test_uuid7_without_arguments_is_now_and_unique() -> None:
    made = [uuid7() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert [value[:13] for value in made] == sorted(value[:13] for value in made)


@given(entropies, entropies)
def test_uuid7_keeps_all_the_entropy_that_the_version_leaves(one: bytes, other: bytes) -> None:
    # Four bits of version and two of variant are overwritten; the other 74 tell two sources apart.
    mask = ~(0xF << 76 | 0x3 << 62) & (1 << 80) - 1
    same = int.from_bytes(one, "big") & mask == int.from_bytes(other, "big") & mask
    assert (uuid7(0, one) == uuid7(0, other)) == same


@pytest.mark.parametrize("entropy", [b"", b"123456789", b"12345678901"])
def test_uuid7_refuses_other_entropy(entropy: bytes) -> None:
    with pytest.raises(ConfigurationError, match="ten bytes"):
        uuid7(0, entropy)


@given(parts_of_ids, parts_of_ids)
def test_derived_ids_are_equal_only_for_equal_parts(one: list[str], other: list[str]) -> None:
    assert (derived_id(*one) == derived_id(*other)) == (one == other)


@given(st.text(max_size=8), st.text(max_size=8))
def test_no_part_forges_the_border_between_two(left: str, right: str) -> None:
    cuts = {(left, right), (left + right,), (left, right, ""), ("", left, right)}
    assert len({derived_id(*cut) for cut in cuts}) == len(cuts)


def test_a_derived_id_stays_what_it_was() -> None:
    # Findings of earlier releases are found again under these: a change here doubles them.
    assert derived_id("cost_runaway", "acme", "s-1", 5) == "55c9a711-812d-8ebe-bf39-967444bfdf80"
    assert derived_id("a", 1) == derived_id("a", "1")
    assert uuid.UUID(derived_id("a")).version == 8


@given(st.text(), salts)
def test_an_address_belongs_to_one_text_and_one_salt(text: str, salt: str) -> None:
    other = "00" * 16 if salt != "00" * 16 else "11" * 16
    assert matches(address_of(text), text, None) is True
    assert matches(address_of(text, salt), text, salt) is True
    assert matches(address_of(text, salt), text, other) is False
    assert matches(address_of(text, salt), text, None) is None
    assert matches(address_of(text, salt), text + "x", salt) is False
    assert address_of(text.encode(), salt) == address_of(text, salt)


@given(st.binary(max_size=40), salts)
def test_a_salted_address_does_not_give_away_the_unsalted_one(text: bytes, salt: str) -> None:
    assert address_of(text)[2:] != address_of(text, salt)[2:]
    assert (address_of(text)[:2], address_of(text, salt)[:2]) == ("u-", "s-")


some_bytes = st.binary(min_size=1, max_size=30)
links = st.lists(st.tuples(some_bytes, some_bytes), min_size=2, max_size=6)


def chain_of(events: list[tuple[bytes, bytes]], salt: str) -> list[str]:
    """The chain over pairs of header and data."""
    values, previous = [], ""
    for header, data in events:
        previous = chain_link(previous, header, data_digest(data, salt))
        values.append(previous)
    return values


@given(links, salts, st.data())
def test_a_changed_byte_changes_its_link_and_every_later_one(
    events: list[tuple[bytes, bytes]], salt: str, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(events) - 1))
    side = data.draw(st.integers(0, 1))
    place = data.draw(st.integers(0, len(events[index][side]) - 1))
    flip = data.draw(st.integers(1, 255))
    pair = [bytearray(part) for part in events[index]]
    pair[side][place] ^= flip
    forged = [*events[:index], (bytes(pair[0]), bytes(pair[1])), *events[index + 1 :]]
    before, after = chain_of(events, salt), chain_of(forged, salt)
    assert before[:index] == after[:index]
    assert all(one != other for one, other in zip(before[index:], after[index:], strict=True))


@given(links, salts)
def test_a_link_left_out_or_moved_shows(events: list[tuple[bytes, bytes]], salt: str) -> None:
    whole = chain_of(events, salt)
    assert chain_of(events[1:], salt)[-1] != whole[-1]
    if events[0] != events[1]:
        assert chain_of([events[1], events[0], *events[2:]], salt)[-1] != whole[-1]


@given(st.lists(st.binary(min_size=1, max_size=20).filter(lambda line: b"\n" not in line and not line.isspace())))
def test_lines_are_split_at_line_feeds_alone(lines: list[bytes]) -> None:
    assert split_lines(b"\n".join(lines)) == lines
    assert split_lines(b"\n \n".join(lines) + b"\n\n") == lines


def test_a_line_separator_of_unicode_ends_no_line() -> None:
    text = '{"a":"\u2028\x0b\x0c\u0085"}'.encode()
    assert split_lines(text) == [text]


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_a_line_is_identified_by_its_bytes(one: bytes, other: bytes) -> None:
    assert (line_digest(one) == line_digest(other)) == (one == other)


def test_a_record_key_is_tenant_and_session() -> None:
    assert record_key("acme", "s/1") == b"acme/s/1"


def test_topics_are_named_once_and_sized_for_what_they_carry() -> None:
    names = [topic.name for topic in TOPICS]
    assert len(set(names)) == len(names)
    assert all(topic.partitions > 0 and topic.retention_ms > 0 for topic in TOPICS)
    dead = next(topic for topic in TOPICS if topic.name == "agent.dead-letter")
    # A record in base64 grows by a third and still has its reason around it.
    assert dead.max_message_bytes > EVENTS.max_message_bytes * 4 / 3
    assert CONTROL.config == {
        "retention.ms": "86400000",
        "max.message.bytes": "1048576",
        "cleanup.policy": "delete",
        "message.timestamp.type": "CreateTime",
    }
    # How long a session was silent is told by when its records arrived, not by the clocks of hosts.
    assert EVENTS.config["message.timestamp.type"] == "LogAppendTime"
