"""Items that are equivalent, not identical: one thing of another maker or in another pack, told by descriptions."""

import pytest

from matching import relations
from mdm.domains import BY_NAME
from tests.factories import golden, source

pytestmark = pytest.mark.django_db
ITEM = BY_NAME["item"]


def hints(one: dict[str, str], other: dict[str, str]) -> list[str]:
    first, second = golden(source("erp", "item", "1", **one)), golden(source("lab", "item", "2", **other))
    return [hint.kind for hint in relations.suggest(ITEM, first.pk, second.pk)]


def test_one_drug_of_two_makers_is_equivalent_by_its_description() -> None:
    found = hints(
        {"description": "TAMSULOSIN 0.4MG CAPS 100UD", "ndc": "00378660501"},
        {"description": "tamsulosin hcl 400 mcg capsule", "ndc": "00093721401"},
    )
    assert found == ["equivalent"]


def test_one_device_in_two_packs_is_equivalent() -> None:
    found = hints(
        {"description": "GLOVE EXAM NITRILE LG BX/100"}, {"description": "Exam glove, nitrile, large, 1000/CS"}
    )
    assert found == ["equivalent"]


DRUG = {"description": "tamsulosin 0.4 mg capsule", "ndc": "00378660501"}


@pytest.mark.parametrize("other", [{"description": "tamsulosin 0.8 mg capsule", "ndc": "00093721401"}, DRUG])
def test_another_strength_is_no_equivalent_and_one_drug_code_is_one_item(other: dict[str, str]) -> None:
    assert hints(DRUG, other) == []


def test_a_record_alike_in_every_way_is_suggested_once() -> None:
    drug = {"description": "Metformin 500 mg tablet", "generic_name": "Metformin", "strength": "500 mg",
            "dosage_form": "tablet"}  # fmt: skip
    one = golden(source("erp", "item", "1", ndc="00378660501", **drug))
    other = golden(source("lab", "item", "2", ndc="00093721401", **drug))
    assert [found.pk for _, found in relations.likely(ITEM, one)] == [other.pk]
