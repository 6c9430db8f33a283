from __future__ import annotations

import pytest

from watchkeeper.producers import Watchkeeper
from watchkeeper.producers.fleet.pace import SESSION_CLOCK, LateClock, Pace, PastClock
from watchkeeper.producers.fleet.worlds.books import CHECKS_UNTIL_READY, Books
from watchkeeper.producers.fleet.worlds.calendars import Calendars
from watchkeeper.producers.fleet.worlds.claims import ClaimsOffice
from watchkeeper.producers.fleet.worlds.codebase import RIGHT, WRONG, Codebase
from watchkeeper.producers.fleet.worlds.credit import CreditDesk
from watchkeeper.producers.fleet.worlds.diary import Diary
from watchkeeper.producers.fleet.worlds.handbook import Handbook
from watchkeeper.producers.fleet.worlds.library import PAGE, Library
from watchkeeper.producers.fleet.worlds.mailroom import THIEF, Mailroom
from watchkeeper.producers.fleet.worlds.market import Market
from watchkeeper.producers.fleet.worlds.night_shift import NightShift
from watchkeeper.producers.fleet.worlds.parcels import Parcels
from watchkeeper.producers.fleet.worlds.payments import PaymentsDesk
from watchkeeper.producers.fleet.worlds.recordings import Recordings
from watchkeeper.producers.fleet.worlds.refunds import RefundDesk
from watchkeeper.producers.fleet.worlds.retention import RetentionOffice
from watchkeeper.producers.fleet.worlds.travel import TravelDesk
from watchkeeper.producers.identity import system_clock
from watchkeeper.producers.testing import MemoryTransport


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


def test_an_offer_is_remembered_and_a_manager_may_have_allowed_more() -> None:
    office = RetentionOffice()
    office.make_offer("c1", 0.1)
    assert office.customer_profile("c1")["earlier_offers"] == [0.1]
    assert office.customer_profile("c1-vip")["manager_discount"] > office.customer_profile("c1")["manager_discount"]


def test_an_experts_report_changes_a_claim_and_its_version() -> None:
    claims = ClaimsOffice()
    before = claims.read_claim("claim-1")
    claims.ask_expert("claim-1")
    after = claims.read_claim("claim-1")
    assert (after["version"], after["amount"]) == ("4", before["amount"] + 400)
    claims.pay_claim("claim-1", after["amount"])
    with pytest.raises(ValueError, match="has been paid"):
        claims.pay_claim("claim-1", after["amount"])


def test_two_of_one_household_have_the_same_facts_and_the_old_system_writes_money_as_text() -> None:
    desk = CreditDesk()
    one, other = (desk.account_facts(f"house/{person}") for person in ("ann", "ben"))
    assert one | {"customer_id": ""} == other | {"customer_id": ""}
    assert isinstance(one["balance"], float)
    assert desk.account_facts("old-house/ann")["balance"].startswith("$")
    assert desk.account_facts("house/new-ann")["terms"] != one["terms"]


def test_a_bank_that_answers_late_has_paid() -> None:
    desk = PaymentsDesk()
    with pytest.raises(TimeoutError, match="may have been made"):
        desk.pay_invoice("slow-1", 10.0)
    assert desk.get_invoice("slow-1")["state"] == "paid"
    assert desk.pay_invoice("slow-1", 10.0)["status"] == "paid"


def test_the_handbooks_search_filters_and_the_archives_does_not() -> None:
    book = Handbook()
    query = "lisbon office closing plan"
    assert "plan-lisbon" in {one["id"] for one in book.search_archive(query)}
    watch = Watchkeeper(agent="helper", transport=MemoryTransport())
    with watch.session(user_id="somebody"):
        assert "plan-lisbon" not in {one["id"] for one in book.search_handbook(query)}
    with watch.session(user_id="board-1"):
        assert "plan-lisbon" in {one["id"] for one in book.search_handbook(query)}
    assert watch.close()
    with pytest.raises(LookupError, match="ids come from a search"):
        book.delete_document("nothing")


def test_what_nobody_wrote_of_scores_below_what_somebody_did() -> None:
    book = Handbook()
    assert max(one["score"] for one in book.search_archive("insurance dogs pets")) < 0.55
    assert max(one["score"] for one in book.search_archive("parental leave")) > 0.55


def test_only_poisoned_pages_speak_to_machines() -> None:
    mail = Mailroom()
    assert THIEF in mail.read_page("https://poison-1.example/")
    assert THIEF not in mail.read_page("https://garden.example/")


def test_a_day_that_is_written_replaces_what_stood_there() -> None:
    calendars = Calendars()
    calendars.write_day("team", "monday", "board")
    calendars.write_day("team", "monday", "interview")
    assert calendars.read_calendar("team")["week"]["monday"] == "interview"


def test_a_carrier_that_is_down_stays_down_and_one_that_blinks_comes_back() -> None:
    parcels = Parcels()
    for _ in range(2):
        with pytest.raises(ConnectionError):
            parcels.track_parcel("down-1")
    with pytest.raises(ConnectionError):
        parcels.track_parcel("blip-1")
    assert parcels.track_parcel("blip-1")["stations"]


def test_a_queued_recording_takes_its_time() -> None:
    waited: list[float] = []
    recordings = Recordings(waited.append, 90.0)
    recordings.transcribe("call-1")
    recordings.transcribe("queued-1")
    assert waited[0] < 1
    assert waited[1] == 90.0


def test_a_session_of_the_past_moves_by_its_own_work_alone() -> None:
    clock = PastClock(1_000_000)
    token = SESSION_CLOCK.set(clock)
    try:
        Pace(1.0).think(3600)
        Pace(1.0).wait(3600)
    finally:
        SESSION_CLOCK.reset(token)
    assert 7_201_000_000 <= clock() < 7_202_000_000


def test_trains_of_a_day_are_the_same_for_everybody() -> None:
    assert TravelDesk().find_trains("a", "b", "2025-06-01") == TravelDesk().find_trains("a", "b", "2025-06-01")
