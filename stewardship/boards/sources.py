"""The board of sources: what each system gives, what it shares with others, what was refused of it, how fresh it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from mdm.domains import BY_NAME

MOST_SETS = 20
PAGE = 50

_HELD = """
held AS (
    SELECT l.record_id, s.system_id, count(*) AS number
    FROM mdm_link l JOIN mdm_sourcerecord s ON s.id = l.source_record_id
    JOIN mdm_sourcesystem y ON y.id = s.system_id AND NOT y.internal
    WHERE l.ended_at IS NULL AND s.part = '' AND (%(domain)s = '' OR s.domain = %(domain)s)
    GROUP BY l.record_id, s.system_id
),
together AS (
    SELECT record_id, array_agg(system_id ORDER BY system_id) AS systems, sum(number) AS number
    FROM held GROUP BY record_id
)
"""


@dataclass(frozen=True)
class SourceLine:
    """One system: its source records, the golden records they are in, those nobody else knows, rows refused."""

    pk: int
    code: str
    name: str
    records: int
    goldens: int
    alone: int
    quarantined: int
    rows: int
    last: datetime | None

    @property
    def compression(self) -> float | None:
        """Source records for each golden record; more than one where the system itself holds duplicates."""
        return self.records / self.goldens if self.goldens else None

    @property
    def rejected(self) -> float | None:
        """The share of the rows received that waits in quarantine."""
        return self.quarantined / self.rows if self.rows else None


@dataclass(frozen=True)
class Shared:
    """Golden records known to exactly these systems; ``width`` is for the bar, on 0..100."""

    systems: tuple[int, ...]
    number: int
    width: float

    @property
    def word(self) -> str:
        """How the address names the set."""
        return ".".join(str(one) for one in self.systems)


@dataclass(frozen=True)
class SourceBoard:
    """The systems, and which golden records they share, the most frequent first."""

    systems: Sequence[SourceLine]
    shared: Sequence[Shared]
    sets: int
    goldens: int
    records: int


def board(domain: str = "") -> SourceBoard:
    """Three queries, of one domain or of all."""
    given: dict[str, Any] = {"domain": domain if domain in BY_NAME else "", "most": MOST_SETS}
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {_HELD} SELECT systems, count(*)::int, sum(number)::int FROM together GROUP BY systems", given
        )
        sets: list[tuple[list[int], int, int]] = cursor.fetchall()
        cursor.execute(
            f"WITH {_HELD} SELECT system_id, sum(number)::int, count(*)::int FROM held GROUP BY system_id", given
        )
        held = {system: (records, goldens) for system, records, goldens in cursor.fetchall()}
        cursor.execute(_SYSTEMS, given)
        systems = [_system(row, held, sets) for row in cursor.fetchall()]
    sets.sort(key=lambda one: (-one[1], one[0]))
    most = sets[0][1] if sets else 1
    return SourceBoard(
        systems=[one for one in systems if one.records or one.rows],
        shared=[
            Shared(tuple(ids), number, max(round(100 * number / most, 2), 0.5)) for ids, number, _ in sets[:MOST_SETS]
        ],
        sets=len(sets),
        goldens=sum(number for _, number, _ in sets),
        records=sum(records for _, _, records in sets),
    )


# What a system sent: rows of all its files, those that wait now, and when the last file came.
_SYSTEMS = """
SELECT y.id, y.code, y.name, coalesce(b.rows, 0)::int, b.last,
       coalesce((SELECT count(*) FROM mdm_sourcerow r JOIN mdm_batch o ON o.id = r.batch_id
                 JOIN mdm_feed f ON f.id = o.feed_id WHERE r.state = 'quarantined' AND f.system_id = y.id
                 AND (%(domain)s = '' OR f.domain = %(domain)s)), 0)::int
FROM mdm_sourcesystem y LEFT JOIN (
    SELECT f.system_id, sum(b.rows_read) AS rows, max(b.received_at) AS last FROM mdm_batch b
    JOIN mdm_feed f ON f.id = b.feed_id WHERE %(domain)s = '' OR f.domain = %(domain)s GROUP BY f.system_id
) b ON b.system_id = y.id
WHERE NOT y.internal ORDER BY y.name
"""


def _system(row: Sequence[Any], held: Any, sets: Any) -> SourceLine:
    pk, code, name, rows, last, quarantined = row
    records, goldens = held.get(pk, (0, 0))
    alone = sum(number for ids, number, _ in sets if list(ids) == [pk])
    return SourceLine(pk, code, name, records, goldens, alone, quarantined, rows, last)


@dataclass(frozen=True)
class Found:
    """A golden record behind a figure."""

    code: str
    title: str
    domain: str
    state: str
    sources: int

    @property
    def slug(self) -> str:
        """Where its page is."""
        return BY_NAME[self.domain].slug


def records_of(word: str, domain: str, after: str = "") -> tuple[list[Found], int]:
    """The golden records known to exactly the systems named, by code from a place on, and how many there are."""
    try:
        systems = sorted({int(one) for one in word.split(".")})
    except ValueError:
        return [], 0
    if any(one > 2**62 for one in systems):
        return [], 0
    given: dict[str, Any] = {
        "domain": domain if domain in BY_NAME else "",
        "systems": systems,
        "after": after.replace("\x00", ""),
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {_HELD}, found AS (SELECT g.code, g.title, g.domain, g.state, t.number::int FROM together t "
            "JOIN mdm_goldenrecord g ON g.id = t.record_id WHERE t.systems = %(systems)s::bigint[]) "
            "SELECT f.*, (SELECT count(*) FROM found)::int FROM found f WHERE f.code > %(after)s ORDER BY f.code "
            f"LIMIT {PAGE + 1}",
            given,
        )
        rows = cursor.fetchall()
    return [Found(*row[:5]) for row in rows], rows[0][5] if rows else 0
