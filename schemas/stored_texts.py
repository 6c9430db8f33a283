"""The texts of a session: found by address wherever they are, and checked against their hash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, get_args

from watchkeeper.schemas.contents import Content, matches
from watchkeeper.schemas.event_contents import contents_of
from watchkeeper.schemas.prompts import RebuiltPrompt, RebuiltText, Verdict, rebuild_prompts, texts_of
from watchkeeper.schemas.stored_events import Row, StoredEvent

VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)
_WORST_LAST: Final[dict[Verdict, int]] = {"verified": 0, "unverifiable": 1, "mismatch": 2, "missing": 3}


class SessionTexts:
    """Texts by address: inline in any event of the session, else from the table `contents`.

    Args:
        events: all events of the session.
    """

    def __init__(self, events: Iterable[StoredEvent]) -> None:
        self._events = [event.event for event in events if event.event is not None]
        self._inline = texts_of(self._events)
        self._kept: dict[str, str] = {}
        self._salts = {event.writer_id: event.writer_salt for event in self._events if event.writer_salt is not None}

    @property
    def wanted(self) -> list[str]:
        """The addresses whose texts no event of the session carries."""
        used = (content.address for event in self._events for _, content in contents_of(event))
        return [address for address in dict.fromkeys(used) if address not in self._inline]

    def add_stored(self, rows: Iterable[Row]) -> None:
        """Takes in rows of `contents`; a text whose parts are not all there is missing."""
        parts: dict[str, dict[int, str]] = {}
        wanted: dict[str, int] = {}
        for row in rows:
            parts.setdefault(row["address"], {})[row["part"]] = row["text"]
            wanted[row["address"]] = row["parts"]
        for address, pieces in parts.items():
            if len(pieces) == wanted[address]:
                self._kept[address] = "".join(pieces[index] for index in sorted(pieces))

    def of(self, content: Content, writer_id: str) -> RebuiltText:
        """The text of a content that an event of this writer carries."""
        text = content.text
        if text is None:
            text = self._inline.get(content.address, self._kept.get(content.address))
        return RebuiltText(
            content.address, text, self._verdict(content, text, writer_id), content.media_type, content.masked
        )

    def prompts(self) -> list[RebuiltPrompt]:
        """The prompts, in the order of the events."""
        return rebuild_prompts(self._events, self._kept.get)

    def by_address(self) -> dict[str, RebuiltText]:
        """Every text that the session refers to; the worst one where an address came with several."""
        found: dict[str, RebuiltText] = {}
        for event in self._events:
            for _, content in contents_of(event):
                text = self.of(content, event.writer_id)
                known = found.get(content.address)
                if known is None or _WORST_LAST[text.verdict] > _WORST_LAST[known.verdict]:
                    found[content.address] = text
        return found

    def counts(self) -> dict[Verdict, int]:
        """How many texts were found with which verdict."""
        counted = Counter(text.verdict for text in self.by_address().values())
        return {verdict: counted[verdict] for verdict in VERDICTS}

    def _verdict(self, content: Content, text: str | None, writer_id: str) -> Verdict:
        if text is None:
            return "missing"
        fits = matches(content.address, text, self._salts.get(writer_id))
        if fits is None:
            return "unverifiable"
        return "verified" if fits else "mismatch"
