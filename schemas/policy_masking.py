"""What is masked at the source: the part of a policy that the recorder reads."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from watchkeeper.schemas.masked_paths import wrong_path
from watchkeeper.schemas.model import Model, Name
from watchkeeper.schemas.patterns import compile_pattern

STRICT = "strict_paths"
"""In pydantic's context: paths that no event has are refused."""

MaskKind = Literal["secret", "email", "phone", "card", "iban", "ssn", "ip"]


class MaskPattern(Model):
    """An expression of the user's own.

    Attributes:
        name: what it is called in counts and replacements: small letters, digits and underscores.
        regex: in the syntax of RE2, which has neither look-around nor backreferences and so cannot run away.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    regex: Annotated[str, Field(min_length=1, max_length=1000)]

    @field_validator("regex")
    @classmethod
    def _linear(cls, regex: str) -> str:
        if compile_pattern(regex).matches(""):
            raise ValueError("matches the empty text, so it would mask nothing, everywhere: ask for a character")
        return regex


class Masking(Model):
    """What is masked at the source, before anything is hashed, spooled or sent. `docs/masking.md` tells each kind.

    Attributes:
        kinds: what is looked for. Secrets by default: no record needs them.
        patterns: expressions of the user's own.
        fields: values that are masked whole, by path from the event's type on: `tool_call.arguments.card_number`,
            `*.password`.
        exempt: paths that are left as they are.
        replacement: `pseudonym` (`[email:3f2a90c1]`, equal for equal values) or `constant` (`[email]`).
        phone_regions: regions whose numbers are known without a country's code, such as `US`.
    """

    kinds: list[MaskKind] = ["secret"]
    patterns: list[MaskPattern] = []
    fields: list[Name] = []
    exempt: list[Name] = []
    replacement: Literal["pseudonym", "constant"] = "pseudonym"
    phone_regions: list[Annotated[str, Field(pattern=r"^[A-Z]{2}$")]] = []

    @field_validator("fields", "exempt")
    @classmethod
    def _paths(cls, paths: list[str], info: ValidationInfo) -> list[str]:
        # A worker takes the policy of a recorder that is older or newer, and may know other paths, as it is.
        strict = bool(info.context and info.context.get(STRICT))
        wrong = [text for path in paths if (text := wrong_path(path)) and (strict or _is_malformed(path))]
        if wrong:
            raise ValueError("; ".join(wrong))
        return paths


def _is_malformed(path: str) -> bool:
    first, *rest = path.split(".")
    return not first or not rest or not all(rest)
