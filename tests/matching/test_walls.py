"""PostgreSQL refuses what must not be; two workers take turns."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from matching.models import CandidateMember, KnownNonMatch, MatchCandidate, MatchPair
from matching.run import Outcome, match
from matching.tasks import match as match_task
from matching.tasks import sweep
from mdm import mastering
from mdm.cause import HUB, Cause
from mdm.domains import BY_NAME
from mdm.models import GoldenRecord, Link, SourceRecord
from mdm.models.log import ChangeEvent
from tests.mdm.making import golden, source, why

NOW = timezone.now()


def candidate(**columns: Any) -> MatchCandidate:
    return MatchCandidate.objects.create(domain="supplier", created_at=NOW, **({"score": 0.8} | columns))


def refused(wall: str, **columns: Any) -> None:
    with pytest.raises(IntegrityError, match=wall), transaction.atomic():
        candidate(**columns)


@pytest.mark.django_db
def test_candidates_that_must_not_exist() -> None:
    refused("match_candidate_state_is_known", state="lost", decided_at=NOW)
    refused("match_candidate_kind_is_known", kind="odd")
    refused("match_candidate_score_is_a_probability", score=1.2)
    refused("match_candidate_is_snoozed_exactly_when_skipped", state="skipped")
    refused("match_candidate_is_snoozed_exactly_when_skipped", snoozed_until=NOW)
    refused("match_candidate_claim_names_person_and_end", claimed_by="Stella")
    refused("match_candidate_claim_names_person_and_end", claimed_until=NOW)
    refused("match_candidate_decision_has_a_time", state="merged")
    candidate(state="skipped", snoozed_until=NOW + timedelta(1))


@pytest.mark.django_db
def test_members_pairs_and_verdicts_that_must_not_exist() -> None:
    a, b = source("erp", "supplier", "1", name="A"), source("erp", "supplier", "2", name="B")
    record, question = golden(a, b), candidate()
    CandidateMember.objects.create(candidate=question, record=record)
    with pytest.raises(IntegrityError, match="candidate_member_is_named_once"), transaction.atomic():
        CandidateMember.objects.create(candidate=question, record=record)
    pair = {"candidate": question, "left_record": record, "right_record": record, "explanation": []}
    with pytest.raises(IntegrityError, match="match_pair_has_two_sources"), transaction.atomic():
        MatchPair.objects.create(**pair, left_source=a, right_source=a, score=0.5)
    with pytest.raises(IntegrityError, match="match_pair_score_is_a_probability"), transaction.atomic():
        MatchPair.objects.create(**pair, left_source=a, right_source=b, score=-1)
    MatchPair.objects.create(**pair, left_source=a, right_source=b, score=0.5)
    with pytest.raises(IntegrityError, match="match_pair_is_shown_once_per_candidate"), transaction.atomic():
        MatchPair.objects.create(**pair, left_source=a, right_source=b, score=0.5)
    with pytest.raises(IntegrityError, match="known_non_match_names_the_smaller_id_first"), transaction.atomic():
        KnownNonMatch.objects.create(first=b, second=a, by="Stella", at=NOW)
    KnownNonMatch.objects.create(first=a, second=b, by="Stella", at=NOW, withdrawn_at=NOW)
    KnownNonMatch.objects.create(first=a, second=b, by="Stella", at=NOW)
    with pytest.raises(IntegrityError, match="known_non_match_stands_once_per_pair"), transaction.atomic():
        KnownNonMatch.objects.create(first=a, second=b, by="Otto", at=NOW)


def in_a_worker(domain: str) -> Outcome:
    try:
        return match(BY_NAME[domain], Cause(by=HUB, reason="worker"))
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_decide_everything_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matching.run.BATCH", 7)
    for n in range(30):
        for code in ("erp", "ap"):
            source(code, "supplier", f"{code}{n}", name=f"Company{n} Therapeutics", tax_id=f"1336686{n:02}")
    with ThreadPoolExecutor(2) as workers:
        done = list(workers.map(in_a_worker, ["supplier", "supplier"]))
    assert sum(outcome.decided for outcome in done) == 60
    assert GoldenRecord.objects.count() == 30
    assert Link.objects.filter(ended_at__isnull=True).count() == 60
    assert ChangeEvent.objects.count() == 30
    assert not SourceRecord.objects.filter(state="waiting").exists()


@pytest.mark.django_db
def test_tasks_do_the_work_and_find_nothing_the_second_time() -> None:
    source("erp", "supplier", "V1", name="Waters Corp")
    assert match_task("supplier")["created"] == 1
    assert match_task("supplier")["decided"] == 0
    source("erp", "item", "1", description="Gauze")
    assert sweep() == {"domains": 1, "woken": 0, "superseded": 0, "fitting": 0}
    assert sweep() == {"domains": 0, "woken": 0, "superseded": 0, "fitting": 0}


@pytest.mark.django_db(transaction=True)
def test_a_merge_in_the_middle_of_a_batch_is_seen_by_the_next_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person merges the golden record a batch is about to link to, after it was read and before it is locked."""
    first = golden(source("erp", "supplier", "V1", name="Waters Corp", tax_id="133668640"))
    other = golden(source("erp", "supplier", "V2", name="Micromass", tax_id="208365999"))
    later = source("ap", "supplier", "1", name="Waters Corp", tax_id="133668640")
    link, calls = mastering.link, []

    def merge_first(**arguments: Any) -> Any:
        if arguments["links"] and not calls:
            calls.append("merged")
            with ThreadPoolExecutor(1) as person:
                person.submit(merge_elsewhere, other.pk, first.pk).result()
        return link(**arguments)

    monkeypatch.setattr("matching.run.mastering.link", merge_first)
    assert in_a_worker("supplier").linked == 1
    assert calls == ["merged"]
    assert Link.objects.get(source_record=later, ended_at__isnull=True).record_id == other.pk


def merge_elsewhere(winner: UUID, loser: UUID) -> None:
    try:
        mastering.merge(winner_id=winner, loser_ids=[loser], expected={winner: 1, loser: 1}, cause=why("same"))
    finally:
        connection.close()
