"""The first of the fleet's agents: a shop's desk, a library, a diary, code, books, prices, night work, a front desk."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from watchkeeper.producers.fleet.agent_spec import AgentSpec, ToolFunction
from watchkeeper.producers.fleet.worlds.all_worlds import Worlds

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


OFFICE: Final = (
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
