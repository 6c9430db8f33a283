"""Tells of a JSON text, mostly in one pass over its bytes and without parsing it, that nothing in it is to be masked.

It may err on the one side alone: what is to be masked is always told of. So expressions see the text as one, with its
escapes decoded, in which each string stands as it is between quotes; those that ask where a text begins or ends, and
field patterns without a last name, cannot be judged so and always have the text parsed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import Final

import orjson

from watchkeeper.producers.masking.json_text import QUOTES, nested_in, opened
from watchkeeper.producers.masking.paths import Path, Paths
from watchkeeper.producers.masking.scanning import ExpressionSet, knows_edges

NESTING: Final = 8
"""JSON in a text in JSON: models hand over arguments as text."""

_MEMBERS: Final = (
    "password|passwd|passphrase|secret|api[_-]?key|secret[_-]?key|private[_-]?key|access[_-]?token|refresh[_-]?token"
    "|auth[_-]?token|session[_-]?token|client[_-]?secret|(?:proxy-)?authorization"
)
SECRET_KEY: Final = re.compile(rf"(?i)(?:.*[_.-])?(?:{_MEMBERS})")
"""Members that hold secrets, by their names."""

# With the quote that stands around strings.
_SECRET_MEMBER: Final = rb"(?i)(?:%b)%%b\s*:\s*[%%b\[]" % _MEMBERS.encode()
_NAMED: Final = rb"(?i)%b\Q%b\E%b\s*:"
_NESTED: Final = rb"%b[\s\x0b]*[{\[]"


class Stir(Enum):
    """What may have to be masked in a JSON text.

    NOTHING: nothing. TEXTS: something within its texts and numbers. PATHS: that, or something by its name or path.
    """

    NOTHING = 0
    TEXTS = 1
    PATHS = 2


class Screen:
    """One policy's.

    Attributes:
        edges: whether an expression may ask where a text begins or ends.
    """

    def __init__(self, patterns: Sequence[bytes], own: Sequence[bytes], fields: Paths, *, secrets: bool) -> None:
        """For all expressions, of which `own` are the user's: ours ask for no edge that a quote is not, too."""
        self._fields = fields
        self._secrets = secrets
        self.edges = any(knows_edges(pattern) for pattern in own)
        self._named = range(1, 1 + len(fields.names) + secrets)
        self._plain, self._decoded = (ExpressionSet([*self._shapes(quote), *patterns]) for quote in QUOTES)
        self._parsed_always = lru_cache(4096)(self._parsed_whatever_it_says)

    def stir(self, raw: bytes, path: Path, depth: int) -> Stir:
        """What may be masked in a JSON text that stands at this path, `depth` texts deep in others."""
        if self._parsed_always(path):
            return Stir.PATHS
        if b"\\" not in raw:
            found = self._plain.in_text(raw)
        elif (text := opened(raw)) is not None:
            found = self._decoded.in_text(text)
        else:
            return Stir.PATHS
        if not found:
            return Stir.NOTHING
        if any(index in self._named for index in found):
            return Stir.PATHS
        if any(found):
            return Stir.TEXTS
        nested = depth < NESTING and any(
            self.stir(orjson.loads(raw[start:end]).encode(), path, depth + 1) is not Stir.NOTHING
            for start, end in nested_in(raw)
        )
        return Stir.TEXTS if nested else Stir.NOTHING

    def _shapes(self, quote: bytes) -> list[bytes]:
        named = [_NAMED % (quote, name.encode(), quote) for name in self._fields.names]
        return [_NESTED % quote, *named, *([_SECRET_MEMBER % (quote, quote)] if self._secrets else [])]

    def _parsed_whatever_it_says(self, path: Path) -> bool:
        if self.edges or self._fields.match(path) or self._fields.open_under(path):
            return True
        return self._secrets and bool(path) and SECRET_KEY.fullmatch(path[-1]) is not None
