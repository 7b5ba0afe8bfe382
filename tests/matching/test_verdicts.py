"""What people say about candidates, and taking it back."""

from datetime import timedelta

import pytest
from django.utils import timezone

from matching import verdicts
from matching.models import CandidateState, KnownNonMatch, MatchCandidate
from mdm import mastering
from mdm.errors import NotFound, Refused, WrongState
from mdm.models import GoldenRecord, GoldenState, SourceRecord
from tests.matching.conftest import Run, change, golden_of
from tests.mdm.making import reload, source, why

pytestmark = pytest.mark.django_db


def asked(run: Run) -> tuple[MatchCandidate, SourceRecord, SourceRecord]:
    """An open candidate of an active and a pending supplier, whose tax ids differ."""
    first = source("erp", "supplier", "V1", name="Amgen Inc", tax_id="953540776", phone="+18054471000")
    run("supplier")
    second = source("ap", "supplier", "1", name="Amgen Inc", tax_id="880000000", phone="+18054471000")
    run("supplier")
    return MatchCandidate.objects.get(), first, second


def state_of(record: SourceRecord) -> str:
    return GoldenRecord.objects.get(pk=golden_of(record)).state


def test_reject_rules_the_pair_out_and_lets_the_pending_record_in(run: Run) -> None:
    candidate, first, second = asked(run)
    done = verdicts.reject(candidate_id=candidate.pk, cause=why("two companies"))
    assert done.state == CandidateState.REJECTED
    assert done.activated == (golden_of(second),)
    assert state_of(second) == GoldenState.ACTIVE
    ruled = KnownNonMatch.objects.get()
    assert (ruled.first_id, ruled.second_id) == (first.pk, second.pk)
    assert (ruled.by, ruled.reason) == ("Stella Steward", "two companies")
    candidate.refresh_from_db()
    assert (candidate.decided_by, candidate.decision_reason) == ("Stella Steward", "two companies")


def test_a_rejected_pair_is_never_linked_nor_asked_again(run: Run) -> None:
    candidate, first, second = asked(run)
    verdicts.reject(candidate_id=candidate.pk, cause=why())
    change(second, tax_id="953540776")
    assert run("supplier").asked == 0
    assert golden_of(first) != golden_of(second)


def test_a_settled_candidate_cannot_be_settled_again(run: Run) -> None:
    candidate, _, _ = asked(run)
    verdicts.reject(candidate_id=candidate.pk, cause=why())
    for verb in (verdicts.reject, verdicts.close_merged):
        with pytest.raises(WrongState, match="not a match by Stella Steward"):
            verb(candidate_id=candidate.pk, cause=why())
    with pytest.raises(WrongState):
        verdicts.skip(candidate_id=candidate.pk, by="Stella", until=timezone.now())
    with pytest.raises(NotFound):
        verdicts.reject(candidate_id=0, cause=why())


def test_reopen_undoes_a_rejection(run: Run) -> None:
    candidate, first, second = asked(run)
    verdicts.reject(candidate_id=candidate.pk, cause=why())
    assert verdicts.reopen(candidate_id=candidate.pk, by="Stella Steward").state == CandidateState.OPEN
    assert not KnownNonMatch.objects.filter(withdrawn_at__isnull=True).exists()
    candidate.refresh_from_db()
    assert (candidate.state, candidate.decided_by, candidate.decided_at) == ("open", "", None)
    assert {m.record_id for m in candidate.members.all()} == {golden_of(first), golden_of(second)}
    with pytest.raises(WrongState, match="nothing to undo"):
        verdicts.reopen(candidate_id=candidate.pk, by="Stella Steward")


def test_ruling_out_one_of_three_leaves_the_others_to_decide(run: Run) -> None:
    phone = "+18054471000"
    for number, tax in enumerate(("953540776", "880000000", "203865999")):
        source("erp", "supplier", f"V{number}", name="Amgen Inc", tax_id=tax, phone=phone)
    run("supplier")
    candidate = MatchCandidate.objects.get()
    members = {m.record_id for m in candidate.members.all()}
    assert len(members) == 3
    out = GoldenRecord.objects.filter(pk__in=members, state="pending").order_by("code")[0]
    done = verdicts.reject(candidate_id=candidate.pk, cause=why(), records=[out.pk])
    assert done.state == CandidateState.OPEN
    assert done.activated == (out.pk,)
    assert len(done.non_matches) == 2
    assert {m.record_id for m in candidate.members.all()} == members - {out.pk}
    verdicts.reopen(candidate_id=candidate.pk, by="Stella")
    assert {m.record_id for m in candidate.members.all()} == members
    with pytest.raises(Refused):
        verdicts.reject(candidate_id=candidate.pk, cause=why(), records=[source_of_another(run)])


