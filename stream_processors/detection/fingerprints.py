"""What makes two tool calls the same, or nearly the same, and two results equally new: short digests for states.

**Identical** calls: the same tool with the same arguments as JSON values. The order of keys and the white space of a
JSON text do not matter.

**Near** calls: the same tool, and arguments that differ in nothing but

- letter case and white space of strings; 3 and 3.0;
- values that step through pages (`STEPPING`, `CURSORS`: page, offset, cursor, …);
- the wording of free text (two words or more): the words that carry meaning overlap by `WORDS_IN_COMMON` (Jaccard), or
  one text has all of the other's, `WORDS_KEPT` at least; numbers in the text are the same.

Short strings and numbers elsewhere name things: two orders are two orders. Whether near calls are a loop is for their
results to say.

**Results** are compared by address first. Two texts that differ in nothing but identifiers and times (UUIDs, long
hexadecimal numbers, names that end in four digits or more, moments) bring nothing new; a failure brings nothing new
if it differs in digits alone. Plain numbers of a success are news: 40 % is not 60 %.
"""

from __future__ import annotations

import hashlib
import json
import re
import string
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import orjson

from watchkeeper.schemas.events import ToolCallData, ToolResultData

WORDS_IN_COMMON = 0.6
"""Of the meaningful words of both texts: "Nvidia revenue 2023" and "annual revenue of Nvidia in 2023" share 2 of 3."""

WORDS_KEPT = 2
"""Meaningful words that are all kept while others are put around them: "roaming abroad", "rules for roaming abroad"."""

MAX_WORDS = 48
MAX_NAME = 48
MAX_DEPTH = 16
MAX_COMPARED = 1000
"""Characters of a result that is compared beyond its address; of a longer one, folding costs more than it tells."""


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


STEPPING = _words(
    "page pages pageno page_no page_num pagenumber page_number page_size pagesize per_page offset start skip",
    "limit top top_k topk k max max_results maxresults attempt retry retries timeout",
)
"""Arguments whose numbers step through what is there. `start` may also be a day: only numbers are masked."""

CURSORS = _words("cursor page_token pagetoken next_token nexttoken continuation_token")

_TURNING = STEPPING | CURSORS

_NOT_MEANT = _words(
    "a an and are as at be been by can did do does for from has have how i in is it its me my of on or s that",
    "the their there this to was were what when where which who why will with you your please find search show",
    "get tell about information info details guide docs documentation help handle explain regarding concerning",
)
_SPACED = str.maketrans(dict.fromkeys(string.punctuation, " "))
_VOLATILE = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"  # UUIDs
    r"|\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.,]*(?:Z|[+-]\d\d:?\d\d)?"  # moments
    r"|\b\d\d:\d\d:\d\d[\d.,]*"
    r"|\b(?=[0-9a-f]*\d)[0-9a-f]{16,}\b"  # hashes
    r"|\b[A-Za-z][A-Za-z_]*-?\d{4,}(?:-\d+)*\b"  # certificate_3221322, ORD-2024-17
    r"|\b\d{10,}\b",  # epochs, long serial numbers
    re.IGNORECASE,
)
_OF_IDENTIFIERS = b"0123456789abcdefABCDEF.,:+-"
_NOTHING = hashlib.blake2b(digest_size=6)
"""Takes nothing in, ever: to copy it is cheaper than to make another."""

_NO_DIGITS = str.maketrans("", "", "0123456789")


@dataclass(slots=True)
class CallPrint:
    """A tool call, as far as telling repeats needs it.

    Attributes:
        exact: equal for identical calls.
        frame: equal for calls that may be near; "" where the arguments are not known.
        words: digests of the meaningful words of free text, four digits each, sorted.
    """

    exact: str
    frame: str = ""
    words: str = ""


def digest(raw: str | bytes) -> str:
    """Twelve hexadecimal digits: 48 bits, which tell apart what one session or one subject remembers."""
    hashing = _NOTHING.copy()
    hashing.update(raw.encode() if isinstance(raw, str) else raw)
    return hashing.hexdigest()


def brief(address: str) -> str:
    """The part of a content's address that tells the contents of one session apart."""
    return address[2:14]


def short(name: str) -> str:
    """A name as states keep it: itself, or the digest of a long one."""
    return name if len(name) <= MAX_NAME else digest(name)


def print_of_call(data: ToolCallData, event_id: str) -> CallPrint:
    """The fingerprint of a call. Where its arguments are not known it is like no other."""
    name = data.tool_name.encode()
    arguments = data.arguments
    content = data.arguments_content
    if content is not None:
        if content.text is None:
            return CallPrint(digest(name + b"\0" + content.address.encode()))
        arguments = content.text
    if arguments is None:
        return CallPrint(digest(event_id))
    if isinstance(arguments, str):
        arguments = _parsed(arguments)
    words: list[str] = []
    try:
        exact = canonical(arguments)
        framed = _framed(arguments, words, 0)
        frame = exact if framed is arguments else canonical(framed)
    except RecursionError:
        # Only a text nests this deep: an event does not.
        return CallPrint(digest(name + b"\0" + str(data.arguments or content).encode()))
    told = digest(name + b"\0" + exact)
    return CallPrint(
        exact=told,
        frame=told if frame == exact else digest(name + b"\0" + frame),
        words=_packed(words) if words else "",
    )


