"""Shops on the web whose prices are watched."""

from __future__ import annotations

from typing import Any

from watchkeeper.producers.fleet.worlds import chance_for


class Market:
    """Pages of shops; each leads to the next."""

    def fetch_page(self, shop: str, page: int) -> dict[str, Any]:
        """Fetch one page of a shop's list: five goods with prices, and the number of the next page."""
        chance = chance_for("market", shop, page)
        goods = {f"{shop}-{page}-{number}": round(chance.uniform(3, 90), 2) for number in range(1, 6)}
        return {"shop": shop, "page": page, "prices": goods, "next": page + 1}

    def record_price(self, article: str, price: float) -> dict[str, Any]:
        """Write a price into the history of an article."""
        return {"article": article, "price": price, "recorded": True}
