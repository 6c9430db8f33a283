"""What a session remembers of documents that their asker may not read: enough to know their text again."""

from __future__ import annotations

from typing import TypedDict

from watchkeeper.schemas.contents import Content
from watchkeeper.schemas.events import Document, Retrieval
from watchkeeper.schemas.evidence.permission_leak import Reach
from watchkeeper.stream_processors.detection.fingerprints import brief, digest
from watchkeeper.stream_processors.detection.shingles import (
    DIGITS,
    Shingle,
    count_words,
    merged,
    packed,
    unpacked,
    values_of,
)

MAX_SUSPECTS = 6
"""Documents that are followed at once; more at once come from a retriever that filters nothing, which six show."""

MAX_PRINTS = 240
"""Shingles of all followed documents together."""

MAX_GROUPS = 4
MAX_LABEL = 40
MAX_NAME = 100

MIN_WORDS = 8
"""Words in common from which on a text counts as copied, unless half of the document is."""

MIN_RUNS = 3
"""Shingles of a document in a prompt from which on it counts as shown; all, where it has fewer."""


class Suspect(TypedDict):
    """A document that its asker may not read.

    Attributes:
        allowed: groups that would have been allowed, the first of them.
        asker: groups of the asker, the first of them.
        address: of its text, shortened; empty where it is not known. What is the text as a whole comes by it alone.
        words: how many it has; 0 where its text is not known.
        prints: its shingles, a sample where they are many; empty where its text is not known.
        reach: how far it came, as told; empty while nothing was.
        unseen: whether no prompt was recorded since it was looked up.
        overlap: words of an answer in common, as told.
    """

    document: str
    version: str
    retrieval: str
    source: str
    allowed: list[str]
    more_allowed: int
    asker: list[str]
    more_asker: int
    event_id: str
    at_us: int
    address: str
    words: int
    prints: str
    reach: Reach | str
    unseen: bool
    overlap: int
    revision: int


def prints_of(text: str | None) -> set[int]:
    """The shingles of a text; none where it is too short to be known again."""
    found = values_of(text) if text else []
    # A single one may be of fewer words, and as such stands in no other text.
    return set(found) if len(found) > 1 else set()


def keep_prints(suspects: list[Suspect]) -> None:
    """Holds the shingles of all suspects within bounds, the same number for each that has many."""
    share = MAX_PRINTS // max(1, len(suspects))
    for suspect in suspects:
        if len(suspect["prints"]) > share * DIGITS:
            suspect["prints"] = suspect["prints"][: share * DIGITS]


def absolve(suspects: list[Suspect], content: Content) -> None:
    """What stands in a text that the asker may read betrays nothing; a suspect of nothing else is none."""
    permitted = prints_of(content.text)
    for suspect in tuple(suspects):
        if suspect["address"] == brief(content.address) and not suspect["reach"]:
            suspects.remove(suspect)
        elif suspect["prints"]:
            suspect["prints"] = packed(unpacked(suspect["prints"]) - permitted, MAX_PRINTS)
            if not suspect["prints"] and not suspect["reach"]:
                suspects.remove(suspect)


def is_shown(suspect: Suspect, text: set[int], addresses: set[str]) -> bool:
    """Whether a prompt with these shingles, and with texts of these addresses, shows the document."""
    if suspect["address"] in addresses:
        return True
    known = unpacked(suspect["prints"])
    return bool(known) and len(known & text) >= min(MIN_RUNS, len(known))


def copied(suspect: Suspect, answer: list[Shingle]) -> list[tuple[int, int]]:
    """Where an answer says what stands in the document; nothing where it is too little to tell."""
    known = unpacked(suspect["prints"])
    return merged([one for one in answer if one.value in known])


def is_copy(suspect: Suspect, answer: list[Shingle], words: int) -> bool:
    """Whether what an answer has in common with the document, so many words, is more than chance."""
    known = unpacked(suspect["prints"])
    common = {one.value for one in answer} & known
    return bool(common) and len(common) >= min(2, len(known)) and (words >= MIN_WORDS or 2 * len(common) >= len(known))


def labels(groups: list[str]) -> list[str]:
    """The first groups, shortened."""
    return [group[:MAX_LABEL] for group in groups[:MAX_GROUPS]]


def suspect_of(document: Document, event: Retrieval, at_us: int) -> Suspect:
    """A document of which nothing is told yet."""
    allowed = document.allowed_groups or []
    groups = event.data.asker_groups or []
    text = None if document.content is None else document.content.text
    return Suspect(
        document=_name(document.document_id),
        version=document.version[:MAX_LABEL],
        retrieval=_name(event.data.retrieval_id),
        source=event.data.source[:MAX_LABEL],
        allowed=labels(allowed),
        more_allowed=max(0, len(allowed) - MAX_GROUPS),
        asker=labels(groups),
        more_asker=max(0, len(groups) - MAX_GROUPS),
        event_id=event.event_id,
        at_us=at_us,
        address="" if document.content is None else brief(document.content.address),
        words=0 if text is None else count_words(text),
        prints=packed(prints_of(text), MAX_PRINTS),
        reach="",
        unseen=True,
        overlap=0,
        revision=0,
    )


def _name(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 13]}…{digest(name)}"
