"""What sessions use of models, and what it costs."""

from __future__ import annotations

from watchkeeper.schemas.events import Response
from watchkeeper.stream_processors.detection.pricing import NOTHING_TO_PRICE, PriceBook, Priced
from watchkeeper.stream_processors.detection.session import SessionState


def charge(session: SessionState, event: Response, prices: PriceBook, at_us: int) -> Priced:
    """Takes what a response used into its session's totals, by the prices of that moment (`at_us`)."""
    data = event.data
    usage = data.usage
    session.model = data.model or session.model
    session.provider = data.provider or session.provider
    if usage is None:
        return NOTHING_TO_PRICE
    totals = session.totals
    totals.input_tokens += usage.input_tokens
    totals.cached_input_tokens += usage.cache_read_input_tokens
    totals.output_tokens += usage.output_tokens
    totals.tokens += max(0, usage.input_tokens - usage.cache_read_input_tokens) + usage.output_tokens
    priced = prices.price(provider=session.provider, model=session.model, usage=usage, at_us=at_us)
    if priced.cost_usd is None:
        totals.unpriced_requests += 1
    else:
        totals.priced_requests += 1
        totals.cost_usd += priced.cost_usd
    return priced
