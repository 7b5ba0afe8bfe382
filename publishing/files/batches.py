"""What a file tells: the newest waiting version of each record, or every record as the log last told of it.

Read a page at a time, from the events alone: masking and versions agree with what every other target was given,
and memory stays flat however many there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef

from publishing import payloads
from publishing.files.spooling import OLDER, SKIPPED, Note
from publishing.models import Delivery, DeliveryState, Endpoint, Holding
from publishing.outcomes import NOT_HELD
from publishing.selection import chosen

PAGE = 500
NEWEST = """
SELECT g.id, e.seq, e.version, e.body
FROM (SELECT id FROM mdm_goldenrecord WHERE domain = %s AND known_outside AND id > %s ORDER BY id LIMIT %s) g
LEFT JOIN LATERAL (
    SELECT seq, version, body FROM mdm_changeevent
    WHERE record_id = g.id AND outward AND seq <= %s ORDER BY version DESC LIMIT 1
) e ON true
ORDER BY g.id
"""


@dataclass(frozen=True, slots=True)
class Owed:
    """One record to be written: the version, and the body of the event that told of it."""

    record_id: UUID
    version: int
    seq: int
    leaves: bool
    body: dict[str, Any]


Page = tuple[list[Owed], list[Note]]


def changed(endpoint: Endpoint, domain: str, through: int) -> Iterator[Page]:
    """The newest waiting delivery of each record of the domain, in the order of the log; and what need not be told.

    Not needed are the withdrawal of a record the target never held, and a version older than the one it holds.
    """
    newer = Delivery.objects.filter(
        endpoint_id=OuterRef("endpoint_id"), record_id=OuterRef("record_id"), seq__gt=OuterRef("seq"),
        seq__lte=through, state=DeliveryState.WAITING,
    )  # fmt: skip
    rows = (
        Delivery.objects.filter(~Exists(newer), endpoint=endpoint, domain=domain, state=DeliveryState.WAITING)
        .filter(seq__lte=through)
        .select_related("event")
        .only("record_id", "version", "seq", "leaves", "event__body")
        .order_by("seq")
    )
    after = 0
    while page := list(rows.filter(seq__gt=after)[:PAGE]):
        after = page[-1].seq
        owed = [Owed(row.record_id, row.version, row.seq, row.leaves, payloads.read(row.event.body)) for row in page]
        yield _sorted_out(endpoint, owed)


def _sorted_out(endpoint: Endpoint, owed: Sequence[Owed]) -> Page:
    records = [one.record_id for one in owed]
    held = dict(
        Holding.objects.filter(endpoint=endpoint, record_id__in=records, left=False).values_list("record_id", "seq")
    )
    told, notes = [], []
    for one in owed:
        if held.get(one.record_id, 0) > one.seq:
            notes.append(Note(one.record_id, one.version, one.seq, OLDER))
        elif one.record_id not in held and (one.leaves or payloads.needs_holder(one.body)):
            words = NOT_HELD.words
            notes.append(Note(one.record_id, one.version, one.seq, SKIPPED, code=NOT_HELD.code, words=words))
        else:
            told.append(one)
    return told, notes


def everything(endpoint: Endpoint, domain: str, through: int, *, tells_state: bool) -> Iterator[Page]:
    """Every record of the domain the endpoint is meant to have, as the log last told of it up to ``through``.

    Records withdrawn to pending are in no file. Where no column tells the state, only active ones are: in such a file
    a record is gone when its row is.
    """
    covers = chosen(endpoint).covers
    after = UUID(int=0)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(NEWEST, [domain, after, PAGE, through])
            rows = cursor.fetchall()
        if not rows:
            return
        after = rows[-1][0]
        bodies = ((record_id, seq, version, payloads.read(body)) for record_id, seq, version, body in rows if body)
        owed = [
            Owed(record_id, version, seq, False, body)
            for record_id, seq, version, body in bodies
            if (body["state"] == "active" or (tells_state and body["state"] != "pending")) and covers(body)
        ]
        yield owed, []
