"""The work queue: order, filters, paging, and who may do what there."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from matching.models import MatchCandidate, Misfit, MisfitCause
from mdm.people import AUDITOR, VIEWER
from stewardship import queue
from stewardship.asked import ORDERS, Filters
from stewardship.queue import KINDS, following, preceding
from stewardship.work import listing
from stewardship.work.facets import facets
from stewardship.workflow import claim_candidate, reject_candidate, skip_candidate
from tests.factories import hospital
from tests.stewardship.questions import question, someone, twins, versions_of

pytestmark = pytest.mark.django_db


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def ids(filters: Filters, user, after: str = "") -> list[int]:
    return [int(found.key) for found in listing.page(filters, user, after=after).rows]


def test_the_surest_question_comes_first_and_settled_ones_are_gone() -> None:
    stella = someone("Stella")
    low, high, gone, later = (question(*twins(name=f"Firm {n}"), score=s) for n, s in enumerate((0.6, 0.9, 0.8, 0.7)))
    members = [member.record for member in gone.members.select_related("record")]
    reject_candidate(candidate_id=gone.pk, shown=versions_of(*members), user=stella)
    skip_candidate(candidate_id=later.pk, until=timezone.now() + timedelta(days=1), user=stella)
    assert ids(Filters(kind="duplicates"), stella) == [high.pk, low.pk]


def test_filters_are_joined_by_and() -> None:
    stella = someone("Stella")
    firms = question(*twins(), score=0.95)
    places = question(hospital("H1", "Saint Mary"), hospital("H2", "Saint Mary"), score=0.75)
    MatchCandidate.objects.filter(pk=places.pk).update(created_at=timezone.now() - timedelta(days=9))
    claim_candidate(candidate_id=firms.pk, user=stella)
    assert ids(Filters(domain="facility"), stella) == [places.pk]
    assert ids(Filters(band="likely"), stella) == [firms.pk]
    assert ids(Filters(age="older"), stella) == [places.pk]
    assert ids(Filters(source="system1"), stella) == [firms.pk]
    assert ids(Filters(mine="yes"), stella) == [firms.pk]
    assert ids(Filters(domain="facility", band="likely"), stella) == []
    counts = facets(Filters(domain="facility"), stella, {}).counted("domain")
    assert dict(counts) == {"supplier": 1, "facility": 1}


def test_what_a_filter_does_not_know_is_not_asked() -> None:
    assert Filters.read({"domain": "horses", "band": "x", "age": "'", "mine": "1"}) == Filters()
    assert Filters.read({"domain": "item"}).query(band="likely") == "?domain=item&band=likely"


def test_pages_meet_without_gap_or_overlap_where_scores_are_equal() -> None:
    stella = someone("Stella")
    made = [question(*twins(name=f"Firm {n}"), score=0.8, pk=n).pk for n in range(8, 13)]  # numbers, not texts
    first = listing.page(Filters(kind="duplicates"), stella, limit=2)
    second = listing.page(Filters(kind="duplicates"), stella, after=first.next, limit=2)
    third = listing.page(Filters(kind="duplicates"), stella, after=second.next, limit=2)
    assert [int(row.key) for page in (first, second, third) for row in page.rows] == made
    assert third.next == ""


def test_next_and_previous_follow_the_queue_and_its_filters() -> None:
    stella = someone("Stella")
    first, second, third = (question(*twins(name=f"Firm {n}"), score=0.9 - n / 10) for n in range(3))
    assert queue.following(first, Filters(), stella) == second.pk
    assert queue.following(third, Filters(), stella) == first.pk
    assert queue.preceding(second, Filters(), stella) == first.pk
    assert queue.preceding(first, Filters(), stella) is None
    assert queue.following(first, Filters(domain="item"), stella) is None


def test_the_page_costs_the_same_for_two_questions_and_for_twenty() -> None:
    client = signed_in(someone("Stella"))

    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get("/").status_code == 200
        return len(queries)

    for n in range(2):
        question(*twins(name=f"Firm {n}"))
    cost()
    few = cost()
    for n in range(2, 20):
        question(*twins(name=f"Firm {n}"))
    assert cost() == few


def test_the_queue_names_both_records_and_the_reason() -> None:
    question(*twins(name="Acme Medical"))
    answer = signed_in(someone("Stella")).get("/").content.decode()
    assert "Acme Medical" in answer
    assert "Name agrees; phone differs." in answer
    assert "Start reviewing" in answer


def test_a_claim_is_told_to_others_by_name_and_to_oneself_as_ones_own() -> None:
    stella, other = someone("Stella"), someone("Otto")
    claim_candidate(candidate_id=question(*twins()).pk, user=stella)
    assert "You are looking at it" in signed_in(stella).get("/").content.decode()
    assert "Stella is looking at it" in signed_in(other).get("/").content.decode()


def test_an_empty_queue_says_so() -> None:
    client = signed_in(someone("Stella"))
    assert "Nothing waits for you" in client.get("/").content.decode()
    assert "Nothing fits these filters" in client.get("/?domain=item").content.decode()


def test_a_fragment_is_the_list_alone() -> None:
    waiting = question(*twins())
    client = signed_in(someone("Stella"))
    answer = client.get("/?domain=supplier", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in answer
    assert "Acme Medical" in answer
    assert 'id="start-review" hx-swap-oob="true"' in answer
    assert f'href="/review/{waiting.pk}/?domain=supplier"' in answer


def test_a_place_that_is_not_ours_is_refused_in_words() -> None:
    answer = signed_in(someone("Stella")).get("/?after=DROP")
    assert answer.status_code == 422
    assert "Start at the top." in answer.content.decode()


def test_viewers_and_auditors_read_and_have_nothing_to_press() -> None:
    question(*twins())
    for person in (someone("Vera", VIEWER), someone("Aude", AUDITOR)):
        answer = signed_in(person).get("/").content.decode()
        assert "Acme Medical" in answer
        assert "Start reviewing" not in answer


def test_strangers_sign_in_first_and_people_without_a_role_are_told_whom_to_ask() -> None:
    assert Client().get("/?domain=item").headers["Location"] == "/sign-in/?next=%2F%3Fdomain%3Ditem"
    nobody = someone("Nora", "no such role")
    answer = signed_in(nobody).get("/")
    assert answer.status_code == 403
    assert "Ask an administrator" in answer.content.decode()


def test_the_figures_count_everything_whatever_is_filtered() -> None:
    question(*twins())
    page = signed_in(someone("Stella")).get("/?age=older")
    assert page.context["figures"][2]["value"] == 1
    assert page.context["total"] == 0


@pytest.mark.parametrize("order", ["", *ORDERS])
@pytest.mark.parametrize("kind", ["duplicates", "conflicts", "misfits"])
def test_questions_follow_each_other_in_the_order_of_the_list(kind: str, order: str) -> None:
    stella, now = someone("Stella"), timezone.now()
    for number, (score, days) in enumerate([(0.9, 1), (0.6, 9), (0.75, 3), (0.55, 2), (0.95, 5), (0.75, 4)]):
        made = question(*twins(name=f"Firm {number}"), score=score, kind=KINDS["duplicates"])
        fields = {"created_at": now - timedelta(days=days), "kind": KINDS[kind]}
        if kind == "misfits":
            pair = made.pairs.get()
            fields["source_record"] = pair.left_source
            Misfit.objects.create(
                candidate=made, cause=MisfitCause.SCORE, before=None, after={}, against=[], linked={}, judged_at=now
            )
        MatchCandidate.objects.filter(pk=made.pk).update(**fields)
    filters = Filters(kind=kind, order=order)
    listed = ids(filters, stella)
    assert len(listed) == 6
    walked = [listed[0]]
    for _ in listed[1:]:
        walked.append(following(MatchCandidate.objects.get(pk=walked[-1]), filters, stella) or 0)
    assert walked == listed
    assert preceding(MatchCandidate.objects.get(pk=listed[-1]), filters, stella) == listed[-2]
