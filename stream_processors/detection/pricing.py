"""The port through which prices are handed in: detection knows no price list and no network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from watchkeeper.schemas.events import Usage
from watchkeeper.schemas.rows import PriceStatus


@dataclass(frozen=True, slots=True)
class Priced:
    """What one model request cost.

    Attributes:
        status: `none` without usage, `unpriced` where the model is not in the price book.
        cost_usd: US dollars; None unless priced. Unpriced is never 0.
        version: the price book's version.
    """

    status: PriceStatus
    cost_usd: float | None = None
    version: str = ""


NOTHING_TO_PRICE = Priced("none")


class PriceBook(Protocol):
    """Prices by model, provider and the time of the request."""

    def price(self, *, provider: str, model: str, usage: Usage, at_us: int) -> Priced:
        """The cost of one request; `unpriced` where the model is unknown. Never raises for an unknown model."""


class NoPrices:
    """A price book without prices: whatever was used is unpriced."""

    def price(self, *, provider: str, model: str, usage: Usage, at_us: int) -> Priced:  # noqa: ARG002 - the port's shape
        """See `PriceBook.price`."""
        return Priced("unpriced")
