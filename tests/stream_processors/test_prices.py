"""The price book agrees with genai-prices to the last digit that floats keep, and prices nothing unknown."""

from __future__ import annotations

from pathlib import Path

import genai_prices
import pytest
from genai_prices.data import providers
from genai_prices.data_snapshot import DataSnapshot, set_custom_snapshot
from genai_prices.types import TimeOfDateConstraint

from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.events import Usage
from watchkeeper.schemas.model import from_us
from watchkeeper.stream_processors.prices import GenaiPriceBook

JUNE_2026_US = 1_780_300_000_000_000
MAY_2025_US = 1_746_100_000_000_000

MODELS = [
    ("openai", "gpt-4.1", "openai"),
    ("openai", "gpt-4o-2024-11-20", "openai"),
    ("openai", "o3", "openai"),
    ("anthropic", "claude-sonnet-4-5", "anthropic"),
    ("gcp.gemini", "gemini-2.5-pro", "google"),
    ("azure.ai.openai", "gpt-4o", "azure"),
    ("deepseek", "deepseek-chat", "deepseek"),
    ("openrouter", "perplexity/sonar-deep-research", "openrouter"),
]
USAGES = [
    Usage(input_tokens=1000, output_tokens=100),
    Usage(input_tokens=200_000, output_tokens=1),
    Usage(input_tokens=200_001, output_tokens=1),
    Usage(input_tokens=1_000_000, output_tokens=5_000, cache_read_input_tokens=999_999),
    Usage(input_tokens=5000, output_tokens=0, cache_read_input_tokens=3000, cache_creation_input_tokens=1500),
    Usage(input_tokens=0, output_tokens=7),
    Usage(input_tokens=10, output_tokens=900, reasoning_output_tokens=850),
]


@pytest.mark.parametrize("usage", USAGES)
@pytest.mark.parametrize(("provider", "model", "provider_id"), MODELS)
@pytest.mark.parametrize("at_us", [JUNE_2026_US, MAY_2025_US])
def test_memoised_rates_give_the_library_s_price(
    provider: str, model: str, provider_id: str, usage: Usage, at_us: int
) -> None:
    priced = GenaiPriceBook().price(provider=provider, model=model, usage=usage, at_us=at_us)
    expected = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_input_tokens,
            cache_write_tokens=usage.cache_creation_input_tokens,
            output_reasoning_tokens=usage.reasoning_output_tokens,
        ),
        model,
        provider_id=provider_id,
        genai_request_timestamp=from_us(at_us),
    )
    assert priced.status == "priced"
    assert priced.cost_usd == pytest.approx(float(expected.total_price), rel=1e-9, abs=1e-15)
    assert priced.version.startswith("genai-prices ")


def test_no_off_peak_hour_begins_within_a_period_of_the_memo() -> None:
    constraints = [
        conditional.constraint
        for provider in providers
        for model in provider.models
        if isinstance(model.prices, list)
        for conditional in model.prices
    ]
    times = [constraint for constraint in constraints if isinstance(constraint, TimeOfDateConstraint)]
    assert times
    for constraint in times:
        for moment in (constraint.start_time, constraint.end_time):
            assert (moment.minute % 15, moment.second, moment.microsecond) == (0, 0, 0)


def test_prices_that_others_put_in_place_from_the_network_are_not_ours() -> None:
    before = GenaiPriceBook().price(provider="openai", model="gpt-4.1", usage=USAGES[0], at_us=JUNE_2026_US)
    set_custom_snapshot(DataSnapshot(providers=[], from_auto_update=True))
    try:
        assert GenaiPriceBook().price(provider="openai", model="gpt-4.1-mini", usage=USAGES[0], at_us=0).cost_usd
        after = GenaiPriceBook().price(provider="openai", model="gpt-4.1", usage=USAGES[0], at_us=JUNE_2026_US)
    finally:
        set_custom_snapshot(None)
    assert after == before


def test_the_time_of_the_request_chooses_the_price() -> None:
    book, usage = GenaiPriceBook(), Usage(input_tokens=1000, output_tokens=100)
    then = book.price(provider="openai", model="o3", usage=usage, at_us=MAY_2025_US)
    now = book.price(provider="openai", model="o3", usage=usage, at_us=JUNE_2026_US)
    assert then.cost_usd == pytest.approx(0.014)
    assert now.cost_usd == pytest.approx(0.0028)


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "no-such-model"), ("my-gateway", "gpt-4.1"), ("", "no-such-model"), ("openai", "")],
)
def test_what_is_not_known_is_unpriced_never_free(provider: str, model: str) -> None:
    priced = GenaiPriceBook().price(provider=provider, model=model, usage=USAGES[0], at_us=JUNE_2026_US)
    assert (priced.status, priced.cost_usd) == ("unpriced", None)


def test_a_model_without_a_provider_is_found_by_its_name() -> None:
    book = GenaiPriceBook()
    with_provider = book.price(provider="openai", model="gpt-4.1", usage=USAGES[0], at_us=JUNE_2026_US)
    assert book.price(provider="", model="gpt-4.1", usage=USAGES[0], at_us=JUNE_2026_US) == with_provider
    assert book.price(provider="", model="openai/gpt-4.1", usage=USAGES[0], at_us=JUNE_2026_US) == with_provider


def test_an_operator_s_price_goes_first(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("gpt-4.1: {input: 1.0, output: 10.0, cache_read: 0.5}\nhouse/llama: {input: 2.0, output: 2.0}\n")
    book = GenaiPriceBook(overrides=path)
    usage = Usage(input_tokens=1_000_000, output_tokens=100_000, cache_read_input_tokens=400_000)
    assert book.price(provider="openai", model="gpt-4.1", usage=usage, at_us=0).cost_usd == pytest.approx(0.6 + 0.2 + 1)
    assert book.price(provider="house", model="llama", usage=usage, at_us=0).cost_usd == pytest.approx(2.2)
    assert "prices.yaml" in book.version


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("gpt-4.1: {input: cheap, output: 1}", "gpt-4.1.input"),
        ("gpt-4.1: {inputs: 1.0, output: 1.0}", "gpt-4.1"),
        ("- 1", "must map models"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_price_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=says):
        GenaiPriceBook(overrides=path)
