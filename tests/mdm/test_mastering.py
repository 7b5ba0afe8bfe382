"""The one writer of golden data: create, link, merge, unmerge, edit, with version and event every time."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from mdm.domains import BY_NAME
from mdm.errors import Invalid, Refused, Stale, WrongState
from mdm.mastering import (
    LinkTo,
    activate,
    contribute,
    differences,
    end_expired_edits,
    link,
    merge,
    preview_merge,
    refresh,
    reinstate,
    retire,
    unlink,
    unmerge,
    withdraw,
)
from mdm.models import ChangeEvent, LinkMethod, SourceRecord, SourceState
from tests.mdm.making import golden, reload, source, system, why

pytestmark = pytest.mark.django_db


def commit_checks() -> None:
    """Run the deferred walls now, as a commit would."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def two_suppliers() -> tuple:
    system("erp", supplier=1)
    system("ap", supplier=2)
    site = {"addresses": [{"role": "remit", "line1": "1 Main St", "city": "Reno", "postcode": "89501"}]}
    first = golden(source("erp", "supplier", "V1", name="Acme Inc", tax_id="841368850"))
    second = golden(source("ap", "supplier", "77", name="ACME INCORPORATED", phone="+15551234567", parts=site))
    return first, second


def versions(record) -> list:
    return list(BY_NAME[record.domain].model.history.model.objects.filter(record_id=record.pk).order_by("version"))


def test_a_new_record_has_one_version_and_one_event_that_agree() -> None:
    record = golden(source("erp", "supplier", "V1", name="Acme Inc"))
    commit_checks()
    (version,) = versions(record)
    (event,) = ChangeEvent.objects.filter(record=record)
    body = json.loads(event.body)
    assert (version.version, version.name, event.verb, event.version) == (1, "Acme Inc", "created", 1)
    assert body["digest"] == version.digest
    assert body["attributes"] == {"name": "Acme Inc"}
    assert record.code == "SUP-0000001"
    assert SourceRecord.objects.get().state == SourceState.LINKED


def test_linking_lets_the_better_trusted_source_win_and_fills_what_it_lacks() -> None:
    system("erp", supplier=1)
    system("ap", supplier=2)
    record = golden(source("ap", "supplier", "77", name="ACME", phone="+15551234567"))
    better = source("erp", "supplier", "V1", name="Acme Inc")
    link(links=[LinkTo(better.pk, record.pk, LinkMethod.AUTO, 0.99)], cause=why())
    commit_checks()
    supplier = reload(record.pk).supplier
    assert (supplier.name, supplier.phone) == ("Acme Inc", "+15551234567")
    assert supplier.provenance["name"]["source"] == "erp"
    assert supplier.provenance["phone"]["source"] == "ap"
    assert [v.version for v in versions(record)] == [1, 2]


def test_a_refresh_that_changes_nothing_writes_nothing() -> None:
    record = golden(source("erp", "supplier", "V1", name="Acme Inc"))
    assert refresh(record_ids=[record.pk], cause=why()) == []
    assert len(versions(record)) == 1


def test_a_changed_source_makes_a_version_with_before_and_after() -> None:
    sent = source("erp", "supplier", "V1", name="Acme Inc")
    record = golden(sent)
    SourceRecord.objects.filter(pk=sent.pk).update(values={"name": "Acme Corp"}, state="waiting", content_hash="x")
    assert refresh(record_ids=[record.pk], cause=why("nightly file")) == [record.pk]
    commit_checks()
    version = versions(record)[-1]
    assert version.changed == [
        {"attribute": "name", "before": "Acme Inc", "after": "Acme Corp", "source": "erp", "rule": "source order"}
    ]
    assert (version.history_change_reason, version.actor) == ("nightly file", "Stella Steward")


def test_merge_moves_sources_points_the_loser_on_and_unmerge_returns_everything() -> None:
    winner, loser = two_suppliers()
    before = versions(winner)[-1], versions(loser)[-1]
    (merge_id,) = merge(
        winner_id=winner.pk, loser_ids=[loser.pk], expected={winner.pk: 1, loser.pk: 1}, cause=why("same company")
    )
    commit_checks()
    winner, loser = reload(winner.pk), reload(loser.pk)
    assert (loser.state, loser.merged_into_id) == ("merged", winner.pk)
    assert winner.supplier.phone == "+15551234567"
    assert winner.supplieraddress_rows.get().city == "Reno"
    assert [e.verb for e in ChangeEvent.objects.filter(correlation_id=ChangeEvent.objects.last().correlation_id)] == [
        "merged",
        "changed",
    ]

    assert unmerge(merge_ids=[merge_id], cause=why("not the same after all")) == [loser.pk]
    commit_checks()
    after = versions(winner)[-1], versions(loser)[-1]
    for then, now in zip(before, after, strict=True):
        assert (then.name, then.phone, then.parts, then.sources, then.state) == (
            now.name, now.phone, now.parts, now.sources, now.state,
        )  # fmt: skip
    assert reload(loser.pk).merged_into_id is None
    assert list(differences()) == []
    with pytest.raises(WrongState):
        unmerge(merge_ids=[merge_id], cause=why())


