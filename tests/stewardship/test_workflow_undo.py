"""Undo, unmerge and what is done to records by hand."""

import pytest
from django.db import DatabaseError, transaction

from matching.models import KnownNonMatch, MatchCandidate
from mdm.errors import Invalid, Refused, Stale, WrongState
from mdm.mastering import differences
from mdm.models import Merge
from mdm.people import DOMAIN_OWNER
from stewardship.models import Decision
from stewardship.review import last_decision
from stewardship.workflow import (
    merge_candidate,
    merge_records,
    reinstate_record,
    reject_candidate,
    retire_record,
    take_out,
    undo,
    unmerge,
)
from tests.factories import check_walls, golden, linked, reload, source
from tests.stewardship.questions import question, someone, twins, versions_of

pytestmark = pytest.mark.django_db


def merged(user):
    first, second = twins(newcomer=True)
    candidate = question(first, second)
    decision = merge_candidate(
        candidate_id=candidate.pk,
        winner_id=first.pk,
        record_ids=[first.pk, second.pk],
        shown=versions_of(first, second),
        user=user,
    )
    return first, second, candidate, decision


def test_an_undone_merge_gives_the_old_record_back_and_asks_again() -> None:
    stella = someone("Stella")
    _, second, candidate, decision = merged(stella)
    taken_back = undo(decision_id=decision.pk, user=stella)
    check_walls()
    assert reload(second.pk).state == "pending"
    assert reload(second.pk).supplier.name == "Acme Medical"
    assert MatchCandidate.objects.get(pk=candidate.pk).state == "open"
    assert (taken_back.verb, taken_back.undoes_id) == ("undo", decision.pk)
    assert Decision.objects.count() == 2
    assert list(differences()) == []


def test_a_decision_is_undone_once() -> None:
    stella = someone("Stella")
    *_, decision = merged(stella)
    undo(decision_id=decision.pk, user=stella)
    with pytest.raises(WrongState, match="undone already"):
        undo(decision_id=decision.pk, user=stella)
    with pytest.raises(WrongState):
        undo(decision_id=Decision.objects.get(verb="undo").pk, user=stella)


def test_a_colleague_cannot_undo_but_a_domain_owner_can() -> None:
    *_, decision = merged(someone("Stella"))
    with pytest.raises(Refused):
        undo(decision_id=decision.pk, user=someone("Sam"))
    assert not Decision.objects.filter(verb="undo").exists()
    undo(decision_id=decision.pk, user=someone("Olga", DOMAIN_OWNER))
    assert Decision.objects.filter(verb="undo").exists()


def test_an_undone_rejection_asks_again_and_no_longer_bars() -> None:
    stella = someone("Stella")
    first, second = twins()
    candidate = question(first, second)
    decision = reject_candidate(candidate_id=candidate.pk, shown=versions_of(first, second), user=stella)
    undo(decision_id=decision.pk, user=stella)
    assert MatchCandidate.objects.get().state == "open"
    assert not KnownNonMatch.objects.filter(withdrawn_at__isnull=True).exists()


def test_a_merge_by_hand_needs_a_reason_and_fresh_versions() -> None:
    stella = someone("Stella")
    first, second = twins()
    ids = [first.pk, second.pk]
    with pytest.raises(Invalid):
        merge_records(winner_id=first.pk, record_ids=ids, shown=versions_of(first, second), user=stella, reason=" ")
    with pytest.raises(Stale):
        merge_records(winner_id=first.pk, record_ids=ids, shown={first.pk: 1, second.pk: 9}, user=stella, reason="x")
    assert not Merge.objects.exists()
    decision = merge_records(
        winner_id=first.pk, record_ids=ids, shown=versions_of(first, second), user=stella, reason="one firm"
    )
    assert reload(second.pk).merged_into_id == first.pk
    assert decision.candidate is None


def test_a_suspected_record_merged_by_hand_comes_into_use_with_its_question_closed() -> None:
    stella = someone("Stella")
    first, second = twins(newcomer=True)
    candidate = question(first, second)
    merge_records(
        winner_id=second.pk,
        record_ids=[first.pk, second.pk],
        shown=versions_of(first, second),
        user=stella,
        reason="one firm",
    )
    assert MatchCandidate.objects.get(pk=candidate.pk).state == "superseded"
    assert reload(second.pk).state == "active"


def test_an_unmerge_restores_the_loser_and_bars_the_pair() -> None:
    stella = someone("Stella")
    first, second, _, decision = merged(stella)
    with pytest.raises(Invalid):
        unmerge(merge_ids=[Merge.objects.get().pk], user=stella, reason="")
    back = unmerge(merge_ids=[Merge.objects.get().pk], user=stella, reason="two branches")
    check_walls()
    assert reload(second.pk).state == "active"  # nobody is asked about it any more
    assert reload(first.pk).state == "active"
    assert KnownNonMatch.objects.get().pk == back.non_matches[0]
    with pytest.raises(WrongState):
        undo(decision_id=decision.pk, user=stella)
    with pytest.raises(WrongState):
        unmerge(merge_ids=[Merge.objects.get().pk], user=stella, reason="again")


