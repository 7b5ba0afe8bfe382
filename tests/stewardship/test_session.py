"""My decisions of the day: every one with its way back, alone or all back to a point."""

import pytest

from matching.models import MatchCandidate
from mdm.people import AUDITOR
from stewardship.models import Decision
from stewardship.workflow import merge_candidate, reject_candidate
from tests.factories import reload
from tests.stewardship.pages import client_of, text_of
from tests.stewardship.questions import question, someone, twins, versions_of

pytestmark = pytest.mark.django_db


def three_decisions(stella):
    made = []
    for name in ("Acme", "Bolton", "Crest"):
        one, other = twins(name=name)
        waiting = question(one, other)
        shown = versions_of(one, other)
        if name == "Bolton":
            made.append(reject_candidate(candidate_id=waiting.pk, shown=shown, user=stella))
        else:
            made.append(
                merge_candidate(
                    candidate_id=waiting.pk, winner_id=one.pk, record_ids=list(shown), shown=shown, user=stella
                )
            )
    return made


def test_everything_back_to_a_line_is_undone_and_older_ones_stay() -> None:
    stella = someone("Stella Steward")
    first, second, third = three_decisions(stella)
    client = client_of(stella)
    assert "Merged Crest" in text_of(client.get("/decisions/today/"))
    answer = client.post(f"/decisions/{second.pk}/undo-back/", follow=True)
    assert "2 decisions undone." in text_of(answer)
    assert set(Decision.objects.filter(verb="undo").values_list("undoes", flat=True)) == {second.pk, third.pk}
    states = dict(MatchCandidate.objects.values_list("pk", "state"))
    assert [states[made.candidate_id] for made in (first, second, third)] == ["merged", "open", "open"]
    client.post(f"/decisions/{second.pk}/undo-back/")
    assert Decision.objects.filter(verb="undo").count() == 2


def test_nobody_undoes_the_session_of_another() -> None:
    stella, sam = someone("Stella Steward"), someone("Sam Steward")
    made = three_decisions(stella)
    client_of(sam).post(f"/decisions/{made[0].pk}/undo-back/")
    assert not Decision.objects.filter(verb="undo").exists()
    assert client_of(someone("Ada", AUDITOR)).get("/decisions/today/").status_code == 403
    assert client_of(someone("Anna", AUDITOR)).post(f"/decisions/{made[0].pk}/undo-back/").status_code == 403


def test_a_question_fetched_ahead_claims_nothing_until_it_is_shown() -> None:
    stella = someone("Stella Steward")
    waiting = question(*twins())
    client = client_of(stella)
    page = client.get(f"/review/{waiting.pk}/", headers={"HX-Request": "true", "X-Assay-Ahead": "1"}).content.decode()
    assert MatchCandidate.objects.get().claimed_by == ""
    assert f"/review/{waiting.pk}/claim/" in page
    client.get(f"/review/{waiting.pk}/claim/")
    assert MatchCandidate.objects.get().claimed_by == "Stella Steward"
    assert reload(waiting.members.first().record_id).state == "active"
