"""What a replay or a resumption would send, counted before anybody presses the button."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from mdm.models import LogHead
from publishing.again import would_offer
from publishing.models import Endpoint, Replay, ReplayKind
from publishing.queries.overview import Overview

MOST = 20_000  # counted one by one; more is told as "more than"

# Events after the cursor, of the endpoint's domains, and how many records they are about.
OPEN = """
SELECT count(*), count(DISTINCT record_id) FROM (
    SELECT record_id FROM publishing_delivery WHERE endpoint_id = %s AND state IN ('waiting', 'parked', 'in_flight')
    UNION ALL
    (SELECT record_id FROM mdm_changeevent WHERE seq > %s AND outward AND (%s OR domain = ANY (%s)) LIMIT %s)
) owed
"""


@dataclass(frozen=True)
class Count:
    """How many messages; ``more`` where counting stopped there."""

    messages: int
    more: bool = False


@dataclass(frozen=True)
class Choice:
    """One way to go on: its word for the verb, what it is called, what it would do."""

    word: str
    label: str
    effect: str


def would_send(
    endpoint: Endpoint, *, kind: ReplayKind, from_seq: int, to_seq: int | None, domains: Sequence[str]
) -> Count:
    """How many messages a replay like this would send, at most."""
    reached = endpoint.lane.cursor_low
    last = reached if to_seq is None else min(to_seq, reached)
    replay = Replay(
        endpoint=endpoint, kind=kind, from_seq=from_seq, to_seq=last, cursor=from_seq - 1, domains=list(domains)
    )
    found = would_offer(endpoint.lane, replay, MOST + 1)
    return Count(min(found, MOST), found > MOST)


def choices(row: Overview) -> list[Choice]:
    """The three ways a lane that stood still goes on, each with what it would do. Two queries."""
    owed, records = _open(row.endpoint)
    most = "at most " if owed >= MOST or row.endpoint.selection else ""
    parked = f" {row.parked:,} parked {_records(row.parked)} stay parked." if row.parked else ""
    told = max(owed - row.parked, 0)
    return [
        Choice(
            "resume",
            "Tell everything, oldest first",
            f"Sends {most}{told:,} {'message' if told == 1 else 'messages'}, in the order of the log.{parked}",
        ),
        Choice(
            "latest",
            "Tell each record once, as it is now",
            f"Sends {most}{records:,} {'message' if records == 1 else 'messages'}: the newest version of each record.",
        ),
        Choice(
            "skip",
            "Go on with what happens from now on",
            f"Leaves out {most}{owed:,}: the system never hears of them unless you replay what is missing.",
        ),
    ]


def _records(count: int) -> str:
    return "record" if count == 1 else "records"


def _open(endpoint: Endpoint) -> tuple[int, int]:
    head = LogHead.objects.values_list("seq", flat=True).first() or 0
    asked: list[Any] = [endpoint.pk, min(endpoint.lane.cursor_low, head), not endpoint.domains, endpoint.domains, MOST]
    with connection.cursor() as cursor:
        cursor.execute(OPEN, asked)
        owed, records = cursor.fetchone()
        return owed, records
