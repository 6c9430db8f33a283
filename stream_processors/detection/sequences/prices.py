"""What requests of the sequences cost: the list price of the one model in them, as price books have it."""

from __future__ import annotations

from typing import Final

from watchkeeper.schemas.events import Usage
from watchkeeper.stream_processors.detection.pricing import Priced

MODEL: Final = "gpt-4o"
VERSION: Final = "sequences/1"
_MILLION: Final = 1_000_000
_INPUT, _CACHED, _OUTPUT = 2.5, 1.25, 10.0


class ListPrices:
    """US dollars for a million tokens of `MODEL`; any other is unpriced."""

    def price(self, *, provider: str, model: str, usage: Usage, at_us: int) -> Priced:  # noqa: ARG002 - the port's shape
        """See `PriceBook.price`."""
        if model != MODEL:
            return Priced("unpriced")
        cached = usage.cache_read_input_tokens
        uncached = max(0, usage.input_tokens - cached)
        usd = (uncached * _INPUT + cached * _CACHED + usage.output_tokens * _OUTPUT) / _MILLION
        return Priced("priced", usd, VERSION)
