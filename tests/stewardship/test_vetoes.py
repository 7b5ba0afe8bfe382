"""Vetoes against a merge, and the dry run that finds them, and everything else, before anything is written."""

import pytest

from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import Invalid, Refused
from mdm.models import ChangeEvent, GoldenRecord, Merge
from mdm.vetoes import standing
from stewardship.models import Decision
from stewardship.workflow import merge_candidate
from tests.factories import golden, reload, source, supplier
from tests.stewardship.pages import client_of, text_of
from tests.stewardship.questions import question, someone, twins, versions_of

pytestmark = pytest.mark.django_db
SUPPLIER = BY_NAME["supplier"]


def decide(waiting, winner, loser, **more):
    return merge_candidate(
        candidate_id=waiting.pk,
        winner_id=winner.pk,
        record_ids=[winner.pk, loser.pk],
        shown=versions_of(winner, loser),
        user=someone("Stella Steward"),
        **more,
    )


def test_different_tax_ids_take_a_reason() -> None:
    one = supplier("1", "Acme", tax_id="841368850")
    other = supplier("2", "Acme", tax_id="911144442")
    waiting = question(one, other)
    with pytest.raises(Invalid) as refused:
        decide(waiting, one, other)
    assert "Their tax ids differ: 841368850, 911144442" in refused.value.problems[0][1]
    assert not Merge.objects.exists()


def test_a_reason_lifts_it() -> None:
    one = supplier("1", "Acme", tax_id="841368850")
    other = supplier("2", "Acme", tax_id="911144442")
    decide(question(one, other), one, other, reason="the second is a typing error, see their W-9")
    assert reload(other.pk).merged_into_id == one.pk


def test_a_parent_is_never_its_own_child_whatever_is_said() -> None:
    top = supplier("1", "Acme Holdings")
    middle = supplier("2", "Acme Group", parent={"system": "erp", "domain": "supplier", "key": "1"})
    low = supplier("3", "Acme", parent={"system": "erp", "domain": "supplier", "key": "2"})
    waiting = question(top, low)
    with pytest.raises(Refused, match=f"{top.code} is above {low.code}"):
        decide(waiting, top, low, reason="I want it so")
    assert standing(SUPPLIER, [middle.pk, low.pk])[0].forbids


def test_running_contracts_in_both_are_said_and_forbid_nothing() -> None:
    one, other = twins()
    for number, record in enumerate((one, other)):
        key = GoldenRecord.objects.get(pk=record.pk).links.get().source_record
        golden(
            source("erp", "contract", f"C{number}", number=f"C{number}", valid_to="2999-01-01",
                   supplier={"system": key.system.code, "domain": "supplier", "key": key.key})
        )  # fmt: skip
    (found,) = standing(SUPPLIER, [one.pk, other.pk])
    assert found.message == "Running contracts stand with more than one of them (2 of the records)"
    assert not found.forbids
    assert not found.needs_reason


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_every_declared_veto_reads_what_is_there(domain) -> None:
    records = [golden(source("erp", domain.name, str(number))) for number in range(2)]
    assert standing(domain, [record.pk for record in records]) == []


def test_a_dry_run_names_the_exact_events_and_writes_nothing() -> None:
    one, other = twins()
    waiting, client = question(one, other), client_of(someone("Stella"))
    before = ChangeEvent.objects.count()
    asked = {
        "chosen": "yes", "winner": str(one.pk), "records": [str(one.pk), str(other.pk)],
        "shown": [f"{record.pk}:{record.version}" for record in (one, other)],
    }  # fmt: skip
    text = text_of(client.post(f"/review/{waiting.pk}/dry-run/", asked))
    assert "It would go through: 2 events" in text
    assert f"{one.code} Acme Medical, version 2" in text
    assert (ChangeEvent.objects.count(), Merge.objects.count(), Decision.objects.count()) == (before, 0, 0)
    client.post(f"/review/{waiting.pk}/merge/", asked)
    assert ChangeEvent.objects.count() == before + 2


def test_a_dry_run_says_why_it_would_fail() -> None:
    one = supplier("1", "Acme", tax_id="841368850")
    other = supplier("2", "Acme", tax_id="911144442")
    waiting, client = question(one, other), client_of(someone("Stella"))
    asked = {
        "chosen": "yes", "winner": str(one.pk), "records": [str(one.pk), str(other.pk)],
        "shown": [f"{record.pk}:{record.version}" for record in (one, other)],
    }  # fmt: skip
    assert "Their tax ids differ" in text_of(client.post(f"/review/{waiting.pk}/dry-run/", asked))
