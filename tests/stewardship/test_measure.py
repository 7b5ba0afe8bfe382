"""The page on the quality of matching, its random checks and drafts, and the queue in the order that teaches most."""

import re
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from matching import proposing, sampling
from matching.models import MatchCandidate, Measurement, RuleSet
from matching.preparing import prepare
from mdm.domains import BY_NAME
from mdm.people import DOMAIN_OWNER, VIEWER
from stewardship import queue
from stewardship.asked import Filters
from stewardship.work import listing
from tests.factories import supplier
from tests.stewardship.pages import client_of, outsider, text_of
from tests.stewardship.questions import question, someone, twins

pytestmark = pytest.mark.django_db
SUPPLIER = BY_NAME["supplier"]


def test_an_empty_hub_teaches_what_a_measurement_and_a_decision_bring() -> None:
    page = text_of(client_of(someone("Vera Viewer", VIEWER)).get("/measure/suppliers/"))
    assert "Nothing has been measured yet" in page
    assert "No decision yet" in page
    assert "unknown" in page
    assert "no decision can tell how many of them are one" in page
    assert "Ask about them" not in page


def test_the_side_bar_leads_to_the_first_domain() -> None:
    client = client_of(someone("Stella Steward"))
    assert client.get("/measure/")["Location"] == "/measure/suppliers/"
    assert client.get("/measure/planets/").status_code == 404


def test_a_steward_measures_and_sees_plots_with_their_tables() -> None:
    for number in range(62):
        supplier(str(number), f"Firm {number}", phone="+15550100101", system_code=f"s{number}")
    prepare(SUPPLIER)
    client = client_of(someone("Stella Steward"))
    assert client.post("/measure/suppliers/again/").status_code == 302
    assert Measurement.objects.get().by == "Stella Steward"
    answer = client.get("/measure/suppliers/")
    page = text_of(answer)
    assert "62 of 62 source rows" in page
    assert "more than 60 share it" in page
    assert "15550100101" in re.sub(r"[^0-9]", "", page)
    assert 'aria-label="Histogram of scores; the table below says the same"' in answer.content.decode()


def test_decisions_show_as_calibration_with_ranges() -> None:
    stella = someone("Stella Steward")
    for number in range(4):
        left, right = twins(name=f"Firm {number}")
        waiting = question(left, right, score=0.87)
        shown = [f"{record.pk}:{record.version}" for record in (left, right)]
        client_of(stella).post(f"/review/{waiting.pk}/reject/", {"shown": shown})
    page = text_of(client_of(stella).get("/measure/suppliers/"))
    assert "Questions that were one 0.0%" in page
    assert "0 of 4" in page
    assert "off by 87.0% on average" in page
    assert "at least 50 decisions" in page


def test_random_checks_wait_in_the_queue_and_are_marked() -> None:
    client = client_of(someone("Stella Steward"))
    left, right = twins()
    question(left, right, sampled=True, score=0.1)
    page = text_of(client.get("/"))
    assert "Random check" in page
    assert "A random check" in text_of(client.get(f"/review/{MatchCandidate.objects.get().pk}/"))
    said = client.post("/measure/suppliers/check/", {"links": "20", "near": "0"}, follow=True)
    assert "There is nothing left to draw" in text_of(said)
    assert client.post("/measure/suppliers/check/", {"links": "x", "near": ""}).status_code == 409


def test_nothing_is_drafted_where_the_decisions_suggest_nothing() -> None:
    client = client_of(someone("Dora Owner", DOMAIN_OWNER))
    assert client.post("/measure/suppliers/propose/").status_code == 409
    assert not RuleSet.objects.filter(state="draft").exists()


