"""What a batch of records is compared with: set-based look-ups by blocking key."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

import orjson
from django.db import connection

from matching.blocking import key_of, single_passes
from matching.known import Known, Pair, ordered
from mdm.models import Link, SourceState
from mdm.spec import Domain

# Where keys are kept. Those of a draft that is tried have a table of their own, with the same columns.
KEYS = "matching_matchkey"

# Of each key no more holders are read than tell whether it is held by too many. Asked for as a range in order: asked
# for one key, statistics that a bulk load has just made stale have all its holders read into a bitmap first.
_HOLDERS = """
SELECT held.ids
FROM (SELECT DISTINCT key FROM matching_matchkey WHERE source_record_id = ANY(%(ids)s)) AS mine (key)
CROSS JOIN LATERAL (
  SELECT array_agg(source_record_id) FROM (
    SELECT source_record_id FROM matching_matchkey WHERE key BETWEEN mine.key AND mine.key
    ORDER BY key LIMIT %(cap)s + 1
  ) AS few
) held (ids)
WHERE cardinality(held.ids) BETWEEN 2 AND %(cap)s
"""
_SHARED = """
SELECT key, max(n) FROM (
  SELECT key, count(*) AS n FROM matching_matchkey WHERE key = ANY(%s) GROUP BY key, source
) counted GROUP BY key HAVING max(n) > 1
"""


def pairs_of(domain: Domain, ids: Collection[int], table: str = KEYS) -> set[Pair]:
    """Every pair of one of these records and another that shares a key not held by too many. One query."""
    mine = set(ids)
    pairs: set[Pair] = set()
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS.replace(KEYS, table), {"ids": list(mine), "cap": domain.matching.block_cap})
        for (holders,) in cursor.fetchall():
            pairs.update(ordered(a, b) for a in mine.intersection(holders) for b in holders if a != b)
    return pairs


def load(ids: Collection[int], probes: Collection[int] = ()) -> dict[int, Known]:
    """The prepared records of these ids with their golden record, retired ones left out. One query."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT p.source_record_id, p.features, s.system_id, s.stub, l.record_id
            FROM matching_prepared p JOIN mdm_sourcerecord s ON s.id = p.source_record_id
            LEFT JOIN mdm_link l ON l.source_record_id = s.id AND l.ended_at IS NULL
            WHERE p.source_record_id = ANY(%s) AND s.state <> 'retired'
            """,
            [list(ids)],
        )
        for pk, features, system, stub, golden in cursor.fetchall():
            texts = {name: tuple(values) for name, values in orjson.loads(features).items()}
            found[pk] = Known(pk, system, texts, golden, stub, pk in probes)
    return found


def members_of(golden: Collection[UUID]) -> set[int]:
    """The source records linked to these golden records."""
    if not golden:
        return set()
    links = Link.objects.filter(record_id__in=golden, ended_at__isnull=True, source_record__part="")
    return set(links.values_list("source_record_id", flat=True))


def waiting_among(ids: Collection[int]) -> set[int]:
    """Those that wait and are not linked, locked; one another transaction works on is left out."""
    # By id alone: asked for together with the state, all that waits may be read for every batch.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, state FROM mdm_sourcerecord WHERE id = ANY(%s) FOR NO KEY UPDATE SKIP LOCKED", [list(ids)]
        )
        return {pk for pk, state in cursor.fetchall() if state == SourceState.WAITING}


def shared_texts(domain: Domain, known: Iterable[Known], table: str = KEYS) -> dict[tuple[str, str], int]:
    """(feature, text) -> how many records of one source share it, at most; only texts shared at all. One query."""
    matching = domain.matching
    weighed = {c.feature for c in matching.comparisons if c.rarity}
    passes = {name: number for name, number in single_passes(matching).items() if name in weighed}
    asked: dict[int, tuple[str, str]] = {
        key_of(domain.name, number, (text,)): (name, text)
        for one in known
        for name, number in passes.items()
        for text in one.features.get(name, ())
    }
    with connection.cursor() as cursor:
        cursor.execute(_SHARED.replace(KEYS, table), [list(asked)])
        return {asked[key]: count for key, count in cursor.fetchall()}


def ruled_out(ids: Sequence[int] | Mapping[int, Known]) -> set[Pair]:
    """Pairs of these records a person ruled out and did not take back."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT first_id, second_id FROM matching_knownnonmatch "
            "WHERE first_id = ANY(%(ids)s) AND second_id = ANY(%(ids)s) AND withdrawn_at IS NULL",
            {"ids": list(ids)},
        )
        return set(cursor.fetchall())
