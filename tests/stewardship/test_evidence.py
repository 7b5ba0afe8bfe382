"""The words of the evidence beside a question."""

import pytest

from mdm.domains import BY_NAME
from stewardship import evidence
from tests.factories import supplier


def compared(feature: str, left: str, right: str = "") -> dict[str, object]:
    return {"feature": feature, "label": feature, "left": left, "right": right or left, "weight": 2.0}


def noted(domain: str, one: dict[str, object], named: dict[str, str] | None = None) -> str:
    return str(evidence.lines(BY_NAME[domain], [one], named or {})[0]["note"])


@pytest.mark.django_db
def test_references_are_named_by_the_record_they_lead_to() -> None:
    holder = supplier("V1", "Acme Medical")
    one = compared("supplier", f"={holder.pk}", f"={holder.pk}")
    named = evidence.titles([[one, compared("supplier", "v1")]])
    assert noted("contract", one, named) == "Acme Medical"
    assert evidence.titles([[compared("supplier", "=nonsense")]]) == {}


def test_days_and_numbers_are_written_as_people_write_them() -> None:
    assert noted("contract", compared("starts", "20200701")) == "01 Jul 2020"
    assert noted("contract", compared("starts", "someday")) == "someday"
    assert noted("supplier", compared("phone", "19255551234", "19255551235")) == "+1 925-555-1234 / +1 925-555-1235"
    assert noted("item", compared("ndc", "00002445485")) == "00002-4454-85"


def test_comparisons_of_no_weight_are_left_out() -> None:
    lines = evidence.lines(BY_NAME["supplier"], [compared("tax", "841368850") | {"weight": 0}], {})
    assert [line["label"] for line in lines] == ["Before any evidence"]
