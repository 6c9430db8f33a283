"""Dead letters as people and machines read them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, Final

from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.letters import Letter, Place, hexdump
from watchkeeper.cli.output import Column, make_console, print_table
from watchkeeper.cli.store import Row
from watchkeeper.schemas.visible_text import visible

HEX_BYTES: Final = 4096

_COUNT_COLUMNS: Final = (
    Column("reason"),
    Column("open", "right"),
    Column("sent again", "right"),
    Column("latest (UTC)"),
)
_COLUMNS: Final = (
    Column("received (UTC)"),
    Column("place"),
    Column("reason"),
    Column("status", place="below"),
    Column("detail", place="text"),
)


def print_letters(counts: list[Row], found: list[Row]) -> None:
    """Prints counts by reason, then the letters."""
    console = make_console()
    cells = [
        [row["reason"], formats.count(row["open"]), formats.count(row["redriven"]), formats.at(row["latest"])]
        for row in counts
    ]
    print_table(console, _COUNT_COLUMNS, cells)
    console.print()
    rows: list[list[Text | str]] = [
        [formats.at(row["received_at"]), str(Place.of(row)), row["reason"], row["status"], row["detail"]]
        for row in found
    ]
    print_table(console, _COLUMNS, rows)


def facts_of(letter: Letter) -> Iterator[str]:
    """What is known of a letter, but nothing of what it holds."""
    yield f"place     {letter.place}"
    yield f"reason    {letter.reason}"
    yield f"detail    {visible(letter.detail)}"
    yield f"key       {visible(letter.key.decode(errors='backslashreplace')) or '(none)'}"
    yield f"size      {formats.size(len(letter.raw))}"
    yield f"received  {formats.at(letter.received_at)} UTC"
    yield f"status    {letter.status}" + (f", {letter.revision} times" if letter.revision else "")


def contents_of(raw: bytes) -> Iterator[str]:
    """What it holds: as JSON where it is that, else in hexadecimal."""
    try:
        # orjson would make a fraction of a whole number beyond 64 bits.
        text = json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        yield from hexdump(raw, HEX_BYTES)
        if len(raw) > HEX_BYTES:
            yield f"… {formats.count(len(raw) - HEX_BYTES)} more bytes (--save FILE writes all)"
        return
    yield visible(text)


def letter_document(letter: Letter, *, raw: bool) -> dict[str, Any]:
    """A letter as JSON, its bytes only where `raw` asks for them."""
    document: dict[str, Any] = {
        "place": str(letter.place),
        "reason": letter.reason,
        "detail": letter.detail,
        "key": letter.key.decode(errors="backslashreplace"),
        "size": len(letter.raw),
        "received_at": letter.received_at,
        "status": letter.status,
        "revision": letter.revision,
    }
    if raw:
        document["raw_base64"] = base64.b64encode(letter.raw).decode()
    return document
