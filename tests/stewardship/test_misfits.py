"""A member that no longer fits: what its page shows to whom, the two acts, their undoing."""

from typing import Any

import pytest
from django.test import Client

from matching.models import KnownNonMatch, MatchCandidate
from mdm.models import GoldenRecord, Link, Merge, SourceRecord
from mdm.people import VIEWER
from stewardship.asked import Filters
from stewardship.models import Decision
from stewardship.work import facets, listing
from stewardship.workflow import merge_records
from tests.factories import check_walls, hospital, supplier
from tests.stewardship.pages import client_of, outsider, text_of
from tests.stewardship.questions import misfit, send_other, someone

pytestmark = pytest.mark.django_db


def stella() -> Client:
    return client_of(someone("Stella Steward"))


def leaver() -> SourceRecord:
    return SourceRecord.objects.get(system__code="ap")


def home_of(source: SourceRecord) -> GoldenRecord:
    return source.links.get(ended_at=None).record


def shown(asked: MatchCandidate, **more: str) -> dict[str, Any]:
    record = home_of(leaver())
    return {"shown": [f"{record.pk}:{record.version}"], **more}


def state_of(asked: MatchCandidate) -> str:
    return MatchCandidate.objects.get(pk=asked.pk).state


def test_the_case_shows_what_changed_what_fails_and_what_spoke_for_it() -> None:
    asked = misfit()
    page = text_of(stella().get(f"/review/{asked.pk}/"))
    assert "Does Waters Corp still belong here?" in page
    assert "Tax id differs: 91-1144442 here, 84-1368850 in the rest of the record." in page
    assert "Before the change" in page
    assert "When it was linked Linked by matching" in page or "When it was linked New record" in page
    assert "What taking it out would do" in page
    for act in ("Keep it", "Take it out", "Skip"):
        assert act in page


def test_the_outlook_is_the_one_of_taking_a_record_apart_and_writes_nothing() -> None:
    asked = misfit(verified=True)
    client = stella()
    page = client.get(f"/review/{asked.pk}/").content.decode()
    address = page.partition('hx-get="/records/')[2].partition('"')[0]
    told = text_of(client.get(f"/records/{address}", headers={"HX-Request": "true"}))
    assert "lives again under its old id" in told
    assert Merge.objects.get().undone_at is None
    assert state_of(asked) == "open"


def test_it_is_in_the_one_queue_with_its_figures() -> None:
    asked = misfit()
    sven = someone("Sven")
    [row] = listing.page(Filters(kind="misfits"), sven).rows
    assert (row.key, row.domain, row.kind.label) == (str(asked.pk), "supplier", "No longer fits")
    assert "Tax id now differs from the rest. 26.1% now, 99.9% when it was linked." in row.why
    counted = facets.facets(Filters(kind="misfits"), sven, {})
    assert (counted.counted("kind")["misfits"], counted.counted("reason")) == (1, {"veto": 1})
    assert listing.page(Filters(kind="misfits", source="ap"), sven).rows
    away = hospital("H1", "Elsewhere")
    assert not listing.page(Filters(kind="misfits", facility=away.code), sven).rows
    assert "No longer fits" in text_of(stella().get(f"/records/suppliers/{home_of(leaver()).code}/"))


def test_taken_out_it_stands_alone_and_is_never_put_back() -> None:
    asked = misfit()
    before = home_of(leaver())
    client = stella()
    assert client.post(f"/review/{asked.pk}/take-out/", shown(asked)).status_code == 302
    fresh = home_of(leaver())
    assert fresh.pk != before.pk
    assert state_of(asked) == "rejected"
    made = Decision.objects.get()
    assert (made.verb, made.candidate_id) == ("unmerge", asked.pk)
    assert "Tax id now differs" in made.reason
    assert made.evidence["pairs"][0]["vetoes"] == ["Tax id"]
    page = text_of(client.get(f"/review/{asked.pk}/"))
    assert "Taken out by Stella Steward" in page
    assert f"It is now Waters Corp {fresh.code} ." in page
    assert KnownNonMatch.objects.filter(withdrawn_at=None).count() == 1
    send_other(leaver(), tax_id="841368850")
    assert home_of(leaver()).pk == fresh.pk
    assert not MatchCandidate.objects.filter(state="open").exists()
    check_walls()


