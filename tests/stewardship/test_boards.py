"""Boards: each figure says what the page behind its link shows."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from stewardship.asked import Filters
from stewardship.boards import quality, sources, work
from stewardship.work import listing, verbs
from stewardship.workflow import merge_candidate, reject_candidate, undo
from tests.factories import golden, hospital, source, supplier
from tests.stewardship.pages import client_of, outsider, text_of
from tests.stewardship.questions import question, someone, twins, versions_of

pytestmark = pytest.mark.django_db
ADDRESSES = (
    "/boards/",
    "/boards/decisions/",
    "/boards/sources/",
    "/boards/sources/records/?systems=1",
    "/boards/quality/",
)


def decided(user: Any) -> None:
    """One pair merged, one told apart, one merged and undone."""
    for number, verdict in enumerate(("merge", "reject", "undo")):
        records = twins(name=f"Firm {number}")
        asked = question(*records)
        if verdict == "reject":
            reject_candidate(candidate_id=asked.pk, shown=versions_of(*records), user=user)
            continue
        made = merge_candidate(
            candidate_id=asked.pk,
            winner_id=records[0].pk,
            record_ids=[one.pk for one in records],
            shown=versions_of(*records),
            user=user,
        )
        if verdict == "undo":
            undo(decision_id=made.pk, user=user)


def test_what_was_decided_is_counted_as_it_stands() -> None:
    stella = someone("Stella Steward")
    decided(stella)
    board = work.board(stella)
    assert (board.total.decided, board.total.today, board.total.agreed, board.total.judged) == (2, 2, 1, 2)
    assert board.total.accepted == 0.5
    assert [(line.label, line.decided) for line in board.people] == [("Stella Steward", 2)]
    assert {line.name: line.decided for line in board.domains if line.decided} == {"supplier": 2}
    assert (board.days[-1].agreed, board.days[-1].other) == (1, 1)
    page = client_of(stella).get("/boards/decisions/?person=stella&which=judged")
    assert page.context["total"] == 2
    assert client_of(stella).get("/boards/decisions/?which=agreed").context["total"] == 1


def test_what_waits_is_counted_by_domain_kind_and_person_as_the_queue_shows_it() -> None:
    stella = someone("Stella")
    asked = [question(*twins(name=f"Firm {number}")) for number in range(3)]
    type(asked[0]).objects.filter(pk=asked[0].pk).update(created_at=timezone.now() - timedelta(days=9))
    verbs.assign(work=[("duplicates", str(asked[0].pk))], to=stella, user=stella)
    board = work.board(stella)
    domains = {line.name: (line.waiting, line.late, line.old) for line in board.domains}
    assert domains["supplier"] == (3, 1, 1)
    assert [(line.waiting, line.late) for line in board.people] == [(1, 1)]
    assert len(listing.page(Filters(domain="supplier", due="late"), stella).rows) == 1


def test_who_shares_golden_records_is_counted_in_sets_and_leads_to_them() -> None:
    both = golden(source("erp", "supplier", "V1", name="Acme"), source("ap", "supplier", "A1", name="Acme"))
    alone = supplier("V2", "Solo")
    board = sources.board()
    numbers = {one.code: (one.records, one.goldens, one.alone) for one in board.systems}
    assert numbers == {"erp": (2, 2, 1), "ap": (1, 1, 0)}
    assert (board.goldens, board.records, board.sets) == (2, 3, 2)
    found = {one.word: [row.code for row in sources.records_of(one.word, "")[0]] for one in board.shared}
    assert sorted(found.values()) == sorted([[both.code], [alone.code]])
    assert sources.board("item").systems == []
    for odd in ("", "x", "1.x", "9" * 40, "1'; DROP"):
        assert sources.records_of(odd, "") == ([], 0)


def test_records_that_break_a_rule_are_counted_where_they_are_and_each_figure_leads_to_them() -> None:
    stella = someone("Stella")
    client = client_of(stella)
    house = hospital("H1", "House")
    for number in range(2):
        golden(
            source("erp", "cost_center", f"C{number}", code=f"C{number}",
                   facility={"system": "erp", "domain": "facility", "key": "H1"})
        )  # fmt: skip
    supplier("V1", "Unknown")
    board = quality.board()
    assert {one.name: (one.live, one.failing) for one in board.domains if one.failing} == {
        "supplier": (1, 1), "cost_center": (2, 2),
    }  # fmt: skip
    assert board.failing == 3
    assert {one.message: one.failing for one in board.rules if one.failing} == {
        "The cost center has no name.": 2, "The name is a placeholder, not a company.": 1,
    }  # fmt: skip
    assert [(one.name, one.live, one.failing) for one in board.sources] == [("erp", 4, 3)]
    assert [(one.name, one.live, one.failing) for one in board.facilities] == [(house.code, 3, 2)]
    markup = client.get("/boards/quality/").content.decode()
    links = re.findall(r'href="(/\?kind=quality[^"]*)">([^<]*)</a>.*?(?=<tr|</tbody>)', markup, re.DOTALL)
    assert len(links) >= 5
    for address, shown in links:
        if shown.strip().isdigit():
            assert client.get(unescape(address)).context["total"] == int(shown), address


def test_boards_cost_the_same_for_few_and_for_many() -> None:
    stella = someone("Stella")
    client = client_of(stella)

    def cost(address: str) -> int:
        with CaptureQueriesContext(connection) as caught:
            assert client.get(address).status_code == 200
        return len(caught)

    decided(stella)
    few = [(cost(address), cost(address))[1] for address in ADDRESSES]
    for number in range(6):
        question(*twins(name=f"Other {number}"))
        supplier(f"Q{number}", "Unknown")
    assert [cost(address) for address in ADDRESSES] == few
    assert max(few) <= 20


def test_empty_boards_teach_and_odd_addresses_are_no_error() -> None:
    client = client_of(someone("Stella"))
    assert "Nothing was decided in these days" in text_of(client.get("/boards/"))
    assert "No system has sent anything yet" in text_of(client.get("/boards/sources/"))
    for odd in ("?day=2026-99-99", "?day=x", "?start=-1", "?person=%00", "?domain=horses"):
        assert client.get(f"/boards/decisions/{odd}").status_code == 200, odd


@pytest.mark.parametrize("address", ADDRESSES)
def test_strangers_and_outsiders_see_no_board(address: str) -> None:
    assert Client().get(address).status_code == 302
    assert outsider().get(address).status_code == 403
