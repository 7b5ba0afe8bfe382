"""Drafts tried on live data, re-matches under approved rules, and everything as it was after a revert."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import rematch, rules, rules_trial, verdicts
from matching.models import MatchCandidate, RematchChange, RematchState, RuleAct, TrialKey, TrialState
from matching.rematch_applying import Batch, carry_out
from matching.rematch_standing import Held, held_together, kernels, standings, united
from matching.tasks import rules_work
from mdm import mastering
from mdm.domains import BY_NAME
from mdm.errors import Refused, WrongState
from mdm.models import ChangeEvent, GoldenRecord, GoldenState, Link, SourceRecord
from tests.matching.conftest import Run, change, golden_of
from tests.matching.ruling import approve, person, re_match, shipped, try_out
from tests.mdm.making import MARCH, golden, source, why

pytestmark = pytest.mark.django_db
SUPPLIER = BY_NAME["supplier"]
PHONE, OTHER_PHONE = "+18054471000", "+12125550100"


def pair_linked(run: Run) -> tuple[SourceRecord, SourceRecord]:
    """Two rows linked by name and phone at .97."""
    first = source("erp", "supplier", "V1", name="Acme Medical Inc", phone=PHONE)
    second = source("ap", "supplier", "1", name="Acme Medical Supplies", phone=PHONE)
    run("supplier")
    assert golden_of(first) == golden_of(second)
    return first, second


def pair_asked(run: Run) -> tuple[SourceRecord, SourceRecord]:
    """Two rows of one tax id and different names, asked about at .92."""
    first = source("erp", "supplier", "V2", name="Waters Corporation", tax_id="133668640")
    second = source("ap", "supplier", "2", name="Zeta Orthopedics", tax_id="133668640")
    run("supplier")
    assert golden_of(first) != golden_of(second)
    return first, second


def everything() -> tuple[Any, ...]:
    """Which source record is where, which golden records are in use, which questions are open."""
    links = Link.objects.filter(ended_at__isnull=True).order_by("source_record_id")
    return (
        list(links.values_list("source_record_id", "record_id")),
        list(GoldenRecord.objects.exclude(state="merged").order_by("pk").values_list("pk", "state", "title")),
        list(MatchCandidate.objects.filter(state="open").order_by("pk").values_list("pk", flat=True)),
    )


def test_a_trial_tells_what_would_split_join_and_stay_and_writes_nothing(run: Run) -> None:
    first, second = pair_linked(run)
    asked = pair_asked(run)
    source("erp", "supplier", "V3", name="Boston Scientific Corp")
    run("supplier")
    before, events = everything(), ChangeEvent.objects.count()
    trial = try_out(shipped(auto=0.98))
    assert (trial.state, trial.looked_at, trial.total) == (TrialState.DONE, 4, 4)
    assert trial.figures["split"] == 1
    assert trial.figures["stay"] == 3
    assert trial.figures["split today"] == 0
    assert sum(trial.figures["bins"][0]) == sum(trial.figures["bins"][1]) == 2
    [example] = [one for one in trial.examples if one["kind"] == "split"]
    assert sorted(pk for group in example["groups"] for pk in group) == [first.pk, second.pk]
    assert example["sentence"].startswith("Phone agrees")
    trial = try_out(shipped(auto=0.9))
    assert (trial.figures["join"], trial.figures["fewer"], trial.figures["stay"]) == (2, 1, 2)
    [example] = [one for one in trial.examples if one["kind"] == "join"]
    assert sorted(pk for group in example["groups"] for pk in group) == [one.pk for one in asked]
    assert (everything(), ChangeEvent.objects.count()) == (before, events)


def test_the_rules_in_force_change_nothing_when_they_are_tried_again(run: Run) -> None:
    pair_linked(run)
    pair_asked(run)
    figures = try_out(shipped()).figures
    assert (figures["stay"], figures.get("split", 0), figures.get("join", 0), figures.get("asked", 0)) == (3, 0, 0, 0)


def test_other_blocking_is_tried_by_keys_of_its_own_that_do_not_stay(run: Run) -> None:
    pair_asked(run)
    trial = try_out(shipped(auto=0.9, blocking=[names for names in shipped()["blocking"] if names != ["tax"]]))
    assert trial.keyed is not None
    assert trial.figures["stay"] == 2
    assert not TrialKey.objects.exists()
    trial = try_out(shipped(auto=0.9, blocking=[["city"], *shipped()["blocking"]]))
    assert trial.figures["join"] == 2


def test_a_large_domain_is_tried_on_a_sample_that_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        source("erp", "supplier", f"W{number}", name=f"Company {'ABCDEF'[number] * 5} {number}")
    run("supplier")
    monkeypatch.setattr(rules_trial, "ALL", 5)
    monkeypatch.setattr(rules_trial, "SAMPLE", 4)
    monkeypatch.setattr(rules_trial, "BATCH", 3)
    trial = try_out(shipped(auto=0.98))
    assert (trial.population, trial.total, trial.looked_at, trial.figures["stay"]) == (6, 4, 4, 4)


def test_a_trial_of_a_draft_changed_meanwhile_ends_and_says_why(run: Run) -> None:
    made = rules.draft(domain=SUPPLIER, content=shipped(auto=0.98), by=person("Anna Author"), reason="x")
    trial = rules_trial.start(rule_set_id=made.pk, by=person("Anna Author"))
    rules.change(
        rule_set_id=made.pk, content=shipped(auto=0.97), seen=trial.digest, by=person("Anna Author"), reason="y"
    )
    rules_trial.advance(trial.pk, 1)
    trial.refresh_from_db()
    assert (trial.state, "changed meanwhile" in trial.problem) == (TrialState.FAILED, True)
    second = rules_trial.start(rule_set_id=made.pk, by=person("Anna Author"))
    third = rules_trial.start(rule_set_id=made.pk, by=person("Anna Author"))
    second.refresh_from_db()
    assert (second.state, third.state) == (TrialState.FAILED, TrialState.RUNNING)


def test_a_re_match_splits_and_joins_and_a_revert_puts_everything_back(run: Run) -> None:
    first, second = pair_linked(run)
    third, fourth = pair_asked(run)
    before = everything()
    done = re_match(shipped(auto=0.98))
    assert (done.state, done.split, done.joined) == (RematchState.DONE, 1, 0)
    assert golden_of(first) != golden_of(second)
    rematch.revert(run_id=done.pk, by=person("Bert Boss"), reason="It was wrong")
    assert rules.effective(SUPPLIER) == SUPPLIER.matching
    rematch.advance(done.pk, 600)
    done.refresh_from_db()
    assert done.state == RematchState.REVERTED
    assert everything() == before

    done = re_match(shipped(auto=0.9))
    assert (done.state, done.joined) == (RematchState.DONE, 1)
    assert golden_of(third) == golden_of(fourth)
    assert not MatchCandidate.objects.filter(state="open").exists()
    rematch.revert(run_id=done.pk, by=person("Bert Boss"), reason="It was wrong")
    rematch.advance(done.pk, 600)
    assert everything() == before
    said = RuleAct.objects.filter(rule_set=done.rule_set).order_by("pk").values_list("verb", flat=True)
    assert list(said) == ["drafted", "tried", "approved", "re-matched", "retired", "reverting", "reverted"]


def test_a_record_looked_at_again_by_the_same_rules_stays(run: Run) -> None:
    pair_linked(run)
    pair_asked(run)
    before = everything()
    done = re_match(shipped(margin=2.5))
    assert (done.joined, done.split, done.asked) == (0, 0, 0)
    assert everything() == before


def test_what_people_merged_stays_together_and_is_counted(run: Run) -> None:
    third, fourth = pair_asked(run)
    mastering.merge(winner_id=gold(third), loser_ids=[gold(fourth)], expected={}, cause=why("Renamed"))
    figures = try_out(shipped(auto=0.98)).figures
    assert (figures["stay"], figures["together"], figures["verified"]) == (1, 1, 2)
    done = re_match(shipped(auto=0.98))
    assert (done.split, done.respected) == (0, {"together": 1})
    assert golden_of(third) == golden_of(fourth)


def test_what_people_ruled_out_stays_apart_and_is_counted(run: Run) -> None:
    third, fourth = pair_asked(run)
    verdicts.reject(candidate_id=MatchCandidate.objects.get().pk, cause=why("Two companies"))
    figures = try_out(shipped(auto=0.9)).figures
    assert (figures["stay"], figures.get("join", 0), figures["apart"]) == (2, 0, 2)
    done = re_match(shipped(auto=0.9))
    assert (done.joined, golden_of(third) != golden_of(fourth)) == (0, True)


def test_a_verified_link_the_rules_no_longer_believe_in_is_only_asked_about(run: Run) -> None:
    third, fourth = pair_asked(run)
    mastering.merge(winner_id=gold(third), loser_ids=[gold(fourth)], expected={}, cause=why("Renamed"))
    verdicts.supersede(cause=why())
    weak = shipped()
    weak["comparisons"]["tax"]["levels"] = [[1.0, 2.0]]
    done = re_match(weak)
    assert (done.split, done.asked) == (0, 1)
    [asked] = MatchCandidate.objects.filter(state="open")
    assert (asked.kind, asked.members.get().record_id) == ("misfit", golden_of(third))
    assert asked.misfit.cause == "rules"
    rematch.revert(run_id=done.pk, by=person("Bert Boss"), reason="No")
    rematch.advance(done.pk, 600)
    asked.refresh_from_db()
    assert asked.state == "withdrawn"


def test_rules_by_which_a_member_fits_again_end_the_question_and_a_revert_asks_again(run: Run) -> None:
    third, fourth = pair_asked(run)
    mastering.merge(winner_id=gold(third), loser_ids=[gold(fourth)], expected={}, cause=why("Renamed"))
    verdicts.supersede(cause=why())
    change(fourth, tax_id="208365999")
    run("supplier")
    asked = MatchCandidate.objects.get(kind="misfit")
    rules_of_today = shipped(review=0.0001)
    rules_of_today["comparisons"]["tax"] |= {"veto": False, "otherwise": 0.0}
    done = re_match(rules_of_today)
    asked.refresh_from_db()
    assert (asked.state, done.changes.get().kind) == ("withdrawn", "withdrawn")
    assert golden_of(third) == golden_of(fourth)
    rematch.revert(run_id=done.pk, by=person("Bert Boss"), reason="No")
    rematch.advance(done.pk, 600)
    asked.refresh_from_db()
    assert asked.state == "open"


def test_a_member_that_approved_rules_split_off_is_not_asked_about(run: Run) -> None:
    first, second = pair_linked(run)
    change(second, phone=OTHER_PHONE)
    run("supplier")
    done = re_match(shipped(auto=0.96))
    asked = MatchCandidate.objects.get(kind="misfit")
    assert (done.split, asked.state) == (1, "superseded")
    assert golden_of(first) != golden_of(second)
    rematch.revert(run_id=done.pk, by=person("Bert Boss"), reason="No")
    rematch.advance(done.pk, 600)
    asked.refresh_from_db()
    assert (golden_of(first) == golden_of(second), asked.state) == (True, "open")


def test_questions_come_and_go_with_the_limit_for_asking(run: Run) -> None:
    _, fourth = pair_asked(run)
    question = MatchCandidate.objects.get()
    done = re_match(shipped(review=0.94))
    question.refresh_from_db()
    assert (question.state, done.changes.get().kind) == ("withdrawn", "withdrawn")
    assert GoldenRecord.objects.get(pk=gold(fourth)).state == GoldenState.ACTIVE
    rematch.revert(run_id=done.pk, by=person("Bert Boss"), reason="No")
    rematch.advance(done.pk, 600)
    question.refresh_from_db()
    assert question.state == "open"


def test_a_lower_limit_for_asking_asks_about_what_was_passed_over(run: Run) -> None:
    first = source("erp", "supplier", "V5", name="Acme Medical Inc", duns="133668640")
    second = source("ap", "supplier", "5", name="Zeta Orthopedics", duns="133668640")
    run("supplier")
    assert not MatchCandidate.objects.exists()
    assert try_out(shipped(review=0.3)).figures["asked"] == 1
    done = re_match(shipped(review=0.3))
    assert done.asked == 1
    members = MatchCandidate.objects.get().members.values_list("record_id", flat=True)
    assert set(members) == {golden_of(first), golden_of(second)}


def test_pausing_and_resuming_lose_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rematch, "BATCH", 1)
    pair_linked(run)
    pair_asked(run)
    going = approve(shipped(auto=0.98))
    rematch.advance(going.pk, 0)
    rematch.pause(run_id=going.pk, by=person("Bert Boss"))
    rematch.advance(going.pk, 600)
    going.refresh_from_db()
    assert (going.state, going.looked_at) == (RematchState.PAUSED, 1)
    with pytest.raises(WrongState):
        rematch.pause(run_id=going.pk, by=person("Bert Boss"))
    with pytest.raises(WrongState, match="under way"):
        approve(shipped(auto=0.97))
    rematch.resume(run_id=going.pk, by=person("Bert Boss"))
    rules_work()
    going.refresh_from_db()
    assert (going.state, going.split, going.looked_at) == (RematchState.DONE, 1, 3)


def test_a_paused_re_match_is_reverted_too_and_only_the_latest_one(run: Run) -> None:
    pair_linked(run)
    first = re_match(shipped(auto=0.98))
    second = re_match(shipped(auto=0.985))
    with pytest.raises(WrongState, match="took force"):
        rematch.revert(run_id=first.pk, by=person("Bert Boss"), reason="No")
    rematch.revert(run_id=second.pk, by=person("Bert Boss"), reason="No")
    rematch.advance(second.pk, 600)
    assert rules.effective(SUPPLIER).auto == 0.98
    with pytest.raises(WrongState, match="already"):
        rematch.revert(run_id=second.pk, by=person("Bert Boss"), reason="No")
    rematch.revert(run_id=first.pk, by=person("Bert Boss"), reason="No")
    rematch.advance(first.pk, 600)
    assert rules.effective(SUPPLIER).auto == 0.95


def test_a_revert_leaves_what_a_person_decided_since_and_says_so(run: Run) -> None:
    third, fourth = pair_asked(run)
    done = re_match(shipped(auto=0.9))
    other = golden(source("billing", "supplier", "B1", name="Waters"))
    mastering.merge(winner_id=gold(third), loser_ids=[other.pk], expected={}, cause=why("The same"))
    rematch.revert(run_id=done.pk, by=person("Bert Boss"), reason="No")
    rematch.advance(done.pk, 600)
    assert golden_of(third) == golden_of(fourth)
    left = RematchChange.objects.get(run=done, kind="join")
    assert "person decided" in left.left


def test_verified_links_survive_an_automatic_merge_and_its_revert(run: Run) -> None:
    third, fourth = pair_asked(run)
    mastering.merge(winner_id=gold(third), loser_ids=[gold(fourth)], expected={}, cause=why("Renamed"))
    later = source("crm", "supplier", "9", name="Waters Corporation Holding", duns="123456789")
    run("supplier")
    assert golden_of(later) != golden_of(third)
    hub = mastering.Cause(by=mastering.HUB, reason="test")
    [merge] = mastering.merge(winner_id=gold(later), loser_ids=[gold(third)], expected={}, cause=hub)
    assert held(third, fourth, later) == {frozenset((third.pk, fourth.pk))}
    mastering.unmerge(merge_ids=[merge], cause=hub)
    assert held(third, fourth, later) == {frozenset((third.pk, fourth.pk))}


def test_a_link_says_how_firm_it_is(run: Run) -> None:
    first, second = pair_linked(run)
    third, fourth = pair_asked(run)
    alone = source("erp", "supplier", "V9", name="Boston Scientific Corp")
    run("supplier")
    mastering.merge(winner_id=gold(third), loser_ids=[gold(fourth)], expected={}, cause=why("Renamed"))
    found = standings([one.pk for one in (first, second, third, fourth, alone)])
    assert [found[one.pk].value for one in (third, fourth, alone)] == ["verified", "verified", "system"]
    assert {found[first.pk].value, found[second.pk].value} == {"automatic"}


def test_a_run_counts_what_it_left_apart_because_a_person_said_so(run: Run) -> None:
    pair_asked(run)
    verdicts.reject(candidate_id=MatchCandidate.objects.get().pk, cause=why("Two companies"))
    source("crm", "supplier", "7", name="Waters Corporation", tax_id="133668640")
    assert run("supplier").respected == 1


def test_what_cannot_be_done_is_left_alone_and_named_and_the_rest_is_done(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pair_linked(run)
    third, _ = pair_asked(run)
    going = approve(shipped(auto=0.98))

    def refusing(batch: Batch) -> list[RematchChange]:
        if gold(third) in batch.seeds:
            raise Refused("Somebody holds it.")
        return carry_out(batch)

    monkeypatch.setattr(rematch, "carry_out", refusing)
    rematch.advance(going.pk, 600)
    going.refresh_from_db()
    assert going.left_alone == [{"record": str(gold(third)), "why": "Somebody holds it."}]
    assert (going.state, going.split, golden_of(first) != golden_of(second)) == (RematchState.DONE, 1, True)


def test_retired_records_and_those_known_by_name_only_are_left_alone(run: Run) -> None:
    third, fourth = pair_asked(run)
    mastering.retire(record_id=gold(fourth), expected=None, cause=why("Gone"))
    stub = source("erp", "supplier", "Named Only", name="Named Only")
    SourceRecord.objects.filter(pk=stub.pk).update(stub=True)
    run("supplier")
    done = re_match(shipped(auto=0.9))
    assert (done.joined, done.split, golden_of(third) != golden_of(fourth)) == (0, 0, True)


def gold(record: SourceRecord) -> UUID:
    """The golden record it is linked to."""
    found = golden_of(record)
    assert found is not None
    return found


def held(*records: SourceRecord) -> set[frozenset[int]]:
    """What people hold together of these."""
    return set(held_together([one.pk for one in records]))


PLACES = [UUID(int=number) for number in range(3)]
STEPS = st.builds(
    Held,
    record=st.sampled_from(PLACES),
    at=st.integers(0, 20).map(lambda day: MARCH + timedelta(days=day)),
    verified=st.booleans(),
    moved=st.booleans(),
)
HISTORIES = st.dictionaries(st.integers(1, 8), st.lists(STEPS, min_size=1, max_size=4), max_size=8)


@given(HISTORIES)
def test_what_people_hold_together_is_disjoint_and_was_in_one_place(histories: dict[int, list[Held]]) -> None:
    found = list(kernels(histories))
    for one in found:
        assert len(one) > 1
        assert any(
            {step.record for step in histories[next(iter(one))]} & {s.record for s in histories[pk]} for pk in one
        )
    assert sum(len(one) for one in found) == len({pk for one in found for pk in one})


@given(st.lists(st.sets(st.integers(0, 12), min_size=1, max_size=3), max_size=8))
def test_sets_that_share_a_member_become_one(sets: list[set[int]]) -> None:
    found = united(sets)
    assert sum(len(one) for one in found) == len({pk for one in sets for pk in one})
    assert all(any(set(given_set) <= one for one in found) for given_set in sets)
