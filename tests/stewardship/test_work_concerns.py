"""Whom and what work concerns: facilities, legal entities, sources, and how much each would leave of the queue."""

from dataclasses import replace

import pytest

from mdm.models import SourceSystem
from stewardship.asked import Filters
from stewardship.queue import following, waiting
from stewardship.work.facets import by_place, by_source, facets
from tests.factories import hospital
from tests.stewardship.pages import client_of, text_of
from tests.stewardship.questions import question, someone
from tests.stewardship.test_work import bad_row, rows

pytestmark = pytest.mark.django_db


def test_a_facility_is_concerned_by_what_lies_in_it_and_refers_to_it() -> None:
    stella = someone("Stella")
    group = hospital("G", "Group", level="group")
    house = hospital("H", "House", parent={"system": "erp", "domain": "facility", "key": "G"})
    elsewhere = hospital("E", "Elsewhere")
    inside, outside = question(house, kind="conflict"), question(elsewhere, kind="conflict")
    for filters in (Filters(legal=group.code), Filters(facility=house.code)):
        assert rows(filters, stella) == [("conflicts", str(inside.pk))]
        assert facets(filters, stella, {}).total == 1
    assert rows(Filters(legal=group.code, facility=elsewhere.code), stella) == []
    assert rows(Filters(facility="NONE'; DROP"), stella) == []
    asked = Filters(kind="conflicts", facility=house.code)
    assert [one.pk for one in waiting(asked, stella)] == [inside.pk]
    assert following(inside, asked, stella) is None
    assert following(inside, Filters(kind="conflicts"), stella) == outside.pk


def test_what_work_concerns_is_counted_as_its_filters_would_leave_it() -> None:
    stella = someone("Stella")
    group = hospital("G", "Group", level="group")
    house = hospital("H", "House", parent={"system": "erp", "domain": "facility", "key": "G"})
    elsewhere = hospital("E", "Elsewhere")
    question(house, kind="conflict"), question(elsewhere, kind="conflict"), question(house, elsewhere)
    bad_row()
    for filters in (Filters(), Filters(kind="conflicts"), Filters(legal=group.code), Filters(facility=elsewhere.code)):
        for part in ("legal", "facility"):
            codes = (group.code, house.code, elsewhere.code)
            left = {code: len(rows(replace(filters, **{part: code}), stella)) for code in codes}
            assert by_place(filters, stella, part) == {code: number for code, number in left.items() if number}
        systems = SourceSystem.objects.values_list("code", flat=True)
        left = {code: len(rows(replace(filters, source=code), stella)) for code in systems}
        assert by_source(filters, stella) == {code: number for code, number in left.items() if number}
    shown = text_of(client_of(stella).get("/queue-counts/?kind=conflicts"))
    assert "Group (1)" in shown
    assert "Elsewhere (1)" in shown
