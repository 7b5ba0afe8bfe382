"""Many records searched at once answer as each would alone, by keys; a fixed number of queries."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from matching.searching import search
from matching.searching_many import search_many
from mdm.domains import BY_NAME
from mdm.models import ChangeEvent
from tests.matching.conftest import Run
from tests.mdm.making import source

pytestmark = pytest.mark.django_db

SUPPLIER = BY_NAME["supplier"]


@pytest.fixture
def hub(run: Run) -> None:
    source("erp", "supplier", "V1", name="Waters Corporation", tax_id="133668640", phone="+15084782000")
    source("erp", "supplier", "V2", name="Medtronic Inc", phone="+16195550100")
    source("ap", "supplier", "W9", name="Zimmer Biomet Holdings", tax_id="261111111")
    run("supplier")


ROWS: list[dict[str, Any]] = [
    {"name": "Waters Corporation", "tax_id": "133668640"},
    {"name": "Medtronic Inc", "phone": "+16195550100"},
    {"name": "Quixotic Ventures"},
    {"name": "Zimmer Biomet Holdings", "tax_id": "261111111"},
]


def test_each_answer_is_that_of_a_search_alone(hub: None) -> None:
    many = search_many(SUPPLIER, [(row, {}) for row in ROWS])
    for row, found in zip(ROWS, many, strict=True):
        alone = search(SUPPLIER, row, {})
        assert found.band == alone.band
        assert [(one.record, one.band, one.score.bits) for one in found.found] == [
            (one.record, one.band, one.score.bits) for one in alone.likely
        ]
    assert [found.band for found in many] == ["auto", many[1].band, "new", "auto"]


def test_a_row_that_says_nothing_compared_is_new_and_its_neighbours_are_answered(hub: None) -> None:
    nothing, something = search_many(SUPPLIER, [({}, {}), (ROWS[0], {})])
    assert (nothing.band, nothing.found) == ("new", ())
    assert something.band == "auto"
    assert search_many(SUPPLIER, []) == []


def test_the_number_of_queries_does_not_depend_on_the_rows_and_nothing_is_written(hub: None) -> None:
    def asked(times: int) -> int:
        with CaptureQueriesContext(connection) as caught:
            search_many(SUPPLIER, [(row, {}) for row in ROWS * times])
        return len(caught)

    before = ChangeEvent.objects.count()
    assert asked(1) == asked(40) <= 6
    assert ChangeEvent.objects.count() == before
