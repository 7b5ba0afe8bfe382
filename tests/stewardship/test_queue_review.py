"""The page of one question: what it shows, what it posts, and that people without the right change nothing."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from matching.models import KnownNonMatch, MatchCandidate
from mdm.mastering import contribute
from mdm.models import Merge
from mdm.people import AUDITOR, VIEWER
from stewardship.models import Decision
from tests.factories import golden, reload, source, why
from tests.stewardship.questions import question, someone, twins

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def form(winner, *ticked, shown=()) -> dict[str, object]:
    """What the page of a question posts."""
    records = [reload(record.pk) for record in (*ticked, *shown)]
    return {
        "chosen": "yes",
        "winner": str(winner.pk),
        "records": [str(record.pk) for record in ticked],
        "shown": [f"{record.pk}:{record.version}" for record in records],
    }


def test_a_decision_brings_the_numbers_of_the_side_bar_up_to_date() -> None:
    first, second = twins()
    waiting = question(first, second, score=0.9)
    question(*twins(name="Other"), score=0.8)
    client = signed_in(someone("Stella"))
    page = client.get(f"/review/{waiting.pk}/").content.decode()
    assert '<span class="nav__count" id="count-queue">2</span>' in page
    answer = client.post(f"/review/{waiting.pk}/merge/", form(first, first, second), headers=HTMX).content.decode()
    assert '<span class="nav__count" id="count-queue" hx-swap-oob="true">1</span>' in answer
    assert '<span class="nav__count" id="count-requests" hx-swap-oob="true"></span>' in answer


def test_the_case_shows_members_evidence_and_what_survives() -> None:
    first, second = twins(newcomer=True)
    answer = signed_in(someone("Stella")).get(f"/review/{question(first, second).pk}/").content.decode()
    assert first.code in answer
    assert second.code in answer
    assert "What a merge does" in answer
    assert "1 source record to " + first.code in answer
    assert "Before any evidence" in answer
    assert '<mark class="differs">' in answer


def test_opening_a_case_claims_it_for_those_who_decide_and_for_nobody_else() -> None:
    waiting = question(*twins())
    signed_in(someone("Vera Viewer", VIEWER)).get(f"/review/{waiting.pk}/")
    assert MatchCandidate.objects.get().claimed_by == ""
    signed_in(someone("Stella Steward")).get(f"/review/{waiting.pk}/")
    assert MatchCandidate.objects.get().claimed_by == "Stella Steward"
    seen = signed_in(someone("Sam Steward")).get(f"/review/{waiting.pk}/").content.decode()
    assert "Stella Steward is looking at this question" in seen


def test_another_winner_changes_what_survives_and_writes_nothing() -> None:
    first, second = twins()
    waiting = question(first, second)
    client = signed_in(someone("Stella"))
    asked = form(second, first, second)
    answer = client.post(f"/review/{waiting.pk}/preview/", asked, headers=HTMX).content.decode()
    assert f"Merge 2 into {second.code}" in answer
    assert f"to {second.code}" in answer
    assert "<html" not in answer
    assert not Merge.objects.exists()


def test_a_merge_goes_on_to_the_next_question_with_a_way_back() -> None:
    first, second = twins()
    waiting, other = question(first, second, score=0.9), question(*twins(name="Other"), score=0.8)
    client = signed_in(someone("Stella"))
    answer = client.post(f"/review/{waiting.pk}/merge/", form(first, first, second), headers=HTMX)
    assert answer.status_code == 200
    assert answer.headers["HX-Push-Url"] == f"/review/{other.pk}/"
    text = answer.content.decode()
    assert "Merged Acme Medical" in text
    assert f"/decisions/{Decision.objects.get().pk}/undo/" in text
    assert "Other" in text
    plain = client.post(f"/decisions/{Decision.objects.get().pk}/undo/")
    assert plain.headers["Location"] == f"/review/{waiting.pk}/"
    assert reload(second.pk).state == "active"


def test_without_htmx_a_merge_answers_with_a_redirect() -> None:
    first, second = twins()
    waiting, other = question(first, second, score=0.9), question(*twins(name="Other"), score=0.8)
    client = signed_in(someone("Stella"))
    answer = client.post(f"/review/{waiting.pk}/merge/?domain=supplier", form(first, first, second))
    assert answer.headers["Location"] == f"/review/{other.pk}/?domain=supplier"
    assert "Merged Acme Medical" in client.get(answer.headers["Location"]).content.decode()


def test_a_stale_page_is_answered_with_what_changed_and_writes_nothing() -> None:
    first, second = twins()
    waiting = question(first, second)
    posted = form(first, first, second)
    contribute(record_id=second.pk, values={"name": "Acme Holdings"}, expected=1, cause=why("renamed by the owner"))
    for headers in ({}, HTMX):
        answer = signed_in(someone(f"Stella{len(headers)}")).post(
            f"/review/{waiting.pk}/merge/", posted, headers=headers
        )
        assert answer.status_code == 412
        assert "renamed by the owner" in answer.content.decode()
        assert f"{second.pk}:2" in answer.content.decode()
    assert not Merge.objects.exists()


def test_a_question_somebody_decided_first_is_refused_in_words() -> None:
    first, second = twins()
    waiting = question(first, second)
    client = signed_in(someone("Stella Steward"))
    client.post(f"/review/{waiting.pk}/reject/", form(first, first, second))
    answer = client.post(f"/review/{waiting.pk}/merge/", form(first, first, second), headers=HTMX)
    assert answer.status_code == 409
    assert "decided already by Stella Steward" in answer.content.decode()
    assert "Merge 2 into" not in answer.content.decode()
    assert not Merge.objects.exists()


@pytest.mark.parametrize("act", ["merge", "reject", "skip", "keep", "split"])
@pytest.mark.parametrize("role", [VIEWER, AUDITOR])
def test_who_may_not_decide_changes_nothing(act: str, role: str) -> None:
    first, second = twins()
    waiting = question(first, second)
    answer = signed_in(someone("Vera", role)).post(f"/review/{waiting.pk}/{act}/", form(first, first, second))
    assert answer.status_code == 403
    assert (
        "Ask a steward to decide" in " ".join(answer.content.decode().split())
        or "ask a steward" in answer.content.decode()
    )
    assert not Merge.objects.exists()
    assert not KnownNonMatch.objects.exists()
    assert MatchCandidate.objects.get().state == "open"


def test_a_viewer_sees_the_case_without_anything_to_press() -> None:
    answer = signed_in(someone("Vera", VIEWER)).get(f"/review/{question(*twins()).pk}/").content.decode()
    assert "What a merge does" in answer
    assert "decision-bar" not in answer
    assert 'name="winner"' not in answer


def test_a_settled_question_says_who_decided_and_offers_the_way_back() -> None:
    first, second = twins()
    waiting = question(first, second)
    client = signed_in(someone("Stella Steward"))
    client.post(f"/review/{waiting.pk}/reject/", form(first, first, second) | {"reason": "two branches"})
    answer = client.get(f"/review/{waiting.pk}/").content.decode()
    assert "Not a match by Stella Steward" in answer
    assert "two branches" in answer
    assert f"/decisions/{Decision.objects.get().pk}/undo/" in answer


def test_a_contradiction_offers_to_keep_or_to_split() -> None:
    left = source("erp", "supplier", "1", name="Acme", tax_id="841368850")
    right = source("ap", "supplier", "2", name="Acme West", tax_id="911144442")
    record = golden(left, right)
    waiting = question(record, kind="conflict")
    waiting.pairs.create(
        left_record=record, right_record=record, left_source=right, right_source=left, score=0.2, explanation=[]
    )
    client = signed_in(someone("Stella"))
    assert "Split off" in client.get(f"/review/{waiting.pk}/").content.decode()
    answer = client.post(f"/review/{waiting.pk}/split/", {"shown": [f"{record.pk}:1"]})
    assert answer.status_code == 302
    assert right.links.get(ended_at__isnull=True).record_id != record.pk


def test_the_page_costs_the_same_for_three_members_and_for_twelve() -> None:
    client = signed_in(someone("Stella"))

    def cost(members: int) -> int:
        waiting = question(*twins(members, name=f"Firm of {members}"))
        client.get(f"/review/{waiting.pk}/")
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/review/{waiting.pk}/").status_code == 200
        return len(queries)

    assert cost(12) == cost(3)


def test_values_from_files_are_escaped() -> None:
    one, two = twins(name="<script>alert(1)</script>")
    answer = signed_in(someone("Stella")).get(f"/review/{question(one, two).pk}/").content.decode()
    assert "<script>alert" not in answer


def test_an_unknown_question_is_not_found() -> None:
    answer = signed_in(someone("Stella")).get("/review/999/")
    assert answer.status_code == 404
    assert "There is no such question." in answer.content.decode()


def test_a_settled_question_names_those_left_out() -> None:
    first, second = twins()
    third, _ = twins(name="Third")
    waiting = question(first, second, third)
    client = signed_in(someone("Stella"))
    asked = form(first, first, second, shown=[third]) | {"others": "differ"}
    client.post(f"/review/{waiting.pk}/merge/", asked)
    page = client.get(f"/review/{waiting.pk}/").content.decode()
    assert f'Left out as no match: <a href="/records/suppliers/{third.code}/">Third' in page
