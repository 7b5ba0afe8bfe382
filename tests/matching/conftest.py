"""What every test of matching against PostgreSQL uses."""

from collections.abc import Callable
from uuid import UUID

import pytest

from matching.run import Outcome, match
from mdm import canonical
from mdm.cause import HUB, Cause
from mdm.domains import BY_NAME
from mdm.models import Link, SourceRecord

Run = Callable[[str], Outcome]


def golden_of(record: SourceRecord) -> UUID | None:
    """The golden record a source record is linked to now."""
    return Link.objects.filter(source_record=record, ended_at__isnull=True).values_list("record_id", flat=True).first()


def change(record: SourceRecord, **values: str) -> None:
    """New content of the same key, as intake stores it."""
    record.refresh_from_db()
    if record.state == "linked":
        record.former = {"values": dict(record.values), "parts": record.parts, "stub": record.stub}
    record.values |= values
    record.content_hash = canonical.digest([record.values, record.parts])
    record.state = "waiting"
    record.save()


@pytest.fixture
def run() -> Run:
    """Match one domain to the end."""
    return lambda domain: match(BY_NAME[domain], Cause(by=HUB, reason="test"))