def test_what_a_person_merged_returns_under_its_old_id_and_undo_merges_it_again() -> None:
    asked = misfit(verified=True)
    merge = Merge.objects.get()
    client = stella()
    client.post(f"/review/{asked.pk}/take-out/", shown(asked, reason="They were sold"))
    assert home_of(leaver()).pk == merge.loser_id
    made = Decision.objects.get()
    assert made.reason == "They were sold"
    assert "Undo" in text_of(client.get("/decisions/today/"))
    client.post(f"/decisions/{made.pk}/undo/")
    assert home_of(leaver()).pk == merge.winner_id
    assert state_of(asked) == "open"
    assert not KnownNonMatch.objects.filter(withdrawn_at=None).exists()
    check_walls()


def test_it_may_be_joined_again_where_the_steward_says_so() -> None:
    asked = misfit()
    stella().post(f"/review/{asked.pk}/take-out/", shown(asked, may_join_again="yes"))
    assert not KnownNonMatch.objects.exists()


def test_keeping_takes_a_reason_and_is_remembered_and_undone() -> None:
    asked = misfit()
    client = stella()
    answer = client.post(f"/review/{asked.pk}/keep/", shown(asked))
    assert answer.status_code == 422
    assert "say why it belongs here all the same" in text_of(answer)
    assert state_of(asked) == "open"
    client.post(f"/review/{asked.pk}/keep/", shown(asked, reason="It has two numbers"))
    assert state_of(asked) == "merged"
    send_other(leaver(), phone="+15082224444")
    assert MatchCandidate.objects.count() == 1
    client.post(f"/decisions/{Decision.objects.get().pk}/undo/")
    assert state_of(asked) == "open"


def test_corrected_meanwhile_the_page_says_so_and_nothing_is_undone() -> None:
    asked = misfit()
    client, posted = stella(), shown(asked, reason="Another company")
    before = home_of(leaver())
    send_other(leaver(), tax_id="841368850")
    answer = client.post(f"/review/{asked.pk}/take-out/", posted)
    assert answer.status_code == 409
    page = text_of(client.get(f"/review/{asked.pk}/"))
    assert "Withdrawn by Assay" in page
    assert "It fits the rest of its record again." in page
    assert home_of(leaver()).pk == before.pk
    assert not Decision.objects.exists()


def test_taken_out_on_the_records_own_page_nobody_is_asked_any_more() -> None:
    asked = misfit()
    record = home_of(leaver())
    answer = stella().post(
        f"/records/suppliers/{record.code}/take-apart/",
        {"source": str(leaver().pk), "version": str(record.version), "reason": "Another company"},
    )
    assert answer.status_code == 302
    assert state_of(asked) == "superseded"
    assert MatchCandidate.objects.get().decision_reason == "It left, or its record is out of use."


def test_the_question_goes_where_its_member_goes() -> None:
    asked = misfit()
    record, other = home_of(leaver()), supplier("V9", "Waters Holding")
    client = stella()
    both = [record.pk, other.pk]
    seen = dict(GoldenRecord.objects.filter(pk__in=both).values_list("pk", "version"))
    merge_records(winner_id=other.pk, record_ids=both, shown=seen, user=someone("Sven"), reason="One company")
    assert home_of(leaver()) == other
    assert "No longer fits" in text_of(client.get(f"/records/suppliers/{other.code}/"))
    assert other.code in text_of(client.get(f"/review/{asked.pk}/"))
    client.post(f"/records/merges/{Merge.objects.get().pk}/unmerge/", {"reason": "Two companies"})
    assert (home_of(leaver()), state_of(asked)) == (record, "open")
    assert [one.record for one in asked.members.all()] == [record]
    client.post(f"/review/{asked.pk}/take-out/", shown(asked))
    assert (home_of(leaver()) == record, state_of(asked)) == (False, "rejected")
    check_walls()


def test_a_stale_page_decides_nothing() -> None:
    asked = misfit()
    record = home_of(leaver())
    answer = stella().post(f"/review/{asked.pk}/take-out/", {"shown": [f"{record.pk}:{record.version - 1}"]})
    assert answer.status_code == 412
    assert state_of(asked) == "open"
    assert Link.objects.filter(record=record, ended_at=None).count() == 2


def test_a_viewer_reads_the_case_and_nobody_without_a_role_sees_it() -> None:
    asked = misfit()
    vera = client_of(someone("Vera Viewer", VIEWER))
    page = text_of(vera.get(f"/review/{asked.pk}/"))
    assert "Tax id differs" in page
    assert "Take it out" not in page
    assert "What taking it out would do" not in page
    assert outsider().get(f"/review/{asked.pk}/").status_code == 403
    for client in (vera, client_of(someone("Olga Other", VIEWER))):
        for act in ("keep", "take-out"):
            assert client.post(f"/review/{asked.pk}/{act}/", shown(asked, reason="x")).status_code == 403
    assert state_of(asked) == "open"
    assert not Decision.objects.exists()
