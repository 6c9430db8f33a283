"""What is written for speed says the same as what is written for reading."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.contents import address_of
from watchkeeper.schemas.model import EARLIEST, LATEST, from_us, to_us

MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 3),  # noqa: DTZ001 - the strategy adds the zone
    max_value=datetime(2299, 12, 30),  # noqa: DTZ001 - as above
    timezones=st.integers(-720, 720).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)


@given(MOMENTS)
def test_microseconds_are_counted_exactly(moment: datetime) -> None:
    since = moment - EARLIEST
    assert to_us(moment) == (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    assert from_us(to_us(moment)) == moment


def test_the_ends_of_the_calendar() -> None:
    assert from_us(to_us(LATEST)) == LATEST
    assert to_us(EARLIEST) == 0


@given(st.text(), st.binary(min_size=16, max_size=16), st.text())
def test_a_salted_address_is_the_keyed_hash_of_its_text_alone(text: str, salt: bytes, before: str) -> None:
    address_of(before, salt.hex())
    expected = hashlib.blake2b(text.encode(), digest_size=32, key=salt).hexdigest()
    assert address_of(text, salt.hex()) == f"s-{expected}"
