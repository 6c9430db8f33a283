"""Regular expressions out of policies: in linear time, so that none of them can hold up a worker.

The engine is the one that pydantic brings (Rust's `regex`): the syntax of RE2, without look-around and backreferences.
"""

from __future__ import annotations

from functools import lru_cache

from pydantic_core import SchemaError, SchemaValidator, core_schema

MAX_PATTERN = 1000


class Pattern:
    """A compiled expression.

    Attributes:
        source: as it was written.
    """

    __slots__ = ("_validator", "source")

    def __init__(self, source: str, validator: SchemaValidator) -> None:
        self.source = source
        self._validator = validator

    def matches(self, text: str) -> bool:
        """Whether it matches the whole text."""
        return self._validator.isinstance_python(text)


@lru_cache(maxsize=4096)
def compile_pattern(source: str) -> Pattern:
    """The expression, compiled.

    Raises:
        ValueError: it is none, or not one that runs in linear time; the message says what to write.
    """
    if len(source) > MAX_PATTERN:
        raise ValueError(f"has {len(source)} characters; write at most {MAX_PATTERN}")
    try:
        # Alone first: "a)(b" is no expression, though it is one in brackets.
        SchemaValidator(core_schema.str_schema(pattern=source))
        whole = core_schema.str_schema(pattern=f"^(?:{source})$", strict=True)
        return Pattern(source, SchemaValidator(whole))
    except SchemaError:
        raise ValueError(
            "no expression that runs in linear time: write a regular expression of RE2, "
            "without look-around and backreferences"
        ) from None
