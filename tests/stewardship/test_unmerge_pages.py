"""Taking a record apart in the browser: the outlook before, what happens, and who may."""

import pytest
from django.test import Client

from matching.models import KnownNonMatch
from mdm.mastering import contribute, merge
from mdm.models import Merge, SourceRecord
from mdm.people import AUDITOR, VIEWER
from stewardship import requests
from tests.factories import check_walls, golden, linked, reload, source, supplier, system, why
from tests.stewardship.pages import client_of, text_of, traces
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db


@pytest.fixture
def stella() -> Client:
    return client_of(someone("Stella Steward"))


def world():
    """Bolt merged into Acme; one contract follows Bolt, another was set to Acme by a person."""
    system("erp", supplier=1)
    system("ap", supplier=2)
    acme = golden(source("erp", "supplier", "A", name="Acme"))
    bolt = golden(source("ap", "supplier", "B", name="Bolt", website="bolt.example"))
    pointing = {"system": "ap", "domain": "supplier", "key": "B"}
    follows = golden(source("erp", "contract", "K1", name="Follows", supplier=pointing))
    stays = golden(source("erp", "contract", "K2", name="Stays", supplier=pointing))
    merge(winner_id=acme.pk, loser_ids=[bolt.pk], expected={}, cause=why("one firm"))
    contribute(record_id=stays.pk, values={"supplier": str(acme.pk)}, expected=None, cause=why("they signed it"))
    contribute(record_id=acme.pk, values={"phone": "+17755550100"}, expected=None, cause=why("called them"))
    return acme, bolt, follows, stays


def page_of(record) -> str:
    return f"/records/suppliers/{record.code}/take-apart/"


def test_the_outlook_says_who_gets_what_and_writes_nothing(stella: Client) -> None:
    acme, bolt, follows, stays = world()
    requests.propose(
        record_id=acme.pk,
        values={"website": "new.example"},
        base_version=reload(acme.pk).version,
        reason="letterhead",
        user=someone("Sam"),
    )
    made, before = Merge.objects.get(), traces()
    page = stella.get(f"/records/merges/{made.pk}/unmerge/")
    told = page.context["foresight"]
    assert [(one.record.code, one.kind) for one in told.outcomes] == [(acme.code, "stays"), (bolt.code, "back")]
    assert [(one.title, one.after) for one in told.returning] == [(reload(follows.pk).title, "Bolt")]
    assert [(one.title, one.why) for one in told.staying] == [
        (reload(stays.pk).title, "Stella Steward set it: they signed it")
    ]
    assert told.edits[0][:2] == ("Phone", "Stella Steward")
    assert [code for _, code in told.moving] == [bolt.code]
    assert (bolt.code, "unmerged") in told.events
    assert "lives again under its old id" in text_of(page)
    check_walls()
    assert traces() == before
    assert Merge.objects.get().undone_at is None


def test_ticks_change_the_outlook_as_a_fragment(stella: Client) -> None:
    acme, _, *_ = world()
    mine = linked(acme)[0]
    nothing = stella.get(page_of(acme), headers={"HX-Request": "true"})
    assert "Nothing is ticked" in text_of(nothing)
    assert b"<html" not in nothing.content
    everything = [one.pk for one in SourceRecord.objects.filter(domain="supplier", system__internal=False)]
    answer = stella.get(page_of(acme), {"source": everything}, headers={"HX-Request": "true"})
    assert "would be left without any source record" in text_of(answer)
    answer = stella.get(page_of(acme), {"source": "x' OR 1", "merge": "nonsense"})
    assert answer.status_code == 200
    assert mine.pk in everything


def test_a_record_is_taken_apart_with_a_reason_and_stays_apart(stella: Client) -> None:
    acme, bolt, *_ = world()
    (leaving,) = SourceRecord.objects.filter(key="B")
    sent = {"source": leaving.pk, "version": reload(acme.pk).version, "reason": " "}
    assert stella.post(page_of(acme), sent).status_code == 422
    assert stella.post(page_of(acme), sent | {"reason": "two firms", "version": 1}).status_code == 412
    answer = stella.post(page_of(acme), sent | {"reason": "two firms"})
    assert answer["Location"] == f"/records/suppliers/{bolt.code}/"
    assert reload(bolt.pk).state == "active"
    assert KnownNonMatch.objects.filter(withdrawn_at=None).exists()
    assert stella.post(page_of(acme), sent | {"reason": "again"}).status_code in (409, 412)


def test_they_may_be_joined_again_where_the_steward_says_so(stella: Client) -> None:
    world()
    address = f"/records/merges/{Merge.objects.get().pk}/unmerge/"
    stella.post(address, {"reason": "too early", "may_join_again": "yes"})
    assert not KnownNonMatch.objects.exists()


def test_the_history_leads_to_the_unmerge(stella: Client) -> None:
    acme, bolt, *_ = world()
    address = f"/records/merges/{Merge.objects.get().pk}/unmerge/"
    for record in (acme, bolt):
        assert address in stella.get(f"/records/suppliers/{record.code}/history/").content.decode()
    stella.post(address, {"reason": "two firms"})
    assert address not in stella.get(f"/records/suppliers/{acme.code}/history/").content.decode()


@pytest.mark.parametrize("role", [VIEWER, AUDITOR])
def test_only_who_may_decide_takes_apart(role: str) -> None:
    record = supplier("V1", "Acme")
    client = client_of(someone("Vic", role))
    assert client.get(page_of(record)).status_code == 403
    assert client.post(page_of(record), {"source": linked(record)[0].pk, "reason": "x"}).status_code == 403
