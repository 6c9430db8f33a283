"""Token counts, as model clients spell them, in the contract's terms.

Read are our own names (OpenTelemetry's), and those of OpenAI's two interfaces, whose counts mean the same:
`input_tokens` includes what came from a cache. Anthropic's `input_tokens` does not; with `provider="anthropic"`
the cached counts are added.
"""

from __future__ import annotations

from typing import Any, Final

from watchkeeper.producers.writing.drafts import Draft
from watchkeeper.producers.writing.encoding import Frozen, freeze, thaw
from watchkeeper.producers.writing.numbers import whole

_ALIASES: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "input_tokens": (("input_tokens",), ("prompt_tokens",)),
    "output_tokens": (("output_tokens",), ("completion_tokens",)),
    "cache_read_input_tokens": (
        ("cache_read_input_tokens",),
        ("input_tokens_details", "cached_tokens"),
        ("prompt_tokens_details", "cached_tokens"),
    ),
    "cache_creation_input_tokens": (("cache_creation_input_tokens",),),
    "reasoning_output_tokens": (
        ("reasoning_output_tokens",),
        ("output_tokens_details", "reasoning_tokens"),
        ("completion_tokens_details", "reasoning_tokens"),
    ),
}


def read_usage(given: Any, provider: str = "") -> dict[str, int]:
    """The counts that were found, by the contract's names; what is no whole number is left out."""
    if not isinstance(given, dict):
        return {}
    found: dict[str, int] = {}
    for name, paths in _ALIASES.items():
        for path in paths:
            count = whole(freeze(_at(given, path)))
            if count is not None:
                found[name] = count
                break
    # Under OpenAI's names (`prompt_tokens`) the counts are OpenAI's, whoever runs the model.
    if provider.lower() == "anthropic" and "input_tokens" in given and "input_tokens" in found:
        found["input_tokens"] += found.get("cache_read_input_tokens", 0) + found.get("cache_creation_input_tokens", 0)
    return found


def draft_usage(draft: Draft, given: Frozen, provider: str) -> Draft | None:
    """The `usage` object, or None where no count was given."""
    counts = read_usage(thaw(given), provider) if isinstance(given, bytes) else {}
    if not counts:
        return None
    usage = draft.nested()
    for name in _ALIASES:
        usage.count(name, counts.get(name))
    return usage


def _at(given: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        given = given.get(key) if isinstance(given, dict) else None
    return given
