"""Unmerge in any order, by parts, with what came later, and the states it gives back."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from mdm.domains import BY_NAME
from mdm.errors import NotFound, Refused, Stale, WrongState
from mdm.mastering import activate, contribute, differences, follow_merges, link, merge, retire, take_out, unmerge
from mdm.mastering.links import LinkTo
from mdm.models import GoldenRecord, Link, LinkMethod, Merge, SourceRecord, SourceSystem, SourceTrust
from tests.factories import check_walls, golden, linked, reload, source, supplier, why

pytestmark = pytest.mark.django_db


def join(winner: GoldenRecord, *losers: GoldenRecord):
    return merge(winner_id=winner.pk, loser_ids=[loser.pk for loser in losers], expected={}, cause=why())


def undo(*merges):
    found = unmerge(merge_ids=merges, cause=why())
    check_walls()
    assert list(differences()) == []
    return found


def held(record: GoldenRecord) -> list[str]:
    return [one.key for one in linked(record)]


def three():
    return supplier("A", "Acme"), supplier("B", "Bolt"), supplier("C", "Corsa")


def test_a_record_merged_again_by_another_road_stays_where_that_road_led() -> None:
    one, two, three_ = three()
    (first,) = join(two, three_)
    (second,) = join(one, two)
    undo(first)
    (third,) = join(one, three_)
    undo(second)
    assert (held(one), held(two)) == (["A", "C"], ["B"])
    undo(third)
    assert (held(one), held(two), held(three_)) == (["A"], ["B"], ["C"])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_chained_merges_come_apart_in_any_order_and_at_once(order: tuple[int, int]) -> None:
    one, two, three_ = three()
    made = [*join(two, three_), *join(one, two)]
    undo(made[order[0]])
    undo(made[order[1]])
    assert [reload(r.pk).state for r in (one, two, three_)] == ["active"] * 3
    assert (held(one), held(two), held(three_)) == (["A"], ["B"], ["C"])
    again = [*join(two, three_), *join(one, two)]
    undo(*again)
    assert (held(one), held(two), held(three_)) == (["A"], ["B"], ["C"])


def test_an_undone_merge_below_another_takes_back_what_it_did_to_the_states_above() -> None:
    top, middle, low = (
        supplier("A", "Acme", state="retired"),
        supplier("B", "Bolt", state="retired"),
        supplier("C", "Corsa"),
    )
    for record in (top, middle):
        GoldenRecord.objects.filter(pk=record.pk).exclude(state="retired").update(state="retired")
    (first,) = join(middle, low)
    (second,) = join(top, middle)
    assert reload(top.pk).state == "active"
    undo(first)
    assert [reload(r.pk).state for r in (top, low)] == ["retired", "active"]
    undo(second)
    assert [reload(r.pk).state for r in (top, middle)] == ["retired", "retired"]


def test_a_state_a_person_gave_since_stays() -> None:
    pending, active, _ = supplier("A", "Acme", state="pending"), supplier("B", "Bolt"), None
    (made,) = join(pending, active)
    retire(record_id=pending.pk, expected=None, cause=why())
    undo(made)
    assert reload(pending.pk).state == "retired"


def test_the_state_of_the_first_winner_is_kept_while_other_merges_stand() -> None:
    pending = supplier("A", "Acme", state="pending")
    (first,) = join(pending, supplier("B", "Bolt"))
    (second,) = join(pending, supplier("C", "Corsa"))
    undo(first)
    assert reload(pending.pk).state == "active"
    undo(second)
    assert reload(pending.pk).state == "pending"
    activate(record_ids=[pending.pk], cause=why())
    assert reload(pending.pk).state == "active"


def test_what_waited_for_a_value_waits_for_it_again() -> None:
    waiting = golden(source("erp", "facility", "A", name="Acme Hospital"))
    gone = golden(source("erp", "facility", "B", name="Bolt Hospital", city="Reno"))
    retire(record_id=gone.pk, expected=None, cause=why())
    assert waiting.state == "pending"
    (made,) = join(waiting, gone)
    assert reload(waiting.pk).state == "active"
    undo(made)
    assert [reload(r.pk).state for r in (waiting, gone)] == ["pending", "retired"]


def test_a_retired_record_that_lent_what_another_waited_for_is_retired_again() -> None:
    gone = golden(source("erp", "facility", "A", name="Acme Hospital", city="Reno"))
    retire(record_id=gone.pk, expected=None, cause=why())
    waiting = golden(source("erp", "facility", "B", name="Bolt Hospital"))
    third = golden(source("erp", "facility", "C", name="Corsa Hospital"))
    (first,) = join(gone, waiting)
    (second,) = join(gone, third)
    assert reload(gone.pk).state == "active"
    undo(first)
    undo(second)
    assert [reload(r.pk).state for r in (gone, waiting, third)] == ["retired", "pending", "pending"]


def test_a_name_that_only_the_other_had_goes_with_it() -> None:
    nameless = golden(source("erp", "item", "A", ndc="00002821501"))
    (made,) = join(nameless, golden(source("erp", "item", "B", description="Gauze")))
    assert reload(nameless.pk).title == "Gauze"
    undo(made)
    back = reload(nameless.pk)
    assert (back.title, "GAUZE" in back.search_text) == (back.code, False)


def test_what_came_later_stays_unless_it_is_sent_along() -> None:
    one, two, _ = three()
    (made,) = join(one, two)
    late, later = source("erp", "supplier", "L1", name="Bolt"), source("erp", "supplier", "L2", name="Bolt")
    link(links=[LinkTo(pk, one.pk, LinkMethod.AUTO) for pk in (late.pk, later.pk)], cause=why())
    with pytest.raises(Refused):
        unmerge(merge_ids=[made], along={late.pk: one.pk}, cause=why())
    unmerge(merge_ids=[made], along={late.pk: two.pk}, cause=why())
    check_walls()
    assert (held(one), held(two)) == (["A", "L2"], ["B", "L1"])


def test_a_stale_page_undoes_nothing() -> None:
    one, two, _ = three()
    (made,) = join(one, two)
    contribute(record_id=one.pk, values={"website": "a.example"}, expected=None, cause=why())
    with pytest.raises(Stale):
        unmerge(merge_ids=[made], expected={one.pk: 2}, cause=why())
    assert reload(two.pk).state == "merged"


def test_members_leave_under_the_id_they_came_with() -> None:
    one = golden(source("erp", "supplier", "A", name="Acme"), source("erp", "supplier", "A2", name="Acme"))
    two = golden(source("erp", "supplier", "B", name="Bolt"), source("erp", "supplier", "B2", name="Bolt"))
    join(one, two)
    keys = {s.key: s.pk for s in SourceRecord.objects.all()}
    leaving, (back, fresh) = take_out(source_record_ids=[keys["B"], keys["B2"], keys["A2"]], cause=why())
    check_walls()
    assert back == two.pk
    assert leaving.rest == (keys["A2"],)
    assert held(reload(fresh)) == ["A2"]
    assert Merge.objects.get().undone_at is not None


def test_a_member_that_leaves_others_of_its_merge_behind_becomes_a_new_record_until_all_have_left() -> None:
    one = supplier("A", "Acme")
    two = golden(source("erp", "supplier", "B", name="Bolt"), source("erp", "supplier", "B2", name="Bolt"))
    join(one, two)
    keys = {s.key: s.pk for s in SourceRecord.objects.all()}
    _, (fresh,) = take_out(source_record_ids=[keys["B2"]], cause=why())
    assert fresh != two.pk
    assert follow_merges([two.pk]) == {two.pk: one.pk}
    _, (back,) = take_out(source_record_ids=[keys["B"]], cause=why())
    assert back == two.pk
    check_walls()


def test_what_came_later_goes_along_with_the_record_that_returns() -> None:
    one, two, _ = three()
    join(one, two)
    late = source("erp", "supplier", "L1", name="Bolt")
    link(links=[LinkTo(late.pk, one.pk, LinkMethod.AUTO)], cause=why())
    mine = SourceRecord.objects.get(key="B")
    with pytest.raises(Refused):
        take_out(source_record_ids=[late.pk], rest="along", cause=why())
    take_out(source_record_ids=[late.pk, mine.pk], rest="along", cause=why())
    check_walls()
    assert (held(one), held(two)) == (["A"], ["B", "L1"])


def test_several_members_leave_as_one_record_where_asked() -> None:
    one = golden(*(source("erp", "supplier", key, name="Acme") for key in "ABC"))
    keys = {s.key: s.pk for s in SourceRecord.objects.all()}
    _, (fresh,) = take_out(source_record_ids=[keys["B"], keys["C"]], rest="together", cause=why())
    assert held(reload(fresh)) == ["B", "C"]
    with pytest.raises(Refused):
        take_out(source_record_ids=[keys["A"], keys["B"]], cause=why())
    with pytest.raises(Refused):
        take_out(source_record_ids=[keys["A"]], cause=why())
    with pytest.raises(NotFound):
        take_out(source_record_ids=[], cause=why())
    assert held(reload(one.pk)) == ["A"]


def test_an_undone_merge_is_not_undone_again() -> None:
    one, two, _ = three()
    (made,) = join(one, two)
    undo(made)
    with pytest.raises(WrongState):
        undo(made)


def test_links_of_before_learn_their_innermost_merge() -> None:
    one, two, three_ = three()
    (first,) = join(two, three_)
    (second,) = join(one, two)
    Link.objects.filter(ended_at=None, merge__isnull=False).update(merge=second)
    module = import_module("mdm.migrations.0017_innermost_merges")
    with connection.schema_editor() as editor:
        module.deepen(apps, editor)
    by = dict(Link.objects.filter(ended_at=None).values_list("source_record__key", "merge"))
    assert by == {"A": None, "B": second, "C": first}


@pytest.mark.parametrize("domain", ["contract", "cost_center", "facility"])
def test_of_dates_that_contradict_each_other_the_better_trusted_one_survives(domain: str) -> None:
    """Each source is in order by itself; together the record would end before it starts, which no table holds."""
    named = {"number": "C-1", "code": "100", "name": "Ward"}
    known = {attribute.name for attribute in BY_NAME[domain].attributes}
    own = {name: value for name, value in named.items() if name in known}
    starts = golden(source("erp", domain, "1", **own, valid_from="2027-01-01"))
    ends = golden(source("ap", domain, "2", **own, valid_to="2026-01-01"))
    SourceTrust.objects.create(system=SourceSystem.objects.get(code="erp"), domain=domain, rank=1)
    join(starts, ends)
    assert period(starts) == ("2027-01-01", "None")
    assert list(differences()) == []
    undo(Merge.objects.get().pk)
    assert (period(starts), period(ends)) == (("2027-01-01", "None"), ("None", "2026-01-01"))


def period(record: GoldenRecord) -> tuple[str, str]:
    row = BY_NAME[record.domain].model.objects.get(record=record)
    return str(row.valid_from), str(row.valid_to)
