"""What a person chooses while merging: it survives with the merge, is previewed as it will be, and goes with it."""

import pytest
from django.db import connection

from mdm.domains import BY_NAME
from mdm.errors import Invalid
from mdm.mastering import Edit, differences, merge, preview_merge, unmerge, withdraw
from mdm.models import ChangeEvent, SourceRecord
from mdm.values import plain_row
from tests.factories import check_walls
from tests.mdm.making import golden, reload, source, system, why

pytestmark = pytest.mark.django_db
SUPPLIER = BY_NAME["supplier"]


@pytest.fixture(autouse=True)
def ranks() -> None:
    system("erp", supplier=1)
    system("ap", supplier=2)


def values_of(record_id):
    return plain_row(SUPPLIER.attributes, SUPPLIER.model.objects.get(pk=record_id))


def two(**changed):
    left = golden(source("erp", "supplier", "1", name="Acme", phone="+15550100", website="acme.example"))
    right = golden(source("ap", "supplier", "2", **({"name": "ACME Inc", "phone": "+15550199"} | changed)))
    return left, right


def join(left, right, edit):
    return merge(winner_id=left.pk, loser_ids=[right.pk], expected={}, cause=why("chosen"), edit=edit)


def test_a_value_taken_from_the_loser_and_one_typed_survive_in_one_version() -> None:
    left, right = two()
    edit = Edit(typed={"name": "Acme Incorporated"}, taken={"phone": right.pk})
    seen = {one.name: one.after for one in preview_merge(winner_id=left.pk, loser_ids=[right.pk], edit=edit).values}
    before = ChangeEvent.objects.filter(record=left).count()
    join(left, right, edit)
    held = values_of(left.pk)
    assert (held["name"], held["phone"], held["website"]) == ("Acme Incorporated", "+15550199", "acme.example")
    assert {name: held[name] for name in seen} == seen
    assert reload(left.pk).version == 2
    assert ChangeEvent.objects.filter(record=left).count() == before + 1
    assert SourceRecord.objects.get(key=edit.key).reason == "chosen"
    assert not list(differences())
    check_walls()


def test_an_empty_value_can_be_taken_too() -> None:
    left, right = two()
    join(left, right, Edit(taken={"website": right.pk}))
    assert "website" not in values_of(left.pk)


def test_what_survives_by_rule_anyway_pins_nothing() -> None:
    left, right = two()
    edit = Edit(typed={"name": "Acme"}, taken={"phone": left.pk})
    join(left, right, edit)
    assert not SourceRecord.objects.filter(key=edit.key).exists()


def test_the_choice_goes_with_the_merge() -> None:
    left, right = two()
    was = values_of(left.pk), values_of(right.pk)
    edit = Edit(taken={"name": right.pk, "phone": right.pk})
    merges = join(left, right, edit)
    unmerge(merge_ids=merges, cause=why())
    assert SourceRecord.objects.get(key=edit.key).state == "retired"
    assert (values_of(left.pk), values_of(right.pk)) == was
    assert not list(differences())


def test_the_choice_stays_until_the_last_of_its_merges_is_undone() -> None:
    left, right = two()
    third = golden(source("crm", "supplier", "3", name="Acme GmbH"))
    top = golden(source("crm", "supplier", "4", name="Top"))
    edit = Edit(taken={"name": third.pk})
    merges = merge(winner_id=left.pk, loser_ids=[right.pk, third.pk], expected={}, cause=why(), edit=edit)
    merge(winner_id=top.pk, loser_ids=[left.pk], expected={}, cause=why())
    unmerge(merge_ids=merges[:1], cause=why())
    assert values_of(top.pk)["name"] == "Acme GmbH"
    unmerge(merge_ids=merges[1:], cause=why())
    assert values_of(top.pk)["name"] == "Acme"
    assert not list(differences())


def test_rows_of_a_part_are_left_out_and_come_back() -> None:
    part = next(part for part in SUPPLIER.parts if part.name == "contacts")
    rows = [{name: f"{name}{number}" for name in part.key} for number in (1, 2)]
    left = golden(source("erp", "supplier", "1", name="Acme", parts={"contacts": [rows[0]]}))
    right = golden(source("ap", "supplier", "2", name="Acme", parts={"contacts": [rows[1]]}))
    every = preview_merge(winner_id=left.pk, loser_ids=[right.pk]).rows["contacts"]
    assert len(every) == 2
    edit = Edit(left_out={"contacts": [next(iter(every))]})
    seen = preview_merge(winner_id=left.pk, loser_ids=[right.pk], edit=edit)
    assert (len(seen.rows["contacts"]), [after for label, _, after in seen.parts if label == part.label]) == (2, [1])
    join(left, right, edit)
    assert part.model.objects.filter(record_id=left.pk).count() == 1
    assert not list(differences())
    withdraw(source_record_ids=[SourceRecord.objects.get(key=edit.key).pk], cause=why())
    assert part.model.objects.filter(record_id=left.pk).count() == 2


def test_a_source_cannot_leave_rows_out() -> None:
    rows = [{"name": "Ann", "email": "ann@acme.example", "left_out": True}]
    left = golden(source("erp", "supplier", "1", name="Acme", parts={"contacts": rows}))
    part = next(part for part in SUPPLIER.parts if part.name == "contacts")
    assert part.model.objects.filter(record_id=left.pk).count() == 1


def test_everything_that_does_not_fit_is_named_at_once_and_nothing_is_written() -> None:
    left, right = two()
    stranger = golden(source("erp", "supplier", "9", name="Stranger"))
    edit = Edit(typed={"name": "x" * 10_000, "nonsense": "1"}, taken={"phone": stranger.pk, "no_such": left.pk})
    with pytest.raises(Invalid) as refused:
        join(left, right, edit)
    assert {name for name, _ in refused.value.problems} == {"name", "nonsense", "phone", "no_such"}
    assert reload(right.pk).state == "active"
    with pytest.raises(Invalid):
        preview_merge(winner_id=left.pk, loser_ids=[right.pk], edit=edit)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM mdm_merge")
        assert cursor.fetchone() == (0,)
