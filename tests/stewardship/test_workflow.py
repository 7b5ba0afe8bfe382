"""What a person decides about a candidate, and that a stale or unfit decision changes nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from matching.models import KnownNonMatch, MatchCandidate
from mdm.errors import Invalid, Refused, Stale, WrongState
from mdm.mastering import contribute, differences
from mdm.models import ChangeEvent, Merge
from stewardship.models import Decision
from stewardship.workflow import (
    claim_candidate,
    keep_together,
    merge_candidate,
    reject_candidate,
    release_candidate,
    skip_candidate,
    split_off,
    undo,
)
from tests.factories import check_walls, golden, reload, source, why
from tests.stewardship.questions import question, someone, twins, versions_of

pytestmark = pytest.mark.django_db


def state_of(candidate: MatchCandidate) -> str:
    return MatchCandidate.objects.values_list("state", flat=True).get(pk=candidate.pk)


def merge(candidate, user, *ticked, winner=None, **options) -> Decision:
    return merge_candidate(
        candidate_id=candidate.pk,
        winner_id=(winner or ticked[0]).pk,
        record_ids=[record.pk for record in ticked],
        shown=versions_of(*ticked),
        user=user,
        **options,
    )


def test_a_merge_leaves_one_record_a_settled_question_and_a_decision_behind() -> None:
    stella = someone("Stella Steward")
    first, second = twins()
    candidate = question(first, second)
    decision = merge(candidate, stella, first, second, reason="same phone desk")
    check_walls()
    assert reload(second.pk).merged_into_id == first.pk
    assert state_of(candidate) == "merged"
    assert decision.verb == "merge"
    assert decision.decided_by == stella
    assert [row["version"] for row in decision.records] == [1, 1]
    event = ChangeEvent.objects.get(record=second, verb="merged")
    assert event.actor == "Stella Steward"
    assert event.correlation_id == decision.correlation_id
    assert str(decision.pk) in event.body
    assert Merge.objects.get().reason == "same phone desk"
    assert list(differences()) == []


def test_a_suspected_winner_comes_into_use_once_nothing_is_asked_about_it() -> None:
    stella = someone("Stella")
    one = golden(source("a", "supplier", "1", name="Acme"), state="pending")
    two = golden(source("b", "supplier", "2", name="Acme"), state="pending")
    decision = merge(question(one, two), stella, one, two)
    assert reload(one.pk).state == "active"
    assert decision.activated == [str(one.pk)]


def test_members_ticked_out_stay_in_the_question_with_the_winner() -> None:
    stella = someone("Stella")
    first, second, third = twins(3, newcomer=True)
    candidate = question(first, second, third)
    merge(candidate, stella, first, second)
    assert state_of(candidate) == "open"
    assert reload(third.pk).state == "pending"
    merge(candidate, stella, first, third)
    assert state_of(candidate) == "merged"
    assert reload(third.pk).merged_into_id == first.pk


def test_members_ticked_out_as_different_are_ruled_out_and_come_into_use() -> None:
    stella = someone("Stella")
    first, second, third = twins(3, newcomer=True)
    candidate = question(first, second, third)
    decision = merge(candidate, stella, first, second, others_differ=True)
    assert state_of(candidate) == "merged"
    assert reload(third.pk).state == "active"
    assert len(decision.non_matches) == 2
    undo(decision_id=decision.pk, user=stella)
    assert state_of(candidate) == "open"
    assert reload(second.pk).state == "active"
    assert KnownNonMatch.objects.filter(withdrawn_at__isnull=True).count() == 0


def test_a_stale_merge_names_what_moved_and_changes_nothing() -> None:
    stella = someone("Stella")
    first, second = twins()
    candidate = question(first, second)
    shown = versions_of(first, second)
    contribute(record_id=second.pk, values={"name": "Acme Medical Group"}, expected=1, cause=why())
    with pytest.raises(Stale) as refused:
        merge_candidate(candidate_id=candidate.pk, winner_id=first.pk, record_ids=list(shown), shown=shown, user=stella)
    assert list(refused.value.records) == [(second.pk, 1, 2)]
    assert state_of(candidate) == "open"
    assert not Decision.objects.exists()
    assert not Merge.objects.exists()


def test_a_stale_rejection_changes_nothing() -> None:
    stella = someone("Stella")
    first, second = twins()
    candidate = question(first, second)
    with pytest.raises(Stale):
        reject_candidate(candidate_id=candidate.pk, shown={first.pk: 1, second.pk: 7}, user=stella)
    assert state_of(candidate) == "open"
    assert not KnownNonMatch.objects.exists()


def test_a_page_that_does_not_say_what_it_showed_is_refused() -> None:
    stella = someone("Stella")
    first, second = twins()
    candidate = question(first, second)
    with pytest.raises(Refused):
        merge_candidate(
            candidate_id=candidate.pk, winner_id=first.pk, record_ids=[first.pk, second.pk], shown={}, user=stella
        )
    with pytest.raises(Refused):
        reject_candidate(candidate_id=candidate.pk, shown={first.pk: 1}, user=stella)


def test_only_members_of_the_question_can_be_merged_there() -> None:
    stella = someone("Stella")
    first, second = twins()
    (stranger, _) = twins(name="Other")
    with pytest.raises(Refused):
        merge(question(first, second), stella, first, stranger)
    with pytest.raises(Refused):
        merge(question(first, second), stella, first)


def test_a_settled_question_cannot_be_decided_again() -> None:
    stella = someone("Stella")
    first, second = twins()
    candidate = question(first, second)
    reject_candidate(candidate_id=candidate.pk, shown=versions_of(first, second), user=stella)
    with pytest.raises(WrongState, match="not a match"):
        merge(candidate, stella, first, second)
    assert not Merge.objects.exists()


def test_not_a_match_lets_the_newcomer_into_use_and_bars_the_pair() -> None:
    stella = someone("Stella")
    first, second = twins(newcomer=True)
    candidate = question(first, second)
    decision = reject_candidate(candidate_id=candidate.pk, shown=versions_of(first, second), user=stella)
    assert reload(second.pk).state == "active"
    assert decision.activated == [str(second.pk)]
    assert KnownNonMatch.objects.get().pk == decision.non_matches[0]


def test_another_question_about_a_loser_becomes_one_about_the_winner() -> None:
    stella = someone("Stella")
    first, second, third = twins(3)
    other = question(second, third)
    merge(question(first, second), stella, first, second)
    shown = versions_of(first, third)
    decision = reject_candidate(candidate_id=other.pk, shown=shown, user=stella)
    assert len(decision.non_matches) == 2  # both source records of the winner against the third's


def test_a_question_whose_records_became_one_elsewhere_closes_itself() -> None:
    stella = someone("Stella")
    first, second = twins()
    other = question(first, second)
    merge(question(first, second), stella, first, second)
    assert state_of(other) == "superseded"


def test_merging_what_was_ruled_out_takes_the_verdict_back_and_undo_restores_it() -> None:
    stella = someone("Stella")
    first, second = twins()
    reject_candidate(candidate_id=question(first, second).pk, shown=versions_of(first, second), user=stella)
    decision = merge(question(first, second), stella, first, second)
    assert not KnownNonMatch.objects.filter(withdrawn_at__isnull=True).exists()
    undo(decision_id=decision.pk, user=stella)
    assert KnownNonMatch.objects.filter(withdrawn_at__isnull=True).count() == 1


def test_a_skipped_question_waits_until_its_time() -> None:
    stella = someone("Stella")
    first, second = twins()
    candidate = question(first, second)
    until = timezone.now() + timedelta(days=1)
    skip_candidate(candidate_id=candidate.pk, until=until, user=stella)
    assert MatchCandidate.objects.get().snoozed_until == until
    assert versions_of(first, second) == {first.pk: 1, second.pk: 1}
    with pytest.raises(Invalid):
        skip_candidate(candidate_id=candidate.pk, until=timezone.now() - timedelta(hours=1), user=stella)


def test_a_claim_is_told_to_others_and_given_back() -> None:
    stella, ada = someone("Stella Steward"), someone("Ada Owner")
    candidate = question(*twins())
    assert claim_candidate(candidate_id=candidate.pk, user=stella) == ""
    assert claim_candidate(candidate_id=candidate.pk, user=stella) == ""
    assert claim_candidate(candidate_id=candidate.pk, user=ada) == "Stella Steward"
    release_candidate(candidate_id=candidate.pk, user=stella)
    assert claim_candidate(candidate_id=candidate.pk, user=ada) == ""


def contradiction():
    left = source("erp", "supplier", "1", name="Acme", tax_id="841368850")
    right = source("ap", "supplier", "2", name="Acme West", tax_id="911144442")
    record = golden(left, right)
    candidate = question(record, kind="conflict")
    candidate.pairs.create(
        left_record=record, right_record=record, left_source=right, right_source=left, score=0.2, explanation=[]
    )
    return record, right, candidate


def test_a_contradicting_source_is_split_off_and_undo_joins_it_again() -> None:
    stella = someone("Stella")
    record, leaving, candidate = contradiction()
    decision = split_off(candidate_id=candidate.pk, shown=versions_of(record), user=stella)
    fresh = leaving.links.get(ended_at__isnull=True).record
    assert fresh.pk != record.pk
    assert KnownNonMatch.objects.filter(withdrawn_at__isnull=True).count() == 1
    undo(decision_id=decision.pk, user=stella)
    assert leaving.links.get(ended_at__isnull=True).record_id == record.pk
    assert state_of(candidate) == "open"
    check_walls()


def test_a_contradiction_can_be_kept_together() -> None:
    stella = someone("Stella")
    record, _, candidate = contradiction()
    keep_together(candidate_id=candidate.pk, shown=versions_of(record), user=stella)
    assert state_of(candidate) == "merged"
    assert versions_of(record) == {record.pk: 1}
    with pytest.raises(WrongState):
        split_off(candidate_id=candidate.pk, shown=versions_of(record), user=stella)
