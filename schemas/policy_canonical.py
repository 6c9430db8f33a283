"""The one spelling of a policy that its hash is made of."""

from __future__ import annotations

from typing import Any

from watchkeeper.schemas.model import Model


def canonical_fields(model: Model) -> dict[str, Any]:
    """What `model_dump` says, without the fields that the model's `LATER` names where they hold their default."""
    fields = model.model_dump(mode="json")
    _prune(model, fields)
    return fields


def _prune(value: Any, dumped: Any) -> None:
    if isinstance(value, Model):
        later: frozenset[str] = getattr(type(value), "LATER", frozenset())
        for name, field in type(value).model_fields.items():
            inner = getattr(value, name)
            if name in later and inner == field.get_default(call_default_factory=True):
                del dumped[name]
            else:
                _prune(inner, dumped[name])
    elif isinstance(value, dict):
        for key, inner in value.items():
            _prune(inner, dumped[key])
    elif isinstance(value, list):
        for inner, written in zip(value, dumped, strict=True):
            _prune(inner, written)
