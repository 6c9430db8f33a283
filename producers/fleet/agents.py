"""The fleet's agents: who they are, which model they use, and what tools they have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from watchkeeper.producers.fleet.pace import Pace
from watchkeeper.producers.fleet.worlds.books import Books
from watchkeeper.producers.fleet.worlds.codebase import Codebase
from watchkeeper.producers.fleet.worlds.diary import Diary
from watchkeeper.producers.fleet.worlds.library import Library
from watchkeeper.producers.fleet.worlds.market import Market
from watchkeeper.producers.fleet.worlds.night_shift import NightShift
from watchkeeper.producers.fleet.worlds.refunds import RefundDesk

POLICIES: Final = Path(__file__).parent / "policies"
COLD_SECONDS: Final = 300.0
"""How long a cold shard takes: longer than the night batch may run in all."""

ToolFunction = Callable[..., Any]

NOTE_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "body": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["title"],
}
"""As people write schemas: nothing is said of other keys, so they are permitted."""


class Worlds:
    """One of each world, shared by all sessions of a run."""

    def __init__(self, pace: Pace) -> None:
        self.refunds = RefundDesk()
        self.library = Library()
        self.diary = Diary()
        self.codebase = Codebase()
        self.books = Books()
        self.market = Market()
        self.night_shift = NightShift(pace.wait, COLD_SECONDS)


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """One agent.

    Attributes:
        name: its id; its policy is `policies/<name>.yaml`.
        model: the model's name, as the price list knows it or does not.
        provider: who runs the model.
        system: the system prompt.
        tools: its functions in a world.
        by_hand: JSON Schemas that its author wrote, in place of those that the recorder reads from the functions.
    """

    name: str
    model: str
    provider: str
    system: str
    tools: Callable[[Worlds], tuple[ToolFunction, ...]] = field(repr=False)
    by_hand: Mapping[str, dict[str, Any]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def policy(self) -> Path:
        """The file of its policy."""
        return POLICIES / f"{self.name}.yaml"


def _refund_tools(worlds: Worlds) -> tuple[ToolFunction, ...]:
    desk = worlds.refunds
    return desk.find_orders, desk.get_order, desk.refund_order, desk.send_message


def _library_tools(worlds: Worlds) -> tuple[ToolFunction, ...]:
    library = worlds.library
    return library.search_documents, library.read_document, library.cite_passage


def _diary_tools(worlds: Worlds) -> tuple[ToolFunction, ...]:
    diary = worlds.diary
    return diary.list_events, diary.find_free_hour, diary.book_meeting, diary.save_note


def _code_tools(worlds: Worlds) -> tuple[ToolFunction, ...]:
    code = worlds.codebase
    return code.read_file, code.apply_patch, code.run_tests


def _books_tools(worlds: Worlds) -> tuple[ToolFunction, ...]:
    books = worlds.books
    return books.query_account, books.read_statement, books.fetch_rate, books.start_export, books.export_status


def _market_tools(worlds: Worlds) -> tuple[ToolFunction, ...]:
    return worlds.market.fetch_page, worlds.market.record_price


def _night_tools(worlds: Worlds) -> tuple[ToolFunction, ...]:
    return worlds.night_shift.shard_size, worlds.night_shift.rebuild_index


def _desk_tools(worlds: Worlds) -> tuple[ToolFunction, ...]:
    return worlds.diary.list_events, worlds.diary.find_free_hour


_SPECS: Final = (
    AgentSpec(
        "refund-desk",
        "gpt-4.1-mini",
        "openai",
        "You settle refunds for a shop. Look before you pay, and tell the customer when it is done.",
        _refund_tools,
    ),
    AgentSpec(
        "librarian",
        "gpt-4.1",
        "openai",
        "You answer from the company's documents alone, and quote the passage.",
        _library_tools,
    ),
    AgentSpec(
        "diary-keeper",
        "gemini-2.5-flash",
        "google",
        "You keep the team's calendar and its notes.",
        _diary_tools,
        MappingProxyType({"save_note": NOTE_SCHEMA}),
    ),
    AgentSpec(
        "code-helper",
        "gpt-5",
        "openai",
        "You make failing tests pass with the smallest change.",
        _code_tools,
    ),
    AgentSpec(
        "finance-reporter",
        "o3-pro",
        "openai",
        "You report figures from the company's books. Never estimate.",
        _books_tools,
    ),
    AgentSpec(
        "price-watch",
        "house-model-7b",
        "in-house",
        "You note the prices of shops. The first two pages of each are enough.",
        _market_tools,
    ),
    AgentSpec(
        "night-batch",
        "gpt-4.1-nano",
        "openai",
        "You rebuild the indexes of the shards that changed.",
        _night_tools,
    ),
    AgentSpec(
        "front-desk",
        "gpt-4.1-nano",
        "openai",
        "You tell visitors whether the person they want to see is free.",
        _desk_tools,
    ),
)
AGENTS: Final[Mapping[str, AgentSpec]] = MappingProxyType({spec.name: spec for spec in _SPECS})