def test_a_draft_of_what_decisions_suggest_leads_to_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposing, "FEWEST", 4)
    monkeypatch.setattr(proposing, "FEWEST_OF_EACH", 0)
    monkeypatch.setattr(proposing, "_GAIN", -1.0)
    dora = someone("Dora Owner", DOMAIN_OWNER)
    client = client_of(dora)
    for number in range(20):
        left, right = twins(name=f"Firm {number}")
        waiting = question(left, right)
        shown = [f"{record.pk}:{record.version}" for record in (left, right)]
        client.post(f"/review/{waiting.pk}/reject/", {"shown": shown})
    prepare(SUPPLIER)
    assert "Make a draft of it" in text_of(client.get("/measure/suppliers/"))
    answer = client.post("/measure/suppliers/propose/")
    made = RuleSet.objects.get(state="draft")
    assert answer["Location"] == f"/rules/suppliers/{made.number}/"
    assert made.author_id == dora.pk
    assert client.get(answer["Location"]).status_code == 200


@pytest.mark.parametrize("act", ["again", "check", "propose"])
def test_who_only_reads_changes_nothing(act: str) -> None:
    for client in (outsider(), client_of(someone("Vera Viewer", VIEWER))):
        assert client.post(f"/measure/suppliers/{act}/", {"links": "5", "near": "5"}).status_code == 403
    assert not Measurement.objects.exists()
    assert not MatchCandidate.objects.exists()


def test_an_outsider_sees_nothing() -> None:
    assert outsider().get("/measure/suppliers/").status_code == 403


def test_the_page_costs_the_same_however_much_was_decided() -> None:
    stella = someone("Stella Steward")
    client = client_of(stella)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/measure/suppliers/").status_code == 200
        return len(queries)

    def decide(name: str) -> None:
        left, right = twins(name=name)
        waiting = question(left, right)
        shown = [f"{record.pk}:{record.version}" for record in (left, right)]
        client.post(f"/review/{waiting.pk}/reject/", {"shown": shown})

    decide("Acme")
    prepare(SUPPLIER)
    sampling.measure(domain=SUPPLIER, by="test", seed=1)
    cost()
    before = cost()
    for number in range(5):
        decide(f"Firm {number}")
    prepare(SUPPLIER)
    assert cost() == before


def waiting(count: int) -> list[MatchCandidate]:
    """Open questions of scores from a half up to nearly one."""
    now = timezone.now()
    scores = [0.5 + number / (2 * count) for number in range(count)]
    return MatchCandidate.objects.bulk_create(
        [MatchCandidate(domain="supplier", score=score, created_at=now, sentence="Name agrees.") for score in scores]
    )


def test_what_teaches_most_mixes_unsure_sure_and_random_questions() -> None:
    stella = someone("Stella Steward")
    waiting(300)
    page = listing.page(Filters(order="teaches"), stella, limit=60)
    scores = [row.score for row in page.rows]
    assert sum(score < 0.65 for score in scores) > 25
    assert sum(score > 0.85 for score in scores) > 5
    surest = [row.score for row in listing.page(Filters(kind="duplicates"), stella, limit=60).rows]
    assert surest == sorted(surest, reverse=True)
    assert surest[-1] > 0.85


def test_the_order_is_paged_and_stepped_through_without_loss() -> None:
    stella = someone("Stella Steward")
    made = waiting(40)
    filters = Filters.read({"order": "teaches"})
    seen: list[int] = []
    after = ""
    while True:
        page = listing.page(filters, stella, after=after, limit=7)
        seen += [int(row.key) for row in page.rows]
        after = page.next
        if not after:
            break
    assert sorted(seen) == sorted(candidate.pk for candidate in made)
    by_number = {candidate.pk: candidate for candidate in made}
    for one, other in pairwise(seen):
        assert queue.following(by_number[one], filters, stella) == other
        assert queue.preceding(by_number[other], filters, stella) == one
    assert [one.pk for one in queue.nearby(by_number[seen[0]], filters, stella)] == seen[:12]
    assert queue.following(by_number[seen[-1]], filters, stella) == seen[0]


def test_the_order_is_chosen_on_the_page_and_stays_in_its_links() -> None:
    client = client_of(someone("Stella Steward"))
    question(*twins())
    answer = client.get("/?order=teaches")
    assert "What teaches matching most comes first" in text_of(answer)
    assert "?order=teaches" in answer.content.decode()
    assert Filters.read({"order": "nonsense"}).order == ""
