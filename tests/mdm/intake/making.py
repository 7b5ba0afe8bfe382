"""Feeds and files for intake tests, made the way the product makes them."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from mdm.intake import read, receive
from mdm.intake.feeds import save_feed
from mdm.models import Batch, Feed, SourceRecord
from tests.mdm.making import system

HEADER = "NO,NAME,TAX,CITY,STATE,ZIP,UPDATED"
VENDORS: dict[str, Any] = {
    "feed": "vendors",
    "title": "Vendors",
    "source": "erp",
    "domain": "supplier",
    "file": {"pattern": "vendors*"},
    "values": {"blanks": ["N/A"]},
    "key": {"columns": ["NO"], "updated": "UPDATED"},
    "attributes": {"name": "NAME", "tax_id": "TAX"},
    "parts": {
        "addresses": [{"role": {"constant": "order"}, "city": "CITY", "region": "STATE", "postcode": "ZIP"}],
    },
}
CENTERS: dict[str, Any] = {
    "feed": "centers",
    "source": "erp",
    "domain": "cost_center",
    "values": {"dates": ["DD/MM/YYYY"]},
    "key": {"columns": ["ID"]},
    "attributes": {
        "code": "CODE",
        "name": "NAME",
        "facility": {"column": "FACILITY", "by": "name"},
        "valid_from": "FROM",
        "valid_to": "TO",
    },
}


def without(document: Mapping[str, Any], *names: str, **changed: Any) -> dict[str, Any]:
    """A copy of a feed document with settings left out or replaced."""
    return {**{name: value for name, value in document.items() if name not in names}, **changed}


def stored(document: Mapping[str, Any]) -> Feed:
    """The feed, stored; its source system exists."""
    system(str(document["source"]))
    return save_feed(document=document, by="test")


def text(*lines: str, header: str = HEADER) -> bytes:
    """A comma-separated file."""
    return "\n".join([header, *lines, ""]).encode()


def send(feed: Feed, content: bytes, name: str = "vendors.csv", *, again: bool = False) -> Batch:
    """The file received and read."""
    batch = receive(feed=feed, file=BytesIO(content), file_name=name, by="test", again=again, wake=False)
    return read(batch.pk)


def taken(domain: str = "supplier") -> dict[str, SourceRecord]:
    """{key: source record} of a domain."""
    return {record.key: record for record in SourceRecord.objects.filter(domain=domain)}


def counts(batch: Batch) -> tuple[int, int, int, int, int]:
    """Rows read, new, changed, unchanged, quarantined."""
    return (batch.rows_read, batch.rows_new, batch.rows_changed, batch.rows_unchanged, batch.rows_quarantined)
