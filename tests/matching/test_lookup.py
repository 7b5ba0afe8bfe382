"""What is compared with whom, and what is prepared."""

from dataclasses import replace

import pytest

from matching import lookup, preparing
from matching.models import MatchKey, Prepared
from matching.preparing import prepare
from mdm.domains import BY_NAME
from mdm.models import SourceRecord
from tests.matching.conftest import change
from tests.mdm.making import golden, source

pytestmark = pytest.mark.django_db

SUPPLIER = BY_NAME["supplier"]


def suppliers(*phones: str) -> list[SourceRecord]:
    return [
        source("erp", "supplier", f"V{number}", name=f"{'ABCDEFG'[number] * 5} Supply", phone=phone)
        for number, phone in enumerate(phones)
    ]


def capped(most: int) -> object:
    return replace(SUPPLIER, matching=replace(SUPPLIER.matching, block_cap=most))


def test_who_shares_a_key_is_a_pair_once_and_from_either_side() -> None:
    first, second, other = suppliers("+13125550100", "+13125550100", "+13125550199")
    prepare(SUPPLIER)
    pair = {(first.pk, second.pk)}
    assert lookup.pairs_of(SUPPLIER, [first.pk]) == pair
    assert lookup.pairs_of(SUPPLIER, [second.pk, first.pk]) == pair
    assert lookup.pairs_of(SUPPLIER, [other.pk]) == set()
    assert lookup.pairs_of(SUPPLIER, []) == set()


def test_a_key_held_by_too_many_compares_nobody() -> None:
    made = suppliers(*["+13125550100"] * 3)
    prepare(SUPPLIER)
    ids = [record.pk for record in made]
    assert len(lookup.pairs_of(capped(3), ids)) == 3  # type: ignore[arg-type]
    assert lookup.pairs_of(capped(2), ids) == set()  # type: ignore[arg-type]


def test_batches_of_preparing_reach_everyone_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "BATCH", 1)  # a piece is five batches
    made = suppliers(*[f"+1312555010{digit}" for digit in range(6)])
    assert prepare(SUPPLIER) == 6
    keys = MatchKey.objects.count()
    assert prepare(SUPPLIER) == 0
    change(made[0], phone="+13125550150")
    assert prepare(SUPPLIER) == 1
    assert Prepared.objects.get(pk=made[0].pk).features["phone"] == ["13125550150"]
    assert (Prepared.objects.count(), MatchKey.objects.count()) == (6, keys)


def test_loaded_records_know_their_golden_record_and_retired_ones_are_left_out() -> None:
    linked, waiting, retired = suppliers("+13125550100", "+13125550101", "+13125550102")
    record = golden(linked)
    prepare(SUPPLIER)
    SourceRecord.objects.filter(pk=retired.pk).update(state="retired")
    found = lookup.load([linked.pk, waiting.pk, retired.pk], probes=[waiting.pk])
    assert {pk: (one.golden, one.probe) for pk, one in found.items()} == {
        linked.pk: (record.pk, False),
        waiting.pk: (None, True),
    }
    assert found[linked.pk].features["phone"] == ("13125550100",)
    assert lookup.members_of({record.pk}) == {linked.pk}
    assert lookup.members_of(set()) == set()
