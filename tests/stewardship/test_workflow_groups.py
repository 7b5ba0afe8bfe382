"""One question decided as several records at once, with records found by hand and values chosen one by one."""

import pytest

from matching.models import CandidateMember, KnownNonMatch, MatchCandidate
from mdm.domains import BY_NAME
from mdm.errors import Invalid, Refused, Stale
from mdm.mastering import Edit, contribute, differences
from mdm.models import Merge
from stewardship.models import Decision
from stewardship.workflow import merge_candidate, undo
from tests.factories import hospital, reload, supplier, why
from tests.stewardship.questions import question, someone, twins, versions_of

pytestmark = pytest.mark.django_db


def decide(waiting, first, *ticked, others=(), added=(), stella=None, **more):
    everyone = [first, *ticked, *(one for group in others for one in group)]
    return merge_candidate(
        candidate_id=waiting.pk,
        winner_id=first.pk,
        record_ids=[first.pk, *(one.pk for one in ticked)],
        shown=versions_of(*everyone),
        user=stella or someone("Stella Steward"),
        others=[[one.pk for one in group] for group in others],
        added=[one.pk for one in added],
        **more,
    )


def phone(record):
    return BY_NAME["supplier"].model.objects.get(pk=record.pk).phone


def test_one_group_becomes_two_records_and_one_that_stands_alone_and_comes_back() -> None:
    a, b, c, d, e = twins(5)
    waiting = question(a, b, c, d, e)
    stella = someone("Stella Steward")
    decision = decide(waiting, a, b, others=[[c, d], [e]], stella=stella)
    assert reload(b.pk).merged_into_id == a.pk
    assert reload(d.pk).merged_into_id == c.pk
    assert reload(e.pk).state == "active"
    assert MatchCandidate.objects.get().state == "merged"
    assert KnownNonMatch.objects.filter(withdrawn_at=None).count() == 8  # 5 pairs, but for those two that are one
    assert len(decision.merges) == 2
    undo(decision_id=decision.pk, user=stella)
    assert {reload(one.pk).state for one in (a, b, c, d, e)} == {"active"}
    assert not KnownNonMatch.objects.filter(withdrawn_at=None).exists()
    assert MatchCandidate.objects.get().state == "open"
    assert not list(differences())


def test_a_record_found_by_hand_takes_a_member_and_leaves_with_the_undo() -> None:
    a, b = twins()
    found = supplier("X", "Somebody Else", system_code="crm")
    waiting = question(a, b)
    stella = someone("Stella Steward")
    decision = decide(waiting, found, b, added=[found], others_differ=True, stella=stella)
    assert reload(b.pk).merged_into_id == found.pk
    assert reload(a.pk).state == "active"
    assert MatchCandidate.objects.get().state == "merged"
    assert [row["code"] for row in decision.records if row.get("added")] == [found.code]
    undo(decision_id=decision.pk, user=stella)
    assert set(CandidateMember.objects.values_list("record_id", flat=True)) == {a.pk, b.pk}
    assert reload(b.pk).state == "active"


def test_what_does_not_belong_is_refused_and_nothing_is_written() -> None:
    a, b, c = twins(3)
    waiting = question(a, b, c)
    stella = someone("Stella Steward")
    stranger = supplier("X", "Stranger", system_code="crm")
    with pytest.raises(Refused, match="no longer part"):
        decide(waiting, a, b, stranger, stella=stella)
    with pytest.raises(Refused, match="two groups"):
        decide(waiting, a, b, others=[[b, c]], stella=stella)
    with pytest.raises(Refused, match="different domains"):
        decide(waiting, a, b, added=[hospital("H", "General")], stella=stella)
    assert not Merge.objects.exists()
    assert not Decision.objects.exists()


def test_a_stale_member_of_any_group_stops_all_of_them() -> None:
    a, b, c, d = twins(4)
    waiting = question(a, b, c, d)
    shown = versions_of(a, b, c, d)
    contribute(record_id=d.pk, values={"name": "Renamed"}, expected=None, cause=why())
    with pytest.raises(Stale):
        merge_candidate(
            candidate_id=waiting.pk, winner_id=a.pk, record_ids=[a.pk, b.pk], shown=shown,
            user=someone("Stella"), others=[[c.pk, d.pk]],
        )  # fmt: skip
    assert reload(b.pk).state == "active"


def test_a_value_taken_from_a_loser_goes_with_the_decision_and_back_with_it() -> None:
    a, b = twins()
    waiting, stella = question(a, b), someone("Stella Steward")
    was, other = phone(a), phone(b)
    decision = decide(waiting, a, b, edit=Edit(taken={"phone": b.pk}), stella=stella)
    assert phone(a) == other != was
    undo(decision_id=decision.pk, user=stella)
    assert (phone(a), phone(b)) == (was, other)
    assert not list(differences())


def test_a_typed_value_needs_a_reason() -> None:
    a, b = twins()
    waiting, stella = question(a, b), someone("Stella Steward")
    edit = Edit(typed={"name": "Acme Medical Inc"})
    with pytest.raises(Invalid):
        decide(waiting, a, b, edit=edit, stella=stella)
    decide(waiting, a, b, edit=edit, stella=stella, reason="their letterhead")
    assert reload(a.pk).title == "Acme Medical Inc"
