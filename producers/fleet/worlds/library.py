"""A company's documents, and a search over them."""

from __future__ import annotations

from typing import Any, Final

from watchkeeper.producers.fleet.worlds import chance_for

PAGE: Final = 5
_TOPICS = ("travel", "security", "holiday", "expense", "hiring", "training", "safety", "privacy", "purchasing")
_KINDS = ("policy", "handbook", "checklist", "minutes")
_VOCABULARY = (
    "the office shall within days every request approval manager team receipt limit before after unless written"
    " notice form review year budget person site record keep archive signed copy department case exception"
)


class Library:
    """Short documents, a few years of each, and very long annual reports."""

    def __init__(self) -> None:
        self._titles = {
            f"{topic}-{kind}-{year}": f"{topic.capitalize()} {kind} {year}"
            for topic in _TOPICS
            for kind in _KINDS
            for year in (2023, 2024, 2025)
        }
        self._titles |= {f"annual-report-{year}": f"Annual report {year}" for year in range(1960, 2026)}

    def search_documents(self, query: str, page: int = 1) -> dict[str, Any]:
        """Search the titles of all documents. Answers five hits a page, the best first."""
        words = set(query.casefold().split())
        scored = [
            (len(words & set(title.casefold().split())) / max(1, len(words)), document_id)
            for document_id, title in self._titles.items()
        ]
        hits = sorted((-score, document_id) for score, document_id in scored if score > 0)
        shown = hits[(page - 1) * PAGE : page * PAGE]
        return {
            "page": page,
            "pages": -(-len(hits) // PAGE),
            "hits": [{"id": name, "title": self._titles[name], "score": round(-score, 2)} for score, name in shown],
        }

    def read_document(self, document_id: str) -> dict[str, Any]:
        """Read the whole text of one document."""
        if document_id not in self._titles:
            raise LookupError(f"no document {document_id}: search first, ids come from the hits")
        words = 5500 if document_id.startswith("annual-report") else 120
        return {"id": document_id, "title": self._titles[document_id], "text": _prose(document_id, words)}

    def cite_passage(self, document_id: str, sentence: int) -> dict[str, Any]:
        """Quote one sentence of a document, counted from 1."""
        sentences = self.read_document(document_id)["text"].split(". ")
        if not 1 <= sentence <= len(sentences):
            raise LookupError(f"{document_id} has {len(sentences)} sentences, there is no sentence {sentence}")
        return {"id": document_id, "sentence": sentence, "quote": sentences[sentence - 1]}


def _prose(name: str, words: int) -> str:
    chance = chance_for("document", name)
    vocabulary = _VOCABULARY.split()
    sentences = []
    while words > 0:
        length = min(words, chance.randint(8, 18))
        words -= length
        sentences.append(" ".join(chance.choice(vocabulary) for _ in range(length)).capitalize())
    return ". ".join(sentences) + "."
