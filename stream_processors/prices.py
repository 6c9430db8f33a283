"""The price book: genai-prices' bundled snapshot, rates memoised, an operator's own prices first. No network."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import genai_prices
import yaml
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices
from pydantic import Field, TypeAdapter, ValidationError

from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.events import Usage
from watchkeeper.schemas.model import Model, from_us
from watchkeeper.stream_processors.detection.pricing import Priced

UNPRICED = Priced("unpriced")
MILLION = 1_000_000

PROVIDERS: dict[str, str] = {
    "aws.bedrock": "aws",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "mistral_ai": "mistral",
    "moonshot_ai": "moonshotai",
    "x_ai": "x-ai",
}
"""OpenTelemetry's `gen_ai.provider.name` to the ids of genai-prices, where they differ."""

_PERIOD_US = 900_000_000
"""Prices change by date and, off peak, by time of day; no provider's boundary falls inside a quarter of an hour."""


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars a token, and a request, for one model at one time and in one tier."""

    uncached_input: float
    cache_read: float
    cache_write: float
    output: float
    reasoning: float
    request: float = 0.0

    def cost(self, usage: Usage) -> float:
        """The cost of one request; cached tokens are part of the input, reasoning of the output, priced as such."""
        read, write = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
        reasoning = usage.reasoning_output_tokens
        return (
            self.request
            + max(0, usage.input_tokens - read - write) * self.uncached_input
            + read * self.cache_read
            + write * self.cache_write
            + max(0, usage.output_tokens - reasoning) * self.output
            + reasoning * self.reasoning
        )


class OwnPrice(Model):
    """An operator's price of a model, in US dollars for a million tokens; cached tokens cost as input, if not given."""

    input: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    output: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    cache_read: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    cache_write: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None

    @property
    def rates(self) -> Rates:
        """The price of one token."""
        read = self.input if self.cache_read is None else self.cache_read
        write = self.input if self.cache_write is None else self.cache_write
        output = self.output / MILLION
        return Rates(self.input / MILLION, read / MILLION, write / MILLION, output=output, reasoning=output)


_OWN_PRICES: TypeAdapter[dict[str, OwnPrice]] = TypeAdapter(dict[str, OwnPrice])


class GenaiPriceBook:
    """See `watchkeeper.stream_processors.detection.pricing.PriceBook`.

    A model is looked up under its provider; without one, by its name alone. A provider that the snapshot does not
    know is unpriced: a gateway's or one's own machine's price is not the vendor's.

    Args:
        overrides: a YAML file, `model: {input, output, cache_read, cache_write}` in US dollars for a million tokens;
            the model's name may be `provider/model`. What it names goes before the snapshot.

    Raises:
        ConfigurationError: the file cannot be read or used.
    """

    def __init__(self, overrides: Path | None = None) -> None:
        self.version = f"genai-prices {genai_prices.__version__}"
        self._own: dict[str, Rates] = {}
        if overrides is not None:
            self._own, digest = _read_own(overrides)
            self.version += f" + {overrides.name} {digest}"
        self._rates = lru_cache(maxsize=8192)(_rates)

    def price(self, *, provider: str, model: str, usage: Usage, at_us: int) -> Priced:
        """See `PriceBook.price`."""
        rates = self._own.get(f"{provider}/{model}") or self._own.get(model)
        if rates is None:
            found = _find(provider, model)
            if found is None:
                return UNPRICED
            period = at_us // _PERIOD_US
            tier = bisect_left(_tier_starts(*found, period), usage.input_tokens)
            rates = self._rates(*found, period, tier)
        return UNPRICED if rates is None else Priced("priced", rates.cost(usage), self.version)


@dataclass(frozen=True, slots=True, eq=False)
class _Listed:
    """A model in the snapshot; hashed by identity, since the snapshot's own classes cannot be hashed."""

    provider: Provider
    model: ModelInfo


@cache
def _snapshot() -> DataSnapshot:
    """The bundled prices, whatever else in the process may have put in their place from the network."""
    return DataSnapshot(providers=import_module("genai_prices.data").providers, from_auto_update=False)


@lru_cache(maxsize=8192)
def _find(provider: str, model: str) -> tuple[_Listed] | None:
    if not model:
        return None
    prefix, slash, rest = model.partition("/")
    attempts = [(PROVIDERS.get(provider, provider) or None, model)]
    if slash:
        attempts.append((PROVIDERS.get(prefix, prefix), rest))
    for provider_id, name in attempts:
        try:
            return (_Listed(*_snapshot().find_provider_model(name, None, provider_id, None)),)
        except LookupError:
            continue
    return None


@lru_cache(maxsize=8192)
def _tier_starts(listed: _Listed, period: int) -> tuple[int, ...]:
    prices = _prices(listed, period)
    return tuple(sorted({t.start for p in vars(prices).values() if isinstance(p, TieredPrices) for t in p.tiers}))


def _prices(listed: _Listed, period: int) -> ModelPrice:
    return listed.model.get_prices(from_us(period * _PERIOD_US))


def _rates(listed: _Listed, period: int, tier: int) -> Rates | None:
    """The rates, found by asking the library for the price of round usages within the tier.

    A price is linear in the tokens as long as the tier stays the same, and asking for one costs some 230 µs.
    """
    starts = _tier_starts(listed, period)
    tokens = starts[tier - 1] + 1 if tier else starts[0] if starts else MILLION
    prices = _prices(listed, period)

    def ask(**counts: int) -> Decimal:
        usage = genai_prices.Usage(**{"input_tokens": tokens, "output_tokens": 0, **counts})
        return prices.calc_price(usage)["total_price"]

    try:
        request = prices.calc_price(genai_prices.Usage(input_tokens=0, output_tokens=0))["total_price"]
        whole = ask()
        return Rates(
            uncached_input=float((whole - request) / tokens),
            cache_read=float((ask(cache_read_tokens=tokens) - request) / tokens),
            cache_write=float((ask(cache_write_tokens=tokens) - request) / tokens),
            output=float((ask(output_tokens=MILLION) - whole) / MILLION),
            reasoning=float((ask(output_tokens=MILLION, output_reasoning_tokens=MILLION) - whole) / MILLION),
            request=float(request),
        )
    except (LookupError, ValueError):
        return None


def _read_own(path: Path) -> tuple[dict[str, Rates], str]:
    try:
        raw = path.read_bytes()
        document: Any = yaml.safe_load(raw)
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"the price file {path} cannot be read: {error}") from error
    if not isinstance(document, Mapping):
        raise ConfigurationError(f"the price file {path} must map models to {{input, output}} in US dollars a million")
    try:
        own = _OWN_PRICES.validate_python(dict(document))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigurationError(
            f"the price file {path}: {'.'.join(map(str, first['loc']))}: {first['msg']}; "
            "give `model: {input: 1.25, output: 10.0}` in US dollars for a million tokens"
        ) from error
    return {name: price.rates for name, price in own.items()}, hashlib.blake2b(raw, digest_size=4).hexdigest()
