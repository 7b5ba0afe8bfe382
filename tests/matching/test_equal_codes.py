"""Every two records that bear one drug code become one item, however each source writes it; nobody else does."""

from itertools import combinations

import pytest

from mdm.models import SourceRecord
from mdm.standardise import Style, standardise
from tests.factories import source
from tests.matching.conftest import Run, golden_of

pytestmark = pytest.mark.django_db

# Codes that differ in their labeler, their product or their package alone, as 5-4-2.
CODES = ("00093-0150-01", "00093-0150-05", "00093-0151-01", "10093-0150-01", "50242-0041-64", "63323-0386-20")
DESCRIPTIONS = ("warfarin 1 mg tablet", "WARFARIN 1 MG TABLET", "Coumadin 1mg Tab", "")


def layouts(code: str) -> dict[str, tuple[str, int]]:
    """How five sources write a code, and the length their feed says it was padded to."""
    labeler, product, package = code.split("-")
    plain = labeler + product + package
    ten_digits = code[1:] if code.startswith("0") else f"{labeler}-{product.removeprefix('0')}-{package}"
    return {
        "erp": (plain, 0),
        "billing": (plain.lstrip("0"), 11),
        "procurement": (ten_digits, 0),
        "ap": (f" {code} ", 0),
        "contracts": (f"{labeler}-{product}{package}", 0),
    }


def written(system: str, number: int, code: str) -> SourceRecord:
    raw, pad = layouts(code)[system]
    told = standardise("ndc", raw, Style(), pad=pad)
    # Descriptions go against the codes on purpose: the same for different codes, different for the same.
    text = DESCRIPTIONS[(number + len(system)) % len(DESCRIPTIONS)]
    return source(system, "item", f"{system}{number}", ndc=told, description=text)


@pytest.mark.parametrize("at_once", [True, False])
def test_every_two_records_of_one_drug_code_become_one_item(run: Run, at_once: bool) -> None:
    home: dict[int, str] = {}
    silent = set()
    for system in layouts(CODES[0]):
        # Twice in the same source: a price list has a line a contract.
        for number, code in enumerate(CODES * 2):
            home[written(system, number, code).pk] = code
        silent.add(source(system, "item", f"{system} says no code", description=DESCRIPTIONS[0]).pk)
        if not at_once:
            run("item")
    run("item")
    of = {pk: golden_of(SourceRecord.objects.get(pk=pk)) for pk in home | dict.fromkeys(silent)}
    for one, other in combinations(home, 2):
        assert (of[one] == of[other]) == (home[one] == home[other])
    assert not {of[pk] for pk in silent} & {of[pk] for pk in home}
