"""Related, not the same: what the evidence suggests, what people said, and that nobody is asked again."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from matching import relations
from matching.models import KnownNonMatch, MatchCandidate, Relation, RelationKind
from mdm.domains import BY_NAME
from mdm.errors import NotFound, Refused
from mdm.mastering import merge, unmerge
from mdm.models import GoldenRecord
from tests.factories import golden, hospital, source, supplier, why
from tests.matching.conftest import Run, golden_of

pytestmark = pytest.mark.django_db


def hints(left: GoldenRecord, right: GoldenRecord) -> list[tuple[str, object]]:
    return [(one.kind, one.first) for one in relations.suggest(BY_NAME[left.domain], left.pk, right.pk)]


def test_a_shared_tax_id_under_another_name_suggests_a_parent_without_saying_which() -> None:
    group = supplier("1", "Northwind Holdings Inc", tax_id="841368850")
    house = supplier("2", "Bayside Surgical LLC", tax_id="84-1368850", system_code="lab")
    assert hints(group, house) == [("parent", None)]


def test_the_same_name_under_one_tax_id_is_a_duplicate_and_no_relation() -> None:
    one = supplier("1", "Northwind Holdings Inc", tax_id="841368850")
    other = supplier("2", "Northwind Holdings", tax_id="841368850", system_code="lab")
    assert hints(one, other) == []


@pytest.mark.parametrize("turned", [False, True])
def test_a_former_name_says_who_succeeded_whom(turned: bool) -> None:
    old = supplier("1", "Kellerman Instruments Inc")
    new = golden(source("lab", "supplier", "2", name="Vantage Devices Corp f/k/a Kellerman Instruments"))
    assert hints(*((new, old) if turned else (old, new))) == [("successor", old.pk)]


def test_a_former_name_in_a_row_of_its_own_counts_too() -> None:
    old = supplier("1", "Kellerman Instruments Inc")
    row = source("lab", "supplier", "2", name="Vantage Devices Corp")
    row.parts = {"names": [{"kind": "former", "name": "Kellerman Instruments"}]}
    row.save()
    assert hints(old, golden(row)) == [("successor", old.pk)]


def test_the_same_drug_of_another_maker_is_equivalent() -> None:
    drug = {"generic_name": "Metformin", "strength": "500 mg", "dosage_form": "tablet"}
    one = golden(source("erp", "item", "1", description="Metformin 500 tab", ndc="00378660501", **drug))
    other = golden(source("lab", "item", "2", description="METFORMIN TAB 500MG", ndc="00093721401", **drug))
    third = golden(source("lab", "item", "3", description="Metformin", ndc="00093721409", generic_name="Metformin"))
    assert hints(one, other) == [("equivalent", None)]
    assert hints(one, third) == []


def test_equivalents_that_were_never_compared_are_found_by_their_values() -> None:
    drug = {"generic_name": "Metformin", "strength": "500 mg", "dosage_form": "tablet"}
    one = golden(source("erp", "item", "1", description="Metformin 500 tab", ndc="00378660501", **drug))
    other = golden(source("lab", "item", "2", description="GLUCOPHAGE", ndc="00093721401", **drug))
    golden(source("lab", "item", "3", description="Metformin 850", **(drug | {"strength": "850 mg"})))
    golden(source("lab", "item", "4", description="Metformin", generic_name="Metformin"))
    item = BY_NAME["item"]
    assert [(hint.kind, found.pk) for hint, found in relations.likely(item, one)] == [("equivalent", other.pk)]
    relations.relate(kind=RelationKind.EQUIVALENT, first=one.pk, second=other.pk, cause=why())
    assert relations.likely(item, one) == []


def test_a_unit_at_the_door_of_a_hospital_belongs_to_it() -> None:
    house = hospital("1", "Mercy Hospital", street="100 Main Street")
    unit = hospital("2", "Mercy Hospital Pharmacy", street="100 Main St")
    assert hints(unit, house) == [("parent", house.pk)]


def test_a_relation_bars_the_two_from_being_asked_about_again(run: Run) -> None:
    first = source("erp", "supplier", "1", name="Northwind Holdings", tax_id="841368850", phone="+18054471000")
    second = source("lab", "supplier", "2", name="Northwind Holdings", tax_id="911646860", phone="+18054471000")
    for row in (first, second):
        row.state = "waiting"
        row.save()
    run("supplier")
    (question,) = MatchCandidate.objects.all()
    parent, child = golden_of(first), golden_of(second)
    assert parent is not None
    assert child is not None
    assert parent != child
    question.delete()
    relations.relate(kind=RelationKind.PARENT, first=parent, second=child, cause=why())
    second.values |= {"website": "https://new.example"}
    second.content_hash, second.state = "changed", "waiting"
    second.save()
    run("supplier")
    assert not MatchCandidate.objects.exists()
    assert golden_of(second) == child


def test_it_is_shown_on_both_records_each_in_its_own_words() -> None:
    parent, child = supplier("1", "Northwind"), supplier("2", "Bayside")
    relations.relate(kind=RelationKind.PARENT, first=parent.pk, second=child.pk, cause=why())
    assert [(one.words, one.other.pk) for one in relations.related(parent.pk)] == [("Parent of", child.pk)]
    assert [(one.words, one.other.pk) for one in relations.related(child.pk)] == [("Belongs to", parent.pk)]


def test_it_follows_merges_and_comes_back_with_an_unmerge() -> None:
    parent, child, twin = supplier("1", "Northwind"), supplier("2", "Bayside"), supplier("3", "Bayside Inc")
    relations.relate(kind=RelationKind.PARENT, first=parent.pk, second=child.pk, cause=why())
    merged = merge(winner_id=twin.pk, loser_ids=[child.pk], expected={}, cause=why())
    assert [one.other.pk for one in relations.related(parent.pk)] == [twin.pk]
    assert [one.other.pk for one in relations.related(twin.pk)] == [parent.pk]
    unmerge(merge_ids=merged, cause=why())
    assert [one.other.pk for one in relations.related(parent.pk)] == [child.pk]
    assert relations.related(twin.pk) == []


def test_said_again_it_changes_nothing_and_another_word_replaces_it() -> None:
    one, other = supplier("1", "Northwind"), supplier("2", "Bayside")
    made, ruled = relations.relate(kind=RelationKind.EQUIVALENT, first=one.pk, second=other.pk, cause=why())
    assert len(ruled) == 1
    assert relations.relate(kind=RelationKind.EQUIVALENT, first=other.pk, second=one.pk, cause=why()) == (made, ())
    relations.relate(kind=RelationKind.SUCCESSOR, first=other.pk, second=one.pk, cause=why())
    assert [(r.kind, r.withdrawn_at is None) for r in Relation.objects.order_by("pk")] == [
        ("equivalent", False),
        ("successor", True),
    ]


def test_withdrawn_it_is_kept_and_not_shown() -> None:
    one, other = supplier("1", "Northwind"), supplier("2", "Bayside")
    made, _ = relations.relate(kind=RelationKind.OTHER, first=one.pk, second=other.pk, cause=why())
    relations.withdraw(relation_id=made, by="Stella")
    relations.withdraw(relation_id=made, by="Somebody else")
    assert relations.related(one.pk) == []
    assert Relation.objects.get().withdrawn_by == "Stella"
    assert KnownNonMatch.objects.filter(withdrawn_at__isnull=True).count() == 1
    with pytest.raises(NotFound):
        relations.withdraw(relation_id=0, by="Stella")


def test_one_record_or_two_domains_are_refused() -> None:
    one, house = supplier("1", "Northwind"), hospital("2", "Mercy")
    for other in (one, house):
        with pytest.raises(Refused):
            relations.relate(kind=RelationKind.OTHER, first=one.pk, second=other.pk, cause=why())
    assert not Relation.objects.exists()


def test_the_database_holds_the_walls() -> None:
    one, other = supplier("1", "Northwind"), supplier("2", "Bayside")
    now = timezone.now()
    told = {"kind": "other", "first": one, "second": other, "by": "Stella", "at": now}
    Relation.objects.create(**told)
    for wrong in (
        told,
        told | {"first": other, "second": one},
        told | {"first": one, "second": one},
        told | {"kind": "cousin", "withdrawn_at": now, "withdrawn_by": "Stella"},
        told | {"withdrawn_by": "Stella"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Relation.objects.create(**wrong)