def test_undo_goes_back_one_by_one_and_passes_over_what_was_taken_back_elsewhere() -> None:
    stella = someone("Stella")
    one, two = twins(name="Bolton Surgical")
    first = reject_candidate(candidate_id=question(one, two).pk, shown=versions_of(one, two), user=stella)
    *_, second = merged(stella)
    assert last_decision(stella) == second
    unmerge(merge_ids=[Merge.objects.get().pk], user=stella, reason="two branches")
    assert last_decision(stella).verb == "unmerge"
    undo(decision_id=last_decision(stella).pk, user=stella)
    assert last_decision(stella) == second
    undo(decision_id=second.pk, user=stella)
    undo(decision_id=first.pk, user=stella)
    assert last_decision(stella) is None
    assert last_decision(someone("Sam")) is None


def test_an_unmerge_can_be_undone_and_leaves_nothing_barred() -> None:
    stella = someone("Stella")
    first, second, _, decision = merged(stella)
    made = Merge.objects.get()
    back = unmerge(merge_ids=[made.pk], user=stella, reason="two branches")
    undo(decision_id=back.pk, user=stella)
    check_walls()
    assert reload(second.pk).merged_into_id == first.pk
    assert not KnownNonMatch.objects.filter(withdrawn_at__isnull=True).exists()
    assert Merge.objects.get().undone_at is None
    undo(decision_id=decision.pk, user=stella)
    # The unmerge said that it is a firm of its own, so nobody suspects it any more.
    assert (reload(first.pk).state, reload(second.pk).state) == ("active", "active")
    assert list(differences()) == []


def test_records_that_may_be_joined_again_are_asked_about_again() -> None:
    stella = someone("Stella")
    first, second = twins()
    candidate = question(first, second)
    merge_records(
        winner_id=first.pk,
        record_ids=[first.pk, second.pk],
        shown=versions_of(first, second),
        user=stella,
        reason="one firm",
    )
    assert MatchCandidate.objects.get(pk=candidate.pk).state == "superseded"
    unmerge(merge_ids=[Merge.objects.get().pk], user=stella, reason="too early", may_join_again=True)
    assert not KnownNonMatch.objects.exists()
    assert MatchCandidate.objects.get(pk=candidate.pk).state == "open"


def test_questions_go_back_to_the_record_they_are_about() -> None:
    stella = someone("Stella")
    first, second, third = twins(3)
    candidate = question(second, third)
    ids = [first.pk, second.pk]
    merge_records(winner_id=first.pk, record_ids=ids, shown=versions_of(first, second), user=stella, reason="one firm")
    unmerge(merge_ids=[Merge.objects.get().pk], user=stella, reason="two firms")
    assert set(candidate.members.values_list("record", flat=True)) == {second.pk, third.pk}


def test_one_member_is_taken_out_and_put_back() -> None:
    stella = someone("Stella")
    record = golden(source("erp", "supplier", "A", name="Acme"), source("ap", "supplier", "B", name="Acme"))
    one = linked(record)[1]
    with pytest.raises(Invalid):
        take_out(source_record_ids=[one.pk], user=stella, reason=" ")
    with pytest.raises(Stale):
        take_out(source_record_ids=[one.pk], user=stella, reason="another firm", shown={record.pk: 7})
    decision = take_out(source_record_ids=[one.pk], user=stella, reason="another firm", shown={record.pk: 1})
    assert len(linked(record)) == 1
    assert KnownNonMatch.objects.count() == 1
    assert last_decision(stella) == decision
    undo(decision_id=decision.pk, user=stella)
    check_walls()
    assert len(linked(record)) == 2
    assert last_decision(stella) is None


def test_a_record_is_retired_and_reinstated_with_a_reason() -> None:
    stella = someone("Stella")
    record, _ = twins()
    with pytest.raises(Stale):
        retire_record(record_id=record.pk, shown=4, user=stella, reason="closed")
    with pytest.raises(Invalid):
        retire_record(record_id=record.pk, shown=1, user=stella, reason="")
    retire_record(record_id=record.pk, shown=1, user=stella, reason="closed")
    assert reload(record.pk).state == "retired"
    reinstate_record(record_id=record.pk, shown=2, user=stella, reason="open again")
    assert reload(record.pk).state == "active"
    assert list(Decision.objects.order_by("decided_at").values_list("verb", flat=True)) == ["retire", "reinstate"]


def test_a_decision_cannot_be_rewritten() -> None:
    *_, decision = merged(someone("Stella"))
    with pytest.raises(DatabaseError), transaction.atomic():
        Decision.objects.filter(pk=decision.pk).update(reason="never said")
    with pytest.raises(DatabaseError), transaction.atomic():
        Decision.objects.filter(pk=decision.pk).delete()