def are_near(one: CallPrint, other: CallPrint) -> bool:
    """Whether two calls are identical or near."""
    if one.exact == other.exact:
        return True
    if one.frame != other.frame or not one.frame:
        return False
    if one.words == other.words:
        return True
    mine, theirs = _split(one.words), _split(other.words)
    common = len(mine & theirs)
    if common >= WORDS_IN_COMMON * len(mine | theirs):
        return True
    return common >= WORDS_KEPT and common == min(len(mine), len(theirs))


def canonical(value: Any) -> bytes:
    """A JSON value in one spelling: keys sorted, no white space."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        # Integers of more than 64 bits, which JSON allows, and more levels than orjson writes.
        return json.dumps(value, sort_keys=True).encode()


@dataclass(slots=True)
class ResultPrint:
    """What a tool answered, as far as telling news needs it.

    Attributes:
        same: equal for equal answers of one writer; "" where the answer was not recorded.
        sketch: different for answers that differ in more than identifiers; "" where the text is too long, or away.
        folded: equal for answers that differ in identifiers alone; "" where it was not made.
    """

    same: str
    sketch: str = ""
    folded: str = ""


def print_of_result(data: ToolResultData, *, fold: bool) -> ResultPrint:
    """The fingerprint of a result. `fold` is for results of repeated calls: it costs as much as all the rest."""
    failed = data.status != "ok"
    head = f"{data.status}/{data.error_type}" if failed else ""
    content = data.result
    if content is None:
        return ResultPrint(short(head))
    same = short(head + brief(content.address))
    text = content.text
    if text is None or len(text) > MAX_COMPARED:
        return ResultPrint(same)
    sketch = f"{zlib.crc32(text.encode().translate(None, _OF_IDENTIFIERS)):x}"
    if not fold:
        return ResultPrint(same, sketch)
    folded = _VOLATILE.sub("#", text)
    return ResultPrint(same, sketch, digest(head + (folded.translate(_NO_DIGITS) if failed else folded)))


def is_news(before: ResultPrint, after: ResultPrint) -> bool | None:
    """Whether the later result says something that the earlier one did not; None where that cannot be told."""
    if not before.same or not after.same:
        return None
    if before.same == after.same:
        return False
    if not before.sketch or not after.sketch or before.sketch != after.sketch:
        return True
    if not before.folded or not after.folded:
        return None
    return before.folded != after.folded


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _framed(value: Any, words: list[str], depth: int) -> Any:
    """The value with all that near calls may differ in taken out; meaningful words of free text go to `words`.

    Itself, where there is nothing to take out: that is most calls.
    """
    kind = type(value)
    if kind is str:
        return _framed_text(value, words)
    if kind is float:
        return int(value) if value.is_integer() else value
    if kind is not dict and kind is not list:
        return value
    if depth >= MAX_DEPTH:
        return canonical(value).decode(errors="replace")
    if kind is list:
        entries = [_framed(inner, words, depth + 1) for inner in value]
        return entries if any(one is not other for one, other in zip(entries, value, strict=True)) else value
    framed, is_same = {}, True
    for key, inner in value.items():
        lowered = key.lower()
        if lowered in _TURNING and _turns(lowered, inner):
            told: Any = "#"
        else:
            told = _framed_text(inner, words) if type(inner) is str else _framed(inner, words, depth + 1)
        framed[key] = told
        is_same = is_same and told is inner
    return value if is_same else framed


def _turns(key: str, value: Any) -> bool:
    if key in STEPPING:
        return isinstance(value, (int, float)) or (isinstance(value, str) and value.isdigit())
    return not isinstance(value, (dict, list))


def _framed_text(text: str, words: list[str]) -> str:
    folded = text.casefold()
    if len(folded.split(None, 1)) < 2:
        folded = folded.strip()
        return text if folded == text else folded
    found = folded[:MAX_COMPARED].translate(_SPACED).split()
    if len(found) < 2:
        return " ".join(folded.split())
    words += found
    numbers = [word for word in found if word.isdigit()]
    return "~" + " ".join(sorted(numbers))


def _packed(words: list[str]) -> str:
    meant = {zlib.crc32(word.encode()) & 0xFFFF for word in set(words) - _NOT_MEANT if not word.isdigit()}
    listed = sorted(meant)[:MAX_WORDS]
    return struct.pack(f">{len(listed)}H", *listed).hex()


def _split(words: str) -> set[str]:
    return {words[at : at + 4] for at in range(0, len(words), 4)}
