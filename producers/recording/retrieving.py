"""Recording what an agent looks up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from watchkeeper.producers.recording.boundary import contained, nothing
from watchkeeper.producers.recording.telling import Telling


class Retrieving:
    """A retrieval that has begun: tell it what was found.

    Attributes:
        found: what the retrieval's end will tell.
    """

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def documents(self, documents: Sequence[Any], *, asker_groups: Sequence[str] | None = None) -> None:
        """What was found; see `Retrievals.retrieval` for the forms that are read."""
        self.found = {"documents": documents}
        if asker_groups is not None:
            self.found["asker_groups"] = asker_groups


class Retrievals(Telling):
    """The methods that tell of retrievals."""

    @contained(fallback=nothing)
    def retrieval(
        self,
        query: str,
        documents: Sequence[Any] = (),
        *,
        source: str = "",
        asker_groups: Sequence[str] | None = None,
        duration_us: int | None = None,
    ) -> None:
        """A retrieval that has ended. Where it takes time, prefer `retrieving`, which tells its beginning too.

        Args:
            query: what was asked.
            documents: texts, or mappings with `document_id` (or `id`), `content` (or `text`, `page_content`),
                `score`, `version`, `allowed_groups` and `access_list_at`.
            source: the index or the store.
            asker_groups: the groups of the person on whose behalf was asked; None where that is not known.
            duration_us: microseconds that it took.
        """
        fields = self._retrieval("finished", self._new_id("retrieval"), query, source)
        fields.update(documents=documents, asker_groups=asker_groups, duration_us=duration_us)
        self._happened("retrieval", fields)

    @contextmanager
    def retrieving(
        self, query: str, *, source: str = "", asker_groups: Sequence[str] | None = None
    ) -> Iterator[Retrieving]:
        """A retrieval begins with the block and ends with it.

        Example:
            >>> from watchkeeper.producers import Watchkeeper
            >>> from watchkeeper.producers.testing import MemoryTransport
            >>> watch = Watchkeeper(agent="support", transport=MemoryTransport())
            >>> with watch.session() as s, s.retrieving("refund rules", source="handbook") as r:
            ...     r.documents([{"id": "h-12", "text": "Refunds within 30 days.", "score": 0.81}])
            >>> watch.close()
            True
        """
        retrieval_id, begun, told = self._new_id("retrieval"), self._stopwatch(), Retrieving()
        self._about_to("retrieval", self._retrieval("started", retrieval_id, query, source))
        try:
            yield told
        finally:
            fields = self._retrieval("finished", retrieval_id, query, source)
            duration_us = max(0, self._stopwatch() - begun)
            fields |= {"asker_groups": asker_groups, "duration_us": duration_us, **told.found}
            self._record("retrieval", fields)

    @staticmethod
    def _retrieval(phase: str, retrieval_id: str, query: str, source: str) -> dict[str, Any]:
        return {"retrieval_id": retrieval_id, "phase": phase, "source": source, "query": query}
