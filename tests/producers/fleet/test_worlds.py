from __future__ import annotations

import pytest

from watchkeeper.producers.fleet.pace import SESSION_CLOCK, LateClock, Pace
from watchkeeper.producers.fleet.worlds.books import CHECKS_UNTIL_READY, Books
from watchkeeper.producers.fleet.worlds.codebase import RIGHT, WRONG, Codebase
from watchkeeper.producers.fleet.worlds.diary import Diary
from watchkeeper.producers.fleet.worlds.library import PAGE, Library
from watchkeeper.producers.fleet.worlds.market import Market
from watchkeeper.producers.fleet.worlds.night_shift import NightShift
from watchkeeper.producers.fleet.worlds.refunds import RefundDesk
from watchkeeper.producers.identity import system_clock


def test_two_runs_find_the_same_world() -> None:
    assert RefundDesk().find_orders("c1") == RefundDesk().find_orders("c1")
    assert Library().read_document("travel-policy-2025") == Library().read_document("travel-policy-2025")
    assert Books().query_account("a", "2025-Q1") == Books().query_account("a", "2025-Q1")
    assert Market().fetch_page("shop", 1) == Market().fetch_page("shop", 1)


def test_a_refund_is_paid_once_and_within_what_is_left() -> None:
    desk = RefundDesk()
    order = desk.get_order("c1-1")
    desk.refund_order("c1-1", order["refundable"], "damaged")
    assert desk.get_order("c1-1")["refundable"] == 0
    with pytest.raises(ValueError, match=r"has 0\.0 euros left"):
        desk.refund_order("c1-1", 1.0, "damaged")


def test_pages_of_a_search_are_full_and_differ() -> None:
    library = Library()
    pages = [library.search_documents("policy", page) for page in (1, 2)]
    assert [len(page["hits"]) for page in pages] == [PAGE, PAGE]
    assert pages[0]["hits"] != pages[1]["hits"]
    assert pages[0]["pages"] >= 6


def test_the_annual_reports_are_long_enough_to_fill_a_cap_on_tokens() -> None:
    assert len(Library().read_document("annual-report-1960")["text"]) > 30_000


def test_documents_that_do_not_exist_are_refused() -> None:
    library = Library()
    with pytest.raises(LookupError, match="search first"):
        library.read_document("nothing")
    with pytest.raises(LookupError, match="there is no sentence 999"):
        library.cite_passage("travel-policy-2025", 999)


def test_a_booked_hour_is_busy() -> None:
    diary = Diary()
    hour = diary.find_free_hour("ada", "2025-06-01")["hour"]
    diary.book_meeting("ada", "2025-06-01", hour, "Review")
    assert diary.find_free_hour("ada", "2025-06-01")["hour"] != hour
    with pytest.raises(ValueError, match="ask for a free hour"):
        diary.book_meeting("ada", "2025-06-01", hour, "Again")


def test_a_note_keeps_what_it_is_given() -> None:
    assert Diary().save_note("n", body="b", colour="red")["fields"] == ["body", "colour", "tags"]


def test_tests_pass_once_the_bug_is_patched() -> None:
    code = Codebase()
    assert not code.run_tests("shop")["passed"]
    code.apply_patch("shop/prices.py", WRONG, RIGHT)
    assert code.run_tests("shop") == {"project": "shop", "case": "all", "passed": True, "failures": []}
    with pytest.raises(ValueError, match="occurs 0 times"):
        code.apply_patch("shop/prices.py", WRONG, RIGHT)
    with pytest.raises(FileNotFoundError):
        code.read_file("shop/other.py")


def test_a_rate_at_months_end_comes_at_the_second_request() -> None:
    books = Books()
    with pytest.raises(ConnectionError):
        books.fetch_rate("EUR", "USD", "month-end-1")
    assert books.fetch_rate("EUR", "USD", "month-end-1")["rate"] > 1
    assert books.fetch_rate("EUR", "EUR", "any day")["rate"] == 1


def test_an_export_is_ready_after_a_few_questions() -> None:
    books = Books()
    job = books.start_export("yearly")["job_id"]
    said = [books.export_status(job)["status"] for _ in range(CHECKS_UNTIL_READY + 1)]
    assert said == ["running"] * CHECKS_UNTIL_READY + ["ready"]
    with pytest.raises(LookupError, match="start one first"):
        books.export_status("export-nothing")


def test_a_cold_shard_takes_its_time_by_the_sessions_own_clock() -> None:
    clock = LateClock(300)
    token = SESSION_CLOCK.set(clock)
    try:
        before = clock()
        NightShift(Pace().wait, 300).rebuild_index("cold-1")
        assert 300 <= (clock() - before) / 1_000_000 < 330
        assert clock() <= system_clock()
    finally:
        SESSION_CLOCK.reset(token)
