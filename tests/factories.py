"""Everything tests make, made the way the product makes it: source systems, source and golden records, clients."""

from collections.abc import Sequence
from urllib.parse import quote

from django.db import connection

from mdm import log
from mdm.models import Feed, GoldenRecord, SourceRecord
from tests.mdm.making import MARCH, STEWARD, golden, reload, source, system, why

__all__ = [
    "MARCH",
    "STEWARD",
    "check_walls",
    "database_url",
    "feed",
    "golden",
    "hospital",
    "publish",
    "reload",
    "source",
    "supplier",
    "system",
    "why",
]


def supplier(key: str, name: str, *, state: str = "active", system_code: str = "erp", **values: object) -> GoldenRecord:
    """A supplier known to one system under ``key``."""
    return golden(source(system_code, "supplier", key, name=name, **values), state=state)


def hospital(key: str, name: str, *, city: str = "Reno", **values: object) -> GoldenRecord:
    """A facility that no rule holds back."""
    return golden(source("erp", "facility", key, name=name, city=city, **values))


def feed(code: str, domain: str, definition: dict[str, object] | None = None) -> Feed:
    """A feed of the system ``erp``; without a definition it can be named, not read."""
    return Feed.objects.create(
        code=code, title=code.title(), system=system("erp"), domain=domain, definition=definition or {}
    )


def check_walls() -> None:
    """Run the deferred walls now, as a commit would."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def publish() -> int:
    """Number every event, as the sequencer does; the head's number."""
    log.sequence_all()
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(seq), 0) FROM mdm_loghead")
        return int(cursor.fetchone()[0])


def linked(record: GoldenRecord) -> Sequence[SourceRecord]:
    """The source records behind a golden record, in the order they came."""
    return list(SourceRecord.objects.filter(links__record=record, links__ended_at__isnull=True).order_by("pk"))


def database_url() -> str:
    """The test's database, for a session of another program."""
    database = connection.settings_dict
    place = f"host={database['HOST']}&port={database['PORT']}"
    return f"postgresql://{database['USER']}:{quote(database['PASSWORD'])}@/{database['NAME']}?{place}"
