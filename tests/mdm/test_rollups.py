"""Roll-up checks: each finds the edge it is for, and leaves the others alone."""

import pytest

from mdm.domains import BY_NAME
from mdm.hierarchies import find_tree
from mdm.hierarchies.edges import edges
from mdm.hierarchies.rollups import failing, rollups_of
from mdm.mastering import retire
from mdm.models import GoldenRecord
from tests.factories import golden, hospital, source, why
from tests.mdm.test_hierarchies import hierarchy, move, part_of, places

pytestmark = pytest.mark.django_db
FACILITY, CENTER = BY_NAME["facility"], BY_NAME["cost_center"]


def found(slug: str, domain: str = "facility") -> dict[str, list[str]]:
    """{check: titles that fail it}, clean ones left out."""
    here, asked = BY_NAME[domain], edges(find_tree(BY_NAME[domain].slug, slug))
    results = {r.check: failing(asked, here, r, limit=50) for r in rollups_of(here)}
    assert all(one.total == len(one.first) for one in results.values())
    return {check: [str(child) for child, _ in one.first] for check, one in results.items() if one.total}


def test_a_tree_in_order_fails_nothing() -> None:
    hospital("G", "Group", level="group", valid_from="2020-01-01")
    part_of("S", "Site", "G", level="hospital", valid_from="2021-01-01")
    part_of("W", "Ward", "S")
    assert found("parent") == {}


def test_dates_and_levels_are_compared_with_the_parent() -> None:
    hospital("G", "Group", level="hospital", valid_from="2020-01-01", valid_to="2025-12-31")
    part_of("A", "Sooner", "G", valid_from="2019-12-31", valid_to="2025-12-31")
    part_of("B", "Longer", "G", valid_from="2020-01-01")
    part_of("C", "Within", "G", level="department", valid_from="2020-01-01", valid_to="2025-12-31")
    part_of("D", "Higher", "G", level="group", valid_to="2024-12-31")
    assert found("parent") == {"dates_within_parent": ["Longer", "Sooner"], "levels_in_order": ["Higher"]}


def test_active_records_below_retired_ones_are_found() -> None:
    group = hospital("G", "Group")
    part_of("S", "Site", "G")
    retire(record_id=group.pk, expected=group.version, cause=why())
    assert found("parent") == {"parent_in_use": ["Site"]}


def test_a_record_that_was_merged_and_one_whose_parent_is_gone_are_found() -> None:
    here, (group, site) = hierarchy(), places("Group", "Site")
    move(here, (group, None), (site, group))
    here.placements.filter(record=group).delete()
    assert found("legal") == {"parent_stands": ["Site"]}


def center(code: str, facility: str, parent: str = "") -> GoldenRecord:
    values: dict[str, object] = {"facility": {"system": "erp", "domain": "facility", "key": facility}}
    if parent:
        values["parent"] = {"system": "erp", "domain": "cost_center", "key": parent}
    return golden(source("erp", "cost_center", code, code=code, name=f"Center {code}", **values))


def test_a_cost_center_stays_within_the_facility_of_its_parent() -> None:
    hospital("G", "Group")
    part_of("S", "Site", "G")
    hospital("X", "Elsewhere")
    center("100", "G")
    center("110", "S", "100")
    center("120", "X", "100")
    assert found("parent", "cost_center") == {"within_parents_place": ["Center 120"]}
