"""Pins: how long one attribute of an approved edit holds, and that everything is recomputed the same afterwards."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from mdm.errors import Refused
from mdm.mastering import contribute, differences, merge, preview_merge, refresh, split, unmerge, unpin
from mdm.models import GoldenRecord, Link, Pin, SourceRecord, SourceState
from tests.factories import check_walls
from tests.mdm.making import golden, reload, source, system, why

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair() -> tuple[GoldenRecord, SourceRecord, SourceRecord]:
    system("erp", supplier=1)
    system("ap", supplier=2)
    erp = source("erp", "supplier", "V1", name="Acme", phone="+15551234567")
    ap = source("ap", "supplier", "7", name="Acme Inc")
    return golden(erp, ap), erp, ap


def pin(record: GoldenRecord, watched: SourceRecord | None, **values: object) -> int:
    until = dict.fromkeys(values, watched.pk if watched else None)
    return contribute(record_id=record.pk, values=values, expected=None, cause=why("asked by phone"), until=until)


def says(row: SourceRecord, **values: object) -> None:
    """The source sends other values and the record is recomputed, as matching does it."""
    SourceRecord.objects.filter(pk=row.pk).update(values={**SourceRecord.objects.get(pk=row.pk).values, **values})
    home = Link.objects.get(source_record=row, ended_at=None).record_id
    refresh(record_ids=[home], cause=why())
    check_walls()
    assert list(differences()) == []


def name_of(record: GoldenRecord) -> str:
    return reload(record.pk).supplier.name


def test_a_pin_holds_until_the_source_it_watches_says_something_else(pair: tuple) -> None:
    record, erp, ap = pair
    edit = pin(record, erp, name="Acme Group")
    says(ap, name="Acme Incorporated")
    says(erp, phone="+15557654321")  # another attribute of the same source
    assert (name_of(record), list(differences())) == ("Acme Group", [])
    says(erp, name="Acme Holding")
    assert name_of(record) == "Acme Holding"
    ended = Pin.objects.get()
    assert (ended.ended_at is not None, ended.end_reason) == (True, "ERP V1 says something else")
    assert SourceRecord.objects.get(pk=edit).state == SourceState.RETIRED
    assert Link.objects.get(source_record=edit).ended_at is not None


def test_a_pin_that_is_over_stays_over_when_the_old_value_comes_back(pair: tuple) -> None:
    record, erp, _ = pair
    pin(record, erp, name="Acme Group")
    says(erp, name="Acme Holding")
    says(erp, name="Acme")
    assert name_of(record) == "Acme"


def test_the_attributes_of_one_edit_end_each_by_itself(pair: tuple) -> None:
    record, erp, _ = pair
    edit = pin(record, erp, name="Acme Group", phone="+17755550100")
    says(erp, name="Acme Holding")
    assert (name_of(record), reload(record.pk).supplier.phone) == ("Acme Holding", "+17755550100")
    assert SourceRecord.objects.get(pk=edit).state == SourceState.LINKED
    says(erp, phone="+17755550111")
    assert reload(record.pk).supplier.phone == "+17755550111"
    assert SourceRecord.objects.get(pk=edit).state == SourceState.RETIRED


def test_a_losing_value_is_pinned_until_its_own_source_changes(pair: tuple) -> None:
    record, erp, ap = pair
    pin(record, ap, name="Acme Inc")
    says(erp, name="Acme Holding")
    assert name_of(record) == "Acme Inc"
    says(ap, name="Acme Limited")
    assert name_of(record) == "Acme Holding"


def test_where_nobody_speaks_a_pin_holds_while_nobody_does(pair: tuple) -> None:
    record, erp, _ = pair
    pin(record, None, website="https://acme.example")
    assert reload(record.pk).supplier.website == "https://acme.example"
    says(erp, website="https://erp.example")
    assert reload(record.pk).supplier.website == "https://erp.example"
    says(erp, website="")
    assert reload(record.pk).supplier.website == "https://acme.example"


def test_a_pin_rests_while_its_source_is_elsewhere_and_holds_again_with_it(pair: tuple) -> None:
    record, erp, _ = pair
    pin(record, erp, name="Acme Group")
    (other,) = split(groups=[(erp.pk,)], cause=why())
    assert name_of(record) == "Acme Inc"
    assert list(differences()) == []
    merge(winner_id=record.pk, loser_ids=[other], expected={}, cause=why())
    check_walls()
    assert name_of(record) == "Acme Group"
    assert list(differences()) == []


def test_pins_go_with_a_merge_and_return_with_its_unmerge(pair: tuple) -> None:
    record, erp, _ = pair
    pin(record, erp, name="Acme Group")
    winner = golden(source("ap", "supplier", "8", name="Acme Europe"))
    shown = {line.name: line.after for line in preview_merge(winner_id=winner.pk, loser_ids=[record.pk]).values}
    assert shown["name"] == "Acme Group"
    (merged,) = merge(winner_id=winner.pk, loser_ids=[record.pk], expected={}, cause=why())
    assert (name_of(winner), list(differences())) == ("Acme Group", [])
    unmerge(merge_ids=[merged], cause=why())
    check_walls()
    assert (name_of(winner), name_of(record), list(differences())) == ("Acme Europe", "Acme Group", [])


def test_one_attribute_is_unpinned_and_the_others_stay(pair: tuple) -> None:
    record, _, _ = pair
    contribute(
        record_id=record.pk, values={"name": "Acme Group", "duns": "123456789"}, expected=None, cause=why("by letter")
    )
    assert unpin(record_id=record.pk, attributes=["name"], cause=why("the letter was wrong")) == [record.pk]
    check_walls()
    assert (name_of(record), reload(record.pk).supplier.duns) == ("Acme", "123456789")
    assert unpin(record_id=record.pk, attributes=["name"], cause=why()) == []
    assert list(differences()) == []
    assert Pin.objects.get().end_reason == "the letter was wrong"


def test_what_has_changed_meanwhile_is_refused(pair: tuple) -> None:
    record, _, _ = pair
    stranger = source("erp", "supplier", "V9", name="Other")
    golden(stranger)
    with pytest.raises(Refused, match="no longer belongs"):
        pin(record, stranger, name="Acme Group")
    with pytest.raises(Refused, match="come to say"):
        pin(record, None, name="Acme Group")
    assert not SourceRecord.objects.filter(system__internal=True).exists()


@pytest.mark.parametrize(
    ("wrong", "wall"),
    [
        ({"watches": "erp"}, "pin_watches_a_source_only_until_it_changes"),
        ({"said": "Acme"}, "pin_watches_a_source_only_until_it_changes"),
        ({"watches": "edit", "until_source": True}, "pin_does_not_watch_its_own_edit"),
        ({"ended_at": timezone.now()}, "pin_says_who_ended_it_exactly_when_it_is_over"),
        ({"ended_by": "Stella"}, "pin_says_who_ended_it_exactly_when_it_is_over"),
    ],
)
def test_the_walls_refuse_a_pin_that_cannot_be(pair: tuple, wrong: dict, wall: str) -> None:
    record, erp, _ = pair
    edit = SourceRecord.objects.get(
        pk=contribute(record_id=record.pk, values={"name": "Acme Group"}, expected=None, cause=why())
    )
    known = {"erp": erp, "edit": edit}
    fields = {key: known.get(value, value) if key == "watches" else value for key, value in wrong.items()}
    with pytest.raises(IntegrityError, match=wall), transaction.atomic():
        Pin.objects.create(edit=edit, attribute="name", **fields)
    Pin.objects.create(edit=edit, attribute="name")
    with pytest.raises(IntegrityError, match="pin_is_set_once_per_edit_and_attribute"), transaction.atomic():
        Pin.objects.create(edit=edit, attribute="name")
