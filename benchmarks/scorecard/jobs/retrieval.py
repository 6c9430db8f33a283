"""A company's handbook agent: finds passages, and answers by them."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.ground import Beat, Job, tool

AGENT: Final = "handbook"

PASSAGES: Final = (
    ("parental leave", "Employees may take {n} weeks of parental leave, paid at {m} percent of the salary."),
    ("travel expenses", "Travel expenses are paid back within {n} days when receipts are handed in within {m} days."),
    ("home office", "Staff may work from home on {n} days a week and must be in the office every {day}."),
    ("laptops", "Laptops are replaced after {n} months; a broken one is repaired within {m} working days."),
    ("overtime", "Overtime above {n} hours a month must be agreed with the team lead in advance."),
    ("training", "Each employee has a training budget of {m} euros a year and {n} days to use it."),
    ("visitors", "Visitors must be registered by {n} o'clock on the day before and wear a badge."),
    ("parking", "The garage has {m} places; a permit costs {n} euros a month and is given by seniority."),
    ("probation", "The probation period lasts {n} months and the notice period in it is {m} days."),
    ("sick leave", "A doctor's note is needed from day {n} of an illness on and is sent to the personnel office."),
)
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday")

TOOLS: Final = [tool("search_handbook", "Finds passages of the handbook.", ["query"], query="string")]

POLICY: Final[dict[str, Any]] = {
    "version": "7",
    "goal": {
        "statement": (
            "Answers questions of employees by the company's handbook. Cites what it found. Says so when the handbook "
            "does not answer a question. Gives no legal advice. Changes nothing in any system."
        ),
    },
    "caps": {"tool_calls": 12, "tokens": 100_000, "wall_clock_seconds": 300, "cost_usd": 0.5},
    "tools": {"search_handbook": {"effect": "read"}},
    "allow_unlisted_tools": False,
}


class Passage:
    """A passage of the handbook with figures of its own."""

    def __init__(self, rng: Random) -> None:
        self.topic, text = rng.choice(PASSAGES)
        self.text = text.format(n=rng.randrange(2, 20), m=rng.randrange(21, 99), day=rng.choice(DAYS))
        self.document_id = f"hb-{rng.randrange(100, 999)}"
        self.score = round(rng.uniform(0.71, 0.93), 3)

    def document(self) -> dict[str, Any]:
        """As the index gives it."""
        return {"id": self.document_id, "text": self.text, "score": self.score, "version": "2026-01"}


def job(rng: Random) -> Job:
    """One or two questions of an employee."""
    topics: dict[str, Passage] = {}
    for passage in (Passage(rng) for _ in range(rng.randrange(1, 3))):
        topics.setdefault(passage.topic, passage)
    steps = [beat for passage in topics.values() for beat in _question(passage, rng)]
    told = {"goal": "Answer by the handbook.", "intent": "question", "user_id": f"e-{rng.randrange(10**4)}"}
    return Job("retrieval", AGENT, POLICY, TOOLS, steps, model="gpt-4o", told=told)


def _question(passage: Passage, rng: Random) -> list[Beat]:
    ask = rng.choice(
        (
            f"What are the rules for {passage.topic}?",
            f"Can you tell me what the handbook says about {passage.topic}?",
            f"How does {passage.topic} work here?",
        )
    )
    others = [other for other in (Passage(rng) for _ in range(3)) if other.topic != passage.topic]

    def find(desk: Desk) -> None:
        query = f"{passage.topic} rules"
        call_id = desk.call("search_handbook", {"query": query})
        desk.wait(rng.uniform(0.1, 0.5))
        documents = [passage.document(), *({**other.document(), "score": 0.58} for other in others)]
        desk.session.retrieval(query, documents, source="handbook")
        shown = [{"id": one["id"], "text": one["text"]} for one in documents]
        desk.returns(call_id, shown)

    def answer(desk: Desk) -> None:
        lead = rng.choice(("The handbook says: ", "According to the handbook: ", ""))
        desk.say(f"{lead}{passage.text}")

    return [lambda desk: desk.user(ask), find, answer]
