"""How many questions a page of publishing asks the database; kept in query_counts.json beside the API's."""

import json
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from publishing.models import Delivery
from tests.publishing.making import Answer, Target, rest, run, suppliers, webhook
from tests.publishing.test_pages import signed_in

pytestmark = pytest.mark.django_db
COUNTS = json.loads((Path(__file__).parents[1] / "estate" / "query_counts.json").read_text())
PATHS = [path for path in COUNTS if path.startswith("/publishing/")]


def fill(target: Target, endpoints: int) -> dict[str, str]:
    records = suppliers(3)
    target.answer = Answer(422)
    for number in range(endpoints):
        run(webhook(target.url, code=f"hook{number}", retry_seconds=()))
    target.answer = Answer()
    run(rest(target.url))
    parked = Delivery.objects.filter(state="parked").order_by("pk").values_list("pk", flat=True).first()
    return {"{record}": str(records[0].pk), "{delivery}": str(parked), "{endpoint}": "hook0"}


def asked(path: str, names: dict[str, str]) -> int:
    for name, value in names.items():
        path = path.replace(name, value)
    client = signed_in("domain owner")
    with CaptureQueriesContext(connection) as questions:
        assert client.get(path).status_code == 200
    return len(questions)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_asks_as_often_as_written_down(target: Target, path: str) -> None:
    assert asked(path, fill(target, 1)) == COUNTS[path]


def test_the_list_asks_no_more_for_many_endpoints_than_for_one(target: Target) -> None:
    names = fill(target, 6)
    assert asked("/publishing/", names) == COUNTS["/publishing/"]