def test_merge_refuses_what_somebody_changed_meanwhile() -> None:
    winner, loser = two_suppliers()
    contribute(record_id=loser.pk, values={"website": "acme.example"}, expected=1, cause=why())
    with pytest.raises(Stale) as stale:
        merge(winner_id=winner.pk, loser_ids=[loser.pk], expected={winner.pk: 1, loser.pk: 1}, cause=why())
    assert stale.value.records == ((loser.pk, 1, 2),)


def test_merge_of_different_domains_is_refused() -> None:
    supplier = golden(source("erp", "supplier", "V1", name="Acme"))
    item = golden(source("erp", "item", "1", description="Glove"))
    with pytest.raises(Refused):
        merge(winner_id=supplier.pk, loser_ids=[item.pk], expected={}, cause=why())


def test_references_follow_a_merge_and_return_on_unmerge() -> None:
    winner, loser = two_suppliers()
    item = golden(
        source("ap", "item", "9", description="Glove", manufacturer={"system": "ap", "domain": "supplier", "key": "77"})
    )
    assert item.item.manufacturer_id == loser.pk
    preview = preview_merge(winner_id=winner.pk, loser_ids=[loser.pk])
    assert preview.references == [("Items", "manufacturer", 1)]
    (merge_id,) = merge(winner_id=winner.pk, loser_ids=[loser.pk], expected={}, cause=why())
    assert reload(item.pk).item.manufacturer_id == winner.pk
    unmerge(merge_ids=[merge_id], cause=why())
    commit_checks()
    assert reload(item.pk).item.manufacturer_id == loser.pk


def test_a_reference_to_something_not_yet_known_resolves_when_it_arrives() -> None:
    center = golden(
        source("erp", "cost_center", "C1", code="100", facility={"system": "erp", "domain": "facility", "key": "F"})
    )
    assert center.costcenter.facility_id is None
    facility = golden(source("erp", "facility", "F", name="Mercy", city="Reno"))
    assert reload(center.pk).costcenter.facility_id == facility.pk
    assert [v.version for v in versions(center)] == [1, 2]


def test_chained_merges_unmerge_in_any_order() -> None:
    a, b = two_suppliers()
    c = golden(source("erp", "supplier", "V3", name="Acme Holding", lei="5493001KJTIIGC8Y1R12"))
    (first,) = merge(winner_id=b.pk, loser_ids=[c.pk], expected={}, cause=why())
    (second,) = merge(winner_id=a.pk, loser_ids=[b.pk], expected={}, cause=why())
    unmerge(merge_ids=[first], cause=why())
    assert (reload(c.pk).state, reload(c.pk).supplier.lei) == ("active", "5493001KJTIIGC8Y1R12")
    assert reload(a.pk).supplier.lei == ""
    unmerge(merge_ids=[second], cause=why())
    commit_checks()
    assert reload(b.pk).supplier.name == "ACME INCORPORATED"
    assert list(differences()) == []


def test_an_approved_edit_outranks_every_source_until_withdrawn() -> None:
    record = golden(source("erp", "supplier", "V1", name="Acme Inc", website="old.example"))
    edit = contribute(record_id=record.pk, values={"name": "Acme Group", "website": None}, expected=1, cause=why("fax"))
    supplier = reload(record.pk).supplier
    assert (supplier.name, supplier.website) == ("Acme Group", "")
    assert supplier.provenance["name"]["rule"] == "approved edit"
    withdraw(source_record_ids=[edit], cause=why())
    commit_checks()
    assert reload(record.pk).supplier.name == "Acme Inc"


def test_an_edit_names_every_value_that_does_not_fit() -> None:
    record = golden(source("erp", "facility", "F1", name="Mercy", city="Reno"))
    with pytest.raises(Invalid) as invalid:
        contribute(
            record_id=record.pk, values={"beds": "many", "valid_from": "tomorrow", "nose": "red"}, expected=1,
            cause=why(),
        )  # fmt: skip
    assert {name for name, _ in invalid.value.problems} == {"beds", "valid_from", "nose"}
    assert len(versions(record)) == 1


