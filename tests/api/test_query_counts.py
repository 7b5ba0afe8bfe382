"""How many queries each address costs, with little and with much behind it: the same, and the number in the file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.factories import feed, golden, hospital, publish, source, supplier, system

COUNTS = Path(__file__).parents[1] / "estate" / "query_counts.json"
MAKER = {"system": "erp", "domain": "supplier", "key": "V1"}
pytestmark = pytest.mark.django_db


def little() -> dict[str, str]:
    """One record of each domain; the names that stand in the addresses."""
    acme = supplier("V1", "Acme", tax_id="841368850")
    site = hospital("H1", "Reno General")
    item = golden(source("erp", "item", "I1", description="Screw", manufacturer=MAKER))
    line = {"number": "1", "item": {"system": "erp", "domain": "item", "key": "I1"}}
    center = golden(
        source("erp", "cost_center", "100", code="100", name="Surgery",
               facility={"system": "erp", "domain": "facility", "key": "H1"})
    )  # fmt: skip
    deal = golden(source("erp", "contract", "C1", number="C1", supplier=MAKER, parts={"lines": [line]}))
    feed("suppliers", "supplier")
    publish()
    made = {"supplier": acme, "facility": site, "item": item, "cost_center": center, "contract": deal}
    return {name: record.code for name, record in made.items()}


def much() -> dict[str, str]:
    """The same, with more sources behind each record and more records beside them."""
    names = little()
    for number in range(6):
        system(f"s{number}")
        supplier(f"V1{number}", f"Acme {number}")
        golden(source("erp", "item", f"I1{number}", description=f"Screw {number}", manufacturer=MAKER))
    lines = [{"number": str(n), "item": {"system": "erp", "domain": "item", "key": f"I1{n}"}} for n in range(6)]
    sources = [source(f"s{n}", "contract", "C9", number="C9", supplier=MAKER, parts={"lines": lines}) for n in range(6)]
    names["contract"] = golden(*sources).code
    publish()
    return names


def counted(api: Client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = api.get(address)
    assert answer.status_code == 200, answer.content
    return len(queries)


@pytest.mark.parametrize("make", [little, much])
def test_every_address_costs_what_the_file_says(make: Callable[[], dict[str, str]], api: Client) -> None:
    names = make()
    recorded: dict[str, Any] = {
        address: cost for address, cost in json.loads(COUNTS.read_text()).items() if address.startswith("/api/")
    }
    found = {address: counted(api, address.format(**names)) for address in recorded}
    assert found == recorded
