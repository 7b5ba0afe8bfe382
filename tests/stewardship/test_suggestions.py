"""People who decide nothing suggest changes and report duplicates; a steward decides, and they see the outcome."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from matching.models import MatchCandidate
from matching.rematch_questions import fading
from matching.rules import in_force
from matching.run import match_all
from mdm.domains import BY_NAME
from mdm.errors import Refused
from mdm.models import GoldenRecord
from mdm.people import AUDITOR, VIEWER
from stewardship import reporting, requests, suggestions, workflow
from stewardship.models import ChangeRequest, Report
from stewardship.work import digest
from tests.factories import source, why
from tests.stewardship.pages import client_of, outsider, text_of
from tests.stewardship.questions import question, someone, versions_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def vic() -> User:
    return someone("Vic Viewer", VIEWER)


@pytest.fixture
def stella() -> User:
    return someone("Stella Steward")


@pytest.fixture
def two() -> list[GoldenRecord]:
    """Two suppliers matching finds nothing alike in, and whose tax ids contradict each other."""
    source("erp", "supplier", "V1", name="Waters Corporation", tax_id="133668640")
    source("ap", "supplier", "W7", name="Bolton Imaging", tax_id="261111111")
    match_all(why())
    return list(GoldenRecord.objects.filter(domain="supplier").order_by("code"))


def report(client: Client, two: list[GoldenRecord], reason: str = "They share an address") -> Any:
    address = f"/records/suppliers/{two[0].code}/report/?with={two[1].code}"
    return client.post(address, {"reason": reason}, follow=True)


def test_a_report_is_a_question_whatever_the_score_with_its_veto(
    vic: User, stella: User, two: list[GoldenRecord]
) -> None:
    page = text_of(client_of(vic).get(f"/records/suppliers/{two[0].code}/report/?with={two[1].code}"))
    assert "What matching says" in page
    assert "matching never joins them by itself" in page
    assert "Waits for a steward" in text_of(report(client_of(vic), two))
    asked = MatchCandidate.objects.get()
    assert (asked.reported, asked.state, asked.kind, asked.band) == (True, "open", "resemblance", "new")
    assert asked.pairs.get().vetoes
    steward = client_of(stella)
    queue = text_of(steward.get("/?kind=duplicates"))
    assert "Reported" in queue
    review = text_of(steward.get(f"/review/{asked.pk}/"))
    assert "Vic Viewer" in review
    assert "They share an address" in review


def test_matching_never_takes_a_report_back_and_measures_nothing_by_it(vic: User, two: list[GoldenRecord]) -> None:
    made = reporting.report_duplicate(first=two[0].pk, second=two[1].pk, reason="r", user=vic)
    domain = in_force(BY_NAME["supplier"])
    assert fading(domain, [record.pk for record in two], before=timezone.now()) == {}
    MatchCandidate.objects.filter(pk=made.candidate_id).update(reported=False)
    assert list(fading(domain, [record.pk for record in two], before=timezone.now())) == [made.candidate_id]


def test_reported_again_it_is_one_question_and_one_report_a_person(
    vic: User, stella: User, two: list[GoldenRecord]
) -> None:
    first = reporting.report_duplicate(first=two[0].pk, second=two[1].pk, reason="one", user=vic)
    again = reporting.report_duplicate(first=two[1].pk, second=two[0].pk, reason="two", user=vic)
    other = reporting.report_duplicate(first=two[1].pk, second=two[0].pk, reason="three", user=stella)
    assert again == first
    assert other.candidate_id == first.candidate_id
    assert (MatchCandidate.objects.count(), Report.objects.count()) == (1, 2)
    assert "A steward is asked about these two already" in text_of(
        client_of(vic).get(f"/records/suppliers/{two[0].code}/report/?with={two[1].code}")
    )


def test_a_question_matching_asked_already_is_joined(vic: User, two: list[GoldenRecord]) -> None:
    asked = question(*two)
    made = reporting.report_duplicate(first=two[0].pk, second=two[1].pk, reason="r", user=vic)
    asked.refresh_from_db()
    assert (made.candidate, asked.reported) == (asked, True)


def test_whoever_reported_it_does_not_decide_it(stella: User, two: list[GoldenRecord]) -> None:
    made = reporting.report_duplicate(first=two[0].pk, second=two[1].pk, reason="r", user=stella)
    shown = versions_of(*two)
    with pytest.raises(Refused, match="reported this yourself"):
        workflow.reject_candidate(candidate_id=made.candidate_id, shown=shown, user=stella)
    with pytest.raises(Refused, match="reported this yourself"):
        workflow.merge_candidate(
            candidate_id=made.candidate_id,
            winner_id=two[0].pk,
            record_ids=[r.pk for r in two],
            shown=shown,
            user=stella,
        )
    workflow.reject_candidate(
        candidate_id=made.candidate_id, shown=shown, user=someone("Sam Steward"), reason="Two sites"
    )


def test_the_reporter_sees_the_outcome_on_the_page_and_in_the_digest(
    vic: User, stella: User, two: list[GoldenRecord]
) -> None:
    since = timezone.now() - timedelta(minutes=1)
    made = reporting.report_duplicate(first=two[0].pk, second=two[1].pk, reason="r", user=vic)
    assert suggestions.decided(vic, since, timezone.now() + timedelta(minutes=1), 9) == []
    workflow.reject_candidate(
        candidate_id=made.candidate_id, shown=versions_of(*two), user=stella, reason="Two companies"
    )
    page = text_of(client_of(vic).get("/suggestions/"))
    assert "Not the same" in page
    assert "Two companies" in page
    assert "Stella Steward" in page
    found = digest.news(vic, since, timezone.now() + timedelta(minutes=1))
    mail = digest.body(vic, found)
    assert "What became of what you proposed" in mail
    assert "not the same (Stella Steward). Two companies" in mail
    assert digest.subject(found) == "Assay: 1 outcome"
    assert "Not the same" in text_of(client_of(vic).get("/notices/"))


def test_a_viewer_suggests_a_change_by_the_same_form_and_sees_the_outcome(
    vic: User, stella: User, two: list[GoldenRecord]
) -> None:
    viewer, record = client_of(vic), two[0]
    assert "Suggest a change" in text_of(viewer.get(f"/records/suppliers/{record.code}/"))
    assert "Propose a change" in text_of(client_of(stella).get(f"/records/suppliers/{record.code}/"))
    form = viewer.get(f"/records/suppliers/{record.code}/propose/").context["form"]
    sent = {name: value for name, value in form.initial.items() if isinstance(value, str | int)}
    viewer.post(f"/records/suppliers/{record.code}/propose/", sent | {"name": "Waters Corp", "reason": "Letterhead"})
    one = ChangeRequest.objects.get()
    assert (one.suggested, one.state, one.values) == (True, "open", {"name": "Waters Corp"})
    assert "Suggested" in text_of(client_of(stella).get("/requests/"))
    assert "Suggested" in text_of(client_of(stella).get("/?kind=requests"))
    requests.refuse(request_id=one.pk, user=stella, answer="It is registered so")
    page = text_of(viewer.get("/suggestions/"))
    assert "Refused" in page
    assert "It is registered so" in page
    assert not requests.propose(
        record_id=record.pk, values={"name": "W"}, base_version=record.version, reason="r", user=stella
    ).suggested


def test_the_other_record_is_found_by_words_and_impossible_ones_are_refused(vic: User, two: list[GoldenRecord]) -> None:
    viewer, address = client_of(vic), f"/records/suppliers/{two[0].code}/report/"
    assert "Which supplier is the same?" in text_of(viewer.get(address))
    assert two[1].code in text_of(viewer.get(f"{address}?with=bolton"))
    assert "No other supplier bears it" in text_of(viewer.get(f"{address}?with=<b>nobody</b>"))
    assert "Choose another record" in text_of(viewer.get(f"{address}?with={two[0].code}"))
    assert viewer.post(f"{address}?with={two[0].code}", {"reason": "x"}).status_code == 200
    assert report(viewer, two, " ").status_code == 422
    assert report(viewer, two, "x" * 10_000).status_code == 422
    assert not Report.objects.exists()
    report(viewer, two, "<b>same</b> 🏥")
    assert "<b>same" not in viewer.get("/suggestions/").content.decode()


def test_auditors_and_outsiders_report_nothing(vic: User, two: list[GoldenRecord]) -> None:
    address = f"/records/suppliers/{two[0].code}/report/?with={two[1].code}"
    for client in (client_of(someone("Ann Auditor", AUDITOR)), outsider()):
        assert client.get(address).status_code == 403
        assert client.post(address, {"reason": "x"}).status_code == 403
        assert client.get("/suggestions/").status_code == 403
    assert not Report.objects.exists()
    assert "/suggestions/" in client_of(vic).get("/search/").content.decode()