def test_states_go_where_they_may_and_nowhere_else() -> None:
    record = golden(source("erp", "supplier", "V1", name="Acme"), state="pending")
    activate(record_ids=[record.pk], cause=why())
    retire(record_id=record.pk, expected=2, cause=why())
    with pytest.raises(WrongState):
        retire(record_id=record.pk, expected=3, cause=why())
    reinstate(record_id=record.pk, expected=3, cause=why())
    commit_checks()
    assert [v.cause for v in versions(record)] == ["created", "activated", "retired", "reinstated"]


def test_unlinking_gives_the_source_record_a_golden_record_of_its_own() -> None:
    one, two = source("erp", "supplier", "V1", name="Acme"), source("ap", "supplier", "7", name="Other Ltd")
    record = golden(one, two)
    (own,) = unlink(source_record_ids=[two.pk], cause=why())
    commit_checks()
    assert reload(own).supplier.name == "Other Ltd"
    assert versions(record)[-1].sources == [{"system": "erp", "key": "V1"}]


def test_a_linked_source_record_is_not_linked_twice() -> None:
    sent = source("erp", "supplier", "V1", name="Acme")
    golden(sent)
    with pytest.raises(Refused):
        golden(sent)


def test_a_record_that_breaks_a_holding_rule_waits_and_is_let_go_when_mended() -> None:
    record = golden(source("erp", "facility", "Mercy Hospital", name="Mercy Hospital"))
    assert (record.state, len(record.held_by)) == ("pending", 1)
    more = source("legacy", "facility", "1", name="Mercy Hospital", city="Reno")
    link(links=[LinkTo(more.pk, record.pk, LinkMethod.AUTO)], cause=why())
    commit_checks()
    assert (reload(record.pk).state, reload(record.pk).held_by) == ("active", [])


def test_a_suspected_duplicate_that_is_also_held_stays_pending_when_cleared() -> None:
    record = golden(source("erp", "facility", "Mercy", name="Mercy"), state="pending")
    activate(record_ids=[record.pk], cause=why())
    assert (reload(record.pk).state, reload(record.pk).suspected) == ("pending", False)


def test_a_part_sent_as_a_row_of_its_own_becomes_a_row_of_its_parent() -> None:
    item = golden(source("contracts", "item", "L1", description="Tablet"))
    supplier = golden(source("contracts", "supplier", "Amgen", name="Amgen"))
    head = source(
        "contracts", "contract", "C1", number="C1",
        supplier={"system": "contracts", "domain": "supplier", "key": "Amgen"},
    )  # fmt: skip
    contract = golden(head)
    line = source(
        "contracts", "contract", "L1", number="L1", price="3.27",
        item={"system": "contracts", "domain": "item", "key": "L1"},
    )  # fmt: skip
    SourceRecord.objects.filter(pk=line.pk).update(part="lines", parent_key="C1")
    link(links=[LinkTo(line.pk, contract.pk, LinkMethod.PARENT)], cause=why())
    commit_checks()
    row = reload(contract.pk).contractline_rows.get()
    assert (row.number, str(row.price), row.item_id) == ("L1", "3.2700", item.pk)
    assert reload(contract.pk).contract.supplier_id == supplier.pk
    assert list(differences()) == []


def test_an_unmerge_takes_a_pending_winner_back_to_pending() -> None:
    suspect = golden(source("erp", "supplier", "V1", name="Acme"), state="pending")
    known = golden(source("ap", "supplier", "7", name="Acme Inc"))
    (merge_id,) = merge(winner_id=suspect.pk, loser_ids=[known.pk], expected={}, cause=why())
    assert reload(suspect.pk).state == "active"
    unmerge(merge_ids=[merge_id], cause=why())
    commit_checks()
    assert (reload(suspect.pk).state, reload(known.pk).state) == ("pending", "active")


def test_an_edit_ends_with_its_lifetime_and_the_sources_decide_again() -> None:
    record = golden(source("erp", "supplier", "V1", name="Acme Inc"))
    soon = timezone.now() + timedelta(days=1)
    contribute(record_id=record.pk, values={"name": "Acme Group"}, expected=1, cause=why(), valid_until=soon)
    assert end_expired_edits(cause=why()) == []
    SourceRecord.objects.filter(system__internal=True).update(valid_until=timezone.now())
    assert end_expired_edits(cause=why("lifetime over")) == [record.pk]
    commit_checks()
    assert reload(record.pk).supplier.name == "Acme Inc"
    assert end_expired_edits(cause=why()) == []