def source_of_another(run: Run):  # type: ignore[no-untyped-def]
    other = source("erp", "supplier", "V99", name="Zimmer Biomet")
    run("supplier")
    return golden_of(other)


def test_merging_closes_the_candidate_and_others_it_answers(run: Run) -> None:
    candidate, first, second = asked(run)
    winner, loser = golden_of(first), golden_of(second)
    assert winner
    assert loser
    versions = {pk: reload(pk).version for pk in (winner, loser)}
    mastering.merge(winner_id=winner, loser_ids=[loser], expected=versions, cause=why())
    done = verdicts.close_merged(candidate_id=candidate.pk, cause=why("same company"))
    assert done.state == CandidateState.MERGED
    assert golden_of(second) == winner
    candidate.refresh_from_db()
    assert (candidate.state, candidate.decision_reason) == ("merged", "same company")


def test_a_pending_winner_is_let_in(run: Run) -> None:
    candidate, first, second = asked(run)
    winner, loser = golden_of(second), golden_of(first)
    assert winner
    assert loser
    versions = {pk: reload(pk).version for pk in (winner, loser)}
    mastering.merge(winner_id=winner, loser_ids=[loser], expected=versions, cause=why())
    verdicts.close_merged(candidate_id=candidate.pk, cause=why())
    assert reload(winner).state == GoldenState.ACTIVE


def test_a_merge_by_another_road_supersedes_the_question(run: Run) -> None:
    candidate, first, second = asked(run)
    winner, loser = golden_of(first), golden_of(second)
    assert winner
    assert loser
    versions = {pk: reload(pk).version for pk in (winner, loser)}
    mastering.merge(winner_id=winner, loser_ids=[loser], expected=versions, cause=why())
    assert verdicts.supersede(cause=why()) == 1
    assert verdicts.supersede(cause=why()) == 0
    candidate.refresh_from_db()
    assert candidate.state == CandidateState.SUPERSEDED


def test_a_skipped_candidate_comes_back_when_its_time_is_over(run: Run) -> None:
    candidate, _, second = asked(run)
    verdicts.skip(candidate_id=candidate.pk, by="Stella", until=timezone.now() + timedelta(hours=1))
    assert verdicts.wake() == 0
    assert state_of(second) == GoldenState.PENDING
    verdicts.skip(candidate_id=candidate.pk, by="Stella", until=timezone.now() - timedelta(seconds=1))
    assert verdicts.wake() == 1
    candidate.refresh_from_db()
    assert (candidate.state, candidate.snoozed_until) == ("open", None)


def test_a_claim_keeps_others_out_until_it_ends(run: Run) -> None:
    candidate, _, _ = asked(run)
    verdicts.claim(candidate_id=candidate.pk, by="Stella")
    verdicts.claim(candidate_id=candidate.pk, by="Stella")
    with pytest.raises(WrongState, match="Stella is looking at this"):
        verdicts.claim(candidate_id=candidate.pk, by="Otto")
    verdicts.release(candidate_id=candidate.pk, by="Otto")
    with pytest.raises(WrongState):
        verdicts.claim(candidate_id=candidate.pk, by="Otto")
    verdicts.release(candidate_id=candidate.pk, by="Stella")
    verdicts.claim(candidate_id=candidate.pk, by="Otto")
    MatchCandidate.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    verdicts.claim(candidate_id=candidate.pk, by="Stella")


def test_bar_and_withdraw(run: Run) -> None:
    first = source("erp", "supplier", "V1", name="Waters Corp", tax_id="133668640")
    second = source("ap", "supplier", "1", name="Waters Corp", tax_id="133668640")
    barred = verdicts.bar(first=[second.pk], second=[first.pk], cause=why("unmerged"))
    assert verdicts.bar(first=[first.pk], second=[second.pk], cause=why()) == ()
    run("supplier")
    assert golden_of(first) != golden_of(second)
    assert not MatchCandidate.objects.exists()
    verdicts.withdraw(non_match_id=barred[0], by="Stella")
    verdicts.withdraw(non_match_id=barred[0], by="Otto")
    ruled = KnownNonMatch.objects.get()
    assert ruled.withdrawn_by == "Stella"
    change(second, phone="+15082224444")
    assert run("supplier").asked == 1
