"""Many questions decided at once: what was seen is what is decided, what fails is named, all of it comes back."""

import pytest
from django.db import IntegrityError, transaction

from matching.models import MatchCandidate
from mdm.errors import Invalid, Refused, WrongState
from mdm.mastering import differences
from stewardship import bulk
from stewardship.asked import Filters
from stewardship.models import BulkDecision, Decision
from stewardship.tasks import bulk_sweep
from tests.factories import reload, supplier
from tests.stewardship.pages import client_of, text_of
from tests.stewardship.questions import question, someone, twins

pytestmark = pytest.mark.django_db
EVERYTHING = Filters()


def pairs(count=3):
    made = [twins(name=f"Firm {number}") for number in range(count)]
    for one, other in made:
        question(one, other)
    return made


def test_what_was_seen_is_merged_and_undone_as_a_whole() -> None:
    stella, made = someone("Stella Steward"), pairs()
    seen = bulk.preview(EVERYTHING, stella)
    assert (seen.number, seen.records, list(seen.by_domain)) == (3, 6, [("Suppliers", 3)])
    begun = bulk.begin(verb="merge", filters=EVERYTHING, expected=3, reason="same name and town", user=stella)
    assert bulk.carry_out(begun.pk) == 3
    begun.refresh_from_db()
    assert (begun.state, len(begun.decisions), begun.failures) == ("done", 3, [])
    assert all(reload(other.pk).merged_into_id == one.pk for one, other in made)
    assert bulk.carry_out(begun.pk) == 0
    bulk.undo_all(bulk_id=begun.pk, user=stella)
    assert bulk_sweep() == 3
    begun.refresh_from_db()
    assert begun.state == "undone"
    assert all(reload(other.pk).state == "active" for _, other in made)
    assert set(MatchCandidate.objects.values_list("state", flat=True)) == {"open"}
    assert not list(differences())


def test_what_cannot_be_decided_is_named_and_the_rest_goes_on() -> None:
    stella, made = someone("Stella Steward"), pairs(2)
    top = supplier("T", "Top")
    low = supplier("L", "Low", parent={"system": "erp", "domain": "supplier", "key": "T"})
    barred = question(top, low)
    begun = bulk.begin(verb="merge", filters=EVERYTHING, expected=3, reason="clear", user=stella)
    bulk.carry_out(begun.pk)
    begun.refresh_from_db()
    assert len(begun.decisions) == 2
    ((failed, said),) = begun.failures
    assert failed == barred.pk
    assert f"{top.code} is above {low.code}" in said
    assert reload(made[0][1].pk).state == "merged"
    assert f"Question {barred.pk}" in text_of(client_of(stella).get(f"/bulk/{begun.pk}/"))


@pytest.mark.parametrize(("verb", "state"), [("reject", "rejected"), ("skip", "skipped")])
def test_other_verdicts_too(verb: str, state: str) -> None:
    stella = someone("Stella Steward")
    pairs(2)
    begun = bulk.begin(verb=verb, filters=EVERYTHING, expected=2, reason="branches", user=stella)
    bulk.carry_out(begun.pk)
    assert set(MatchCandidate.objects.values_list("state", flat=True)) == {state}
    assert set(Decision.objects.values_list("reason", flat=True)) == {"branches"}


def test_another_set_than_the_one_seen_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stella = someone("Stella Steward")
    pairs(2)
    with pytest.raises(Refused, match="You saw 3 questions; now there are 2"):
        bulk.begin(verb="merge", filters=EVERYTHING, expected=3, reason="x", user=stella)
    with pytest.raises(Invalid):
        bulk.begin(verb="merge", filters=EVERYTHING, expected=2, reason=" ", user=stella)
    with pytest.raises(Invalid):
        bulk.begin(verb="burn", filters=EVERYTHING, expected=2, reason="x", user=stella)
    monkeypatch.setattr(bulk, "MOST", 1)
    with pytest.raises(Refused, match="At most 1"):
        bulk.begin(verb="merge", filters=EVERYTHING, expected=2, reason="x", user=stella)
    assert not BulkDecision.objects.exists()


def test_it_is_undone_once_and_only_by_whom_it_belongs_to() -> None:
    stella = someone("Stella Steward")
    pairs(1)
    begun = bulk.begin(verb="merge", filters=EVERYTHING, expected=1, reason="x", user=stella)
    with pytest.raises(WrongState):
        bulk.undo_all(bulk_id=begun.pk, user=stella)
    bulk.carry_out(begun.pk)
    with pytest.raises(Refused):
        bulk.undo_all(bulk_id=begun.pk, user=someone("Sam Steward"))
    bulk.undo_all(bulk_id=begun.pk, user=stella)
    with pytest.raises(WrongState):
        bulk.undo_all(bulk_id=begun.pk, user=stella)


def test_the_pages_lead_from_the_filter_to_the_report() -> None:
    stella = someone("Stella Steward")
    pairs(2)
    client = client_of(stella)
    assert "Decide 2 questions at once" in text_of(client.get("/bulk/?domain=supplier"))
    wrong = client.post("/bulk/?domain=supplier", {"verb": "merge", "expected": "2", "reason": ""})
    assert wrong.status_code == 422
    answer = client.post("/bulk/?domain=supplier", {"verb": "merge", "expected": "2", "reason": "clear"}, follow=True)
    assert "0 of 2 looked at" in text_of(answer)


@pytest.mark.parametrize(
    ("values", "wall"),
    [
        ({"verb": "burn"}, "bulk_decision_verb_is_known"),
        ({"state": "lost"}, "bulk_decision_has_ended_where_it_is_done"),
        ({"reason": ""}, "bulk_decision_says_why"),
        ({"state": "done"}, "bulk_decision_has_ended_where_it_is_done"),
    ],
)
def test_the_walls_hold(values, wall: str) -> None:
    given = {"verb": "merge", "questions": [1], "reason": "x", "begun_by": someone("Stella")} | values
    with pytest.raises(IntegrityError, match=wall), transaction.atomic():
        BulkDecision.objects.create(**given)
